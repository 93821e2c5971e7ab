"""The five forms of panel in matplotlib: which drawing is whose, and how much room each wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bandits.drawing.curves import draw_curves, labels_of, legend_columns
from bandits.drawing.points import draw_points
from bandits.drawing.rows import draw_bars, draw_heat, draw_ridges
from bandits.drawing.style import HEIGHT_INCHES
from bandits.pictures.panels import Bars, Curves, Heat, Panel, Points, Ridges

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES_A_ROW = 0.34
_HEAT_INCHES = (4.6, 4.4, 3.3, 2.7)
_LOW_INCHES = 2.0


def height_inches(panel: Panel, n_columns: int) -> float:
    """Return how much room a panel wants."""
    if isinstance(panel, Ridges | Bars):
        return max(1.9, 1.1 + INCHES_A_ROW * len(panel.rows))
    if isinstance(panel, Heat):
        return _HEAT_INCHES[min(n_columns, len(_HEAT_INCHES)) - 1]
    if isinstance(panel, Points) and panel.glyphs:
        return 5.2
    if isinstance(panel, Curves):
        labels = labels_of(panel)
        n_rows = -(-len(labels) // legend_columns(labels, n_columns)) - 1 if labels else 0
        return _LOW_INCHES if panel.low else HEIGHT_INCHES + 0.19 * n_rows
    return HEIGHT_INCHES


def width_ratios(panels: Sequence[Panel]) -> list[float]:
    """Return how panels side by side share the width."""
    return [0.62 if isinstance(panel, Bars) else 1.0 for panel in panels]


def draw(axes: Axes, panel: Panel, inches: float = HEIGHT_INCHES) -> None:
    """Draw one panel, which has so many inches of height."""
    if isinstance(panel, Curves):
        draw_curves(axes, panel, inches)
    elif isinstance(panel, Points):
        draw_points(axes, panel, inches)
    elif isinstance(panel, Heat):
        draw_heat(axes, panel)
    elif isinstance(panel, Ridges):
        draw_ridges(axes, panel)
    else:
        draw_bars(axes, panel)
    axes.set_title(panel.title)
    axes.set_xlabel(panel.x_label)
    if not isinstance(panel, Ridges | Bars):
        axes.set_ylabel(panel.y_label)
