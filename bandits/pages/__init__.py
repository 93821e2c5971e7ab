"""Reports that can be mailed: one HTML file each, with everything in it and nothing from elsewhere.

The same match gives the same bytes: no page reads a clock.  Text from a player's data passes through
Jinja's autoescaping (templates/), pictures come from bandits/drawing/inline.py as SVG.
"""

from __future__ import annotations

from bandits.pages.leaderboard import leaderboard_page
from bandits.pages.match import match_page
from bandits.pages.rendering import check, save

__all__ = ["check", "leaderboard_page", "match_page", "save"]
