"""How an agent trains and samples: `Settings`, in which a setting is one field.

To add a setting, add a field with its default, the values that it allows, what it means and what players
usually try; say so if it trains nothing.  `help`, `config`, completion, the schema of what --json prints and
courses read them there.  A default, once released, is for ever: what is stored leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from bandits.errors import UnknownName, did_you_mean, printable
from bandits.model import schedules
from bandits.model.config import GPTConfig
from bandits.model.exact import Float
from bandits.model.plain import from_plain
from bandits.model.value_kinds import STEPS, Number, OneOf, Whole

MAX_BATCH_SIZE = 4096
MIN_EPS = 1e-30  # the engine's floats end at 1e-38; with an eps of 0 an unused row would be 0 / 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known of a setting: all that a player may ask, and whether training depends on it.

    usual: what players usually try, the most usual first; any allowed value may be typed.
    """

    default: Any
    allowed: Whole | Number | OneOf
    meaning: str
    usual: tuple[str, ...]
    trains: bool

    @property
    def another(self) -> str:
        """A usual value that is not the default, if there is one."""
        others = (text for text in self.usual if self.allowed.parse("", text) != self.default)
        return next(others, self.usual[0])


def _setting(
    default: Any,
    allowed: Whole | Number | OneOf,
    meaning: str,
    *,
    usual: tuple[str, ...],
    trains: bool = True,
) -> Any:
    """Return a field of `Settings`."""
    about = Setting(default=default, allowed=allowed, meaning=meaning, usual=usual, trains=trains)
    return field(default=default, metadata={"setting": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an agent trains and samples.  Raises InvalidValue for values that break a rule.

    Any finite learning rate is allowed: an explosion is a lesson, not a mistake.
    """

    learning_rate: float = _setting(
        0.01,
        Number(at_least=0.0),
        "step size of Adam at the start of the schedule; 0.01 is microGPT's",
        usual=("0.003", "0.01", "0.03", "10"),
    )
    batch_size: int = _setting(
        1,
        Whole(1, MAX_BATCH_SIZE),
        "documents a step; their gradients are averaged",
        usual=("1", "4", "16"),
    )
    horizon: int = _setting(
        1000,
        STEPS,
        "steps of the schedule, warmup included; past it the learning rate is 0",
        usual=("1000", "2000", "5000"),
    )
    schedule: str = _setting(
        "linear",
        OneOf(schedules.SCHEDULES),
        schedules.in_words(),
        usual=tuple(schedules.SCHEDULES),
    )
    warmup: int = _setting(
        0,
        Whole(0, STEPS.high),
        "steps over which the learning rate first rises from 0",
        usual=("0", "20", "100"),
    )
    beta1: float = _setting(
        0.85,
        Number(at_least=0.0, below=1.0),
        "how slowly Adam's mean of gradients moves, 0 to below 1",
        usual=("0.85", "0.9"),
    )
    beta2: float = _setting(
        0.99,
        Number(at_least=0.0, below=1.0),
        "how slowly Adam's mean of squared gradients moves, 0 to below 1",
        usual=("0.99", "0.999"),
    )
    eps: float = _setting(
        1e-8,
        Number(at_least=MIN_EPS),
        "added to the root in Adam's division",
        usual=("1e-8",),
    )
    grad_clip: float = _setting(
        0.0,
        Number(at_least=0.0),
        "largest norm of all gradients together; 0 clips nothing",
        usual=("0", "1"),
    )
    temperature: float = _setting(
        1.0,
        Number(at_least=0.01, at_most=100.0),
        "divides the logits when scoring and when sampling",
        usual=("0.5", "0.8", "1"),
        trains=False,
    )

    def __post_init__(self) -> None:
        for key, setting in SETTINGS.items():
            setting.allowed.check(key, getattr(self, key))

    def learning_rates(self, first_step: int, n_steps: int) -> Float:
        """Return the learning rates of the n_steps steps that follow `first_step` others, float64."""
        return schedules.learning_rates(
            self.schedule, self.learning_rate, self.horizon, self.warmup, first_step, n_steps
        )

    @property
    def last_step(self) -> int | None:
        """The step at which the learning rate becomes 0 for good, or None if it never does."""
        return schedules.last_step(self.schedule, self.horizon)

    def steps_left(self, n_steps: int) -> int | None:
        """Return how many steps after n_steps have a learning rate, or None if it is never 0 for good."""
        return None if self.last_step is None else max(0, self.last_step - n_steps)

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Settings:
        """Return the settings of plain data, what is left out at its default.  Raises InvalidValue."""
        return from_plain(cls, data)

    def with_value(self, key: str, text: str) -> Settings:
        """Return these settings with one of them read from `text`.

        Raises: NoSuchSetting, InvalidValue for a value that breaks its rule.
        """
        changes: dict[str, Any] = {key: setting_named(key).allowed.parse(key, text)}
        return replace(self, **changes)


SETTINGS: dict[str, Setting] = {f.name: f.metadata["setting"] for f in fields(Settings)}
TRAINING_SETTINGS = tuple(key for key, setting in SETTINGS.items() if setting.trains)


class NoSuchSetting(UnknownName):
    """A key is no setting, or is chosen when an agent is created."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"{key} is no setting, it is chosen when an agent is created"
            if is_chosen_at_birth(key)
            else f"no setting '{printable(key, 40)}'{did_you_mean(key, SETTINGS)}"
        )


def is_chosen_at_birth(key: str) -> bool:
    """Whether this is something that an agent is created with and keeps: its seed, and sizes."""
    return key == "seed" or (key in GPTConfig.__slots__ and key != "vocab_size")


def setting_named(key: str) -> Setting:
    """Return what is known of a setting.  Raises NoSuchSetting with the nearest."""
    if key not in SETTINGS:
        raise NoSuchSetting(key)
    return SETTINGS[key]
