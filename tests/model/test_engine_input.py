"""What the engine must never be given is refused by name; what it may be given ends in an outcome."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from bandits import datasets
from bandits.agent.agent import Agent
from bandits.agent.state import AgentState
from bandits.errors import EngineMissing, InvalidValue
from bandits.model import builds as engine
from bandits.model.config import GPTConfig
from bandits.model.documents import Documents
from bandits.model.gpt import GPT
from bandits.model.settings import Settings
from tests.support.cases import float32_weights, model_of
from tests.support.reference import Shape

BOS = 26
TOKENS = np.array([BOS, 1, 2, BOS, BOS, 3, BOS], np.int32)
OFFSETS = np.array([0, 4, 7], np.int64)


def documents(tokens: Any = TOKENS, offsets: Any = OFFSETS) -> Documents:
    return Documents((), tokens, offsets)


def with_token(token: int) -> np.ndarray:
    tokens = TOKENS.copy()
    tokens[1] = token
    return tokens


def test_packed_documents_that_are_right_are_taken() -> None:
    model = GPT(GPTConfig())
    packed, listed = model.evaluate(documents()), model.evaluate([[1, 2], [3]])
    assert packed.bits.tolist() == listed.bits.tolist()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("tokens", TOKENS.astype(np.int64)),
        ("tokens", TOKENS.astype(np.float32)),
        ("tokens", TOKENS.astype(">i4")),
        ("tokens", np.repeat(TOKENS, 2)[::2]),
        ("tokens", TOKENS[::-1]),
        ("tokens", TOKENS[None, :]),
        ("tokens", TOKENS.tolist()),
        ("tokens", None),
        ("tokens", with_token(-1)),
        ("tokens", with_token(BOS)),
        ("tokens", with_token(27)),
        ("tokens", with_token(2**31 - 1)),
        ("tokens", with_token(-(2**31))),
        ("offsets", OFFSETS.astype(np.int32)),
        ("offsets", np.repeat(OFFSETS, 2)[::2]),
        ("offsets", np.array([0, 4, 8])),
        ("offsets", np.array([0, 3, 7])),
        ("offsets", np.array([1, 4, 7])),
        ("offsets", np.array([0, 8, 7])),
        ("offsets", np.array([0, 4, 4, 7])),
        ("offsets", np.array([0, -(2**62), 7])),
        ("offsets", np.array([], np.int64)),
        ("offsets", [0, 4, 7]),
    ],
)
def test_packed_documents_that_cannot_be_are_refused_by_name(argument: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"offsets|tokens") as error:
        documents(**{argument: value})
    assert "\n" not in str(error.value)
    if isinstance(error.value, TypeError):
        assert str(error.value).startswith(argument)


def test_packed_documents_cannot_be_changed_behind_the_engines_back() -> None:
    tokens = TOKENS.copy()
    packed = documents(tokens)
    tokens[:] = 2**30
    np.testing.assert_array_equal(packed.tokens, TOKENS)
    with pytest.raises(ValueError, match="read-only"):
        packed.tokens[0] = 3
    with pytest.raises(ValueError, match="read-only"):
        packed.offsets[0] = 3


@pytest.mark.parametrize("method", ["evaluate", "loss_and_grads", "probe"])
@pytest.mark.parametrize(
    "value",
    [
        7,
        None,
        [7],
        [[-1]],
        [[BOS]],
        [[2**40]],
        [[2**70]],
        [[1.5]],
        ["a"],
        np.zeros((2, 3)),
        np.zeros((2, 3, 4), int),
    ],
    ids=str,
)
def test_documents_that_cannot_be_are_refused_by_name(method: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="documents"):
        getattr(GPT(GPTConfig()), method)(value)


def test_strided_sequences_of_tokens_are_read_correctly() -> None:
    model = GPT(GPTConfig())
    strided = np.arange(20)[::3], np.arange(20, dtype=np.uint8)[::-2]
    listed = [row.tolist() for row in strided]
    assert model.evaluate(strided).bits.tolist() == model.evaluate(listed).bits.tolist()


def test_documents_of_another_vocabulary_are_refused() -> None:
    model = GPT(GPTConfig(vocab_size=9, n_embd=4, n_head=1))
    with pytest.raises(InvalidValue, match="27 tokens do not fit vocab_size=9"):
        model.evaluate(documents())
    with pytest.raises(InvalidValue, match="27 tokens do not fit vocab_size=9"):
        train(model)


def train(model: GPT, **change: Any) -> Any:
    arguments = {
        "documents": documents(),
        "order": np.array([0, 1]),
        "n_seen": 0,
        "learning_rates": np.full(3, 0.01),
        "settings": Settings(),
    }
    return model.train_steps(**{**arguments, **change})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("documents", [[1, 2]]),
        ("documents", TOKENS),
        ("order", np.array([0, 2])),
        ("order", np.array([-1, 0])),
        ("order", np.array([2**62])),
        ("order", np.array([0.0, 1.0])),
        ("order", np.array([0, 1], np.int32)),
        ("order", np.array([0, 0, 1, 1])[::2]),
        ("order", np.zeros((1, 2), np.int64)),
        ("order", np.array([], np.int64)),
        ("order", [0, 1]),
        ("n_seen", -1),
        ("n_seen", 2**63),
        ("learning_rates", np.full(3, 0.01, np.float32)),
        ("learning_rates", np.full(6, 0.01)[::2]),
        ("learning_rates", np.full((1, 3), 0.01)),
        ("learning_rates", np.array([1, 0, 1])),
        ("learning_rates", [0.01]),
        ("learning_rates", 0.01),
        ("max_flops", -1),
    ],
    ids=str,
)
def test_training_refuses_by_name_what_it_cannot_use(argument: str, value: Any) -> None:
    model = GPT(GPTConfig())
    before = model.state_dict()
    train(GPT(GPTConfig()))
    with pytest.raises((TypeError, ValueError), match=argument):
        train(model, **{argument: value})
    np.testing.assert_equal(model.state_dict(), before)


def test_an_order_is_checked_again_when_it_or_the_documents_changed() -> None:
    model, order = GPT(GPTConfig()), np.array([0, 1])
    train(model, order=order)
    order[1] = 2
    with pytest.raises(InvalidValue, match="order"):
        train(model, order=order)
    fixed = np.array([0, 1])
    fixed.flags.writeable = False
    train(model, order=fixed)
    with pytest.raises(InvalidValue, match="order"):
        train(model, order=fixed, documents=documents(TOKENS[:4], OFFSETS[:2]))


def test_training_no_steps_does_nothing() -> None:
    model = GPT(GPTConfig())
    before = model.state_dict()
    assert train(model, learning_rates=np.zeros(0)).losses.size == 0
    np.testing.assert_equal(model.state_dict(), before)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("temperature", 0.0),
        ("temperature", float("nan")),
        ("temperature", "hot"),
        ("seed", -1),
        ("seed", 2**64),
        ("first", -1),
        ("first", 2**63 - 1),
        ("N", 0),
        ("N", 10**9),
        ("N", 1.5),
    ],
)
def test_generation_refuses_by_name_what_it_cannot_use(argument: str, value: Any) -> None:
    n = value if argument == "N" else 2
    rest = {} if argument == "N" else {argument: value}
    with pytest.raises((TypeError, ValueError), match=argument):
        GPT(GPTConfig()).generate(n, **rest)


@pytest.mark.parametrize("power", [-0.1, 1.5, float("nan")])
def test_moments_with_an_impossible_power_are_refused(power: float) -> None:
    model = GPT(GPTConfig())
    with pytest.raises(InvalidValue, match="beta2_power"):
        model.load_moments(*model.moments(), 0.5, power)


# ---------------------------------------------------------- numbers that explode, and those that do nothing


def names_agent(**settings: Any) -> Agent:
    return Agent(datasets.load("names"), settings=Settings(**settings))


@pytest.mark.parametrize("grad_clip", [0.0, 1.0])
@pytest.mark.parametrize("learning_rate", [1e30, 1e38, 1e200, 1.7e308])
def test_a_huge_learning_rate_ends_in_an_explosion_that_is_told(
    learning_rate: float, grad_clip: float
) -> None:
    agent = names_agent(learning_rate=learning_rate, grad_clip=grad_clip)
    n_done = agent.train_all(1000)
    assert n_done < 1000
    assert agent.diverged
    assert agent.n_steps == n_done == agent.history.n_steps
    assert np.isfinite(agent.history.losses).all()
    with pytest.raises(InvalidValue, match="stopped being finite"):
        agent.train(1)
    samples = agent.generate(5)
    assert ((samples.tokens >= 0) & (samples.tokens <= BOS)).all()
    agent.evaluate([[1, 2]])
    state = agent.state()
    again = AgentState.from_parts(state.metadata(), state.arrays())
    assert Agent.from_state(again, agent.dataset).diverged


def test_a_learning_rate_of_zero_changes_no_weight_and_costs_what_it_costs() -> None:
    agent = names_agent(learning_rate=0.0)
    before = agent.model.state_dict()
    assert agent.train_all(50) == 50
    assert not agent.diverged
    assert agent.energy.training > 0
    np.testing.assert_equal(agent.model.state_dict(), before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["wte", "wpe", "lm_head", "layer0.attn_wq", "layer0.mlp_fc2"])
def test_training_on_weights_that_are_no_numbers_says_so(name: str, bad: float) -> None:
    agent = names_agent()
    weights = float32_weights(Shape())
    weights[name][:] = bad
    agent.model.load_state_dict(weights)
    assert agent.train_all(100) < 100
    assert agent.diverged


@pytest.mark.parametrize("bits", [0x7FC00001, 0xFFC00001, 0x7F800001, 0x7FC001FF, 0xFFFFFFFF])
def test_no_nan_passes_for_a_number(bits: int) -> None:
    """exp2 shifts bits: of a NaN with others than its own set it would make a number."""
    weights = float32_weights(Shape())
    weights["lm_head"][:] = np.array(bits, np.uint32).view(np.float32)
    model = model_of(Shape(), weights)
    assert np.isnan(model.loss_and_grads([[1, 2]])[0])
    assert not model.generate(3).finite
    found = model.state_dict()["lm_head"].view(np.uint32)
    assert (found == 0x7FC00000).all()


# ---------------------------------------------------------- an instruction set that the machine lacks

MACHINE_WITHOUT = """
import sys
from bandits.model import _engine_base
_engine_base.cpu_supports = lambda: {"avx512": False, "avx2": False, "base": True}
from bandits.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def bandits(isa: str, *start: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *start, "-c", "train 1"],
        env={**os.environ, "BANDITS_ISA": isa, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("isa", "start", "said"),
    [
        ("nonsense", ("-m", "bandits"), "BANDITS_ISA=nonsense is not one of avx512, avx2, base;"),
        ("\x1b[2J", ("-m", "bandits"), "BANDITS_ISA=\\x1b[2J is not one of"),
        (
            "avx512",
            ("-c", MACHINE_WITHOUT),
            "BANDITS_ISA=avx512 cannot run on this machine; choose base",
        ),
    ],
)
def test_an_instruction_set_that_cannot_be_is_one_line_and_exit_1(
    isa: str, start: tuple[str, ...], said: str
) -> None:
    done = bandits(isa, *start)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {said}")
    assert done.stderr.count("\n") == 1


def test_a_machine_without_vectors_runs_the_portable_build(monkeypatch: pytest.MonkeyPatch) -> None:
    from bandits.model import _engine_base

    monkeypatch.setattr(
        _engine_base, "cpu_supports", lambda: dict.fromkeys(engine.ISAS, False) | {"base": True}
    )
    monkeypatch.delenv("BANDITS_ISA", raising=False)
    engine.build.cache_clear()
    try:
        assert engine.isa() == "base"
        assert engine.usable() == ("base",)
        monkeypatch.setenv("BANDITS_ISA", "avx2")
        engine.build.cache_clear()
        with pytest.raises(EngineMissing, match="choose base, or unset it"):
            engine.build()
    finally:
        engine.build.cache_clear()
