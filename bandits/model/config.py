"""What a microGPT is: its sizes, checked once, here, at the boundary."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bandits.errors import InvalidValue
from bandits.model.plain import from_plain, identity
from bandits.model.value_kinds import Whole

MAX_N_EMBD = 1024
MAX_N_LAYER = 32
MAX_BLOCK_SIZE = 1024
MAX_VOCAB_SIZE = 4096
MAX_PARAMETERS = 16_000_000

_RANGES = {
    "vocab_size": Whole(2, MAX_VOCAB_SIZE),
    "n_embd": Whole(1, MAX_N_EMBD),
    "n_layer": Whole(1, MAX_N_LAYER),
    "n_head": Whole(1, MAX_N_EMBD),
    "block_size": Whole(1, MAX_BLOCK_SIZE),
}
_FIRST_SIZES = ("vocab_size", "n_embd", "n_layer", "n_head", "block_size")  # never any more


@dataclass(frozen=True, slots=True, kw_only=True)
class GPTConfig:
    """The sizes of a microGPT.  Raises InvalidValue for sizes that cannot be."""

    vocab_size: int = 27
    n_embd: int = 16
    n_layer: int = 1
    n_head: int = 4
    block_size: int = 16

    def __post_init__(self) -> None:
        for key, allowed in _RANGES.items():
            allowed.check(key, getattr(self, key))
        if self.n_embd % self.n_head:
            raise InvalidValue(
                f"n_embd={self.n_embd} is not divisible by n_head={self.n_head}; "
                f"try {_nearest_multiples(self.n_embd, self.n_head)}"
            )
        if self.n_params > MAX_PARAMETERS:
            raise InvalidValue(
                f"n_embd={self.n_embd} n_layer={self.n_layer} makes {self.n_params:,} parameters; "
                f"at most {MAX_PARAMETERS:,}: choose a smaller n_embd or n_layer"
            )

    @property
    def head_dim(self) -> int:
        """Columns of one attention head."""
        return self.n_embd // self.n_head

    @property
    def n_params(self) -> int:
        """Number of weights: 2 V d + block_size d + 12 L d^2."""
        d = self.n_embd
        return (2 * self.vocab_size + self.block_size) * d + 12 * self.n_layer * d * d

    @property
    def uniform_loss(self) -> float:
        """Loss of a blind guess among all tokens, ln V, in nats per token."""
        return math.log(self.vocab_size)

    def as_dict(self) -> dict[str, int]:
        """Return the sizes as plain data."""
        return asdict(self)

    def identity(self) -> dict[str, int]:
        """Return the sizes as digests name them: those that were added later only off their default."""
        return identity(self, _FIRST_SIZES)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GPTConfig:
        """Return the sizes that `as_dict` wrote.  Raises InvalidValue."""
        return from_plain(cls, data)

    def __str__(self) -> str:
        return f"{self.n_embd}/{self.n_layer}/{self.n_head}"


def _nearest_multiples(n_embd: int, n_head: int) -> str:
    below = n_embd // n_head * n_head
    near = [n for n in (below, below + n_head) if 1 <= n <= MAX_N_EMBD]
    return " or ".join(str(n) for n in near) or "a smaller n_head"
