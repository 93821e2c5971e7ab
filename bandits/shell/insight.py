"""Diagnosis: diagnose."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import cmd2
from rich.table import Table
from rich.text import Text

from bandits.energy import format_flops
from bandits.shell.base import BanditsCommands, CommandParser, add_agent, add_json, parser

if TYPE_CHECKING:
    from bandits.health import Finding, Report

_VERDICTS = {"ok": ("ok", "green"), "warn": ("warning", "yellow"), "bad": ("bad", "bold red")}


def _diagnose_parser() -> CommandParser:
    command = parser(
        "Examine an agent: exploding or vanishing gradients, dead ReLU units, values that are not "
        "finite, the size of its updates. It costs a little energy.",
        "diagnose",
        "diagnose B --json",
    )
    add_agent(command)
    add_json(command)
    return command


class InsightCommands(BanditsCommands):
    """The doctor."""

    DEFAULT_CATEGORY = "Insight"

    @cmd2.with_argparser(_diagnose_parser)
    def do_diagnose(self, args: argparse.Namespace) -> None:
        """Examine an agent's gradients, units and updates."""
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
        self.say(_table(report, self._cmd.width))
        signs: dict[str, list[str]] = {}  # by what cures them
        for finding in report.findings:
            if finding.hint:
                signs.setdefault(finding.hint, []).append(_label(finding))
        for cure, labels in signs.items():
            self.say(Text(f"{'; '.join(labels)}: {cure}"))
        overall = {"ok": "is healthy", "warn": "needs care", "bad": "is ill"}[report.verdict]
        self.say(f"{name} {overall}  ·  energy {format_flops(report.n_flops)}")


def _label(finding: Finding) -> str:
    return finding.name if finding.layer is None else f"{finding.name}, {finding.layer}"


def _table(report: Report, width: int) -> Table:
    table = Table(box=None, show_edge=False, padding=(0, 1), pad_edge=False)
    table.add_column("sign", overflow="fold")
    table.add_column("value", justify="right", overflow="fold")
    if width >= 60:
        table.add_column("healthy", style="dim", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for finding in report.findings:
        word, style = _VERDICTS[finding.verdict]
        unit = f" {finding.unit}" if finding.unit else ""
        cells = [_label(finding), f"{finding.value:.3g}{unit}"]
        if width >= 60:
            cells.append(finding.healthy)
        table.add_row(*(Text(cell) for cell in cells), Text(word, style=style))
    return table
