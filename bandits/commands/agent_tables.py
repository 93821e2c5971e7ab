"""What the tables of agents share: their names, marked if only a file vouches for them, and their records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bandits.commands.base import ALL
from bandits.terminal.tables import Column
from bandits.terminal.text import Hint, hint

if TYPE_CHECKING:
    from bandits.arena.reports import AgentReport
    from bandits.contest.leaderboard import LeaderboardRow

    Rows = Sequence[AgentReport] | Sequence[LeaderboardRow]

_MARK = "?"


def agent_column(rows: Rows) -> Column:
    """Return the agents' names, a question mark behind those that nobody has verified."""
    names = [f"{row.name} {_MARK}" if row.unverified else row.name for row in rows]
    return Column("agent", names, left=True, style="cyan")


def record_column(rows: Rows, dropped: int) -> Column:
    """Return the agents' wins, draws and losses."""
    return Column(
        "W-D-L", [f"{row.wins}-{row.draws}-{row.losses}" for row in rows], dropped=dropped
    )


def note_on_marks(rows: Rows) -> Hint | None:
    """Return what the question mark means, if one of these agents has it."""
    first = next((row.name for row in rows if row.unverified), None)
    if first is None:
        return None
    return hint(f"verify {first}", f"verify {ALL}", lead=f"{_MARK} from a file, not verified")
