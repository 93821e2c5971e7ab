"""Pictures of agents.  A picture is one file here with a registration and a line in the import below.

A picture reads plain data from the arena and says what is to be seen, in the forms of forms.py; panels.py
draws those with matplotlib, the shell in characters.  matplotlib is imported inside functions, by this
package alone.
"""

from __future__ import annotations

from bandits.plots import (  # noqa: F401  (each registers itself, in the order of `help`)
    activations,
    attention,
    embeddings,
    gradients,
    loss,
    pareto,
    race,
    schedule,
    weights,
)  # isort: skip
from bandits.plots.canvas import check, save
from bandits.plots.forms import Picture
from bandits.plots.pictures import PLOTS, Plot, Request

__all__ = ["PLOTS", "Picture", "Plot", "Request", "check", "save"]
