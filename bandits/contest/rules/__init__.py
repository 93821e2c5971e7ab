"""Rules of the arena: one module a ruleset, imported below, which registers it.

The numbers in a ruleset decide who wins.  A match records the ruleset it was played under, so a
change of any rule is a new module with a new number, never an edit of an old one.  The highest number
is what is played; matches of the others replay under theirs.
"""

from __future__ import annotations

from bandits.contest.rules import ruleset_1 as _ruleset_1  # noqa: F401  (registers itself)
from bandits.contest.rules.ruleset import RULESETS, Ruleset

__all__ = ["CURRENT", "RULESETS", "Ruleset"]

CURRENT = RULESETS[max(RULESETS)]
