"""More than one ruleset: each scores by its own rules what a judge finds.  test_additions.py adds one."""

import json

import numpy as np
import pytest

from bandits.agent.agent import Agent
from bandits.contest.battle import fight
from bandits.contest.judge import judge_for
from bandits.contest.leaderboard import Contestant, rank
from bandits.contest.rules.ruleset_1 import RULESET_1
from bandits.datasets import load
from bandits.model.config import GPTConfig
from tests.support.another_ruleset import ANOTHER_RULESET


def agent(n_embd=16, n_steps=0, seed=42):
    made = Agent(load("names"), GPTConfig(n_embd=n_embd), seed=seed)
    if n_steps:
        made.train_all(n_steps)
    return made


def test_each_ruleset_scores_the_same_judgement_by_its_own_formula():
    found = judge_for(load("names"), RULESET_1).judge(agent(n_steps=300).model, 1.0, seed=0)
    first, other = RULESET_1.figures(found), ANOTHER_RULESET.figures(found)
    assert (first.bits, first.quality) == (other.bits, other.quality)
    written = found.written
    distinct = len({t for t, valid in zip(written.texts, written.valid, strict=True) if valid})
    copied, hits = int(written.in_train.sum()), int(written.in_held_out.sum())
    by_chance = hits * found.n_train / found.n_held_out
    assert first.creativity == int(written.creative.sum()) / 1000
    assert other.creativity == pytest.approx((distinct - max(0, copied - by_chance)) / 1000)
    assert first.creativity < other.creativity  # a hit of train may be luck


def test_a_battle_is_fought_under_the_ruleset_that_it_is_given():
    outcome = fight(agent(), agent(8), n_steps=200, seed=3, ruleset=ANOTHER_RULESET)
    again = fight(agent(), agent(8), n_steps=200, seed=3, ruleset=ANOTHER_RULESET)
    assert json.dumps(outcome.record()) == json.dumps(again.record())
    for corner in (outcome.a, outcome.b):
        assert corner.figures == ANOTHER_RULESET.figures(corner.judgement)
        assert corner.figures.n_samples == len(corner.judgement.written) == 400
    assert outcome.ruleset == 99
    first = fight(agent(), agent(8), n_steps=200, seed=3, ruleset=RULESET_1)
    assert first.ruleset == 1
    assert first.a.figures.bits == outcome.a.figures.bits
    assert first.a.samples != outcome.a.samples  # it writes with another seed


def test_what_a_score_is_divided_by_is_the_rulesets_choice():
    looked_at = agent(n_steps=100)
    looked_at.generate(1000)
    spent = looked_at.energy
    first = fight(looked_at.clone(), agent(8), n_steps=1, ruleset=RULESET_1)
    other = fight(looked_at.clone(), agent(8), n_steps=1, ruleset=ANOTHER_RULESET)
    assert first.a.efficiency == first.a.figures.score / first.a.total_flops
    trained = spent.training + other.a.battle_flops
    assert other.a.efficiency == other.a.figures.score / trained
    assert trained < other.a.total_flops


def test_leagues_are_the_rulesets():
    odd = (4.0, 3.0, 3.5, 3.2, 3.1, 3.1)  # as on small data: the trigram does worse than the bigram
    figures = {
        "bits": 3.1, "perplexity": 2**3.1, "uniqueness": 1.0, "validity": 1.0, "score": 500.0,
        "finite": True,
    }  # fmt: skip
    contestant = Contestant(name="Ada", config=GPTConfig(), figures=figures, total_flops=10)
    assert rank([contestant], odd, RULESET_1)[0].league == "Platinum"  # though it misses Bronze
    assert rank([contestant], odd, ANOTHER_RULESET)[0].league is None


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_a_clone_draws_under_any_ruleset(seed):
    a = agent(n_steps=50)
    outcome = fight(a, a.clone(), n_steps=50, seed=seed, ruleset=ANOTHER_RULESET)
    assert (outcome.winner, outcome.verdict.difference) == (None, 0.0)
    (alone,) = ANOTHER_RULESET.resample([outcome.a.judgement], seed)
    assert np.unique(alone.scores).size > 100
    assert alone.scores.min() < outcome.a.figures.score < alone.scores.max()
