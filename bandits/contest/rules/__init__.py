"""Rules of the arena: one module a ruleset, listed here.

The numbers in a ruleset decide who wins.  A match records the ruleset it was played under, so a
change of any rule is a new module with a new number, never an edit of an old one.
"""

from __future__ import annotations

from bandits.contest.rules import ruleset_1

__all__ = ["CURRENT", "RULESETS"]

RULESETS = {ruleset_1.NUMBER: ruleset_1}
CURRENT = ruleset_1
