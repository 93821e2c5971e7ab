"""A sheet of paper in the house style: where a picture's panels are laid out, and the file it becomes."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandits.drawing.style import DOTS_PER_INCH, STYLE, WIDTH_INCHES
from bandits.outfile import check_target, write_whole
from bandits.pictures.panels import Heat, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
_MOST_INCHES = 40.0


def check(path: Path) -> str:
    """Return the format that the path's ending asks for, once its folder is there.

    Raises: InvalidValue for another ending, BadFile if no file can be written there.
    """
    check_target(path, "picture", tuple(f".{kind}" for kind in FORMATS))
    return path.suffix.lower().removeprefix(".")


def save(picture: Picture, path: Path) -> None:
    """Draw a picture into a .png, .svg or .pdf file, whole or not at all.

    Raises: InvalidValue and BadFile as `check`.
    """
    write_whole(path, "picture", image_of(picture, check(path)))


def image_of(picture: Picture, kind: str) -> bytes:
    """Return a picture as a file of this format; the same picture gives the same bytes."""
    import matplotlib

    image = io.BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a letter that no font here has
        options: Any = {
            "metadata": {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        }
        if kind == "png":
            options = {"pil_kwargs": {"compress_level": 4}}  # 9 takes longer than the drawing
        figure_of(picture).savefig(image, format=kind, **options)
    return image.getvalue()


def figure_of(picture: Picture) -> Figure:
    """Return a picture as a matplotlib Figure, in the house style."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        return _figure_of(picture)


def _figure_of(picture: Picture) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from bandits.drawing import panels, rows

    n_columns = max(1, min(picture.n_columns, len(picture.panels)))
    n_rows = -(-len(picture.panels) // n_columns)
    heights = [panels.height_inches(panel, n_columns) for panel in picture.panels]
    tallest = [max(heights[row * n_columns : (row + 1) * n_columns]) for row in range(n_rows)]
    width = WIDTH_INCHES * (1.0 if n_columns == 1 else 1.45)
    heat = any(isinstance(panel, Heat) for panel in picture.panels)
    figure = Figure(
        figsize=(width, min(_MOST_INCHES, sum(tallest) + (0.45 if heat else 0.0))),
        dpi=DOTS_PER_INCH,
    )
    FigureCanvasAgg(figure)
    ratios = panels.width_ratios(picture.panels[:n_columns])
    grid = figure.add_gridspec(n_rows, n_columns, height_ratios=tallest, width_ratios=ratios)
    for n, panel in enumerate(picture.panels):
        axes = figure.add_subplot(grid[n // n_columns, n % n_columns])
        panels.draw(axes, panel, tallest[n // n_columns])
    if heat:
        rows.finish_heats(figure, picture, n_columns)
    return figure
