"""An agent: its place in the data, its horizon, its energy and its state."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandits import datasets
from bandits.agent.agent import Agent, AtHorizon
from bandits.agent.state import AgentState
from bandits.errors import InvalidValue
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy
from bandits.model.settings import Settings
from tests.support.cases import dataset_of, random_documents
from tests.support.reference import Shape

SMALL = GPTConfig(n_embd=8, n_head=2)


def agent_of(n_steps: int = 0, config: GPTConfig = SMALL, **settings: Any) -> Agent:
    agent = Agent(datasets.load("names"), config, replace(Settings(), **settings))
    if n_steps:
        agent.train_all(n_steps)
    return agent


def contents(agent: Agent) -> tuple[Any, ...]:
    """Everything an agent is, comparable."""
    state = agent.state()
    return state.metadata(), {name: a.tobytes() for name, a in state.arrays().items()}


def through_json(state: AgentState) -> AgentState:
    return AgentState.from_parts(json.loads(json.dumps(state.metadata())), state.arrays())


# ---------------------------------------------------------- the data


def test_the_default_agent_is_microgpts() -> None:
    agent = Agent(datasets.load("names"))
    assert agent.config == GPTConfig()
    assert agent.settings == Settings()
    assert agent.seed == 42


def test_documents_come_in_the_shuffled_order_round_and_round() -> None:
    shape = Shape(9, 4, 1, 2, 8)
    dataset = dataset_of(shape, random_documents(shape, [1, 2, 3, 4, 5]))
    order = list(dataset.train.texts)
    random.Random(7).shuffle(order)
    agent = Agent(dataset, GPTConfig(**shape._asdict()), Settings(batch_size=4), seed=7)
    agent.train_all(2)
    assert agent.n_seen == 8
    assert list(agent.next_documents(9).texts) == [order[(8 + i) % 6] for i in range(9)]


def test_a_model_of_another_vocabulary_is_refused() -> None:
    with pytest.raises(InvalidValue, match="vocab_size=30"):
        Agent(datasets.load("names"), GPTConfig(vocab_size=30))


# ---------------------------------------------------------- training


def test_progress_adds_up() -> None:
    agent = agent_of(batch_size=4)
    chunks = list(agent.train(700))
    assert sum(len(progress.losses) for progress in chunks) == 700 == agent.n_steps
    assert [progress.n_done for progress in chunks] == np.cumsum(
        [len(progress.losses) for progress in chunks]
    ).tolist()
    assert chunks[-1].n_flops == agent.energy.training == agent.energy.total
    assert chunks[-1].step == 700
    assert agent.n_seen == 2800
    np.testing.assert_array_equal(
        np.concatenate([progress.losses for progress in chunks]), agent.history.losses
    )


def test_closing_the_iterator_leaves_a_whole_agent_at_a_step_boundary() -> None:
    stopped = agent_of(batch_size=64)
    steps = stopped.train(1000)
    n_done = [next(steps).n_done, next(steps).n_done][-1]
    del steps  # which closes it
    assert 0 < n_done < 1000
    assert stopped.n_steps == n_done
    assert contents(stopped) == contents(agent_of(n_done, batch_size=64))


def test_nothing_is_trained_before_the_iterator_is_read() -> None:
    agent = agent_of()
    steps = agent.train(10)
    assert agent.n_steps == 0
    del steps
    assert agent.energy == Energy()


def test_training_stops_at_the_horizon_and_refuses_beyond_it() -> None:
    agent = agent_of(horizon=30)
    assert agent.train_all(100) == 30
    before = contents(agent)
    with pytest.raises(AtHorizon, match="reached its horizon of 30 steps") as caught:
        agent.train(1)
    assert (caught.value.n_steps, caught.value.horizon) == (30, 30)
    assert not agent.can_train()
    assert contents(agent) == before


def test_a_longer_horizon_or_a_constant_schedule_lets_it_go_on() -> None:
    for change in ({"horizon": 40}, {"schedule": "constant"}):
        agent = agent_of(30, horizon=30)
        agent.settings = replace(agent.settings, **change)
        assert agent.can_train()
        assert agent.train_all(10) == 10


@pytest.mark.parametrize("n_steps", [0, -1, 10**18])
def test_steps_that_cannot_be_cost_nothing(n_steps: int) -> None:
    agent = agent_of()
    with pytest.raises(InvalidValue):
        agent.train(n_steps)
    assert agent.energy == Energy()


def test_a_budget_is_never_overdrawn_and_buys_what_it_can() -> None:
    agent, free = agent_of(), agent_of()
    costs = [p.n_flops for _ in range(40) for p in free.train(1)]
    budget = sum(costs[:25]) + costs[25] - 1
    assert agent.train_all(1000, max_flops=budget) == 25
    assert agent.energy.training == sum(costs[:25])
    assert agent_of().train_all(1000, max_flops=sum(costs)) == 40
    assert agent_of().train_all(1000, max_flops=costs[0] - 1) == 0
    assert agent_of().train_all(10, max_flops=10**30) == 10


def test_clipping_bounds_the_update_and_a_high_bound_changes_nothing() -> None:
    plain, high, low = agent_of(50), agent_of(50, grad_clip=1e6), agent_of(50, grad_clip=1e-3)
    np.testing.assert_equal(plain.model.state_dict(), high.model.state_dict())
    assert np.any(plain.model.state_dict()["wte"] != low.model.state_dict()["wte"])
    first, _ = low.model.moments()
    assert np.sqrt(sum(float((m.astype(float) ** 2).sum()) for m in first.values())) <= 1e-3


# ---------------------------------------------------------- explosions


def test_learning_rate_10_explodes_without_a_crash() -> None:
    agent = agent_of(200, GPTConfig(), learning_rate=10.0)
    uniform = np.log2(27)
    assert agent.model.evaluate(agent.dataset.validation).bits_per_token > 2 * uniform


def test_an_absurd_learning_rate_diverges_at_a_step_and_says_so() -> None:
    agent = agent_of(200, GPTConfig(), learning_rate=1e30)
    assert agent.diverged
    assert 0 < agent.n_steps < 200
    assert np.isfinite(agent.history.losses).all()
    assert len(agent.history.losses) == agent.n_steps
    before = contents(agent)
    with pytest.raises(InvalidValue, match="finite"):
        agent.train(1)
    assert contents(agent) == before
    assert contents(Agent.from_state(through_json(agent.state()), agent.dataset)) == before


@pytest.mark.parametrize("learning_rate", [1e10, 1e30, 1e300])
def test_an_agent_at_rest_is_finite_or_diverged(learning_rate: float) -> None:
    """The update after a finite loss may overflow; such an agent is saved as diverged."""
    agent = agent_of(config=GPTConfig(), learning_rate=learning_rate)
    for _ in range(10):
        if agent.diverged:
            break
        agent.train_all(1)
        copy = Agent.from_state(through_json(agent.state()), agent.dataset)
        assert copy.diverged == agent.diverged == (not agent.model.is_finite())
    assert agent.diverged or learning_rate < 1e30  # 1e10 may stay huge and finite
    assert agent.can_train() != agent.diverged


def test_the_step_that_diverges_is_paid_for() -> None:
    agent = agent_of(3, learning_rate=0.01)
    weights = agent.model.state_dict()
    weights["lm_head"][:] = np.nan
    agent.model.load_state_dict(weights)
    before = agent.energy.training
    (progress,) = agent.train(5)
    assert agent.diverged
    assert progress.n_done == 0
    assert len(progress.losses) == 0
    assert progress.n_flops == agent.energy.training - before > 0
    assert agent.n_steps == 3
    np.testing.assert_equal(agent.model.state_dict(), weights)


# ---------------------------------------------------------- energy, clones, state


@pytest.mark.parametrize(
    ("batch_size", "grad_clip", "share"),
    [
        (1, 0.0, 0.999),
        (3, 0.5, 0.9),
        (16, 0.0, 0.9),
    ],  # most of it: what a batch shares is not known
)
def test_training_costs_at_least_what_its_steps_must(batch_size, grad_clip, share):
    dataset = dataset_of(Shape(), random_documents(Shape(), [1, 2, 3, 4, 5, 6, 7]))
    settings = Settings(batch_size=batch_size, grad_clip=grad_clip)
    agent = Agent(dataset, GPTConfig(vocab_size=dataset.vocab_size, block_size=4), settings)
    assert agent.least_training_flops() == 0
    agent.train_all(30)  # over more than one pass
    least = agent.least_training_flops()
    assert type(least) is int
    assert share * agent.energy.training < least <= agent.energy.training


def test_a_clone_inherits_everything_and_goes_its_own_way() -> None:
    agent = agent_of(40, batch_size=3)
    agent.generate(5)
    agent.evaluate(agent.dataset.validation)
    clone = agent.clone()
    assert contents(clone) == contents(agent)
    before = contents(agent)
    clone.train_all(10)
    assert contents(agent) == before
    agent.train_all(10)
    assert contents(clone) == contents(agent)


@pytest.mark.parametrize("n_steps", [0, 1, 300])
def test_a_state_survives_json_and_arrays_and_training_goes_on_alike(n_steps: int) -> None:
    agent = agent_of(n_steps, learning_rate=0.1 + 0.2, beta1=1 / 3, warmup=5)
    copy = Agent.from_state(through_json(agent.state()), agent.dataset)
    assert contents(copy) == contents(agent)
    agent.train_all(50)
    copy.train_all(50)
    assert contents(copy) == contents(agent)


def test_a_state_is_a_copy() -> None:
    agent = agent_of(10)
    before = contents(agent)
    state = agent.state()
    for array in state.arrays().values():
        array[...] = 0
    assert contents(agent) == before


def test_a_state_of_another_dataset_is_refused() -> None:
    shape = Shape(27, 8, 1, 2, 16)
    other = dataset_of(shape, [[1, 2, 3]], name="other")
    with pytest.raises(InvalidValue, match="other"):
        Agent.from_state(agent_of(1).state(), other)


def broken(metadata: dict[str, Any], **change: Any) -> dict[str, Any]:
    return {**metadata, **change}


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"vocab_size": 27, "n_embd": 16, "n_layer": 1, "n_head": 4, "block_size": 16}},
        {"config": {"n_embd": 10**6}},
        {"config": None},
        {"settings": {"learning_rate": float("nan")}},
        {"settings": {"learning": 1}},
        {"seed": -1},
        {"n_steps": -1},
        {"n_steps": 11},
        {"n_steps": 1.5},
        {"n_seen": "9"},
        {"beta1_power": 2.0},
        {"beta2_power": float("nan")},
        {"diverged": 1},
        {"energy": {"training": -1, "generation": 0, "evaluation": 0}},
        {"energy": {"training": 1, "heat": 2}},
        {"dataset_name": 5},
        {"history": {}},
        {"history": None},
    ],
    ids=str,
)
def test_a_state_whose_data_is_wrong_is_refused_in_one_line(change: dict[str, Any]) -> None:
    state = agent_of(10).state()
    with pytest.raises(InvalidValue) as error:
        AgentState.from_parts(broken(state.metadata(), **change), state.arrays())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["config", "settings", "seed", "n_steps", "energy", "history"])
def test_a_state_that_lacks_a_part_is_refused(key: str) -> None:
    state = agent_of(10).state()
    metadata = state.metadata()
    del metadata[key]
    with pytest.raises(InvalidValue, match=key):
        AgentState.from_parts(metadata, state.arrays())


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("weights.wte", None),
        ("weights.wte", np.zeros((27, 9), np.float32)),
        ("weights.wte", np.zeros((27, 8), np.float64)),
        ("weights.wte", np.full((27, 8), np.nan, np.float32)),
        ("second_moment.wpe", np.full((16, 8), -1.0, np.float32)),
        ("second_moment.layer0.mlp_fc2", np.zeros((32, 8), np.float32)),
        ("history.losses", np.zeros(9)),
        ("history.recent", np.zeros(3)),
    ],
)
def test_a_state_whose_arrays_are_wrong_is_refused(name: str, array: np.ndarray | None) -> None:
    state = agent_of(10).state()
    arrays = {n: a for n, a in state.arrays().items() if n != name}
    if array is not None:
        arrays[name] = array
    with pytest.raises(InvalidValue):
        AgentState.from_parts(state.metadata(), arrays)


def test_generated_texts_are_written_in_the_vocabulary() -> None:
    agent = agent_of(50)
    texts = agent.texts(agent.generate(20))
    assert len(texts) == 20
    assert set("".join(texts)) <= set(agent.dataset.vocabulary)
