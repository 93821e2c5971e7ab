"""The losses of one training as it runs, in bounded space, ready to draw at any moment.

Unlike `LossHistory` (bandits/agent/history.py), an agent's exact record, this one is made to be cheap: what
it costs does not grow with the steps a second.  What it holds depends on the losses, not on how they
were chunked.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bandits.agent.agent import Progress
from bandits.agent.smoothing import QUOTED_STEPS, Floats, halved, means_until

MOST_BINS = 1024
WINDOWS_A_COURSE = 40
_LEAST_MEAN = 10  # steps: fewer are all noise
_MOST_MARKS = 512


class Curve:
    """Mean losses of equal runs of steps, and what a training had spent where.

    n_steps, n_flops: so far; first: the loss of the first step; exploded_at: the step, counted from 1, whose
    loss was not finite.  None where there is none.
    """

    def __init__(self) -> None:
        self.n_steps = self.n_flops = 0
        self.first: float | None = None
        self.exploded_at: int | None = None
        self._bins = np.zeros(MOST_BINS)
        self._n_bins, self._width = 0, 1
        self._pending: list[Floats] = []
        self._n_pending = 0
        self._marks = [(0, 0, 0.0)]  # steps, operations, learning rate

    def add(self, progress: Progress) -> None:
        """Take the losses of the next steps, and where the training stands after them."""
        losses = progress.losses
        finite = np.isfinite(losses)
        if not finite.all() and self.exploded_at is None:
            losses = losses[: int(np.argmin(finite))]
            self.exploded_at = self.n_steps + len(losses) + 1
        if self.first is None and len(losses):
            self.first = float(losses[0])
        self.n_steps += len(losses)
        self.n_flops = progress.n_flops
        self._pending.append(losses)
        self._n_pending += len(losses)
        if self._n_pending >= self._width:
            self._fill()
        if len(self._marks) == _MOST_MARKS:
            del self._marks[1::2]
        self._marks.append((progress.n_done, progress.n_flops, progress.learning_rate))

    def _fill(self) -> None:
        losses = np.concatenate(self._pending)
        while len(losses) >= self._width:
            n = min(len(losses) // self._width, MOST_BINS - self._n_bins)
            full, losses = losses[: n * self._width], losses[n * self._width :]
            self._bins[self._n_bins : self._n_bins + n] = full.reshape(n, self._width).mean(axis=1)
            self._n_bins += n
            if self._n_bins == MOST_BINS:
                half = MOST_BINS // 2
                self._bins[:half] = halved(self._bins)
                self._n_bins, self._width = half, 2 * self._width
        self._pending, self._n_pending = [losses.copy()], len(losses)

    def mean_until(self, steps: npt.ArrayLike, window: int = QUOTED_STEPS) -> Floats:
        """Return the mean loss of the `window` steps up to each of `steps` (n,), of fewer at the start.

        The first ten steps share one mean.  NaN where nothing is known: in a curve without losses.
        """
        asked = np.maximum(np.asarray(steps, dtype=np.float64), _LEAST_MEAN) / self._width
        ends = np.minimum(np.ceil(asked), self._n_bins).astype(np.int64)
        return means_until(self._bins[: self._n_bins], ends, max(1, round(window / self._width)))

    def flops_at(self, step: float) -> float:
        """Return the operations of the first steps, on a line between the chunks' ends."""
        steps, flops, _ = zip(*self._marks, strict=True)
        return float(np.interp(step, steps, flops))

    def learning_rate_at(self, step: float) -> float:
        """Return the learning rate of the chunk that a step belongs to."""
        marks = (mark for mark in self._marks[1:] if mark[0] >= step)
        return next(marks, self._marks[-1])[2]


def window_of(n_steps: int) -> int:
    """Return how many steps a running mean takes in that is to look smooth over n_steps."""
    return max(QUOTED_STEPS, n_steps // WINDOWS_A_COURSE)
