"""What a lesson of the tutorial sees: the agents now, what they were when the step began, the last command.

A lesson looks at effects, never at the words that were typed, so any way of getting there counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bandits.arena.arena import Arena
from bandits.arena.reports import AgentReport
from bandits.errors import InvalidValue

COUNTERS = ("n_steps", "training", "generation", "evaluation", "fights")
Counts = dict[str, float]


def counts(row: AgentReport) -> Counts:
    """Return the counters of an agent that a lesson may watch grow, and its loss."""
    values = {
        "n_steps": row.n_steps,
        **row.energy.as_dict(),
        "fights": row.wins + row.draws + row.losses,
    }
    return values | {"loss": row.loss if row.loss is not None else row.config.uniform_loss}


@dataclass
class Place:
    """Where a player stands: the step, whether the tutorial speaks, and what was when it began."""

    step: int = 0
    on: bool = True
    pupil: str = ""  # the agent that the player has taught
    rival: str = ""  # the costlier one
    base: dict[str, Counts] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {"version": 1, **{key: getattr(self, key) for key in self.__dataclass_fields__}}

    @classmethod
    def from_dict(cls, data: Any) -> Place:
        """Return what `as_dict` wrote.  Raises InvalidValue for anything else."""
        kinds = {"step": int, "on": bool, "pupil": str, "rival": str, "base": dict}
        if not isinstance(data, dict) or data.get("version") != 1:
            raise InvalidValue("not a place in the tutorial")
        for key, kind in kinds.items():
            if type(data.get(key)) is not kind:
                raise InvalidValue(f"no {key}")
        wanted = {*COUNTERS, "loss"}
        for seen in data["base"].values():
            if not isinstance(seen, dict) or set(seen) != wanted:
                raise InvalidValue("no counts")
            if not all(isinstance(n, (int, float)) for n in seen.values()):
                raise InvalidValue("a count is not a number")
        return cls(**{key: data[key] for key in kinds})


@dataclass(frozen=True)
class Situation:
    """The arena after a command; `command` is its first word, empty if none has just succeeded."""

    arena: Arena
    place: Place
    command: str
    rows: Sequence[AgentReport]

    @classmethod
    def now(cls, arena: Arena, place: Place, command: str = "") -> Situation:
        """Look at the arena; agents that were not there before are counted from now on."""
        rows = arena.agents()
        for row in rows:
            place.base.setdefault(row.name, counts(row))
        return cls(arena, place, command, rows)

    def grown(self, row: AgentReport, counter: str) -> int:
        """Return by how much a counter of an agent has grown since the step began."""
        return int(counts(row)[counter] - self.place.base[row.name][counter])

    def most(
        self, counter: str, where: Callable[[AgentReport], bool] | None = None
    ) -> AgentReport | None:
        """Return the agent whose counter has grown most since the step began, if one has."""
        rows = [row for row in self.rows if where is None or where(row)]
        best = max(rows, key=lambda row: self.grown(row, counter), default=None)
        return best if best is not None and self.grown(best, counter) > 0 else None

    @property
    def here(self) -> list[AgentReport]:
        """The agents of the current dataset: only these can be compared, and new ones join them."""
        return [row for row in self.rows if row.dataset_name == self.arena.dataset_name]

    @property
    def pupil(self) -> AgentReport | None:
        """The agent to speak of: the one that the player taught, if it is well, or the current one."""
        here = self.here
        taught = [row for row in here if row.name == self.place.pupil]
        current = [row for row in here if row.current]
        candidates = [*taught, *current, *here]
        return next((row for row in candidates if well(row)), candidates[0] if here else None)

    @property
    def rival(self) -> AgentReport | None:
        """Another agent to compare the pupil with: the costlier one, or any that is well."""
        pupil = self.pupil
        others = [row for row in self.here if row != pupil]
        others.sort(key=lambda row: row.name != self.place.rival)
        return next((row for row in others if well(row)), others[0] if others else None)

    def at(self, row: AgentReport) -> str:
        """Return " NAME" for a command that must name its agent, nothing for the current one."""
        return "" if row.current else f" {row.name}"

    def option(self, row: AgentReport) -> str:
        """Return " --agent NAME" likewise."""
        return "" if row.current else f" --agent {row.name}"

    def free_name(self, wanted: str) -> str:
        """Return the wanted name, or with a number if an agent has it."""
        taken = {row.name for row in self.rows}
        n = 2
        name = wanted
        while name in taken:
            name, n = f"{wanted}{n}", n + 1
        return name


def well(row: AgentReport) -> bool:
    """Whether an agent learns or could: it has not exploded."""
    return not row.diverged and (row.loss is None or row.loss < 1.2 * row.config.uniform_loss)


def can_train(row: AgentReport) -> bool:
    """Whether `train` would take steps."""
    return not row.diverged and row.settings.steps_left(row.n_steps) != 0


def noun(row: AgentReport) -> str:
    """Return what an agent writes: names, or documents of a player's own file."""
    return "names" if row.dataset_name == "names" else "documents"
