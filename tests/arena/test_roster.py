"""Laws of the roster: names, the current agent, champion files and datasets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bandits.agent.agent import Agent
from bandits.agent.champion import write_champion
from bandits.arena.arena import Arena
from bandits.datasets import Dataset, load
from bandits.errors import BadFile, InvalidValue, UnknownName
from bandits.model.energy import Energy
from tests.support.arenas import contents, names_file, refusal


@pytest.fixture
def arena(home: Path) -> Iterator[Arena]:
    with Arena() as arena:
        assert arena.home == home  # conftest's BANDITS_HOME
        yield arena


# The first run


def test_the_first_run_makes_a_and_b_as_microgpt_would(arena: Arena) -> None:
    rows = arena.agents()
    shapes = [(r.name, r.config.n_embd, r.config.n_layer, r.config.n_head, r.seed) for r in rows]
    assert shapes == [("A", 16, 1, 4, 42), ("B", 8, 1, 2, 42)]
    assert [row.current for row in rows] == [True, False]
    assert (arena.current, arena.dataset.name) == ("A", "names")
    assert contents(arena.agent("A")) == contents(Agent(load("names"), seed=42))


# The roster


def test_sizes_that_cannot_be_are_refused(arena: Arena) -> None:
    assert "try 28 or 32" in refusal(arena, InvalidValue, "create_agent", "X", n_embd=30)
    for sizes in ({"n_embd": 100_000}, {"n_layer": 0}, {"block_size": 10**9}, {"seed": -1}):
        refusal(arena, InvalidValue, "create_agent", "X", **sizes)
    for name in ("", "1up", "a b", "x" * 33, "\x1b[31m", "é", "A"):
        refusal(arena, InvalidValue, "create_agent", name)


def test_deleting_the_current_agent_hands_over_to_the_one_before_it(arena: Arena) -> None:
    arena.create_agent("Ada")
    arena.delete_agent("Ada")
    assert arena.current == "B"
    arena.switch_agent("A")
    arena.delete_agent("A")  # the first has none before it
    assert arena.current == "B"
    arena.delete_agent("B")
    assert (arena.current, arena.agents(), arena.leaderboard()) == ("", [], [])
    assert "create_agent" in refusal(arena, UnknownName, "train", 1)
    assert arena.create_agent("New").current


def test_an_empty_roster_stays_empty(home: Path) -> None:
    with Arena() as arena:
        arena.delete_agent("A")
        arena.delete_agent("B")
    with Arena() as arena:
        assert arena.agents() == []


def test_deleting_another_agent_leaves_the_current_one(arena: Arena) -> None:
    arena.delete_agent("B")
    assert arena.current == "A"


def test_names_that_are_taken_or_unknown_are_refused(arena: Arena) -> None:
    assert "taken" in refusal(arena, InvalidValue, "rename_agent", "A", "B")
    assert "taken" in refusal(arena, InvalidValue, "clone_agent", "A", "B")
    arena.rename_agent("A", "A")
    arena.rename_agent("A", "Ada")
    for call, values in [
        ("train", (1, "Adda")),
        ("switch_agent", ("Adda",)),
        ("rename_agent", ("Adda", "X")),
        ("clone_agent", ("Adda", "X")),
        ("delete_agent", ("Adda",)),
        ("battle", ("Adda", "B", 1)),
        ("set_setting", ("horizon", "1", "Adda")),
    ]:
        assert "did you mean 'Ada'?" in refusal(arena, UnknownName, call, *values)


def test_settings_are_checked_and_kept(arena: Arena) -> None:
    assert arena.set_setting("learning_rate", "10.0").learning_rate == 10.0
    assert arena.settings("A").learning_rate == 10.0
    assert arena.settings("B").learning_rate == 0.01
    assert "did you mean" in refusal(arena, UnknownName, "set_setting", "learning_rat", "1")
    refusal(arena, InvalidValue, "set_setting", "batch_size", "zero")
    arena.create_agent("Long", n_embd=4, n_head=1, block_size=1024)
    assert "GiB" in refusal(arena, InvalidValue, "set_setting", "batch_size", "4096")


# Champion files


def test_a_champion_whose_name_is_taken_changes_nothing(arena: Arena, tmp_path: Path) -> None:
    path = arena.save(tmp_path / "A")
    assert path.name == "A.safetensors"
    assert "--as NAME" in refusal(arena, InvalidValue, "load", path)
    refusal(arena, InvalidValue, "load", path, "B")
    refusal(arena, InvalidValue, "load", path, "no good")
    assert arena.load(path, "C").current


def test_a_champion_whose_bill_was_edited_is_refused(arena: Arena, tmp_path: Path) -> None:
    arena.train(50, "A")
    state = arena.agent("A").state()
    for name, changed in (
        ("cheap", replace(state, energy=Energy(training=state.energy.training // 2))),
        ("far", replace(state, n_seen=10**15)),
        ("idle", replace(state, n_seen=0)),
    ):
        write_champion(tmp_path / name, "Rival", changed)
        assert "took at least" in refusal(arena, BadFile, "load", tmp_path / name)
    write_champion(tmp_path / "honest", "Rival", state)
    assert arena.load(tmp_path / "honest").energy == state.energy


def test_saving_without_a_path_goes_to_the_current_folder(
    arena: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert arena.save() == Path("A.safetensors")
    assert (tmp_path / "A.safetensors").is_file()
    (tmp_path / "folder").mkdir()
    assert arena.save("folder", "B") == Path("folder/B.safetensors")
    arena.rename_agent("A", "Old")
    assert arena.load("A").name == "A"  # the ending may be left out, as in save


def test_a_champion_of_an_unknown_dataset_says_what_to_open(arena: Arena, tmp_path: Path) -> None:
    text = names_file(tmp_path / "islands.txt")
    arena.use_dataset(text)
    arena.create_agent("Ada")
    path = arena.save(tmp_path / "Ada.safetensors")
    with Arena(tmp_path / "elsewhere") as other:
        message = refusal(other, BadFile, "load", path)
        assert "dataset 'islands'" in message
        assert "dataset FILE" in message
        other.use_dataset(text.rename(tmp_path / "renamed.txt"))
        row = other.load(path)  # known by its content, whatever it is called here
        assert row.dataset_name == "renamed"
        assert other.train(3).n_done == 3


# Datasets


def test_an_agent_outlives_the_file_it_learned(home: Path, tmp_path: Path) -> None:
    text = names_file(tmp_path / "islands.txt")
    with Arena() as arena:
        row = arena.use_dataset(text)
        assert (row.name, row.built_in, row.current, row.n_documents) == (
            "islands",
            False,
            True,
            320,
        )
        arena.create_agent("Ada")
    text.unlink()
    with Arena() as arena:
        assert arena.train(5, "Ada").n_done == 5
        assert arena.dataset.name == "islands"
        rows = {row.name: row for row in arena.datasets()}
        assert (rows["islands"].n_agents, rows["names"].n_agents) == (1, 2)
        assert [row.name for row in arena.leaderboard()] == ["Ada"]
        arena.use_dataset("names")
        assert [row.name for row in arena.leaderboard()] == ["A", "B"]


def test_a_file_that_cannot_be_a_dataset_changes_nothing(arena: Arena, tmp_path: Path) -> None:
    assert "did you mean 'names'?" in refusal(arena, UnknownName, "use_dataset", "nams")
    refusal(arena, BadFile, "use_dataset", tmp_path / "missing.txt")
    (tmp_path / "binary").write_bytes(b"\0\1\2")
    refusal(arena, BadFile, "use_dataset", tmp_path / "binary")
    (tmp_path / "short").write_text("ada\n")
    refusal(arena, BadFile, "use_dataset", tmp_path / "short")


def test_one_name_is_one_text(arena: Arena, tmp_path: Path) -> None:
    text = names_file(tmp_path / "islands.txt")
    arena.use_dataset(text)
    assert arena.use_dataset(text).name == "islands"  # the same again is no news
    text.write_text(text.read_text() + "\nmore")
    assert "already called 'islands'" in refusal(arena, InvalidValue, "use_dataset", text)
    copy = tmp_path / "names.txt"
    copy.write_text("\n".join(arena._desk.library.named("islands").documents))
    assert arena.use_dataset(copy).name == "islands"  # known by its content


def test_a_user_dataset_is_split_by_the_rules(arena: Arena, tmp_path: Path) -> None:
    path = names_file(tmp_path / "islands.txt")
    row = arena.use_dataset(path)
    by_hand = Dataset.from_file(path)
    assert (row.n_train, row.n_test) == (len(by_hand.train), len(by_hand.test))
    assert row.sha256 == by_hand.sha256
