"""diagnose finds planted diseases, leaves the healthy alone, and changes nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandits import datasets
from bandits.agent.agent import Agent
from bandits.health.diagnosis import diagnose
from bandits.health.findings import DiagnoseReport, Finding
from bandits.health.remedies import NewAgent, OtherSettings
from bandits.health.signs import all_signs
from bandits.model import energy
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings


def agent_of(n_steps: int, config: GPTConfig | None = None, **settings: Any) -> Agent:
    agent = Agent(datasets.load("names"), config, replace(Settings(), **settings))
    if n_steps:
        agent.train_all(n_steps)
    return agent


def findings(report: DiagnoseReport, name: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.name.startswith(name)]


@pytest.mark.parametrize("n_steps", [0, 1, 20, 100, 500, 999])
def test_a_default_agent_is_healthy_at_every_age(n_steps: int) -> None:
    report = diagnose(agent_of(n_steps))
    assert report.verdict == "ok", [f for f in report.findings if f.verdict != "ok"]
    assert all(finding.remedy is None for finding in report.findings)
    told_from = {"loss trend": 100, "overfitting": 500, "memorised": 500}
    names = [sign.name for sign in all_signs() if n_steps >= told_from.get(sign.name, 0)]
    assert [finding.name for finding in report.findings] == names


@pytest.mark.parametrize(
    ("config", "n_steps", "batch_size"),
    [
        (GPTConfig(n_embd=8, n_head=2), 100, 1),
        (GPTConfig(n_embd=8, n_head=2), 1000, 16),
        (GPTConfig(n_embd=8, n_head=2), 5000, 1),
        (GPTConfig(n_embd=16), 5000, 1),
        (GPTConfig(n_embd=16), 100, 16),
        (GPTConfig(n_embd=32, n_layer=2), 1000, 1),
        (GPTConfig(n_embd=32, n_layer=2), 100, 16),
        (GPTConfig(n_embd=64), 100, 1),
        (GPTConfig(n_embd=64), 1000, 1),
        (GPTConfig(n_embd=64), 100, 16),
        (GPTConfig(n_embd=64, n_layer=2), 100, 16),
        (GPTConfig(n_embd=32, n_layer=8), 0, 4),
    ],
)
def test_healthy_agents_of_other_shapes_are_not_called_ill(
    config: GPTConfig, n_steps: int, batch_size: int
) -> None:
    rate = 0.01 if config.n_embd <= 16 else 0.003  # the best of each, by their validation bits
    settings = {"batch_size": batch_size, "learning_rate": rate, "horizon": 2 * n_steps + 1}
    report = diagnose(agent_of(n_steps, config, **settings))
    assert report.verdict == "ok", [f for f in report.findings if f.verdict != "ok"]


def test_a_wide_agent_with_noisy_first_steps_is_not_called_stuck() -> None:
    """Its loss is still noise after 100 steps, and a higher learning rate would ruin it."""
    agent = Agent(datasets.load("names"), GPTConfig(n_embd=64), Settings(horizon=5000), seed=2)
    agent.train_all(100)
    assert diagnose(agent).verdict == "ok"


@pytest.mark.parametrize("n_steps", [1, 5, 100])
def test_learning_rate_10_is_seen_to_explode(n_steps: int) -> None:
    agent = agent_of(n_steps, learning_rate=10.0)
    assert not agent.diverged  # exploded, still finite
    report = diagnose(agent)
    (norm,) = findings(report, "gradient norm")
    loss = findings(report, "loss")[0]
    assert norm.verdict == "bad"
    assert norm.value > 1000.0
    assert loss.verdict == "bad"
    assert loss.value > 2.0
    assert isinstance(norm.remedy, NewAgent)
    assert (norm.remedy.config, norm.remedy.learning_rate) == (agent.config, 0.01)


def test_a_wide_agent_that_starts_roughly_is_not_given_up() -> None:
    config = GPTConfig(n_embd=128, n_layer=4, n_head=8)
    agent = agent_of(10, config, batch_size=16, schedule="constant")
    loss = findings(diagnose(agent), "loss")[0]
    assert loss.verdict == "bad"
    assert isinstance(loss.remedy, OtherSettings)
    assert (loss.remedy.settings, loss.remedy.n_steps) == ({"learning_rate": 0.003}, 1000)
    agent.train_all(90)  # even without the hint
    loss = findings(diagnose(agent), "loss")[0]
    assert loss.verdict == "ok"


def test_learning_rate_10_is_seen_before_the_first_step() -> None:
    (update,) = findings(diagnose(agent_of(0, learning_rate=10.0)), "update")
    assert update.verdict == "bad"
    assert update.value > 10.0
    assert isinstance(update.remedy, OtherSettings)
    assert update.remedy.settings == {"learning_rate": 0.01}


@pytest.mark.parametrize(("n_dead", "verdict"), [(0, "ok"), (51, "ok"), (52, "warn"), (63, "bad")])
def test_units_that_never_fire_are_counted(n_dead: int, verdict: str) -> None:
    agent = agent_of(0, learning_rate=0.1)
    weights = agent.model.state_dict()
    weights["layer0.mlp_fc1"][:n_dead] = 0.0  # never above 0
    agent.model.load_state_dict(weights)
    (dead,) = findings(diagnose(agent), "dead ReLU units")
    assert (dead.layer, dead.value, dead.unit) == ("layer0", 100 * n_dead / 64, "%")
    assert dead.verdict == verdict
    assert isinstance(dead.remedy, NewAgent) == (verdict != "ok")


@pytest.mark.parametrize("n_steps", [0, 100])
def test_learning_rate_1e_minus_7_is_seen_to_learn_nothing(n_steps: int) -> None:
    report = diagnose(agent_of(n_steps, learning_rate=1e-7))
    (update,) = findings(report, "update")
    assert update.verdict == "bad"
    assert update.value < 1e-5
    assert isinstance(update.remedy, OtherSettings)
    assert update.remedy.settings == {"learning_rate": 0.01}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_counted_and_cost_nothing(bad: float) -> None:
    agent = agent_of(10)
    weights = agent.model.state_dict()
    weights["layer0.mlp_fc1"][3, :5] = bad
    agent.model.load_state_dict(weights)
    report = diagnose(agent)
    (finding,) = report.findings
    assert finding.verdict == report.verdict == "bad"
    assert finding.value == 5.0
    why = "it will not recover; a new one of its size, slower"
    assert finding.remedy == NewAgent(why, agent.config, 0.001, 1000)
    assert report.n_flops == 0


def test_a_diverged_agent_whose_weights_are_finite_shows_its_loss() -> None:
    agent = agent_of(10)
    weights = agent.model.state_dict()
    weights["lm_head"][:] = 3e38  # its logits overflow
    agent.model.load_state_dict(weights)
    agent.train_all(1)
    assert agent.diverged
    report = diagnose(agent)
    assert [finding.name for finding in report.findings] == ["weights not finite", "loss"]
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
    (weakest,) = findings(diagnose(agent), "weakest gradient")
    assert weakest.verdict == "bad"
    assert weakest.value == 0.0
    assert weakest.layer != "lm_head"


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_schedule_that_is_over_is_all_that_ails_a_finished_agent(schedule: str) -> None:
    agent = agent_of(500, horizon=500, schedule=schedule)
    assert not agent.can_train()
    report = diagnose(agent)
    (rate,) = [finding for finding in report.findings if finding.verdict != "ok"]
    assert (rate.name, rate.value, rate.verdict) == ("learning rate now", 0.0, "warn")
    assert isinstance(rate.remedy, OtherSettings)
    assert (rate.remedy.settings, rate.remedy.n_steps) == ({"horizon": 1000}, 500)
    agent.settings = replace(agent.settings, schedule="constant")
    assert diagnose(agent).verdict == "ok"


def test_to_train_on_is_not_the_advice_where_something_else_ails() -> None:
    report = diagnose(agent_of(200, horizon=200, learning_rate=1e-7))
    sick = [finding for finding in report.findings if finding.remedy]
    assert [finding.name for finding in sick] == [
        "loss trend",
        "update / weights",
        "learning rate now",
    ]
    remedy = sick[0].remedy
    assert isinstance(remedy, OtherSettings)
    assert list(remedy.settings.items()) == [("learning_rate", 0.01), ("horizon", 1200)]
    assert remedy.n_steps == 1000
    assert [finding.remedy for finding in sick] == [remedy] * 3


def test_learning_rate_0_1_at_64_leaves_dead_units_and_staring_heads() -> None:
    report = diagnose(agent_of(950, GPTConfig(n_embd=64), learning_rate=0.1))
    (dead,), (spread,) = findings(report, "dead ReLU"), findings(report, "attention")
    assert (dead.layer, dead.verdict) == ("layer0", "bad")
    assert dead.value > 97.0
    assert spread.layer == "layer0"
    assert spread.verdict in ("warn", "bad")
    assert 0.0 <= spread.value < 1.0
    assert isinstance(dead.remedy, NewAgent)
    assert dead.remedy == spread.remedy
    assert dead.remedy.learning_rate == 0.003


def few_names() -> datasets.Dataset:
    """300 names, of all that there are."""
    every = datasets.load("names").documents[::99][:300]
    return datasets.Dataset.from_documents(every, name="few")


def test_300_documents_learned_by_heart_are_seen() -> None:
    few = few_names()
    settings = replace(Settings(), batch_size=16, horizon=800)
    agent = Agent(few, GPTConfig(vocab_size=few.vocab_size, n_embd=64), settings)
    agent.train_all(400)
    report = diagnose(agent)
    (gap,), (share,) = findings(report, "overfitting"), findings(report, "memorised")
    assert gap.verdict == share.verdict == "bad"
    assert gap.error is not None
    bits = [agent.model.evaluate(part).bits_per_token for part in (few.train, few.validation)]
    assert abs(gap.value - (bits[1] - bits[0])) < 0.2 * gap.value  # some of the documents, not all
    texts = agent.texts(agent.model.generate(1000, seed=5))
    copies = 100 * sum(text in few.train.texts for text in texts) / 1000
    assert abs(share.value - copies) < 15  # a sample of 128, whose error is up to 6
    assert isinstance(gap.remedy, NewAgent)
    assert gap.remedy == share.remedy
    assert (gap.remedy.config.n_embd, gap.remedy.n_steps) == (32, 2 * len(few.train))


def test_real_names_that_are_written_by_chance_are_not_held_against_it() -> None:
    """All 64 words of three letters of four; an agent that knows the rule writes those of train, too."""
    words = [a + b + c for a in "abcd" for b in "abcd" for c in "abcd"]
    words += [word + d for word in words for d in "abcd"]
    dataset = datasets.Dataset.from_documents(words, name="words")
    agent = Agent(dataset, GPTConfig(vocab_size=dataset.vocab_size, n_embd=8, n_head=2))
    agent.train_all(500)
    texts = agent.texts(agent.model.generate(1000))
    assert sum(text in dataset.train.texts for text in texts) > 600
    (share,) = findings(diagnose(agent), "memorised")
    assert share.verdict == "ok"


@pytest.mark.parametrize(("sharpness", "low", "high"), [(0.0, 100.0, 100.0), (1e4, 0.0, 0.5)])
def test_attention_spread_runs_from_one_letter_to_all_alike(
    sharpness: float, low: float, high: float
) -> None:
    agent = agent_of(0)
    weights = agent.model.state_dict()
    weights["layer0.attn_wq"] *= np.float32(sharpness)
    agent.model.load_state_dict(weights)
    (spread,) = findings(diagnose(agent), "attention")
    assert low - 1e-4 <= spread.value <= high + 1e-4  # of float32 weights


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        (np.linspace(3.0, 2.0, 400), "ok"),
        (np.full(400, 2.4), "ok"),  # level: it has learned what it can
        (np.linspace(2.0, 2.3, 400), "warn"),
        (np.linspace(2.0, 4.0, 400), "bad"),
        (np.full(400, 3.3), "bad"),  # level where it began
    ],
)
def test_the_trend_tells_falling_level_and_rising(losses: np.ndarray, verdict: str) -> None:
    agent = agent_of(0)
    noise = np.random.default_rng(0).normal(0.0, 0.1, len(losses))
    agent.history.append(losses + noise)
    agent.n_steps = len(losses)
    (trend,) = findings(diagnose(agent), "loss trend")
    assert trend.verdict == verdict
    if verdict == "ok":
        assert trend.remedy is None
    else:
        assert isinstance(trend.remedy, OtherSettings)
        assert trend.remedy.settings == {"learning_rate": 0.001}
    assert trend.error is not None
    late = losses[len(losses) // 2 :]
    assert abs(trend.value - (late[-1] - late[0])) < 4 * trend.error


def test_who_has_learned_all_there_is_in_noise_is_not_called_stuck() -> None:
    rng = random.Random(0)
    noise = ["".join(rng.choice("abcdefgh") for _ in range(8)) for _ in range(500)]
    dataset = datasets.Dataset.from_documents(noise, name="noise")
    agent = Agent(dataset, GPTConfig(vocab_size=dataset.vocab_size), Settings(batch_size=4))
    agent.train_all(400)
    (trend,) = findings(diagnose(agent), "loss trend")
    assert trend.verdict == "ok"


@pytest.mark.parametrize(("block_size", "n_documents"), [(1, 64), (1024, 8)])
def test_agents_that_see_one_letter_or_very_many_can_be_diagnosed(
    block_size: int, n_documents: int
) -> None:
    """With 1,024 letters, 64 documents at once would need more memory than is allowed."""
    config = GPTConfig(n_embd=64, n_layer=2, block_size=block_size)
    agent = agent_of(0, config, batch_size=8)
    report = diagnose(agent)
    assert report.n_documents == n_documents
    assert report.verdict == "ok"


def state_of(agent: Agent) -> tuple[Any, ...]:
    state = agent.state()
    return state.metadata(), {name: a.tobytes() for name, a in state.arrays().items()}


@pytest.mark.parametrize("settings", [{}, {"batch_size": 7, "grad_clip": 0.1}], ids=str)
def test_diagnosing_changes_nothing_and_says_the_same_twice(settings: dict[str, Any]) -> None:
    agent = agent_of(30, **settings)
    before = state_of(agent)
    first = diagnose(agent)
    assert state_of(agent) == before
    assert diagnose(agent) == first
    twin = agent_of(30, **settings)
    twin.train_all(20)
    agent.train_all(20)
    assert state_of(agent) == state_of(twin)


def test_the_cost_is_a_probe_a_step_what_is_scored_and_what_is_written() -> None:
    agent = agent_of(50, batch_size=10)
    report = diagnose(agent)
    assert report.n_documents == 70  # whole minibatches, at least 64 documents
    texts = list(agent.dataset.train.texts)
    random.Random(agent.seed).shuffle(texts)
    probed = texts[500:570]
    positions = [min(16, len(text) + 1) for text in probed]
    tokens = {c for text in probed for c in text[:15]} | {"BOS"}
    n_flops = energy.forward_flops(agent.config, positions)
    n_flops += energy.backward_flops(agent.config, positions, len(tokens))
    before = agent.energy.training
    agent.train_all(1)
    n_flops += agent.energy.training - before
    agent = agent_of(50, batch_size=10)
    seen = [texts[k * 500 // 128] for k in range(128)]
    held = agent.dataset.validation
    held_out = [held.texts[k * len(held) // 128] for k in range(128)]
    for documents in (seen, held_out):
        n_flops += energy.evaluate_flops(agent.config, [min(16, len(d) + 1) for d in documents])
    assert report.n_flops == n_flops + agent.model.generate(128, seed=0).n_flops
