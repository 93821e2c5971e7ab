"""Agents that travel, and proof: champion files, and the verification of agents, files and matches.

The part of an Arena that answers for what an agent is.  An agent from a file is unverified
until it has been retrained here; which records were true is kept, so the same file need not be retrained
twice.  Replaying is free.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bandits.agent.agent import Agent, Progress, check_agent_name
from bandits.agent.champion import SUFFIX, Champion, read_champion, write_champion
from bandits.agent.recipe import Recipe
from bandits.agent.replay import Retraining, Verification, verifying
from bandits.agent.state import AgentState
from bandits.arena.agent_rows import model_sha256, restored, stored
from bandits.arena.desk import Desk, Stop
from bandits.arena.reports import AgentReport, VerifyReport
from bandits.contest import battle as battles
from bandits.contest.rules import RULESETS
from bandits.datasets import Dataset
from bandits.errors import BadFile, InvalidValue, printable
from bandits.store.rows import MatchRow
from bandits.wording import format_flops

OnProgress = Callable[[str, Progress], None]


class ChampionNameTaken(InvalidValue):
    """A champion cannot keep its name here, since an agent has it."""


class UnknownText(BadFile):
    """A champion learned a text that this arena does not have."""


class UnknownTextToVerify(UnknownText):
    """The same, of a champion that stays out of the arena."""


class Proof:
    """The agents of an open arena as files and as claims; see Arena."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def save(self, path: str | os.PathLike[str] | None = None, name: str | None = None) -> Path:
        """Write an agent to a champion file, NAME.safetensors in the current folder by default.

        path: a file, whose ending may be left out, or a folder.
        An earlier champion of that path is replaced, any other file is not.
        Raises: UnknownName, StoreError if the file cannot be written.
        """
        row, agent = self._desk.take(name)
        target = Path(row.name if path is None else path)
        if path is not None and os.path.isdir(target):
            target = target / row.name
        if not target.suffix:
            target = target.with_name(target.name + SUFFIX)
        write_champion(target, row.name, agent.state())
        return target

    def load(self, path: str | os.PathLike[str], as_name: str | None = None) -> AgentReport:
        """Read an agent from a champion file; it becomes the current agent, energy and all.

        as_name: what to call it here, if not by the name in the file.  It is unverified, unless an agent
        of the same record has been verified here.
        Raises: BadFile for a file that is no champion or of a dataset that is unknown here,
        InvalidValue for a name that is taken.
        """
        if as_name is not None:
            self._desk.store.agents.check_name_is_free(check_agent_name(as_name))
        champion = _champion_at(path)
        name, state = as_name or champion.name, champion.state
        if name in self._desk.store.agents.names():
            raise ChampionNameTaken(f"agent name '{name}' is taken")
        dataset = self._dataset_of(champion, UnknownText)
        agent = Agent.from_state(replace(state, dataset_name=dataset.name), dataset)
        _check_bill(champion.name, agent)
        unverified = not self._desk.store.is_verified(state.record_sha256())
        return self._desk.enter(name, stored(agent), state.energy, "load", unverified=unverified)

    # Proof

    def unverified(self) -> list[str]:
        """Return the names of the agents that came from files and have not been verified, oldest first."""
        return [row.name for row in self._desk.store.agents.all() if row.unverified]

    def verify(
        self,
        name: str | None = None,
        *,
        on_progress: OnProgress | None = None,
    ) -> VerifyReport:
        """Retrain an agent from its seed and compare: is it what its record says?

        on_progress: called with 'a' after each chunk.  An agent from a file that is what it says is
        unverified no more.
        Raises: UnknownName; InvalidValue if its course is not known.
        """
        row, agent = self._desk.take(name)
        report = self._verify("agent", row.name, agent, on_progress)
        if report.verified and row.unverified:
            self._remember(agent.state())
        return report

    def verify_file(
        self,
        path: str | os.PathLike[str],
        *,
        dataset: str | os.PathLike[str] | None = None,
        on_progress: OnProgress | None = None,
    ) -> VerifyReport:
        """Do what `verify` does with a champion file, which stays out of the arena.

        dataset: the text file that it learned, if the arena does not know it.
        Raises: BadFile; InvalidValue if its course is not known or that was not its dataset.
        """
        champion = _champion_at(path)
        if dataset is None:
            known = self._dataset_of(champion, UnknownTextToVerify)
        else:
            known = Dataset.from_file(Path(dataset), split=champion.state.dataset_split)
        agent = Agent.from_state(champion.state, known)
        report = self._verify("file", champion.name, agent, on_progress)
        if report.verified:
            self._remember(champion.state)
        return report

    def verify_match(self, match_id: int, *, on_progress: OnProgress | None = None) -> VerifyReport:
        """Make both fighters anew as they were before a match, let them fight again, and compare.

        on_progress: called with 'a' or 'b' and a chunk's progress.
        Raises: UnknownName; InvalidValue if it cannot be replayed; BadFile if its record is damaged.
        """
        row = self._desk.store.matches.row(match_id)
        fighters: dict[str, Agent] = {}
        n_flops = 0

        def report(difference: str | None, *, stopped: bool) -> VerifyReport:
            return VerifyReport(
                kind="match",
                name=str(match_id),
                verified=difference is None and not stopped,
                stopped=stopped,
                difference=None if stopped else difference,
                step=None,
                n_steps=max(int(row.outcome[side]["n_steps"]) for side in ("a", "b")),
                n_flops=n_flops,
            )

        for side, recipe in self._recipes(row).items():
            retraining = Retraining(recipe)
            steps = retraining.to(recipe.n_steps)
            stopped = not _watched(steps, side, self._desk.stop, on_progress)
            fighters[side] = retraining.agent
            n_flops += retraining.agent.energy.training
            difference = _other_start(side, recipe, retraining.agent)
            if stopped or difference:
                return report(difference, stopped=stopped)
            retraining.agent.energy = recipe.energy
        outcome = battles.fight(
            fighters["a"],
            fighters["b"],
            n_steps=row.outcome["n_steps"],
            max_flops=row.outcome["max_flops"],
            seed=row.outcome["seed"],
            stop=self._desk.stop,
            on_progress=on_progress,
            ruleset=RULESETS[row.ruleset],
        )
        n_flops += outcome.a.battle_flops + outcome.b.battle_flops
        anew = json.loads(json.dumps(outcome.record()))
        return report(_first_other(row.outcome, anew), stopped=outcome.stopped)

    def _verify(
        self,
        kind: str,
        name: str,
        agent: Agent,
        on_progress: OnProgress | None,
    ) -> VerifyReport:
        try:
            steps = verifying(agent)
        except InvalidValue as reason:
            raise InvalidValue(f"{name} cannot be verified: {reason}") from None
        found: list[Verification] = []
        latest = 0

        def watch(side: str, progress: Progress) -> None:
            nonlocal latest
            latest = progress.n_flops
            if on_progress:
                on_progress(side, progress)

        def chunks() -> Iterator[Progress]:
            found.append((yield from steps))

        _watched(chunks(), "a", self._desk.stop, watch)
        verdict = found[0] if found else None
        return VerifyReport(
            kind=kind,
            name=name,
            verified=verdict is not None and verdict.verified,
            stopped=verdict is None,
            difference=verdict.difference if verdict else None,
            step=verdict.step if verdict else None,
            n_steps=agent.n_steps,
            n_flops=verdict.n_flops if verdict else latest,
            seed=agent.seed,
            stated=agent.energy,
        )

    def _remember(self, state: AgentState) -> None:
        """Note that a record is true, and take the mark from the agents that are of it."""
        key, model = state.record_sha256(), model_sha256(state)
        with self._desk.store.transaction():
            self._desk.store.put_verified(key)
            for row in self._desk.store.agents.all():
                if row.unverified and row.model_sha256 == model:
                    same, arrays = self._desk.store.agents.with_arrays(row.name)
                    if restored(same, arrays).record_sha256() == key:
                        self._desk.store.agents.set_verified(same.id)

    def _recipes(self, row: MatchRow) -> dict[str, Recipe]:
        """Return what both fighters were before a match."""
        shown = f"match {row.id}"
        if row.starts is None:
            raise InvalidValue(
                f"{shown} cannot be verified: it was fought before bandits kept how its fighters began"
            )
        if row.ruleset not in RULESETS:
            raise InvalidValue(
                f"{shown} cannot be verified: it was fought under ruleset {row.ruleset}, which this "
                "version of bandits does not know; a newer one may"
            )
        dataset = self._desk.library.with_content(row.dataset_sha256, row.dataset_name)
        if dataset is None:
            raise BadFile(f"{shown} was about a dataset that this bandits does not have")
        recipes = {}
        for side, name in (("a", row.a_name), ("b", row.b_name)):
            try:
                recipes[side] = Recipe.from_metadata(row.starts[side], dataset)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise BadFile(f"{shown} is damaged in the arena and cannot be verified") from None
            try:
                recipes[side].check_known()
            except InvalidValue as reason:
                raise InvalidValue(f"{shown} cannot be verified: of {name}, {reason}") from None
        return recipes

    def _dataset_of(self, champion: Champion, error: type[BadFile]) -> Dataset:
        state = champion.state
        dataset = self._desk.library.with_content(state.dataset_sha256, state.dataset_name)
        if dataset is None:
            raise error(
                f"champion '{champion.name}' learned dataset '{printable(state.dataset_name, 40)}' "
                f"(sha256 {printable(state.dataset_sha256, 12)}), which is not here"
            )
        return dataset


def _champion_at(path: str | os.PathLike[str]) -> Champion:
    """Read a champion from a file, whose ending may be left out, as `save` does."""
    path = Path(path)
    if not path.suffix and not os.path.exists(path) and path.name:
        path = path.with_name(path.name + SUFFIX)
    return read_champion(path)


def _check_bill(name: str, agent: Agent) -> None:
    """Raise BadFile for a champion that claims to have trained for less than its steps cost."""
    stated, least = agent.energy.training, agent.least_training_flops()
    if stated < least or agent.n_seen < agent.n_steps:
        raise BadFile(
            f"champion '{name}' states {format_flops(stated)} of training, but {agent.n_steps:,} steps "
            f"over {agent.n_seen:,} documents took at least {format_flops(least)}; ask for the file as "
            "it was saved"
        )


def _watched(
    steps: Iterator[Progress], side: str, stop: Stop, on_progress: OnProgress | None
) -> bool:
    """Run a retraining to its end, or until stop() is true; return whether it came to its end."""
    for progress in steps:
        if on_progress:
            on_progress(side, progress)
        if stop():
            return False
    return True


def _other_start(side: str, recipe: Recipe, agent: Agent) -> str | None:
    """Return how an agent that was made anew is not the one that began a match."""
    stated = (recipe.n_steps, recipe.diverged, recipe.energy.training)
    if stated == (agent.n_steps, agent.diverged, agent.energy.training):
        return None
    return (
        f"fighter {side} began after {recipe.n_steps:,} steps and {recipe.energy.training:,} operations "
        f"of training, retraining gives {agent.n_steps:,} and {agent.energy.training:,}"
    )


def _first_other(recorded: Any, anew: Any, place: str = "") -> str | None:
    """Return where a record differs first from its replay; an older record may hold less."""
    if isinstance(recorded, dict) and isinstance(anew, dict):
        differences = (
            _first_other(value, anew.get(key), f"{place}.{key}".lstrip("."))
            for key, value in recorded.items()
        )
        return next((found for found in differences if found), None)
    if type(recorded) is type(anew) and recorded == anew:
        return None
    return f"{place} is recorded as {_brief(recorded)}, the replay gives {_brief(anew)}"


def _brief(value: Any) -> str:
    return printable(json.dumps(value), 60)
