"""A match as a race: both losses, who led when, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bandits.agent.smoothing import trailing_means
from bandits.errors import InvalidValue, printable
from bandits.pictures.panels import Curves, Floats, Line, Mark, Picture
from bandits.pictures.registration import Exhibit, Request, picture, short

if TYPE_CHECKING:
    from bandits.arena.arena import Arena
    from bandits.arena.reports import MatchReport

WINDOWS = 12
N_LEAD = 200
LEAST_SHARED = 0.05  # of the race that both ran, for a lead to be drawn


class NotAMatch(InvalidValue):
    """What was asked for is not the number of one match."""


class CurvesNotKept(InvalidValue):
    """A match is of a time when the losses of its fighters were not recorded.  names: theirs."""

    def __init__(self, match: MatchReport) -> None:
        self.names = (match.name_a, match.name_b)
        super().__init__(f"match {match.match_id} was fought before matches kept their curves")


class NobodyRan(InvalidValue):
    """Neither fighter of a match could train.  names: theirs."""

    def __init__(self, match: MatchReport) -> None:
        self.names = (match.name_a, match.name_b)
        super().__init__(f"match {match.match_id} has no race: neither side could train")


@picture(
    "race",
    takes="match",
    summary="a match: losses, lead, verdict",
    example=Request(names=("1",)),
    exhibit=Exhibit(
        asked=Request(),
        seen="Above, both losses of a battle; below, who led and by how much",
        look_for=(
            "A stored match, the latest or one by its number: both losses, who led, and the "
            "verdict, which judges what they learned and not the loss."
        ),
    ),
)
def race(arena: Arena, request: Request) -> Picture:
    """Gather the curves that a match kept.  Raises InvalidValue if it has none."""
    if len(request.names) > 1:
        raise NotAMatch(f"a race is one match, not {len(request.names)}")
    match = arena.match(_number(request.names[0]) if request.names else None)
    corners = {side: match.outcome[side] for side in ("a", "b")}
    if any("curve" not in corner for corner in corners.values()):
        raise CurvesNotKept(match)
    names = {"a": match.name_a, "b": match.name_b}
    labels = {side: short(name, 24) for side, name in names.items()}
    curves = {side: _curve(corner["curve"]) for side, corner in corners.items()}
    if not any(len(x) for x, _ in curves.values()):
        raise NobodyRan(match)
    notes, events, lines = [], [], []
    for place, (side, (x, y)) in enumerate(curves.items()):
        mean = trailing_means(y, max(1, len(y) // WINDOWS))
        label = f"{labels[side]} ({corners[side]['judgement']['score']:.0f} points)"
        lines.append(Line(label, x, mean, place, faint=(x, y)))
        if corners[side]["diverged"]:
            events.append(
                Mark(f"{labels[side]} exploded", float(x[-1] if len(x) else 0), alarm=True)
            )
            notes.append(f"{names[side]} exploded after {corners[side]['n_steps']:,} steps")
        elif not len(x):
            notes.append(f"{names[side]} could not train and fought as it was")
    panels = [
        Curves(
            title=f"Match {match.match_id}: {labels['a']} against {labels['b']}\n{verdict(match)}",
            x_label="step of the battle",
            y_label="loss (nats per token)",
            lines=lines,
            events=events,
            x_limits=(0.0, 1.01 * max(line.x[-1] for line in lines if len(line.x))),
            log_y=_wild(lines),
        )
    ]
    lead = _lead(lines, labels)
    if lead is not None:
        panels.append(lead)
    return Picture(
        title=f"race of match {match.match_id}, {verdict(match)}",
        slug=f"match-{match.match_id}-race",
        panels=panels,
        notes=notes,
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotAMatch(f"match={printable(text, 40)} is not the number of a match")
    return int(text)


def verdict(match: MatchReport) -> str:
    """Return how a match ended, in a sentence."""
    outcome = match.outcome
    a, b = short(match.name_a, 24), short(match.name_b, 24)
    difference = abs(outcome["verdict"]["difference"])
    if match.winner is None:
        why = "both exploded" if outcome["reason"] == "both diverged" else "too close to call"
        return f"A draw, {why}"
    winner, loser = (a, b) if match.winner == "a" else (b, a)
    if outcome["reason"] == "forfeit":
        return f"{winner} wins: {loser} forfeits"
    return f"{winner} wins by {difference:.0f} points"


def _curve(kept: dict[str, Any]) -> tuple[Floats, Floats]:
    return np.array(kept["steps"], np.float64), np.array(kept["losses"], np.float64)


def _wild(lines: list[Line]) -> bool:
    every = np.concatenate([line.y for line in lines])
    return bool(every.max() > 5 * max(float(np.median(every)), 1.0))


def _lead(lines: list[Line], labels: dict[str, str]) -> Curves | None:
    """Return by how much the loss of a is below that of b, where both trained."""
    a, b = lines
    if not (len(a.x) and len(b.x)):
        return None
    start, end = max(a.x[0], b.x[0]), min(a.x[-1], b.x[-1])
    longest = max(a.x[-1], b.x[-1])
    if end < LEAST_SHARED * longest:  # one exploded at once: nobody led
        return None
    x = np.linspace(start, end, N_LEAD) if end > start else np.array([start])
    ahead = np.interp(x, b.x, b.y) - np.interp(x, a.x, a.y)
    return Curves(
        title=f"Who leads: {labels['a']} above 0, {labels['b']} below",
        x_label="step of the battle",
        y_label="lead (nats)",
        lines=[
            Line(f"{labels['a']} leads", x, np.where(ahead >= 0, ahead, np.nan), 0, filled=True),
            Line(f"{labels['b']} leads", x, np.where(ahead <= 0, ahead, np.nan), 1, filled=True),
        ],
        levels=[Mark("", 0.0)],
        x_limits=(0.0, 1.01 * longest),
        legend=False,
        low=True,
    )
