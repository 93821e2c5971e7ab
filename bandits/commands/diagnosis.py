"""Diagnosis: diagnose."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from itertools import count, groupby
from typing import TYPE_CHECKING, Any

import cmd2
from rich.table import Table
from rich.text import Text

from bandits.commands.base import BanditsCommands, add_agent
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings
from bandits.shell.parsing import CommandParser, add_json, parser
from bandits.terminal.text import hint
from bandits.wording import format_flops

if TYPE_CHECKING:
    from bandits.health.findings import Finding, Grade
    from bandits.health.remedies import NewAgent, Remedy

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
    """What ails an agent, and what helps."""

    DEFAULT_CATEGORY = "Insight"

    @cmd2.with_argparser(_diagnose_parser)
    def do_diagnose(self, args: argparse.Namespace) -> None:
        """Examine how an agent learns."""
        name = args.agent or self.arena.current
        new_name = _free_name(name, [row.name for row in self.arena.agents()])
        report = self.arena.diagnose(args.agent)
        if args.json:
            self.say_json(
                {
                    "agent": name,
                    "verdict": report.verdict,
                    "findings": [_as_dict(found, name, new_name) for found in report.findings],
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
        for cure, sick in _cures(signs, name, new_name).items():
            self.say(Text(), Text.assemble(*_complaint(sick, explained=args.explain)))
            self.say(*(Text(f"  {line}", style="cyan") for line in cure))
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


def _cures(
    signs: Sequence[Sequence[Finding]], name: str, new_name: str
) -> dict[tuple[str, ...], list[list[Finding]]]:
    """Return what to type and the signs that it cures; the first complaint first."""
    from bandits.health.findings import worst

    sick: dict[tuple[str, ...], list[list[Finding]]] = {}
    for sign in signs:
        ill = [finding for finding in sign if finding.remedy]
        if ill:
            gravest = next(f for f in ill if f.verdict == worst(g.verdict for g in ill))
            sick.setdefault(commands_for(gravest.remedy, name, new_name), []).append(ill)
    return sick


def _complaint(
    sick: Sequence[Sequence[Finding]], *, explained: bool
) -> Iterator[str | tuple[str, str]]:
    """Say what the signs mean, and what is to be done."""
    for sign in sick:
        verdict: Grade = sign[0].verdict
        yield (sign[0].name, _VERDICTS[verdict][1])
        yield "\n" if explained else f": {sign[0].meaning}\n"
    yield f"→ {_why(sick[0][0])}:"


def _as_dict(finding: Finding, name: str, new_name: str) -> dict[str, Any]:
    """Return a finding as plain JSON data, with what ails the agent and the commands to type."""
    data = {field.name: getattr(finding, field.name) for field in fields(finding)}
    del data["remedy"]
    cure = "; ".join(commands_for(finding.remedy, name, new_name))
    return data | {"hint": _why(finding), "next": cure}


def _why(finding: Finding) -> str:
    return finding.remedy.why if finding.remedy else ""


# What to type.


def commands_for(remedy: Remedy | None, name: str, new_name: str) -> tuple[str, ...]:
    """Return the commands of a remedy for the agent of this name; none where all is well.

    new_name: what a new agent is called.
    """
    from bandits.health.remedies import NewAgent

    if remedy is None:
        return ()
    if isinstance(remedy, NewAgent):
        return _make(remedy, new_name)
    changes = (f"config {key} {_plain(x)} --agent {name}" for key, x in remedy.settings.items())
    return (*changes, f"train {remedy.n_steps} {name}")


def _make(agent: NewAgent, name: str) -> tuple[str, ...]:
    """Return the commands that make and train an agent on the current dataset."""
    config, rate = agent.config, agent.learning_rate
    size = f"create_agent {name} {config.n_embd} {config.n_layer} {config.n_head}"
    if config.block_size != GPTConfig().block_size:
        size += f" --block-size {config.block_size}"
    slower = f"config learning_rate {_plain(rate)} --agent {name}"
    changes = () if rate == Settings().learning_rate else (slower,)
    return (size, *changes, f"train {agent.n_steps} {name}")


def _plain(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def _free_name(name: str, taken: Collection[str]) -> str:
    """Return the name with the lowest number from 2 on behind it that is not taken: A2, Ada3."""
    stem = (name.rstrip("0123456789") or name)[:28]
    return next(new for n in count(2) if (new := f"{stem}{n}") not in taken)
