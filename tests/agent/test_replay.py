"""Laws of replay: any agent can be made anew, bit for bit, and no forged record passes for a true one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandits import datasets
from bandits.agent import course
from bandits.agent.agent import Agent
from bandits.agent.champion import read_champion, write_champion
from bandits.agent.course import ARITHMETIC, Segment, unknown_course
from bandits.agent.recipe import Recipe
from bandits.agent.replay import TINY, Retraining, replay, verify, verifying
from bandits.agent.state import AgentState
from bandits.contest import battle
from bandits.errors import InvalidValue
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy
from bandits.model.settings import Settings
from tests.support import golden
from tests.support.cases import dataset_of, random_documents
from tests.support.reference import Shape

NAMES = datasets.load("names")
SMALL = GPTConfig(n_embd=8, n_head=2)


def train(agent: Agent, n_steps: int, max_flops: int | None = None, **changes: Any) -> Agent:
    agent.settings = replace(agent.settings, **changes)
    agent.train_all(n_steps, max_flops=max_flops)
    return agent


def with_a_past() -> Agent:
    """An agent with most of what can happen to one behind it."""
    agent = train(Agent(NAMES, SMALL, seed=7), 60, warmup=10)
    train(agent, 40, batch_size=3, schedule="cosine", grad_clip=0.2)
    train(agent, 30, temperature=0.5)  # trains nothing: no part of its own
    agent.settings = replace(agent.settings, learning_rate=5.0)
    train(agent, 20, learning_rate=0.01)  # was changed and changed back
    agent.generate(3)
    train(agent, 1000, max_flops=3_000_000, beta1=0.5, beta2=0.9, eps=1e-6)
    rival = Agent(NAMES, SMALL, Settings(learning_rate=0.003))
    battle.fight(agent, rival, n_steps=25)
    battle.fight(agent, rival, max_flops=4_000_000)
    return train(agent.clone(), 15, horizon=500, schedule="linear")


@pytest.fixture(scope="module")
def seasoned() -> AgentState:
    return with_a_past().state()


def trained(state: AgentState) -> tuple[Any, ...]:
    """Everything of an agent that training made."""
    metadata = state.metadata()
    for key in ("energy", "settings"):
        del metadata[key]
    return metadata, state.energy.training, {n: a.tobytes() for n, a in state.arrays().items()}


# ---------------------------------------------------------- the course


def test_the_course_holds_what_was_really_used(seasoned: AgentState) -> None:
    first, second, third, fourth = seasoned.course
    assert [part.first_step for part in seasoned.course[:3]] == [0, 60, 150]
    assert first.settings == Settings(warmup=10)
    assert second.settings.batch_size == 3
    assert third.settings.beta1 == 0.5
    assert fourth.settings.schedule == "linear"
    assert {part.settings.temperature for part in seasoned.course} == {1.0}


def test_a_budget_that_buys_no_step_leaves_no_part() -> None:
    agent = train(Agent(NAMES, SMALL), 5)
    assert train(agent, 10, max_flops=1, batch_size=2).course == (Segment(0, Settings()),)


def test_settings_changed_between_two_chunks_are_parts_too() -> None:
    agent = Agent(NAMES, SMALL, Settings(batch_size=100))
    for progress in agent.train(60):  # of some 5 steps each
        agent.settings = replace(agent.settings, horizon=20, learning_rate=1e-4 * progress.step)
    assert len(agent.course) > 1
    assert verify(agent).verified  # past some of those horizons, too


def test_the_course_survives_json(seasoned: AgentState) -> None:
    copy = AgentState.from_parts(json.loads(json.dumps(seasoned.metadata())), seasoned.arrays())
    assert copy.course == seasoned.course


def test_a_course_of_more_parts_than_are_kept_is_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(course, "MAX_SEGMENTS", 50)
    agent = Agent(NAMES, SMALL)
    for step in range(50):
        train(agent, 1, batch_size=1 + step % 2)
    assert len(agent.course) == 50
    assert verify(agent).verified
    train(agent, 1, batch_size=1)
    assert agent.course == (Segment(50, Settings()),)
    with pytest.raises(InvalidValue, match=r"before step 50: .* changed more than 4,096 times"):
        verify(agent)


# ---------------------------------------------------------- replay


def test_a_replay_is_at_every_stop_what_the_agent_was(seasoned: AgentState) -> None:
    agent = Agent.from_state(seasoned, NAMES)
    stops = [0, 1, 59, 60, 61, 150, agent.n_steps]
    states = []
    for again in replay(agent, stops):
        states.append(again.state())
        again.model.probe(again.next_documents(5))  # looking changes nothing
    assert [state.n_steps for state in states] == stops
    assert trained(states[-1]) == trained(seasoned)
    original = Agent(NAMES, SMALL, seed=7)
    assert trained(states[0]) == trained(original.state())
    for n_steps, state in zip((1, 58, 1), states[1:4], strict=True):
        assert trained(train(original, n_steps, warmup=10).state()) == trained(state)


def test_a_replay_has_the_settings_of_its_next_step(seasoned: AgentState) -> None:
    agent = Agent.from_state(seasoned, NAMES)
    at_59, at_60, at_end = [a.settings for a in replay(agent, [59, 60, agent.n_steps])]
    assert (at_59.batch_size, at_60.batch_size, at_end) == (1, 3, agent.settings)
    assert at_59.temperature == at_60.temperature == 0.5


@pytest.mark.parametrize("stops", [[3, 2], [2, 2], [-1], [11]])
def test_stops_that_cannot_be_are_refused(stops: list[int]) -> None:
    with pytest.raises(InvalidValue, match="from 0 to 10"):
        replay(train(Agent(NAMES, SMALL), 10), stops)


def test_what_is_not_known_is_one_line_with_the_way_out(seasoned: AgentState) -> None:
    agent = Agent.from_state(replace(seasoned, course=seasoned.course[1:]), NAMES)
    for call in (lambda: replay(agent, [100]), lambda: verify(agent), lambda: verifying(agent)):
        with pytest.raises(InvalidValue, match=r"not known before step 60: .*; create") as caught:
            call()
        assert str(caught.value).isprintable()


def test_an_agent_of_an_earlier_arithmetic_or_format_keeps_working(seasoned: AgentState) -> None:
    metadata = json.loads(json.dumps(seasoned.metadata()))
    for kept in (unknown_course(), {**metadata["course"], "arithmetic": 99}):
        old = AgentState.from_parts({**metadata, "course": kept}, seasoned.arrays())
        assert old.course == ()
        agent = train(Agent.from_state(old, NAMES), 3)
        assert agent.course[0].first_step == seasoned.n_steps


def test_an_untrained_agent_has_nothing_to_replay() -> None:
    agent = Agent(NAMES, SMALL, seed=3)
    assert [again.n_steps for again in replay(agent, [0])] == [0]
    found = verify(agent)
    assert (found.verified, found.n_flops) == (True, 0)


def test_a_change_of_bits_is_a_change_of_the_arithmetic() -> None:
    """If this fails because a change was meant to alter bits, count up ARITHMETIC and write both anew."""
    run = golden.written()["names 16/1/4x16 batch_size=3 grad_clip=0.5"]
    bits = [run[key] for key in ("losses", "weights", "moments")]
    assert (ARITHMETIC, bits) == (3, ["4d00fb30c749b0e8", "5faa34fbeee22aed", "91918089160a7364"])


# ---------------------------------------------------------- what is true is verified


def test_an_agent_with_a_past_is_verified(tmp_path: Any, seasoned: AgentState) -> None:
    write_champion(tmp_path / "x", "Ada", seasoned)
    found = verify(Agent.from_state(read_champion(tmp_path / "x").state, NAMES))
    assert found.verified
    assert (found.difference, found.step) == (None, None)
    assert found.n_flops == seasoned.energy.training
    assert found.stated.generation > 0  # cannot be replayed, and is shown as stated


@pytest.mark.parametrize(
    "changes",
    [
        {"learning_rate": 1e30},  # a step more is paid, and it is not finite
        {"learning_rate": 1e30, "grad_clip": 1.0, "batch_size": 5},
        {"learning_rate": 1e300},
    ],
    ids=str,
)
def test_an_explosion_is_verified_with_what_it_cost(changes: dict[str, Any]) -> None:
    by_two_ways = train(Agent(NAMES), 30), train(Agent(NAMES), 30)
    train(by_two_ways[0], 50, **changes)
    for _ in range(
        50
    ):  # step by step, the last update itself may explode, and nothing more is paid
        if not by_two_ways[1].diverged:
            train(by_two_ways[1], 1, **changes)
    for agent in by_two_ways:
        assert agent.diverged
        assert verify(agent).verified


def test_a_step_that_explodes_with_settings_of_its_own_is_a_part_of_the_course() -> None:
    agent = train(train(Agent(NAMES), 5), 1, learning_rate=1e17)  # huge, and finite
    train(agent, 1, batch_size=9)
    assert (agent.diverged, agent.n_steps) == (True, 6)
    assert agent.course[-1] == Segment(6, Settings(batch_size=9, learning_rate=1e17))
    state = agent.state()
    copy = AgentState.from_parts(json.loads(json.dumps(state.metadata())), state.arrays())
    assert verify(Agent.from_state(copy, NAMES)).verified
    for other in (agent.course[:-1], (*agent.course[:-1], Segment(6, agent.course[1].settings))):
        assert not verify(Agent.from_state(replace(copy, course=other), NAMES)).verified


def test_a_history_whose_losses_were_merged_is_verified() -> None:
    shape = Shape(3, 1, 1, 1, 1)
    dataset = dataset_of(shape, random_documents(shape, [1, 2, 1]))
    agent = Agent(dataset, GPTConfig(**shape._asdict()), Settings(schedule="constant"))
    train(agent, 70_000)
    assert agent.history.stride == 8
    assert verify(agent).verified
    state = agent.state()
    state.history["losses"][5000] += 1e-9
    found = verify(Agent.from_state(state, dataset))
    assert (found.verified, found.step) == (False, 40_008)
    assert found.n_flops < agent.energy.training  # told before the end


def test_what_machines_may_flush_differently_is_not_held_against_an_agent() -> None:
    state = train(Agent(NAMES, SMALL), 1).state()
    moments = state.first_moments["wte"]
    where = tuple(np.argwhere(moments == 0)[0])  # of a letter that the first name has not
    for value, is_true in ((TINY, True), (-TINY, True), (2 * TINY, False)):
        moments[where] = value
        assert verify(Agent.from_state(state, NAMES)).verified == is_true


change = st.fixed_dictionaries(
    {},
    optional={
        "learning_rate": st.sampled_from([0.0, 0.001, 0.05, 1.0, 1e30]),
        "batch_size": st.integers(1, 5),
        "horizon": st.sampled_from([10, 50, 1000]),
        "schedule": st.sampled_from(["linear", "cosine", "constant"]),
        "warmup": st.integers(0, 9),
        "grad_clip": st.sampled_from([0.0, 0.1, 10.0]),
        "beta1": st.sampled_from([0.0, 0.85]),
        "temperature": st.sampled_from([0.5, 1.0]),
    },
)
leg = st.tuples(st.integers(1, 25), st.sampled_from([None, 10_000, 60_000]), change)


@settings(max_examples=40, deadline=None)
@given(st.lists(leg, max_size=6), st.integers(0, 3))
def test_whatever_an_agent_went_through_it_is_verified(legs: Any, seed: int) -> None:
    shape = Shape(5, 4, 1, 2, 4)
    dataset = dataset_of(shape, random_documents(shape, [1, 3, 2, 0, 4]))
    agent = Agent(dataset, GPTConfig(**shape._asdict()), seed=seed)
    for n_steps, max_flops, changes in legs:
        agent.settings = replace(agent.settings, **changes)
        if agent.can_train():
            agent.train_all(n_steps, max_flops=max_flops)
    state = agent.state()
    copy = AgentState.from_parts(json.loads(json.dumps(state.metadata())), state.arrays())
    assert verify(Agent.from_state(copy, dataset)).verified
    assert all(a.first_step < b.first_step for a, b in pairwise(copy.course))


# ---------------------------------------------------------- what is forged is told


def one_bit(array: np.ndarray, at: Any) -> np.ndarray:
    """A copy with the last bit of one number flipped."""
    copy = array.copy()
    bits = copy.view(np.uint32 if copy.itemsize == 4 else np.uint64)
    bits[at] ^= 1
    return copy


def other_part(state: AgentState, n: int, **changes: Any) -> AgentState:
    parts = list(state.course)
    parts[n] = replace(parts[n], settings=replace(parts[n].settings, **changes))
    return replace(state, course=tuple(parts))


def more_energy(state: AgentState, n_flops: int) -> AgentState:
    return replace(state, energy=replace(state.energy, training=state.energy.training + n_flops))


FORGERIES: dict[str, tuple[Callable[[AgentState], AgentState], str, int | None]] = {
    "a weight": (
        lambda s: replace(s, weights={**s.weights, "wpe": one_bit(s.weights["wpe"], (3, 2))}),
        r"weight wpe\[3, 2\] differs",
        None,
    ),
    "a first moment": (
        lambda s: replace(
            s, first_moments={**s.first_moments, "wte": one_bit(s.first_moments["wte"], (0, 0))}
        ),
        r"first moment wte\[0, 0\] differs",
        None,
    ),
    "a second moment": (
        lambda s: replace(
            s,
            second_moments={
                **s.second_moments,
                "lm_head": one_bit(s.second_moments["lm_head"], (1, 7)),
            },
        ),
        r"second moment lm_head\[1, 7\] differs",
        None,
    ),
    "a loss": (
        lambda s: replace(s, history={**s.history, "losses": one_bit(s.history["losses"], 76)}),
        "the loss of step 77 differs",
        77,
    ),
    "a recent loss": (
        lambda s: replace(s, history={**s.history, "recent": one_bit(s.history["recent"], 9)}),
        "loss of one of the last steps differs",
        None,
    ),
    "a bill that is too low": (lambda s: more_energy(s, -1), "bill is too low", None),
    "a bill that is too high": (lambda s: more_energy(s, 1), "bill is too high", None),
    "a learning rate": (
        lambda s: other_part(s, 1, learning_rate=0.011),
        "the loss of step 62 differs",  # the first after an update at that rate
        62,
    ),
    "a batch size": (lambda s: other_part(s, 0, batch_size=2), "documents", None),
    "the seed": (lambda s: replace(s, seed=8), "the loss of step 1 differs", 1),
    "the place in the data": (lambda s: replace(s, n_seen=s.n_seen + 1), "documents", None),
    "a power of beta": (lambda s: replace(s, beta1_power=0.5), "beta1_power differs", None),
    "an explosion": (lambda s: replace(s, diverged=True), "stays finite", None),
    "a course that explodes": (
        lambda s: other_part(s, 1, learning_rate=1e30),
        "differs|stops being finite",
        62,
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_every_forgery_is_told_and_where(seasoned: AgentState, what: str) -> None:
    forge, message, step = FORGERIES[what]
    found = verify(Agent.from_state(forge(seasoned), NAMES))
    assert not found.verified
    assert found.difference is not None
    assert found.difference.isprintable()
    assert re.search(message, found.difference), found.difference
    if step is not None:
        assert found.step == step


def test_weights_that_were_put_in_by_hand_are_told() -> None:
    agent = train(Agent(NAMES, SMALL), 20)
    better = train(Agent(NAMES, SMALL), 200)
    agent.model.load_state_dict(better.model.state_dict())
    found = verify(agent)
    assert not found.verified
    assert "weight wte[0, 0] differs" in str(found.difference)
    assert "more" in str(found.difference)


def test_a_record_that_explodes_on_the_way_has_no_replay(seasoned: AgentState) -> None:
    forged = Agent.from_state(other_part(seasoned, 1, learning_rate=1e38), NAMES)
    with pytest.raises(InvalidValue, match="stops being finite"):
        list(replay(forged, [forged.n_steps]))


# ---------------------------------------------------------- as a generator


def test_a_verification_can_be_left_between_chunks_and_charges_nothing() -> None:
    agent = train(Agent(NAMES, SMALL, Settings(schedule="constant")), 3000)
    before = agent.energy
    steps = verifying(agent)
    first = next(steps)
    steps.close()
    assert 0 < first.n_done < first.n_steps == 3000
    assert first.n_flops > 0
    assert agent.energy == before


def test_what_a_record_is_known_by_is_all_that_a_replay_proves(seasoned: AgentState) -> None:
    key = seasoned.record_sha256()
    for same in (
        replace(seasoned, settings=Settings()),
        replace(seasoned, dataset_name="elsewhere"),
        replace(seasoned, energy=replace(seasoned.energy, generation=0)),
    ):
        assert same.record_sha256() == key
    others = [forge(seasoned).record_sha256() for forge, _, _ in FORGERIES.values()]
    assert len({key, *others}) == 1 + len(FORGERIES)


def test_a_recipe_is_enough_to_make_an_agent_anew(seasoned: AgentState) -> None:
    recipe = Recipe.of(Agent.from_state(seasoned, NAMES))
    anew = Retraining(recipe).all_to(recipe.n_steps)
    assert trained(anew.state()) == trained(seasoned)
    assert anew.energy == Energy(training=seasoned.energy.training)
