"""Laws of two processes on one arena, and of one that is killed."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bandits.agent.agent import Agent
from bandits.arena.arena import Arena
from bandits.datasets import load
from bandits.errors import StoreError
from bandits.model.energy import Energy
from tests.support.arenas import contents, hear, start, tell


@pytest.fixture
def arena(home: Path) -> Iterator[Arena]:
    with Arena() as arena:
        assert arena.home == home  # conftest's BANDITS_HOME
        yield arena


# Two processes


TRAINER = """
import sys
from bandits import Arena
from bandits.errors import StoreError
arena = Arena()
print("ready", flush=True)
for line in sys.stdin:
    try:
        print("step", arena.train(int(line), sys.argv[1]).step, flush=True)
    except StoreError as error:
        print(error, flush=True)
"""


def test_two_first_runs_at_the_same_moment_make_one_roster(home: Path) -> None:
    script = "import sys; from bandits import Arena; print('ready', flush=True)\n"
    script += "sys.stdin.readline()\nwith Arena() as arena: print(len(arena.agents()))"
    runs = [start(script) for _ in range(2)]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()
    assert [run.communicate() for run in runs] == [("2\n", "")] * 2
    with Arena() as arena:
        assert [row.name for row in arena.agents()] == ["A", "B"]


def test_two_processes_train_two_agents_at_once(home: Path) -> None:
    with Arena() as arena:
        trainers = {name: start(TRAINER, name) for name in ("A", "B")}
        for trainer in trainers.values():
            assert hear(trainer) == "ready"
        for trainer in trainers.values():
            tell(trainer, "300")
            tell(trainer, "300")
        for trainer in trainers.values():
            assert (hear(trainer), hear(trainer)) == ("step 300", "step 600")
            trainer.communicate()
        assert [row.n_steps for row in arena.agents()] == [600, 600]


def test_of_two_that_train_one_agent_at_once_one_is_told_and_saves_nothing(arena: Arena) -> None:
    """The second begins while the first still trains, and the first ends last."""

    def meanwhile(progress: object) -> None:
        if not told:
            with Arena() as other:
                told.append(other.train(5, "A").step)

    told: list[int] = []
    with pytest.raises(StoreError, match="'A' was changed by another bandits meanwhile"):
        arena.train(20, on_progress=meanwhile)
    assert told == [5]
    assert arena.agents()[0].n_steps == 5
    assert arena.train(20).step == 25


def test_generating_in_another_window_does_not_spoil_a_training(arena: Arena) -> None:
    def meanwhile(progress: object) -> None:
        with Arena() as other:
            spent.append(other.generate(3, "A").n_flops)

    spent: list[int] = []
    report = arena.train(20, on_progress=meanwhile)
    assert arena.energy() == Energy(training=report.n_flops, generation=sum(spent))


def test_an_agent_renamed_meanwhile_keeps_its_battle(arena: Arena) -> None:
    def meanwhile(side: str, progress: object) -> None:
        if arena.current == "A":
            with Arena() as other:
                other.rename_agent("A", "Ada")

    arena.battle("A", "B", 20, on_progress=meanwhile)
    assert [(row.name, row.n_steps) for row in arena.agents()] == [("Ada", 20), ("B", 20)]


def test_an_agent_deleted_meanwhile_is_not_written(arena: Arena) -> None:
    def meanwhile(progress: object) -> None:
        with Arena() as other:
            if "A" in [row.name for row in other.agents()]:
                other.delete_agent("A")
                other.create_agent("A")

    with pytest.raises(StoreError, match="meanwhile"):
        arena.train(20, "A", on_progress=meanwhile)
    assert arena.energy("A") == Energy()


def test_kill_9_while_training_leaves_a_step_that_was_saved_whole(home: Path) -> None:
    rng = random.Random(3)
    Arena().close()
    reference = Agent(load("names"))
    saved = 0
    for _ in range(6):
        trainer = start(TRAINER, "A")
        assert hear(trainer) == "ready"
        for _ in range(40):
            tell(trainer, "2")
        time.sleep(rng.random() * 0.08)
        trainer.send_signal(signal.SIGKILL)
        out, _ = trainer.communicate()
        with Arena() as arena:
            agent = arena.agent("A")
            ledger = arena._desk.store.agents.ledger(arena._desk.store.agents.row("A").id)
        steps_told = [int(line.split()[1]) for line in out.splitlines() if line.startswith("step")]
        told = max([saved, *steps_told])
        assert told <= agent.n_steps <= told + 2  # what was told is kept, one more may be
        if agent.n_steps > reference.n_steps:
            reference.train_all(agent.n_steps - reference.n_steps)
        assert contents(agent) == contents(reference)
        assert sum((spent for _, spent in ledger), Energy()) == agent.energy
        saved = agent.n_steps
