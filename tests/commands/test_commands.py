"""Every command does its work, in a real process, on the arena that the next process finds."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.shelltools import commands, quick


def _json(home: Path, line: str) -> Any:
    return json.loads(commands(home, line))


def test_the_roster_is_kept_from_process_to_process(home: Path) -> None:
    printed = commands(
        home, "create_agent Ada", "create_agent Max 32 2 4 --seed 7 --block-size 8", "clone_agent A A2",
        "rename_agent Max Moritz", "delete_agent B --yes", "switch_agent Ada",
    )  # fmt: skip
    assert "created Ada" in printed
    assert "deleted B" in printed
    rows = {row["name"]: row for row in _json(home, "agents --json")}
    assert list(rows) == ["A", "Ada", "Moritz", "A2"]
    assert rows["Moritz"]["seed"] == 7
    sizes = {"vocab_size": 27, "n_embd": 32, "n_layer": 2, "n_head": 4, "block_size": 8}
    assert rows["Moritz"]["config"] == sizes
    assert [name for name, row in rows.items() if row["current"]] == ["Ada"]
    table = commands(home, "agents")
    assert re.search(r"▸ +Ada +16/1/4 +0 ", table)


def test_train_says_what_was_learned_and_spent(home: Path) -> None:
    printed = commands(home, "train 400", "train 600", "train 10 B")
    assert "trained 400 steps: A is at step 400" in printed
    assert re.search(r"loss 2\.\d{4} .*perplexity \d+\.\d\d .*energy [\d.]+ MFLOP", printed)
    assert "learning rate now 0.006" in printed
    assert "the schedule is complete" in printed
    assert "config horizon 2000" in printed
    rows = _json(home, "agents --json")
    assert [(row["name"], row["n_steps"]) for row in rows] == [("A", 1000), ("B", 10)]
    done = quick(home, "-c", "train 1")
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*horizon of 1,000 steps.*config horizon 2000.*\n", done.stderr)


def test_train_stops_at_the_horizon_and_says_so(home: Path) -> None:
    printed = commands(home, "config horizon 30", "train 100", "battle A B 40")
    assert "trained 30 steps: A is at step 30" in printed
    assert "the schedule is complete" in printed
    assert "A is at its horizon: it trained 0 of the steps" in printed
    assert printed.splitlines()[-1].startswith("next: config horizon 60 --agent A")


def test_a_learning_rate_of_10_is_allowed_and_explodes(home: Path) -> None:
    printed = commands(home, "config learning_rate 10.0", "train 500", "generate", "diagnose")
    assert "A: learning_rate = 0.01 → 10.0" in printed
    assert "A is far worse than a blind guess, which has a loss of 3.30" in printed
    assert "score of this sample 0" in printed
    assert printed.count("it will not recover") == 1  # one cure for several signs
    assert "A is ill" in printed


def test_generate_marks_every_name_and_scores_the_sample(home: Path) -> None:
    commands(home, "train 1000")
    first, second, other = (_json(home, f"generate 50 --seed {seed} --json") for seed in (3, 3, 4))
    assert first == second
    assert first["samples"] != other["samples"]
    assert len(first["samples"]) == 50
    assert 0 < first["score"] < 1000
    assert first["creativity_low"] < first["creativity"]
    printed = commands(home, "generate 50 --seed 3")
    marks = re.findall(r"(?:^|  )([+=~x]) (?=\S)", printed.split("score of")[0], re.MULTILINE)
    assert marks.count("+") >= sum(sample["creative"] for sample in first["samples"])
    assert re.search(r"score of this sample \d+, at least \d+ with 95% confidence", printed)
    assert commands(home, "generate 5") != commands(home, "generate 5")


def test_config_shows_changes_and_resets(home: Path) -> None:
    printed = commands(home, "config batch_size 8", "config schedule cosine --agent B", "config")
    assert "A: batch_size = 1 → 8" in printed
    assert "8 *" in printed
    assert _json(home, "config --agent B --json")["settings"]["schedule"] == "cosine"
    assert _json(home, "config batch_size --json") == {"agent": "A", "settings": {"batch_size": 8}}
    commands(home, "config batch_size default")
    assert _json(home, "config batch_size --json")["settings"] == {"batch_size": 1}


def test_battle_ends_with_a_card_and_two_winners(home: Path) -> None:
    card = commands(home, "battle A B 100")
    for row in ("loss", "perplexity", "uniqueness", "validity", "score", "95% interval",
                "battle energy", "total energy", "score/MFLOP", "by score", "by efficiency",
                "A wrote", "B wrote", "Battle 1: A against B", "100 steps each", "next: "):  # fmt: skip
        assert row in card, row
    rows = _json(home, "agents --json")
    assert [row["n_steps"] for row in rows] == [100, 100]
    assert sum(row["wins"] + row["draws"] + row["losses"] for row in rows) == 2


def test_an_exhibition_changes_nothing_and_a_replay_says_the_same(home: Path) -> None:
    before = commands(home, "agents --json")
    first, second = (_json(home, "battle A B 200 --exhibition --seed 5 --json") for _ in range(2))
    assert first == second
    assert first["exhibition"]
    assert first["match_id"] is None
    mirrored = _json(home, "battle B A 200 --exhibition --seed 5 --json")
    assert mirrored["outcome"]["a"] == first["outcome"]["b"]
    assert commands(home, "agents --json") == before


def test_battle_for_equal_energy_spends_no_more(home: Path) -> None:
    report = _json(home, "battle A B --energy 20M --json")
    for corner in ("a", "b"):
        assert 19_000_000 < report["outcome"][corner]["battle_flops"] <= 20_000_000
    assert report["outcome"]["b"]["n_steps"] > report["outcome"]["a"]["n_steps"]


def test_a_clone_draws_and_the_card_explains_it(home: Path) -> None:
    card = commands(home, "clone_agent A A2", "battle A A2 20")
    assert "a draw" in card
    assert "no winner" in card


def test_leaderboard_ranks_and_says_what_is_missing(home: Path) -> None:
    commands(home, "config batch_size 16", "config horizon 2000", "train 600")
    board = commands(home, "leaderboard")
    assert re.search(r"1 +A +(Bronze|Silver|Gold)", board)
    assert re.search(r"B .*", board)
    rows = _json(home, "leaderboard --json")
    assert [row["name"] for row in rows] == ["A", "B"]


def test_a_champion_travels_between_arenas(home: Path, tmp_path: Path) -> None:
    printed = commands(home, "train 50", "save", "save B.safetensors --agent B", cwd=tmp_path)
    assert "saved A to " in printed
    assert (tmp_path / "A.safetensors").is_file()
    other = tmp_path / "other"
    commands(
        other, "load A.safetensors --as Rival", "load B.safetensors --as Sparring", cwd=tmp_path
    )
    rows = {row["name"]: row for row in _json(other, "agents --json")}
    assert rows["Rival"]["n_steps"] == 50
    assert rows["Sparring"]["current"]
    mine = {row["name"]: row for row in _json(home, "agents --json")}
    assert rows["Rival"]["energy"] == mine["A"]["energy"]


def test_a_dataset_of_the_players_own_outlives_its_file(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "pets.txt"
    names = [
        f"{a}{b}{c}"
        for a in ("mi", "bel", "ro", "tas")
        for b in "aeiou"
        for c in ("lo", "na", "x", "ri")
    ]
    file.write_text("\n".join(names))
    printed = commands(home, f"dataset {file}", "create_agent Pet 8 1 2", "train 50", "generate 5")
    assert "new agents learn pets: 80 documents" in printed
    file.unlink()
    assert "Pet" in commands(home, "train 5 Pet", "dataset names", "evaluate Pet")
    rows = {row["name"]: row for row in _json(home, "dataset --json")}
    assert rows["pets"]["n_agents"] == 1
    assert rows["names"]["current"]


def test_evaluate_energy_and_diagnose_report(home: Path) -> None:
    report = _json(home, "evaluate --json")
    assert report["split"] == "validation"
    assert report["n_documents"] == 1467
    assert 4.7 < report["bits"] < 5.1
    spent = _json(home, "energy --json")
    assert spent["evaluation"] == spent["total"] == report["n_flops"]
    assert f"{spent['total']:,}" in commands(home, "energy")
    found = _json(home, "diagnose B --json")
    assert found["agent"] == "B"
    assert {finding["verdict"] for finding in found["findings"]} <= {
        "ok",
        "warn",
        "bad",
    }
    assert "dead ReLU units" in commands(home, "diagnose")


@pytest.mark.parametrize("what", ["loss", "gradients"])
def test_visualize_writes_a_png_and_says_where(home: Path, tmp_path: Path, what: str) -> None:
    printed = commands(
        home, "train 100", f"visualize {what}", f"visualize {what} A --save {tmp_path}/p.svg"
    )
    path = home / "pictures" / f"A-{what}.png"
    assert f"~/pictures/A-{what}.png" in printed  # HOME is the arena's home here
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")


def test_show_without_a_display_says_so(home: Path) -> None:
    env = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "PATH": ""}
    done = quick(home, "-c", "train 5", "-c", "visualize loss --show", env=env)
    assert done.returncode == 1
    assert "no window can be opened here" in done.stderr


def test_about_names_versions_engine_home_and_dataset(home: Path) -> None:
    facts = _json(home, "about --json")
    assert facts["instruction_set"] in ("avx512", "avx2", "base", "neon")
    assert facts["home"] == str(home)
    assert facts["dataset"] == "names"
    printed = commands(home, "about", env={"BANDITS_ISA": "base"})
    assert "engine   base" in printed
    assert "dataset  names" in printed


def test_help_lists_every_command_by_category_with_examples(home: Path) -> None:
    listed = commands(home, "help")
    for category in ("Agents", "Battle", "Data and energy", "Insight", "Shell", "Training"):
        assert category in listed
    names = [
        "agents",
        "create_agent",
        "switch_agent",
        "clone_agent",
        "delete_agent",
        "rename_agent",
        "train",
        "generate",
        "config",
        "battle",
        "leaderboard",
        "dataset",
        "evaluate",
        "energy",
        "save",
        "load",
        "diagnose",
        "visualize",
        "about",
    ]
    for name in names:
        assert name in listed
    helped = commands(home, *(f"help {name}" for name in names))
    assert helped.count("Example") == len(names)


def test_cmd2s_own_commands_are_there(home: Path, tmp_path: Path) -> None:
    printed = commands(
        home, "agents", "history", "shortcuts", "set timing false", "alias create a agents",
        "alias list", "shell echo hello", "!echo again", "agents | wc -l", "energy > spent.txt",
    )  # fmt: skip
    assert "agents" in printed
    assert "hello\nagain" in printed
    assert commands(home, "exit", "agents") == ""
    assert "alias create a agents" in printed
    assert "total" in (tmp_path / "spent.txt").read_text()


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_every_screen_fits_its_terminal(home: Path, columns: int) -> None:
    commands(home, "create_agent " + "W" * 32, "train 60 A", "train 60 B")
    printed = commands(
        home, "agents", "leaderboard", "config", "dataset", "energy A", "evaluate A", "diagnose A",
        "generate 20 A", "battle A B 5", "help", "help battle", env={"COLUMNS": str(columns)},
    )  # fmt: skip
    lines = printed.splitlines()
    assert not [
        line for line in lines if len(line) > columns and "·" not in line and ": " not in line
    ]


def test_nothing_sampled_steers_the_terminal(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "tricky.txt"
    letters = ["\u202e", "\u200b", "é", "ß", "漢", "[bold]", ":smile:", "\u0301"]
    file.write_text("\n".join(f"{a}{b}{n}" for a in letters for b in letters for n in "123"))
    printed = commands(
        home, f"dataset {file}", "create_agent T 8 1 2", "create_agent U 8 1 2 --seed 1",
        "train 20 T", "generate 30 T", "battle T U 5", "leaderboard",
    )  # fmt: skip
    assert all(c.isprintable() or c == "\n" for c in printed)
