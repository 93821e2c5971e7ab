"""The learning rate of every step."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bandits.model.schedules import SCHEDULES, last_step, learning_rates


def test_the_default_schedule_is_microgpts() -> None:
    rates = learning_rates("linear", 0.01, 1000, 0, 0, 1000)
    np.testing.assert_array_equal(rates, [0.01 * (1 - step / 1000) for step in range(1000)])


def test_the_cosine_schedule_is_half_a_cosine() -> None:
    rates = learning_rates("cosine", 0.5, 300, 0, 0, 300)
    expected = [0.25 * (1 + math.cos(math.pi * step / 300)) for step in range(300)]
    np.testing.assert_allclose(rates, expected, atol=1e-15)


def test_the_constant_schedule_never_ends() -> None:
    assert set(learning_rates("constant", 0.02, 10, 0, 0, 1000)) == {0.02}
    assert last_step("constant", 10) is None


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_learning_rate_is_zero_from_the_horizon_on_and_not_before(schedule: str) -> None:
    rates = learning_rates(schedule, 0.01, 100, 0, 0, 250)
    assert last_step(schedule, 100) == 100
    assert np.all(rates[:100] > 0.0)
    assert np.all(rates[100:] == 0.0)


@pytest.mark.parametrize("schedule", list(SCHEDULES))
@pytest.mark.parametrize("warmup", [0, 1, 30])
def test_chunks_of_a_schedule_are_the_schedule(schedule: str, warmup: int) -> None:
    whole = learning_rates(schedule, 0.01, 100, warmup, 0, 100)
    chunks = [learning_rates(schedule, 0.01, 100, warmup, first, 20) for first in range(0, 100, 20)]
    np.testing.assert_array_equal(whole, np.concatenate(chunks))


def test_warmup_rises_to_the_schedule_and_then_leaves_it_alone() -> None:
    plain = learning_rates("constant", 1.0, 100, 0, 0, 50)
    warm = learning_rates("constant", 1.0, 100, 4, 0, 50)
    np.testing.assert_array_equal(warm[:4], [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_array_equal(warm[4:], plain[4:])
