"""What is drawn in rows, with matplotlib: heat maps, distributions and bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bandits.drawing.lettering import drawable, power
from bandits.drawing.style import BLACK, BLUE, ORANGE, VERMILION
from bandits.pictures.panels import Bars, Heat, Picture, Ridges

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_heat(axes: Axes, panel: Heat) -> None:
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


def finish_heats(figure: Figure, picture: Picture, n_columns: int) -> None:
    """Give a picture's heat maps a common colour bar and a title, and label only their outer axes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    maps = {n: panel for n, panel in enumerate(picture.panels) if isinstance(panel, Heat)}
    for n in maps:
        if n % n_columns and n - 1 in maps:
            figure.axes[n].set_ylabel("")
        if n + n_columns in maps:
            figure.axes[n].set_xlabel("")
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), "viridis"),
        ax=[figure.axes[n] for n in maps],
        shrink=0.8,
        aspect=30,
        pad=0.01,
    )
    bar.set_label(next(iter(maps.values())).unit)
    bar.outline.set_visible(False)
    title = "".join(map(drawable, picture.title))
    start = "   (^ is BOS, the start)" if any("BOS" in p.columns for p in maps.values()) else ""
    figure.suptitle(title[0].upper() + title[1:] + start, x=0.01, ha="left", fontsize=12)


def draw_ridges(axes: Axes, panel: Ridges) -> None:
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
        axes.xaxis.set_major_formatter(lambda value, _: power(value))
    if panel.reference is not None:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, fontsize=8, borderaxespad=0.1
        )


def draw_bars(axes: Axes, panel: Bars) -> None:
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
