"""What a player reads first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from bandits.arena.reports import AgentReport
from bandits.errors import BanditsError
from bandits.model.builds import handicap
from bandits.shell.advice import in_full
from bandits.terminal.text import hint
from bandits.version import __version__

if TYPE_CHECKING:
    from bandits.shell.app import BanditsShell

_SHOWN = 8


def banner(shell: BanditsShell) -> Group:
    """Return the title, who is there, and what to type."""
    title = Text.assemble(
        ("Backprop Bandits", "bold cyan"),
        (": The Gradient Arena", "cyan"),
        (f"  {__version__}", "dim"),
    )
    try:
        rows = shell.arena.agents()
    except BanditsError as problem:
        return Group(
            title, Text(f"the arena cannot be opened: {in_full(problem)}", style="bold red")
        )
    return Group(
        title,
        Text(f"agents: {_names(rows)}"),
        hint(*_first_commands(rows), lead="try"),
        Text("help lists the commands, Tab completes, quit leaves", style="dim"),
        *_warning(),
    )


def _warning() -> list[Text]:
    """Return the line that whoever plays on a slow build should see."""
    try:
        reason = handicap()
    except BanditsError:  # no engine at all: the first command that needs it says so
        return []
    return [Text(reason, style="yellow")] if reason else []


def _names(rows: Sequence[AgentReport]) -> str:
    names = [row.name for row in rows[:_SHOWN]]
    return ", ".join(names + ["…"] * (len(rows) > _SHOWN)) or "none yet"


def _first_commands(rows: Sequence[AgentReport]) -> tuple[str, ...]:
    """Return what is worth typing: in a fresh arena, in one with a single agent, and later."""
    if len(rows) < 2:
        return ("create_agent Ada", "help create_agent")
    battle = f"battle {rows[0].name} {rows[1].name} 100"
    if any(row.wins or row.draws or row.losses for row in rows):
        return ("agents", "leaderboard", battle)
    return (battle, "train 500", "tutorial")
