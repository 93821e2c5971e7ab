"""The shell at a real terminal, as a player sees it: a pseudo-terminal, and an emulated screen."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shelltools import commands, environment

pexpect = pytest.importorskip("pexpect")
pyte = pytest.importorskip("pyte")

SECONDS = 20.0


class Terminal:
    """A game at a terminal of some size; `text` is what is on the screen and above it."""

    def __init__(self, home: Path, columns: int = 80, rows: int = 24, **env: str) -> None:
        kept = environment(home, PROMPT_TOOLKIT_NO_CPR="1", **env)
        kept.pop("COLUMNS")
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", "bandits"],
            env=kept,
            dimensions=(rows, columns),
            encoding="utf-8",
            cwd=str(home.parent),
        )
        self.raw = ""
        self._screen = pyte.HistoryScreen(columns, rows, history=2000)
        self._stream = pyte.Stream(self._screen)

    @property
    def text(self) -> str:
        above = ["".join(row[n].data for n in sorted(row)) for row in self._screen.history.top]
        return "\n".join(line.rstrip() for line in [*above, *self._screen.display]).rstrip()

    def wait(self, pattern: str, times: int = 1) -> str:
        """Wait until the text ends in the pattern and holds it so many times; return the text."""
        deadline = time.monotonic() + SECONDS
        while len(re.findall(pattern, self.text)) < times or not re.search(
            pattern + r"\Z", self.text
        ):
            assert time.monotonic() < deadline, f"{pattern!r} did not come:\n{self.text}"
            try:
                data = self.process.read_nonblocking(65536, 0.05)
            except pexpect.TIMEOUT:
                continue
            self.raw += data
            self._stream.feed(data)
        return self.text

    def type(self, keys: str, pattern: str = r"\n\w+>") -> str:
        """Send keys and wait for one more of the pattern, the next prompt; return the text."""
        times = len(re.findall(pattern, self.text)) + 1
        self.process.send(keys)
        return self.wait(pattern, times)

    def end(self) -> int:
        """Press Ctrl-D and return the exit code."""
        self.process.sendeof()
        self.process.expect(pexpect.EOF, timeout=SECONDS)
        self.process.close()
        return int(self.process.exitstatus)


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
    assert card.split("A> battle")[1].count("\n") <= 24
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


@pytest.mark.parametrize("line", ["train 100000000", "battle A B 100000000"])
def test_ctrl_c_returns_to_the_prompt_and_keeps_the_training(
    home: Path, open_terminals: list[Terminal], line: str
) -> None:
    commands(home, *(f"config schedule constant --agent {name}" for name in "AB"))
    terminal = Terminal(home)
    open_terminals.append(terminal)
    terminal.wait(r"\nA>")
    terminal.type(f"{line}\r", r"loss \d.*FLOP.*")
    pressed = time.monotonic()
    said = terminal.type("\x03", r"\nA>")
    assert time.monotonic() - pressed < 0.3 + 0.5  # the promise, and a busy machine
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
