"""A chart in characters: curves of braille dots by plotille, letters on top of them, an axis at the left.

The live views (live/curves.py) and the pictures of `visualize --terminal` (pictures.py) are drawn on it.
Where a terminal has no braille it is ASCII.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from rich.cells import cell_len
from rich.text import Span, Text

from bandits.model.exact import Float as Floats
from bandits.terminal.look import Look, fitted

_BLANK = 0x2800
_TOP_DOTS, _BOTTOM_DOTS = 0b00011011, 0b11100100  # of a braille character: its upper and lower half
_LEFT_DOTS = 0b01000111
_MET = "#"  # in ASCII: a curve where it meets another
_POINTS = "◆●■▲×"


class Chart:
    """`height` rows of `width` characters over the limits of x and y."""

    def __init__(
        self,
        width: int,
        height: int,
        x_limits: tuple[float, float],
        y_limits: tuple[float, float],
        look: Look,
    ) -> None:
        self.width, self.height, self.look = max(width, 2), max(height, 2), look
        self.x_limits, self.y_limits = _apart(x_limits), _apart(y_limits)
        self._signs = [[" "] * self.width for _ in range(self.height)]
        self._styles = [[""] * self.width for _ in range(self.height)]
        self._dots = [[0] * self.width for _ in range(self.height)]

    def row_of(self, y: float) -> int:
        """Return the row of a value of y, the nearest at the edge for one beyond."""
        low, high = self.y_limits
        share = (high - y) / (high - low)
        return min(self.height - 1, max(0, int(share * self.height)))

    def _column_of(self, x: float) -> int:
        low, high = self.x_limits
        return min(self.width - 1, max(0, int((x - low) / (high - low) * self.width)))

    def curve(
        self,
        xs: Floats,
        ys: Floats,
        style: str,
        *,
        dashed: bool = False,
        thin: bool = False,
        plain: str = "",
    ) -> None:
        """Draw lines between neighbouring points; there are gaps where y is NaN or beyond the limits.

        thin: half its dots, to be told from another without colours.  plain: its sign in ASCII, another
        where it meets a curve; the halves of a character that it passes, if left out.
        """
        for row, signs in enumerate(self._traced(xs, ys, dashed).split("\n")):
            for column, sign in enumerate(signs):
                dots = ord(sign) - _BLANK
                if dots <= 0:
                    continue
                if thin:
                    dots = dots & _LEFT_DOTS or dots
                before = self._dots[row][column]
                self._dots[row][column] = dots = dots | before
                self._styles[row][column] = style
                if self.look.braille:
                    self._signs[row][column] = chr(_BLANK + dots)
                elif plain:
                    self._signs[row][column] = _MET if before else plain
                else:
                    self._signs[row][column] = _halves(dots)

    def _traced(self, xs: Floats, ys: Floats, dashed: bool) -> str:
        """Return one curve in braille, row by row."""
        from plotille import Canvas

        (x_low, x_high), (y_low, y_high) = self.x_limits, self.y_limits
        canvas = Canvas(self.width, self.height, x_low, y_low, x_high, y_high)
        seen = np.isfinite(ys) & (ys >= y_low) & (ys <= y_high)
        x = np.minimum(xs, canvas.xmax_inside).tolist()
        y = np.minimum(ys, canvas.ymax_inside).tolist()
        before = False
        for n, here in enumerate(seen.tolist()):
            if here and before:
                if not dashed or n % 2:
                    canvas.line(x[n - 1], y[n - 1], x[n], y[n])
            elif here and not dashed:
                canvas.point(x[n], y[n])
            before = here
        rows: str = canvas.plot(linesep="\n")
        return rows

    def level(self, y: float) -> None:
        """Draw a dim line across, where nothing else is."""
        if not self.y_limits[0] <= y <= self.y_limits[1]:
            return
        row = self.row_of(y)
        for column in range(self.width):
            if self._signs[row][column] == " ":
                self._signs[row][column] = self.look.sign("┄", "-")
                self._styles[row][column] = "dim"

    def event(self, x: float, label: str) -> None:
        """Draw an alarm: a line down, and its label beside it."""
        column = self._column_of(x)
        for row in range(self.height):
            self._signs[row][column] = self.look.sign("│", "|")
            self._styles[row][column] = "red"
        label = fitted(label, self.width, self.look)
        start = column + 1 if column + 1 + len(label) <= self.width else max(0, column - len(label))
        self._put(1, start, label, "bold red")

    def right(self, row: int, label: str, style: str) -> None:
        """Write at the right end of a row."""
        label = fitted(label, self.width - 2, self.look)
        self._put(row, self.width - cell_len(label), label, style)

    def write(self, x: float, y: float, text: str, style: str) -> None:
        """Write a sign at a point."""
        self._put(self.row_of(y), self._column_of(x), text, style)

    def name(self, x: float, y: float, text: str) -> None:
        """Write a name beside the sign at a point, where there is room."""
        row, column, n = self.row_of(y), self._column_of(x), cell_len(text)
        for at_row, start in (
            (row, column - n - 1), (row - 1, column - n), (row, column + 2), (row - 1, column + 1),
            (row + 1, column + 1), (row + 1, column - n),
        ):  # fmt: skip
            if not (0 <= at_row < self.height and start >= 0 and start + n <= self.width):
                continue
            before = self._signs[at_row][max(0, start - 1) : start + n + 1]
            if all(sign == " " for sign in before if sign not in _POINTS + "PGSBx+") and not any(
                sign in _POINTS for sign in self._signs[at_row][start : start + n]
            ):
                self._put(at_row, start, text, "")
                return

    def _put(self, row: int, column: int, text: str, style: str) -> None:
        for sign in text:
            n = cell_len(sign)
            if not 0 <= column <= self.width - n:
                return
            self._signs[row][column : column + n] = [sign, *[""] * (n - 1)]
            self._styles[row][column] = style
            column += n

    def rows(self, labels: Mapping[int, str], axis: str) -> list[Text]:
        """Return the rows with the axis at their left.

        labels: the ticks by their row.  axis: how a label and its stroke are written, as "{} {}".
        """
        margin = max(map(len, labels.values()))
        rows = []
        for row, (signs, styles) in enumerate(zip(self._signs, self._styles, strict=True)):
            stroke = self.look.sign("┤", "+") if row in labels else self.look.sign("│", "|")
            edge = axis.format(labels.get(row, "").rjust(margin), stroke)
            spans = [Span(0, len(edge), "dim"), *_runs(signs, styles, len(edge))]
            rows.append(Text(edge + "".join(signs), spans=spans))
        return rows


def _runs(signs: list[str], styles: list[str], start: int) -> list[Span]:
    """Return the styles of a row's signs; what is blank goes on in the style before it."""
    spans: list[Span] = []
    at = start
    style = ""
    for sign, wanted in zip(signs, styles, strict=True):
        if sign.strip() and wanted != style:
            if style:
                spans.append(Span(start, at, style))
            start, style = at, wanted
        at += len(sign)
    if style:
        spans.append(Span(start, at, style))
    return spans


def _halves(dots: int) -> str:
    top, bottom = dots & _TOP_DOTS, dots & _BOTTOM_DOTS
    return ":" if top and bottom else "'" if top else "."


def title(text: str, width: int, look: Look) -> list[Text]:
    """Return a title as one line, or two if it must be."""
    flat = fitted(text.replace("\n", ": "), 2 * width, look)
    return [Text(line, style="bold") for line in textwrap.wrap(flat, width)[:2]]


def two_ends(ends: Sequence[str], label: str, margin: int, width: int, look: Look) -> Text:
    """Return a horizontal axis: its two ends, and its label between them."""
    room = width - margin
    between = fitted(label, max(0, room - len(ends[0]) - len(ends[1]) - 2), look)
    line = f"{ends[0]}{between:^{max(0, room - len(ends[0]) - len(ends[1]))}}{ends[1]}"
    return Text(" " * margin + line[:room], style="dim")


def written_out(value: float) -> str:
    """Return a number as it stands at an axis."""
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.0e}"
    return f"{value:.3g}"


def round_numbers(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Return round numbers from low to high, equally far apart: about `most`, at least two.

    whole: no fractions.  The limits themselves, if fewer than two lie between them.
    """
    low, high = _apart((low, high))
    exponent = math.floor(math.log10((high - low) / most)) - 1
    found: list[float] = []
    for step in (
        factor * 10.0**power for power in range(exponent, exponent + 4) for factor in (1, 2, 5)
    ):
        if whole and step < 1:
            continue
        numbers = [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
        if len(numbers) < 2:
            break
        found = numbers
        if len(numbers) <= most:
            break
    return [float(f"{number:.12g}") for number in found] or [low, high]


def _apart(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    return (low, high) if high > low else (low - 0.5, low + 0.5)
