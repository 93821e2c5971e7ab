"""Ruleset 1: the score's formula, the verdict's laws, the leagues' bars."""

import math
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pytest

from bandits.contest.rules import CURRENT, RULESETS, ruleset_1
from bandits.contest.rules.ruleset_1 import (
    N_RESAMPLES,
    percentile,
    quality,
    score,
    verdict,
    wilson_low,
)
from bandits.model import exact

H = (4.07, 3.55, 3.23, 3.03, 3.01, 3.13)
H1, H_PAR = H[0], ruleset_1.par(H)


def judged(bits_per_token, creative, *, finite=True, n_documents=400, noise=0.0, seed=1):
    """A judgement with these figures, its documents of 1 to 8 tokens."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 9, n_documents)
    bits = exact.to_fixed(tokens * (bits_per_token + noise * rng.standard_normal(n_documents)))
    flags = np.arange(1000) < round(1000 * creative)
    q = quality(bits.sum() / 2**32 / tokens.sum(), H1, H_PAR)
    points = float(score(q, flags.sum() / 1000)) if finite else 0.0
    return SimpleNamespace(
        h1=H1, h_par=H_PAR, finite=finite, n_samples=1000, score=points,
        creative=flags, document_tokens=tokens, document_bits=bits,
    )  # fmt: skip


def test_matches_name_their_ruleset():
    assert RULESETS[CURRENT.NUMBER] is CURRENT is ruleset_1


def test_par_quality_and_score_by_hand():
    assert H_PAR == 0.93 * 3.01
    assert float(quality(H1, H1, H_PAR)) == 0.0
    assert float(quality(9.0, H1, H_PAR)) == 0.0
    assert float(quality(H_PAR, H1, H_PAR)) == 1.0
    assert float(quality(1.0, H1, H_PAR)) == 1.0
    assert float(quality((H1 + H_PAR) / 2, H1, H_PAR)) == pytest.approx(0.5, rel=1e-14)
    assert float(score(0.5, 0.5)) == 500.0
    assert float(score(0.6, 0.3)) == pytest.approx(400.0, rel=1e-14)  # 1000 * 0.36 / 0.9
    assert float(score(1.0, 1.0)) == 1000.0
    assert score([0.0, 0.7, 0.0], [0.7, 0.0, 0.0]).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("q", "c"), [(0.51, 0.53), (0.4, 0.9)])
def test_score_is_the_balance_of_both(q, c):
    points = float(score(q, c))
    assert 1000 * min(q, c) < points < 1000 * max(q, c)
    assert points == float(score(c, q))


@pytest.mark.parametrize(("n_hits", "n"), [(8, 10), (10, 10), (1, 7), (531, 1000)])
def test_wilson_bound_solves_its_equation(n_hits, n):
    """The bound is the p below n_hits / n from which that lies z standard errors away."""
    z = NormalDist().inv_cdf(0.95)
    p = wilson_low(n_hits, n)
    assert n_hits / n - p == pytest.approx(z * math.sqrt(p * (1 - p) / n), rel=1e-12)


def test_the_bound_of_no_hits_is_zero_and_more_samples_raise_it():
    assert wilson_low(0, 10) == 0.0
    assert wilson_low(9, 10) < wilson_low(90, 100) < wilson_low(900, 1000) < 0.9


def test_percentile_is_the_smallest_value_that_so_many_do_not_exceed():
    values = np.array([30, 10, 20, 40])
    assert [percentile(values, p) for p in (1, 25, 26, 50, 75, 76, 99)] == [
        10, 10, 20, 20, 30, 40, 40,
    ]  # fmt: skip
    hundred = np.arange(1, 101)
    assert [percentile(hundred, p) for p in (1, 95, 99)] == [1, 95, 99]


def test_swapping_the_corners_mirrors_the_verdict():
    a, b = judged(3.42, 0.53, noise=0.3), judged(3.2, 0.60, noise=0.3, seed=1)
    there, back = verdict(a, b, seed=3), verdict(b, a, seed=3)
    assert (there.winner, back.winner) == ("b", "a")
    assert (there.difference, there.low, there.high) == (-back.difference, -back.high, -back.low)
    assert (there.a_low, there.a_high) == (back.b_low, back.b_high)
    assert (there.b_low, there.b_high) == (back.a_low, back.a_high)


@pytest.mark.parametrize("seed", range(3))
def test_own_clone_always_draws(seed):
    result = verdict(judged(3.42, 0.53, noise=1.0), judged(3.42, 0.53, noise=1.0), seed)
    assert (result.winner, result.difference, result.low, result.high) == (None, 0.0, 0.0, 0.0)
    assert result.a_low < judged(3.42, 0.53, noise=1.0).score < result.a_high


def test_a_win_needs_five_points_however_sure():
    # Only H differs, by the same bits a token in every document: the sign is certain.
    strong, near, far = judged(3.40, 0.5), judged(3.41, 0.5), judged(3.43, 0.5)
    assert 0 < strong.score - near.score < 5 < strong.score - far.score
    narrow, wide = verdict(strong, near, 0), verdict(strong, far, 0)
    assert narrow.low > 0
    assert narrow.winner is None
    assert wide.winner == "a"


def test_a_win_needs_an_interval_without_zero():
    a, b = judged(3.42, 0.50), judged(3.42, 0.49)
    b.creative = b.creative[::-1].copy()  # hits fall on different sample numbers: wide interval
    result = verdict(a, b, 0)
    assert result.difference > 4
    assert result.low < 0 < result.high
    assert result.winner is None


def test_what_is_not_finite_scores_zero_on_every_resample():
    result = verdict(judged(3.4, 0.5), judged(3.4, 0.5, finite=False), 0)
    assert (result.winner, result.b_low, result.b_high) == ("a", 0.0, 0.0)


def test_the_interval_agrees_with_a_plain_bootstrap():
    """Slow resampling with another generator: ends within a tenth of the width."""
    a, b = judged(3.45, 0.5, noise=0.8), judged(3.40, 0.52, noise=0.8, seed=1)
    fast = verdict(a, b, seed=0)
    rng = np.random.default_rng(5)
    differences = []
    for _ in range(N_RESAMPLES):
        docs, samples = rng.integers(0, 400, 400), rng.integers(0, 1000, 1000)
        points = []
        for side in (a, b):
            bits = side.document_bits[docs].sum() / 2**32 / side.document_tokens[docs].sum()
            q = min(max((H1 - bits) / (H1 - H_PAR), 0), 1)
            c = side.creative[samples].mean()
            points.append(2000 * q * c / (q + c))
        differences.append(points[0] - points[1])
    low, high = np.quantile(differences, [0.025, 0.975])
    assert fast.low == pytest.approx(low, abs=0.1 * (high - low))
    assert fast.high == pytest.approx(high, abs=0.1 * (high - low))


def test_the_seed_decides_the_resamples_and_nothing_else_does():
    a, b = judged(3.42, 0.53, noise=0.5), judged(3.45, 0.55, noise=0.5)
    assert verdict(a, b, 7) == verdict(a, b, 7) != verdict(a, b, 8)


def test_different_test_splits_cannot_be_compared():
    with pytest.raises(ValueError, match="different test splits"):
        verdict(judged(3.4, 0.5), judged(3.4, 0.5, n_documents=399), 0)


@pytest.mark.parametrize(
    ("bits", "league"),
    [(3.60, None), (3.55, "Bronze"), (3.40, "Bronze"), (3.38, "Silver"), (3.24, "Silver"),
     (3.23, "Gold"), (3.04, "Gold"), (3.03, "Platinum"), (2.5, "Platinum")],
)  # fmt: skip
def test_a_league_is_reached_at_its_bar(bits, league):
    assert ruleset_1.league(bits, H) == league
