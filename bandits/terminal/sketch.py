"""Pictures in characters: the forms of bandits/pictures/forms.py, drawn for a terminal of any width.

Curves are dots of braille (plotille), distributions and heat maps are blocks; where a terminal shows no
such signs they are ASCII, and nothing is told by colour alone: curves end in the letter of their legend.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from bandits.pictures.forms import Bars, Curves, Floats, Heat, Mark, Panel, Picture, Points, Ridges
from bandits.terminal.chart import Look
from bandits.terminal.sheet import COLOURS, Sheet, fitted, round_numbers, spark

_LOWEST, _LOW_LOWEST = 7, 3  # rows of a chart
_ROWS_A_TICK = 4
_MANY, _SHORT = 8, 12  # curves, whose names are then cut
_MOST_RIDGES = 10  # rows; with more, the matrices of a layer are drawn together
_NARROW = 60
_SIGNS = ("◆", "●", "■", "▲", "×", "+")
_PLAIN_SIGNS = ("P", "G", "S", "B", "x", "+")
_HEATS = (53, 54, 24, 30, 36, 71, 149, 220)  # viridis in the 256 colours of terminals
_SHADES, _PLAIN_SHADES = " ░▒▓█", " .:*#"


def sketch(picture: Picture, width: int, height: int, look: Look) -> list[Text]:
    """Return the lines of a picture, at most `width` wide and, where its rows allow, `height` high."""
    if isinstance(picture.panels[0], Heat):
        heats = [panel for panel in picture.panels if isinstance(panel, Heat)]
        return [*_title(f"{picture.title} (^ is BOS)", width, look), *_heats(heats, width, look)]
    panels = [_fewer(panel) if isinstance(panel, Ridges) else panel for panel in picture.panels]
    blocks = {n: _fixed(panel, width, look) for n, panel in enumerate(panels)}
    n_fixed = sum(len(block) for block in blocks.values() if block is not None)
    shares = [
        0.5 if isinstance(p, Curves) and p.low else 1.0
        for p in panels
        if isinstance(p, Curves | Points)
    ]
    lines: list[Text] = []
    for n, panel in enumerate(panels):
        block = blocks[n]
        if block is None:
            share = 0.5 if isinstance(panel, Curves) and panel.low else 1.0
            rows = int((height - n_fixed) * share / sum(shares))
            block = _chart(panel, width, rows, look)
        lines += block
    return lines


def _title(text: str, width: int, look: Look) -> list[Text]:
    """Return a title as one line, or two if it must be."""
    flat = fitted(text.replace("\n", ": "), 2 * width, look)
    return [Text(line, style="bold") for line in textwrap.wrap(flat, width)[:2]]


def _fixed(panel: Panel, width: int, look: Look) -> list[Text] | None:
    """Return the lines of a panel whose height is its own; None for a chart."""
    if isinstance(panel, Ridges):
        return _ridges(panel, width, look)
    if isinstance(panel, Bars):
        return _bars(panel, width, look)
    return None


# ---- charts ----------------------------------------------------------------------------------------


def _chart(panel: Panel, width: int, height: int, look: Look) -> list[Text]:
    assert isinstance(panel, Curves | Points)
    legend, lines = _legend(panel, width, look), _title(panel.title, width, look)
    lowest = _LOW_LOWEST if isinstance(panel, Curves) and panel.low else _LOWEST
    rows = max(lowest, height - 1 - len(lines) - len(legend))
    x_limits, y_limits = _limits(panel)
    log_y = isinstance(panel, Curves) and panel.log_y
    ticks = round_numbers(*y_limits, max(2, rows // _ROWS_A_TICK), whole=log_y)
    labels = [_number(10**at if log_y else at) for at in ticks]
    margin = max(map(len, labels))
    sheet = Sheet(width - margin - 2, rows, x_limits, y_limits, look)
    names = {sheet.row_of(at): label for at, label in zip(ticks, labels, strict=True)}
    if isinstance(panel, Curves):
        _draw_curves(sheet, panel)
    else:
        _draw_points(sheet, panel, look)
    for row, drawn in enumerate(sheet.lines()):
        stroke = look.sign("┤", "+") if row in names else look.sign("│", "|")
        line = Text()
        line.append(f"{names.get(row, ''):>{margin}}{stroke} ", style="dim")
        lines.append(line.append_text(drawn))
    return [*lines, _x_axis(panel, x_limits, margin, width, look), *legend]


def _limits(panel: Curves | Points) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the limits of x and y, in exponents where the axis is one of powers."""
    if isinstance(panel, Points):
        x = np.array([dot.x for dot in panel.dots])
        x = np.log10(x) if panel.energy else x
        y = np.array([dot.y for dot in panel.dots])
        return _padded(x), panel.y_limits or _padded(y)
    x = np.concatenate([line.x for line in panel.lines] + [[e.at] for e in panel.events])
    x_limits = (float(x.min()), float(x.max())) if len(x) else (0.0, 1.0)
    if panel.y_limits:
        low, high = panel.y_limits
        return x_limits, (math.log10(low), math.log10(high)) if panel.log_y else (low, high)
    y = np.concatenate([line.y for line in panel.lines])
    y = y[np.isfinite(y)]
    if panel.log_y:
        y = np.log10(y[y > 0])
    levels = [] if panel.log_y else [mark.at for mark in panel.levels]
    return x_limits, _padded(np.concatenate([y, levels]))


def _padded(values: Floats) -> tuple[float, float]:
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    pad = 0.04 * (high - low) or 0.5
    return low - pad, high + pad


def _draw_curves(sheet: Sheet, panel: Curves) -> None:
    scale = np.log10 if panel.log_y else np.asarray
    for mark in panel.levels:
        sheet.level(float(scale(mark.at)))
    with np.errstate(divide="ignore", invalid="ignore"):
        for line in panel.lines:
            sheet.curve(
                line.x, scale(line.y), COLOURS[line.place % len(COLOURS)], dashed=line.dashed
            )
    for event in panel.events:
        sheet.event(event.at, event.label)
    taken: dict[int, list[str]] = {}
    for mark in panel.levels:  # those that share a row share a label
        taken.setdefault(sheet.row_of(float(scale(mark.at))), []).append(mark.label)
    for row, labels in taken.items():
        sheet.right(row, ", ".join(filter(None, labels)), "dim")
    if len(panel.lines) > 1 and panel.legend:
        for letter, line in zip(_letters(len(panel.lines)), panel.lines, strict=True):
            drawn = np.flatnonzero(np.isfinite(line.y))
            if len(drawn):
                at = drawn[-1]
                colour = COLOURS[line.place % len(COLOURS)]
                sheet.write(line.x[at], float(scale(line.y[at])), letter, f"bold color({colour})")
    for dot in panel.dots:
        sheet.write(dot.x, float(scale(dot.y)), sheet.look.sign("●", "O"), "bold")


def _draw_points(sheet: Sheet, panel: Points, look: Look) -> None:
    scale = np.log10 if panel.energy else np.asarray
    if panel.front is not None and len(panel.front[0]):
        x, y = panel.front
        corners = [*zip(scale(x).tolist(), y.tolist(), strict=True)]
        steps = [corners[0]]
        for (_, y0), (x1, y1) in pairwise(corners):
            steps += [(x1, y0), (x1, y1)]
        steps.append((sheet.x_limits[1], corners[-1][1]))
        path = np.array(steps)
        sheet.curve(path[:, 0], path[:, 1], COLOURS[0])
    for dot in panel.dots:
        style = f"bold color({COLOURS[dot.group % len(COLOURS)]})"
        sign = dot.label if panel.glyphs else look.sign(_SIGNS[dot.group], _PLAIN_SIGNS[dot.group])
        sheet.write(float(scale(dot.x)), dot.y, fitted(sign, 3, look), style)
    if not panel.glyphs:
        for dot in panel.dots:
            if dot.named:
                sheet.name(float(scale(dot.x)), dot.y, fitted(dot.label, 14, look))


def _legend(panel: Curves | Points, width: int, look: Look) -> list[Text]:
    """Return the names of the curves or groups, in as few lines as they take."""
    items: list[Text] = []
    if isinstance(panel, Points):
        for group in sorted({dot.group for dot in panel.dots}):
            sign = (
                look.sign(_SIGNS[group], _PLAIN_SIGNS[group])
                if not panel.glyphs
                else look.sign("■", "#")
            )
            colour = COLOURS[group % len(COLOURS)]
            items.append(Text(f"{sign} {panel.groups[group]}", style=f"color({colour})"))
    elif panel.legend:
        several = len(panel.lines) > 1
        for letter, line in zip(_letters(len(panel.lines)), panel.lines, strict=True):
            if line.label:
                name = fitted(line.label, _SHORT, look) if len(panel.lines) > _MANY else line.label
                label = f"{letter} {name}" if several else name
                colour = COLOURS[line.place % len(COLOURS)]
                items.append(Text(fitted(label, width, look), style=f"color({colour})"))
        items += [Text(fitted(dot.label, width, look), style="bold") for dot in panel.dots]
    lines: list[Text] = []
    for item in items:
        if lines and lines[-1].cell_len + 3 + item.cell_len <= width:
            lines[-1] = lines[-1] + "   " + item
        else:
            lines.append(item)
    return lines


def _letters(n: int) -> list[str]:
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [alphabet[i % len(alphabet)] for i in range(n)]


def _x_axis(
    panel: Curves | Points, limits: tuple[float, float], margin: int, width: int, look: Look
) -> Text:
    low, high = limits
    if isinstance(panel, Points) and panel.energy:
        from bandits.wording import format_flops

        ends = [format_flops(max(1, round(10.0**at))) for at in (low, high)]
    elif isinstance(panel, Curves) and panel.whole_x:
        ends = [f"{low:,.0f}", f"{high:,.0f}"]
    else:
        ends = [_number(low), _number(high)]
    return _ruler(ends, panel.x_label, margin + 2, width, look)


def _ruler(ends: Sequence[str], label: str, margin: int, width: int, look: Look) -> Text:
    """Return an axis's two ends and its label between them."""
    room = width - margin
    between = fitted(label, max(0, room - len(ends[0]) - len(ends[1]) - 2), look)
    line = f"{ends[0]}{between:^{max(0, room - len(ends[0]) - len(ends[1]))}}{ends[1]}"
    return Text(" " * margin + line[:room], style="dim")


def _number(value: float) -> str:
    if value and (abs(value) >= 1e5 or abs(value) < 1e-3):
        return f"{value:.0e}"
    return f"{value:.3g}"


# ---- rows of blocks --------------------------------------------------------------------------------


def _fewer(panel: Ridges) -> Ridges:
    """Return the distributions of whole layers if those of matrices are too many for a screen."""
    if len(panel.rows) <= _MOST_RIDGES:
        return panel
    blocks = [row.partition(".")[0] for row in panel.rows]
    kinds = list(dict.fromkeys(blocks))
    counts = [
        panel.counts[[n for n, b in enumerate(blocks) if b == kind]].sum(axis=0) for kind in kinds
    ]
    alone = {b: panel.remarks[n] for n, b in enumerate(blocks) if blocks.count(b) == 1}
    lost = {b for n, b in enumerate(blocks) if panel.remarks[n].alarm}
    remarks = [alone.get(k, Mark("not finite" if k in lost else "", 0, k in lost)) for k in kinds]
    return replace(panel, rows=kinds, counts=np.array(counts), remarks=remarks)


def _ridges(panel: Ridges, width: int, look: Look) -> list[Text]:
    labels = max(len(row) for row in panel.rows)
    labels = min(labels, 18 if width >= _NARROW else 12)
    remarks = max((len(mark.label) for mark in panel.remarks), default=0) if width >= _NARROW else 0
    room = width - labels - 1 - (remarks + 1 if remarks else 0)
    lines = _title(panel.title, width, look)
    for row, counts, mark in zip(panel.rows, panel.counts, panel.remarks, strict=True):
        line = Text(f"{fitted(row, labels, look):>{labels}} ")
        line.append(spark(counts, room, look), style=f"color({COLOURS[0]})")
        if remarks:
            line.append(f" {mark.label}", style="bold red" if mark.alarm else "dim")
        lines.append(line)
    ends = [float(panel.edges[0]), float(panel.edges[-1])]
    names = [_number(10**at) for at in ends] if panel.power_of_ten else [f"{at:.2f}" for at in ends]
    label = panel.x_label.partition(";")[0]
    return [*lines, _ruler(names, label, labels + 1, labels + 1 + room, look)]


def _bars(panel: Bars, width: int, look: Look) -> list[Text]:
    labels = max(len(row) for row in panel.rows)
    texts = max(len(text) for text in panel.texts)
    room = max(4, width - labels - texts - 2)
    lines = _title(f"{panel.title} ({panel.x_label})", width, look)
    for row, value, text, alarm in zip(
        panel.rows, panel.values, panel.texts, panel.alarms, strict=True
    ):
        n = round(room * value / panel.full)
        n = max(n, 1) if value > 0 else 0
        line = Text(f"{row:>{labels}} ")
        line.append(look.sign("█", "#") * n, style="red" if alarm else f"color({COLOURS[0]})")
        line.append(look.sign("·", ".") * (room - n), style="dim")
        line.append(f" {text}")
        lines.append(line)
    return lines


def _heats(panels: Sequence[Heat], width: int, look: Look) -> list[Text]:
    """Return heat maps side by side, as many as fit, and what their shades stand for."""
    T = len(panels[0].columns)
    n_wanted = min(len(panels), 4)
    cell = 2 if n_wanted * (2 * T + 3) <= width + 1 else 1
    each = max(cell * T + 2, len(panels[0].title))
    n_across = max(1, (width + 1) // (each + 1))
    lines: list[Text] = []
    for start in range(0, len(panels), n_across):
        blocks = [_heat(panel, cell, each, look) for panel in panels[start : start + n_across]]
        lines += [Text(" ").join(row) for row in zip(*blocks, strict=True)]
    scale = Text()
    scale.append("0 ", style="dim")
    for value in np.linspace(0, 1, 8).tolist():
        scale.append_text(_cell(value, 2, look))
    scale.append(
        fitted(f" 1  {panels[0].unit}; a row reads, columns are looked at", width - 18, look), "dim"
    )
    return [*lines, scale]


def _heat(panel: Heat, cell: int, each: int, look: Look) -> list[Text]:
    head = Text(fitted(panel.title, each, look).ljust(each), style="dim")
    letters = "".join(_letter(label, cell, look) for label in panel.columns)
    lines = [head, Text(set_cell_size(f"  {letters}", each), style="dim")]
    for label, values in zip(panel.rows, panel.values, strict=True):
        line = Text()
        line.append(_letter(label, 2, look), style="dim")
        for value in values.tolist():
            line.append_text(_cell(value, cell, look))
        line.append(" " * (each - line.cell_len))
        lines.append(line)
    return lines


def _letter(label: str, room: int, look: Look) -> str:
    """Return a letter in so many columns; a question mark for one that is wider."""
    sign = "^" if label == "BOS" else fitted(label, len(label) + 1, look)
    return set_cell_size(sign if cell_len(sign) <= room else "?", room)


def _cell(value: float, n: int, look: Look) -> Text:
    """Return one cell: a shade, and with colours a background that says the same."""
    if not math.isfinite(value):
        return Text(" " * n)
    if look.colours and look.braille:
        return Text(" " * n, style=f"on color({_HEATS[min(7, int(8 * value))]})")
    shades = _SHADES if look.braille else _PLAIN_SHADES
    sign = shades[min(4, int(5 * value))] if value >= 0.05 else look.sign("·", ".")
    return Text(sign * n)
