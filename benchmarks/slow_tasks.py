"""The references of the tests as competitors: numpy float32, and scalars in pure Python."""

from __future__ import annotations

from time import process_time
from typing import Any

import numpy as np

from benchmarks.sizes import Size, Work, documents_of, weights
from benchmarks.task import Skipped
from tests.support import reference
from tests.support.vectorised import NumpyGPT

MOST_SCALAR_FLOPS = 20_000_000  # of a step: a few seconds


def batches(size: Size) -> list[list[list[int]]]:
    """The documents in batches, as token ids without BOS."""
    tokens, n = documents_of(size), size.batch_size
    return [list(tokens[k : k + n]) for k in range(0, len(tokens) - n + 1, n)]


class NumpyTraining:
    """tests/support/vectorised.py: a minibatch at a time, documents packed, float32."""

    clock = staticmethod(process_time)

    def __init__(self, **size: Any) -> None:
        self.size = Size(**size)
        self._work, self._batches = Work(self.size), batches(self.size)
        shape = reference.Shape(**self.size.config.as_dict())
        self.model = NumpyGPT(shape, weights(self.size.config), np.float32)
        self.info = {"loss": self.model.loss_and_grads(self._batches[0])[0]}

    def run(self, n: int) -> None:
        for k in range(n):
            batch = self._batches[k % len(self._batches)]
            self.model.train_step(batch, learning_rate=1e-4, horizon=10**12)

    def work(self, n: int) -> float:
        return self._work.flops(n)


class ScalarTraining:
    """tests/support/reference.py: float64 scalars with their own autograd, as microGPT computes."""

    clock = staticmethod(process_time)

    def __init__(self, **size: Any) -> None:
        self.size = Size(**size)
        self._work, self._batches = Work(self.size), batches(self.size)
        if self._work.flops(1) > MOST_SCALAR_FLOPS:
            raise Skipped("a step would take more than some seconds")
        self.shape = reference.Shape(**self.size.config.as_dict())
        self.weights = {
            name: array.astype(float).tolist() for name, array in weights(self.size.config).items()
        }
        self.adam = reference.Adam(learning_rate=1e-4, horizon=10**12)
        loss, _ = reference.loss_and_grads(self.weights, self.shape, self._batches[0])
        self.info = {"loss": loss}

    def run(self, n: int) -> None:
        for k in range(n):
            batch = self._batches[k % len(self._batches)]
            _, grads = reference.loss_and_grads(self.weights, self.shape, batch)
            self.adam.update(self.weights, grads)

    def work(self, n: int) -> float:
        return self._work.flops(n)


TASKS = {"numpy": NumpyTraining, "scalar": ScalarTraining}
