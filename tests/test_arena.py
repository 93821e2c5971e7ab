"""Laws of the arena: what a command keeps, what it costs, and what two processes may do at once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandits.agent import Agent
from bandits.arena import Arena
from bandits.champion import pack
from bandits.config import GPTConfig
from bandits.datasets import Dataset, load
from bandits.energy import Energy, evaluate_flops
from bandits.errors import BadFile, BanditsError, InvalidValue, StoreError, UnknownName


@pytest.fixture
def arena(home: Path) -> Iterator[Arena]:
    with Arena() as arena:
        assert arena.home == home  # conftest's BANDITS_HOME
        yield arena


def contents(agent: Agent) -> tuple[dict[str, Any], bytes]:
    state = agent.state()
    return state.metadata(), pack(state.arrays())


def everything(arena: Arena) -> list[list[tuple[Any, ...]]]:
    """All rows that a command could have changed."""
    tables = ("agents", "agent_arrays", "ledger", "matches", "datasets", "meta")
    return [arena._store.rows(f"SELECT * FROM {table}") for table in tables]


def refusal(arena: Arena, kind: type[BanditsError], call: str, *values: Any, **options: Any) -> str:
    """The one line of a call that must fail and change nothing."""
    before = everything(arena)
    with pytest.raises(kind) as caught:
        getattr(arena, call)(*values, **options)
    assert everything(arena) == before
    assert str(caught.value).isprintable()
    return str(caught.value)


def names_file(path: Path) -> Path:
    documents = [f"{a}{b}{c}{d}" for a in "bdgk" for b in "aeiou" for c in "lmnr" for d in "aeio"]
    path.write_text("\n".join(documents))
    return path


# The first run


def test_the_first_run_makes_a_and_b_as_microgpt_would(arena: Arena) -> None:
    rows = arena.agents()
    shapes = [(r.name, r.config.n_embd, r.config.n_layer, r.config.n_head, r.seed) for r in rows]
    assert shapes == [("A", 16, 1, 4, 42), ("B", 8, 1, 2, 42)]
    assert [row.current for row in rows] == [True, False]
    assert (arena.current, arena.dataset.name) == ("A", "names")
    assert contents(arena.agent("A")) == contents(Agent(load("names"), seed=42))


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_first_runs_at_the_same_moment_make_one_roster(home: Path) -> None:
    script = "import sys; from bandits.arena import Arena; print('ready', flush=True)\n"
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


# Training


def test_training_500_twice_with_saving_and_loading_is_training_1000(
    arena: Arena, tmp_path: Path
) -> None:
    arena.train(1000, "A")
    arena.create_agent("Ada")
    arena.train(500)
    path = arena.save(tmp_path / "half")
    arena.delete_agent("Ada")
    arena.load(path)
    report = arena.train(500)
    assert (report.name, report.n_done, report.step, report.stopped) == ("Ada", 500, 1000, False)
    assert contents(arena.agent("Ada")) == contents(arena.agent("A"))


def test_everything_survives_closing(home: Path) -> None:
    with Arena() as arena:
        arena.train(20)
        before = contents(arena.agent()), arena.agents()
    with Arena() as arena:
        assert (contents(arena.agent()), arena.agents()) == before


def test_stopping_keeps_what_was_trained_and_what_it_cost(arena: Arena) -> None:
    arena.set_setting("schedule", "constant")
    calls: list[int] = []
    report = arena.train(
        10**7, stop=lambda: len(calls) > 1, on_progress=lambda p: calls.append(p.n_done)
    )
    assert report.stopped
    assert 0 < report.n_done == report.step == calls[-1] < 10**7
    assert arena.energy() == Energy(training=report.n_flops)
    agent = arena.agent()
    assert agent.n_steps == len(report.losses) == report.n_done


def test_an_interrupt_that_arrives_anyway_leaves_the_old_state(arena: Arena) -> None:
    arena.train(10)

    def interrupt(progress: object) -> None:
        raise KeyboardInterrupt

    before = everything(arena)
    with pytest.raises(KeyboardInterrupt):
        arena.train(10, on_progress=interrupt)
    assert everything(arena) == before
    arena.train(10)


def test_an_agent_past_its_horizon_is_refused_and_spends_nothing(arena: Arena) -> None:
    arena.set_setting("horizon", "10")
    assert arena.train(50).n_done == 10
    assert "horizon" in refusal(arena, InvalidValue, "train", 1)


@pytest.mark.parametrize("learning_rate", ["10.0", "1e10", "1e38"])
def test_an_exploded_agent_stays_usable(arena: Arena, learning_rate: str, tmp_path: Path) -> None:
    arena.set_setting("learning_rate", learning_rate)
    for _ in range(3):
        if arena.agent().can_train() is None:
            arena.train(2)
    row = arena.agents()[0]
    row.as_dict()
    assert arena.generate(5).judgement.score == 0.0
    arena.evaluate()
    arena.diagnose()
    arena.load(arena.save(tmp_path / "boom"), "Boom")
    arena.leaderboard()


@pytest.mark.parametrize("n_steps", [0, -1, 10**18])
def test_steps_that_cannot_be_are_refused(arena: Arena, n_steps: int) -> None:
    assert f"steps={n_steps}" in refusal(arena, InvalidValue, "train", n_steps)


# Energy


def test_every_command_is_charged_as_its_kind_and_the_ledger_adds_up(arena: Arena) -> None:
    trained = arena.train(10).n_flops
    generated = arena.generate(7).n_flops
    dataset = arena.dataset
    evaluated = arena.evaluate(split="test")
    positions = np.minimum(dataset.test.lengths + 1, 16).tolist()
    assert evaluated.n_flops == evaluate_flops(GPTConfig(), positions)
    probed = arena.diagnose().n_flops
    before = arena.energy()
    assert before == Energy(trained, generated, evaluated.n_flops + probed)
    arena.gradients()
    assert arena.energy().evaluation > before.evaluation
    record = arena._store.agent("A")
    ledger = arena._store.ledger(record.id)
    assert [c for c, _ in ledger] == ["train", "generate", "evaluate", "diagnose", "gradients"]
    assert sum((spent for _, spent in ledger), Energy()) == arena.energy()


def test_a_clone_a_loaded_champion_and_a_renamed_agent_inherit_what_was_spent(
    arena: Arena, tmp_path: Path
) -> None:
    arena.train(10)
    arena.generate(3)
    spent = arena.energy()
    assert arena.clone_agent("A", "A2").energy == spent
    assert arena.current == "A"
    assert arena.load(arena.save(tmp_path / "x", "A2"), "A3").energy == spent
    assert arena.rename_agent("A3", "A4").energy == spent
    assert arena.current == "A4"


def test_judging_is_free(arena: Arena) -> None:
    arena.train(50, "B")
    before = arena.energy("A"), arena.energy("B")
    arena.leaderboard()
    arena.battle("A", "B", 10, exhibition=True)
    assert (arena.energy("A"), arena.energy("B")) == before


# Generating


def test_the_same_seed_writes_the_same_documents_and_no_seed_writes_new_ones(arena: Arena) -> None:
    arena.train(200)
    first, second = arena.generate(20), arena.generate(20)
    assert first.texts != second.texts
    assert arena.generate(20, seed=first.seed).texts == first.texts
    assert len(first.texts) == len(first.valid) == len(first.unique) == len(first.ended) == 20
    assert first.judgement.n_samples == 20
    assert first.judgement.creativity_low <= first.judgement.creativity


def test_too_much_at_once_is_refused_before_memory_is_taken(arena: Arena) -> None:
    arena.create_agent("Long", n_embd=4, n_head=1, block_size=1024)
    assert "at once" in refusal(arena, InvalidValue, "generate", 900_000)
    for n in (0, -3, 10**18):
        refusal(arena, InvalidValue, "generate", n)


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


def test_saving_without_a_path_goes_to_the_current_folder(
    arena: Arena, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert arena.save() == Path("A.safetensors")
    assert (tmp_path / "A.safetensors").is_file()
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
    copy.write_text("\n".join(arena._library.named("islands").documents))
    assert arena.use_dataset(copy).name == "islands"  # known by its content


# Battles


def test_a_battle_is_one_record_and_both_keep_the_training(arena: Arena) -> None:
    before = arena.energy("A").total
    report = arena.battle("A", "B", 30)
    rows = {row.name: row for row in arena.agents()}
    assert (rows["A"].n_steps, rows["B"].n_steps) == (30, 30)
    assert rows["A"].energy.total == before + report.outcome.a.battle_flops
    (match,) = arena.matches()
    assert (match.match_id, match.name_a, match.name_b) == (report.match_id, "A", "B")
    assert match.winner == report.outcome.winner
    for row in rows.values():
        assert row.wins + row.draws + row.losses == 1
        row.as_dict()


def test_an_exhibition_changes_nothing_and_fights_the_same_battle(arena: Arena) -> None:
    before = everything(arena)
    report = arena.battle("A", "B", 30, exhibition=True)
    assert everything(arena) == before
    assert report.match_id is None
    assert arena.battle("A", "B", 30).outcome.as_dict() == report.outcome.as_dict()


def test_a_stopped_battle_keeps_the_training_and_is_no_match(arena: Arena) -> None:
    for name in ("A", "B"):
        arena.set_setting("schedule", "constant", name)
    report = arena.battle("A", "B", 10**7, stop=lambda: True)
    assert report.outcome.stopped
    assert report.match_id is None
    assert arena.matches() == []
    assert [row.wins + row.draws + row.losses for row in arena.agents()] == [0, 0]
    assert [row.n_steps < 10**7 for row in arena.agents()] == [True, True]


def test_who_cannot_fight_is_refused(arena: Arena, tmp_path: Path) -> None:
    assert "itself" in refusal(arena, InvalidValue, "battle", "A", "A", 10)
    arena.use_dataset(names_file(tmp_path / "islands.txt"))
    arena.create_agent("Ada")
    assert "one dataset" in refusal(arena, InvalidValue, "battle", "A", "Ada", 10)
    refusal(arena, InvalidValue, "battle", "A", "B", 0)


def test_a_score_is_kept_until_the_weights_or_the_temperature_change(arena: Arena) -> None:
    arena.train(200)
    assert arena.agents()[0].score is None
    arena.leaderboard()
    score = arena.agents()[0].score
    assert score is not None
    assert score > 0
    arena.generate(3)  # charges, but leaves the weights
    assert arena.agents()[0].score == score
    assert arena.clone_agent("A", "A2").score == score
    arena.set_setting("temperature", "0.5")
    assert arena.agents()[0].score is None
    arena.set_setting("temperature", "1.0")
    assert arena.agents()[0].score == score
    arena.train(1)
    assert arena.agents()[0].score is None


def test_a_battle_tells_the_leaderboard_what_it_would_find(home: Path, tmp_path: Path) -> None:
    with Arena() as arena:
        arena.battle("A", "B", 200)
        told = [(row.bits, row.score) for row in arena.agents()]
        path = arena.save(tmp_path / "A")
    with Arena(tmp_path / "fresh") as fresh:
        fresh.load(path, "A2")
        fresh.leaderboard()
        row = fresh.agents()[2]
        assert (row.bits, row.score) == told[0]


# Two processes


TRAINER = """
import sys
from bandits.arena import Arena
from bandits.errors import StoreError
arena = Arena()
print("ready", flush=True)
for line in sys.stdin:
    try:
        print("step", arena.train(int(line), sys.argv[1]).step, flush=True)
    except StoreError as error:
        print(error, flush=True)
"""


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


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
            ledger = arena._store.ledger(arena._store.agent("A").id)
        steps_told = [int(line.split()[1]) for line in out.splitlines() if line.startswith("step")]
        told = max([saved, *steps_told])
        assert told <= agent.n_steps <= told + 2  # what was told is kept, one more may be
        if agent.n_steps > reference.n_steps:
            reference.train_all(agent.n_steps - reference.n_steps)
        assert contents(agent) == contents(reference)
        assert sum((spent for _, spent in ledger), Energy()) == agent.energy
        saved = agent.n_steps


def test_a_user_dataset_is_split_by_the_rules(arena: Arena, tmp_path: Path) -> None:
    path = names_file(tmp_path / "islands.txt")
    row = arena.use_dataset(path)
    by_hand = Dataset.from_file(path)
    assert (row.n_train, row.n_test) == (len(by_hand.train), len(by_hand.test))
    assert row.sha256 == by_hand.sha256
