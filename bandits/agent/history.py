"""The loss of every step, in bounded space.

Losses are kept as means of buckets of `stride` steps; when the buckets are full, neighbours are
merged and the stride doubles.  The state depends on the losses alone, never on how they were
chunked, so training 500 steps twice leaves the same bytes as training 1,000.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bandits.agent.smoothing import QUOTED_STEPS, halved
from bandits.errors import InvalidValue

MAX_BUCKETS = 16_384
RECENT = 256


class LossHistory:
    """Mean loss per bucket of steps, and the exact losses of the latest steps."""

    def __init__(self) -> None:
        self.n_steps = 0
        self.stride = 1
        self._means = np.empty(MAX_BUCKETS, dtype=np.float64)
        self._n_full = 0  # buckets in use; never MAX_BUCKETS between calls
        self._open_sum, self._open_count = 0.0, 0  # the bucket that is being filled
        self._recent = np.zeros(0, dtype=np.float64)

    def append(self, losses: npt.ArrayLike) -> None:
        """Add the losses, in nats, of the next steps, shape (n,)."""
        new = np.asarray(losses, dtype=np.float64)
        self.n_steps += len(new)
        self._recent = np.concatenate([self._recent, new])[-RECENT:]
        while len(new):
            room = (MAX_BUCKETS - self._n_full) * self.stride - self._open_count
            self._fill(new[:room])
            new = new[room:]
            if self._n_full == MAX_BUCKETS:
                self._merge()

    def _fill(self, losses: npt.NDArray[np.float64]) -> None:
        if self.stride == 1:
            self._means[self._n_full : self._n_full + len(losses)] = losses
            self._n_full += len(losses)
            return
        for loss in losses.tolist():  # one by one: chunks must not change the rounding
            self._open_sum += loss
            self._open_count += 1
            if self._open_count == self.stride:
                self._means[self._n_full] = self._open_sum / self.stride
                self._n_full += 1
                self._open_sum, self._open_count = 0.0, 0

    def _merge(self) -> None:
        half = MAX_BUCKETS // 2
        self._means[:half] = halved(self._means)
        self._n_full = half
        self.stride *= 2

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """The middle step of each full bucket, int64 (n,), counted from 1."""
        starts = np.arange(self._n_full, dtype=np.int64) * self.stride
        return starts + (self.stride + 1) // 2

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """The mean loss, in nats, of each full bucket, float64 (n,)."""
        return self._means[: self._n_full].copy()

    def thinned(self, n_points: int) -> tuple[list[int], list[float]]:
        """Return at most about n_points means of equal runs of steps, and the last step of each run.

        Rounded to six digits, from exact sums: the same on every machine.
        """
        means = self._means[: self._n_full].tolist()
        run = max(1, -(-len(means) // n_points))
        steps, losses = [], []
        for start in range(0, len(means), run):
            part = means[start : start + run]
            steps.append((start + len(part)) * self.stride)
            losses.append(_rounded(math.fsum(part) / len(part)))
        if self._open_count:
            steps.append(self.n_steps)
            losses.append(_rounded(self._open_sum / self._open_count))
        return steps, losses

    def mean_of_last(self, n: int = QUOTED_STEPS) -> float | None:
        """Return the mean loss of the latest steps, at most n and at most RECENT; None before any."""
        if not len(self._recent):
            return None
        return float(np.mean(self._recent[-n:]))

    def state(self) -> dict[str, Any]:
        """Return all of it as arrays (losses, recent) and numbers."""
        return {
            "n_steps": self.n_steps,
            "stride": self.stride,
            "open_sum": self._open_sum,
            "open_count": self._open_count,
            "losses": self.losses,
            "recent": self._recent.copy(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> LossHistory:
        """Return the history that `state` described.  Raises InvalidValue if it is inconsistent."""
        self = cls()
        self.n_steps, self.stride = int(state["n_steps"]), int(state["stride"])
        self._open_sum, self._open_count = float(state["open_sum"]), int(state["open_count"])
        means = np.asarray(state["losses"], dtype=np.float64)
        self._recent = np.array(state["recent"], dtype=np.float64)
        consistent = (
            self.stride >= 1
            and self.stride & (self.stride - 1) == 0
            and 0 <= self._open_count < self.stride
            and means.ndim == 1
            and len(means) < MAX_BUCKETS
            and len(means) * self.stride + self._open_count == self.n_steps
            and self._recent.shape == (min(self.n_steps, RECENT),)
        )
        if not consistent:
            raise InvalidValue("the loss history does not fit its number of steps")
        self._n_full = len(means)
        self._means[: self._n_full] = means
        return self


def _rounded(loss: float) -> float:
    return float(f"{loss:.6g}")
