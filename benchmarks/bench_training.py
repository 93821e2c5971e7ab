"""Training steps through `Agent.train`: what a player waits for, history and energy included."""

from __future__ import annotations

import pytest

from benchmarks.conftest import Measure, agent_of
from benchmarks.peers import numpy_training, study_training


@pytest.mark.parametrize(
    ("n_embd", "n_layer", "n_head", "batch_size", "n_steps", "bar"),
    [
        (16, 1, 4, 1, 2000, 30.0),
        (16, 1, 4, 16, 200, None),
        (32, 1, 4, 16, 100, None),
        (64, 1, 4, 1, 400, 100.0),
        (64, 1, 4, 16, 40, 100.0),
        (64, 4, 4, 16, 10, None),
    ],
)
def bench_training(
    measure: Measure,
    n_embd: int,
    n_layer: int,
    n_head: int,
    batch_size: int,
    n_steps: int,
    bar: float | None,
) -> None:
    agent = agent_of(n_embd, n_layer, n_head, batch_size)
    measure(
        f"train {agent.config} batch {batch_size}",
        lambda: agent.train_all(n_steps),
        n_steps * batch_size,
        lambda: agent.energy.training,
        {"numpy": numpy_training(agent), "study": study_training(agent, n_steps)},
        bar,
    )
