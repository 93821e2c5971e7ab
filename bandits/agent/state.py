"""An agent at rest: everything about it as plain data and arrays, checked when it is read back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from bandits.agent.course import Course, course_as_dict, course_from_dict, course_identity
from bandits.agent.history import LossHistory
from bandits.errors import InvalidValue, printable
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy
from bandits.model.gpt import Arrays
from bandits.model.seeding import weight_shapes
from bandits.model.settings import Settings
from bandits.model.value_kinds import check_seed


@dataclass(frozen=True, slots=True, eq=False)
class AgentState:
    """All of an agent as plain data and arrays: what the arena stores and champion files carry."""

    config: GPTConfig
    settings: Settings
    seed: int
    dataset_name: str
    dataset_sha256: str
    dataset_split: str | None
    n_steps: int
    n_seen: int
    beta1_power: float
    beta2_power: float
    diverged: bool
    course: Course
    energy: Energy
    weights: Arrays
    first_moments: Arrays
    second_moments: Arrays
    history: dict[str, Any]

    def metadata(self) -> dict[str, Any]:
        """Return everything but the arrays, as plain JSON data; floats come back exactly."""
        history = {k: v for k, v in self.history.items() if not isinstance(v, np.ndarray)}
        return {
            "config": self.config.as_dict(),
            "settings": self.settings.as_dict(),
            "seed": self.seed,
            "dataset_name": self.dataset_name,
            "dataset_sha256": self.dataset_sha256,
            "dataset_split": self.dataset_split,
            "n_steps": self.n_steps,
            "n_seen": self.n_seen,
            "beta1_power": self.beta1_power,
            "beta2_power": self.beta2_power,
            "diverged": self.diverged,
            "course": course_as_dict(self.course),
            "energy": self.energy.as_dict(),
            "history": history,
        }

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all arrays by name: weights.*, first_moment.*, second_moment.* and history.*."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for prefix, group in (
            ("weights", self.weights),
            ("first_moment", self.first_moments),
            ("second_moment", self.second_moments),
        ):
            arrays.update({f"{prefix}.{name}": array for name, array in group.items()})
        for name in ("losses", "recent"):
            arrays[f"history.{name}"] = self.history[name]
        return arrays

    def record_sha256(self) -> str:
        """Return the key of what a replay can prove: all but names, the next settings and free energy.

        Earlier builds have stored such keys: what could be said then has the same one for ever.
        """
        record = self.metadata()
        for key in ("settings", "dataset_name"):
            del record[key]
        record["config"] = self.config.identity()
        record["course"] = course_identity(self.course)
        record["energy"] = self.energy.training
        digest = sha256(json.dumps(record, sort_keys=True).encode())
        for name, array in sorted(self.arrays().items()):
            digest.update(name.encode() + b"\0" + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @classmethod
    def from_parts(
        cls, metadata: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> AgentState:
        """Return the state of these parts, all of it checked.  Raises InvalidValue, naming what is wrong."""
        try:
            config = GPTConfig.from_dict(metadata["config"])
            groups = {
                prefix: _take_weights(config, arrays, prefix)
                for prefix in ("weights", "first_moment", "second_moment")
            }
            history = dict(metadata["history"])
            history["losses"] = _take(arrays, "history.losses", np.float64)
            history["recent"] = _take(arrays, "history.recent", np.float64)
            n_steps = _whole(metadata["n_steps"], "n_steps")
            diverged = _flag(metadata["diverged"], "diverged")
            state = cls(
                config=config,
                settings=Settings.from_dict(metadata["settings"]),
                seed=check_seed(metadata["seed"]),
                dataset_name=_text(metadata["dataset_name"], "dataset_name"),
                dataset_sha256=_text(metadata["dataset_sha256"], "dataset_sha256"),
                dataset_split=_split(metadata["dataset_split"]),
                n_steps=n_steps,
                n_seen=_whole(metadata["n_seen"], "n_seen"),
                beta1_power=_power(metadata["beta1_power"], "beta1_power"),
                beta2_power=_power(metadata["beta2_power"], "beta2_power"),
                diverged=diverged,
                course=course_from_dict(metadata["course"], config, n_steps, diverged=diverged),
                energy=Energy.from_dict(metadata["energy"]),
                weights=groups["weights"],
                first_moments=groups["first_moment"],
                second_moments=groups["second_moment"],
                history=history,
            )
            n_recorded = LossHistory.from_state(history).n_steps
        except InvalidValue:
            raise
        except KeyError as missing:
            raise InvalidValue(f"{printable(str(missing.args[0]))} is missing") from None
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InvalidValue(f"a part is of the wrong kind ({printable(str(error))})") from None
        if n_recorded != state.n_steps:
            raise InvalidValue(f"{n_recorded} losses are recorded for n_steps={state.n_steps}")
        if not state.diverged:
            _check_finite(state)
        return state


def _take(arrays: Mapping[str, npt.NDArray[Any]], name: str, dtype: type) -> npt.NDArray[Any]:
    array = arrays[name]
    if array.dtype != np.dtype(dtype):
        raise InvalidValue(f"{name} has dtype {array.dtype}, {np.dtype(dtype)} is needed")
    return np.ascontiguousarray(array)


def _take_weights(config: GPTConfig, arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> Arrays:
    taken = {}
    for name, shape in weight_shapes(config).items():
        array = _take(arrays, f"{prefix}.{name}", np.float32)
        if array.shape != shape:
            raise InvalidValue(f"{prefix}.{name} has shape {array.shape}, {shape} is needed")
        taken[name] = array
    return taken


def _check_finite(state: AgentState) -> None:
    for name, array in state.arrays().items():
        # A huge learning rate can fill a moment with infinities while every loss is finite.
        if not np.isfinite(array).all() and "_moment." not in name:
            raise InvalidValue(f"{name} has a value that is not finite")
        if name.startswith("second_moment.") and (array < 0).any():
            raise InvalidValue(f"{name} has a negative value, which a mean of squares cannot be")


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
        raise InvalidValue(f"{name}={printable(str(value))} is not a count")
    return value


def _power(value: object, name: str) -> float:
    if not isinstance(value, (int, float)) or not math.isfinite(value) or not 0 <= value <= 1:
        raise InvalidValue(f"{name}={printable(str(value))} is not between 0 and 1")
    return float(value)


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"{name}={printable(str(value))} is not true or false")
    return value


def _split(value: object) -> str | None:
    return None if value is None else _text(value, "dataset_split")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise InvalidValue(f"{name} is not a text of at most 200 characters")
    return value
