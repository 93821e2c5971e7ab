"""Pictures in characters: the forms of bandits/pictures/panels.py, drawn for a terminal of any width.

Curves and points are charts (chart.py), all else is rows of blocks (rows.py); where a terminal shows no such
signs they are ASCII, and nothing is told by colour alone: curves end in the letter of their legend.
"""

from __future__ import annotations

import math
from itertools import groupby, pairwise

import numpy as np
from rich.text import Text

from bandits.model.exact import Float as Floats
from bandits.pictures.panels import Bars, Curves, Heat, Panel, Picture, Points, Ridges
from bandits.terminal.chart import Chart, round_numbers, title, two_ends, written_out
from bandits.terminal.look import GROUP_STYLES, SERIES_STYLES, Look, fitted
from bandits.terminal.rows import bars, heats, ridges

_LOWEST, _LOW_LOWEST = 7, 3  # rows of a chart
_ROWS_A_TICK = 4
_MANY, _SHORT = 8, 12  # curves, whose names are then cut
_SIGNS = ("◆", "●", "■", "▲", "×", "+")
_PLAIN_SIGNS = ("P", "G", "S", "B", "x", "+")


def sketch(picture: Picture, width: int, height: int, look: Look) -> list[Text]:
    """Return the lines of a picture, at most `width` wide and, where its rows allow, `height` high."""
    lines = _heading(picture, width, look)
    parts: list[list[Text] | Curves | Points] = []
    for shape, group in groupby(picture.panels, _shape):
        panels = list(group)
        if shape is not None:
            parts.append(heats([p for p in panels if isinstance(p, Heat)], width, look))
        else:
            parts += [_fixed(panel, width, look) for panel in panels]
    room = height - len(lines) - sum(len(part) for part in parts if isinstance(part, list))
    shares = sum(_share(part) for part in parts if not isinstance(part, list))
    for part in parts:
        if isinstance(part, list):
            lines += part
        else:
            lines += _chart(part, width, int(room * _share(part) / shares), look)
    return lines


def _heading(picture: Picture, width: int, look: Look) -> list[Text]:
    """Return the title of a picture with heat maps, whose own titles say little."""
    maps = [panel for panel in picture.panels if isinstance(panel, Heat)]
    if not maps:
        return []
    start = " (^ is BOS)" if any("BOS" in panel.columns for panel in maps) else ""
    return title(picture.title + start, width, look)


def _shape(panel: Panel) -> tuple[int, ...] | None:
    """Return the size of a heat map: neighbours of one size are drawn side by side."""
    return panel.values.shape if isinstance(panel, Heat) else None


def _share(panel: Curves | Points) -> float:
    return 0.5 if isinstance(panel, Curves) and panel.low else 1.0


def _fixed(panel: Panel, width: int, look: Look) -> list[Text] | Curves | Points:
    """Return the lines of a panel whose height is its own; a chart as it is, for it shares the rest."""
    if isinstance(panel, Ridges):
        return ridges(panel, width, look)
    if isinstance(panel, Bars):
        return bars(panel, width, look)
    assert isinstance(panel, Curves | Points)
    return panel


def _chart(panel: Curves | Points, width: int, height: int, look: Look) -> list[Text]:
    legend, lines = _legend(panel, width, look), title(panel.title, width, look)
    lowest = _LOW_LOWEST if isinstance(panel, Curves) and panel.low else _LOWEST
    rows = max(lowest, height - 1 - len(lines) - len(legend))
    x_limits, y_limits = _limits(panel)
    log_y = isinstance(panel, Curves) and panel.log_y
    ticks = round_numbers(*y_limits, max(2, rows // _ROWS_A_TICK), whole=log_y)
    labels = [written_out(10**at if log_y else at) for at in ticks]
    margin = max(map(len, labels))
    chart = Chart(width - margin - 2, rows, x_limits, y_limits, look)
    if isinstance(panel, Curves):
        _draw_curves(chart, panel)
    else:
        _draw_points(chart, panel, look)
    lines += chart.rows(dict(zip(map(chart.row_of, ticks), labels, strict=True)), "{}{} ")
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


def _draw_curves(chart: Chart, panel: Curves) -> None:
    scale = np.log10 if panel.log_y else np.asarray
    for mark in panel.levels:
        chart.level(float(scale(mark.at)))
    with np.errstate(divide="ignore", invalid="ignore"):
        for line in panel.lines:
            chart.curve(line.x, scale(line.y), _style(line.place), dashed=line.dashed)
    for event in panel.events:
        chart.event(event.at, event.label)
    taken: dict[int, list[str]] = {}
    for mark in panel.levels:  # those that share a row share a label
        taken.setdefault(chart.row_of(float(scale(mark.at))), []).append(mark.label)
    for row, labels in taken.items():
        chart.right(row, ", ".join(filter(None, labels)), "dim")
    if len(panel.lines) > 1 and panel.legend:
        for letter, line in zip(_letters(len(panel.lines)), panel.lines, strict=True):
            drawn = np.flatnonzero(np.isfinite(line.y))
            if len(drawn):
                x, y = line.x[drawn[-1]], float(scale(line.y[drawn[-1]]))
                chart.write(x, y, letter, f"bold {_style(line.place)}")
    for dot in panel.dots:
        chart.write(dot.x, float(scale(dot.y)), chart.look.sign("●", "O"), "bold")


def _draw_points(chart: Chart, panel: Points, look: Look) -> None:
    scale = np.log10 if panel.energy else np.asarray
    if panel.front is not None and len(panel.front[0]):
        x, y = panel.front
        corners = [*zip(scale(x).tolist(), y.tolist(), strict=True)]
        steps = [corners[0]]
        for (_, y0), (x1, y1) in pairwise(corners):
            steps += [(x1, y0), (x1, y1)]
        steps.append((chart.x_limits[1], corners[-1][1]))
        path = np.array(steps)
        chart.curve(path[:, 0], path[:, 1], SERIES_STYLES[0])
    for dot in panel.dots:
        style = f"bold {GROUP_STYLES[dot.group % len(GROUP_STYLES)]}"
        sign = dot.label if panel.glyphs else look.sign(_SIGNS[dot.group], _PLAIN_SIGNS[dot.group])
        chart.write(float(scale(dot.x)), dot.y, fitted(sign, 3, look), style)
    if not panel.glyphs:
        for dot in panel.dots:
            if dot.named:
                chart.name(float(scale(dot.x)), dot.y, fitted(dot.label, 14, look))


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
            style = GROUP_STYLES[group % len(GROUP_STYLES)]
            items.append(Text(f"{sign} {panel.groups[group]}", style=style))
    elif panel.legend:
        several = len(panel.lines) > 1
        for letter, line in zip(_letters(len(panel.lines)), panel.lines, strict=True):
            if line.label:
                name = fitted(line.label, _SHORT, look) if len(panel.lines) > _MANY else line.label
                label = f"{letter} {name}" if several else name
                items.append(Text(fitted(label, width, look), style=_style(line.place)))
        items += [Text(fitted(dot.label, width, look), style="bold") for dot in panel.dots]
    lines: list[Text] = []
    for item in items:
        if lines and lines[-1].cell_len + 3 + item.cell_len <= width:
            lines[-1] = lines[-1] + "   " + item
        else:
            lines.append(item)
    return lines


def _style(place: int) -> str:
    return SERIES_STYLES[place % len(SERIES_STYLES)]


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
        ends = [written_out(low), written_out(high)]
    return two_ends(ends, panel.x_label, margin + 2, width, look)
