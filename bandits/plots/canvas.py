"""Figures in the house style: written to a file, or opened in a window.

Colours are Okabe and Ito's, which people of every colour vision can tell apart
(https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Any

from bandits.errors import BadFile, BanditsError, InvalidValue, printable
from bandits.plots.pictures import Draw

BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#666666"
FORMATS = ("png", "svg", "pdf")
_SIZE_INCHES = (7.5, 4.2)
_DOTS_PER_INCH = 150
_STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "bandits",
}


def check(path: Path) -> str:
    """Return the format that the path's ending asks for, once its folder is there.

    Raises: InvalidValue for another ending, BadFile if no file can be written there.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise InvalidValue(
            f"picture '{printable(path.name)}' must end in .png, .svg or .pdf; "
            f"try {printable(path.stem)}.png"
        )
    try:
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "its folder does not exist")
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as problem:
        raise _cannot_write(path, problem) from None
    return kind


def _cannot_write(path: Path, problem: OSError) -> BadFile:
    reason = (problem.strerror or "cannot be written").lower()
    return BadFile(f"picture '{printable(str(path), 200)}': {reason}; try --save elsewhere.png")


def save(draw: Draw, path: Path) -> None:
    """Draw a picture into a .png, .svg or .pdf file.  Raises InvalidValue and BadFile as `check`."""
    kind = check(path)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE_INCHES, dpi=_DOTS_PER_INCH)
        FigureCanvasAgg(figure)
        draw(figure)
        image = io.BytesIO()
        figure.savefig(image, format=kind)
    try:
        path.write_bytes(image.getbuffer())
    except OSError as problem:
        raise _cannot_write(path, problem) from None


def show(draw: Draw, title: str) -> None:
    """Draw a picture into a window and wait until it is closed.

    Raises: BanditsError where no window can be opened.
    """
    import matplotlib
    from matplotlib import pyplot
    from matplotlib.backends.registry import BackendFilter, backend_registry

    with matplotlib.rc_context(_STYLE):
        figure = pyplot.figure(figsize=_SIZE_INCHES)
        try:
            registry: Any = backend_registry
            windowed = registry.list_builtin(BackendFilter.INTERACTIVE)
            if matplotlib.get_backend().lower() not in windowed:
                raise BanditsError("no window can be opened here; the file is written all the same")
            draw(figure)
            manager = figure.canvas.manager
            if manager is not None:
                manager.set_window_title(title)
            pyplot.show(block=True)
        finally:
            pyplot.close(figure)
