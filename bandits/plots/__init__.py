"""Pictures of an agent.  A picture is one file here with a registration and a line in the import below.

A picture reads plain data from the arena and returns a function that draws it into a matplotlib Figure.
matplotlib is the only user of this package's time: it is imported inside functions, by this package alone.
"""

from __future__ import annotations

from bandits.plots import gradients as _gradients  # noqa: F401  (registers itself)
from bandits.plots import loss as _loss  # noqa: F401  (registers itself)
from bandits.plots.canvas import check, save, show
from bandits.plots.pictures import PLOTS, Draw, Plot

__all__ = ["PLOTS", "Draw", "Plot", "check", "save", "show"]
