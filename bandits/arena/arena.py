"""The arena: a roster of agents, their datasets and battles, in one file.  The game's public API.

    with Arena() as arena:
        arena.create_agent("Ada", n_embd=32)
        arena.train(1000)
        print(arena.battle("Ada", "B", 100).winner)

`name=None` always means the current agent.  A method that changes something does its work first and
then writes it in a single transaction: whatever interrupts it leaves the old or the new state, and
no other process waits for a training.  If another process has changed the same agent meanwhile, it
raises StoreError and saves nothing.  Judging (battles, leaderboard, the score of a sample) is free;
training, generating, evaluating, diagnosing and gradients are charged to the agent, in operations.

Arena itself only says what there is; each call is one of the part that it names.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from bandits.agent.agent import Agent, Progress
from bandits.agent.history import LossHistory
from bandits.arena.battles import Battles
from bandits.arena.desk import Desk
from bandits.arena.looking import Activations, Attention, GradientCourse, Looking
from bandits.arena.proof import Proof
from bandits.arena.reports import (
    AgentReport,
    BattleReport,
    DatasetReport,
    EvaluateReport,
    GenerateReport,
    MatchReport,
    TrainReport,
    VerifyReport,
)
from bandits.arena.roster import Roster
from bandits.arena.training import Training
from bandits.contest.leaderboard import LeaderboardRow
from bandits.datasets import Dataset
from bandits.health.findings import DiagnoseReport
from bandits.model.energy import Energy
from bandits.model.settings import Settings
from bandits.store.database import default_home

OnProgress = Callable[[Progress], None]
OnSide = Callable[[str, Progress], None]


class Arena:
    """An open arena; a context manager.

    home: its folder, $BANDITS_HOME or the platform's place for user data if None.  The first one
    opened there makes the starter agents A and B.
    stop: asked every few hundredths of a second of long work, between two steps or two parts.  When it
    is true, what trains keeps what it has trained, and anything else raises Stopped and changes nothing.
    check_free: called with the name of each agent that a call works on or changes; it may raise.
    Raises: StoreError if the folder cannot be used, BadFile if arena.db is not an arena.
    """

    def __init__(
        self,
        home: str | os.PathLike[str] | None = None,
        *,
        stop: Callable[[], bool] | None = None,
        check_free: Callable[[str], None] | None = None,
    ) -> None:
        self.home = default_home() if home is None else Path(home)
        self._desk = Desk(self.home, stop=stop, check_free=check_free)
        self._roster = Roster(self._desk)
        self._training = Training(self._desk)
        self._battles = Battles(self._desk)
        self._proof = Proof(self._desk)
        self._looking = Looking(self._desk)
        try:
            self._roster.make_starters()
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
        self._desk.store.close()

    @property
    def path(self) -> Path:
        """The arena's file."""
        return self._desk.store.database.path

    # What is current

    @property
    def current(self) -> str:
        """The name of the current agent; empty when the roster is."""
        return self._desk.current

    @property
    def dataset(self) -> Dataset:
        """The current dataset: new agents learn it, and the leaderboard is about it."""
        return self._desk.dataset()

    @property
    def dataset_name(self) -> str:
        """The name of the current dataset, which need not be read for it."""
        return self._desk.dataset_name

    # The roster

    def agents(self) -> list[AgentReport]:
        """Return the roster, oldest agent first."""
        return self._roster.agents()

    def agent(self, name: str | None = None) -> Agent:
        """Return a copy of an agent; what is done to it stays out of the arena.

        Raises: UnknownName.
        """
        return self._desk.take(name)[1]

    def energy(self, name: str | None = None) -> Energy:
        """Return what an agent and its ancestors have spent, in operations.  Raises UnknownName."""
        return self._desk.row(name).energy

    def create_agent(
        self,
        name: str,
        *,
        n_embd: int = 16,
        n_layer: int = 1,
        n_head: int = 4,
        block_size: int = 16,
        seed: int = 42,
    ) -> AgentReport:
        """Make an untrained agent on the current dataset; it becomes the current agent.

        Raises: InvalidValue for a name or sizes that cannot be, and for a name that is taken.
        """
        return self._roster.create(
            name, n_embd=n_embd, n_layer=n_layer, n_head=n_head, block_size=block_size, seed=seed
        )

    def clone_agent(self, source: str, name: str) -> AgentReport:
        """Copy an agent with its lineage's energy, not its record; the current agent stays.

        Raises: UnknownName, InvalidValue for a name that cannot be or is taken.
        """
        return self._roster.clone(source, name)

    def switch_agent(self, name: str) -> AgentReport:
        """Make an agent the current one.  Raises UnknownName."""
        return self._roster.switch(name)

    def rename_agent(self, old: str, new: str) -> AgentReport:
        """Give an agent another name.  Raises UnknownName, InvalidValue for a name that is taken."""
        return self._roster.rename(old, new)

    def delete_agent(self, name: str) -> None:
        """Remove an agent for good.  If it was the current one, the one before it in the roster is next.

        Raises: UnknownName.
        """
        self._roster.delete(name)

    def settings(self, name: str | None = None) -> Settings:
        """Return how an agent trains and samples.  Raises UnknownName."""
        return self._roster.settings(name)

    def set_setting(self, key: str, text: str, name: str | None = None) -> Settings:
        """Change one setting of an agent, read from `text`, and return them all.

        Raises: UnknownName for the agent or the key, InvalidValue for the value.
        """
        return self._roster.set_setting(key, text, name)

    def datasets(self) -> list[DatasetReport]:
        """Return every dataset that agents can learn here, the package's first."""
        return self._roster.datasets()

    def use_dataset(self, name_or_path: str | os.PathLike[str]) -> DatasetReport:
        """Choose the dataset of new agents: one by name, or a UTF-8 text file of one document a line.

        A file is copied into the arena under its name without the ending.
        Raises: UnknownName, BadFile, InvalidValue.
        """
        return self._roster.use_dataset(name_or_path)

    # Training

    def train(
        self, n_steps: int, name: str | None = None, *, on_progress: OnProgress | None = None
    ) -> TrainReport:
        """Train an agent up to n_steps more steps and charge it; a stop keeps what was trained.

        on_progress: called after each chunk of at most 50 ms.
        Raises: UnknownName; InvalidValue if the agent cannot train (nothing is spent); StoreError.
        """
        return self._training.train(n_steps, name, on_progress)

    def generate(
        self, n: int = 10, name: str | None = None, *, seed: int | None = None
    ) -> GenerateReport:
        """Let an agent write n documents, charge it, and score exactly this sample.

        seed: the same seed gives the same documents; None gives others each time.
        Raises: UnknownName, InvalidValue, StoreError.
        """
        return self._training.generate(n, name, seed)

    def evaluate(self, name: str | None = None, *, split: str = "validation") -> EvaluateReport:
        """Measure an agent on a split of its dataset and charge it.

        split: 'train', 'validation' or 'test'.
        Raises: UnknownName, InvalidValue for another split, StoreError.
        """
        return self._training.evaluate(name, split)

    # Battles

    def battle(
        self,
        a: str,
        b: str,
        n_steps: int | None = None,
        *,
        max_flops: int | None = None,
        exhibition: bool = False,
        seed: int = 0,
        on_progress: OnSide | None = None,
    ) -> BattleReport:
        """Let two agents train n_steps more steps each, or what max_flops affords, and judge them.

        Both keep the training, the match and their ratings are recorded; an exhibition changes
        nothing.  A stop keeps what was trained and records no match.
        on_progress: called in this thread with 'a' or 'b' and a chunk's progress.
        Raises: UnknownName, InvalidValue, StoreError.
        """
        return self._battles.fight(
            a,
            b,
            n_steps,
            max_flops,
            exhibition=exhibition,
            seed=seed,
            on_progress=on_progress,
        )

    def matches(self) -> list[MatchReport]:
        """Return every recorded battle, oldest first."""
        return self._battles.all()

    def match(self, match_id: int | None = None) -> MatchReport:
        """Return a recorded battle, the latest if None.  Raises UnknownName."""
        return self._battles.one(match_id)

    def leaderboard(self) -> list[LeaderboardRow]:
        """Return the current dataset's agents, the most efficient of each league first.

        Judging is free; what the judge found is kept until the weights change.
        """
        return self._battles.leaderboard()

    # Files and proof

    def save(self, path: str | os.PathLike[str] | None = None, name: str | None = None) -> Path:
        """Write an agent to a champion file, NAME.safetensors in the current folder by default.

        path: a file, whose ending may be left out, or a folder.
        An earlier champion of that path is replaced, any other file is not.
        Raises: UnknownName, StoreError if the file cannot be written.
        """
        return self._proof.save(path, name)

    def load(self, path: str | os.PathLike[str], as_name: str | None = None) -> AgentReport:
        """Read an agent from a champion file; it becomes the current agent, energy and all.

        as_name: what to call it here, if not by the name in the file.  It is unverified, unless an agent
        of the same record has been verified here.
        Raises: BadFile for a file that is no champion or of a dataset that is unknown here,
        InvalidValue for a name that is taken.
        """
        return self._proof.load(path, as_name)

    def unverified(self) -> list[str]:
        """Return the names of the agents that came from files and have not been verified, oldest first."""
        return self._proof.unverified()

    def verify(self, name: str | None = None, *, on_progress: OnSide | None = None) -> VerifyReport:
        """Retrain an agent from its seed and compare: is it what its record says?

        on_progress: called with 'a' after each chunk.  An agent from a file that is what it says is
        unverified no more.  A stop ends it without a verdict.
        Raises: UnknownName; InvalidValue if its course is not known.
        """
        return self._proof.verify(name, on_progress=on_progress)

    def verify_file(
        self,
        path: str | os.PathLike[str],
        *,
        dataset: str | os.PathLike[str] | None = None,
        on_progress: OnSide | None = None,
    ) -> VerifyReport:
        """Do what `verify` does with a champion file, which stays out of the arena.

        dataset: the text file that it learned, if the arena does not know it.
        Raises: BadFile; InvalidValue if its course is not known or that was not its dataset.
        """
        return self._proof.verify_file(path, dataset=dataset, on_progress=on_progress)

    def verify_match(self, match_id: int, *, on_progress: OnSide | None = None) -> VerifyReport:
        """Make both fighters anew as they were before a match, let them fight again, and compare.

        on_progress: called with 'a' or 'b' and a chunk's progress.  A stop ends it without a verdict.
        Raises: UnknownName; InvalidValue if it cannot be replayed; BadFile if its record is damaged.
        """
        return self._proof.verify_match(match_id, on_progress=on_progress)

    # Looking

    def losses(self, name: str | None = None) -> LossHistory:
        """Return the loss of every step an agent has trained.  Raises UnknownName."""
        return self._looking.losses(name)

    def gradients(self, name: str | None = None) -> dict[str, npt.NDArray[np.float32]]:
        """Return the gradients of an agent's next minibatch by weight name, and charge it.

        Raises: UnknownName, StoreError.
        """
        return self._looking.gradients(name)

    def gradient_course(
        self,
        name: str | None = None,
        *,
        replay: bool = False,
        on_progress: OnProgress | None = None,
    ) -> GradientCourse:
        """Return the gradients of an agent now and, by training it anew, at steps of its past.

        What is probed is charged, the replay is not; a long one needs replay=True.
        Raises: UnknownName, StoreError.
        """
        return self._looking.gradient_course(name, replay=replay, on_progress=on_progress)

    def attention(
        self, name: str | None = None, text: str | None = None, *, layer: int | None = None
    ) -> Attention:
        """Return where an agent looks while it reads a text, in one layer or all, and charge it.

        text: a typical document of validation if None.
        Raises: UnknownName; InvalidValue for a text or a layer it does not have; StoreError.
        """
        return self._looking.attention(name, text, layer=layer)

    def activations(self, name: str | None = None) -> Activations:
        """Return how often an agent's MLP units are active on its next documents, and charge it.

        Raises: UnknownName; InvalidValue if its weights are not finite; StoreError.
        """
        return self._looking.activations(name)

    def diagnose(self, name: str | None = None) -> DiagnoseReport:
        """Examine an agent's gradients, units and updates, and charge it.

        Raises: UnknownName, StoreError.
        """
        return self._looking.diagnose(name)
