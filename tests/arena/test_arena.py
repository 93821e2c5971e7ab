"""Laws of the arena: what a command keeps, what it costs, and what a battle leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bandits.arena.arena import Arena
from bandits.errors import BanditsError, InvalidValue, Stopped
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy, evaluate_flops
from tests.support.arenas import contents, everything, names_file, refusal


@pytest.fixture
def arena(home: Path) -> Iterator[Arena]:
    with Arena() as arena:
        assert arena.home == home  # conftest's BANDITS_HOME
        yield arena


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


def test_stopping_keeps_what_was_trained_and_what_it_cost(home: Path) -> None:
    calls: list[int] = []
    arena = Arena(home, stop=lambda: len(calls) > 1)
    arena.set_setting("schedule", "constant")
    report = arena.train(10**7, on_progress=lambda p: calls.append(p.n_done))
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
        if arena.agent().can_train():
            arena.train(2)
    row = arena.agents()[0]
    row.as_dict()
    assert arena.generate(5).figures.score == 0.0
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
    record = arena._desk.store.agents.row("A")
    ledger = arena._desk.store.agents.ledger(record.id)
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
    assert first.figures.n_samples == 20
    assert first.figures.creativity_low <= first.figures.creativity


def test_too_much_at_once_is_refused_before_memory_is_taken(arena: Arena) -> None:
    arena.create_agent("Long", n_embd=4, n_head=1, block_size=1024)
    assert "at once" in refusal(arena, InvalidValue, "generate", 900_000)
    for n in (0, -3, 10**18):
        refusal(arena, InvalidValue, "generate", n)


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


def test_a_stopped_battle_keeps_the_training_and_is_no_match(home: Path) -> None:
    arena = Arena(home, stop=lambda: True)
    for name in ("A", "B"):
        arena.set_setting("schedule", "constant", name)
    report = arena.battle("A", "B", 10**7)
    assert report.outcome.stopped
    assert report.match_id is None
    assert arena.matches() == []
    assert [row.wins + row.draws + row.losses for row in arena.agents()] == [0, 0]
    assert [row.n_steps < 10**7 for row in arena.agents()] == [True, True]


@pytest.mark.parametrize(
    "call",
    [
        lambda arena: arena.generate(10),
        lambda arena: arena.evaluate(),
        lambda arena: arena.leaderboard(),
        lambda arena: arena.gradient_course(),
    ],
)
def test_what_has_nothing_to_keep_stops_without_a_result_and_changes_nothing(
    home: Path, call: Callable[[Arena], object]
) -> None:
    asked = False
    arena = Arena(home, stop=lambda: asked)
    arena.train(30)
    before, asked = everything(arena), True
    with pytest.raises(Stopped):
        call(arena)
    assert everything(arena) == before


def test_who_is_busy_is_worked_on_and_changed_by_nobody_else(home: Path) -> None:
    """Each call that works on an agent or changes it asks first; what only looks at its row does not."""

    def refuse(name: str) -> None:
        assert name == "A"
        raise BanditsError("A is busy")

    arena = Arena(home, check_free=refuse)
    before = everything(arena)
    for call in (
        lambda: arena.train(1),
        lambda: arena.generate(1),
        lambda: arena.evaluate("A"),
        lambda: arena.battle("A", "B", 1),
        lambda: arena.set_setting("batch_size", "2"),
        lambda: arena.clone_agent("A", "A2"),
        lambda: arena.rename_agent("A", "Ada"),
        lambda: arena.delete_agent("A"),
        lambda: arena.agent(),
        lambda: arena.save(home / "a"),
        lambda: arena.verify(),
        lambda: arena.losses(),
        lambda: arena.gradients(),
        lambda: arena.gradient_course(),
        lambda: arena.attention(),
        lambda: arena.activations(),
        lambda: arena.diagnose(),
    ):
        with pytest.raises(BanditsError, match="A is busy"):
            call()
    assert everything(arena) == before
    arena.energy(), arena.settings(), arena.agents(), arena.leaderboard(), arena.switch_agent("A")
    arena.create_agent("Ada")


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
