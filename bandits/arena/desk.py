"""What the parts of an open arena share: its file, its datasets, and how an agent is taken and put back.

An agent is taken from its row, worked on in memory, and put back in a single transaction with what the
work has cost.  Whoever opens the arena may say when long work is to stop, and which agents are not to be
taken because somebody else works on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bandits.agent.agent import Agent
from bandits.arena.agent_rows import agent_report, restored, score_key, start_of, stored
from bandits.arena.library import Library
from bandits.arena.reports import AgentReport
from bandits.contest.battle import Outcome
from bandits.contest.ratings import Rating
from bandits.contest.ratings import update as update_ratings
from bandits.datasets import Dataset
from bandits.errors import BadFile, BanditsError, Stopped, UnknownName, printable
from bandits.model.energy import Energy
from bandits.store.rows import AgentRow, PackedState
from bandits.store.store import Store

STARTER_DATASET = "names"
JUDGE_SEED = 0  # of the samples that the leaderboard judges

Stop = Callable[[], bool]
Taken = tuple[AgentRow, Agent]


def _never() -> bool:
    return False


def _anyone(name: str) -> None:
    pass


class NoAgents(UnknownName):
    """The roster is empty, so there is no current agent."""


class Desk:
    """The open arena.db of one Arena."""

    def __init__(
        self, home: Path, *, stop: Stop | None, check_free: Callable[[str], None] | None
    ) -> None:
        self.store = Store(home)
        self.library = Library(self.store)
        self.stop = stop or _never
        self.check_free = check_free or _anyone

    def check_stop(self) -> None:
        """Raise Stopped if long work is to stop: for work that has nothing to keep."""
        if self.stop():
            raise Stopped

    # What is current

    @property
    def current(self) -> str:
        """The name of the current agent; empty when the roster is."""
        return self.store.agents.name_of(self.current_id()) or ""

    def current_id(self) -> int:
        """Return the number of the current agent's row, 0 if there is none."""
        return int(self.store.meta("current_agent") or 0)

    @property
    def dataset_name(self) -> str:
        """The name of the current dataset, which need not be read for it."""
        return self.store.meta("current_dataset") or STARTER_DATASET

    # Agents

    def row(self, name: str | None) -> AgentRow:
        """Return an agent's row, the current one's if None.  Raises UnknownName."""
        if name is None and not self.current:
            raise NoAgents("there are no agents")
        return self.store.agents.row(self.current if name is None else name)

    def row_to_change(self, name: str | None) -> AgentRow:
        """Return the row of an agent that nobody else works on, to change it."""
        row = self.row(name)
        self.check_free(row.name)
        return row

    def take(self, name: str | None) -> Taken:
        """Return an agent that nobody else works on, and its row, of the same version.

        Raises: UnknownName; what check_free raises; BadFile if it is damaged or its dataset is not here.
        """
        return self.read(self.row_to_change(name).name)

    def read(self, name: str) -> Taken:
        """Return an agent as it was last kept, and its row, whoever works on it."""
        row, arrays = self.store.agents.with_arrays(name)
        dataset = self.library.with_content(row.dataset_sha256, row.metadata["dataset_name"])
        if dataset is None:
            raise BadFile(
                f"agent '{row.name}' learned dataset "
                f"'{printable(str(row.metadata['dataset_name']))}', which this bandits does not have"
            )
        return row, Agent.from_state(restored(row, arrays), dataset)

    @contextmanager
    def about(self, row: AgentRow) -> Iterator[None]:
        """Let the errors that are raised in this context say which agent they are about."""
        try:
            yield
        except BanditsError as error:
            error.agent, error.is_current = row.name, row.id == self.current_id()
            raise

    def keep(
        self, taken: Sequence[Taken], command: str, outcome: Outcome | None = None
    ) -> int | None:
        """Write what agents have learned and spent, and the match if it was one; return its number."""
        states = [  # packed before the lock is taken
            (row, stored(agent), agent.energy - row.energy) for row, agent in taken
        ]
        with self.store.transaction():
            for row, state, spent in states:
                self.store.agents.update(row, state, spent, command=command)
            if outcome is None:
                return None
            (a, a_state, _), (b, b_state, _) = states
            rated = update_ratings(Rating(a.mu, a.sigma), Rating(b.mu, b.sigma), outcome.winner)
            for row, rating in zip((a, b), rated, strict=True):
                self.store.agents.set_rating(row.id, rating.mu, rating.sigma)
            if outcome.seed == JUDGE_SEED:  # then the leaderboard would find the same
                for state, corner in ((a_state, outcome.a), (b_state, outcome.b)):
                    assert corner.figures is not None
                    self.store.put_score(score_key(state), corner.figures.as_dict())
            return self.store.matches.insert(
                a,
                b,
                ruleset=outcome.ruleset,
                dataset_name=taken[0][1].dataset.name,
                winner=outcome.winner,
                outcome=outcome.record(),
                starts={"a": start_of(a), "b": start_of(b)},
            )

    def charge(self, row: AgentRow, agent: Agent, command: str) -> None:
        """Write what an agent has spent, and nothing else of it."""
        with self.store.transaction():
            spent = agent.energy - row.energy
            self.store.agents.charge(row.id, spent, command=command)

    def insert(
        self,
        name: str,
        state: PackedState,
        energy: Energy,
        command: str,
        *,
        unverified: bool = False,
    ) -> int:
        """Add an agent, inside a transaction; return its number."""
        rating = Rating()
        return self.store.agents.insert(
            name,
            state,
            energy,
            command=command,
            mu=rating.mu,
            sigma=rating.sigma,
            unverified=unverified,
        )

    def enter(
        self,
        name: str,
        state: PackedState,
        energy: Energy,
        command: str,
        *,
        becomes_current: bool = True,
        unverified: bool = False,
    ) -> AgentReport:
        """Add an agent to the roster in a transaction of its own."""
        with self.store.transaction():
            agent_id = self.insert(name, state, energy, command, unverified=unverified)
            if becomes_current:
                self.store.set_meta("current_agent", str(agent_id))
        return self.report_of(name)

    def report_of(self, name: str) -> AgentReport:
        """Return an agent as the roster shows it."""
        return self.report(self.store.agents.row(name), self.current_id())

    def report(self, row: AgentRow, current_id: int) -> AgentReport:
        """Return a row as the roster shows it."""
        judgement = self.store.score(score_key(row))
        return agent_report(row, current=row.id == current_id, judgement=judgement)

    # Datasets

    def dataset(self) -> Dataset:
        """Return the current dataset."""
        return self.library.named(self.dataset_name)
