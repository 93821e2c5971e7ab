"""What is measured: sizes, the documents all competitors are given, and the operations those take."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from bandits import datasets
from bandits.model.config import GPTConfig
from bandits.model.energy import backward_flops, forward_flops, update_flops
from bandits.model.seeding import training_order, weight_shapes

SEED = 42
N_NAMES = 4096
N_FULL = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A model, a batch, and a text: 'names', or 'full' documents that fill the block."""

    n_embd: int
    n_layer: int = 1
    batch_size: int = 1
    n_head: int = 4
    block_size: int = 16
    text: str = "names"

    @property
    def config(self) -> GPTConfig:
        return GPTConfig(
            n_embd=self.n_embd,
            n_layer=self.n_layer,
            n_head=self.n_head,
            block_size=self.block_size,
        )

    def __str__(self) -> str:
        return f"{self.n_embd},{self.n_layer},{self.batch_size}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def training_sizes() -> list[Size]:
    """The table: n_embd, n_layer, batch."""
    table = [(16, 1, 1), (16, 1, 16), (32, 1, 1), (32, 1, 16), (64, 1, 1), (64, 1, 16)]
    table += [(128, 1, 16), (64, 4, 16), (256, 4, 32)]
    return [Size(n_embd=d, n_layer=L, batch_size=B) for d, L, B in table]


def odd_sizes() -> list[tuple[Size, Size]]:
    """Sizes that vectors of 16 do not fit, each with one that they do and that it may cost as much as."""
    table = [(20, 32, 4), (24, 32, 4), (33, 48, 3), (48, 64, 4)]
    return [
        (
            Size(n_embd=d, n_head=H, batch_size=B),
            Size(n_embd=even, n_head=H, batch_size=B),
        )
        for d, even, H in table
        for B in (1, 16)
    ]


def growth() -> dict[str, list[Size]]:
    """What is varied, alone, and the sizes by which it grows."""
    batches = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    return {
        "n_embd": [Size(n_embd=d, batch_size=16) for d in (8, 16, 32, 64, 128, 256, 512)],
        "n_layer": [Size(n_embd=64, n_layer=L, batch_size=16) for L in (1, 2, 3, 4, 6, 8)],
        "batch_size": [Size(n_embd=16, batch_size=B) for B in batches],
        "batch_size at n_embd 64": [Size(n_embd=64, batch_size=B) for B in batches],
        "block_size": [
            Size(n_embd=64, batch_size=16, block_size=T, text="full")
            for T in (8, 16, 32, 64, 128, 256)
        ],
    }


@cache
def documents(text: str, block_size: int) -> tuple[list[int], ...]:
    """Token ids without BOS: names in the order of training, or their letters in full blocks."""
    names = datasets.load("names")
    order, _ = training_order(len(names.train), SEED)
    if text == "names":
        return tuple(names.encode(names.train.texts[i]) for i in order[:N_NAMES].tolist())
    letters = (token for i in order.tolist() for token in names.encode(names.train.texts[i]))
    return tuple(list(islice(letters, block_size - 1)) for _ in range(N_FULL))


def documents_of(size: Size) -> tuple[list[int], ...]:
    """The documents of a size, taken round and round."""
    return documents(size.text, size.block_size)


def weights(config: GPTConfig) -> dict[str, npt.NDArray[np.float32]]:
    """Initial weights, the same for every competitor."""
    rng = np.random.default_rng(SEED)
    return {
        name: rng.normal(0, 0.08, shape).astype(np.float32)
        for name, shape in weight_shapes(config).items()
    }


class Work:
    """The operations that n steps of a size take, by the count of docs/RULES.md."""

    def __init__(self, size: Size) -> None:
        self.batch_size = size.batch_size
        packed = documents_of(size)
        steps = [_step_flops(size, packed[k : k + size.batch_size]) for k in self._starts(packed)]
        self._sums = np.concatenate([[0], np.cumsum(np.array(steps, dtype=np.int64))])

    def _starts(self, packed: tuple[list[int], ...]) -> range:
        return range(0, len(packed) - self.batch_size + 1, self.batch_size)

    def flops(self, n_steps: int) -> int:
        """The operations of the first n_steps steps."""
        rounds, rest = divmod(n_steps, len(self._sums) - 1)
        return int(rounds * self._sums[-1] + self._sums[rest])

    @property
    def flops_a_document(self) -> float:
        """The mean over all documents."""
        return float(self._sums[-1]) / ((len(self._sums) - 1) * self.batch_size)


def _step_flops(size: Size, batch: tuple[list[int], ...]) -> int:
    inputs = [[26, *document][: size.block_size] for document in batch]
    positions = [len(tokens) for tokens in inputs]
    n_distinct = len({token for tokens in inputs for token in tokens})
    config = size.config
    return (
        forward_flops(config, positions)
        + backward_flops(config, positions, n_distinct)
        + update_flops(config)
    )
