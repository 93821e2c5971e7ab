"""Who is in the arena: creating, choosing, cloning and renaming agents, and their settings.

The half of `bandits.arena.Arena` that keeps the books and runs no model.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from bandits import datasets
from bandits.agent.agent import Agent, check_agent_name
from bandits.arena.conversion import restored, roster_row, score_key, stored
from bandits.arena.library import Library
from bandits.arena.reports import AgentRow, DatasetRow
from bandits.contest.ratings import Rating
from bandits.datasets import Dataset
from bandits.errors import BadFile, UnknownName, printable
from bandits.model.batch_memory import check_batch_memory
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy
from bandits.model.settings import Settings
from bandits.store.database import default_home
from bandits.store.rows import AgentRecord, StoredState
from bandits.store.store import Store

STARTERS = {
    "A": (16, 1, 4),
    "B": (8, 1, 2),
}  # n_embd, n_layer, n_head: microGPT's, and half as wide
STARTER_DATASET = "names"
STARTER_SEED = 42


class Roster:
    """The agents and datasets of an open arena.db; see Arena."""

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None:
        self.home = default_home() if home is None else Path(home)
        self._store = Store(self.home)
        self._library = Library(self._store)
        try:
            self._first_run()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close arena.db.  Everything is saved already."""
        self._store.close()

    def _first_run(self) -> None:
        if self._store.meta("starters"):
            return
        dataset = datasets.load(STARTER_DATASET)
        states = {}
        for name, (n_embd, n_layer, n_head) in STARTERS.items():
            config = GPTConfig(
                vocab_size=dataset.vocab_size, n_embd=n_embd, n_layer=n_layer, n_head=n_head
            )
            states[name] = stored(Agent(dataset, config, seed=STARTER_SEED))
        with self._store.transaction():
            if self._store.meta("starters"):  # another process was first
                return
            ids = {
                name: self._insert(name, state, Energy(), "create")
                for name, state in states.items()
            }
            self._store.set_meta("current_agent", str(ids["A"]))
            self._store.set_meta("current_dataset", dataset.name)
            self._store.set_meta("starters", "made")

    # What is current

    @property
    def path(self) -> Path:
        """The arena's file."""
        return self._store.path

    @property
    def current(self) -> str:
        """The name of the current agent; empty when the roster is."""
        return self._store.agent_name(self._current_id()) or ""

    @property
    def dataset(self) -> Dataset:
        """The current dataset: new agents learn it, and the leaderboard is about it."""
        return self._library.named(self.dataset_name)

    @property
    def dataset_name(self) -> str:
        """The name of the current dataset, which need not be read for it."""
        return self._store.meta("current_dataset") or STARTER_DATASET

    def _current_id(self) -> int:
        return int(self._store.meta("current_agent") or 0)

    def _record(self, name: str | None) -> AgentRecord:
        if name is None and not self.current:
            raise UnknownName("there are no agents; make one with create_agent NAME")
        return self._store.agent(self.current if name is None else name)

    def _loaded(self, name: str | None) -> tuple[AgentRecord, Agent]:
        """Return a row and its agent, of the same version."""
        record, arrays = self._store.agent_with_arrays(self._record(name).name)
        dataset = self._library.with_content(record.dataset_sha256, record.metadata["dataset_name"])
        if dataset is None:
            raise BadFile(
                f"agent '{record.name}' learned dataset "
                f"'{printable(str(record.metadata['dataset_name']))}', which this bandits does not have"
            )
        return record, Agent.from_state(restored(record, arrays), dataset)

    # Agents

    def agents(self) -> list[AgentRow]:
        """Return the roster, oldest agent first."""
        current = self._current_id()
        return [self._row(record, current) for record in self._store.agents()]

    def agent(self, name: str | None = None) -> Agent:
        """Return a copy of an agent; what is done to it stays out of the arena.

        Raises: UnknownName.
        """
        return self._loaded(name)[1]

    def energy(self, name: str | None = None) -> Energy:
        """Return what an agent and its ancestors have spent, in operations.  Raises UnknownName."""
        return self._record(name).energy

    def create_agent(
        self,
        name: str,
        *,
        n_embd: int = 16,
        n_layer: int = 1,
        n_head: int = 4,
        block_size: int = 16,
        seed: int = 42,
    ) -> AgentRow:
        """Make an untrained agent on the current dataset; it becomes the current agent.

        Raises: InvalidValue for a name or sizes that cannot be, and for a name that is taken.
        """
        check_agent_name(name)
        self._store.check_name_is_free(name)
        dataset = self.dataset
        config = GPTConfig(
            vocab_size=dataset.vocab_size,
            n_embd=n_embd,
            n_layer=n_layer,
            n_head=n_head,
            block_size=block_size,
        )
        return self._enter(name, stored(Agent(dataset, config, seed=seed)), Energy(), "create")

    def clone_agent(self, source: str, name: str) -> AgentRow:
        """Copy an agent with its lineage's energy, not its record; the current agent stays.

        Raises: UnknownName, InvalidValue for a name that cannot be or is taken.
        """
        check_agent_name(name)
        self._store.check_name_is_free(name)
        record, agent = self._loaded(source)
        return self._enter(
            name,
            stored(agent),
            record.energy,
            "clone",
            becomes_current=False,
            unverified=record.unverified,
        )

    def switch_agent(self, name: str) -> AgentRow:
        """Make an agent the current one.  Raises UnknownName."""
        with self._store.transaction():
            self._store.set_meta("current_agent", str(self._store.agent(name).id))
        return self._row_of(name)

    def rename_agent(self, old: str, new: str) -> AgentRow:
        """Give an agent another name.  Raises UnknownName, InvalidValue for a name that is taken."""
        check_agent_name(new)
        with self._store.transaction():
            self._store.rename_agent(old, new)
        return self._row_of(new)

    def delete_agent(self, name: str) -> None:
        """Remove an agent for good.  If it was the current one, the one before it in the roster is next.

        Raises: UnknownName.
        """
        with self._store.transaction():
            before = self._store.agent_ids()
            gone = self._store.delete_agent(name)
            if gone == self._current_id():
                place = before.index(gone)
                heirs = before[:place][-1:] or before[place + 1 :][:1]
                self._store.set_meta("current_agent", str(heirs[0]) if heirs else None)

    # Settings

    def settings(self, name: str | None = None) -> Settings:
        """Return how an agent trains and samples.  Raises UnknownName."""
        return Settings.from_dict(self._record(name).metadata["settings"])

    def set_setting(self, key: str, text: str, name: str | None = None) -> Settings:
        """Change one setting of an agent, read from `text`, and return them all.

        Raises: UnknownName for the agent or the key, InvalidValue for the value.
        """
        record = self._record(name)
        settings = Settings.from_dict(record.metadata["settings"]).with_value(key, text)
        check_batch_memory(GPTConfig.from_dict(record.metadata["config"]), settings.batch_size)
        with self._store.transaction():
            self._store.update_metadata(record, {**record.metadata, "settings": settings.as_dict()})
        return settings

    # Datasets

    def datasets(self) -> list[DatasetRow]:
        """Return every dataset that agents can learn here, the package's first."""
        return [self._dataset_row(self._library.named(name)) for name in self._library.names()]

    def use_dataset(self, name_or_path: str | os.PathLike[str]) -> DatasetRow:
        """Choose the dataset of new agents: one by name, or a UTF-8 text file of one document a line.

        A file is copied into the arena under its name without the ending.
        Raises: UnknownName, BadFile, InvalidValue.
        """
        text = os.fspath(name_or_path)
        is_name = text in self._library.names() or not (os.path.lexists(text) or os.sep in text)
        dataset = self._library.named(text) if is_name else self._library.read(Path(text))
        with self._store.transaction():
            name = self._library.add(dataset)
            self._store.set_meta("current_dataset", name)
        return self._dataset_row(self._library.named(name))

    # Rows

    def _insert(
        self,
        name: str,
        state: StoredState,
        energy: Energy,
        command: str,
        *,
        unverified: bool = False,
    ) -> int:
        rating = Rating()
        return self._store.insert_agent(
            name,
            state,
            energy,
            command=command,
            mu=rating.mu,
            sigma=rating.sigma,
            unverified=unverified,
        )

    def _enter(
        self,
        name: str,
        state: StoredState,
        energy: Energy,
        command: str,
        *,
        becomes_current: bool = True,
        unverified: bool = False,
    ) -> AgentRow:
        with self._store.transaction():
            agent_id = self._insert(name, state, energy, command, unverified=unverified)
            if becomes_current:
                self._store.set_meta("current_agent", str(agent_id))
        return self._row_of(name)

    def _row_of(self, name: str) -> AgentRow:
        return self._row(self._store.agent(name), self._current_id())

    def _row(self, record: AgentRecord, current_id: int) -> AgentRow:
        return roster_row(
            record,
            current=record.id == current_id,
            judgement=self._store.score(score_key(record)),
        )

    def _dataset_row(self, dataset: Dataset) -> DatasetRow:
        records = self._store.agents()
        return DatasetRow(
            name=dataset.name,
            sha256=dataset.sha256,
            n_documents=len(dataset.documents),
            n_train=len(dataset.train),
            n_validation=len(dataset.validation),
            n_test=len(dataset.test),
            vocab_size=dataset.vocab_size,
            n_agents=sum(record.dataset_sha256 == dataset.sha256 for record in records),
            built_in=self._library.is_built_in(dataset.name),
            current=dataset.name == (self._store.meta("current_dataset") or STARTER_DATASET),
        )
