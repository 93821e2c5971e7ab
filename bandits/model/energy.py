"""Energy: the exact number of floating-point operations of the algorithm as defined.

Each scalar add, subtract, multiply, divide, exp, log and square root counts 1; comparisons, max,
masks, copies and table look-ups count 0; sums start from their first term; padding never counts.
The closed forms below are checked, to the integer, against a scalar type that counts
(tests/support/counting.py).  Symbols: T positions of a document, S = T (T + 1) / 2, d = n_embd,
L = n_layer, H = n_head, V = vocab_size, P parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from bandits.errors import InvalidValue
from bandits.model.config import GPTConfig
from bandits.model.plain import from_plain


def forward_flops(config: GPTConfig, positions: Sequence[int]) -> int:
    """Return the operations of the loss of a minibatch; `positions` holds T of each document."""
    d, L, H, V = config.n_embd, config.n_layer, config.n_head, config.vocab_size
    per_position = 4 * d + 4 + 2 * V * d + 3 * V + L * (24 * d * d - 2 * d + 6 - H)
    N, S = sum(positions), _pairs(positions)
    mean = len(positions) if len(positions) > 1 else 0  # B - 1 adds and a division
    return N * per_position + 4 * L * S * (d + H) + mean


def backward_flops(config: GPTConfig, positions: Sequence[int], n_distinct: int) -> int:
    """Return the operations of all gradients; `n_distinct` counts the batch's distinct input tokens.

    A gradient row's first contribution is an assignment: once a batch for every weight matrix,
    once a distinct token for wte, once a distinct position for wpe.
    """
    d, L, H, V = config.n_embd, config.n_layer, config.n_head, config.vocab_size
    per_position = 1 + V + 4 * V * d + 5 * d + L * (48 * d * d + 2 * d - H)
    N, S = sum(positions), _pairs(positions)
    first_terms = n_distinct * d + V * d + 12 * L * d * d
    shared_wpe = (N - max(positions)) * d
    return N * per_position + 4 * L * S * (2 * d + H) - first_terms + shared_wpe


def update_flops(config: GPTConfig) -> int:
    """Return the operations of one Adam update: 14 a parameter."""
    return 14 * config.n_params


def clip_flops(config: GPTConfig, *, clipped: bool) -> int:
    """Return the operations of clipping by the norm: P squares, P - 1 adds, a root; then the scaling."""
    P = config.n_params
    return 2 * P + (P + 1 if clipped else 0)


def least_training_flops(config: GPTConfig, n_of_positions: Mapping[int, int], n_steps: int) -> int:
    """Return what n_steps steps cost at least, however the documents were divided among them.

    n_of_positions: how many of the documents have T positions, by T.  Alone in its batch a document costs
    least: each gradient's first contribution is free, and a batch has a single first one.
    """
    documents = sum(
        n * (forward_flops(config, [T]) + backward_flops(config, [T], min(T, config.vocab_size)))
        for T, n in n_of_positions.items()
    )
    return documents + n_steps * update_flops(config)


def evaluate_flops(config: GPTConfig, positions: Sequence[int]) -> int:
    """Return the operations of scoring documents at a temperature, one by one.

    The forward pass of each, and V divisions by the temperature a position; the losses of different
    documents are not averaged.
    """
    return sum(forward_flops(config, [T]) + T * config.vocab_size for T in positions)


def generate_flops(config: GPTConfig, n_tokens: Iterable[int]) -> int:
    """Return the operations of generating documents, of which `n_tokens` were drawn each (BOS included).

    Drawing the token at position t costs
    4d + 2 + 2Vd + 4V + L (24d^2 - 2d + 6 - H + 4 (t + 1)(d + H)).
    """
    d, L, H, V = config.n_embd, config.n_layer, config.n_head, config.vocab_size
    per_token = 4 * d + 2 + 2 * V * d + 4 * V + L * (24 * d * d - 2 * d + 6 - H)
    drawn = list(n_tokens)
    return sum(drawn) * per_token + 4 * L * (d + H) * _pairs(drawn)


def _pairs(positions: Iterable[int]) -> int:
    return sum(T * (T + 1) // 2 for T in positions)


@dataclass(frozen=True, slots=True)
class Energy:
    """What an agent and its ancestors have spent, in operations."""

    training: int = 0
    generation: int = 0
    evaluation: int = 0

    def __post_init__(self) -> None:
        for key in self.__slots__:
            n_flops = getattr(self, key)
            if isinstance(n_flops, bool) or not isinstance(n_flops, int) or n_flops < 0:
                raise InvalidValue(f"energy of {key} must be a whole number, at least 0")

    @property
    def total(self) -> int:
        """All of it, in operations."""
        return sum(self.as_dict().values())

    def __add__(self, other: Energy) -> Energy:
        mine, theirs = self.as_dict(), other.as_dict()
        return Energy(**{key: mine[key] + theirs[key] for key in mine})

    def __sub__(self, other: Energy) -> Energy:
        mine, theirs = self.as_dict(), other.as_dict()
        return Energy(**{key: mine[key] - theirs[key] for key in mine})

    def as_dict(self) -> dict[str, int]:
        """Return the amounts as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, int]) -> Energy:
        """Return the energy of plain data, what is left out 0.  Raises InvalidValue."""
        return from_plain(cls, data)
