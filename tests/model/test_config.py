"""Sizes and settings: what is allowed, and one clear line for what is not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from bandits.agent.agent import check_agent_name
from bandits.errors import BanditsError, InvalidValue, UnknownName
from bandits.model import batch_memory
from bandits.model import config as limits
from bandits.model.config import GPTConfig
from bandits.model.settings import SETTINGS, Settings
from bandits.model.value_kinds import STEPS, check_steps
from tests.support.reference import Shape


def one_line(error: pytest.ExceptionInfo[BanditsError]) -> str:
    text = str(error.value)
    assert text
    assert "\n" not in text
    assert len(text) < 200
    return text


def test_the_defaults_are_microgpts() -> None:
    sizes = GPTConfig()
    assert (sizes.n_embd, sizes.n_layer, sizes.n_head, sizes.block_size) == (16, 1, 4, 16)
    assert sizes.n_params == 4192  # as microGPT prints with 27 tokens
    settings = Settings()
    assert (settings.learning_rate, settings.beta1, settings.beta2) == (0.01, 0.85, 0.99)
    assert (settings.eps, settings.horizon, settings.schedule) == (1e-8, 1000, "linear")


@pytest.mark.parametrize(
    "shape", [Shape(), Shape(2, 1, 1, 1, 1), Shape(5, 7, 3, 7, 2), Shape(27, 64, 4, 4, 32)]
)
def test_parameters_are_counted(shape: Shape) -> None:
    assert GPTConfig(**shape._asdict()).n_params == shape.n_params


@pytest.mark.parametrize(
    "sizes",
    [
        {"n_embd": 0},
        {"n_embd": -16},
        {"n_embd": 1.5},
        {"n_embd": True},
        {"n_embd": "16"},
        {"n_embd": 10**30},
        {"n_embd": limits.MAX_N_EMBD + 4},
        {"n_layer": 0},
        {"n_layer": limits.MAX_N_LAYER + 1},
        {"n_head": 0},
        {"n_head": 3},
        {"n_head": 32},
        {"block_size": 0},
        {"block_size": limits.MAX_BLOCK_SIZE + 1},
        {"vocab_size": 1},
        {"vocab_size": limits.MAX_VOCAB_SIZE + 1},
        {"n_embd": 1024, "n_layer": 32},
    ],
)
def test_sizes_that_cannot_be_are_refused_in_one_line(sizes: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as error:
        GPTConfig(**sizes)
    one_line(error)


def test_the_nearest_widths_that_divide_are_named() -> None:
    with pytest.raises(InvalidValue) as error:
        GPTConfig(n_embd=30, n_head=4)
    assert "n_embd=30" in one_line(error)
    assert "28 or 32" in one_line(error)


def test_the_largest_sizes_of_each_kind_are_allowed() -> None:
    GPTConfig(n_embd=limits.MAX_N_EMBD, n_head=1)
    GPTConfig(n_layer=limits.MAX_N_LAYER)
    GPTConfig(block_size=limits.MAX_BLOCK_SIZE)
    GPTConfig(vocab_size=limits.MAX_VOCAB_SIZE)


@pytest.mark.parametrize("rate", [0.0, 1e-7, 10.0, 1e30, 1e300])
def test_any_finite_learning_rate_is_allowed(rate: float) -> None:
    assert Settings().with_value("learning_rate", repr(rate)).learning_rate == rate


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("learning_rate", "-1"),
        ("learning_rate", "fast"),
        ("learning_rate", ""),
        ("batch_size", "0"),
        ("batch_size", "1.5"),
        ("batch_size", "10000000000000000000000000"),
        ("horizon", "0"),
        ("horizon", "-5"),
        ("schedule", "sawtooth"),
        ("warmup", "-1"),
        ("beta1", "1"),
        ("beta2", "-0.1"),
        ("eps", "0"),
        ("eps", "1e-300"),
        ("grad_clip", "-1"),
        ("temperature", "0"),
        ("temperature", "1e9"),
        ("learning_rate", "\x1b[31m1"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused_in_one_line(key: str, text: str) -> None:
    with pytest.raises(InvalidValue) as error:
        Settings().with_value(key, text)
    assert key in one_line(error)
    assert "\x1b" not in str(error.value)


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(UnknownName) as error:
        Settings().with_value("learning_rat", "1")
    assert "did you mean 'learning_rate'" in one_line(error)


def test_every_setting_has_its_help_and_keeps_its_value() -> None:
    assert set(SETTINGS) == set(Settings().as_dict())
    for key, value in Settings().as_dict().items():
        assert Settings().with_value(key, str(value)) == Settings()
        assert SETTINGS[key].meaning


@pytest.mark.parametrize("value", [GPTConfig(n_embd=8, n_head=2), Settings(beta1=0.5, warmup=7)])
def test_plain_data_gives_the_value_back(value: GPTConfig | Settings) -> None:
    assert type(value).from_dict(value.as_dict()) == value


def test_a_field_that_plain_data_leaves_out_is_at_its_default_and_an_unknown_one_is_refused() -> (
    None
):
    assert GPTConfig.from_dict({"n_embd": 8}) == GPTConfig(n_embd=8)
    assert Settings.from_dict({}) == Settings()
    for cls in (GPTConfig, Settings):
        with pytest.raises(InvalidValue, match=r"no 'n_expert'.* upgrade") as error:
            cls.from_dict({"n_expert": 4})
        one_line(error)


def test_defaults_are_for_ever() -> None:
    """Stored courses leave them out, so another default would be another course."""
    first = {
        "learning_rate": 0.01, "batch_size": 1, "horizon": 1000, "schedule": "linear", "warmup": 0,
        "beta1": 0.85, "beta2": 0.99, "eps": 1e-8, "grad_clip": 0.0, "temperature": 1.0,
    }  # fmt: skip
    assert first.items() <= Settings().as_dict().items()
    sizes = {"vocab_size": 27, "n_embd": 16, "n_layer": 1, "n_head": 4, "block_size": 16}
    assert sizes.items() <= GPTConfig().as_dict().items()


@pytest.mark.parametrize("n_steps", [0, -1, STEPS.high + 1, 10**18, 1.0, math.nan, True])
def test_a_number_of_steps_that_cannot_be_is_refused(n_steps: Any) -> None:
    with pytest.raises(InvalidValue) as error:
        check_steps(n_steps)
    one_line(error)


@pytest.mark.parametrize("name", ["A", "Ada", "net-64_b", "x" * 32])
def test_a_proper_name_is_allowed(name: str) -> None:
    assert check_agent_name(name) == name


@pytest.mark.parametrize("name", ["", "1a", "-a", "a b", "a" * 33, "é", "a\n", "a\x1b[31m", "a/b"])
def test_a_name_outside_the_pattern_is_refused_and_escaped(name: str) -> None:
    with pytest.raises(InvalidValue) as error:
        check_agent_name(name)
    assert "\x1b" not in one_line(error)


def test_a_batch_that_does_not_fit_in_memory_is_refused_before_it_is_taken() -> None:
    sizes = GPTConfig(n_embd=1024, n_layer=1, n_head=1, block_size=1024)
    with pytest.raises(batch_memory.BatchTooLarge) as error:
        batch_memory.check_batch_memory(sizes, 4096)
    assert "batch_size" in one_line(error)
    largest = error.value.largest
    batch_memory.check_batch_memory(sizes, largest)
    with pytest.raises(batch_memory.BatchTooLarge):
        batch_memory.check_batch_memory(sizes, largest + 1)
    batch_memory.check_batch_memory(GPTConfig(), 4096)


def test_a_batch_that_an_earlier_build_let_in_is_let_in() -> None:
    """Earlier builds left padding out; of all sizes it adds most to these, whose rows are 1 KB."""
    sizes = GPTConfig(vocab_size=256, n_embd=256, n_layer=8, n_head=64, block_size=8)
    batch_memory.check_batch_memory(sizes, 3855)
    assert batch_memory.batch_bytes(sizes, 3855) > 4 * 2**30
