"""A ruleset: it is played, and the matches of the one before are still scored by theirs."""

from __future__ import annotations

import json

from tests.support.additions import (
    Addition,
    Copy,
    Registration,
    behind,
    both,
    created,
    replaced,
    typed,
)
from tests.support.paths import ROOT
from tests.support.shelltools import commands, quick


def use(copy: Copy) -> None:
    first = commands(copy.home, "battle A B 150", "leaderboard --json")  # without the new one
    assert "ruleset 1 " in first  # on the card

    second = copy.bandits("leaderboard --json", "battle A B 150", "verify 1 2")
    assert scores(second) != scores(first)  # those kept are ruleset 1's: judged anew
    assert "ruleset 99 " in second
    assert "2 of 2 verified" in second

    older = quick(copy.home, *typed(["verify 1 2"]))  # an older bandits opens the same arena
    assert "match 1 is verified" in older.stdout
    assert "under ruleset 99, which this version of bandits does not know" in older.stderr


def scores(printed: str) -> list[float]:
    """Return the scores of a leaderboard that is printed as JSON among other things."""
    board, _ = json.JSONDecoder().raw_decode(printed[printed.index("[\n") :])
    return [row["score"] for row in board]


ADDITION = Addition(
    title="a ruleset",
    file="bandits/contest/rules/ruleset_99.py",
    edit=both(
        created((ROOT / "tests" / "support" / "another_ruleset.py").read_text("utf-8")),
        both(
            replaced("ruleset import Validity\n", "ruleset import Validity, register\n"),
            replaced("= AnotherRuleset()\n", "= register(AnotherRuleset())\n"),
        ),
    ),
    registration=Registration(
        file="bandits/contest/rules/__init__.py",
        edit=behind(
            "from __future__ import annotations",
            "from bandits.contest.rules import ruleset_99 as _ruleset_99  # noqa: F401",
        ),
    ),
    use=use,
)
