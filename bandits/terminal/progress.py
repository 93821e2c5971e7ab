"""One line on standard error while something runs: only on a terminal, and only if it takes long.

It draws what the arena's `on_progress` hands over and knows nothing of training.  It stands in for the
live views (live/) where the output goes to a file, a pipe or JSON.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from bandits.terminal.text import decimal
from bandits.wording import format_flops

if TYPE_CHECKING:
    from bandits.agent.agent import Progress

_PATIENCE_SECONDS = 0.3
_FRAME_SECONDS = 0.1
_ECHO = "^C"  # what the terminal writes behind the line when the player interrupts


class ProgressLine:
    """A context whose `train` and `battle` are `on_progress` callbacks of the arena."""

    def __init__(self, *labels: str) -> None:
        self._labels = labels
        self._latest: dict[str, Progress] = {}
        self._started = self._drawn = time.monotonic()
        self._n_cells = 0
        self._visible = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish()

    def finish(self, *_: object) -> None:
        """Erase the line."""
        if self._n_cells:
            self._write("")

    def leave(self) -> None:
        """Leave the line as it is; what comes next begins below it."""
        if self._n_cells:
            sys.stderr.write("\n")
            sys.stderr.flush()
            self._n_cells = 0

    def train(self, progress: Progress) -> None:
        """Take the progress of one agent."""
        self.battle("a", progress)

    def battle(self, corner: str, progress: Progress) -> None:
        """Take the progress of the agent in corner 'a' or 'b'."""
        self._latest[corner] = progress
        now = time.monotonic()
        if not self._visible or now - self._started < _PATIENCE_SECONDS:
            return
        if now - self._drawn < _FRAME_SECONDS:
            return
        self._drawn = now
        self._write("   ".join(self._describe(*item) for item in sorted(self._latest.items())))

    def _describe(self, corner: str, progress: Progress) -> str:
        label = self._labels["ab".index(corner)]
        loss = decimal(float(progress.losses.mean())) if len(progress.losses) else "-"
        of = f"/{progress.n_steps:,}" if progress.n_steps else ""
        return f"{label} {progress.n_done:,}{of}  loss {loss}  {format_flops(progress.n_flops)}"

    def _write(self, line: str) -> None:
        line = line[: shutil.get_terminal_size().columns - 1 - len(_ECHO)]
        blank = "" if line else " " * len(_ECHO) + "\r"
        sys.stderr.write("\r" + line.ljust(self._n_cells) + blank)
        sys.stderr.flush()
        self._n_cells = len(line)
