"""A sheet of characters to draw on: curves in braille dots (plotille), and letters on top of them."""

from __future__ import annotations

import math

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from bandits.errors import printable
from bandits.pictures.forms import Floats
from bandits.terminal.chart import Look

# The house's blue, orange, green, purple, sky and grey as the 256 colours of terminals have them, in
# shades that can be read on black and on white.
COLOURS = (32, 172, 36, 175, 74, 245)
_BLANK = 0x2800
_TOP_DOTS, _BOTTOM_DOTS = 0b00011011, 0b11100100  # of a braille character: its upper and lower half
_EIGHTHS, _PLAIN_EIGHTHS = " ▁▂▃▄▅▆▇█", " .:-=+*%#"


class Sheet:
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
        self._dots = np.zeros((self.height, self.width), np.int64)

    def row_of(self, y: float) -> int:
        """Return the row of a value of y, the nearest at the edge for one beyond."""
        low, high = self.y_limits
        share = (high - y) / (high - low)
        return min(self.height - 1, max(0, int(share * self.height)))

    def _column_of(self, x: float) -> int:
        low, high = self.x_limits
        return min(self.width - 1, max(0, int((x - low) / (high - low) * self.width)))

    def curve(self, xs: Floats, ys: Floats, colour: int, *, dashed: bool = False) -> None:
        """Draw lines between neighbouring points; there are gaps where y is NaN or beyond the limits."""
        from plotille import Canvas

        (x_low, x_high), (y_low, y_high) = self.x_limits, self.y_limits
        canvas = Canvas(self.width, self.height, x_low, y_low, x_high, y_high)
        ys = np.where((ys < y_low) | (ys > y_high), np.nan, ys)
        xs = np.minimum(xs, canvas.xmax_inside)
        ys = np.minimum(ys, canvas.ymax_inside)
        for n in range(len(xs)):
            if not np.isfinite(ys[n]):
                continue
            if n and np.isfinite(ys[n - 1]):
                if not dashed or n % 2:
                    canvas.line(float(xs[n - 1]), float(ys[n - 1]), float(xs[n]), float(ys[n]))
            elif not dashed:
                canvas.point(float(xs[n]), float(ys[n]))
        for row, signs in enumerate(canvas.plot(linesep="\n").split("\n")):
            for column, sign in enumerate(signs):
                dots = ord(sign) - _BLANK
                if dots > 0:
                    self._dots[row, column] |= dots
                    self._signs[row][column] = self._braille(int(self._dots[row, column]))
                    self._styles[row][column] = f"color({colour})"

    def _braille(self, dots: int) -> str:
        if self.look.braille:
            return chr(_BLANK + dots)
        top, bottom = dots & _TOP_DOTS, dots & _BOTTOM_DOTS
        return ":" if top and bottom else "'" if top else "."

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
            if all(sign == " " for sign in before if sign not in "◆●■▲×PGSBx+") and not any(
                sign in "◆●■▲×" for sign in self._signs[at_row][start : start + n]
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

    def lines(self) -> list[Text]:
        """Return the rows."""
        lines = []
        for signs, styles in zip(self._signs, self._styles, strict=True):
            line = Text()
            for sign, style in zip(signs, styles, strict=True):
                line.append(sign, style=style)
            lines.append(line)
        return lines


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


def fitted(text: str, limit: int, look: Look) -> str:
    """Return a text in at most so many columns, in signs that the terminal has, safe to print."""
    text = printable(text, len(text) * 12 + 1)
    if not look.braille:
        text = text.encode("ascii", "replace").decode()
    if cell_len(text) <= limit:
        return text
    dots = look.sign("…", "..") if limit > 2 else ""
    while text and cell_len(text) > limit - len(dots):
        text = text[:-1]
    return text + dots


def spark(counts: Floats, width: int, look: Look) -> str:
    """Return counts as a row of blocks of eight heights, the highest full."""
    width = max(width, 1)
    edges = np.linspace(0, len(counts), width + 1)
    whole = np.concatenate([[0.0], np.cumsum(counts)])
    per_column = np.diff(np.interp(edges, np.arange(len(counts) + 1), whole))
    most = per_column.max()
    signs = _EIGHTHS if look.braille else _PLAIN_EIGHTHS
    if not most > 0:
        return " " * width
    levels = np.ceil(8 * per_column / most - 1e-9).astype(int)
    return "".join(signs[level] for level in levels.tolist())
