"""Who is in the arena: creating, choosing, cloning and renaming agents, their settings, and datasets.

The part of an Arena that keeps the books and runs no model.
"""

from __future__ import annotations

import os
from pathlib import Path

from bandits import datasets
from bandits.agent.agent import Agent, check_agent_name
from bandits.arena.agent_rows import settings_of, stored
from bandits.arena.desk import STARTER_DATASET, Desk
from bandits.arena.reports import AgentReport, DatasetReport
from bandits.datasets import Dataset
from bandits.model.batch_memory import check_batch_memory
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy
from bandits.model.settings import Settings

STARTERS = {
    "A": (16, 1, 4),
    "B": (8, 1, 2),
}  # n_embd, n_layer, n_head: microGPT's, and half as wide
STARTER_SEED = 42


class Roster:
    """The agents and datasets of an open arena; see Arena."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def make_starters(self) -> None:
        """Make the first agents of an arena that never had any."""
        store = self._desk.store
        if store.meta("starters"):
            return
        dataset = datasets.load(STARTER_DATASET)
        states = {}
        for name, (n_embd, n_layer, n_head) in STARTERS.items():
            config = GPTConfig(
                vocab_size=dataset.vocab_size, n_embd=n_embd, n_layer=n_layer, n_head=n_head
            )
            states[name] = stored(Agent(dataset, config, seed=STARTER_SEED))
        with store.transaction():
            if store.meta("starters"):  # another process was first
                return
            ids = {
                name: self._desk.insert(name, state, Energy(), "create")
                for name, state in states.items()
            }
            store.set_meta("current_agent", str(ids["A"]))
            store.set_meta("current_dataset", dataset.name)
            store.set_meta("starters", "made")

    # Agents

    def agents(self) -> list[AgentReport]:
        """Return the roster, oldest agent first."""
        current = self._desk.current_id()
        return [self._desk.report(row, current) for row in self._desk.store.agents.all()]

    def create(
        self, name: str, *, n_embd: int, n_layer: int, n_head: int, block_size: int, seed: int
    ) -> AgentReport:
        """Make an untrained agent on the current dataset; it becomes the current agent."""
        self._check_new(name)
        dataset = self._desk.dataset()
        config = GPTConfig(
            vocab_size=dataset.vocab_size,
            n_embd=n_embd,
            n_layer=n_layer,
            n_head=n_head,
            block_size=block_size,
        )
        state = stored(Agent(dataset, config, seed=seed))
        return self._desk.enter(name, state, Energy(), "create")

    def clone(self, source: str, name: str) -> AgentReport:
        """Copy an agent with its lineage's energy, not its record; the current agent stays."""
        self._check_new(name)
        row, agent = self._desk.take(source)
        return self._desk.enter(
            name,
            stored(agent),
            row.energy,
            "clone",
            becomes_current=False,
            unverified=row.unverified,
        )

    def _check_new(self, name: str) -> None:
        check_agent_name(name)
        self._desk.store.agents.check_name_is_free(name)

    def switch(self, name: str) -> AgentReport:
        """Make an agent the current one."""
        store = self._desk.store
        with store.transaction():
            store.set_meta("current_agent", str(store.agents.row(name).id))
        return self._desk.report_of(name)

    def rename(self, old: str, new: str) -> AgentReport:
        """Give an agent another name."""
        check_agent_name(new)
        self._desk.check_free(old)
        with self._desk.store.transaction():
            self._desk.store.agents.rename(old, new)
        return self._desk.report_of(new)

    def delete(self, name: str) -> None:
        """Remove an agent for good; if it was the current one, the one before it in the roster is next."""
        self._desk.check_free(name)
        store = self._desk.store
        with store.transaction():
            before = store.agents.ids()
            gone = store.agents.delete(name)
            if gone == self._desk.current_id():
                place = before.index(gone)
                heirs = before[:place][-1:] or before[place + 1 :][:1]
                store.set_meta("current_agent", str(heirs[0]) if heirs else None)

    # Settings

    def settings(self, name: str | None) -> Settings:
        """Return how an agent trains and samples."""
        return settings_of(self._desk.row(name))

    def set_setting(self, key: str, text: str, name: str | None) -> Settings:
        """Change one setting of an agent, read from `text`, and return them all."""
        row = self._desk.row_to_change(name)
        settings = settings_of(row).with_value(key, text)
        with self._desk.about(row):
            check_batch_memory(GPTConfig.from_dict(row.metadata["config"]), settings.batch_size)
        metadata = {**row.metadata, "settings": settings.as_dict()}
        with self._desk.store.transaction():
            self._desk.store.agents.update_metadata(row, metadata)
        return settings

    # Datasets

    def datasets(self) -> list[DatasetReport]:
        """Return every dataset that agents can learn here, the package's first."""
        library = self._desk.library
        return [self._dataset_row(library.named(name)) for name in library.names()]

    def use_dataset(self, name_or_path: str | os.PathLike[str]) -> DatasetReport:
        """Choose the dataset of new agents: one by name, or a UTF-8 text file of one document a line."""
        library = self._desk.library
        text = os.fspath(name_or_path)
        is_name = text in library.names() or not (os.path.lexists(text) or os.sep in text)
        dataset = library.named(text) if is_name else library.read(Path(text))
        with self._desk.store.transaction():
            name = library.add(dataset)
            self._desk.store.set_meta("current_dataset", name)
        return self._dataset_row(library.named(name))

    def _dataset_row(self, dataset: Dataset) -> DatasetReport:
        rows = self._desk.store.agents.all()
        return DatasetReport(
            name=dataset.name,
            sha256=dataset.sha256,
            n_documents=len(dataset.documents),
            n_train=len(dataset.train),
            n_validation=len(dataset.validation),
            n_test=len(dataset.test),
            vocab_size=dataset.vocab_size,
            n_agents=sum(row.dataset_sha256 == dataset.sha256 for row in rows),
            built_in=self._desk.library.is_built_in(dataset.name),
            current=dataset.name == self._desk.dataset_name,
        )
