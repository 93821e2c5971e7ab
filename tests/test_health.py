"""diagnose finds planted diseases, leaves the healthy alone, and changes nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandits import datasets, energy, health
from bandits.agent import Agent
from bandits.config import GPTConfig, Settings
from bandits.health import Finding, Report


def agent_of(n_steps: int, config: GPTConfig | None = None, **settings: Any) -> Agent:
    agent = Agent(datasets.load("names"), config, replace(Settings(), **settings))
    if n_steps:
        agent.train_all(n_steps)
    return agent


def findings(report: Report, name: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.name.startswith(name)]


@pytest.mark.parametrize("n_steps", [0, 1, 20, 300, 1000])
def test_a_default_agent_is_healthy_at_every_age(n_steps: int) -> None:
    report = health.diagnose(agent_of(n_steps))
    assert report.verdict == "ok", [f for f in report.findings if f.verdict != "ok"]
    assert all(finding.hint == "" for finding in report.findings)
    names = [finding.name for finding in report.findings]
    assert names == [
        "weights that are not finite",
        "loss",
        "gradient norm",
        "weakest gradient",
        "dead ReLU units",
        "update / weights",
    ]


@pytest.mark.parametrize(
    ("config", "n_steps", "batch_size"),
    [
        (GPTConfig(n_embd=8, n_head=2), 300, 1),
        (GPTConfig(n_embd=64, n_layer=2), 100, 16),
        (GPTConfig(n_embd=32, n_layer=8), 0, 4),
    ],
)
def test_healthy_agents_of_other_shapes_are_not_called_ill(
    config: GPTConfig, n_steps: int, batch_size: int
) -> None:
    report = health.diagnose(agent_of(n_steps, config, batch_size=batch_size))
    assert report.verdict == "ok", [f for f in report.findings if f.verdict != "ok"]


@pytest.mark.parametrize("n_steps", [1, 5, 100])
def test_learning_rate_10_is_seen_to_explode(n_steps: int) -> None:
    agent = agent_of(n_steps, learning_rate=10.0)
    assert not agent.diverged  # exploded, still finite
    report = health.diagnose(agent)
    (norm,) = findings(report, "gradient norm")
    (loss,) = findings(report, "loss")
    assert norm.verdict == "bad"
    assert norm.value > 1000.0
    assert loss.verdict == "bad"
    assert loss.value > 2.0
    assert "config learning_rate 0.01" in norm.hint
    assert "create_agent NAME 16 1 4" in norm.hint


def test_a_wide_agent_that_starts_roughly_is_not_given_up() -> None:
    config = GPTConfig(n_embd=128, n_layer=4, n_head=8)
    agent = agent_of(10, config, batch_size=16, schedule="constant")
    (loss,) = findings(health.diagnose(agent), "loss")
    assert loss.verdict == "bad"
    assert loss.hint == "it may recover: config learning_rate 0.001, and train on"
    agent.train_all(90)  # even without the hint
    (loss,) = findings(health.diagnose(agent), "loss")
    assert loss.verdict == "ok"


def test_learning_rate_10_is_seen_before_the_first_step() -> None:
    (update,) = findings(health.diagnose(agent_of(0, learning_rate=10.0)), "update")
    assert update.verdict == "bad"
    assert update.value > 10.0
    assert "config learning_rate 0.01" in update.hint


@pytest.mark.parametrize(("n_dead", "verdict"), [(0, "ok"), (33, "warn"), (52, "bad")])
def test_units_that_never_fire_are_counted(n_dead: int, verdict: str) -> None:
    agent = agent_of(0, learning_rate=0.1)
    weights = agent.model.state_dict()
    weights["layer0.mlp_fc1"][:n_dead] = 0.0  # never above 0
    agent.model.load_state_dict(weights)
    (dead,) = findings(health.diagnose(agent), "dead ReLU units")
    assert (dead.layer, dead.value, dead.unit) == ("layer0", 100 * n_dead / 64, "%")
    assert dead.verdict == verdict
    assert ("learning_rate 0.01" in dead.hint) == (n_dead > 0)


@pytest.mark.parametrize("n_steps", [0, 100])
def test_learning_rate_1e_minus_7_is_seen_to_learn_nothing(n_steps: int) -> None:
    report = health.diagnose(agent_of(n_steps, learning_rate=1e-7))
    (update,) = findings(report, "update")
    assert update.verdict == "bad"
    assert update.value < 1e-5
    assert "config learning_rate 0.01" in update.hint


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_counted_and_cost_nothing(bad: float) -> None:
    agent = agent_of(10)
    weights = agent.model.state_dict()
    weights["layer0.mlp_fc1"][3, :5] = bad
    agent.model.load_state_dict(weights)
    report = health.diagnose(agent)
    (finding,) = report.findings
    assert finding.verdict == report.verdict == "bad"
    assert finding.value == 5.0
    assert "create_agent" in finding.hint
    assert report.n_flops == 0


def test_a_diverged_agent_whose_weights_are_finite_shows_its_loss() -> None:
    agent = agent_of(10)
    weights = agent.model.state_dict()
    weights["lm_head"][:] = 3e38  # its logits overflow
    agent.model.load_state_dict(weights)
    agent.train_all(1)
    assert agent.diverged
    report = health.diagnose(agent)
    assert [finding.name for finding in report.findings] == ["weights that are not finite", "loss"]
    assert [finding.verdict for finding in report.findings] == ["ok", "bad"]
    positions = [min(16, int(n) + 1) for n in agent.next_documents(64).lengths]
    documents = agent.next_documents(64)
    inputs = [
        documents.tokens[s : s + T] for s, T in zip(documents.offsets, positions, strict=False)
    ]
    n_distinct = len(np.unique(np.concatenate(inputs)))
    assert report.n_flops == energy.forward_flops(agent.config, positions) + (
        energy.backward_flops(agent.config, positions, n_distinct)
    )


def test_a_gradient_that_does_not_reach_the_layers_is_seen() -> None:
    agent = agent_of(10)
    weights = agent.model.state_dict()
    weights["lm_head"][:] = 0.0  # nothing flows back through it
    agent.model.load_state_dict(weights)
    (weakest,) = findings(health.diagnose(agent), "weakest gradient")
    assert weakest.verdict == "bad"
    assert weakest.value == 0.0
    assert weakest.layer != "lm_head"


def test_an_agent_at_its_horizon_can_still_be_diagnosed() -> None:
    agent = agent_of(50, horizon=50)
    assert agent.can_train() is not None
    assert health.diagnose(agent).verdict == "ok"


def state_of(agent: Agent) -> tuple[Any, ...]:
    state = agent.state()
    return state.metadata(), {name: a.tobytes() for name, a in state.arrays().items()}


@pytest.mark.parametrize("settings", [{}, {"batch_size": 7, "grad_clip": 0.1}], ids=str)
def test_diagnosing_changes_nothing_and_says_the_same_twice(settings: dict[str, Any]) -> None:
    agent = agent_of(30, **settings)
    before = state_of(agent)
    first = health.diagnose(agent)
    assert state_of(agent) == before
    assert health.diagnose(agent) == first
    twin = agent_of(30, **settings)
    twin.train_all(20)
    agent.train_all(20)
    assert state_of(agent) == state_of(twin)


def test_the_cost_is_one_probe_forward_and_backward_and_one_step() -> None:
    agent = agent_of(30, batch_size=10)
    report = health.diagnose(agent)
    assert report.n_documents == 70  # whole minibatches, at least 64 documents
    texts = list(agent.dataset.train.texts)
    random.Random(agent.seed).shuffle(texts)
    probed = texts[300:370]
    positions = [min(16, len(text) + 1) for text in probed]
    tokens = {c for text in probed for c in text[:15]} | {"BOS"}
    n_flops = energy.forward_flops(agent.config, positions)
    n_flops += energy.backward_flops(agent.config, positions, len(tokens))
    before = agent.energy.training
    agent.train_all(1)
    assert report.n_flops == n_flops + agent.energy.training - before


def test_a_report_is_plain_data() -> None:
    report = health.diagnose(agent_of(0))
    assert set(report.findings[0].as_dict()) == {
        "name", "layer", "value", "unit", "healthy", "verdict", "hint",
    }  # fmt: skip
    nan = replace(report.findings[0], value=float("nan"))
    assert nan.as_dict()["value"] is None
