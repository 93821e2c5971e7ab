"""Whether a minibatch fits in memory."""

from __future__ import annotations

from bandits.errors import InvalidValue
from bandits.model.config import GPTConfig

MAX_BATCH_BYTES = 4 * 2**30


class BatchTooLarge(InvalidValue):
    """The activations of a minibatch would take too much memory.  largest: the batch size that fits."""

    def __init__(self, batch_size: int, n_bytes: int, largest: int) -> None:
        self.batch_size, self.n_bytes, self.largest = batch_size, n_bytes, largest
        super().__init__(
            f"batch_size={batch_size} needs {n_bytes / 2**30:.1f} GiB at these sizes, at most "
            f"{MAX_BATCH_BYTES / 2**30:.0f}"
        )


def check_batch_memory(config: GPTConfig, batch_size: int) -> None:
    """Raise BatchTooLarge if the activations of one minibatch could exceed MAX_BATCH_BYTES."""
    C, V = _pad16(config.n_embd), _pad16(config.vocab_size)
    D = config.head_dim
    D = _pad16(D) if D > 16 else 1 << (D - 1).bit_length()  # as the engine lays heads out
    A = _pad16(config.n_head * D)
    lanes = config.n_head * 16 if D > 16 else A  # kept of each causal pair
    a_layer = 6 * C + 5 * A + lanes * (config.block_size + 1) // 2
    n_bytes = 4 * batch_size * config.block_size * (7 * C + 4 * A + V + config.n_layer * a_layer)
    if n_bytes > MAX_BATCH_BYTES:
        raise BatchTooLarge(batch_size, n_bytes, max(1, batch_size * MAX_BATCH_BYTES // n_bytes))


def _pad16(n: int) -> int:
    return -(-n // 16) * 16
