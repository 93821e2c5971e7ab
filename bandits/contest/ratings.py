"""Ratings: how strong an agent has shown itself in battle, as openskill's Bradley-Terry model.

A rating is a belief, mean mu and deviation sigma; shown is what the agent is almost surely worth,
mu - 3 sigma.  It is for show: no rule decides by it.  Source: Weng and Lin, A Bayesian
Approximation Method for Online Ranking, JMLR 12, 2011.
"""

from __future__ import annotations

from dataclasses import dataclass

from bandits.contest.judgement import Side


@dataclass(frozen=True, slots=True)
class Rating:
    """A belief about an agent's strength; a new agent's if nothing is given."""

    mu: float = 25.0
    sigma: float = 25.0 / 3.0

    @property
    def ordinal(self) -> float:
        """The figure to show: mu - 3 sigma, 0 for a new agent."""
        return self.mu - 3.0 * self.sigma


def new() -> Rating:
    """Return the rating of an agent that has not fought."""
    return Rating()


def update(a: Rating, b: Rating, winner: Side | None) -> tuple[Rating, Rating]:
    """Return both ratings after a battle; winner None is a draw."""
    from openskill.models import BradleyTerryFull  # 30 ms, so only once a battle has been fought

    model = BradleyTerryFull()
    teams = [[model.rating(mu=side.mu, sigma=side.sigma)] for side in (a, b)]
    ranks = {"a": [1.0, 2.0], "b": [2.0, 1.0], None: [1.0, 1.0]}[winner]
    (after_a,), (after_b,) = model.rate(teams, ranks=ranks)
    return Rating(after_a.mu, after_a.sigma), Rating(after_b.mu, after_b.sigma)
