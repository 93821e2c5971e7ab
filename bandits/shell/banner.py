"""What a player reads first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from bandits import __version__
from bandits.errors import BanditsError
from bandits.shell.text import hint

if TYPE_CHECKING:
    from bandits.shell.app import BanditsShell


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
        return Group(title, Text(f"the arena cannot be opened: {problem}", style="bold red"))
    names = ", ".join(row.name for row in rows[:8]) + (", …" if len(rows) > 8 else "")
    fought = any(row.wins or row.draws or row.losses for row in rows)
    first = hint("battle A B 100", "train 500", "generate", lead="try")
    again = hint("agents", "leaderboard", "battle A B 100", lead="try")
    return Group(
        title,
        Text(f"agents: {names}"),
        again if fought else first,
        Text("help lists the commands, Tab completes, quit leaves", style="dim"),
    )
