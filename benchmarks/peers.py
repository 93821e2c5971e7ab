"""What the engine is timed against, in the same minute: numpy, and the prototype of the study.

A ratio outlives the machine it was measured on better than microseconds do.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np

from bandits.agent.agent import Agent
from bandits.model.config import GPTConfig
from benchmarks import study
from tests.support.reference import Shape
from tests.support.vectorised import NumpyGPT

Peer = Callable[[], float]  # runs a little and returns the seconds a document took


def documents_of(agent: Agent, n: int) -> list[list[int]]:
    """The first n documents that the agent sees, as token ids."""
    return [agent.dataset.encode(text) for text in agent.next_documents(n).texts]


def numpy_gpt(agent: Agent) -> NumpyGPT:
    """The same model in numpy, float32, a minibatch at a time."""
    shape = Shape(**agent.config.as_dict())
    return NumpyGPT(shape, agent.model.state_dict(), np.float32)


def numpy_training(agent: Agent, n_documents: int = 64) -> Peer:
    model, batch_size = numpy_gpt(agent), agent.settings.batch_size
    documents = documents_of(agent, n_documents)

    def run() -> float:
        started = perf_counter()
        for k in range(0, n_documents, batch_size):
            model.train_step(documents[k : k + batch_size], horizon=10**9)
        return (perf_counter() - started) / n_documents

    return run


def numpy_scoring(agent: Agent, n_documents: int = 64, batch_size: int = 16) -> Peer:
    model = numpy_gpt(agent)
    documents = documents_of(agent, n_documents)

    def run() -> float:
        started = perf_counter()
        for k in range(0, n_documents, batch_size):
            model.losses(documents[k : k + batch_size])
        return (perf_counter() - started) / n_documents

    return run


def _study_model(mg: ModuleType, config: GPTConfig) -> Any:
    return mg.Model(
        config.n_embd, config.n_layer, config.n_head, config.block_size, config.vocab_size
    )


def study_training(agent: Agent, n_steps: int) -> Peer | None:
    mg = study.load()
    if mg is None:
        return None
    model, batch_size = _study_model(mg, agent.config), agent.settings.batch_size
    documents = mg.Docs(documents_of(agent, 4096))

    def run() -> float:
        started = perf_counter()
        model.train(documents, n_steps, batch=batch_size, lr=1e-3, decay=False)
        return (perf_counter() - started) / (n_steps * batch_size)

    return run


def study_generation(agent: Agent, n: int) -> Peer | None:
    mg = study.load()
    if mg is None:
        return None
    model = _study_model(mg, agent.config)
    model.train(mg.Docs(documents_of(agent, 4096)), 300, lr=0.01)

    def run() -> float:
        started = perf_counter()
        model.generate(n, temperature=1.0)
        return (perf_counter() - started) / n

    return run
