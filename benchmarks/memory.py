"""What an agent occupies: by the layout of csrc/layout.pxd in closed form, and resident, measured."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from bandits import datasets
from bandits.agent.agent import Agent
from bandits.model.config import GPTConfig
from bandits.model.documents import Documents
from bandits.model.gpt import GPT
from bandits.model.settings import Settings
from benchmarks.sizes import Size, documents_of, weights
from benchmarks.task import Skipped

MEASURED_BYTES = 64 << 20  # by as many agents as this takes


def pad16(n: int) -> int:
    """The next multiple of 16."""
    return -(-n // 16) * 16


def attention_columns(config: GPTConfig) -> int:
    """A of layout.pxd: the columns of all heads, each padded."""
    D = config.head_dim
    return pad16(config.n_head * (pad16(D) if D > 16 else 1 << (D - 1).bit_length()))


def model_floats(config: GPTConfig) -> int:
    """Weights, their transposed copy, two moments and gradients, with their padding."""
    V, C, A = config.vocab_size, config.n_embd, attention_columns(config)
    embedding = 4 * pad16(V + config.block_size) * pad16(C)  # of which no product needs a transpose
    layer = pad16(C) * (3 * A) + A * pad16(C) + 2 * pad16(C) * pad16(4 * C)
    return embedding + 5 * (pad16(C) * pad16(V) + config.n_layer * layer)


def activation_floats(config: GPTConfig, lengths: list[int]) -> int:
    """What a training step of documents with so many positions keeps."""
    N, S = sum(lengths), sum(T * (T + 1) // 2 for T in lengths)
    A = attention_columns(config)
    lanes = config.n_head * 16 if config.head_dim > 16 else A
    rows = {n: _stride(n) for n in (config.n_embd, A, 3 * A, 4 * config.n_embd, config.vocab_size)}
    C, F, a, q = (rows[n] for n in (config.n_embd, 4 * config.n_embd, A, 3 * A))
    batch = N * (3 * C + rows[config.vocab_size] + max(C, a) + F + q + 5)
    layer = N * (2 * C + q + lanes + a + F + 2) + S * lanes
    return batch + config.n_layer * layer


def _stride(n: int) -> int:
    """stride16 of layout.pxd: rows whose length is no multiple of 1 KiB."""
    return pad16(n) + 16 if pad16(n) % 256 == 0 else pad16(n)


def resident_bytes() -> int:
    """What this process holds in memory now.  Raises Skipped where /proc does not say."""
    statm = Path("/proc/self/statm")
    if not statm.is_file():
        raise Skipped(f"resident memory is not measured on {sys.platform}")
    return int(statm.read_text().split()[1]) * resource.getpagesize()


class Memory:
    """Bytes of each of many models, or of whole agents, by the growth of the process; each after a step."""

    clock = staticmethod(process_time)

    def __init__(self, agents: bool, **size: Any) -> None:
        self.size = Size(**size)
        config = self.size.config
        first = documents_of(self.size)[: self.size.batch_size]
        lengths = [min(len(document) + 1, config.block_size) for document in first]
        n_model, n_activation = model_floats(config), activation_floats(config, lengths)
        n = max(8, min(2000, MEASURED_BYTES // (4 * (n_model + n_activation))))
        self._documents = Documents.from_tokens(first, config.vocab_size - 1)
        self._weights = weights(config)
        self.info = {
            "n_params": config.n_params,
            "layout_floats_a_parameter": n_model / config.n_params,
            "layout_model_bytes": 4 * n_model,
            "layout_activation_bytes": 4 * n_activation,
            "n_measured": n,
            "bytes": self._each(n, self._agent if agents else self._model),
        }

    def _each(self, n: int, make: Callable[[], object]) -> float:
        kept = [make() for _ in range(4)]
        before = resident_bytes()
        kept += [make() for _ in range(n)]
        return (resident_bytes() - before) / n

    def _model(self) -> GPT:
        model = GPT(self.size.config, None)
        model.load_state_dict(self._weights)
        settings, order = Settings(batch_size=self.size.batch_size), np.arange(len(self._documents))
        model.train_steps(self._documents, order, 0, np.full(1, 1e-4), settings)
        return model

    def _agent(self) -> Agent:
        settings = Settings(batch_size=self.size.batch_size)
        agent = Agent(datasets.load("names"), self.size.config, settings)
        agent.train_all(1)
        return agent

    def run(self, n: int) -> None:
        raise NotImplementedError("it is told, not timed")

    def work(self, n: int) -> float:
        raise NotImplementedError


TASKS = {"memory": Memory}
