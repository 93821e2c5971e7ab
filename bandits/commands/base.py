"""What every command set stands on: the arena at hand, and completion from what is in it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cmd2 import Choices, CommandSet

from bandits.shell.completion import described
from bandits.shell.parsing import CommandParser
from bandits.terminal.text import Hint, hint

if TYPE_CHECKING:
    from bandits.arena.arena import Arena
    from bandits.shell.app import BanditsShell


ALL = "all"
_MARK = "?"


def marked(name: str, unverified: bool) -> str:
    """Return an agent's name, with a question mark if only a file says what it is."""
    return f"{name} {_MARK}" if unverified else name


def note_on_marks(names: Iterable[str]) -> Hint | None:
    """Return what the question mark means, if one of these agents has it."""
    first = next(iter(names), None)
    if first is None:
        return None
    return hint(f"verify {first}", f"verify {ALL}", lead=f"{_MARK} from a file, not verified")


def add_agent(
    command: CommandParser, help_text: str = "an agent; the current one if left out"
) -> None:
    """Give the command an optional agent as its last word."""
    command.add_argument(
        "agent",
        metavar="AGENT",
        nargs="?",
        help=help_text,
        choices_provider=BanditsCommands.agent_choices,
    )


class BanditsCommands(CommandSet["BanditsShell"]):
    """A command set with the arena at hand, and completion from what is in it."""

    shell: BanditsShell

    def on_register(self, cmd: BanditsShell) -> None:
        """Note whose commands these are."""
        super().on_register(cmd)
        self.shell = cmd

    @property
    def arena(self) -> Arena:
        """The one facade of the game."""
        return self.shell.arena

    def say(self, *renderables: Any) -> None:
        """Print tables, panels and text to standard output, or to where the player redirects it."""
        for renderable in renderables:
            # A command wider than the terminal is wrapped by the terminal, so that it can be copied whole.
            self.shell.poutput(renderable, soft_wrap=isinstance(renderable, Hint))

    def say_json(self, value: Any) -> None:
        """Print a value as JSON, whole lines whatever the width."""
        self.shell.poutput(as_json(value), soft_wrap=True)

    def agent_choices(self) -> Choices:
        """Return the agents, each with its sizes and steps."""
        return described(
            (row.name, f"{row.config}, {row.n_steps:,} steps") for row in self.arena.agents()
        )

    def dataset_choices(self) -> Choices:
        """Return the datasets the arena knows."""
        return described(
            (row.name, f"{row.n_documents:,} documents") for row in self.arena.datasets()
        )

    def setting_choices(self) -> Choices:
        """Return the keys of an agent's settings."""
        from bandits.model.config import SETTINGS

        return described(SETTINGS.items())


def as_json(value: Any) -> str:
    """Return indented JSON in ASCII; numbers that are not finite become null."""
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
