"""The loss of every step, in bounded space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bandits.agent.history import MAX_BUCKETS, RECENT, LossHistory
from bandits.errors import InvalidValue


def history_of(losses: np.ndarray, chunk: int) -> LossHistory:
    history = LossHistory()
    for start in range(0, len(losses), chunk):
        history.append(losses[start : start + chunk])
    return history


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_short_histories_are_kept_step_by_step() -> None:
    losses = np.linspace(3.3, 2.3, 1000)
    history = history_of(losses, 1000)
    np.testing.assert_array_equal(history.losses, losses)
    np.testing.assert_array_equal(history.steps, np.arange(1, 1001))
    assert history.n_steps == 1000


@pytest.mark.parametrize("n", [1, 999, MAX_BUCKETS - 1, MAX_BUCKETS, 5 * MAX_BUCKETS + 3])
def test_chunks_do_not_change_the_history(n: int) -> None:
    losses = np.random.default_rng(n).random(n)
    whole = history_of(losses, n).state()
    assert same(whole, history_of(losses, 777).state())
    assert same(whole, history_of(losses, 4096).state())


def test_space_is_bounded_and_buckets_hold_means() -> None:
    n = 6 * MAX_BUCKETS
    losses = np.random.default_rng(0).random(n)
    history = history_of(losses, 10_000)
    assert len(history.losses) < MAX_BUCKETS
    assert history.n_steps == n
    means = losses[: len(history.losses) * history.stride].reshape(-1, history.stride).mean(axis=1)
    np.testing.assert_allclose(history.losses, means, rtol=1e-12)  # merged in pairs: another order
    assert history.stride & (history.stride - 1) == 0


@pytest.mark.parametrize("n", [0, 1, 49, 300, 3 * MAX_BUCKETS + 1])
def test_a_history_survives_its_state(n: int) -> None:
    losses = np.random.default_rng(n).random(n)
    history = history_of(losses, 5000)
    copy = LossHistory.from_state(history.state())
    history.append(losses[:100])
    copy.append(losses[:100])
    assert same(history.state(), copy.state())


@pytest.mark.parametrize("n", [1, 49, 50, 51, 20_000])
def test_the_mean_of_the_last_losses_is_exact(n: int) -> None:
    losses = np.random.default_rng(n).random(n)
    assert history_of(losses, 640).mean_of_last(50) == pytest.approx(losses[-50:].mean(), rel=1e-12)


def test_an_untrained_history_has_no_mean() -> None:
    assert LossHistory().mean_of_last() is None
    assert len(LossHistory().losses) == 0


def test_the_state_is_a_copy() -> None:
    history = history_of(np.ones(10), 10)
    state = history.state()
    state["losses"][:] = 7.0
    state["recent"][:] = 7.0
    assert history.mean_of_last() == 1.0
    assert history.losses[0] == 1.0


def test_losses_that_are_not_finite_are_kept() -> None:
    history = history_of(np.array([3.0, np.nan]), 2)
    assert np.isnan(history.losses[-1])


@pytest.mark.parametrize(
    "change",
    [
        {"n_steps": 9},
        {"stride": 0},
        {"stride": 3},
        {"open_count": 5},
        {"losses": np.zeros(MAX_BUCKETS)},
        {"losses": np.zeros((2, 5))},
        {"recent": np.zeros(RECENT + 1)},
    ],
)
def test_an_inconsistent_state_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        LossHistory.from_state({**history_of(np.ones(10), 10).state(), **change})


@pytest.mark.parametrize("n", [0, 1, 199, 200, 201, 1000, 50_000])
def test_a_thinned_history_is_short_and_holds_means_of_equal_runs(n: int) -> None:
    losses = np.random.default_rng(n).normal(3, 0.2, n)
    steps, means = history_of(losses, 617).thinned(200)
    assert len(steps) == len(means) <= 201
    assert steps == sorted(set(steps))
    if n:
        assert steps[-1] == n
        first = losses[: steps[0]].mean()
        assert means[0] == pytest.approx(first, rel=1e-5)  # six digits are kept
    assert history_of(losses, 100).thinned(200) == (steps, means)
