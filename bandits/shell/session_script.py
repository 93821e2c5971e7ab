"""The commands of this session that succeeded, as lines that a script can run again.

Aliases and macros are expanded, scripts stand as their lines, and what only concerns the terminal
(redirections, pipes, the category Shell) is left out, so the lines mean the same on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bandits.version import __version__

_OF_THE_MOMENT = ("jobs", "stop")  # they steer trainings that a script runs one after the other


class Session:
    """What this run of bandits has done to its arena, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.in_old_arena = False  # there was one before this session, with a past of its own

    def note(self, command: str, arguments: str) -> None:
        """Add a command that has just succeeded."""
        words = arguments.split()
        if command in _OF_THE_MOMENT or (command == "train" and _in_background(words)):
            return  # a background training is noted when it ends, with the steps that it made
        line = " ".join([command, *arguments.splitlines()]).strip()
        if command == "delete_agent" and "--yes" not in words:
            line += " --yes"  # it was asked once
        self.lines.append(line)

    def note_training(self, name: str, n_steps: int) -> None:
        """Add what an interrupted or a background training came to: its whole steps."""
        if n_steps:
            self.lines.append(f"train {n_steps} {name}")

    def script(self) -> str:
        """Return the lines as a script with a heading of comments."""
        now = datetime.now(UTC)
        heading = [f"# Backprop Bandits {__version__}, {now:%Y-%m-%d %H:%M} UTC"]
        heading += ["# Again in a fresh arena: BANDITS_HOME=/tmp/again bandits THIS_FILE"]
        if self.in_old_arena:
            heading += [
                "# This arena was older than the session: what was there before is missing."
            ]
        return "\n".join([*heading, "", *self.lines]) + "\n"


def _in_background(words: Sequence[str]) -> bool:
    return any(word.startswith("--b") for word in words)
