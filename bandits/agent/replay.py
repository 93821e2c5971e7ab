"""Replay: an agent made anew from its seed along its course, and the proof that it is what it claims to be.

Training gives the same bits on every machine (docs/DETERMINISM.md), so whoever has the dataset can train
any agent again and compare.  What an agent has generated and been evaluated on leaves no trace in it and
cannot be replayed: that part of its energy is taken as stated, and can only make its bill higher.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bandits.agent.agent import Agent, Progress
from bandits.agent.course import (
    n_seen_along,
    next_change,
    settings_at,
)
from bandits.agent.recipe import Recipe
from bandits.agent.state import AgentState
from bandits.errors import InvalidValue
from bandits.model.energy import Energy, forward_flops

TINY = np.float32(2.0**-126)  # the one number that machines may flush differently (DETERMINISM.md)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether an agent is what its record makes of it.

    difference: what differs first, None if nothing does; step: of its n_steps the one at which it shows.
    n_flops: what the replay took; it is not charged.  stated: the energy that the agent claims.
    """

    verified: bool
    difference: str | None
    step: int | None
    n_steps: int
    n_flops: int
    stated: Energy

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        data = {key: getattr(self, key) for key in self.__slots__}
        return data | {"stated": self.stated.as_dict()}


def replay(agent: Agent, stops: Sequence[int]) -> Iterator[Agent]:
    """Return an agent of the same seed, trained along the same course, at each of the ascending steps.

    It is one agent that trains on from stop to stop: look at it, and do not train it.  Its settings are
    those of its next step, at the temperature of `agent`; of its energy only the training is replayed.
    Raises: InvalidValue for stops that are not ascending from 0 to its steps, for a course that is not
    known, and, at a stop, if its loss stops being finite before it.
    """
    stops = list(stops)
    if stops != sorted(set(stops)) or (stops and not 0 <= stops[0] <= stops[-1] <= agent.n_steps):
        raise InvalidValue(f"stops must be ascending steps from 0 to {agent.n_steps:,}")
    recipe = Recipe.of(agent)
    recipe.check_known()
    return _replay(Retraining(recipe), stops)


def _replay(retraining: Retraining, stops: list[int]) -> Iterator[Agent]:
    for stop in stops:
        retraining.all_to(stop)
        yield retraining.agent


class Retraining:
    """An agent that is made anew.  Its recipe's course must be known."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.agent = Agent(recipe.dataset, recipe.config, recipe.settings, seed=recipe.seed)

    def all_to(self, step: int) -> Agent:
        """Train to a step.  Raises InvalidValue if the loss stops being finite before it."""
        for _ in self.to(step):
            pass
        if self.agent.n_steps < step:
            raise InvalidValue(
                f"its loss stops being finite after step {self.agent.n_steps:,} of {step:,}: "
                "its record is not its own"
            )
        return self.agent

    def to(self, step: int) -> Iterator[Progress]:
        """Train to a step, yielding each chunk; stop where the loss is not finite."""
        agent, recipe = self.agent, self.recipe
        while agent.n_steps < step and not agent.diverged:
            agent.settings = settings_at(recipe.course, agent.n_steps)
            change = next_change(recipe.course, agent.n_steps)
            end = step if change is None else min(step, change)
            for progress in agent.retrain(end - agent.n_steps):
                n_flops = agent.energy.training
                yield replace(
                    progress, n_done=agent.n_steps, n_steps=recipe.n_steps, n_flops=n_flops
                )
        if agent.n_steps == step == recipe.n_steps:
            self._come_to_rest()
            agent.settings = recipe.settings
        elif agent.n_steps == step:
            now = settings_at(recipe.course, step)
            agent.settings = replace(now, temperature=recipe.settings.temperature)

    def _come_to_rest(self) -> None:
        """Find out whether the agent has exploded, as it does after its last step.

        Its bill says whether it went for one step more, whose loss was not finite: such a step is paid as
        far as it ran, and not counted.
        """
        agent, recipe = self.agent, self.recipe
        agent.diverged = not agent.model.is_finite()
        if not recipe.diverged or agent.energy.training == recipe.energy.training:
            return
        batch = agent.next_documents(settings_at(recipe.course, agent.n_steps).batch_size)
        loss, _ = agent.model.probe(batch)
        if not np.isfinite(loss):
            positions = np.minimum(batch.lengths + 1, agent.config.block_size).tolist()
            agent.charge(Energy(training=forward_flops(agent.config, positions)))
            agent.diverged = True


def verify(agent: Agent) -> Verification:
    """Retrain an agent and compare: its losses, weights, moments and place to the last bit, its energy to
    the last operation.  Raises InvalidValue if its course is not known.
    """
    steps = verifying(agent)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Verification = end.value
            return found


def verifying(agent: Agent) -> Generator[Progress, None, Verification]:
    """Do what `verify` does, yielding the progress of the retraining after each chunk."""
    recipe = Recipe.of(agent)
    recipe.check_known()
    return _verifying(agent, recipe)


def _verifying(agent: Agent, recipe: Recipe) -> Generator[Progress, None, Verification]:
    stated, retraining = agent.state(), Retraining(recipe)
    anew = retraining.agent

    def found(difference: str | None, step: int | None) -> Verification:
        return Verification(
            verified=difference is None,
            difference=difference,
            step=None if difference is None else step,
            n_steps=agent.n_steps,
            n_flops=anew.energy.training,
            stated=agent.energy,
        )

    n_seen = n_seen_along(recipe.course, agent.n_steps)
    if agent.n_seen != n_seen:
        return found(f"it states {agent.n_seen:,} documents, its course takes {n_seen:,}", None)
    for progress in retraining.to(agent.n_steps):
        at_loss = _loss_difference(stated, anew)
        if at_loss:
            return found(*at_loss)
        yield progress
    if anew.n_steps < agent.n_steps:
        why = f"its loss stops being finite after step {anew.n_steps:,}"
        return found(why, anew.n_steps + 1)
    return found(_difference(stated, anew.state()), agent.n_steps)


def _loss_difference(stated: AgentState, anew: Agent) -> tuple[str, int] | None:
    """Return how the losses differ so far, and the step by which they do.

    The buckets of both histories are merged alike, so a bucket of the finer one, once full, is part of the
    coarser one for good.
    """
    means, stride = anew.history.losses, anew.history.stride
    while stride < stated.history["stride"]:
        even = len(means) // 2 * 2
        means, stride = (means[0:even:2] + means[1:even:2]) / 2.0, stride * 2
    claimed = stated.history["losses"][: len(means)]
    where = np.flatnonzero(claimed.view(np.int64) != means[: len(claimed)].view(np.int64))
    if not len(where):
        return None
    first = int(where[0])
    step = (first + 1) * stride
    steps = f"step {step:,}" if stride == 1 else f"steps {step - stride + 1:,} to {step:,}"
    figures = f"it states {claimed[first]!s}, retraining gives {means[first]!s}"
    return f"the loss of {steps} differs: {figures}", step


def _difference(stated: AgentState, anew: AgentState) -> str | None:
    """Return what differs first between two agents after all steps, or None."""
    for key, kind in (("recent", "the loss of one of the last steps"), ("losses", "a loss")):
        if stated.history[key].tobytes() != anew.history[key].tobytes():
            return f"{kind} differs"
    if any(stated.history[key] != anew.history[key] for key in ("open_sum", "open_count")):
        return "the loss of one of the last steps differs"
    if stated.diverged != anew.diverged:
        says, does = ("stopped", "stays") if stated.diverged else ("stayed", "stops")
        return f"it states that its loss {says} being finite, retraining {does} finite"
    for kind, ours, theirs in (
        ("weight", stated.weights, anew.weights),
        ("first moment", stated.first_moments, anew.first_moments),
        ("second moment", stated.second_moments, anew.second_moments),
    ):
        for name in ours:
            found = _first_other(ours[name], theirs[name], is_moment=kind != "weight")
            if found:
                at, n = found
                figures = f"{ours[name][at]:.9g} stated, {theirs[name][at]:.9g} retrained"
                more = f", and {n - 1:,} more" if n > 1 else ""
                return f"{kind} {name}[{at[0]}, {at[1]}] differs: {figures}{more}"
    for key in ("beta1_power", "beta2_power"):
        if getattr(stated, key) != getattr(anew, key):
            return (
                f"{key} differs: {getattr(stated, key)!r} stated, {getattr(anew, key)!r} retrained"
            )
    claimed, cost = stated.energy.training, anew.energy.training
    if claimed != cost:
        return (
            f"its bill is too {'low' if claimed < cost else 'high'}: it states {claimed:,} operations "
            f"of training, retraining takes {cost:,}"
        )
    return None


def _first_other(
    ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32], *, is_moment: bool
) -> tuple[tuple[int, int], int] | None:
    """Return where two matrices differ first in a bit, and in how many places."""
    other = ours.view(np.uint32) != theirs.view(np.uint32)
    if not other.any():
        return None
    other &= ~(np.isnan(ours) & np.isnan(theirs))
    if is_moment:
        other &= ~(_is_nothing(ours) & _is_nothing(theirs))
    where = np.argwhere(other)
    return ((int(where[0][0]), int(where[0][1])), len(where)) if len(where) else None


def _is_nothing(moments: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    nothing: npt.NDArray[np.bool_] = (moments == 0) | (np.abs(moments) == TINY)
    return nothing
