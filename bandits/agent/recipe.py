"""What an agent is made of anew: all of it but what training computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bandits.agent.agent import Agent
from bandits.agent.course import (
    MAX_SEGMENTS,
    Course,
    course_from_dict,
    known_from,
)
from bandits.datasets import Dataset
from bandits.errors import InvalidValue
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy
from bandits.model.settings import Settings
from bandits.model.value_kinds import check_seed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recipe:
    """What an agent is made of anew: all of it but what training computes."""

    dataset: Dataset
    config: GPTConfig
    settings: Settings
    seed: int
    course: Course
    n_steps: int
    diverged: bool
    energy: Energy

    @classmethod
    def of(cls, agent: Agent) -> Self:
        """Return the recipe of an agent."""
        return cls(**{key: getattr(agent, key) for key in cls.__slots__})

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], dataset: Dataset) -> Self:
        """Return the recipe in an `AgentState.metadata()`.  Raises KeyError, TypeError or ValueError."""
        config = GPTConfig.from_dict(metadata["config"])
        n_steps, diverged = metadata["n_steps"], metadata["diverged"]
        if type(n_steps) is not int or n_steps < 0 or type(diverged) is not bool:
            raise InvalidValue("n_steps and diverged are not a count and a flag")
        return cls(
            dataset=dataset,
            config=config,
            settings=Settings.from_dict(metadata["settings"]),
            seed=check_seed(metadata["seed"]),
            course=course_from_dict(metadata["course"], config, n_steps, diverged=diverged),
            n_steps=n_steps,
            diverged=diverged,
            energy=Energy.from_dict(metadata["energy"]),
        )

    def check_known(self) -> None:
        """Raise InvalidValue if a part of the course is not known."""
        first = known_from(self.course, self.n_steps)
        if first:
            raise InvalidValue(
                f"its course is not known before step {first:,}: an earlier bandits trained it, or its "
                f"settings changed more than {MAX_SEGMENTS:,} times; create an agent and train it anew"
            )
