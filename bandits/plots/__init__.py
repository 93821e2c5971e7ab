"""Pictures of agents.  A picture is one file here with a registration and a line in the import below.

A picture reads plain data from the arena and says what is to be seen, in the forms of forms.py; panels.py
draws those with matplotlib, the shell in characters.  matplotlib is imported inside functions, by this
package alone.
"""

from __future__ import annotations

# Each registers itself, in the order of `help visualize`.
# isort: off
from bandits.plots import loss, gradients, weights, activations  # noqa: F401
from bandits.plots import attention, embeddings, schedule, pareto, race  # noqa: F401

# isort: on
from bandits.plots.canvas import check, save
from bandits.plots.forms import Picture
from bandits.plots.pictures import PLOTS, Plot, Request

__all__ = ["PLOTS", "Picture", "Plot", "Request", "check", "save"]
