"""What is timed of this engine, on the instruction set of its process."""

from __future__ import annotations

from threading import Thread
from time import perf_counter, process_time
from typing import Any

import numpy as np

from bandits import datasets
from bandits.agent.agent import Agent
from bandits.model import builds as engine
from bandits.model.documents import Documents
from bandits.model.gpt import GPT
from bandits.model.settings import Settings
from benchmarks.sizes import SEED, Size, Work, documents_of, weights

LEARNING_RATE = 1e-4


def settings(batch_size: int = 1) -> Settings:
    """Of a training that never ends and does not blow up."""
    return Settings(batch_size=batch_size, learning_rate=LEARNING_RATE, schedule="constant")


class Training:
    """Steps of training by one call of the engine: what Agent.train runs chunks of."""

    clock = staticmethod(process_time)

    def __init__(self, **size: Any) -> None:
        self.size = Size(**size)
        self._work = Work(self.size)
        self.model = GPT(self.size.config, None)
        self.model.load_state_dict(weights(self.size.config))
        tokens = documents_of(self.size)
        self.documents = Documents.from_tokens(tokens, self.model.bos)
        self.order = np.arange(len(tokens), dtype=np.int64)
        self.settings = settings(self.size.batch_size)
        loss, _ = self.model.probe(list(tokens[: self.size.batch_size]))
        self.info: dict[str, Any] = {"isa": engine.isa(), "loss": loss}

    def run(self, n: int) -> None:
        rates = np.full(n, LEARNING_RATE)
        self.model.train_steps(self.documents, self.order, 0, rates, self.settings)

    def work(self, n: int) -> float:
        return self._work.flops(n)


class Peak:
    """Fused multiply-adds in registers, nothing else; n in thousands of rounds."""

    clock = staticmethod(process_time)

    def __init__(self) -> None:
        self.info = {"isa": engine.isa()}
        self._flops = 0

    def run(self, n: int) -> None:
        self._flops, _ = engine.build().fma_rounds(1000 * n)

    def work(self, n: int) -> float:
        return self._flops


class AgentCall:
    """n calls of Agent.train(1), each to its end: a step, and what Python adds to it."""

    clock = staticmethod(process_time)

    def __init__(self) -> None:
        self.agent = Agent(datasets.load("names"), settings=settings(), seed=SEED)
        self.info: dict[str, Any] = {}

    def run(self, n: int) -> None:
        for _ in range(n):
            self.agent.train_all(1)

    def work(self, n: int) -> float:
        return n


def trained_model(n_embd: int) -> GPT:
    """A model that ends its documents."""
    agent = Agent(datasets.load("names"), Size(n_embd=n_embd).config, seed=SEED)
    agent.train_all(990)
    return agent.model


class Evaluation:
    """The names held out for validation, scored; n times all of them."""

    clock = staticmethod(process_time)

    def __init__(self, n_embd: int) -> None:
        self.model = trained_model(n_embd)
        self.documents = datasets.load("names").validation
        self.info = {"n_documents": len(self.documents)}

    def run(self, n: int) -> None:
        for _ in range(n):
            self.model.evaluate(self.documents)

    def work(self, n: int) -> float:
        return n * len(self.documents)


class Generation:
    """n calls for n_documents each, made side by side or one at a time; the work is tokens, BOS included."""

    clock = staticmethod(process_time)

    def __init__(self, n_embd: int, n_documents: int, side_by_side: int) -> None:
        self.model = trained_model(n_embd)
        self.n_documents, self.side_by_side = n_documents, side_by_side
        self.info: dict[str, Any] = {}
        self._made: list[Any] = []

    def run(self, n: int) -> None:
        self._made = [
            self.model.generate(self.n_documents, seed=seed, batch_size=self.side_by_side)
            for seed in range(n)
        ]

    def work(self, n: int) -> float:
        return sum(int(made.lengths.sum() + made.ended.sum()) for made in self._made)


class Threads:
    """n steps by each of n_threads agents at once, by the clock on the wall."""

    clock = staticmethod(perf_counter)

    def __init__(self, n_threads: int, **size: Any) -> None:
        self.trainings = [Training(**size) for _ in range(n_threads)]
        self.info: dict[str, Any] = {}

    def run(self, n: int) -> None:
        others = [Thread(target=training.run, args=(n,)) for training in self.trainings[1:]]
        for thread in others:
            thread.start()
        self.trainings[0].run(n)
        for thread in others:
            thread.join()

    def work(self, n: int) -> float:
        return sum(training.work(n) for training in self.trainings)


TASKS = {
    "engine": Training,
    "peak": Peak,
    "agent_call": AgentCall,
    "evaluation": Evaluation,
    "generation": Generation,
    "threads": Threads,
}
