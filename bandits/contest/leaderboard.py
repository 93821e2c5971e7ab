"""The leaderboard: most efficient first, Score / Energy, within a league.

Across leagues the ratio would only reward stopping early, so the better league comes first and an
agent that beats no house bigram is unranked, with what it is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bandits.contest.rules import CURRENT, Ruleset
from bandits.model.config import GPTConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """An agent that asks for a rank; figures: `Figures.as_dict()` of its weights."""

    name: str
    config: GPTConfig
    figures: Mapping[str, Any]
    total_flops: int  # of its whole lineage
    wins: int = 0
    draws: int = 0
    losses: int = 0
    rating: float = 0.0
    unverified: bool = False  # a file says so, and nobody here has retrained it


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardRow:
    """One line of the leaderboard; rank and league are None below Bronze, and `missing` says why."""

    rank: int | None
    name: str
    league: str | None
    config: GPTConfig
    bits: float
    perplexity: float
    uniqueness: float
    validity: float
    score: float
    total_flops: int
    score_per_mflop: float
    wins: int
    draws: int
    losses: int
    rating: float
    missing: str | None
    unverified: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain JSON data."""
        data = {key: getattr(self, key) for key in self.__slots__}
        return data | {"config": self.config.as_dict()}


def rank(
    contestants: Iterable[Contestant], h: Sequence[float], ruleset: Ruleset = CURRENT
) -> list[LeaderboardRow]:
    """Return the rows in order, by the house n-grams' bits H1..H6 of the dataset in play."""
    rows = []
    n_ranked = 0
    for agent in sorted(contestants, key=lambda agent: _place(agent, h, ruleset)):
        league = _league_of(agent.figures, h, ruleset)
        n_ranked += league is not None
        figures = agent.figures
        rows.append(
            LeaderboardRow(
                rank=n_ranked if league else None,
                name=agent.name,
                league=league,
                config=agent.config,
                bits=figures["bits"],
                perplexity=figures["perplexity"],
                uniqueness=figures["uniqueness"],
                validity=figures["validity"],
                score=figures["score"],
                total_flops=agent.total_flops,
                score_per_mflop=1e6 * efficiency(figures["score"], agent.total_flops),
                wins=agent.wins,
                draws=agent.draws,
                losses=agent.losses,
                rating=agent.rating,
                missing=None if league else _missing(figures, h, ruleset),
                unverified=agent.unverified,
            )
        )
    return rows


def efficiency(score: float, total_flops: int) -> float:
    """Return Score per operation of the whole lineage; 0 before anything is spent."""
    return score / total_flops if total_flops else 0.0


def _league_of(figures: Mapping[str, Any], h: Sequence[float], ruleset: Ruleset) -> str | None:
    """Return the league of these figures; None below Bronze, or if a figure was not finite."""
    return ruleset.league(figures["bits"], h) if figures["finite"] else None


def _place(
    agent: Contestant, h: Sequence[float], ruleset: Ruleset
) -> tuple[int, float, float, str]:
    league = _league_of(agent.figures, h, ruleset)
    if league is None:  # the nearest to Bronze first
        return (len(ruleset.leagues), 0.0, agent.figures["bits"], agent.name)
    ratio = efficiency(agent.figures["score"], agent.total_flops)
    return (ruleset.leagues.index(league), -ratio, -agent.figures["score"], agent.name)


def _missing(figures: Mapping[str, Any], h: Sequence[float], ruleset: Ruleset) -> str:
    if not figures["finite"]:
        return "it exploded: a weight, logit or loss is not finite"
    league = ruleset.leagues[-1]
    bar, bits = ruleset.league_bits(h)[league], figures["bits"]
    digits = next((n for n in (2, 3, 4, 6) if f"{bits:.{n}f}" != f"{bar:.{n}f}"), 9)
    return f"{league} needs {bar:.{digits}f} bits a token or fewer, it has {bits:.{digits}f}"
