"""What a GPT answers with: scored documents, generated documents, trained steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bandits.model.exact import Float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What documents cost a model: bits float64 (n,), n_tokens int64 (n,), the BOS at the end included."""

    bits: Float
    n_tokens: npt.NDArray[np.int64]
    n_flops: int

    @property
    def bits_per_token(self) -> float:
        """The mean over all tokens of all documents, in bits."""
        return float(self.bits.sum() / self.n_tokens.sum())

    @property
    def perplexity(self) -> float:
        """2 to the bits per token; infinite where a float cannot hold it."""
        bits = self.bits_per_token
        return float(2.0**bits) if bits < 1024 else float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Generated documents: tokens int32 (n, block_size), lengths int32 (n,), ended bool (n,).

    `ended`: BOS was drawn before block_size was full.  `finite`: no logit was NaN or infinite.
    """

    tokens: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    ended: npt.NDArray[np.bool_]
    finite: bool
    n_flops: int

    def __len__(self) -> int:
        return len(self.lengths)

    def sequences(self) -> list[list[int]]:
        """Return the token ids of each document, without BOS."""
        return [row[:n].tolist() for row, n in zip(self.tokens, self.lengths.tolist(), strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class TrainedSteps:
    """What a run of steps did: losses (nats) and n_flops of each, and why it stopped.

    stopped: 'done'; 'budget' (the next step would cost more than was left); or 'diverged': the
    loss after the last one here was not finite, `wasted_flops` were spent on finding out.
    """

    losses: Float
    n_flops: int
    stopped: str
    wasted_flops: int = 0
