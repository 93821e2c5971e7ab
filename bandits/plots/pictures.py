"""The table of pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bandits.registry import Registry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bandits.arena import Arena

Draw = Callable[["Figure"], None]
Plot = Callable[["Arena", str], Draw]
PLOTS: Registry[Plot] = Registry("picture")
