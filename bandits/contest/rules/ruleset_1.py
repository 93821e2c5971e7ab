"""Ruleset 1: quality, score, the verdict of a battle and the leagues.

Whatever decides is computed from IEEE + - * / and comparisons in float64, from exact sums of
fixed-point integers and from raw PCG64 words, so a replay gives the same bits on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bandits.contest.house import House
from bandits.contest.judgement import Bool, Figures, Judgement, Resampled, Side, Verdict
from bandits.contest.rules.ruleset import register
from bandits.model import exact
from bandits.model.documents import Documents
from bandits.model.energy import Energy
from bandits.model.exact import Float, Int
from bandits.model.gpt import GPT

N_RESAMPLES = 2000
PAR = 0.93  # of the best house n-gram's bits
VALID_LENGTHS = (1, 99)  # percentiles of the lengths in train
VALID_ORDER = 5  # of the house n-gram that judges validity
VALID_BITS = 95  # percentile of its figure over the validation split

_Z95 = 1.6448536269514722  # one-sided 95% point of the normal distribution
_BLOCK = 2**16  # indices drawn at a time: half a MB


class Ruleset1:
    """The first rules.  A later ruleset may inherit what it does not change, since this never changes."""

    number = 1
    n_samples = 1000
    win_margin = 5.0  # points
    leagues: tuple[str, ...] = ("Platinum", "Gold", "Silver", "Bronze")

    # A judgement in numbers

    def par(self, h: Sequence[float]) -> float:
        """Return Hpar, the bits per token of quality 1, from the house n-grams' H1..H6."""
        return PAR * min(h)

    def quality(self, bits: npt.ArrayLike, h: Sequence[float]) -> Float:
        """Return Q = clamp((H1 - H) / (H1 - Hpar), 0, 1), elementwise in H."""
        q = (h[0] - np.asarray(bits, np.float64)) / (h[0] - self.par(h))
        return np.asarray(np.minimum(np.maximum(q, 0.0), 1.0), np.float64)

    def flags(self, judgement: Judgement) -> list[Bool]:
        """Return what is summed over the written documents to make C: here the creative ones."""
        return [judgement.written.creative]

    def creativity(self, sums: Int, judgement: Judgement) -> Float:
        """Return C, elementwise, from sums of the flags: (flags, ...)."""
        return np.asarray(sums[0].astype(np.float64) / len(judgement.written), np.float64)

    def score(self, q: npt.ArrayLike, c: npt.ArrayLike) -> Float:
        """Return 1000 * 2QC / (Q + C), elementwise; 0 where either is 0."""
        q, c = np.asarray(q, np.float64), np.asarray(c, np.float64)
        total = q + c
        balance = 2.0 * q * c / np.where(total > 0.0, total, 1.0)
        return np.asarray(1000.0 * balance, np.float64)

    def figures(self, judgement: Judgement) -> Figures:
        """Return a judgement in numbers.  The score is 0 where anything is not finite."""
        written = judgement.written
        n = len(written)
        bits = judgement.bits
        quality = float(self.quality(bits, judgement.h))
        sums = np.array([int(flag.sum()) for flag in self.flags(judgement)], np.int64)
        creativity = float(self.creativity(sums, judgement))
        low = wilson_low(round(creativity * n), n)
        finite = judgement.finite
        return Figures(
            bits=bits,
            perplexity=float(exact.exp2(bits)),
            quality=quality,
            creativity=creativity,
            creativity_low=low,
            uniqueness=int(written.unique.sum()) / n,
            validity=int(written.valid.sum()) / n,
            score=float(self.score(quality, creativity)) if finite else 0.0,
            score_low=float(self.score(quality, low)) if finite else 0.0,
            n_samples=n,
            finite=finite,
        )

    # How a model is looked at

    def validity(self, house: House) -> Limits:
        """Return the limits of a valid document, by the dataset's own lengths and its house 5-gram."""
        dataset = house.dataset
        low, high = VALID_LENGTHS
        return Limits(
            house=house,
            length_low=percentile(dataset.train.lengths, low),
            length_high=percentile(dataset.train.lengths, high),
            max_fixed=percentile(house.mean_fixed(dataset.validation, VALID_ORDER), VALID_BITS),
        )

    def writing_seed(self, model: GPT, seed: int) -> int:
        """Return the judge's seed: all models draw from the same uniforms."""
        return seed

    # Who wins

    def resample(self, judgements: Sequence[Judgement], seed: int) -> list[Resampled]:
        """Score each judgement, and again on 2,000 bootstrap resamples, the same for all.

        Each resample draws test documents and sample numbers, which come of the seed alone.
        Raises: ValueError if the judgements are of different test splits or sample sizes.
        """
        for other in judgements[1:]:
            _check_comparable(judgements[0], other)
        stream = np.random.PCG64(seed)
        tokens, *bits = resampled_sums(
            [judgements[0].document_tokens, *(found.document_bits for found in judgements)], stream
        )
        flags = [self.flags(found) for found in judgements]
        sums = iter(resampled_sums([flag for each in flags for flag in each], stream))
        resampled = []
        for found, n_bits, own in zip(judgements, bits, flags, strict=True):
            h = n_bits.astype(np.float64) / exact.FIXED / tokens.astype(np.float64)
            c = self.creativity(np.array([next(sums) for _ in own]), found)
            scores = self.score(self.quality(h, found.h), c)
            resampled.append(
                Resampled(
                    judgement=found,
                    seed=seed,
                    score=self.figures(found).score,
                    scores=scores if found.finite else np.zeros(N_RESAMPLES),
                )
            )
        return resampled

    def verdict(self, a: Resampled, b: Resampled) -> Verdict:
        """Compare two by their paired resamples.

        A win needs the 95% interval of the difference to exclude 0, and a difference of at least 5 points.
        Raises: ValueError if they are not of the same resamples.
        """
        _check_comparable(a.judgement, b.judgement)
        if a.seed != b.seed:
            raise ValueError("scores resampled with different seeds cannot be compared")
        difference = a.score - b.score
        low, high = interval(a.scores - b.scores)
        winner: Side | None = None
        if low > 0.0 and difference >= self.win_margin:
            winner = "a"
        elif high < 0.0 and difference <= -self.win_margin:
            winner = "b"
        (a_low, a_high), (b_low, b_high) = interval(a.scores), interval(b.scores)
        return Verdict(
            winner=winner,
            difference=difference,
            low=low,
            high=high,
            a_low=a_low,
            a_high=a_high,
            b_low=b_low,
            b_high=b_high,
        )

    # Who ranks where

    def league_bits(self, h: Sequence[float]) -> dict[str, float]:
        """Return the most bits per token that each league allows, best league first, from H1..H6."""
        return dict(zip(self.leagues, (h[3], h[2], (h[1] + h[2]) / 2, h[1]), strict=True))

    def league(self, bits: float, h: Sequence[float]) -> str | None:
        """Return the best league whose bar `bits` per token meets; None below Bronze."""
        return next((name for name, bar in self.league_bits(h).items() if bits <= bar), None)

    def ranking_flops(self, energy: Energy) -> int:
        """Return everything that the lineage has spent."""
        return energy.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What makes a document that ended valid: its length in characters, and its mean bits per token.

    max_fixed: the most bits under the house 5-gram, in whole 2**-32 bits.
    """

    house: House
    length_low: int
    length_high: int
    max_fixed: int

    @property
    def max_bits(self) -> float:
        """The most bits per token under the house 5-gram."""
        return self.max_fixed / exact.FIXED

    def __call__(self, documents: Documents) -> Bool:
        """Return which documents are within the limits."""
        lengths = documents.lengths
        return np.asarray(
            (lengths >= self.length_low)
            & (lengths <= self.length_high)
            & (self.house.mean_fixed(documents, VALID_ORDER) <= self.max_fixed)
        )


def wilson_low(n_hits: int, n: int) -> float:
    """Return the one-sided 95% Wilson lower bound of a fraction n_hits / n."""
    if n_hits == 0:
        return 0.0
    p, z2 = n_hits / n, _Z95 * _Z95
    centre = p + z2 / (2 * n)
    spread = _Z95 * math.sqrt(p * (1.0 - p) / n + z2 / (4 * n * n))
    return (centre - spread) / (1.0 + z2 / n)


def percentile(values: Int, percent: int) -> int:
    """Return the ceil(percent n / 100)-th smallest of n integers."""
    rank = max(1, -(-percent * len(values) // 100))
    return int(np.sort(values)[rank - 1])


def interval(values: Float) -> tuple[float, float]:
    """Return the central 95% of values: the k-th smallest and the k-th largest, k = ceil(0.025 n)."""
    k = -(-25 * len(values) // 1000)
    ordered = np.sort(values)
    return float(ordered[k - 1]), float(ordered[len(values) - k])


def resampled_sums(columns: Sequence[Int | Bool], stream: np.random.PCG64) -> Int:
    """Return the sums of columns of n rows on N_RESAMPLES resamples, as (columns, N_RESAMPLES)."""
    n = len(columns[0])
    sums = np.empty((len(columns), N_RESAMPLES), np.int64)
    n_rows = max(1, _BLOCK // n)
    for start in range(0, N_RESAMPLES, n_rows):
        stop = min(start + n_rows, N_RESAMPLES)
        drawn = exact.uniform_indices(stream, n, (stop - start) * n).reshape(-1, n)
        for column, total in zip(columns, sums, strict=True):
            total[start:stop] = column[drawn].sum(axis=1)
    return sums


def _check_comparable(a: Judgement, b: Judgement) -> None:
    if not np.array_equal(a.document_tokens, b.document_tokens) or len(a.written) != len(b.written):
        raise ValueError("judgements of different test splits or sample sizes cannot be compared")


RULESET_1 = register(Ruleset1())
