"""Agents come and go: what they used is given back."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from bandits import datasets
from bandits.agent.agent import Agent
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings

STATM = Path("/proc/self/statm")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
MIB = 2**20

# Odd widths, minibatches and clipping: every buffer that an engine allocates.
KINDS = [
    (GPTConfig(), Settings()),
    (GPTConfig(n_embd=20, n_layer=2, n_head=5), Settings(batch_size=3, grad_clip=1.0)),
    (GPTConfig(n_embd=7, n_head=1, block_size=5), Settings(schedule="cosine")),
]


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    return int(STATM.read_text().split()[1]) * PAGE


def live(k: int) -> None:
    """One agent's whole life."""
    config, settings = KINDS[k % len(KINDS)]
    agent = Agent(datasets.load("names"), config, settings, seed=k % 8)
    agent.train_all(2)
    agent.generate(2)
    agent.evaluate([[1, 2, 3]])
    agent.model.loss_and_grads([[1, 2]])


def growth(n_agents: int, n_before: int) -> int:
    for k in range(n_before):
        live(k)
    before = resident()
    for k in range(n_agents):
        live(k)
    return resident() - before


@pytest.mark.skipif(not STATM.exists(), reason="only Linux tells what is resident")
@pytest.mark.parametrize(
    "n_agents",
    [250, pytest.param(10_000, marks=pytest.mark.slow)],
)
def test_creating_training_and_deleting_agents_does_not_grow_the_process(n_agents: int) -> None:
    assert growth(n_agents, n_before=100) < MIB
