"""Pictures of agents.  A picture is one file here with a registration and a line in the import below.

A picture reads plain data from the arena and says what is to be seen, in the forms of forms.py; panels.py
draws those with matplotlib, the shell in characters.  matplotlib is imported inside functions, by this
package alone.
"""

from __future__ import annotations

# Each registers itself, in the order of `help visualize`.
# isort: off
from bandits.pictures import loss, gradients, weights, activations  # noqa: F401
from bandits.pictures import attention, embeddings, schedule, pareto, race  # noqa: F401

# isort: on
from bandits.pictures.forms import Picture
from bandits.pictures.table import PLOTS, Exhibit, Plot, Request

__all__ = ["PLOTS", "Exhibit", "Picture", "Plot", "Request"]
