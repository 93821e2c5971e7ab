"""The shell at a real terminal, as a player sees it: a pseudo-terminal, and an emulated screen."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shelltools import commands
from tests.support.terminal import Terminal


@pytest.fixture
def open_terminals() -> Iterator[list[Terminal]]:
    """Terminals that are closed whatever happens."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.process.close(force=True)


def test_a_new_player_is_led_to_a_battle(home: Path, open_terminals: list[Terminal]) -> None:
    terminal = Terminal(home)
    open_terminals.append(terminal)
    start = terminal.wait(r"\nA>")
    assert "try: battle A B 100" in start
    listed = terminal.type("help\r")
    assert listed.split("A> help")[1].count("\n") < 24
    terminal.type("bat\t", r"battle")
    card = terminal.type(" A B 100\r")
    assert "by efficiency" in card
    assert card.split("╭─")[1].count("\n") <= 24
    assert "\x1b[1;36m" in terminal.raw or "\x1b[36m" in terminal.raw
    terminal.type("switch_agent \t\t", r"B +8/1/2, 100 steps")
    assert "B is the current agent" in terminal.type("B\r", r"\nB>")
    asked = terminal.type("delete_agent B\r", r"\[y/N\]")
    assert "were spent?" in asked
    assert "B stays" in terminal.type("n\r", r"\nB>")
    terminal.type("delete_agent B\r", r"\[y/N\]")
    assert "deleted B; the current agent is A" in terminal.type("yes\r", r"\nA>")
    assert "error: no command 'trian'" in terminal.type("trian 5\r")
    assert terminal.end() == 0


def test_what_was_typed_outlives_a_kill(home: Path, open_terminals: list[Terminal]) -> None:
    first = Terminal(home)
    open_terminals.append(first)
    first.wait(r"\nA>")
    first.type("alias create spar battle A B\r")
    first.type("energy\r")
    os.kill(first.process.pid, signal.SIGKILL)
    second = Terminal(home)
    open_terminals.append(second)
    second.wait(r"\nA>")
    second.type("\x1b[A", r"\nA> energy")
    second.type("\x1b[A", r"\nA> alias create spar battle A B")
    assert "Alias 'spar' overwritten" in second.type("\r", r"\nA>")
    assert re.search(
        r"1 +alias create spar battle A B\n +2 +energy", second.type("history --all\r")
    )
    assert "Battle 1" in second.type("spar 5\r")
    assert (home / "history").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("line", "end_of_a_frame"),
    [("train 100000000", r"steps/s[^A]+left"), ("battle A B 100000000", r"steps/s\nA .*┃.* B.*")],
)
def test_ctrl_c_returns_to_the_prompt_and_keeps_the_training(
    home: Path, open_terminals: list[Terminal], line: str, end_of_a_frame: str
) -> None:
    commands(home, *(f"config schedule constant --agent {name}" for name in "AB"))
    terminal = Terminal(home)
    open_terminals.append(terminal)
    terminal.wait(r"\nA>")
    terminal.type(f"{line}\r", end_of_a_frame)
    said = terminal.type("\x03", r"\nA>")  # how soon, benchmarks/ctrl_c.py says
    assert "stopped " in said
    assert "^C" not in said
    assert re.search(r"A +16/1/4 +[1-9]", terminal.type("agents\r"))
    assert "^C" in terminal.type("half a line\x03", r"\^C\nA>")
    assert terminal.end() == 0


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_plain_terminal_gets_no_colour(
    home: Path, open_terminals: list[Terminal], env: dict[str, str]
) -> None:
    terminal = Terminal(home, 40, **env)
    open_terminals.append(terminal)
    terminal.wait(r"A>")
    terminal.type("battle A B 5\r", r"A>")
    terminal.type("xyzzy\r", r"A>")
    assert not re.findall(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", terminal.raw)
    if "TERM" in env:
        assert "\x1b" not in terminal.raw
    assert "by score" in terminal.text


def test_at_a_terminal_that_cannot_edit_a_key_ends_the_line_or_the_question(
    home: Path, open_terminals: list[Terminal]
) -> None:
    terminal = Terminal(home, TERM="dumb")
    open_terminals.append(terminal)
    terminal.wait(r"A>")
    terminal.type("half a line\x03", r"\^C\nA>")
    terminal.type("delete_agent B\r", r"\[y/N\]")
    terminal.type("\x03", r"A>")
    assert re.search(r"B +8/1/2", terminal.type("agents\r", r"A>"))
    assert terminal.end() == 0


def test_a_key_ends_the_program_behind_a_pipe(home: Path, open_terminals: list[Terminal]) -> None:
    terminal = Terminal(home)
    open_terminals.append(terminal)
    terminal.wait(r"\nA>")
    terminal.process.send("agents | sh -c 'echo ready $((40 + 2)); sleep 60'\r")
    terminal.wait(r"ready 42\s*")
    terminal.type("\x03", r"A>")  # within the patience of `wait`, which is less than the sleep
    assert terminal.end() == 0
