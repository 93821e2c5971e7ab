"""Curves, drawn with matplotlib: lines, references across and down, and their legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bandits.drawing.lettering import below, letters_wide, power
from bandits.drawing.style import DASHES, GREY, SERIES, VERMILION
from bandits.pictures.panels import Curves, Line, Mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEW = 60  # points that are drawn as dots
_CLOSE = 0.045  # of the axis: levels that share a label
_LEGEND_BELOW = 8  # lines whose names are written large
_LEGEND_COLUMNS = 3
_LETTERS, _LETTERS_A_SIGN = 105, 7  # of a legend across a picture, and of a line's sign in it


def labels_of(panel: Curves) -> list[str]:
    """Return the entries of its legend."""
    return [
        label
        for label in (*(x.label for x in panel.lines), *(x.label for x in panel.dots))
        if label
    ]


def legend_columns(labels: Sequence[str], n_columns: int) -> int:
    """Return how many entries fit side by side under a panel that has n_columns - 1 beside it."""
    each = max(map(letters_wide, labels)) + _LETTERS_A_SIGN
    room = _LETTERS if n_columns == 1 else _LETTERS * 0.6
    most = max(1, min(_LEGEND_COLUMNS, len(labels), int(room / each)))
    return -(-len(labels) // -(-len(labels) // most))  # as few as fill as many rows


def style_of(line: Line) -> dict[str, Any]:
    """Return the colour and the dashes of a line: no two of 42 are alike."""
    if line.ordered is not None:
        import matplotlib

        colour: Any = matplotlib.colormaps["viridis"](0.92 * line.ordered)
        return {"color": colour, "linestyle": "-"}
    style = DASHES[line.place // len(SERIES) % len(DASHES)]
    return {"color": SERIES[line.place % len(SERIES)], "linestyle": "--" if line.dashed else style}


def draw_curves(axes: Axes, panel: Curves, inches: float) -> None:
    from matplotlib.ticker import MaxNLocator

    if panel.log_y:
        axes.set_yscale("log")
    for line in panel.lines:
        style = style_of(line)
        if line.faint is not None:
            x, y = line.faint
            few = len(x) <= _FEW
            axes.plot(
                x, y, color=style["color"], alpha=0.28, linewidth=0.7, marker="." if few else None
            )
        thin = len(panel.lines) > _LEGEND_BELOW
        few = line.faint is None and len(line.x) <= _FEW and not (thin or line.dashed)
        if line.filled:
            axes.fill_between(line.x, 0, line.y, color=style["color"], alpha=0.2, linewidth=0)
        axes.plot(
            line.x,
            line.y,
            **style,
            linewidth=1.5 if thin else 2.1,
            marker="." if few or len(line.x) == 1 else None,
            label=line.label or None,
        )
    for dot in panel.dots:
        colour = SERIES[dot.group % len(SERIES)]
        axes.plot([dot.x], [dot.y], "o", color=colour, markersize=10, mec="white", mew=1.5,
                  zorder=5, clip_on=False, label=dot.label, linestyle="none")  # fmt: skip
    if panel.x_limits:
        axes.set_xlim(panel.x_limits)
    if panel.y_limits:
        axes.set_ylim(panel.y_limits)
    if panel.log_y:
        _log_ticks(axes)
    _levels(axes, panel.levels)
    for event in panel.events:
        axes.axvline(event.at, color=VERMILION if event.alarm else GREY, linewidth=1.5)
        axes.annotate(
            event.label,
            (event.at, 0.97),
            xycoords=("data", "axes fraction"),
            xytext=(4 if _is_left(axes, event.at) else -4, 0),
            textcoords="offset points",
            rotation=90,
            ha="left" if _is_left(axes, event.at) else "right",
            va="top",
            fontsize=8,
            color=VERMILION if event.alarm else GREY,
        )
    if panel.whole_x:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    labels = labels_of(panel)
    if panel.legend and (len(labels) > 1 or any(line.faint is not None for line in panel.lines)):
        few = len(labels) <= _LEGEND_BELOW
        grid = axes.get_gridspec()
        n_columns = grid.ncols if grid else 1
        n_rows = -(-len(labels) // legend_columns(labels, n_columns))
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -below(inches - 0.19 * (n_rows - 1))),
            ncols=legend_columns(labels, n_columns),
            fontsize=9 if few else 8,
            handlelength=2.6,
        )
    if panel.perplexity:
        right = axes.secondary_yaxis("right", functions=(_exp, _log))
        right.set_ylabel("perplexity")
        right.spines["right"].set_visible(True)


def _is_left(axes: Axes, x: float) -> bool:
    left, right = axes.get_xlim()
    return (x - left) < 0.1 * (right - left)


def _log_ticks(axes: Axes) -> None:
    """Write plain numbers, and 2 and 5 of each power of ten where there are few powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    few = math.log10(high / low) < 2.5
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=9))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _plain(value: float) -> str:
    return f"{value:g}" if 1e-4 < value < 1e5 else power(math.log10(value))


def grouped(levels: Sequence[Mark], close: float) -> list[tuple[float, str]]:
    """Return where to write labels: those of levels nearer than `close` share one, at the lowest."""
    groups: list[list[Mark]] = []
    for mark in sorted(levels, key=lambda mark: mark.at):
        if groups and mark.at - groups[-1][-1].at < close:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return [(group[-1].at, ", ".join(m.label for m in group if m.label)) for group in groups]


def _levels(axes: Axes, levels: Sequence[Mark]) -> None:
    low, high = axes.get_ylim()
    log = axes.get_yscale() == "log"
    for mark in levels:
        axes.axhline(mark.at, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1.5)
    scaled = [Mark(m.label, math.log(m.at) if log else m.at) for m in levels]
    span = math.log(high / low) if log else high - low
    for at, label in grouped(scaled, _CLOSE * span):
        axes.annotate(
            label,
            (0.995, math.exp(at) if log else at),
            xycoords=("axes fraction", "data"),
            xytext=(0, 1.5),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            color="#444444",
            zorder=4,
            bbox={"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.75},
        )


def _exp(loss: Any) -> Any:
    return np.exp(np.minimum(np.asarray(loss), 700.0))


def _log(perplexity: Any) -> Any:
    return np.log(np.maximum(perplexity, 1e-9))
