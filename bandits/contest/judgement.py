"""What a judge found of a model, what a ruleset makes of it, and who won: plain data, no rule in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bandits.model import exact
from bandits.model.exact import Float, Int

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Written:
    """Documents that a model wrote, and what is true of each, (n,) bool.

    ended: with BOS before block_size; valid: like the dataset's own; first: no repeat of an earlier one of
    these; in_train, in_held_out: it is a document of train, of validation or test.
    """

    texts: tuple[str, ...] = field(repr=False)
    ended: Bool = field(repr=False)
    valid: Bool = field(repr=False)
    first: Bool = field(repr=False)
    in_train: Bool = field(repr=False)
    in_held_out: Bool = field(repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def unique(self) -> Bool:
        """Which are distinct and not in train."""
        return self.first & ~self.in_train

    @property
    def creative(self) -> Bool:
        """Which are valid and unique."""
        return self.valid & self.unique


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """What a judge found of a model on the test split and in the documents that it wrote.

    h: H1..H6 of the house n-grams; document_bits (n,): bits of each test document in units of 2**-32;
    document_tokens (n,): its scored tokens; n_train, n_held_out: documents in those parts of the dataset.
    """

    h: tuple[float, ...]
    finite: bool  # every weight, logit and loss
    n_train: int
    n_held_out: int
    written: Written = field(repr=False)
    document_bits: Int = field(repr=False)
    document_tokens: Int = field(repr=False)

    @property
    def bits(self) -> float:
        """H: bits per token on the test split."""
        return int(self.document_bits.sum()) / (exact.FIXED * int(self.document_tokens.sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A judgement in numbers, by one ruleset: H, 2**H, Q, C, and the score that follows from them."""

    bits: float
    perplexity: float
    quality: float
    creativity: float
    creativity_low: float  # one-sided 95% lower bound
    uniqueness: float  # distinct and not in train
    validity: float
    score: float
    score_low: float  # with C at its bound
    n_samples: int
    finite: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resampled:
    """A judgement's Score, and the same on each of a ruleset's resamples, scores (n,).

    The resamples of one seed are the same for every judgement by one judge, so those of two agents are
    paired, whenever each was made.
    """

    judgement: Judgement
    seed: int
    score: float
    scores: Float


Side = Literal["a", "b"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who wins by Score, and the 95% intervals behind it; difference is a's Score less b's."""

    winner: Side | None
    difference: float
    low: float
    high: float
    a_low: float
    a_high: float
    b_low: float
    b_high: float

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return asdict(self)
