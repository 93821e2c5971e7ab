"""Pictures of agents.  A picture is one file here with a registration and a line in the import below.

A picture reads plain data from the arena and says what is to be seen, in the forms of panels.py.  Drawing
them is the work of bandits/drawing (files) and bandits/terminal/pictures.py (characters).
"""

from __future__ import annotations

# Each registers itself, in the order of `help visualize`.
# isort: off
from bandits.pictures import loss, gradients, weights, activations  # noqa: F401
from bandits.pictures import attention, embeddings, schedule, pareto, race  # noqa: F401

# isort: on
from bandits.pictures.panels import Picture
from bandits.pictures.registration import PLOTS, Exhibit, Plot, Request

__all__ = ["PLOTS", "Exhibit", "Picture", "Plot", "Request"]
