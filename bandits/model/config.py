"""What an agent is (GPTConfig) and how it trains (Settings), checked once, here, at the boundary."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from bandits.errors import InvalidValue, UnknownName, did_you_mean, printable
from bandits.model.schedules import SCHEDULES

MAX_N_EMBD = 1024
MAX_N_LAYER = 32
MAX_BLOCK_SIZE = 1024
MAX_VOCAB_SIZE = 4096
MAX_PARAMETERS = 16_000_000
MAX_BATCH_SIZE = 4096
MAX_BATCH_BYTES = 4 * 2**30
MAX_STEPS = 100_000_000
MIN_EPS = 1e-30  # the engine's floats end at 1e-38; with an eps of 0 an unused row would be 0 / 0
MAX_SEED = 2**63 - 1
MAX_GENERATED = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GPTConfig:
    """The sizes of a microGPT.  Raises InvalidValue for sizes that cannot be."""

    vocab_size: int = 27
    n_embd: int = 16
    n_layer: int = 1
    n_head: int = 4
    block_size: int = 16

    def __post_init__(self) -> None:
        _check_whole("vocab_size", self.vocab_size, 2, MAX_VOCAB_SIZE)
        _check_whole("n_embd", self.n_embd, 1, MAX_N_EMBD)
        _check_whole("n_layer", self.n_layer, 1, MAX_N_LAYER)
        _check_whole("n_head", self.n_head, 1, MAX_N_EMBD)
        _check_whole("block_size", self.block_size, 1, MAX_BLOCK_SIZE)
        if self.n_embd % self.n_head:
            raise InvalidValue(
                f"n_embd={self.n_embd} is not divisible by n_head={self.n_head}; "
                f"try {_nearest_multiples(self.n_embd, self.n_head)}"
            )
        if self.n_params > MAX_PARAMETERS:
            raise InvalidValue(
                f"n_embd={self.n_embd} n_layer={self.n_layer} makes {self.n_params:,} parameters; "
                f"at most {MAX_PARAMETERS:,}: choose a smaller n_embd or n_layer"
            )

    @property
    def head_dim(self) -> int:
        """Columns of one attention head."""
        return self.n_embd // self.n_head

    @property
    def n_params(self) -> int:
        """Number of weights: 2 V d + block_size d + 12 L d^2."""
        d = self.n_embd
        return (2 * self.vocab_size + self.block_size) * d + 12 * self.n_layer * d * d

    def as_dict(self) -> dict[str, int]:
        """Return the sizes as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GPTConfig:
        """Return the configuration that `as_dict` wrote.  Raises InvalidValue."""
        return cls(**_known_fields(cls, data))

    def __str__(self) -> str:
        return f"{self.n_embd}/{self.n_layer}/{self.n_head}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an agent trains and samples.  Raises InvalidValue for values that break a rule.

    Any finite learning rate is allowed: an explosion is a lesson, not a mistake.
    """

    learning_rate: float = 0.01
    batch_size: int = 1
    horizon: int = 1000
    schedule: str = "linear"
    warmup: int = 0
    beta1: float = 0.85
    beta2: float = 0.99
    eps: float = 1e-8
    grad_clip: float = 0.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        for key, (low, high) in _WHOLE.items():
            _check_whole(key, getattr(self, key), low, high)
        for key, rules in _NUMBERS.items():
            _check_number(key, getattr(self, key), **rules)
        if self.schedule not in SCHEDULES:
            near = did_you_mean(str(self.schedule), SCHEDULES)
            raise InvalidValue(
                f"schedule={printable(str(self.schedule))} is not one of {', '.join(SCHEDULES)}{near}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Settings:
        """Return the settings that `as_dict` wrote.  Raises InvalidValue."""
        return cls(**_known_fields(cls, data))

    def with_value(self, key: str, text: str) -> Settings:
        """Return these settings with one of them read from `text`.

        Raises: UnknownName for a key that is none, InvalidValue for a value that breaks its rule.
        """
        if key not in SETTINGS:
            raise no_setting(key)
        return replace(self, **{key: parse_value(key, text, type(getattr(self, key)))})


# What an agent has from the start and keeps, and how it is chosen.
CHOSEN_AT_BIRTH = {
    "n_embd": "create_agent NAME 32",
    "n_layer": "create_agent NAME 16 2",
    "n_head": "create_agent NAME 16 1 2",
    "block_size": "create_agent NAME --block-size 32",
    "seed": "create_agent NAME --seed 7",
}


def no_setting(key: str) -> UnknownName:
    """Return the error for a key that is no setting: the nearest one, or how it is chosen instead."""
    if key in CHOSEN_AT_BIRTH:
        return UnknownName(
            f"{key} is no setting, it is chosen when an agent is created; try '{CHOSEN_AT_BIRTH[key]}'"
        )
    near = did_you_mean(key, SETTINGS)
    return UnknownName(f"no setting '{printable(key, 40)}'{near} (config lists them)")


SETTINGS: dict[str, str] = {
    "learning_rate": "step size of Adam at the start of the schedule; 0.01 is microGPT's",
    "batch_size": "documents a step; their gradients are averaged",
    "horizon": "steps of the schedule, warmup included; past it the learning rate is 0",
    "schedule": "linear, cosine (both fall to 0 at the horizon) or constant",
    "warmup": "steps over which the learning rate first rises from 0",
    "beta1": "how slowly Adam's mean of gradients moves, 0 to below 1",
    "beta2": "how slowly Adam's mean of squared gradients moves, 0 to below 1",
    "eps": "added to the root in Adam's division",
    "grad_clip": "largest norm of all gradients together; 0 clips nothing",
    "temperature": "divides the logits when scoring and when sampling",
}

_WHOLE: dict[str, tuple[int, int]] = {
    "batch_size": (1, MAX_BATCH_SIZE),
    "horizon": (1, MAX_STEPS),
    "warmup": (0, MAX_STEPS),
}
_NUMBERS: dict[str, dict[str, float]] = {
    "learning_rate": {"at_least": 0.0},
    "beta1": {"at_least": 0.0, "below": 1.0},
    "beta2": {"at_least": 0.0, "below": 1.0},
    "eps": {"at_least": MIN_EPS},
    "grad_clip": {"at_least": 0.0},
    "temperature": {"at_least": 0.01, "at_most": 100.0},
}


def allowed_values(key: str) -> str:
    """Return the range of a setting in words, such as "a whole number, 1 to 4,096"."""
    if key in _WHOLE:
        low, high = _WHOLE[key]
        return f"a whole number, {low:,} to {high:,}"
    if key not in _NUMBERS:
        return ", ".join(SCHEDULES)
    rules = _NUMBERS[key]
    ends = [
        word.format(rules[rule])
        for rule, word in (("below", " to below {:g}"), ("at_most", " to {:g}"))
        if rule in rules
    ]
    return f"a number, {rules['at_least']:g}{''.join(ends) or ' or more'}"


def parse_value(key: str, text: str, kind: type) -> Any:
    """Return `text` as an int, a float or a str.  Raises InvalidValue that names the key."""
    if kind is str:
        return text
    try:
        return int(text.replace("_", "")) if kind is int else float(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise InvalidValue(f"{key}={printable(text)} is not {wanted}") from None


def check_steps(n_steps: int) -> int:
    """Return the number of steps.  Raises InvalidValue outside 1 to MAX_STEPS."""
    return _check_whole("steps", n_steps, 1, MAX_STEPS)


def check_temperature(temperature: float) -> float:
    """Return the temperature.  Raises InvalidValue outside 0.01 to 100."""
    _check_number("temperature", temperature, **_NUMBERS["temperature"])
    return temperature


def check_seed(seed: int) -> int:
    """Return the seed.  Raises InvalidValue outside 0 to 2**63 - 1."""
    return _check_whole("seed", seed, 0, MAX_SEED)


def check_generated(n: int) -> int:
    """Return the number of documents to generate.  Raises InvalidValue outside 1 to MAX_GENERATED."""
    return _check_whole("N", n, 1, MAX_GENERATED)


def check_batch_memory(config: GPTConfig, batch_size: int) -> None:
    """Raise InvalidValue if the activations of one batch could exceed MAX_BATCH_BYTES."""
    C, V = _pad16(config.n_embd), _pad16(config.vocab_size)
    D = config.head_dim
    D = _pad16(D) if D > 16 else 1 << (D - 1).bit_length()  # as the engine lays heads out
    A = _pad16(config.n_head * D)
    lanes = config.n_head * 16 if D > 16 else A  # kept of each causal pair
    a_layer = 6 * C + 5 * A + lanes * (config.block_size + 1) // 2
    n_bytes = 4 * batch_size * config.block_size * (7 * C + 4 * A + V + config.n_layer * a_layer)
    if n_bytes > MAX_BATCH_BYTES:
        raise InvalidValue(
            f"batch_size={batch_size} needs {n_bytes / 2**30:.1f} GiB at these sizes, at most "
            f"{MAX_BATCH_BYTES / 2**30:.0f}: try config batch_size "
            f"{max(1, batch_size * MAX_BATCH_BYTES // n_bytes)}"
        )


def _pad16(n: int) -> int:
    return -(-n // 16) * 16


def _known_fields(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(cls)}
    for key in data:
        if key not in names:
            raise InvalidValue(f"{cls.__name__} has no '{printable(str(key))}'")
    return dict(data)


def _check_whole(key: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(f"{key}={printable(str(value))} is not a whole number")
    if not low <= value <= high:
        shown = str(value) if abs(value) < 10**24 else f"{str(value)[:8]}…"
        raise InvalidValue(f"{key}={shown} is out of range; choose {low:,} to {high:,}")
    return value


def _check_number(
    key: str,
    value: object,
    *,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidValue(f"{key}={printable(str(value))} is not a finite number")
    rules = [
        (value >= at_least, f"at least {at_least:g}"),
        (value < below, f"below {below:g}"),
        (value <= at_most, f"at most {at_most:g}"),
    ]
    for holds, rule in rules:
        if not holds:
            raise InvalidValue(f"{key}={value:g} must be {rule}")


def _nearest_multiples(n_embd: int, n_head: int) -> str:
    below = n_embd // n_head * n_head
    near = [n for n in (below, below + n_head) if 1 <= n <= MAX_N_EMBD]
    return " or ".join(str(n) for n in near) or "a smaller n_head"
