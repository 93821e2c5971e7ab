"""The report of the leaderboard: the ranks by league, score against energy, and each agent's line."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from bandits.contest.rules import CURRENT
from bandits.errors import InvalidValue
from bandits.pages.rendering import render

if TYPE_CHECKING:
    from bandits.arena.arena import Arena

UNRANKED = "Unranked"


class NobodyToReport(InvalidValue):
    """No agent has learned the dataset."""


def leaderboard_page(arena: Arena) -> str:
    """Return the page of the current dataset's leaderboard.  Raises NobodyToReport."""
    rows = arena.leaderboard()
    if not rows:
        raise NobodyToReport(f"no agent of dataset '{arena.dataset_name}' to report on")
    picture, no_picture = _pareto(arena)
    return render(
        "leaderboard.html",
        dataset=arena.dataset_name,
        rows=rows,
        leagues=[
            (league or UNRANKED, list(members))
            for league, members in groupby(rows, lambda row: row.league)
        ],
        agents={row.name: row for row in arena.agents()},
        picture=picture,
        no_picture=no_picture,
        ruleset=CURRENT.number,
    )


def _pareto(arena: Arena) -> tuple[str, str]:
    """Return the picture of score against energy, or why there is none."""
    from bandits.drawing.inline import inline_svg
    from bandits.pictures import PLOTS
    from bandits.pictures.registration import Request

    try:
        picture = PLOTS.get("pareto").gather(arena, Request())
    except InvalidValue as reason:
        return "", str(reason)
    description = (
        "Every agent as a point: its score over the energy it has spent. The line joins the agents "
        "that none beats with as little energy. The table above has the same figures."
    )
    return inline_svg(picture, description), ""
