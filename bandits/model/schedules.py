"""Learning-rate schedules: the factor of the learning rate at each step, and whether it ends.

A schedule is a function of the step counts (float64, from 0) and the horizon; to add one, write it below
with its registration.  One that ends is 0 from the horizon on, and training ends there.  Warmup
multiplies any of them by (step + 1) / warmup until it reaches 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bandits.model.exact import Float, cos_pi
from bandits.registry import Registry

Factor = Callable[[Float, int], Float]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A factor of the learning rate, and whether it ends at the horizon."""

    factor: Factor
    ends: bool


SCHEDULES: Registry[Schedule] = Registry("schedule")


def schedule(name: str, *, ends: bool) -> Callable[[Factor], Factor]:
    """Return the decorator that registers a factor under a name."""

    def enter(factor: Factor) -> Factor:
        SCHEDULES.register(name)(Schedule(factor, ends))
        return factor

    return enter


@schedule("linear", ends=True)
def linear(step: Float, horizon: int) -> Float:
    """1 - step / horizon: microGPT's own."""
    return 1.0 - step / horizon


@schedule("constant", ends=False)
def constant(step: Float, horizon: int) -> Float:
    """1 for ever: the horizon has no meaning."""
    return np.ones_like(step)


@schedule("cosine", ends=True)
def cosine(step: Float, horizon: int) -> Float:
    """(1 + cos(pi step / horizon)) / 2."""
    return 0.5 * (1.0 + cos_pi(np.minimum(step / horizon, 1.0)))


def learning_rates(
    schedule: str, learning_rate: float, horizon: int, warmup: int, first_step: int, n_steps: int
) -> Float:
    """Return the learning rates of steps first_step .. first_step + n_steps - 1, float64 (n_steps,)."""
    step = np.arange(first_step, first_step + n_steps, dtype=np.float64)
    chosen = SCHEDULES.get(schedule)
    factor = np.maximum(chosen.factor(step, horizon), 0.0)
    if chosen.ends:
        factor = np.where(step < horizon, factor, 0.0)
    if warmup:
        factor = factor * np.minimum((step + 1.0) / warmup, 1.0)
    return learning_rate * factor


def last_step(schedule: str, horizon: int) -> int | None:
    """Return the step at which the learning rate becomes 0 for good, or None if it never does."""
    return horizon if SCHEDULES.get(schedule).ends else None


def in_words() -> str:
    """Return which schedules end, and which do not."""
    ends = [name for name in SCHEDULES if SCHEDULES.get(name).ends]
    never = [name for name in SCHEDULES if name not in ends]
    both = "both" if len(ends) == 2 else "all"
    parts = [f"{', '.join(ends)} ({both} fall to 0 at the horizon)", *never]
    return f"{', '.join(parts[:-1])} or {parts[-1]}"
