"""What a picture is made of: five forms of panel, as plain data that a canvas or a terminal can draw.

bandits/drawing/panels.py draws them with matplotlib, bandits/terminal/pictures.py in characters; so the file
of a picture holds what is shown and why, and none of the drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A curve y (n,) over x (n,); faint (x, y): what it smooths; place: which colour of the series."""

    label: str
    x: Floats
    y: Floats
    place: int = 0
    faint: tuple[Floats, Floats] | None = None
    dashed: bool = False
    filled: bool = False  # down or up to 0
    ordered: float | None = None  # 0 to 1: one of many of a natural order, coloured by it


@dataclass(frozen=True, slots=True)
class Mark:
    """A reference at one value of an axis."""

    label: str
    at: float
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """A labelled point; group: which colour and sign; named: whether its label is written."""

    label: str
    x: float
    y: float
    group: int = 0
    named: bool = True


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Curves:
    """Lines over a common x; levels are horizontal references, events vertical ones."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    levels: Sequence[Mark] = ()
    events: Sequence[Mark] = ()
    dots: Sequence[Dot] = ()
    y_limits: tuple[float, float] | None = None
    x_limits: tuple[float, float] | None = None
    log_y: bool = False
    whole_x: bool = True
    perplexity: bool = False  # the right axis is e to the y
    legend: bool = True
    low: bool = False  # half as high as others


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Points:
    """Labelled points in groups; front: a staircase through some; glyphs: the labels are the points."""

    title: str
    x_label: str
    y_label: str
    dots: Sequence[Dot]
    groups: Sequence[str]
    front: tuple[Floats, Floats] | None = None
    energy: bool = False  # x is operations, on a scale of powers of ten
    glyphs: bool = False
    y_limits: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Heat:
    """A matrix (rows, columns) of values from 0 to 1; NaN is left blank; note: how it is read."""

    title: str
    x_label: str
    y_label: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Floats
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ridges:
    """One distribution a row: counts (rows, n) in bins between edges (n + 1,), on a common scale."""

    title: str
    x_label: str
    rows: Sequence[str]
    counts: Floats
    edges: Floats
    medians: Sequence[float]  # NaN for none
    remarks: Sequence[Mark]  # at the right edge of each row; `at` is not used
    power_of_ten: bool = False  # the edges are exponents
    reference: tuple[str, Floats] | None = None  # a shape (n,) to compare each row with


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Bars:
    """One bar a row, from 0 to `full`."""

    title: str
    x_label: str
    rows: Sequence[str]
    values: Sequence[float]
    texts: Sequence[str]
    full: float
    alarms: Sequence[bool]


Panel = Curves | Points | Heat | Ridges | Bars


class Note:
    """A line below a picture about which something can be typed: a class of its own has the facts."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Picture:
    """Panels in a grid; notes are what the picture cannot show, a line each; n_flops: what looking cost."""

    title: str
    slug: str  # of its file: A-loss
    panels: Sequence[Panel]
    n_columns: int = 1
    notes: Sequence[str | Note] = ()
    n_flops: int = 0
