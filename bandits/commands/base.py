"""What every command set stands on: the arena at hand, and completion from what is in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cmd2 import Choices, CommandSet, CompletionItem

from bandits.errors import printable
from bandits.model.settings import SETTINGS
from bandits.shell.parsing import CommandParser, as_json
from bandits.terminal.text import Hint, hint

if TYPE_CHECKING:
    from bandits.arena.arena import Arena
    from bandits.shell.app import BanditsShell  # noqa: F401  (named in a string below)


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

    @property
    def arena(self) -> Arena:
        """The one facade of the game."""
        return self._cmd.arena

    def say(self, *renderables: Any) -> None:
        """Print tables, panels and text to standard output, or to where the player redirects it."""
        for renderable in renderables:
            # A command wider than the terminal is wrapped by the terminal, so that it can be copied whole.
            self._cmd.poutput(renderable, soft_wrap=isinstance(renderable, Hint))

    def say_json(self, value: Any) -> None:
        """Print a value as JSON, whole lines whatever the width."""
        self._cmd.poutput(as_json(value), soft_wrap=True)

    def agent_choices(self) -> Choices:
        """Return the agents, each with its sizes and steps."""
        return _choices(
            (row.name, f"{row.config}, {row.n_steps:,} steps") for row in self.arena.agents()
        )

    def dataset_choices(self) -> Choices:
        """Return the datasets the arena knows."""
        return _choices(
            (row.name, f"{row.n_documents:,} documents") for row in self.arena.datasets()
        )

    def setting_choices(self) -> Choices:
        """Return the keys of an agent's settings."""
        return _choices((key, setting.meaning) for key, setting in SETTINGS.items())


def _choices(items: Any) -> Choices:
    return Choices(
        [
            CompletionItem(text, display_meta=printable(meta))
            for text, meta in items
            if text.isprintable()
        ]
    )
