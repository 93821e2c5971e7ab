"""Energy is an exact count in Python integers."""

from __future__ import annotations

import json

import pytest

from bandits.errors import InvalidValue
from bandits.model import energy
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy


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


def test_what_was_spent_since_is_a_difference_of_every_meter() -> None:
    assert Energy(7, 5, 3) - Energy(1, 2, 3) == Energy(6, 3, 0)
    with pytest.raises(InvalidValue):
        Energy(1, 2, 3) - Energy(7, 5, 3)


def test_energy_survives_json() -> None:
    spent = Energy(10**30, 7, 0)
    assert Energy.from_dict(json.loads(json.dumps(spent.as_dict()))) == spent


@pytest.mark.parametrize("bad", [-1, 1.5, True, "7", None])
def test_only_whole_amounts_are_energy(bad: object) -> None:
    with pytest.raises(InvalidValue):
        Energy(training=bad)  # type: ignore[arg-type]


def test_a_meter_that_is_missing_is_0_and_an_unknown_one_is_refused() -> None:
    assert Energy.from_dict({}) == Energy()
    assert Energy.from_dict({"training": 1, "evaluation": 3}) == Energy(1, 0, 3)
    with pytest.raises(InvalidValue, match="no 'heat'"):
        Energy.from_dict({"training": 1, "generation": 2, "evaluation": 3, "heat": 4})
    for kind in (None, [], "training"):
        with pytest.raises(InvalidValue, match="wrong kind"):
            Energy.from_dict(kind)  # type: ignore[arg-type]
