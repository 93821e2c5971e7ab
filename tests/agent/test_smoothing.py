"""Smoothed losses: each mean is of what came before it, and of nothing that comes after."""

from __future__ import annotations

import numpy as np
import pytest

from bandits.agent.smoothing import halved, means_until, trailing_means


def test_a_trailing_mean_shows_nothing_before_it_happens() -> None:
    losses = np.r_[np.zeros(50), np.full(10, 100.0)]
    means = trailing_means(losses, 20)
    assert means[:50].max() == 0.0
    assert means[50] == 5.0
    assert len(trailing_means(np.zeros(0), 3)) == 0


@pytest.mark.parametrize("window", [1, 7, 50, 400])
def test_a_mean_is_that_of_the_losses_in_its_window(window: int) -> None:
    losses = np.random.default_rng(window).normal(2.5, 0.4, 300)
    ends = np.array([1, 2, 6, 7, 8, 50, 299, 300])
    expected = [losses[max(0, end - window) : end].mean() for end in ends]
    np.testing.assert_allclose(means_until(losses, ends, window), expected, rtol=1e-12)
    np.testing.assert_array_equal(
        trailing_means(losses, window)[ends - 1], means_until(losses, ends, window)
    )


def test_before_a_first_loss_there_is_no_mean() -> None:
    assert np.isnan(means_until(np.zeros(0), np.array([0]), 50)).all()
    assert np.isnan(means_until(np.ones(3), np.array([0, 3]), 50)).tolist() == [True, False]


def test_halving_keeps_the_mean_of_all() -> None:
    losses = np.random.default_rng(1).normal(2.5, 0.4, 1024)
    assert len(halved(losses)) == 512
    assert halved(losses).mean() == pytest.approx(losses.mean(), rel=1e-12)
