"""Ruleset 1: the score's formula, the verdict's laws, the leagues' bars."""

import math
import pickle
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from bandits.contest.judgement import Judgement, Written
from bandits.contest.rules import CURRENT, RULESETS
from bandits.contest.rules.ruleset_1 import N_RESAMPLES, RULESET_1, percentile, wilson_low
from bandits.model import exact

H = (4.07, 3.55, 3.23, 3.03, 3.01, 3.13)
H1, H_PAR = H[0], RULESET_1.par(H)
score = RULESET_1.score


def quality(bits):
    return RULESET_1.quality(bits, H)


def verdict(a, b, seed):
    return RULESET_1.verdict(*RULESET_1.resample([a, b], seed))


def points(judgement):
    return RULESET_1.figures(judgement).score


def judged(bits_per_token, creative, *, finite=True, n_documents=400, noise=0.0, seed=1):
    """A judgement with these figures, its documents of 1 to 8 tokens."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 9, n_documents)
    bits = exact.to_fixed(tokens * (bits_per_token + noise * rng.standard_normal(n_documents)))
    return Judgement(
        h=H, finite=finite, n_train=9000, n_held_out=1000, written=written(1000, creative),
        document_tokens=tokens, document_bits=bits,
    )  # fmt: skip


def written(n, creative, *, last=False):
    """n documents of which the first so many are creative, or the last."""
    flags = np.arange(n) < round(n * creative)
    return Written(
        texts=tuple(map(str, range(n))),
        ended=np.ones(n, bool),
        valid=flags[::-1].copy() if last else flags,
        first=np.ones(n, bool),
        in_train=np.zeros(n, bool),
        in_held_out=np.zeros(n, bool),
    )


def test_matches_name_their_ruleset_and_the_latest_is_played():
    assert RULESETS[1] is RULESET_1
    assert RULESETS[max(RULESETS)] is CURRENT
    assert all(ruleset.number == number for number, ruleset in RULESETS.items())


def test_a_judgement_is_plain_data_that_a_ruleset_scores_anywhere():
    found = judged(3.42, 0.53, noise=0.3)
    again = pickle.loads(pickle.dumps(found))
    assert RULESET_1.figures(again) == RULESET_1.figures(found)
    assert pickle.loads(pickle.dumps(RULESET_1)).figures(found) == RULESET_1.figures(found)


def test_par_quality_and_score_by_hand():
    assert H_PAR == 0.93 * 3.01
    assert float(quality(H1)) == 0.0
    assert float(quality(9.0)) == 0.0
    assert float(quality(H_PAR)) == 1.0
    assert float(quality(1.0)) == 1.0
    assert float(quality((H1 + H_PAR) / 2)) == pytest.approx(0.5, rel=1e-14)
    assert float(score(0.5, 0.5)) == 500.0
    assert float(score(0.6, 0.3)) == pytest.approx(400.0, rel=1e-14)  # 1000 * 0.36 / 0.9
    assert float(score(1.0, 1.0)) == 1000.0
    assert score([0.0, 0.7, 0.0], [0.7, 0.0, 0.0]).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("q", "c"), [(0.51, 0.53), (0.4, 0.9)])
def test_score_is_the_balance_of_both(q, c):
    balance = float(score(q, c))
    assert 1000 * min(q, c) < balance < 1000 * max(q, c)
    assert balance == float(score(c, q))


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
    assert result.a_low < points(judged(3.42, 0.53, noise=1.0)) < result.a_high


def test_a_win_needs_five_points_however_sure():
    # Only H differs, by the same bits a token in every document: the sign is certain.
    strong, near, far = judged(3.40, 0.5), judged(3.41, 0.5), judged(3.43, 0.5)
    assert 0 < points(strong) - points(near) < 5 < points(strong) - points(far)
    narrow, wide = verdict(strong, near, 0), verdict(strong, far, 0)
    assert narrow.low > 0
    assert narrow.winner is None
    assert wide.winner == "a"


def test_a_win_needs_an_interval_without_zero():
    a, b = judged(3.42, 0.50), judged(3.42, 0.49)
    b = replace(b, written=written(1000, 0.49, last=True))  # hits on other numbers: a wide interval
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
        scores = []
        for side in (a, b):
            bits = side.document_bits[docs].sum() / 2**32 / side.document_tokens[docs].sum()
            q = min(max((H1 - bits) / (H1 - H_PAR), 0), 1)
            c = side.written.creative[samples].mean()
            scores.append(2000 * q * c / (q + c))
        differences.append(scores[0] - scores[1])
    low, high = np.quantile(differences, [0.025, 0.975])
    assert fast.low == pytest.approx(low, abs=0.1 * (high - low))
    assert fast.high == pytest.approx(high, abs=0.1 * (high - low))


def test_the_seed_decides_the_resamples_and_nothing_else_does():
    a, b = judged(3.42, 0.53, noise=0.5), judged(3.45, 0.55, noise=0.5)
    assert verdict(a, b, 7) == verdict(a, b, 7) != verdict(a, b, 8)


def test_what_is_resampled_alone_serves_against_any_other():
    """An agent's resampled scores are the same whoever it is drawn with, so they are made once."""
    a, b, c = judged(3.42, 0.53, noise=0.5), judged(3.45, 0.55, noise=0.5), judged(3.3, 0.6)
    (alone,), (beside, _) = RULESET_1.resample([a], 7), RULESET_1.resample([a, c], 7)
    assert alone.scores.tolist() == beside.scores.tolist()
    (other,) = RULESET_1.resample([b], 7)
    assert RULESET_1.verdict(alone, other) == verdict(a, b, 7)


def test_different_test_splits_sample_sizes_or_seeds_cannot_be_compared():
    a = judged(3.4, 0.5)
    for other in (judged(3.4, 0.5, n_documents=399), replace(a, written=written(999, 0.5))):
        with pytest.raises(ValueError, match="different test splits or sample sizes"):
            verdict(a, other, 0)
        (alone,), (there,) = RULESET_1.resample([a], 0), RULESET_1.resample([other], 0)
        with pytest.raises(ValueError, match="different test splits or sample sizes"):
            RULESET_1.verdict(alone, there)
    (first,), (second,) = RULESET_1.resample([a], 0), RULESET_1.resample([a], 1)
    with pytest.raises(ValueError, match="different seeds"):
        RULESET_1.verdict(first, second)


@pytest.mark.parametrize(
    ("bits", "league"),
    [(3.60, None), (3.55, "Bronze"), (3.40, "Bronze"), (3.38, "Silver"), (3.24, "Silver"),
     (3.23, "Gold"), (3.04, "Gold"), (3.03, "Platinum"), (2.5, "Platinum")],
)  # fmt: skip
def test_a_league_is_reached_at_its_bar(bits, league):
    assert RULESET_1.league(bits, H) == league
