"""The learning rate over the steps, behind an agent and before it, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bandits.agent.course import known_from
from bandits.pictures.panels import Curves, Dot, Floats, Line, Note, Picture
from bandits.pictures.registration import (
    Exhibit,
    Request,
    names_of,
    picture,
    short,
    slug_of,
    together,
)

if TYPE_CHECKING:
    from bandits.agent.agent import Agent
    from bandits.arena.arena import Arena
    from bandits.model.settings import Settings

N_POINTS = 400
MOST_PLACED = 8  # agents whose step and rate are written out
MOST_TOLD = 2  # agents whose past and future have names of their own


@dataclass(frozen=True, slots=True)
class HorizonReached(Note):
    """From here on the learning rate of this agent is 0."""

    agent: str
    horizon: int

    def __str__(self) -> str:
        return f"{self.agent} has reached its horizon of {self.horizon:,} steps"


@picture(
    "schedule",
    takes="agents",
    summary="learning rate, past and to come",
    exhibit=Exhibit(
        asked=Request(names=("Deep", "Steady")),
        seen="The learning rates of Deep and Steady, so far and to come",
        look_for=(
            "The learning rate behind an agent, with every change of its settings, and before it; "
            "the dot is where it stands."
        ),
    ),
)
def schedule(arena: Arena, request: Request) -> Picture:
    """Gather the learning rates of one or several agents: what was, and what their settings make next."""
    names = names_of(arena, request)
    lines: list[Line] = []
    dots: list[Dot] = []
    notes: list[str | Note] = []
    agents = {name: arena.agent(name) for name in names}
    end = max(_end(agent) for agent in agents.values())
    for place, (name, agent) in enumerate(agents.items()):
        label = short(name, 18)
        first = known_from(agent.course, agent.n_steps) if agent.n_steps else 0
        if first:
            notes.append(f"{name}'s settings before step {first:,} are not known")
        if agent.n_steps > first:
            past = f"{label}, so far" if len(names) <= MOST_TOLD else ""
            lines.append(Line(past, *_past(agent, first), place))
        settings, step = agent.settings, agent.n_steps
        what = settings.schedule + (f", warmup {settings.warmup:,}" if settings.warmup else "")
        if step < end or not lines:
            told = f"{label}, to come ({what})" if len(names) <= MOST_TOLD else ""
            lines.append(Line(told, *_rates(settings, step, end), place, dashed=True))
        rate = agent.learning_rate()
        now = f" now: step {step:,}, {rate:.3g}" if len(names) <= MOST_PLACED else ""
        dots.append(Dot(f"{label}{now}", step, rate, place))
        if settings.steps_left(step) == 0:
            notes.append(HorizonReached(name, settings.horizon))
    panel = Curves(
        title=f"Learning rate of {together(names)}",
        x_label="step",
        y_label="learning rate",
        lines=lines,
        dots=dots,
        x_limits=(-0.01 * end, 1.01 * end),
        y_limits=(0.0, 1.12 * max(float(line.y.max()) for line in lines) or 1.0),
    )
    title = f"schedule of {together(names)}"
    return Picture(title=title, slug=slug_of(names, "schedule"), panels=[panel], notes=notes)


def _end(agent: Agent) -> int:
    """Return the step up to which it is worth looking."""
    end = agent.settings.last_step
    ahead = max(1000, 2 * agent.n_steps) if end is None else end
    return max(ahead, agent.n_steps, agent.settings.warmup)


def _rates(settings: Settings, first: int, end: int) -> tuple[Floats, Floats]:
    """Return at most N_POINTS steps from first to end, and the learning rate of each."""
    steps = np.unique(np.linspace(first, max(first, end), N_POINTS).round().astype(np.int64))
    rates = [float(settings.learning_rates(step, 1)[0]) for step in steps.tolist()]
    return steps.astype(np.float64), np.array(rates)


def _past(agent: Agent, first: int) -> tuple[Floats, Floats]:
    parts = []
    ends = [*(part.first_step for part in agent.course[1:]), agent.n_steps]
    for part, end in zip(agent.course, ends, strict=True):
        parts.append(_rates(part.settings, max(first, part.first_step), end))
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
