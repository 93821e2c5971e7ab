"""Sampling with the cache of keys and values; numpy here only scores as many documents."""

from __future__ import annotations

import pytest

from benchmarks.conftest import Measure, agent_of
from benchmarks.peers import numpy_scoring, study_generation


@pytest.mark.parametrize(
    ("n_embd", "n_layer", "n_head", "n"),
    [(16, 1, 4, 1000), (16, 1, 4, 1), (64, 2, 4, 1000)],
)
def bench_generation(measure: Measure, n_embd: int, n_layer: int, n_head: int, n: int) -> None:
    agent = agent_of(n_embd, n_layer, n_head)
    agent.train_all(300)  # so that documents end
    repeats = max(1, 100 // n)
    measure(
        f"generate {n} by {agent.config}",
        lambda: [agent.generate(n, seed=seed) for seed in range(repeats)],
        n * repeats,
        lambda: agent.energy.generation,
        {"numpy scoring": numpy_scoring(agent), "study": study_generation(agent, n)},
    )
