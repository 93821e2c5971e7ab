"""Scoring the validation split, as the arena does of every fighter."""

from __future__ import annotations

import pytest

from benchmarks.conftest import Measure, agent_of
from benchmarks.peers import numpy_scoring


@pytest.mark.parametrize(("n_embd", "n_layer", "n_head"), [(16, 1, 4), (64, 2, 4)])
def bench_evaluation(measure: Measure, n_embd: int, n_layer: int, n_head: int) -> None:
    agent = agent_of(n_embd, n_layer, n_head)
    documents = agent.dataset.validation
    measure(
        f"evaluate {agent.config}",
        lambda: agent.evaluate(documents),
        len(documents),
        lambda: agent.energy.evaluation,
        {"numpy": numpy_scoring(agent)},
    )
