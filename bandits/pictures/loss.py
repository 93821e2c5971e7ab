"""The loss of every step: the raw course, its trailing mean, and what the house n-grams would have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bandits.agent.smoothing import trailing_means
from bandits.contest.judge import judge_for
from bandits.errors import InvalidValue
from bandits.pictures.panels import Curves, Floats, Line, Mark, Picture
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

WINDOWS_A_CURVE = 20
MOST_RAW = 3  # agents whose single steps are drawn
MOST_POINTS = 2000
EXPLODED = 3  # times the loss of a uniform guess
STEEP = 1.5  # times it: how much of a peak is drawn that was left behind
HOUSE = ("letter frequencies", "bigram", "trigram", "4-gram")


class NoLossYet(InvalidValue):
    """An agent is untrained, so there is nothing to draw.  agent: its name."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        super().__init__(f"agent {agent} has no loss yet")


@picture(
    "loss",
    takes="agents",
    summary="training loss beside the house n-grams",
    example=Request(names=("A", "B")),
    exhibit=Exhibit(
        asked=Request(names=("A", "Ada")),
        seen=(
            "Loss over steps: A, which reads one name a step, passes the bigram; Ada, which reads "
            "sixteen, reaches the trigram"
        ),
        look_for=(
            "Of one agent or several: the loss of each step, faint, and its trailing mean. The "
            "dashed lines are what counting would reach: the house n-grams on the test split, and "
            "a uniform guess. The scale at the right reads the same loss as perplexity, the number "
            "of letters between which the agent is still torn. An explosion is cut where it "
            "begins, and said."
        ),
    ),
)
def loss(arena: Arena, request: Request) -> Picture:
    """Gather the losses of one or several agents.  Raises NoLossYet before a first step."""
    names = names_of(arena, request)
    agents = {name: arena.agent(name) for name in names}
    for name, agent in agents.items():
        if not agent.n_steps:
            raise NoLossYet(name)
    lines, events, notes = [], [], []
    for place, (name, agent) in enumerate(agents.items()):
        line, note = _line(name, agent, place, raw=len(names) <= MOST_RAW)
        lines.append(line)
        notes += note
        if agent.diverged:
            events.append(Mark(f"{short(name, 16)} exploded", agent.n_steps + 1, alarm=True))
    first = next(iter(agents.values()))
    one_dataset = len({agent.dataset.sha256 for agent in agents.values()}) == 1
    levels = _levels(first) if one_dataset else []
    if not one_dataset:
        notes.append("the agents learn different datasets, so no n-grams are drawn")
    uniform = max(agent.config.uniform_loss for agent in agents.values())
    limits, log_y = _limits(lines, uniform, [mark.at for mark in levels])
    for name, line in zip(agents, lines, strict=True):
        beyond = _steps_beyond(line, EXPLODED * uniform if log_y else limits[1])
        if not len(beyond):
            continue
        first_step, last_step = int(beyond[0]), int(beyond[-1])
        if _came_back(line, uniform):
            notes.append(
                f"{name}'s loss is above the picture between steps {first_step:,} and {last_step:,}"
            )
            continue
        lost = "is far above a blind guess's" if log_y else "is far above the picture"
        notes.append(f"{name}'s loss {lost} from step {first_step:,} on: it exploded")
        if not log_y:
            events.append(Mark(f"{short(name, 16)} exploded", first_step, alarm=True))
    panel = Curves(
        title=f"Training loss of {together(names)}",
        x_label="step",
        y_label="loss (nats per token)",
        lines=lines,
        levels=[mark for mark in levels if log_y or limits[0] <= mark.at <= limits[1]],
        events=events,
        y_limits=limits,
        log_y=log_y,
        perplexity=not log_y,
    )
    title = f"loss of {together(names)}"
    return Picture(title=title, slug=slug_of(names, "loss"), panels=[panel], notes=notes)


def _line(name: str, agent: Agent, place: int, *, raw: bool) -> tuple[Line, list[str]]:
    """Return an agent's curve, cut where it stops being finite, and what must be said of it."""
    steps, losses = agent.history.steps.astype(np.float64), agent.history.losses
    finite = np.isfinite(losses)
    n = len(losses) if finite.all() else int(np.argmin(finite))
    steps, losses = steps[:n], losses[:n]
    notes = []
    if agent.diverged:
        notes.append(f"{name}'s loss is cut at step {agent.n_steps:,}: after it, it is not finite")
    window = max(1, n // WINDOWS_A_CURVE)
    mean = trailing_means(losses, window)
    run = max(1, -(-n // MOST_POINTS))
    n_mean = window * agent.history.stride
    label = short(name, 24 if raw else 18) + (
        f" (mean of {n_mean:,} steps)" if raw and n_mean > 1 else ""
    )
    faint = (steps, losses) if raw and window > 1 else None
    return Line(label, steps[::run], mean[::run], place, faint), notes


def _levels(agent: Agent) -> list[Mark]:
    """Return the house n-grams' bits a token on the test split, in nats, and a uniform guess's."""
    found = [Mark("uniform guess", agent.config.uniform_loss)]
    bits = judge_for(agent.dataset).h
    return found + [Mark(n, h * math.log(2)) for n, h in zip(HOUSE, bits, strict=False)]


def _limits(
    lines: list[Line], uniform: float, levels: list[float]
) -> tuple[tuple[float, float], bool]:
    """Return the limits of the y axis, and whether it must be one of powers of ten.

    Neither agents that exploded nor a peak that an agent has left behind flatten the rest.
    """
    drawn = [line.faint[1] if line.faint else line.y for line in lines]
    sane = []
    for line, y in zip(lines, drawn, strict=True):
        if len(y) and y.max() <= EXPLODED * uniform:
            sane.append(y)
        elif _came_back(line, uniform):
            sane.append(y[y <= STEEP * uniform])
    losses = np.concatenate(sane or drawn)
    low, high = (losses.min(), losses.max()) if len(losses) else (uniform, uniform)
    if high > EXPLODED * uniform:
        return (max(1e-3, min(low, *levels, uniform) * 0.8), high * 1.5), True
    return (max(0.0, low - 0.15), max(high, uniform) + 0.15), False


def _steps_beyond(line: Line, high: float) -> Floats:
    """Return the steps whose loss is above a limit."""
    x, y = line.faint or (line.x, line.y)
    return x[y > high]


def _came_back(line: Line, uniform: float) -> bool:
    """Whether a curve ends no worse than a guess might, whatever it did before."""
    return bool(len(line.y)) and bool(line.y[-1] <= STEEP * uniform)
