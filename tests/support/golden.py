"""Runs whose every bit is written down in golden.json: 300 steps of odd shapes, then scoring and sampling.

Another machine, compiler or build is held to them.  After a change that is meant to change bits (the
order of a sum, a constant, the seeding) look at what changed, and renew them all with

    python -m tests.support.golden > tests/support/golden.json
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bandits import datasets
from bandits.agent.agent import Agent
from bandits.datasets import Dataset
from bandits.model.config import GPTConfig
from bandits.model.results import Evaluation, Samples
from bandits.model.settings import Settings

PATH = Path(__file__).with_name("golden.json")
N_STEPS = 300
N_SAMPLES = 200
N_SCORED = 300
ALPHABET = "0123456789+=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Run(NamedTuple):
    """An agent to train: its sizes, what it learns, how."""

    n_embd: int
    n_layer: int
    n_head: int
    block_size: int = 16
    data: str = "names"
    settings: dict[str, Any] = {}

    def __str__(self) -> str:
        more = "".join(f" {key}={value}" for key, value in self.settings.items())
        return f"{self.data} {self.n_embd}/{self.n_layer}/{self.n_head}x{self.block_size}{more}"


# Heads of 1 to 80 columns, each laid out in its own way; widths around 16; vocabularies of one to four
# panels; minibatches; clipping; scores too large for bare exponentials (the huge learning rate); long
# documents.
RUNS = [
    Run(16, 1, 4),
    Run(16, 1, 4, settings={"batch_size": 3, "grad_clip": 0.5}),
    Run(7, 1, 7, settings={"schedule": "cosine", "warmup": 9}),
    Run(1, 1, 1),
    Run(16, 1, 8, 8, "sums", {"batch_size": 2}),
    Run(12, 2, 4, 5, settings={"batch_size": 2}),
    Run(15, 1, 3, 9, "sums"),
    Run(17, 1, 1, 6),
    Run(33, 1, 3, 5, "wide"),
    Run(32, 1, 1, 4),
    Run(48, 1, 3, 3, "wide"),
    Run(64, 1, 1, 3, "sums"),
    Run(8, 2, 2, settings={"learning_rate": 3.0, "schedule": "constant"}),
    Run(16, 1, 4, settings={"batch_size": 16}),
    Run(16, 1, 2, 48, "wide"),
]
LONG_RUNS = [
    Run(24, 3, 8, 64, "wide"),
    Run(32, 4, 4, settings={"batch_size": 5, "grad_clip": 1.0}),
    Run(80, 1, 1, 9, "sums"),
    Run(64, 2, 4),
    Run(128, 1, 2, 8),
    Run(256, 1, 4, 2, "wide"),
    Run(64, 1, 2, 80, "wide", {"batch_size": 4}),
]


@cache
def dataset(name: str) -> Dataset:
    """The built-in names, or made-up texts: sums of 13 tokens, or wide ones of 65, up to 80 long."""
    if name == "names":
        return datasets.load("names")
    rng = random.Random(7)
    pairs = [(rng.randrange(100), rng.randrange(100)) for _ in range(500)]
    texts = [f"{a}+{b}={a + b}" for a, b in pairs]
    if name == "wide":
        lengths = [int(80 * rng.random() ** 4) for _ in range(500)]
        texts = [ALPHABET, *("".join(rng.choices(ALPHABET, k=n)) for n in lengths if n)]
    return Dataset.from_documents(texts, name=name, split=None)


def fresh(run: Run, seed: int = 42) -> Agent:
    data = dataset(run.data)
    config = GPTConfig(
        vocab_size=data.vocab_size,
        n_embd=run.n_embd,
        n_layer=run.n_layer,
        n_head=run.n_head,
        block_size=run.block_size,
    )
    return Agent(data, config, Settings(**{"horizon": N_STEPS, **run.settings}), seed)


def trained(run: Run, pieces: Sequence[int] = (N_STEPS,)) -> Agent:
    """The agent after 300 steps, asked for in these pieces."""
    agent = fresh(run)
    assert sum(agent.train_all(n) for n in pieces) == N_STEPS
    return agent


def sha(arrays: Iterable[np.ndarray]) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()[
        :16
    ]


def digest_of_training(agent: Agent) -> dict[str, str]:
    first, second = agent.model.moments()
    return {
        "losses": sha([agent.history.losses]),
        "weights": sha(agent.model.state_dict().values()),
        "moments": sha([*first.values(), *second.values()]),
    }


def digest_of_samples(samples: Sequence[Samples]) -> str:
    return sha(
        np.concatenate([getattr(part, name) for part in samples])
        for name in ("tokens", "lengths", "ended")
    )


def digest_of_evaluations(parts: Sequence[Evaluation]) -> str:
    return sha([np.concatenate([part.bits for part in parts])])


def digests(agent: Agent) -> dict[str, str]:
    """All of it: what training made, what it scores, what it writes."""
    scored = agent.dataset.train.part(0, N_SCORED)
    return digest_of_training(agent) | {
        "bits": digest_of_evaluations([agent.model.evaluate(scored, temperature=0.9)]),
        "samples": digest_of_samples([agent.model.generate(N_SAMPLES, temperature=0.9, seed=11)]),
    }


def written() -> dict[str, dict[str, str]]:
    """What golden.json says of each run."""
    return dict(json.loads(PATH.read_text()))


if __name__ == "__main__":
    chosen = (
        RUNS + LONG_RUNS if len(sys.argv) < 2 else {"short": RUNS, "long": LONG_RUNS}[sys.argv[1]]
    )
    print(json.dumps({str(run): digests(trained(run)) for run in chosen}, indent=1))
