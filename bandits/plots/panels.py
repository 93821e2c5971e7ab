"""The five forms of panel, drawn with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bandits.energy import format_flops
from bandits.plots.canvas import (
    BLACK,
    BLUE,
    DASHES,
    GREEN,
    GREY,
    HEIGHT_INCHES,
    ORANGE,
    PURPLE,
    SERIES,
    SKY,
    VERMILION,
)
from bandits.plots.forms import (
    Bars,
    Curves,
    Heat,
    Line,
    Mark,
    Panel,
    Picture,
    Points,
    Ridges,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES_A_ROW = 0.34
SIGNS = ("D", "o", "s", "^", "x", "v")
_GROUPS = (BLUE, ORANGE, GREEN, PURPLE, GREY, SKY)
_FEW = 60  # points that are drawn as dots
_CLOSE = 0.045  # of the axis: levels that share a label
_LEGEND_BELOW = 8  # lines whose names are written large
_LEGEND_COLUMNS = 3
_LETTERS, _LETTERS_A_SIGN = 105, 7  # of a legend across a picture, and of a line's sign in it
_HEAT_INCHES = (4.6, 4.4, 3.3, 2.7)
_LOW_INCHES = 2.0
_LEGEND_INCHES = 0.48  # from the x axis down to a legend, past the label
_AROUND_INCHES = 1.1  # of a panel's height: title, label and legend


def height_inches(panel: Panel, n_columns: int) -> float:
    """Return how much room a panel wants."""
    if isinstance(panel, Ridges | Bars):
        return max(1.9, 1.1 + INCHES_A_ROW * len(panel.rows))
    if isinstance(panel, Heat):
        return _HEAT_INCHES[min(n_columns, len(_HEAT_INCHES)) - 1]
    if isinstance(panel, Points) and panel.glyphs:
        return 5.2
    if isinstance(panel, Curves):
        labels = _labels(panel)
        n_rows = -(-len(labels) // _legend_columns(labels, n_columns)) - 1 if labels else 0
        return _LOW_INCHES if panel.low else HEIGHT_INCHES + 0.19 * n_rows
    return HEIGHT_INCHES


def _labels(panel: Curves) -> list[str]:
    """Return the entries of its legend."""
    return [
        label
        for label in (*(x.label for x in panel.lines), *(x.label for x in panel.dots))
        if label
    ]


def _legend_columns(labels: Sequence[str], n_columns: int) -> int:
    """Return how many entries fit side by side under a panel that has n_columns - 1 beside it."""
    each = max(map(_letters_wide, labels)) + _LETTERS_A_SIGN
    room = _LETTERS if n_columns == 1 else _LETTERS * 0.6
    most = max(1, min(_LEGEND_COLUMNS, len(labels), int(room / each)))
    return -(-len(labels) // -(-len(labels) // most))  # as few as fill as many rows


def _letters_wide(label: str) -> float:
    """Return how wide a label is, in letters of middling width."""
    return sum(1.75 if c in "WMmw@%—" else 1.2 if c.isupper() else 1.0 for c in label)


def width_ratios(panels: Sequence[Panel]) -> list[float]:
    """Return how panels side by side share the width."""
    return [0.62 if isinstance(panel, Bars) else 1.0 for panel in panels]


def draw(axes: Axes, panel: Panel, inches: float = HEIGHT_INCHES) -> None:
    """Draw one panel, which has so many inches of height."""
    if isinstance(panel, Curves):
        _curves(axes, panel, inches)
    elif isinstance(panel, Points):
        _points(axes, panel, inches)
    elif isinstance(panel, Heat):
        _heat(axes, panel)
    elif isinstance(panel, Ridges):
        _ridges(axes, panel)
    else:
        _bars(axes, panel)
    axes.set_title(panel.title)
    axes.set_xlabel(panel.x_label)
    if not isinstance(panel, Ridges | Bars):
        axes.set_ylabel(panel.y_label)


# ---- curves ----------------------------------------------------------------------------------------


def style_of(line: Line) -> dict[str, Any]:
    """Return the colour and the dashes of a line: no two of 42 are alike."""
    if line.ordered is not None:
        import matplotlib

        colour: Any = matplotlib.colormaps["viridis"](0.92 * line.ordered)
        return {"color": colour, "linestyle": "-"}
    style = DASHES[line.place // len(SERIES) % len(DASHES)]
    return {"color": SERIES[line.place % len(SERIES)], "linestyle": "--" if line.dashed else style}


def _curves(axes: Axes, panel: Curves, inches: float) -> None:
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
    labels = _labels(panel)
    if panel.legend and (len(labels) > 1 or any(line.faint is not None for line in panel.lines)):
        few = len(labels) <= _LEGEND_BELOW
        grid = axes.get_gridspec()
        n_columns = grid.ncols if grid else 1
        n_rows = -(-len(labels) // _legend_columns(labels, n_columns))
        below = _LEGEND_INCHES / max(1.0, inches - _AROUND_INCHES - 0.19 * (n_rows - 1))
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -below),
            ncols=_legend_columns(labels, n_columns),
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
    return f"{value:g}" if 1e-4 < value < 1e5 else _power(math.log10(value))


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


# ---- points ----------------------------------------------------------------------------------------


def _points(axes: Axes, panel: Points, inches: float) -> None:
    if panel.energy:
        _energy_axis(axes)
    if panel.front is not None and len(panel.front[0]):
        _front(axes, panel)
    used = sorted({dot.group for dot in panel.dots})
    for group in used:
        dots = [dot for dot in panel.dots if dot.group == group]
        colour = _GROUPS[group % len(_GROUPS)]
        if panel.glyphs:  # the legend's sign
            axes.plot([], [], "s", color=colour, label=panel.groups[group], markersize=7)
        axes.plot(
            [dot.x for dot in dots],
            [dot.y for dot in dots],
            SIGNS[group % len(SIGNS)],
            color=colour,
            markersize=7,
            linestyle="none",
            alpha=0.0 if panel.glyphs else 1.0,
            label=None if panel.glyphs else panel.groups[group],
            zorder=3,
        )
    if panel.y_limits:
        axes.set_ylim(panel.y_limits)
    axes.margins(x=0.12 if panel.energy else 0.06, y=0.06)
    for dot in panel.dots if panel.glyphs else ():
        label = drawable(dot.label)
        axes.text(
            dot.x,
            dot.y,
            label,
            color=_GROUPS[dot.group % len(_GROUPS)],
            fontsize=14 if len(label) == 1 else 9,
            fontweight="bold",
            ha="center",
            va="center",
        )
    if not panel.glyphs:
        _name(axes, panel)
    if panel.glyphs:
        axes.set_aspect("equal", adjustable="datalim")  # distances are what it shows
        axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
        axes.axvline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    below = -_LEGEND_INCHES / (inches - _AROUND_INCHES)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, below), ncols=6, columnspacing=1.3)


def _energy_axis(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _flops(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _flops(value: float) -> str:
    """Return 1e8 as 100 MFLOP."""
    number, unit = format_flops(max(1, round(value))).split()
    return f"{float(number):g} {unit}"


def drawable(label: str) -> str:
    """Return a letter, or its code point if matplotlib's font has no sign for it."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    if len(label) != 1 or label.isascii():
        return label
    known = get_font(findfont(FontProperties())).get_char_index(ord(label))
    return label if known else f"U+{ord(label):04X}"


def _front(axes: Axes, panel: Points) -> None:
    assert panel.front is not None
    x, y = panel.front
    right = max(dot.x for dot in panel.dots) * (2.5 if panel.energy else 1.1)
    low = panel.y_limits[0] if panel.y_limits else 0.0
    axes.fill_between(
        [*x, right], [*y, y[-1]], low, step="post", color=BLUE, alpha=0.06, linewidth=0
    )
    axes.step([*x, right], [*y, y[-1]], where="post", color=BLUE, linewidth=1.6, label="front")
    axes.set_xlim(None, right)


def _name(axes: Axes, panel: Points) -> None:
    """Write the names of points beside them, each where the fewest others are in the way."""
    figure: Any = axes.figure
    figure.draw_without_rendering()  # to know where the points will be
    dots = panel.dots
    to_pixels = axes.transData.transform
    box = axes.get_window_extent()
    scale = figure.dpi / 72
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in to_pixels([(d.x, d.y) for d in dots])]
    if panel.front is not None and len(panel.front[0]):
        x, y = panel.front
        corners = to_pixels([*zip(x, y, strict=True), (axes.get_xlim()[1], y[-1])])
        for (x0, y0), (x1, y1) in pairwise(corners.tolist()):
            taken += [(x0, y0 - 3, x1, y0 + 3), (x1 - 3, y0, x1 + 3, y1)]
    for dot in sorted((d for d in dots if d.named), key=lambda d: (-d.y, d.x)):
        x, y = to_pixels((dot.x, dot.y))
        width, height = 5.6 * scale * _letters_wide(dot.label), 10.0 * scale
        best: tuple[float, float, float] | None = None
        for dx, dy in _AROUND:
            left = x + (
                dx * 7 * scale if dx > 0 else dx * 7 * scale - width if dx < 0 else -width / 2
            )
            bottom = y + dy * 11 * scale - height / 2
            place = (left, bottom, left + width, bottom + height)
            crossed = sum(_overlap(place, other) for other in taken)
            outside = max(0.0, box.x0 - left) + max(0.0, left + width - box.x1)
            outside += max(0.0, box.y0 - bottom) + max(0.0, bottom + height - box.y1)
            cost = crossed + 40 * outside + 0.3 * (abs(dy) + (dx < 0))
            if best is None or cost < best[0]:
                best = (cost, left, bottom)
        assert best is not None
        _, left, bottom = best
        taken.append((left, bottom, left + width, bottom + height))
        axes.annotate(
            dot.label,
            (dot.x, dot.y),
            xytext=((left - x) / scale, (bottom - y) / scale),
            textcoords="offset points",
            fontsize=9,
            va="bottom",
            color=BLACK,
            zorder=6,
        )


_AROUND = (
    (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1), (1, 2), (-1, 2), (1, -2), (-1, -2),
)  # fmt: skip


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


# ---- heat, ridges, bars ----------------------------------------------------------------------------


def _heat(axes: Axes, panel: Heat) -> None:
    import matplotlib

    colours = matplotlib.colormaps["viridis"].with_extremes(bad="#f4f4f4")
    shown = np.ma.masked_invalid(panel.values)
    axes.imshow(shown, cmap=colours, vmin=0.0, vmax=1.0, aspect="equal", interpolation="nearest")
    axes.grid(visible=False)
    every = max(1, -(-len(panel.columns) // 24))
    size = 9 if len(panel.columns) <= 12 else 7
    columns = ["^" if label == "BOS" else drawable(label) for label in panel.columns]
    rows = [drawable(label) for label in panel.rows]
    axes.set_xticks(range(0, len(columns), every), columns[::every], fontsize=size)
    axes.set_yticks(range(0, len(panel.rows), every), rows[::every], fontsize=size)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def finish_heats(figure: Figure, picture: Picture) -> None:
    """Give heat maps their common colour bar and title, and label only the outer axes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    all_axes = list(figure.axes)
    n_columns = min(picture.n_columns, len(all_axes))
    for n, axes in enumerate(all_axes):
        if n % n_columns:
            axes.set_ylabel("")
        if n + n_columns < len(all_axes):
            axes.set_xlabel("")
    first = picture.panels[0]
    assert isinstance(first, Heat)
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), "viridis"), ax=all_axes, shrink=0.8, aspect=30, pad=0.01
    )
    bar.set_label(first.unit)
    bar.outline.set_visible(False)
    title = "".join(map(drawable, picture.title))
    title = title[0].upper() + title[1:] + "   (^ is BOS, the start)"
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)


def _ridges(axes: Axes, panel: Ridges) -> None:
    centres = (panel.edges[1:] + panel.edges[:-1]) / 2
    n = len(panel.rows)
    for row in range(n):
        counts = panel.counts[row]
        base = float(n - 1 - row)
        if counts.max() > 0:
            y = base + 0.86 * counts / counts.max()
            axes.fill_between(
                centres, base, y, color=BLUE, alpha=0.55, linewidth=0, zorder=2, step="mid"
            )
            axes.step(centres, y, where="mid", color=BLUE, linewidth=1.0, zorder=3)
        if panel.reference is not None:
            label = panel.reference[0] if row == 0 else None
            shape = panel.reference[1]
            axes.plot(centres, base + 0.86 * shape / shape.max(), color=BLACK, linewidth=0.9,
                      linestyle="--", alpha=0.8, zorder=4, label=label)  # fmt: skip
        if np.isfinite(panel.medians[row]):
            median = panel.medians[row]
            axes.plot([median] * 2, [base, base + 0.86], color=ORANGE, linewidth=2.0, zorder=5,
                      label="median" if row == 0 else None)  # fmt: skip
        remark = panel.remarks[row]
        if remark.label:
            axes.annotate(
                remark.label,
                (1.01, base + 0.3),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=8,
                color=VERMILION if remark.alarm else "#555555",
                annotation_clip=False,
            )
    axes.set_yticks([n - 1 - row + 0.3 for row in range(n)], panel.rows)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.15, n)
    axes.set_xlim(panel.edges[0], panel.edges[-1])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    if panel.power_of_ten:
        from matplotlib.ticker import MaxNLocator

        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        axes.xaxis.set_major_formatter(lambda value, _: _power(value))
    if panel.reference is not None:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, fontsize=8, borderaxespad=0.1
        )


def _power(exponent: float) -> str:
    superscript = str(round(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{superscript}"


def _bars(axes: Axes, panel: Bars) -> None:
    n = len(panel.rows)
    colours = [VERMILION if alarm else BLUE for alarm in panel.alarms]
    axes.barh(range(n), panel.values, color=colours, height=0.62, zorder=3)
    for row, (value, text) in enumerate(zip(panel.values, panel.texts, strict=True)):
        inside = value > 0.6 * panel.full
        axes.annotate(
            text,
            (value, row),
            xytext=(-4 if inside else 4, 0),
            textcoords="offset points",
            ha="right" if inside else "left",
            va="center",
            fontsize=8,
            color="white" if inside else "#444444",
            zorder=4,
        )
    axes.set_yticks(range(n), panel.rows)
    axes.set_ylim(n - 0.4, -0.6)
    axes.set_xlim(0, panel.full)
    axes.grid(axis="y", visible=False)
