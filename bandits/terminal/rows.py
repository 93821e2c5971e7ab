"""What is drawn in rows of characters: distributions, bars and heat maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from bandits.model.exact import Float as Floats
from bandits.pictures.panels import Bars, Heat, Mark, Ridges
from bandits.terminal.chart import title, two_ends, written_out
from bandits.terminal.look import SERIES_STYLES, Look, fitted

_MOST_RIDGES = 10  # rows; with more, the matrices of a layer are drawn together
_NARROW = 60
_HEATS = (53, 54, 24, 30, 36, 71, 149, 220)  # viridis in the 256 colours of terminals
_SHADES, _PLAIN_SHADES = " ░▒▓█", " .:*#"
_EIGHTHS, _PLAIN_EIGHTHS = " ▁▂▃▄▅▆▇█", " .:-=+*%#"


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


def ridges(panel: Ridges, width: int, look: Look) -> list[Text]:
    """Return one distribution a row, as blocks of eight heights; those of a layer in one if they are many."""
    panel = _fewer(panel)
    labels = max(len(row) for row in panel.rows)
    labels = min(labels, 18 if width >= _NARROW else 12)
    remarks = max((len(mark.label) for mark in panel.remarks), default=0) if width >= _NARROW else 0
    room = width - labels - 1 - (remarks + 1 if remarks else 0)
    lines = title(panel.title, width, look)
    for row, counts, mark in zip(panel.rows, panel.counts, panel.remarks, strict=True):
        line = Text(f"{fitted(row, labels, look):>{labels}} ")
        line.append(_spark(counts, room, look), style=SERIES_STYLES[0])
        if remarks:
            line.append(f" {mark.label}", style="bold red" if mark.alarm else "dim")
        lines.append(line)
    ends = [float(panel.edges[0]), float(panel.edges[-1])]
    names = (
        [written_out(10**at) for at in ends] if panel.power_of_ten else [f"{at:.2f}" for at in ends]
    )
    label = panel.x_label.partition(";")[0]
    return [*lines, two_ends(names, label, labels + 1, labels + 1 + room, look)]


def bars(panel: Bars, width: int, look: Look) -> list[Text]:
    """Return one bar a row, with its text behind it."""
    labels = max(len(row) for row in panel.rows)
    texts = max(len(text) for text in panel.texts)
    room = max(4, width - labels - texts - 2)
    lines = title(f"{panel.title} ({panel.x_label})", width, look)
    for row, value, text, alarm in zip(
        panel.rows, panel.values, panel.texts, panel.alarms, strict=True
    ):
        n = round(room * value / panel.full)
        n = max(n, 1) if value > 0 else 0
        line = Text(f"{row:>{labels}} ")
        line.append(look.sign("█", "#") * n, style="red" if alarm else SERIES_STYLES[0])
        line.append(look.sign("·", ".") * (room - n), style="dim")
        line.append(f" {text}")
        lines.append(line)
    return lines


def heats(panels: Sequence[Heat], width: int, look: Look) -> list[Text]:
    """Return heat maps of one size side by side, as many as fit, and what their shades stand for."""
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
    note = f"; {panels[0].note}" if panels[0].note else ""
    scale.append(fitted(f" 1  {panels[0].unit}{note}", width - 18, look), "dim")
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


def _spark(counts: Floats, width: int, look: Look) -> str:
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
