"""`export script`: what a session did, run again elsewhere, makes the same agents."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import bandits as package
from bandits.shell.session_script import Session
from tests.support.shelltools import commands, quick


def exported(script: str) -> list[str]:
    return [line for line in script.splitlines() if line and not line.startswith("#")]


def test_an_exported_session_run_in_a_fresh_arena_gives_the_same_leaderboard(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "inner.txt").write_text("config batch_size 4\n# the alias\nt 200\n")
    done = quick(
        home, "--keep-going",
        *(word for line in (
            "alias create t train", "macro create spar battle {1} {2} 30",
            "create_agent Ada 16 1 4 --seed 7", "run_script inner.txt", "train zero", "xyzzy",
            "t 20 B; generate 5 B > five.txt", "clone_agent Ada Twin", "delete_agent A --yes",
            "spar Ada B", "help", "shell echo hello", "leaderboard --json",
            "export script day.txt",
        ) for word in ("-c", line)),
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1  # the two that failed
    script = (tmp_path / "day.txt").read_text()
    assert re.match(rf"# Backprop Bandits {package.__version__}, \d{{4}}-\d\d-\d\d", script)
    assert "older than the session" not in script
    assert exported(script) == [
        "create_agent Ada 16 1 4 --seed 7", "config batch_size 4", "train 200", "train 20 B",
        "generate 5 B", "clone_agent Ada Twin", "delete_agent A --yes", "battle Ada B 30",
        "leaderboard --json",
    ]  # fmt: skip
    again = quick(tmp_path / "again", "day.txt", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (0, "")
    rows = [
        json.loads(commands(arena, "leaderboard --json")) for arena in (home, home.parent / "again")
    ]
    assert rows[0] == rows[1]
    assert {row["name"] for row in rows[0]} == {"Ada", "B", "Twin"}


def test_export_prints_to_a_dash_and_never_overwrites_unasked(home: Path, tmp_path: Path) -> None:
    printed = commands(home, "energy", "export script -")
    assert exported(printed.split("# Backprop", 1)[1])[-1] == "energy"
    assert "older than the session" in commands(home, "energy", "export script -")
    file = tmp_path / "mine.txt"
    file.write_text("precious")
    for target, rule in (
        (file, r"is there already; choose another file, or add --force"),
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "x", "cannot be written: No such file"),
        ("/dev/null", "is not a plain file"),
        (tmp_path / ("x" * 300), "cannot be written: File name too long"),
    ):
        done = quick(home, "-c", "energy", "-c", f"export script {target}")
        assert done.returncode == 1
        assert re.fullmatch(rf"error: '.*{rule}.*\n", done.stderr), done.stderr
    assert file.read_text() == "precious"
    commands(home, "energy", f"export script {file} --force")
    assert exported(file.read_text()) == ["energy"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "mine.txt"]
    done = quick(home, "-c", "export script new.txt", cwd=tmp_path)
    assert done.stderr.startswith("error: nothing to export")


def test_an_interrupted_training_is_exported_with_the_steps_it_made(
    home: Path,
) -> None:
    terminal_tools = pytest.importorskip("tests.support.terminal")
    commands(home, "config schedule constant", "config schedule constant --agent B")
    terminal = terminal_tools.Terminal(home)
    terminal.wait(r"\nA>")
    for line, begun in (("train 100000000", r"loss \d"), ("battle A B 100000000", r"\nB  loss \d")):
        terminal.process.send(f"{line}\r")
        terminal.wait(rf"{begun}[\s\S]*")
        terminal.type("\x03", r"\nA>")
    lines = exported(terminal.type("export script -\r").split("export script -")[1])
    assert terminal.end() == 0
    steps = {"A": 0, "B": 0}
    for line in lines:
        if found := re.fullmatch(r"train (\d+) ([AB])", line):
            steps[found[2]] += int(found[1])
    rows = json.loads(commands(home, "agents --json"))
    assert {row["name"]: row["n_steps"] for row in rows} == steps
    assert min(steps.values()) > 0


@pytest.mark.parametrize(
    ("command", "arguments", "lines"),
    [
        ("train", "100 --background", []),
        ("train", "100 Ada", ["train 100 Ada"]),
        ("stop", "Ada", []),
        ("jobs", "", []),
        ("delete_agent", "B", ["delete_agent B --yes"]),
        ("create_agent", "Ada\n16", ["create_agent Ada 16"]),
        ("energy", "", ["energy"]),
    ],
)
def test_a_line_says_what_was_done(command: str, arguments: str, lines: list[str]) -> None:
    session = Session()
    session.note(command, arguments)
    assert session.lines == lines
