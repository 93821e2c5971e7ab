"""What a ruleset decides.  It is a value: whoever judges, ranks or replays is handed one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from bandits.contest.house import House
from bandits.contest.judgement import Bool, Figures, Judgement, Resampled, Verdict
from bandits.model.documents import Documents
from bandits.model.energy import Energy
from bandits.model.gpt import GPT

Validity = Callable[[Documents], Bool]


class Ruleset(Protocol):
    """Every number and formula that decides who is better.

    number: its name in matches and scores; n_samples: documents that each agent writes to be judged;
    win_margin: points that a win needs; leagues: best first.
    """

    number: int
    n_samples: int
    win_margin: float
    leagues: tuple[str, ...]

    def par(self, h: Sequence[float]) -> float:
        """Return Hpar, the bits per token of quality 1, from the house n-grams' H1..H6."""

    def validity(self, house: House) -> Validity:
        """Return the test of a written document that ended, by a dataset's house."""

    def writing_seed(self, model: GPT, seed: int) -> int:
        """Return the seed that a model writes with when it is judged under `seed`."""

    def figures(self, judgement: Judgement) -> Figures:
        """Return a judgement in numbers, the score among them."""

    def resample(self, judgements: Sequence[Judgement], seed: int) -> list[Resampled]:
        """Score each judgement, and again on resamples that come of the seed alone."""

    def verdict(self, a: Resampled, b: Resampled) -> Verdict:
        """Return who wins and how sure.  Raises ValueError if they are not of the same resamples."""

    def league_bits(self, h: Sequence[float]) -> dict[str, float]:
        """Return the most bits per token that each league allows, best league first, from H1..H6."""

    def league(self, bits: float, h: Sequence[float]) -> str | None:
        """Return the best league whose bar `bits` per token meets; None below the last."""

    def ranking_flops(self, energy: Energy) -> int:
        """Return the operations that a Score is divided by where agents are ranked."""


RULESETS: dict[int, Ruleset] = {}

R = TypeVar("R", bound=Ruleset)


def register(ruleset: R) -> R:
    """Enter a ruleset under its number, and return it.  Raises ValueError if the number is taken."""
    if ruleset.number in RULESETS:
        raise ValueError(f"ruleset {ruleset.number} is registered twice")
    RULESETS[ruleset.number] = ruleset
    return ruleset
