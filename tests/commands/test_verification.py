"""Laws of the command verify: what is true is said, what is not is one line and exit 1, Ctrl-C ends it."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from bandits.agent.agent import Agent
from bandits.agent.champion import write_champion
from bandits.datasets import load
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy
from tests.support.arenas import endless, forged
from tests.support.shelltools import SECONDS, quick
from tests.support.telling import MENTIONED, Telling
from tests.support.terminal import Terminal


def test_the_command_verifies_whatever_there_is(home: Path, tmp_path: Path) -> None:
    done = quick(
        home, "-c", "train 20", "-c", "battle A B 5", "-c", "save x", "-c", "load x --as Rival",
        "-c", "leaderboard", "-c", "verify all", "-c", "verify all", "-c", "verify A 1 x.safetensors",
        "-c", "verify --json", cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "Rival ?" in done.stdout
    assert "? from a file, not verified: verify Rival" in done.stdout
    assert "Rival is verified: 25 steps, trained again from seed 42" in done.stdout
    assert "nothing to verify" in done.stdout
    assert "match 1 is verified" in done.stdout
    assert "A in 'x.safetensors' is verified" in done.stdout
    assert "3 of 3 verified" in done.stdout
    report = json.loads(done.stdout[done.stdout.index("\n{") :])
    assert (report["name"], report["verified"], report["difference"]) == ("Rival", True, None)
    assert set(report) == {
        "kind", "name", "verified", "stopped", "difference", "step", "n_steps", "n_flops", "seed",
        "stated",
    }  # fmt: skip


def test_what_is_not_true_is_one_line_and_exit_1(home: Path, tmp_path: Path) -> None:
    quick(home, "-c", "train 20", "-c", "save x", cwd=tmp_path)
    dear = Energy(training=10**9)
    seed = forged(tmp_path / "x.safetensors", tmp_path / "y.safetensors", seed=7, energy=dear)
    done = quick(home, "-c", f"verify {seed.name}", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: A in 'y.safetensors' is not verified: the loss of step 1")
    assert done.stderr.count("\n") == 1
    done = quick(home, "-c", "load y --as Eve", "-c", "load x --as Adam", "-c", "verify all --json",
                 cwd=tmp_path)  # fmt: skip
    assert done.returncode == 1
    reports = json.loads(done.stdout[done.stdout.index("\n[") :])
    assert [(r["name"], r["verified"]) for r in reports] == [("Eve", False), ("Adam", True)]
    assert done.stderr.count("\n") == 1


def test_a_folder_of_hand_ins_is_verified_file_by_file(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hand-ins"
    folder.mkdir()
    quick(
        home, "-c", "train 10", "-c", "save hand-ins/ada", "-c", "save hand-ins/eve", cwd=tmp_path
    )
    forged(folder / "ada.safetensors", folder / "bob.safetensors", n_seen=11)
    (folder / "cut.safetensors").write_bytes((folder / "ada.safetensors").read_bytes()[:500])
    done = quick(home, "-c", "verify hand-ins", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.endswith("2 of 4 verified\n")
    bob, cut = done.stderr.splitlines()
    assert "bob.safetensors' is not verified: it states 11 documents, its course takes 10" in bob
    assert "cut.safetensors' is damaged or cut short" in cut
    rows = json.loads(quick(home, "-c", "verify hand-ins --json", cwd=tmp_path).stdout)
    assert [row["verified"] for row in rows] == [True, False, True]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("Adda", "no agent, champion file or match 'Adda'"),
        ("a", "did you mean 'A'?"),
        ("nowhere.safetensors", "does not exist"),
        ("99", "no match 99"),
        ("99999999999999999999", "no agent, champion file or match"),
        ("''", "no agent, champion file or match"),
        ("x" * 300, "no agent, champion file or match"),
        ("~nobody/x", "does not exist"),
        ("A --dataset x.txt", "--dataset is for champion files"),
        ("text.txt", "not a safetensors file"),
        (".", "folder '.' holds no .safetensors file"),
        ("-1", "no agent, champion file or match"),
        ("'\x1b[31m'", "no agent, champion file or match"),
    ],
)
def test_what_cannot_be_verified_is_one_line(
    home: Path, tmp_path: Path, words: str, message: str
) -> None:
    (tmp_path / "text.txt").write_text("this is a text, and no champion\n")
    done = quick(home, "-c", f"verify {words}", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "\x1b[31m" not in done.stderr


@pytest.mark.parametrize("word", ["x" * 300, "~nobody", "~nobody/x"])
@pytest.mark.parametrize("command", ["load", "save"])
def test_a_path_that_cannot_be_is_one_line(home: Path, command: str, word: str) -> None:
    done = quick(home, "-c", f"{command} {word}", cwd=home.parent)
    assert (done.returncode, done.stderr.count("\n")) in ((1, 1), (0, 0)), done.stderr


def test_ctrl_c_ends_a_long_verification_and_the_prompt_is_back(home: Path, tmp_path: Path) -> None:
    endless(tmp_path / "Endless.safetensors", tmp_path / "toys.txt")
    terminal = Terminal(home)
    try:
        terminal.wait(r"\nA>")
        terminal.process.send("verify Endless.safetensors --dataset toys.txt\r")
        terminal.wait_until(lambda: "replay Endless" in terminal.raw, "the replay")
        said = terminal.type("\x03", r"\nA>")
        assert "stopped: Endless in 'Endless.safetensors' is neither verified nor refuted" in said
        assert terminal.end() == 0
    finally:
        terminal.process.close(force=True)


@pytest.mark.slow
def test_ctrl_c_in_a_script_is_exit_130(home: Path, tmp_path: Path) -> None:
    endless(tmp_path / "x.safetensors", tmp_path / "toys.txt")
    line = "verify x.safetensors --dataset toys.txt"
    process = Telling(home, "train_steps", "about", line, "no", cwd=tmp_path).wait_for(2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert MENTIONED.fullmatch(errors)
    assert "neither verified nor refuted" in output


def test_a_champion_from_a_notebook_can_be_verified_in_the_game(home: Path, tmp_path: Path) -> None:
    agent = Agent(load("names"), GPTConfig(n_embd=8, n_head=2), seed=1)
    for step in range(60):  # a schedule of one's own
        agent.settings = replace(agent.settings, learning_rate=0.02 / (1 + step))
        agent.train_all(1)
    write_champion(tmp_path / "own.safetensors", "Own", agent.state())
    done = quick(home, "-c", "verify own.safetensors", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Own in 'own.safetensors' is verified: 60 steps" in done.stdout
