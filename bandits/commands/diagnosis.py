"""Diagnosis: diagnose."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import cmd2
from rich.table import Table
from rich.text import Text

from bandits.commands.base import BanditsCommands, add_agent
from bandits.shell.parsing import CommandParser, add_json, parser
from bandits.terminal.text import hint
from bandits.wording import format_flops

if TYPE_CHECKING:
    from bandits.health.findings import Finding, Verdict

_VERDICTS = {"ok": ("ok", "green"), "warn": ("warning", "yellow"), "bad": ("bad", "bold red")}
_WIDE = 60  # columns from which the healthy ranges have room
_SHORT_UNIT = 4  # letters; longer ones are left out where it is narrow
_MANY_LAYERS = 4  # whose figures are listed one by one


def _diagnose_parser() -> CommandParser:
    command = parser(
        "Examine an agent: its loss, gradients, updates, units and attention, and whether it overfits, "
        "recites or has finished its schedule; with what to type next. It costs a little energy; "
        "diagnosing a clone costs the agent none.",
        "diagnose",
        "diagnose B --explain",
        "diagnose B --json",
    )
    add_agent(command)
    command.add_argument(
        "--explain", action="store_true", help="say what each sign means, of the healthy ones too"
    )
    add_json(command)
    return command


class InsightCommands(BanditsCommands):
    """The doctor."""

    DEFAULT_CATEGORY = "Insight"

    @cmd2.with_argparser(_diagnose_parser)
    def do_diagnose(self, args: argparse.Namespace) -> None:
        """Examine how an agent learns."""
        name = args.agent or self.arena.current
        report = self.arena.diagnose(args.agent)
        if args.json:
            self.say_json(
                {
                    "agent": name,
                    "verdict": report.verdict,
                    "findings": [finding.as_dict() for finding in report.findings],
                    "n_documents": report.n_documents,
                    "n_flops": report.n_flops,
                }
            )
            return
        signs = [list(found) for _, found in groupby(report.findings, lambda found: found.name)]
        self.say(_table(signs, self.shell.width))
        if args.explain:
            self.say(Text())
            for sign in signs:
                self.say(Text.assemble((sign[0].name, "bold"), f": {sign[0].meaning}"))
        for cure, sick in _cures(signs):
            self.say(Text(), Text.assemble(*_complaint(sick, explained=args.explain)), *cure)
        overall = {"ok": "is healthy", "warn": "needs care", "bad": "is ill"}[report.verdict]
        spent = format_flops(report.n_flops)
        self.say(Text.assemble((f"{name} {overall}", "bold"), f"  ·  energy {spent}"))
        if report.verdict == "ok":
            explain = [] if args.explain else [f"diagnose {name} --explain"]
            self.say(hint(*explain, f"generate 20 {name}"))


def _table(signs: Sequence[Sequence[Finding]], width: int) -> Table:
    """One row a sign, whatever the number of layers."""
    from bandits.health.findings import worst

    table = Table(box=None, show_edge=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("sign", overflow="fold")
    table.add_column("value", justify="right", overflow="fold")
    if width >= _WIDE:
        table.add_column("healthy", style="dim", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for sign in signs:
        word, style = _VERDICTS[worst(finding.verdict for finding in sign)]
        cells = [_label(sign), _value(sign, short=width < _WIDE)]
        if width >= _WIDE:
            cells.append(sign[0].healthy)
        table.add_row(*(Text(cell) for cell in cells), Text(word, style=style))
    return table


def _label(sign: Sequence[Finding]) -> str:
    block = sign[0].layer
    return sign[0].name if block is None or _is_layer(block) else f"{sign[0].name}, {block}"


def _is_layer(block: str) -> bool:
    return block.startswith("layer")


def _value(sign: Sequence[Finding], *, short: bool) -> str:
    """The figure with its error and unit; one figure a layer, or the lowest and highest of many."""
    values, error, unit = [finding.value for finding in sign], sign[0].error, sign[0].unit
    shown = [f"{value:.1f}" if unit == "%" else f"{value:.3g}" for value in values]
    if len(values) > _MANY_LAYERS:
        low, high = f"{min(values):.1f}", f"{max(values):.1f}"
        number = low if low == high else f"{low} to {high}"
    elif error is not None and abs(values[0]) < 1000:
        digits = 0 if unit == "%" else 2
        number = f"{values[0]:z.{digits}f} ± {error:.{digits}f}"
    else:
        number = " · ".join(shown)
    return number if short and len(unit) > _SHORT_UNIT else f"{number} {unit}".rstrip()


def _cures(signs: Sequence[Sequence[Finding]]) -> Iterator[tuple[list[Text], list[list[Finding]]]]:
    """Yield what to type, a command a line, and the signs that it cures; the first complaint first."""
    from bandits.health.findings import worst

    sick: dict[str, list[list[Finding]]] = {}
    for sign in signs:
        ill = [finding for finding in sign if finding.next]
        if ill:
            cure = next(f for f in ill if f.verdict == worst(g.verdict for g in ill)).next
            sick.setdefault(cure, []).append(ill)
    for cure, complaints in sick.items():
        yield [Text(f"  {line}", style="cyan") for line in cure.split("; ")], complaints


def _complaint(
    sick: Sequence[Sequence[Finding]], *, explained: bool
) -> Iterator[str | tuple[str, str]]:
    """Say what the signs mean, and what is to be done."""
    for sign in sick:
        verdict: Verdict = sign[0].verdict
        yield (sign[0].name, _VERDICTS[verdict][1])
        yield "\n" if explained else f": {sign[0].meaning}\n"
    yield f"→ {sick[0][0].hint}:"
