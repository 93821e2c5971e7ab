"""Energy is an exact count in Python integers."""

from __future__ import annotations

import json

import pytest

from bandits import energy
from bandits.config import GPTConfig
from bandits.energy import Energy
from bandits.errors import InvalidValue


def test_energy_adds_and_does_not_wrap() -> None:
    huge = Energy(training=2**63 - 1, generation=2**63, evaluation=10**40)
    both = huge + Energy(1, 2, 3)
    assert both == Energy(2**63, 2**63 + 2, 10**40 + 3)
    assert both.total == 2**64 + 2 + 10**40 + 3
    assert type(both.total) is int


def test_the_operations_of_the_largest_agent_do_not_wrap() -> None:
    config = GPTConfig(n_embd=1024, n_layer=1, n_head=1, block_size=1024)
    one = energy.forward_flops(config, [1024])
    assert energy.forward_flops(config, [1024] * 4096) == 4096 * one + 4096
    assert 10**8 * (4096 * one) > 2**63  # the most steps of the largest batch


def test_energy_survives_json() -> None:
    spent = Energy(10**30, 7, 0)
    assert Energy.from_dict(json.loads(json.dumps(spent.as_dict()))) == spent


@pytest.mark.parametrize("bad", [-1, 1.5, True, "7", None])
def test_only_whole_amounts_are_energy(bad: object) -> None:
    with pytest.raises(InvalidValue):
        Energy(training=bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [{}, {"training": 1}, {"training": 1, "generation": 2, "x": 3}])
def test_energy_that_is_incomplete_is_refused(data: dict[str, int]) -> None:
    with pytest.raises(InvalidValue):
        Energy.from_dict(data)


@pytest.mark.parametrize(
    ("n_flops", "shown"),
    [
        (0, "0 FLOP"),
        (999, "999 FLOP"),
        (1_000, "1.00 kFLOP"),
        (29_308, "29.3 kFLOP"),
        (999_499, "999 kFLOP"),
        (999_500, "1.00 MFLOP"),
        (1_230_000, "1.23 MFLOP"),
        (45_600_000_000, "45.6 GFLOP"),
        (7 * 10**12, "7.00 TFLOP"),
        (8 * 10**15, "8.00 PFLOP"),
        (9 * 10**18, "9.00 EFLOP"),
        (123_456 * 10**18, "123456 EFLOP"),
    ],
)
def test_operations_are_shown_with_three_digits(n_flops: int, shown: str) -> None:
    assert energy.format_flops(n_flops) == shown
