"""What every command set stands on: the arena at hand, agents as arguments, and ways to answer."""

from __future__ import annotations

import contextlib
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmd2 import Choices, CommandSet

from bandits.model.settings import SETTINGS
from bandits.shell.completion import described
from bandits.shell.parsing import CommandParser
from bandits.terminal.text import Hint

if TYPE_CHECKING:
    from bandits.arena.arena import Arena
    from bandits.shell.app import BanditsShell


ALL = "all"  # what is typed for every agent, or every job
KEPT = "{} will stop after this step; what was trained is kept"
_FAR_WORSE = 2  # times the loss of a uniform guess: no healthy agent is so unlucky
_CURRENT = "an agent; the current one if left out"


def far_worse(loss: float | None, uniform_loss: float) -> bool:
    """Whether a loss is beyond what chance explains: then training on helps less than another agent."""
    return loss is not None and loss > _FAR_WORSE * uniform_loss


def path_of(text: str) -> Path:
    """Return a path as it is typed, ~ included."""
    return Path(os.path.expanduser(text))


def add_agent(command: CommandParser) -> None:
    """Give the command an optional agent as its last word."""
    command.add_argument(
        "agent",
        metavar="AGENT",
        nargs="?",
        help=_CURRENT,
        choices_provider=BanditsCommands.agent_choices,
    )


def add_agent_option(command: CommandParser) -> None:
    """Give the command, whose last word is something else, an agent as the option --agent."""
    command.add_argument(
        "--agent",
        metavar="AGENT",
        help=_CURRENT,
        choices_provider=BanditsCommands.agent_choices,
    )


def add_needed_agent(command: CommandParser, name: str) -> None:
    """Give the command an agent as a word that cannot be left out."""
    command.add_argument(
        name,
        metavar=name.upper(),
        help="an agent",
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

    @property
    def someone_to_ask(self) -> bool:
        """Whether a player would read a question, and answer it."""
        return self.shell.interactive and not self.shell.in_script()

    def folder(self, name: str) -> Path:
        """Return a folder of the arena's home, made if it can be: whoever writes there says why not."""
        folder = self.shell.home / name
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

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
        return described((key, setting.meaning) for key, setting in SETTINGS.items())


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
