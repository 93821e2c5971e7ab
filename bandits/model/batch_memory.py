"""Whether a minibatch fits in memory, asked of the engine, which lays it out."""

from __future__ import annotations

from bisect import bisect_right

from bandits.errors import InvalidValue
from bandits.model import builds
from bandits.model.config import GPTConfig

# 4 GiB, and what padding adds at most: batches that were let in before padding was counted still are.
MAX_BATCH_BYTES = 2**32 + 2**27


class BatchTooLarge(InvalidValue):
    """The activations of a minibatch would take too much memory.  largest: the batch size that fits."""

    def __init__(self, batch_size: int, n_bytes: int, largest: int) -> None:
        self.batch_size, self.n_bytes, self.largest = batch_size, n_bytes, largest
        super().__init__(
            f"batch_size={batch_size} needs {n_bytes / 2**30:.1f} GiB at these sizes, at most "
            f"{MAX_BATCH_BYTES / 2**30:.0f}"
        )


def batch_bytes(config: GPTConfig, batch_size: int) -> int:
    """Return the bytes that the activations of a minibatch take, its documents as long as can be."""
    n_bytes: int = builds.build().Engine.activation_bytes(
        config.vocab_size,
        config.n_embd,
        config.n_layer,
        config.n_head,
        config.block_size,
        batch_size,
    )
    return n_bytes


def check_batch_memory(config: GPTConfig, batch_size: int) -> None:
    """Raise BatchTooLarge if the activations of one minibatch could exceed MAX_BATCH_BYTES."""
    n_bytes = batch_bytes(config, batch_size)
    if n_bytes > MAX_BATCH_BYTES:
        sizes = range(1, batch_size)
        fitting = bisect_right(sizes, MAX_BATCH_BYTES, key=lambda n: batch_bytes(config, n))
        raise BatchTooLarge(batch_size, n_bytes, max(1, fitting))
