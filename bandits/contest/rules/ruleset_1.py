"""Ruleset 1: quality, score, the verdict of a battle and the leagues.

Whatever decides is computed from IEEE + - * / and comparisons in float64, from exact sums of
fixed-point integers and from raw PCG64 words, so a replay gives the same bits on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bandits.contest.judgement import Side, Verdict
from bandits.model import exact

if TYPE_CHECKING:
    from bandits.contest.judgement import Judgement

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

NUMBER = 1
N_SAMPLES = 1000  # documents each side generates in a battle
N_RESAMPLES = 2000
WIN_MARGIN = 5.0  # points
PAR = 0.93  # of the best house n-gram's bits
VALID_LENGTHS = (1, 99)  # percentiles of the lengths in train
VALID_ORDER = 5  # of the house n-gram that judges validity
VALID_BITS = 95  # percentile of its figure over the validation split
LEAGUES = ("Platinum", "Gold", "Silver", "Bronze")

_Z95 = 1.6448536269514722  # one-sided 95% point of the normal distribution
_BLOCK = 2**16  # indices drawn at a time: half a MB


def par(h: Sequence[float]) -> float:
    """Return Hpar, the bits per token of quality 1, from the house n-grams' H1..H6."""
    return PAR * min(h)


def quality(bits: npt.ArrayLike, h1: float, h_par: float) -> Float:
    """Return Q = clamp((H1 - H) / (H1 - Hpar), 0, 1), elementwise in H."""
    q = (h1 - np.asarray(bits, np.float64)) / (h1 - h_par)
    return np.asarray(np.minimum(np.maximum(q, 0.0), 1.0), np.float64)


def score(q: npt.ArrayLike, c: npt.ArrayLike) -> Float:
    """Return 1000 * 2QC / (Q + C), elementwise; 0 where either is 0."""
    q, c = np.asarray(q, np.float64), np.asarray(c, np.float64)
    total = q + c
    balance = 2.0 * q * c / np.where(total > 0.0, total, 1.0)
    return np.asarray(1000.0 * balance, np.float64)


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


def verdict(a: Judgement, b: Judgement, seed: int) -> Verdict:
    """Compare two judgements by 2,000 paired bootstrap resamples.

    Each resample draws test documents and sample numbers, the same for both sides.  A win needs the
    95% interval of the difference to exclude 0, and a difference of at least 5 points.
    """
    scores_a, scores_b = _resampled_scores(a, b, seed)
    difference = a.score - b.score
    low, high = interval(scores_a - scores_b)
    winner: Side | None = None
    if low > 0.0 and difference >= WIN_MARGIN:
        winner = "a"
    elif high < 0.0 and difference <= -WIN_MARGIN:
        winner = "b"
    (a_low, a_high), (b_low, b_high) = interval(scores_a), interval(scores_b)
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


def interval(values: Float) -> tuple[float, float]:
    """Return the central 95% of values: the k-th smallest and the k-th largest, k = ceil(0.025 n)."""
    k = -(-25 * len(values) // 1000)
    ordered = np.sort(values)
    return float(ordered[k - 1]), float(ordered[len(values) - k])


def _resampled_scores(a: Judgement, b: Judgement, seed: int) -> tuple[Float, Float]:
    """Return both sides' Scores on each resample, (N_RESAMPLES,) twice."""
    if not np.array_equal(a.document_tokens, b.document_tokens) or a.n_samples != b.n_samples:
        raise ValueError("judgements of different test splits or sample sizes cannot be compared")
    stream = np.random.PCG64(seed)
    tokens, *bits = _resampled_sums([a.document_tokens, a.document_bits, b.document_bits], stream)
    n_creative = _resampled_sums([a.creative, b.creative], stream)
    scores = []
    for side, n_bits, hits in zip((a, b), bits, n_creative, strict=True):
        h = n_bits.astype(np.float64) / exact.FIXED / tokens.astype(np.float64)
        q = quality(h, side.h1, side.h_par)
        c = hits.astype(np.float64) / side.n_samples
        scores.append(score(q, c) if side.finite else np.zeros(N_RESAMPLES))
    return scores[0], scores[1]


def _resampled_sums(columns: Sequence[Int | Bool], stream: np.random.PCG64) -> Int:
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


def league_bits(h: Sequence[float]) -> dict[str, float]:
    """Return the most bits per token that each league allows, best league first, from H1..H6."""
    return dict(zip(LEAGUES, (h[3], h[2], (h[1] + h[2]) / 2, h[1]), strict=True))


def league(bits: float, h: Sequence[float]) -> str | None:
    """Return the best league whose bar `bits` per token meets; None below Bronze."""
    return next((name for name, bar in league_bits(h).items() if bits <= bar), None)
