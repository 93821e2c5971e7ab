"""A real terminal for the shell: a pseudo-terminal, and an emulated screen to read from."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.shelltools import SECONDS, environment

pexpect = pytest.importorskip("pexpect")
pyte = pytest.importorskip("pyte")


class Terminal:
    """A game at a terminal of some size; `text` is what is on the screen and above it.

    answers: whether the terminal tells where its cursor is when asked, as real ones do; only then is
    there a bar below the prompt.  module: what `python -m` runs.
    """

    def __init__(
        self,
        home: Path,
        columns: int = 80,
        rows: int = 24,
        *,
        answers: bool = False,
        module: str = "bandits",
        **env: str,
    ) -> None:
        if not answers:
            env["PROMPT_TOOLKIT_NO_CPR"] = "1"
        kept = environment(home, **env)
        kept.pop("COLUMNS")
        self.process = pexpect.spawn(
            sys.executable,
            ["-m", module],
            env=kept,
            dimensions=(rows, columns),
            encoding="utf-8",
            cwd=str(home.parent),
        )
        self.raw = ""
        self._n_settled = 0
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

        def there() -> bool:
            text = self.text
            ends = re.search(pattern + r"\Z", text) is not None
            return ends and len(re.findall(pattern, text)) >= times

        return self.wait_until(there, repr(pattern))

    def wait_until(self, there: Callable[[], bool], what: str) -> str:
        """Take what the game writes until something is there; return the text."""
        deadline = time.monotonic() + SECONDS
        while not there():
            assert time.monotonic() < deadline, f"{what} did not come:\n{self.text}"
            self.read(0.05)
        return self.text

    def settle(self) -> None:
        """Wait until the prompt is there and all that was typed has been dealt with.

        Prompts are not counted: how many a busy terminal shows when keys come quickly is nobody's promise.
        """
        self._n_settled += 1
        note = f"# settled {self._n_settled}"
        self.process.send(f"{note}\r")
        self.wait(rf"> {note}\n+\w+>")

    def send(self, line: str, shows: str) -> None:
        """Type a command and wait until something of what it writes has come, wherever on the screen."""
        before = len(self.raw)
        self.process.send(f"{line}\r")
        self.wait_until(lambda: re.search(shows, self.raw[before:]) is not None, repr(shows))

    def read(self, seconds: float) -> str | None:
        """Take what the game writes next, if it writes within so many seconds."""
        try:
            data = self.process.read_nonblocking(65536, max(seconds, 0.0))
        except pexpect.TIMEOUT:
            return None
        self.feed(data)
        return str(data)

    def feed(self, data: str) -> None:
        """Take what the game has written."""
        self.raw += data
        self._stream.feed(data)

    def type(self, keys: str, pattern: str = r"\n\w+>") -> str:
        """Send keys and wait for one more of the pattern, the next prompt; return the text."""
        times = len(re.findall(pattern, self.text)) + 1
        self.process.send(keys)
        return self.wait(pattern, times)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self.process.setwinsize(rows, columns)
        self._screen.resize(rows, columns)

    def end(self) -> int:
        """Press Ctrl-D and return the exit code."""
        self.process.sendeof()
        self.process.expect(pexpect.EOF, timeout=SECONDS)
        self.process.close()
        return int(self.process.exitstatus)
