"""Score against energy: every agent of the dataset, and the front that none of them beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bandits.contest.rules import CURRENT
from bandits.errors import InvalidValue, UnknownName
from bandits.pictures.panels import Dot, Floats, Picture, Points
from bandits.pictures.registration import Exhibit, Request, picture, short

if TYPE_CHECKING:
    from bandits.arena.arena import Arena
    from bandits.contest.leaderboard import LeaderboardRow

ALL_NAMED = 12  # so many agents all have their names written
NAME_LENGTH = 18
UNRANKED = "unranked"


class NothingSpent(InvalidValue):
    """No agent of the dataset has spent energy yet."""


@picture(
    "pareto",
    takes="arena",
    summary="score against energy, and the front",
    exhibit=Exhibit(
        asked=Request(),
        seen="Score against energy: a staircase through the agents that no other beats",
        look_for=(
            "Score against energy, all agents of the dataset. Agents below the line are beaten by "
            "another at the same energy: the front is where the leaderboard is won. Agents that "
            "are asked for are named even when there are many."
        ),
    ),
)
def pareto(arena: Arena, request: Request) -> Picture:
    """Gather every agent that has spent energy; those asked for have their names written."""
    rows = arena.leaderboard()
    for name in request.names:
        if name not in {row.name for row in rows}:
            arena.agent(
                name
            )  # raises UnknownName with the nearest, unless it learns another dataset
            raise UnknownName(f"agent '{name}' learns another dataset than {arena.dataset_name}")
    spent = [row for row in rows if row.total_flops]
    if not spent:
        raise NothingSpent(f"no agent of {arena.dataset_name} has spent energy yet")
    best = front(spent)
    groups = (*CURRENT.leagues, UNRANKED)
    dots = [
        Dot(
            short(row.name, NAME_LENGTH),
            row.total_flops,
            row.score,
            groups.index(row.league or UNRANKED),
            named=len(spent) <= ALL_NAMED or row in best or row.name in request.names,
        )
        for row in spent
    ]
    notes = []
    if len(spent) < len(rows):
        n = len(rows) - len(spent)
        notes.append(f"{n} {'agent has' if n == 1 else 'agents have'} spent nothing: not drawn")
    x = np.array([row.total_flops for row in best], np.float64)
    panel = Points(
        title=f"Score against energy on {short(arena.dataset_name, 40)}",
        x_label="energy of the lineage",
        y_label="score",
        dots=dots,
        groups=groups,
        front=(x, np.array([row.score for row in best], np.float64)),
        energy=True,
        y_limits=_limits([row.score for row in spent]),
    )
    return Picture(title="score against energy", slug="pareto", panels=[panel], notes=notes)


def front(rows: list[LeaderboardRow]) -> list[LeaderboardRow]:
    """Return the rows that no other beats with as little energy, the cheapest first."""
    best: list[LeaderboardRow] = []
    for row in sorted(rows, key=lambda row: (row.total_flops, -row.score, row.name)):
        if row.score > (best[-1].score if best else 0.0):
            best.append(row)
    return best


def _limits(scores: list[float] | Floats) -> tuple[float, float]:
    high = max(100.0, float(max(scores)))
    return -0.04 * high, 1.12 * high
