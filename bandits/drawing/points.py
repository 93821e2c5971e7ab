"""Points, drawn with matplotlib: their signs, their names beside them, and the front."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bandits.drawing.lettering import below, drawable, letters_wide
from bandits.drawing.style import BLACK, BLUE, GROUPS
from bandits.pictures.panels import Points
from bandits.wording import format_flops

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIGNS = ("D", "o", "s", "^", "x", "v")


def draw_points(axes: Axes, panel: Points, inches: float) -> None:
    if panel.energy:
        _energy_axis(axes)
    if panel.front is not None and len(panel.front[0]):
        _front(axes, panel)
    used = sorted({dot.group for dot in panel.dots})
    for group in used:
        dots = [dot for dot in panel.dots if dot.group == group]
        colour = GROUPS[group % len(GROUPS)]
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
            color=GROUPS[dot.group % len(GROUPS)],
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
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -below(inches)), ncols=6, columnspacing=1.3
    )


def _energy_axis(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _flops(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _flops(value: float) -> str:
    """Return 1e8 as 100 MFLOP."""
    number, unit = format_flops(max(1, round(value))).split()
    return f"{float(number):g} {unit}"


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
        width, height = 5.6 * scale * letters_wide(dot.label), 10.0 * scale
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
