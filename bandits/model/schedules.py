"""Learning-rate schedules: the factor of the learning rate at each step, 0 from the horizon on.

A schedule is a function of the step counts (float64, from 0) and the horizon; to add one, write it
below with its registration.  Warmup multiplies any of them by (step + 1) / warmup until it reaches 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bandits.model.exact import Float, cos_pi
from bandits.registry import Registry

Schedule = Callable[[Float, int], Float]
SCHEDULES: Registry[Schedule] = Registry("schedule")


@SCHEDULES.register("linear")
def linear(step: Float, horizon: int) -> Float:
    """1 - step / horizon: microGPT's own."""
    return 1.0 - step / horizon


@SCHEDULES.register("constant")
def constant(step: Float, horizon: int) -> Float:
    """1 for ever: the horizon has no meaning."""
    return np.ones_like(step)


@SCHEDULES.register("cosine")
def cosine(step: Float, horizon: int) -> Float:
    """(1 + cos(pi step / horizon)) / 2."""
    factor = 0.5 * (1.0 + cos_pi(np.minimum(step / horizon, 1.0)))
    return np.where(step < horizon, factor, 0.0)  # cos_pi(1) is -1 but for a rounding


def learning_rates(
    schedule: str, learning_rate: float, horizon: int, warmup: int, first_step: int, n_steps: int
) -> Float:
    """Return the learning rates of steps first_step .. first_step + n_steps - 1, float64 (n_steps,)."""
    step = np.arange(first_step, first_step + n_steps, dtype=np.float64)
    factor = np.maximum(SCHEDULES.get(schedule)(step, horizon), 0.0)
    if warmup:
        factor = factor * np.minimum((step + 1.0) / warmup, 1.0)
    return learning_rate * factor


def last_step(schedule: str, horizon: int) -> int | None:
    """Return the step at which the learning rate becomes 0 for good, or None if it never does."""
    return None if schedule == "constant" else horizon
