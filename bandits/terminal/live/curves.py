"""The curves of a frame: one agent's loss, or those of both sides of a race, with their axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from bandits.model.exact import Float as Floats
from bandits.terminal.chart import Chart
from bandits.terminal.look import SIDES, Look
from bandits.wording import decimal

_MARKS = {"a": "*", "b": "o"}  # in ASCII
# Of several curves, what tells them apart is their end: a steep start, or one that explodes, is cut off.
_TALLEST = 1.6  # times the best
_KEPT = 0.96  # of all points


@dataclass(frozen=True, slots=True)
class Series:
    """A curve: its side gives the colour; ys may be NaN where it is not drawn."""

    side: str
    xs: Floats
    ys: Floats


def drawn(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    xmax: float,
    limits: tuple[float, float],
    x_labels: Sequence[str],
    look: Look,
) -> list[Text]:
    """Return `height` lines of curves with their axis at the left, and one of labels below.

    limits: of y; what lies beyond is drawn at the edge.  Later series lie on top of earlier ones.
    """
    low, high = limits
    labels = {0: decimal(high), height - 1: decimal(low)}
    if height >= 5:
        labels[height // 2] = decimal(high - (high - low) * (height // 2) / (height - 1))
    margin = max(map(len, labels.values()))
    room = max(width - margin - 2, 4)
    chart = Chart(room, height, (0.0, xmax), limits, look)
    for one in series:
        known = np.isfinite(one.ys)
        chart.curve(
            one.xs[known],
            np.clip(one.ys[known], low, high),
            SIDES[one.side],
            thin=one.side == "b" and not look.colours,
            plain=_MARKS[one.side],
        )
    axis = " " * (margin + 1) + look.sign("└", "+") + _ruler(x_labels, room, look)
    return [*chart.rows(labels, "{} {}"), Text.assemble((axis, "dim"))]


def _ruler(labels: Sequence[str], room: int, look: Look) -> str:
    """Return the horizontal axis with labels at its start and end, and between them where they fit."""
    stroke = look.sign("─", "-")
    first, *others = labels
    out = first + " "
    n = len(others)
    for k, label in enumerate(others, start=1):
        end = room * k // n
        start = end - len(label) - 1 if k == n else end - len(label) // 2 - 1
        if start - len(out) >= 2:
            out = out.ljust(start, stroke) + f" {label} "
        elif k == n:
            out = out[: max(0, room - len(label) - 1)].ljust(room - len(label) - 1, stroke)
            out += " " + label
    return out[:room].rstrip()


def limits_of(series: Sequence[Series], tightest: float = 0.2) -> tuple[float, float]:
    """Return limits of y for the curves: all of them, unless one that has exploded would flatten the rest."""
    known = [one.ys[np.isfinite(one.ys)] for one in series]
    known = [ys for ys in known if len(ys)]
    if not known:
        return 0.0, 1.0
    low = min(float(ys.min()) for ys in known)
    high = max(float(ys.max()) for ys in known)
    if len(known) > 1:
        best = min(float(ys[-1]) for ys in known)
        high = min(high, _TALLEST * best, float(np.quantile(np.concatenate(known), _KEPT)))
    if high - low < tightest:
        middle = (high + low) / 2
        low, high = middle - tightest / 2, middle + tightest / 2
    return low, high
