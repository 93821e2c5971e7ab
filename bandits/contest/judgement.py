"""What a judge found of a model, and who won and how sure: plain data, scored by a ruleset."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bandits.model import exact

Bool = npt.NDArray[np.bool_]
Int = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """A model's figures on the test split and on one sample of documents.

    document_bits (n,): bits of each test document in units of 2**-32; document_tokens (n,): its
    scored tokens; creative (n_samples,): the documents that count towards C.
    """

    h1: float
    h_par: float
    finite: bool  # every weight and logit
    quality: float  # Q, and what follows from it, by the ruleset that judged
    creativity_low: float
    score: float
    score_low: float
    samples: tuple[str, ...] = field(repr=False)
    valid: Bool = field(repr=False)
    unique: Bool = field(repr=False)
    document_bits: Int = field(repr=False)
    document_tokens: Int = field(repr=False)

    @property
    def n_samples(self) -> int:
        """Documents in the sample."""
        return len(self.valid)

    @property
    def creative(self) -> Bool:
        """Which documents are valid, not in train, and not a repeat within the sample."""
        return self.valid & self.unique

    @property
    def bits(self) -> float:
        """H: bits per token on the test split."""
        return int(self.document_bits.sum()) / (exact.FIXED * int(self.document_tokens.sum()))

    @property
    def perplexity(self) -> float:
        """2**H."""
        return float(exact.exp2(self.bits))

    @property
    def creativity(self) -> float:
        """C: the creative fraction of the sample."""
        return int(self.creative.sum()) / self.n_samples

    @property
    def uniqueness(self) -> float:
        """The fraction of the sample that is not in train and not a repeat."""
        return int(self.unique.sum()) / self.n_samples

    @property
    def validity(self) -> float:
        """The fraction of the sample that is valid."""
        return int(self.valid.sum()) / self.n_samples

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data, without the documents."""
        figures = (
            "bits perplexity quality creativity creativity_low uniqueness validity "
            "score score_low n_samples finite"
        )
        return {key: getattr(self, key) for key in figures.split()}


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
        return {key: getattr(self, key) for key in self.__slots__}
