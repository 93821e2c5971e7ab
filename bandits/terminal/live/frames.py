"""What a frame shows: of one agent that trains, or of two that race.  Plain functions of plain data.

Whatever the terminal's size, a frame fits it: the chart shrinks first, then what matters least is left
out.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from bandits.terminal.live.curves import Series, drawn, limits_of
from bandits.terminal.live.losses import Curve, window_of
from bandits.terminal.live.story import Event, Race, story
from bandits.terminal.look import SIDES, Look
from bandits.terminal.text import decimal, plural
from bandits.wording import format_flops

LEAST_STEPS = 8  # fewer make no curve
_MOST_POINTS = 240
_LEAST_CHART = 3
_MOST_CHART = 12
_WIDEST = 90
_FULL_LEAD = 0.25  # nats: a lead that fills its half of the bar
_OUT_OF_SIGHT = 3.0
_NAME = 14
_ALERT = "bold red"


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a frame stands: how far to draw, and what only a clock knows."""

    seconds_left: float | None = None
    steps_a_second: dict[str, float | None] | None = None
    note: str = ""  # 'stopped', 'the judge reads', ...
    finished: bool = False


def training_frame(
    name: str,
    curve: Curve,
    n_steps: int,
    until: float,
    moment: Moment,
    size: tuple[int, int],
    look: Look,
) -> list[Text]:
    """Return the frame of one agent after `until` steps of the n_steps of this training."""
    width, rows = min(size[0], _WIDEST), size[1]
    step = min(round(until), curve.n_steps)
    loss = float(curve.mean_until([step])[0])
    parts = [f"loss {decimal(loss)}", *_perplexity(loss)]
    rate = (moment.steps_a_second or {}).get("a")
    if rate:
        parts.append(f"{_short(rate)} steps/s")
    parts.append(format_flops(round(curve.flops_at(step))))
    parts.append(f"learning rate {curve.learning_rate_at(step):.3g}")
    if moment.seconds_left is not None:
        parts.append(_time_left(moment.seconds_left))
    figures = _wrapped(parts, width)
    title = Text.assemble(
        (clip_name(name), f"bold {SIDES['a']}"), (" " + (moment.note or "trains"), "dim")
    )
    if curve.exploded_at is not None and curve.exploded_at <= until + 1:
        at = f" exploded at step {curve.exploded_at:,}"
        title = Text.assemble((clip_name(name), f"bold {SIDES['a']}"), (at, _ALERT))
    top = [_spread(title, _progress(step, n_steps), width)]
    height = min(_MOST_CHART, _tall(rows), rows - len(top) - len(figures) - 1)
    if height < _LEAST_CHART:
        return [*top, *figures][:rows]
    xs = np.unique(np.round(np.linspace(1, max(step, 1), _points(width))))
    series = [Series("a", xs, curve.mean_until(xs, window_of(n_steps)))]
    lines = drawn(
        series,
        width,
        height,
        xmax=float(n_steps),
        limits=limits_of(series),
        x_labels=_step_labels(n_steps),
        look=look,
    )
    return [*top, *lines, *figures]


def race_frame(
    race: Race, until: float, moment: Moment, size: tuple[int, int], look: Look
) -> list[Text]:
    """Return the frame of a race up to a place of it, from 0 to 1."""
    width, rows = min(size[0], _WIDEST), size[1]
    places = {side: min(until, race.covered(side)) for side in "ab"}
    now = min(until, 1.0)
    top = [_race_title(race, now, moment, width)]
    standings = [_standing(race, side, now, moment, width) for side in "ab"]
    bottom = [*standings, _lead_bar(race, now, width, look)]
    said = story(race, now, finished=moment.finished)
    room = rows - len(top) - len(bottom)
    if room < 1 + _LEAST_CHART + 1:
        return [*top, *bottom, *_told(said, width, max(0, room), look)][:rows]
    n_said = 1 if room < 8 else 3 if room < 22 else 5
    told = _told(said, width, n_said, look)
    if moment.finished:  # no more will come
        n_said = len(told)
    height = min(_MOST_CHART, _tall(rows), room - 1 - n_said)
    series = []
    for side in "ab":
        at = np.linspace(0.0, places[side], _points(width) + 1)[1:]
        series.append(Series(side, at, race.losses(side, at)))
    lead = race.lead(now)
    ordered = series if lead is not None and lead < 0 else series[::-1]  # the leader on top
    lines = drawn(
        ordered,
        width,
        height,
        xmax=1.0,
        limits=limits_of(series),
        x_labels=_race_labels(race),
        look=look,
    )
    return [*top, *lines, *bottom, *told]


def _race_title(race: Race, now: float, moment: Moment, width: int) -> Text:
    left = Text.assemble(
        (clip_name(race.names["a"]), f"bold {SIDES['a']}"),
        (" against ", "dim"),
        (clip_name(race.names["b"]), f"bold {SIDES['b']}"),
    )
    if moment.note:
        left.append(f"  {moment.note}", "dim")
    if race.n_steps:
        return _spread(left, _progress(round(now * race.n_steps), race.n_steps), width)
    spent = f"{format_flops(round(now * race.max_flops))} of {format_flops(race.max_flops)} each"
    return _spread(left, spent, width)


def _progress(step: int, n_steps: int) -> str:
    share = 100 if step >= n_steps else int(100 * step / n_steps)
    return plural(n_steps, "step") if share == 100 else f"step {step:,} of {n_steps:,}  {share:3d}%"


def _spread(left: Text, right: str, width: int) -> Text:
    """Return a line with one part at each end; the right part goes if there is no room for both."""
    gap = width - left.cell_len - len(right)
    if gap < 1:
        return _cut(left, width)
    return left.append(" " * gap).append(right, "dim")


def _cut(line: Text, width: int) -> Text:
    line.truncate(width)
    return line


def _standing(race: Race, side: str, until: float, moment: Moment, width: int) -> Text:
    """Return one agent's line: the figures that fit."""
    curve, place = race.curves[side], np.array([min(until, race.covered(side))])
    step, loss = float(race.steps_of(side, place)[0]), float(race.losses(side, place)[0])
    room = max(len(clip_name(name)) for name in race.names.values())
    line = Text.assemble((f"{clip_name(race.names[side]):<{room}}", f"bold {SIDES[side]}"))
    if not curve.n_steps and curve.exploded_at is None:
        why = "at its horizon: it fights as it is" if race.ends.get(side) == 0 else "no step yet"
        return _cut(line.append(f"  {why}", "dim"), width)
    parts = [f"loss {decimal(loss, 3)}", *_perplexity(loss)]
    parts.append(format_flops(race.flops_at(side, step)))
    if not race.n_steps:
        parts.append(plural(round(step), "step"))
    rate = (moment.steps_a_second or {}).get(side)
    if rate:
        parts.append(f"{_short(rate)} steps/s")
    end = race.ends.get(side)
    if end is not None and step >= end and place[0] < until:
        parts.append("at its horizon")
    if race.exploded(side, until):
        parts = ["exploded", format_flops(curve.n_flops)]
    for part in parts:
        if line.cell_len + 2 + len(part) <= width:
            line.append("  " + part, _ALERT if part == "exploded" else None)
    return line


def _lead_bar(race: Race, place: float, width: int, look: Look) -> Text:
    """Return a rope that both pull at: the leader's side of it is drawn, as long as the lead."""
    lead = None if any(race.exploded(side, place) for side in "ab") else race.lead(place)
    a, b = clip_name(race.names["a"]), clip_name(race.names["b"])
    if lead is None:
        words = ""
    elif abs(lead) < 0.0005:
        words = "  level"
    else:
        by = f"leads by {abs(lead):.3f}" if abs(lead) < _OUT_OF_SIGHT else "is out of sight"
        words = f"  {a if lead > 0 else b} {by}"
    widest = len("  ") + max(len(a), len(b)) + len(" is out of sight")
    half = min(20, (width - len(a) - len(b) - 3 - widest) // 2)
    if half < 3:
        return _cut(Text.assemble((words.strip() or "no lead yet", "dim")), width)
    rope, dots, knot = look.sign("━", "="), look.sign("╌", "."), look.sign("┃", "|")
    pulled = 0 if not lead else max(1, min(half, round(abs(lead) / _FULL_LEAD * half)))
    for_a, for_b = (pulled, 0) if lead and lead > 0 else (0, pulled)
    bar = Text.assemble(
        (f"{a} ", SIDES["a"]),
        (dots * (half - for_a), "dim"),
        (rope * for_a, f"bold {SIDES['a']}"),
        knot,
        (rope * for_b, f"bold {SIDES['b']}"),
        (dots * (half - for_b), "dim"),
        (f" {b}", SIDES["b"]),
        words,
    )
    return _cut(bar, width)


def _told(events: list[Event], width: int, n_lines: int, look: Look) -> list[Text]:
    """Return the latest of what was said that fits into n_lines, oldest first."""
    told: list[Text] = []
    for event in reversed(events):
        mark = look.sign("▪ ", "> ")
        place = f"{event.where}: "
        words = textwrap.wrap(place + event.text, max(8, width - 2)) or [""]
        if told and len(told) + len(words) > n_lines:
            break
        body = _ALERT if event.alarm else ""
        head = Text.assemble((mark, body or SIDES.get(event.side, "")), (words[0], body))
        told = [head, *(Text.assemble(("  " + more, body)) for more in words[1:]), *told]
    if len(told) > n_lines:
        told = told[:n_lines]
        told[-1] = _cut(told[-1], width - 3).append("...", "dim")
    return told


def clip_name(name: str) -> str:
    """Return an agent's name, shortened if it is long."""
    return name if len(name) <= _NAME else name[: _NAME - 2] + ".."


def _perplexity(loss: float) -> list[str]:
    """Return the perplexity in words, unless it says nothing any more."""
    return [f"perplexity {decimal(math.exp(loss))}"] if loss < 100 else []


def _short(rate: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if rate >= size:
            return f"{rate / size:.3g}{unit}"
    return f"{rate:.3g}"


def _time_left(seconds: float) -> str:
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s left"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} left"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min left"


def _tall(rows: int) -> int:
    """Return a height of the chart that leaves room for what comes below it."""
    return max(_LEAST_CHART, rows // 2 - 2)


def _points(width: int) -> int:
    return min(_MOST_POINTS, max(16, 3 * width // 2))


def _wrapped(parts: list[str], width: int) -> list[Text]:
    """Return figures in as few lines as they take, none broken."""
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + 3 + len(part) <= width:
            lines[-1].append("   " + part)
        else:
            lines.append(Text(part))
    return lines


def _step_labels(n_steps: int) -> list[str]:
    return (
        ["0", *(f"{n_steps * k // 4:,}" for k in (1, 2, 3, 4))]
        if n_steps >= 8
        else ["0", str(n_steps)]
    )


def _race_labels(race: Race) -> list[str]:
    if race.n_steps:
        return _step_labels(race.n_steps)
    return ["0", format_flops(race.max_flops // 2), format_flops(race.max_flops)]
