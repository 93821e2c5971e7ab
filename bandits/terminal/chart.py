"""A chart in characters: curves of braille dots by plotille, and axes; in ASCII where it must be.

A line of the screen is a list of pieces, each a text and the name of a style; `painted` makes it a string.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from bandits.model.exact import Float as Floats
from bandits.terminal.text import decimal

Line = list[tuple[str, str]]
Grid = list[list[int]]

# The house's blue and orange (bandits/drawing/canvas.py) as the 256 colours of terminals have them, in the
# shades that can be read on black and on white.
HOUSE = {"a": 32, "b": 172}
_STYLES = {
    "": "",
    "a": f"38;5;{HOUSE['a']}",
    "b": f"38;5;{HOUSE['b']}",
    "bold": "1",
    "bold a": f"1;38;5;{HOUSE['a']}",
    "bold b": f"1;38;5;{HOUSE['b']}",
    "dim": "2",
    "alert": "1;31",
}
_BLANK = 0x2800
_LEFT_DOTS = 0b01000111  # of a braille character: its left column
_MARKS = {"a": "*", "b": "o"}
MOST_POINTS = 240
# Of several curves, what tells them apart is their end: a steep start, or one that explodes, is cut off.
_TALLEST = 1.6  # times the best
_KEPT = 0.96  # of all points


@dataclass(frozen=True, slots=True)
class Look:
    """What a terminal can show: braille and box drawing, or ASCII; colours or none."""

    braille: bool = True
    colours: bool = True

    def sign(self, fine: str, plain: str) -> str:
        """Return the fine sign where it can be shown."""
        return fine if self.braille else plain


def look_of(stream: TextIO) -> Look:
    """Return what the terminal behind a stream can show."""
    try:
        "⣿│└┴━●▲…".encode(stream.encoding or "ascii")
        braille = True
    except (UnicodeEncodeError, LookupError):
        braille = False
    return Look(braille, not os.environ.get("NO_COLOR"))


@dataclass(frozen=True, slots=True)
class Series:
    """A curve: its side gives the colour; ys may be NaN where it is not drawn."""

    side: str
    xs: Floats
    ys: Floats


def painted(line: Line, look: Look) -> str:
    """Return a line as a string, with colours if the terminal shows them."""
    if not look.colours:
        return "".join(text for text, _ in line).rstrip()
    out = []
    for n, (text, style) in enumerate(line):
        last = n == len(line) - 1
        shown = text.rstrip() if last else text
        out.append(f"\x1b[{_STYLES[style]}m{shown}\x1b[0m" if style and shown else shown)
    return "".join(out)


def cells(line: Line) -> int:
    """Return how many columns a line takes; every character here takes one."""
    return sum(len(text) for text, _ in line)


def spread(left: Line, right: Line, width: int) -> Line:
    """Return a line with one part at each end; the right part goes if there is no room for both."""
    gap = width - cells(left) - cells(right)
    if gap < 1:
        return clipped(left, width)
    return [*left, (" " * gap, ""), *right]


def clipped(line: Line, width: int) -> Line:
    """Return a line of at most `width` columns."""
    out: Line = []
    for text, style in line:
        room = width - cells(out)
        if room <= 0:
            break
        out.append((text[:room], style))
    return out


def chart(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    xmax: float,
    limits: tuple[float, float],
    x_labels: Sequence[str],
    look: Look,
) -> list[Line]:
    """Return `height` lines of curves with their axis at the left, and one of labels below.

    limits: of y; what lies beyond is drawn at the edge.  Later series lie on top of earlier ones.
    """
    low, high = limits
    labels = {0: decimal(high), height - 1: decimal(low)}
    if height >= 5:
        labels[height // 2] = decimal(high - (high - low) * (height // 2) / (height - 1))
    margin = max(map(len, labels.values()))
    room = max(width - margin - 2, 4)
    grids = [_grid(one, room, height, xmax, limits) for one in series]
    lines: list[Line] = []
    for row in range(height):
        tick = look.sign("┤", "+") if row in labels else look.sign("│", "|")
        axis = f"{labels.get(row, ''):>{margin}} {tick}"
        lines.append([(axis, "dim"), *_row([grid[row] for grid in grids], series, look)])
    lines.append([(" " * (margin + 1) + look.sign("└", "+") + _ruler(x_labels, room, look), "dim")])
    return lines


def _grid(one: Series, width: int, height: int, xmax: float, limits: tuple[float, float]) -> Grid:
    """Return the dots of a curve, a braille code a cell: uint8 (height, width)."""
    from plotille import Canvas

    low, high = limits
    canvas = Canvas(width, height, xmin=0.0, xmax=xmax, ymin=low, ymax=high)
    drawn = np.isfinite(one.ys)
    xs = np.minimum(one.xs[drawn], canvas.xmax_inside).tolist()
    ys = np.clip(one.ys[drawn], low, canvas.ymax_inside).tolist()
    if len(xs) == 1:
        canvas.point(xs[0], ys[0])
    for x0, y0, x1, y1 in zip(xs, ys, xs[1:], ys[1:], strict=False):
        canvas.line(x0, y0, x1, y1)
    rows = canvas.plot(linesep="\n").split("\n")
    return [[ord(sign) - _BLANK for sign in row] for row in rows]


def _row(grids: Sequence[list[int]], series: Sequence[Series], look: Look) -> Line:
    """Return one row of the curves laid over each other, neighbours of one style in one piece."""
    line: Line = []
    for column in range(len(grids[0]) if grids else 0):
        dots, style, mark = 0, "", " "
        for grid, one in zip(grids, series, strict=True):
            if grid[column]:
                mark = _MARKS[one.side] if dots == 0 else "#"
                shown = grid[column]
                if not look.colours and one.side == "b":  # told apart by being dotted
                    shown = shown & _LEFT_DOTS or shown
                dots, style = dots | shown, one.side
        sign = chr(_BLANK + dots) if dots else " "
        if not look.braille:
            sign = mark
        if line and (line[-1][1] == style or sign == " "):
            line[-1] = (line[-1][0] + sign, line[-1][1])
        else:
            line.append((sign, style))
    return line


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
