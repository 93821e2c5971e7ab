"""The card that ends a battle: both corners side by side, the two winners, and what each wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bandits.contest.rules import RULESETS
from bandits.terminal.look import SIDES
from bandits.terminal.text import decimal, percent, plural, shown, significant
from bandits.wording import format_flops

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bandits.arena.reports import BattleReport
    from bandits.contest.battle import Corner, Outcome
    from bandits.contest.judgement import Figures

_WIDEST = 80
_NARROW = 60
_LABEL = 20  # of a row, with the frame


def battle_card(report: BattleReport, width: int) -> Panel:
    """Return the card of a battle that was fought to its end."""
    width = min(width, _WIDEST)
    kind = "Exhibition" if report.exhibition else f"Battle {report.match_id}"
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column()
    for label, text in _winners(report):
        lines.add_row(label, text)
    parts: list[RenderableType] = [_figures(report, width), Text(), lines]
    if width >= _NARROW:
        lines.add_row("", "")
        for side, name, texts in _samples(report):
            wrote = Text(f"{shown(name, 12)} wrote", style=SIDES[side])
            lines.add_row(wrote, Text(", ", style="dim").join(map(Text, texts)))
    else:
        parts += [Text(), _two_columns(report)]
    return Panel(
        Group(*parts),
        title=Text(f"{kind}: {report.name_a} against {report.name_b}", style="bold"),
        subtitle=Text(_terms(report.outcome), style="dim"),
        border_style="dim",
        width=width,
        padding=(0, 1),
    )


def _terms(outcome: Outcome) -> str:
    if outcome.n_steps is not None:
        limit = f"{plural(outcome.n_steps, 'step')} each"
    else:
        limit = f"{format_flops(outcome.max_flops or 0)} each"
    return f"{limit}, seed {outcome.seed}, ruleset {outcome.ruleset}"


def _figures(report: BattleReport, width: int) -> Table:
    """The table: one row a figure, the better side of each in bold."""
    outcome = report.outcome
    a, b = _judged(outcome.a), _judged(outcome.b)
    verdict = outcome.verdict
    table = Table(box=None, padding=(0, 1), collapse_padding=True, pad_edge=False, expand=True)
    table.add_column("", no_wrap=True)
    room = (width - _LABEL) // 2
    for side, name in (("a", report.name_a), ("b", report.name_b)):
        won = " wins" if outcome.winner == side else ""
        header = Text.assemble((shown(name, room - len(won)), SIDES[side]), (won, "bold green"))
        table.add_column(header, justify="right", ratio=1, no_wrap=True, overflow="ellipsis")

    def row(label: str, left: str, right: str, better: float = 0.0) -> None:
        table.add_row(
            label,
            Text(left, style="bold" if better > 0 else ""),
            Text(right, style="bold" if better < 0 else ""),
        )

    row("steps", f"+{outcome.a.n_steps:,}", f"+{outcome.b.n_steps:,}")
    row("loss", _loss(outcome.a), _loss(outcome.b))
    row("perplexity", decimal(a.perplexity), decimal(b.perplexity), b.bits - a.bits)
    row("uniqueness", percent(a.uniqueness), percent(b.uniqueness), a.uniqueness - b.uniqueness)
    row("validity", percent(a.validity), percent(b.validity), a.validity - b.validity)
    row("score", f"{a.score:.0f}", f"{b.score:.0f}", a.score - b.score)
    if verdict is not None:
        row(
            "95% interval",
            f"{verdict.a_low:.0f} to {verdict.a_high:.0f}",
            f"{verdict.b_low:.0f} to {verdict.b_high:.0f}",
        )
    row("battle energy", format_flops(outcome.a.battle_flops), format_flops(outcome.b.battle_flops))
    row("total energy", format_flops(outcome.a.total_flops), format_flops(outcome.b.total_flops))
    left, right = 1e6 * outcome.a.efficiency, 1e6 * outcome.b.efficiency
    row("score/MFLOP", significant(left), significant(right), left - right)
    return table


def _judged(corner: Corner) -> Figures:
    assert corner.figures is not None, "a stopped battle has no card"
    return corner.figures


def _winners(report: BattleReport) -> list[tuple[str, Text]]:
    outcome = report.outcome
    lines = [("by score", Text.assemble(*_by_score(report)))]
    best, other = 1e6 * outcome.a.efficiency, 1e6 * outcome.b.efficiency
    if outcome.efficiency_winner == "b":
        best, other = other, best
    if report.efficiency_winner is None:
        lines.append(("by efficiency", Text("no winner")))
    else:
        winner = (report.efficiency_winner, f"bold {SIDES[outcome.efficiency_winner or 'a']}")
        points = f" wins with {significant(best)} points a MFLOP against {significant(other)}"
        lines.append(("by efficiency", Text.assemble(winner, points)))
    for name, n_steps in at_horizon(report).items():
        done = f"{name} is at its horizon: it trained {n_steps:,} of the steps"
        lines.append(("note", Text(done)))
    return lines


def at_horizon(report: BattleReport) -> dict[str, int]:
    """Return the sides whose schedule ended before the battle did, and how many steps each trained."""
    outcome = report.outcome
    return {
        name: corner.n_steps
        for name, corner in ((report.name_a, outcome.a), (report.name_b, outcome.b))
        if outcome.n_steps and corner.n_steps < outcome.n_steps and not corner.diverged
    }


def _by_score(report: BattleReport) -> list[str | tuple[str, str]]:
    """Say who won and why; why a draw is one."""
    outcome, verdict = report.outcome, report.outcome.verdict
    assert verdict is not None, "a stopped battle has no card"
    draw = ("a draw", "bold")
    if outcome.reason == "both diverged":
        return [draw, ": both exploded"]
    if outcome.reason == "interval":
        interval = f"{verdict.low:z.1f} to {verdict.high:z.1f}"
        return [draw, f": the difference is {interval} (95% sure), which includes 0"]
    if outcome.reason == "margin":
        margin = RULESETS[outcome.ruleset].win_margin
        return [draw, f": {abs(verdict.difference):.1f} points apart, a win needs {margin:.0f}"]
    winner = (report.winner or "", f"bold {SIDES[outcome.winner or 'a']}")
    if outcome.reason == "forfeit":
        loser = report.name_b if outcome.winner == "a" else report.name_a
        return [winner, f" wins: {loser} exploded and forfeits"]
    sign = 1 if outcome.winner == "a" else -1
    low, high = sorted((sign * verdict.low, sign * verdict.high))
    points = f"{sign * verdict.difference:.0f}"
    return [winner, f" wins by {points} points (95% sure: {low:.0f} to {high:.0f})"]


def _samples(report: BattleReport) -> list[tuple[str, str, list[str]]]:
    """Return the side, the name and the first documents of each agent."""
    sides = (("a", report.name_a, report.outcome.a), ("b", report.name_b, report.outcome.b))
    return [
        (side, name, [shown(text, 20) for text in corner.samples]) for side, name, corner in sides
    ]


def _two_columns(report: BattleReport) -> Table:
    table = Table(box=None, padding=(0, 1), collapse_padding=True, pad_edge=False, expand=True)
    samples = _samples(report)
    for side, name, _ in samples:
        header = Text(f"{shown(name, 10)} wrote", style=SIDES[side])
        table.add_column(header, ratio=1, no_wrap=True, overflow="ellipsis")
    for left, right in zip(samples[0][2], samples[1][2], strict=True):
        table.add_row(Text(left), Text(right))
    return table


def _loss(corner: Corner) -> str:
    return "exploded" if corner.diverged else decimal(corner.loss, 3)
