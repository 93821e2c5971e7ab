"""Battles: the mirror, the clone, the replay, forfeits, budgets, stopping, and what they cost."""

import json
import threading

import numpy as np
import pytest

from bandits.agent.agent import Agent
from bandits.contest.battle import N_CURVE, fight
from bandits.datasets import Dataset, load
from bandits.errors import InvalidValue
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings

SMALL = {"n_embd": 8, "n_head": 2}


def agent(n_steps=0, *, sizes=None, seed=42, **settings):
    made = Agent(load("names"), GPTConfig(**(sizes or {})), Settings(**settings), seed)
    if n_steps:
        made.train_all(n_steps)
    return made


def exploding():
    return agent(learning_rate=1e30, schedule="constant")


def same_state(one, other):
    ours, theirs = one.state(), other.state()
    mine, yours = ours.arrays(), theirs.arrays()
    return ours.metadata() == theirs.metadata() and all(
        np.array_equal(mine[name], yours[name]) for name in mine
    )


def test_a_battle_trains_both_exactly_as_training_alone_does():
    a, b = agent(20), agent(sizes=SMALL)
    alone = a.clone(), b.clone()
    outcome = fight(a, b, n_steps=100)
    for fighter, twin, corner in zip((a, b), alone, (outcome.a, outcome.b), strict=True):
        before = twin.energy.total
        twin.train_all(100)
        assert same_state(fighter, twin)  # judging left no trace and cost nothing
        assert corner.battle_flops == twin.energy.total - before
        assert corner.total_flops == twin.energy.total
        assert (corner.n_steps, corner.loss) == (100, twin.history.mean_of_last(50))


def test_a_battle_can_be_replayed_to_the_byte():
    first, again = (
        json.dumps(fight(agent(), agent(sizes=SMALL), n_steps=200, seed=5).record())
        for _ in range(2)
    )
    assert first == again


def test_a_match_keeps_a_thinned_curve_of_each_corner():
    a, b = agent(30), exploding()
    outcome = fight(a, b, n_steps=500)
    assert outcome.a.steps[-1] == outcome.a.n_steps == 500
    assert len(outcome.a.steps) <= N_CURVE + 1
    losses = a.history.losses[30:]
    assert outcome.a.losses[0] == pytest.approx(losses[: outcome.a.steps[0]].mean(), rel=1e-5)
    assert (outcome.b.steps or (0,))[-1] == outcome.b.n_steps < 500
    kept = outcome.record()
    assert kept["a"].pop("curve") == {
        "steps": list(outcome.a.steps),
        "losses": list(outcome.a.losses),
    }
    del kept["b"]["curve"]
    assert kept == outcome.as_dict()


def test_swapping_the_corners_mirrors_the_outcome():
    def mirrored(outcome):
        data = outcome.as_dict()
        data["a"], data["b"] = data["b"], data["a"]
        for key in ("winner", "efficiency_winner"):
            data[key] = {"a": "b", "b": "a", None: None}[data[key]]
        v = data["verdict"]
        data["verdict"] = {
            "winner": {"a": "b", "b": "a", None: None}[v["winner"]],
            "difference": -v["difference"], "low": -v["high"], "high": -v["low"],
            "a_low": v["b_low"], "a_high": v["b_high"],
            "b_low": v["a_low"], "b_high": v["a_high"],
        }  # fmt: skip
        return data

    there = fight(agent(), agent(sizes=SMALL, seed=1), n_steps=150)
    back = fight(agent(sizes=SMALL, seed=1), agent(), n_steps=150)
    assert there.winner is not None
    assert back.as_dict() == mirrored(there)


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_own_clone_always_draws(seed):
    a = agent(50)
    outcome = fight(a, a.clone(), n_steps=50, seed=seed)
    assert (outcome.winner, outcome.efficiency_winner, outcome.reason) == (None, None, "interval")
    assert outcome.verdict.low == outcome.verdict.high == outcome.verdict.difference == 0.0


def test_the_better_trained_wins_by_score_and_the_cheaper_by_efficiency():
    outcome = fight(agent(), agent(sizes=SMALL), n_steps=100)
    assert (outcome.winner, outcome.reason) == ("a", "score")
    assert outcome.efficiency_winner == "b"
    assert outcome.a.figures.score - outcome.b.figures.score >= 5


def test_efficiency_counts_what_was_spent_before_the_battle():
    fresh, veteran = agent(horizon=400), agent(300, horizon=400)
    outcome = fight(fresh, veteran, n_steps=100)
    assert outcome.a.battle_flops == pytest.approx(
        outcome.b.battle_flops, rel=0.1
    )  # other documents
    assert outcome.b.total_flops > 3 * outcome.b.battle_flops
    assert outcome.b.efficiency == outcome.b.figures.score / veteran.energy.total
    assert (outcome.winner, outcome.efficiency_winner) == ("b", "a")


def test_an_agent_past_its_horizon_fights_as_it_is():
    done, learner = agent(100, horizon=100), agent(horizon=100)
    before = done.state()
    outcome = fight(done, learner, n_steps=100)
    assert (outcome.a.n_steps, outcome.a.battle_flops, outcome.b.n_steps) == (0, 0, 100)
    assert done.state().metadata() == before.metadata()
    assert outcome.reason == "interval"  # by then they are the same agent
    assert outcome.verdict.difference == 0.0


def test_an_exploding_agent_forfeits_and_pays_for_what_it_ran():
    bomb, steady = exploding(), agent()
    outcome = fight(bomb, steady, n_steps=100)
    assert bomb.diverged
    assert outcome.a.diverged
    assert outcome.a.n_steps < 100 == outcome.b.n_steps
    assert outcome.a.battle_flops > 0
    assert outcome.a.figures.score == 0.0
    assert (outcome.winner, outcome.efficiency_winner, outcome.reason) == ("b", "b", "forfeit")
    again = fight(agent(10), bomb, n_steps=10)  # it cannot train any more, and forfeits still
    assert (again.winner, again.reason, again.b.battle_flops) == ("a", "forfeit", 0)


def test_two_that_explode_draw():
    outcome = fight(exploding(), exploding(), n_steps=100)
    assert (outcome.winner, outcome.efficiency_winner) == (None, None)
    assert outcome.reason == "both diverged"
    json.dumps(outcome.as_dict(), allow_nan=False)


def test_with_equal_energy_each_takes_the_steps_it_affords():
    a, b = agent(), agent(sizes=SMALL)
    outcome = fight(a, b, max_flops=10_000_000)
    for fighter, corner in ((a, outcome.a), (b, outcome.b)):
        assert corner.battle_flops <= 10_000_000
        next_step = fighter.train_all(1) and fighter.energy.total - corner.total_flops
        assert corner.battle_flops + next_step > 10_000_000
    assert outcome.b.n_steps > 2 * outcome.a.n_steps > 0
    assert (outcome.n_steps, outcome.max_flops) == (None, 10_000_000)


def test_an_energy_too_small_for_a_step_spends_nothing():
    a, b = agent(30), agent(30, sizes=SMALL)
    outcome = fight(a, b, max_flops=10)
    assert (outcome.a.n_steps, outcome.a.battle_flops) == (0, 0)
    assert not outcome.stopped


def test_progress_arrives_in_the_callers_thread():
    seen = {"a": [], "b": []}

    def on_progress(side, progress):
        assert threading.current_thread() is threading.main_thread()
        seen[side].append((progress.n_done, progress.n_steps))

    fight(agent(horizon=3000), agent(sizes=SMALL), n_steps=700, on_progress=on_progress)
    for chunks in seen.values():
        assert chunks[-1] == (700, 700)
        assert chunks == sorted(chunks)
    fight(agent(), agent(sizes=SMALL), max_flops=10**6, on_progress=on_progress)
    assert seen["a"][-1][1] == 0  # of energy, nobody knows how many steps it will be


def test_stopping_leaves_both_at_a_step_boundary_without_a_verdict():
    steps = {}

    def on_progress(side, progress):
        steps[side] = progress.n_done

    a = agent(sizes={"n_embd": 32}, schedule="constant")
    b = agent(schedule="constant", batch_size=4)
    twins = a.clone(), b.clone()
    outcome = fight(a, b, n_steps=10**7, stop=lambda: len(steps) == 2, on_progress=on_progress)
    assert outcome.stopped
    assert (outcome.winner, outcome.verdict, outcome.reason) == (None, None, "stopped")
    assert outcome.a.judgement is outcome.b.judgement is None
    for fighter, twin, corner in zip((a, b), twins, (outcome.a, outcome.b), strict=True):
        assert 0 < corner.n_steps < 10**7
        twin.train_all(corner.n_steps)
        assert same_state(fighter, twin)
    json.dumps(outcome.as_dict(), allow_nan=False)


def test_a_battle_stopped_while_it_is_judged_has_no_verdict(monkeypatch):
    begun = threading.Event()

    def endless(n_documents, n_flops_each):  # a judging that only a stop can end
        begun.set()
        while True:
            yield 0, 1

    monkeypatch.setattr("bandits.contest.judge.slices", endless)
    outcome = fight(agent(), agent(sizes=SMALL), n_steps=1, stop=begun.is_set)
    assert outcome.stopped
    assert outcome.a.n_steps == outcome.b.n_steps == 1


def test_what_a_thread_raises_is_raised_in_the_caller(monkeypatch):
    a, b = agent(schedule="constant"), agent(sizes=SMALL)

    def broken(n_steps, *, max_flops=None):
        def chunks():
            raise MemoryError("no room")
            yield

        return chunks()

    monkeypatch.setattr(b, "train", broken)
    n_threads = threading.active_count()
    with pytest.raises(MemoryError, match="no room"):
        fight(a, b, n_steps=10**7)
    assert threading.active_count() == n_threads  # the other one was stopped and waited for


def test_a_callback_that_raises_ends_the_battle():
    a, b = agent(schedule="constant"), agent(sizes=SMALL, schedule="constant")
    n_threads = threading.active_count()

    def on_progress(side, progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fight(a, b, n_steps=10**7, on_progress=on_progress)
    assert threading.active_count() == n_threads


def test_terms_that_cannot_be_are_refused_and_cost_nothing():
    a, b = agent(), agent(sizes=SMALL)
    other = Dataset.from_documents(load("names").documents[:5000], name="other\x1b")
    stranger = Agent(other, GPTConfig(vocab_size=other.vocab_size))
    whole = Dataset.from_documents(["ab", "cd"], name="whole", split=None)
    unsplit = [Agent(whole, GPTConfig(vocab_size=whole.vocab_size)) for _ in range(2)]
    refused = [
        ((a, a), {"n_steps": 10}, "cannot fight itself"),
        ((a, stranger), {"n_steps": 10}, "two agents of one dataset"),
        (unsplit, {"n_steps": 10}, "not split"),
        ((a, b), {}, "either n_steps or max_flops"),
        ((a, b), {"n_steps": 1, "max_flops": 1}, "either n_steps or max_flops"),
        ((a, b), {"n_steps": 0}, "steps=0 is out of range"),
        ((a, b), {"n_steps": 10**18}, "steps=1000000000000000000 is out of range"),
        ((a, b), {"max_flops": 0}, "max_flops=0"),
        ((a, b), {"max_flops": -5}, "max_flops=-5"),
        ((a, b), {"n_steps": 1, "seed": -1}, "seed=-1"),
    ]
    for fighters, terms, reason in refused:
        with pytest.raises(InvalidValue, match=reason) as caught:
            fight(*fighters, **terms)
        assert str(caught.value).isprintable()
    assert a.energy.total == b.energy.total == stranger.energy.total == 0
