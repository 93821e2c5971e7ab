"""What is said during a race: who leads, when that changed, and who exploded.

A story is a function of the losses alone.  The race is looked at in 64 places, whatever the terminal
and however fast the agents are, so the same battle is always told in the same words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bandits.model.exact import Float as Floats
from bandits.terminal.live.losses import Curve, window_of
from bandits.terminal.text import decimal, plural
from bandits.wording import format_flops

N_PLACES = 64
CLEAR_LEAD = 0.01  # nats: less than this changes no lead
_CLOSE_FINISH = 0.02
_HOPELESS = 2.0  # times the loss at the start


@dataclass(frozen=True, slots=True)
class Event:
    """Something to say: where in the race (0 to 1), about whom ('a', 'b' or ''), and the words."""

    at: float
    side: str
    where: str
    text: str
    alarm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Two curves over one distance: n_steps steps each, or max_flops operations each.

    ends: how many steps each can take before its horizon, None if it has none; rates: learning rates as
    they were set.
    """

    names: dict[str, str]
    curves: dict[str, Curve]
    n_steps: int = 0
    max_flops: int = 0
    ends: dict[str, int | None] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    def covered(self, side: str) -> float:
        """Return how much of the distance an agent has behind it, from 0 to 1."""
        curve = self.curves[side]
        if self.n_steps:
            return curve.n_steps / self.n_steps
        return min(1.0, curve.n_flops / self.max_flops)

    def now(self) -> float:
        """Return how far both have come, or the one that still runs."""
        running = [self.covered(side) for side in "ab" if not self._over(side)]
        return min(running, default=1.0)

    def _over(self, side: str) -> bool:
        curve, end = self.curves[side], self.ends.get(side)
        return curve.exploded_at is not None or (end is not None and curve.n_steps >= end)

    def steps_of(self, side: str, places: Floats) -> Floats:
        """Return the steps that an agent had done at places of the race, from 0 to 1."""
        curve = self.curves[side]
        steps_a_race = float(self.n_steps)
        if not self.n_steps:  # its steps cost about the same
            steps_a_race = curve.n_steps * self.max_flops / max(curve.n_flops, 1)
        return np.minimum(np.round(places * steps_a_race), curve.n_steps)

    def flops_at(self, side: str, step: float) -> int:
        """Return what an agent's first steps took, by what all of them did."""
        curve = self.curves[side]
        return round(curve.n_flops * step / max(curve.n_steps, 1))

    @property
    def window(self) -> int:
        """Steps of the running means by which the two are compared."""
        return window_of(self.n_steps or max(curve.n_steps for curve in self.curves.values()))

    def losses(self, side: str, places: Floats) -> Floats:
        """Return the running mean of an agent's loss at places of the race."""
        return self.curves[side].mean_until(self.steps_of(side, places), self.window)

    def where(self, place: float) -> str:
        """Return a place in words: the step, or in a battle for energy what was spent."""
        if self.n_steps:
            return f"step {round(place * self.n_steps):,}"
        return format_flops(round(place * self.max_flops))

    def lead(self, place: float) -> float | None:
        """Return by how many nats a is ahead of b at a place; None if that cannot be said."""
        a, b = (float(self.losses(side, np.array([place]))[0]) for side in "ab")
        return b - a if math.isfinite(b - a) else None

    def exploded(self, side: str, place: float) -> bool:
        """Whether an agent's loss was no longer finite at a place."""
        at = self.curves[side].exploded_at
        return at is not None and self.place_of(side, at) <= place

    def place_of(self, side: str, step: int) -> float:
        """Return where in the race an agent's step was."""
        if self.n_steps:
            return min(1.0, step / self.n_steps)
        return min(1.0, self.flops_at(side, step) / self.max_flops)


def story(race: Race, until: float, *, finished: bool = False) -> list[Event]:
    """Return what there is to say of a race up to a place, in order."""
    places = np.arange(1, N_PLACES + 1) / N_PLACES
    places = places[places <= until + 1e-9]
    explosions = _explosions(race, until)
    first = min((event.at for event in explosions), default=math.inf)
    events = _changes(race, places[places < first])
    leads = [event.side for event in events]
    events += explosions
    if finished and not explosions:
        events += _finish(race, until, leads)
    return events


def _changes(race: Race, places: Floats) -> list[Event]:
    """Return the first lead and every change of it."""
    events: list[Event] = []
    a, b = race.losses("a", places), race.losses("b", places)
    leader, since, n_changes = "", 0.0, 0
    for place, loss_a, loss_b in zip(places.tolist(), a.tolist(), b.tolist(), strict=True):
        if not abs(loss_b - loss_a) >= CLEAR_LEAD:  # also where one of them is unknown
            continue
        ahead = "a" if loss_a < loss_b else "b"
        if ahead == leader:
            continue
        mine, theirs = sorted((loss_a, loss_b))
        numbers = (decimal(mine), decimal(theirs))
        one, other = race.names[ahead], race.names["b" if ahead == "a" else "a"]
        if not leader:
            text = f"{one} is first off the line, {numbers[0]} to {numbers[1]}"
        else:
            lasted = _length(race, place - since)
            text = _CHANGES[n_changes % len(_CHANGES)].format(
                one=one, other=other, mine=numbers[0], theirs=numbers[1], lasted=lasted
            )
            n_changes += 1
        events.append(Event(place, ahead, race.where(place), text))
        leader, since = ahead, place
    return events


_CHANGES = (
    "{one} slips past {other}, {mine} to {theirs}",
    "{one} takes the lead after {lasted} of looking at {other}'s back",
    "{one} again, at {mine}; {other} led for {lasted}",
    "{other} blinks at {theirs}: {one} is ahead",
    "and {one} once more, {mine} to {theirs}. Somebody tell the judge",
)


def _length(race: Race, part: float) -> str:
    if race.n_steps:
        return plural(max(1, round(part * race.n_steps)), "step")
    return format_flops(round(part * race.max_flops))


def _explosions(race: Race, until: float) -> list[Event]:
    """Return the end of those whose loss is no longer finite, or far above where it began."""
    events = []
    for side in "ab":
        name, rate = race.names[side], race.rates.get(side)
        why = "" if rate is None else f" Learning rate {rate:g} will do that"
        at = race.curves[side].exploded_at
        if at is not None:
            text = f"{name} explodes: its loss is no longer a number.{why}"
            events.append(Event(race.place_of(side, at), side, f"step {at:,}", text, alarm=True))
            continue
        hopeless = _first_hopeless(race, side)
        if hopeless is not None:
            place, loss = hopeless
            text = f"{name} blows up, to a loss of {decimal(loss)}.{why}"
            events.append(Event(place, side, race.where(place), text, alarm=True))
    return sorted((e for e in events if e.at <= until), key=lambda event: event.at)


def _first_hopeless(race: Race, side: str) -> tuple[float, float] | None:
    """Return the first place where the loss is far above where it began, and that loss, if any."""
    places = np.arange(1, N_PLACES + 1) / N_PLACES
    losses = race.losses(side, places)
    first = race.curves[side].first
    if first is None or not (losses > _HOPELESS * first).any():
        return None
    k = int(np.argmax(losses > _HOPELESS * first))
    return float(places[k]), float(losses[k])


def _finish(race: Race, at: float, leads: Sequence[str]) -> list[Event]:
    """Return the last word of a race that both have ended."""
    lead = race.lead(at)
    if lead is None:
        return []
    ahead = "a" if lead > 0 else "b"
    name, other = race.names[ahead], race.names["b" if ahead == "a" else "a"]
    by = f"{abs(lead):.3f}" if abs(lead) < _CLOSE_FINISH else f"{abs(lead):.2f}"
    if lead == 0.0:
        text = "neck and neck to the last digit; over to the judge"
    elif abs(lead) < _CLOSE_FINISH:
        text = f"a photo finish, {by} nats apart; over to the judge"
    elif len(leads) <= 1:
        text = f"{name} led all the way and is {by} nats ahead; over to the judge"
    elif len(leads) > 4:
        text = f"{len(leads) - 1} changes of lead, and {name} has the last, by {by} nats"
    else:
        text = f"{name} holds off {other} by {by} nats; over to the judge"
    return [Event(at, ahead if lead else "", "finish", text)]
