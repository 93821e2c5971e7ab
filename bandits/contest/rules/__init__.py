"""Rules of the arena: one module a ruleset, listed here.

The numbers in a ruleset decide who wins.  A match records the ruleset it was played under, so a
change of any rule is a new module with a new number, never an edit of an old one.  The latest is
what is played; matches of the others replay under theirs.
"""

from __future__ import annotations

from bandits.contest.rules import ruleset_1
from bandits.contest.rules.ruleset import Ruleset

__all__ = ["CURRENT", "RULESETS", "Ruleset"]

RULESETS: dict[int, Ruleset] = {rules.number: rules for rules in (ruleset_1.RULESET_1,)}
CURRENT = RULESETS[max(RULESETS)]
