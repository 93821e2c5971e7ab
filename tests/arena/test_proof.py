"""Laws of records: an agent from a file is unverified until it is made anew; a match can be fought again."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandits import pages
from bandits.agent.agent import Agent
from bandits.agent.champion import read_champion, write_champion
from bandits.arena.arena import Arena
from bandits.datasets import Dataset, load
from bandits.errors import BadFile, InvalidValue, UnknownName
from bandits.model.builds import usable
from bandits.model.energy import Energy
from bandits.store import schema
from tests.support.arenas import (
    contents,
    endless,
    everything,
    forged,
    hear,
    names_file,
    refusal,
    start,
)
from tests.support.shelltools import environment


@pytest.fixture
def arena(home: Path) -> Iterator[Arena]:
    with Arena() as arena:
        assert arena.home == home  # conftest's BANDITS_HOME
        yield arena


def marks(arena: Arena) -> dict[str, bool]:
    return {row.name: row.unverified for row in arena.agents()}


# ---------------------------------------------------------- agents and files


def test_what_came_from_a_file_is_unverified_until_it_was_made_anew(
    arena: Arena, tmp_path: Path
) -> None:
    arena.train(30, "A")
    file = arena.save(tmp_path / "x", "A")
    assert arena.load(file, "Rival").unverified
    assert arena.clone_agent("Rival", "Twin").unverified
    arena.train(5, "Twin")
    assert marks(arena) == {"A": False, "B": False, "Rival": True, "Twin": True}
    assert arena.unverified() == ["Rival", "Twin"]
    assert [row.unverified for row in arena.leaderboard()].count(True) == 2
    assert arena.verify("Rival").verified
    assert arena.unverified() == ["Twin"]  # it has learned more, which that did not prove
    assert not arena.load(file, "Again").unverified  # the same content need not be proved twice
    arena.train(5, "Rival")  # before the arena's own eyes
    assert arena.verify("Twin").verified
    assert arena.unverified() == []


def test_a_file_can_be_verified_without_being_loaded(arena: Arena, tmp_path: Path) -> None:
    arena.train(30, "A")
    file = arena.save(tmp_path / "x", "A")
    arena.load(file, "Rival")
    names = [row.name for row in arena.agents()]
    report = arena.verify_file(tmp_path / "x")
    assert (report.kind, report.name, report.verified, report.n_steps) == ("file", "A", True, 30)
    assert report.n_flops == arena.energy("A").training
    assert [row.name for row in arena.agents()] == names
    assert arena.unverified() == []  # Rival is of that very record


def test_verifying_costs_nobody_anything_and_changes_no_agent(arena: Arena) -> None:
    arena.train(20)
    before = everything(arena)
    assert arena.verify().verified
    assert everything(arena) == before


def test_a_forged_champion_can_be_loaded_and_is_never_verified(
    arena: Arena, tmp_path: Path
) -> None:
    arena.train(40, "A")
    file = arena.save(tmp_path / "x", "A")
    true = read_champion(file).state
    wpe = true.weights["wpe"].copy()
    wpe[0, 0] = np.nextafter(wpe[0, 0], np.float32(1))
    changes: dict[str, dict[str, Any]] = {
        "weights": {"weights": {**true.weights, "wpe": wpe}},
        "bill": {"energy": replace(true.energy, training=true.energy.training + 1)},
        "seed": {"seed": 43, "energy": replace(true.energy, training=10**9)},
    }
    for name, change in changes.items():
        arena.load(forged(file, tmp_path / name, **change), name)
        report = arena.verify(name)
        assert not report.verified
        assert report.difference
        assert report.difference.isprintable()
        assert not arena.verify_file(tmp_path / name).verified
    assert arena.unverified() == list(changes)


def test_the_proof_of_one_record_is_none_of_another_with_the_same_weights(
    arena: Arena, tmp_path: Path
) -> None:
    arena.train(10, "A")
    file = arena.save(tmp_path / "x", "A")
    bill = Energy(training=arena.energy("A").training + 1)
    arena.load(forged(file, tmp_path / "y", energy=bill), "Forged")
    arena.load(file, "Honest")
    assert arena.verify("Honest").verified
    assert arena.unverified() == ["Forged"]


def test_weights_without_steps_are_not_verified_either(arena: Arena, tmp_path: Path) -> None:
    clever = Agent(load("names"))
    clever.train_all(200)
    state = replace(Agent(load("names")).state(), weights=clever.model.state_dict())
    write_champion(tmp_path / "x", "Newborn", state)
    assert arena.load(tmp_path / "x").unverified
    assert "weight wte[0, 0]" in str(arena.verify("Newborn").difference)


def test_the_dataset_of_a_file_may_be_given_if_it_is_not_known(
    arena: Arena, tmp_path: Path
) -> None:
    text = names_file(tmp_path / "toys.txt")
    for split in ("ruleset-1", None):
        agent = Agent(Dataset.from_file(text, split=split), seed=9)
        agent.train_all(10)
        write_champion(tmp_path / "toy", "Toy", agent.state())
        message = refusal(arena, BadFile, "verify_file", tmp_path / "toy")
        assert "verify FILE --dataset TEXT" in message
        assert arena.verify_file(tmp_path / "toy", dataset=text).verified
    other = tmp_path / "other.txt"
    other.write_text(text.read_text() + "\nbababa\n")
    assert "differs" in refusal(arena, InvalidValue, "verify_file", tmp_path / "toy", dataset=other)
    refusal(arena, BadFile, "verify_file", tmp_path / "toy", dataset=tmp_path / "nowhere")
    refusal(arena, BadFile, "verify_file", tmp_path / "nowhere")


def test_what_was_stopped_is_neither_verified_nor_refuted(home: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    arena = Arena(home, stop=lambda: len(seen) > 1)
    before = everything(arena)
    report = arena.verify_file(
        endless(tmp_path / "x", tmp_path / "toys.txt"),
        dataset=tmp_path / "toys.txt",
        on_progress=lambda side, progress: seen.append(progress.n_done),
    )
    assert (report.stopped, report.verified, report.difference) == (True, False, None)
    assert report.n_flops > 0
    assert seen == sorted(seen)
    assert everything(arena) == before


def test_an_agent_that_changes_while_it_is_verified_keeps_its_mark(
    arena: Arena, tmp_path: Path
) -> None:
    arena.train(20, "A")
    arena.load(arena.save(tmp_path / "x", "A"), "Rival")

    def meanwhile(side: str, progress: object) -> None:
        if arena.agent("Rival").n_steps == 20:
            with Arena() as other:
                other.train(1, "Rival")

    assert arena.verify("Rival", on_progress=meanwhile).verified  # what was read
    assert arena.unverified() == ["Rival"]  # is not what is there
    assert arena.verify("Rival").verified
    assert arena.unverified() == []


def test_a_cheaper_bill_is_told_before_and_after_loading(arena: Arena, tmp_path: Path) -> None:
    arena.set_setting("batch_size", "8", "A")  # what a batch shares is beyond the quick check
    arena.train(20, "A")
    file = arena.save(tmp_path / "x", "A")
    state = read_champion(file).state
    least = arena.agent("A").least_training_flops()
    cheap = forged(file, tmp_path / "cheap", energy=replace(state.energy, training=least))
    arena.load(cheap, "Cheap")
    assert "its bill is too low" in str(arena.verify("Cheap").difference)
    dear = forged(file, tmp_path / "no", energy=replace(state.energy, training=least - 1))
    assert "took at least" in refusal(arena, BadFile, "load", dear, "Dear")
    assert "its bill is too low" in str(arena.verify_file(dear).difference)


# ---------------------------------------------------------- matches


def fought(arena: Arena) -> None:
    """Battles of all kinds."""
    arena.train(50, "A")
    arena.set_setting("batch_size", "3", "A")
    arena.set_setting("temperature", "0.7", "B")
    arena.generate(5, "B")
    arena.battle("B", "A", max_flops=5_000_000, seed=3)
    arena.set_setting("horizon", "50", "A")  # which it is past
    arena.set_setting("learning_rate", "1e30", "B")
    arena.battle("A", "B", 10)
    arena.battle("A", "B", 10)  # B exploded before


def test_any_match_can_be_fought_again_from_the_seeds(arena: Arena) -> None:
    fought(arena)
    arena.delete_agent("B")  # the record outlives the fighter
    matches = arena.matches()
    assert [match.outcome["reason"] for match in matches][-2:] == ["forfeit", "forfeit"]
    before = everything(arena)
    for match in matches:
        report = arena.verify_match(match.match_id)
        assert report.verified, report.difference
        assert report.name == str(match.match_id)
    assert everything(arena) == before


def edit(arena: Arena, column: str, path: str, value: object) -> None:
    with arena._desk.store.transaction():
        arena._desk.store.database.execute(
            f"UPDATE matches SET {column} = json_set({column}, ?, json(?))", path, json.dumps(value)
        )


@pytest.mark.parametrize(
    ("column", "path", "value", "difference"),
    [
        ("outcome", "$.winner", "b", "winner is recorded as"),
        ("outcome", "$.a.judgement.score", 999.0, "a.judgement.score is recorded as 999.0"),
        ("outcome", "$.b.samples[0]", "\u001b[2Jx", "b.samples is recorded as"),
        ("outcome", "$.seed", 4, "is recorded as"),
        ("starts", "$.a.seed", 43, "fighter a began after 20 steps"),
        ("starts", "$.a.energy.training", 5, "fighter a began after 20 steps and 5 operations"),
        ("starts", "$.b.settings.temperature", 0.5, "b.judgement"),
    ],
)
def test_a_match_whose_record_was_edited_is_told(
    arena: Arena, column: str, path: str, value: object, difference: str
) -> None:
    arena.train(20, "A")
    arena.battle("A", "B", 20)
    edit(arena, column, path, value)
    report = arena.verify_match(1)
    assert not report.verified
    assert difference in str(report.difference)
    assert str(report.difference).isprintable()


def test_matches_that_cannot_be_fought_again_say_why(arena: Arena) -> None:
    assert "no match 1; none recorded" in refusal(arena, UnknownName, "verify_match", 1)
    arena.battle("A", "B", 5)
    assert "no match 2; 1 recorded" in refusal(arena, UnknownName, "verify_match", 2)
    for column, path, value, kind, message in (
        ("starts", "$.a.config.n_head", 5, BadFile, "damaged"),
        ("starts", "$.b.course", None, BadFile, "damaged"),
        ("starts", "$.a", 7, BadFile, "damaged"),
    ):
        kept = arena._desk.store.database.rows("SELECT starts FROM matches")
        edit(arena, column, path, value)
        assert message in refusal(arena, kind, "verify_match", 1)
        arena._desk.store.database.execute("UPDATE matches SET starts = ?", kept[0][0])
    for change, message in (
        ("ruleset = 99", "under ruleset 99, which this version of bandits does not know"),
        ("starts = NULL", "before bandits kept"),
    ):
        arena._desk.store.database.execute(f"UPDATE matches SET {change}, ruleset = ruleset")
        arena._desk.store.database.execute(f"UPDATE matches SET {change}")
        assert message in refusal(arena, InvalidValue, "verify_match", 1)
        arena._desk.store.database.execute("UPDATE matches SET ruleset = 1")


def test_a_match_can_be_stopped_on_the_way(arena: Arena, home: Path) -> None:
    arena.train(900, "A")
    arena.battle("A", "B", 20)
    with Arena(home, stop=lambda: True) as stopped:
        report = stopped.verify_match(1)
    assert (report.stopped, report.verified, report.difference) == (True, False, None)


# ---------------------------------------------------------- earlier arenas


def first_format(arena: Arena, home: Path) -> None:
    """Write an arena as it was before agents had courses, with the same agents in it."""
    home.mkdir()
    old = sqlite3.connect(home / "arena.db")
    for statement in schema.MIGRATIONS[0]:
        old.execute(statement)
    for table in ("agents", "agent_arrays", "ledger", "matches", "meta"):
        columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
        for row in arena._desk.store.database.rows(f"SELECT {', '.join(columns)} FROM {table}"):
            values = dict(zip(columns, row, strict=True))
            if table == "agents":
                metadata = json.loads(values["metadata"])
                del metadata["course"]
                values["metadata"] = json.dumps(metadata)
            marks = ", ".join("?" * len(columns))
            old.execute(f"INSERT INTO {table} VALUES ({marks})", list(values.values()))
    old.execute("UPDATE agents SET metadata = '{\"broken' WHERE name = 'Broken'")
    old.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()


def test_agents_from_before_keep_working_and_their_course_is_not_known(
    arena: Arena, tmp_path: Path
) -> None:
    arena.set_setting("learning_rate", "0.012345678901234567", "A")
    arena.train(20, "A")
    arena.load(arena.save(tmp_path / "x", "A"), "Rival")
    arena.battle("A", "B", 5)
    arena.create_agent("New")
    arena.clone_agent("New", "Broken")
    first_format(arena, tmp_path / "old")
    with Arena(tmp_path / "old") as old:
        with pytest.raises(BadFile, match=r"'Broken' .* is damaged"):
            old.agents()
        old.delete_agent("Broken")
        assert old.unverified() == ["Rival"]
        for name in ("A", "Rival", "New"):
            then, now = contents(arena.agent(name)), contents(old.agent(name))
            then[0].pop("course"), now[0].pop("course")
            assert then == now
        for name, step in (("A", 25), ("B", 5), ("Rival", 20)):
            message = refusal(old, InvalidValue, "verify", name)
            assert message.startswith(f"{name} cannot be verified: ")
            assert f"not known before step {step}: an earlier bandits" in message
        assert old.verify("New").verified
        old.train(10, "New")
        assert old.verify("New").verified
        old.train(3, "A")
        assert old.agent("A").course[0].first_step == 25
        assert "kept how its fighters began" in refusal(old, InvalidValue, "verify_match", 1)
        old.battle("A", "New", 3)
        assert "of A, its course" in refusal(old, InvalidValue, "verify_match", 2)
        old.save(tmp_path / "y", "A")
        assert "step 25" in refusal(old, InvalidValue, "verify_file", tmp_path / "y")


# ---------------------------------------------------------- builds and processes

TRAIN = """
import sys
from pathlib import Path
from bandits import Agent, Settings, datasets
from bandits.agent.champion import write_champion
from bandits.model.builds import isa
agent = Agent(datasets.load("names"), settings=Settings(warmup=5), seed=4)
agent.train_all(20)
agent.settings = Settings(batch_size=2, grad_clip=0.1, schedule="cosine")
agent.train_all(10)
write_champion(Path(sys.argv[1]), "Abroad", agent.state())
print(isa())
"""


@pytest.mark.parametrize("build", usable())
def test_what_one_build_trained_another_verifies(arena: Arena, tmp_path: Path, build: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(tmp_path / "x")],
        env={**environment(tmp_path), "BANDITS_ISA": build},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == build
    assert arena.verify_file(tmp_path / "x").verified


VERIFIER = """
import sys
from bandits import Arena
arena = Arena()
arena.load(sys.argv[1])
print("loaded", flush=True)
arena.verify("Endless", on_progress=lambda side, progress: print(progress.n_done, flush=True))
"""


def test_kill_9_while_verifying_leaves_everything_as_it_was(arena: Arena, tmp_path: Path) -> None:
    file = endless(tmp_path / "x", tmp_path / "toys.txt")
    arena.use_dataset(tmp_path / "toys.txt")
    verifier = start(VERIFIER, file)
    assert hear(verifier) == "loaded"
    before = everything(arena)
    assert int(hear(verifier)) > 0
    time.sleep(0.1 * random.Random(5).random())
    verifier.send_signal(signal.SIGKILL)
    verifier.communicate()
    assert everything(arena) == before
    assert arena.unverified() == ["Endless"]


def test_a_published_leaderboard_marks_what_nobody_has_verified(
    arena: Arena, tmp_path: Path
) -> None:
    arena.train(10, "A")
    arena.load(arena.save(tmp_path / "x", "A"), "Rival")
    page = pages.leaderboard_page(arena)
    assert "Rival ?</th>" in page
    assert "verify all" in page
    assert arena.verify("Rival").verified
    page = pages.leaderboard_page(arena)
    assert "Rival</th>" in page
    assert "verify all" not in page
