"""The house style: colours, dashes, sizes.

Colours are Okabe and Ito's, which people of every colour vision can tell apart
(https://jfly.uni-koeln.de/color/), and viridis where there is an order.
"""

from __future__ import annotations

from typing import Any

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, BLACK, VERMILION, GREY = "#56B4E9", "#222222", "#D55E00", "#666666"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK)  # vermilion is kept for alarms
GROUPS = (BLUE, ORANGE, GREEN, PURPLE, GREY, SKY)  # of points; unranked agents are grey
# Their numbers among the 256 colours of terminals, in shades that can be read on black and on white.
IN_TERMINALS = {BLUE: 32, ORANGE: 172, GREEN: 36, PURPLE: 175, SKY: 74, BLACK: 245, GREY: 245}
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (6, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 3)))
WIDTH_INCHES, HEIGHT_INCHES = 7.5, 4.2
DOTS_PER_INCH = 150
STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.edgecolor": "#888888",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "grid.color": "#e8e8e8",
    "grid.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "bandits",
    "svg.fonttype": "path",
    "text.parse_math": False,  # a dataset may be of dollars
}
