"""A real terminal for the shell: a pseudo-terminal, and an emulated screen to read from."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from tests.support.shelltools import environment

pexpect = pytest.importorskip("pexpect")
pyte = pytest.importorskip("pyte")

SECONDS = 20.0


class Terminal:
    """A game at a terminal of some size; `text` is what is on the screen and above it.

    answers: whether the terminal tells where its cursor is when asked, as real ones do; only then is
    there a bar below the prompt.
    """

    def __init__(
        self, home: Path, columns: int = 80, rows: int = 24, *, answers: bool = False, **env: str
    ) -> None:
        if not answers:
            env["PROMPT_TOOLKIT_NO_CPR"] = "1"
        kept = environment(home, **env)
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
        if answers:
            self._screen.write_process_input = self.process.send

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
            self.feed(data)
        return self.text

    def feed(self, data: str) -> None:
        """Take what the game has written."""
        self.raw += data
        self._stream.feed(data)

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
