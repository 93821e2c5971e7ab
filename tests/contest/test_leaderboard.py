"""The leaderboard: leagues first, then Score per operation; what is unranked says why."""

import json

import pytest

from bandits.contest.leaderboard import Contestant, rank
from bandits.model.config import GPTConfig

H = (4.07, 3.55, 3.23, 3.03, 3.01, 3.13)


def contestant(name, bits, score, mflops, *, finite=True):
    figures = {
        "bits": bits, "perplexity": 2**bits, "uniqueness": 0.9, "validity": 0.6,
        "score": score, "finite": finite,
    }  # fmt: skip
    return Contestant(
        name=name, config=GPTConfig(), figures=figures, total_flops=mflops * 1_000_000
    )


def names(rows):
    return [row.name for row in rows]


def test_a_better_league_comes_before_a_better_ratio():
    rows = rank([contestant("early", 3.5, 400, 1), contestant("late", 3.0, 760, 9_000)], H)
    assert names(rows) == ["late", "early"]
    assert [(row.rank, row.league) for row in rows] == [(1, "Platinum"), (2, "Bronze")]


def test_within_a_league_the_most_efficient_is_first():
    rows = rank([contestant("big", 3.1, 700, 1000), contestant("lean", 3.2, 600, 300)], H)
    assert names(rows) == ["lean", "big"]
    assert {row.league for row in rows} == {"Gold"}
    assert [row.score_per_mflop for row in rows] == pytest.approx([2.0, 0.7])


def test_below_bronze_is_unranked_and_says_what_is_missing():
    rows = rank(
        [
            contestant("new", 4.9, 0, 0),
            contestant("near", 3.5501, 390, 5),
            contestant("in", 3.55, 1, 5),
        ],
        H,
    )
    assert names(rows) == ["in", "near", "new"]
    assert [row.rank for row in rows] == [1, None, None]
    assert rows[0].missing is None
    assert rows[1].missing == "Bronze needs 3.5500 bits a token or fewer, it has 3.5501"
    assert rows[2].missing == "Bronze needs 3.55 bits a token or fewer, it has 4.90"
    assert rows[2].score_per_mflop == 0.0


def test_an_exploded_agent_has_no_league_however_few_its_bits():
    (row,) = rank([contestant("boom", 2.0, 0, 5, finite=False)], H)
    assert (row.rank, row.league) == (None, None)
    assert "not finite" in row.missing


def test_the_order_does_not_depend_on_the_order_of_entries():
    entries = [contestant(n, 3.5, 400, 7) for n in "cab"] + [contestant("z", 3.6, 300, 1)]
    rows = rank(entries, H)
    assert names(rows) == ["a", "b", "c", "z"]
    assert rank(entries[::-1], H) == rows
    assert json.loads(json.dumps([row.as_dict() for row in rows]))[0]["rank"] == 1
