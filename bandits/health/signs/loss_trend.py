"""Whether the loss still falls."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bandits.agent.agent import Agent
from bandits.health.examination import Examination, Part
from bandits.health.sign import Reading, sign

MIN_STEPS = 100


@sign(
    "loss trend",
    Part.HISTORY,
    unit="nats",
    healthy="not rising",
    meaning="The change of the loss over the latter half of training, against the noise of its steps: "
    "a rising loss unlearns, one that never fell has not begun.",
    ok_high=0.05,
    bad_high=0.5,
)
def loss_trend(exam: Examination) -> Iterator[Reading]:
    """Does the loss still fall?  Nothing before there are enough steps to tell, or if one is not finite.

    A straight line through the latter half of the history.  A loss nearer to a blind guess's than to
    that of knowing how frequent each letter is, and that surely has not fallen by a tenth of the former
    since the first quarter, is bad whatever the line says.
    """
    agent = exam.agent
    steps, losses = agent.history.steps.astype(np.float64), agent.history.losses
    if agent.n_steps < MIN_STEPS or not np.isfinite(losses).all():
        return
    late = steps > agent.n_steps / 2
    change, error = _rise(steps[late], losses[late])
    quarter = len(losses) // 4
    first, last = losses[:quarter], losses[-quarter:]
    noise = math.sqrt((first.var() + last.var()) / quarter)
    blind = agent.config.uniform_loss
    begun = (blind + _letter_loss(agent)) / 2.0
    surely_fell_less = first.mean() - last.mean() + 2.0 * noise < 0.1 * blind
    if begun < 0.97 * blind and begun < last.mean() < 1.25 * blind and surely_fell_less:
        yield Reading(change, exam.remedies.other_rate(), error=error, verdict="bad")
    else:
        yield Reading(change, exam.remedies.slower("the loss rises"), error=error)


def _letter_loss(agent: Agent) -> float:
    """Return the loss, in nats, of knowing how frequent each letter is where an agent looks."""
    train = agent.dataset.train
    places = np.arange(len(train.tokens)) - np.repeat(train.offsets[:-1], train.lengths + 2)
    targets = train.tokens[(places >= 1) & (places <= agent.config.block_size)]
    counts = np.bincount(targets).astype(np.float64)
    p = counts[counts > 0] / counts.sum()
    return float(-np.sum(p * np.log(p)))


def _rise(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return how far the least-squares line rises over all of x, and the standard error of that."""
    length = float(x[-1] - x[0])
    dx = x - x.mean()
    dx2 = float(dx @ dx)
    slope = float(dx @ y) / dx2
    rest = y - y.mean() - slope * dx
    error = math.sqrt(float(rest @ rest) / (len(x) - 2) / dx2)
    return slope * length, error * length
