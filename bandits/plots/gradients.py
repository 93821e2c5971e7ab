"""The gradients of one agent: how large they are in every weight matrix.

A layer whose gradients are orders of magnitude below its neighbours' learns nothing; one far above them
is about to explode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bandits.plots.canvas import BLUE, ORANGE, VERMILION
from bandits.plots.pictures import PLOTS, Draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from bandits.arena import Arena

_INCHES_A_ROW = 0.3


@PLOTS.register("gradients")
def gradients(arena: Arena, name: str) -> Draw:
    """Return the picture of the gradients of the documents that the agent would see next."""
    found = arena.gradients(name)

    def draw(figure: Figure) -> None:
        draw_gradients(figure, name, found)

    return draw


def draw_gradients(figure: Figure, name: str, gradients: Mapping[str, NDArray[np.float32]]) -> None:
    """Draw the spread of |gradient| of each weight matrix: 5, 25, 50, 75 and 95% of its entries."""
    width = figure.get_size_inches()[0]
    figure.set_size_inches(width, min(40.0, 1.4 + _INCHES_A_ROW * len(gradients)))
    axes = figure.add_subplot()
    for row, gradient in enumerate(gradients.values()):
        size = np.abs(np.asarray(gradient, dtype=np.float64)).ravel()
        finite = size[np.isfinite(size)]
        used = finite[finite > 0]
        if len(used):
            p5, p25, p50, p75, p95 = np.percentile(used, [5, 25, 50, 75, 95])
            axes.plot([p5, p95], [row, row], color=BLUE, linewidth=1.5, zorder=2)
            axes.plot(
                [p25, p75], [row, row], color=BLUE, linewidth=7, zorder=3, solid_capstyle="butt"
            )
            axes.plot([p50], [row], "|", color=ORANGE, markersize=11, markeredgewidth=2.5, zorder=4)
        _remark(axes, row, size, finite)
    axes.set_xscale("log")
    axes.set_yticks(range(len(gradients)), list(gradients))
    axes.set_ylim(len(gradients) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_title(f"Gradients of {name} (nonzero ones; bar: half, line: 90%, tick: median)")
    axes.set_xlabel("|gradient| (nats per unit of weight, log scale)")
    axes.set_ylabel("weights")


def _remark(axes: Axes, row: int, size: NDArray[np.float64], finite: NDArray[np.float64]) -> None:
    """Write at the right edge what the bar cannot show: zeros, and values that are not finite."""
    n_zero, n_lost = int((finite == 0).sum()), len(size) - len(finite)
    text = f"{100 * n_zero / len(size):.0f}% zero" if n_zero else ""
    if n_lost:
        text = f"{n_lost:,} not finite"
    if text:
        axes.annotate(
            text,
            (1.01, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=VERMILION if n_lost else "#555555",
            annotation_clip=False,
        )
