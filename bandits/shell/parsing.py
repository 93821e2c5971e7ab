"""What is typed: a parser whose errors are one line, and words into numbers.

Whether a number is allowed is decided below the shell.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from cmd2 import Cmd2ArgumentParser
from cmd2.rich_utils import TextGroup
from cmd2.styles import Cmd2Style
from rich.text import Text

from bandits.errors import BanditsError, InvalidValue, did_you_mean, printable

MOST_WATCHED_SECONDS = 600.0
_OPTIONAL = ("?", "*", argparse.REMAINDER)
_FLOP_UNITS = {"": 0, "k": 3, "m": 6, "g": 9, "t": 12, "p": 15, "e": 18}
_NEGATIVE = re.compile(r"-\d+|-\d*\.\d+")  # as argparse takes them
_BAD_CHOICE = re.compile(r"invalid choice: '?([^']*?)'? \(choose from (.*)\)")
_ENERGY = re.compile(r"([0-9][0-9_]*\.?[0-9]*(?:e[0-9]{1,3})?) ?([kmgtpe]?)(?:flops?)?", re.ASCII)


def actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what a parser takes, options and words, in the order in which they were added.

    It is the one private name of a library that the shell leans on: argparse, of Python 3.11 to 3.13,
    has no public list, and cmd2 4.3.1 reads the same one.
    """
    return parser._actions


class UsageError(BanditsError):
    """A command was given words that it does not take."""


class CommandParser(Cmd2ArgumentParser):
    """An argument parser that raises one line instead of printing a block of usage."""

    examples: tuple[str, ...] = ()
    overview: str = ""  # the example in help's overview

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the message and the shortest usage."""
        message = message.replace("the following arguments are required:", "missing")
        message = message.replace("unrecognized arguments:", "does not take")
        near = self._meant(message)
        raise UsageError(f"{self.prog}: {message}{near}; usage: {self.short_usage()}")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Take words and options in any order; argparse of Python 3.11 leaves `train 10 --watch 3 B`."""
        ordered = args is not None and "--" not in args and not self._has_a_tail()
        return super().parse_known_args(self._options_last(args) if ordered else args, namespace)

    def _has_a_tail(self) -> bool:
        """Whether the last words are for somebody else, in the order in which they were typed."""
        return any(
            action.nargs in (argparse.PARSER, argparse.REMAINDER) for action in actions_of(self)
        )

    def _options_last(self, args: Sequence[str]) -> list[str]:
        words: list[str] = []
        options: list[str] = []
        awaited = False  # the value of the option before
        for arg in args:
            if arg.startswith("-") and arg != "-" and not _NEGATIVE.fullmatch(arg):
                options.append(arg)
                awaited = any(
                    action.nargs is None
                    for action in actions_of(self)
                    for text in action.option_strings
                    if text == arg or (arg.startswith("--") and text.startswith(arg))
                )
            else:
                (options if awaited else words).append(arg)
                awaited = False
        return [*words, *options]

    def _meant(self, message: str) -> str:
        """Return "; did you mean 'X'?" if argparse refused a word that is nearly one of ours."""
        if choice := _BAD_CHOICE.search(message):
            return did_you_mean(choice[1], re.findall(r"[\w-]+", choice[2]))
        if option := re.search(r"does not take (?:[^-]\S* )*--([\w-]+)", message):
            options = (text for action in actions_of(self) for text in action.option_strings)
            known = [text[2:] for text in options if text.startswith("--")]
            return did_you_mean(option[1], known).replace("'", "'--", 1)
        return ""

    def short_usage(self) -> str:
        """Return the command with its positional arguments, options left out."""
        words = [self.prog]
        options = False
        for action in actions_of(self):
            if action.option_strings:
                options = options or action.dest != "help"
            elif action.nargs == argparse.PARSER:
                words.append("|".join(action.choices or ()))
            else:
                name = str(action.metavar or action.dest)
                words.append(f"[{name}]" if action.nargs in _OPTIONAL else name)
        if options:
            words.append("[options]")
        return " ".join(words)


def parser(description: str, *examples: str, overview: str = "") -> CommandParser:
    """Return a parser whose help ends with examples.

    overview: the example in help's overview, where a short one is best; the first if left out.
    """
    new = CommandParser(description=description)
    new.examples = examples
    new.overview = overview or next(iter(examples), "")
    shown = Text("\n".join(examples), style=Cmd2Style.COMMAND_LINE)
    new.epilog = TextGroup("Examples" if len(examples) > 1 else "Example", shown)
    return new


def add_json(command: CommandParser) -> None:
    """Give the command the option --json."""
    command.add_argument("--json", action="store_true", help="print JSON, for scripts")


def add_watch(command: argparse.ArgumentParser, help_text: str) -> None:
    """Give a command the option --watch."""
    command.add_argument("--watch", metavar="SECONDS", help=help_text)


def whole_number(text: str, key: str, example: str) -> int:
    """Return the word as an int.  Raises InvalidValue with an example of what to type."""
    try:
        return int(text)
    except ValueError:  # also raised for a number of more than 4,300 digits
        raise InvalidValue(
            f"{key}={printable(text, 40)} is not a whole number; try '{example}'"
        ) from None


def energy(text: str, example: str) -> int:
    """Return an amount such as 5e8, 500M or 1.5GFLOP as operations.  Raises InvalidValue."""
    match = _ENERGY.fullmatch(text.strip().lower())
    try:
        if match is None:
            raise InvalidOperation
        amount = Decimal(match[1].replace("_", "")).scaleb(_FLOP_UNITS[match[2]])
        if amount != amount.to_integral_value() or amount < 1 or amount > 10**30:
            raise InvalidOperation
    except InvalidOperation:
        raise InvalidValue(
            f"energy={printable(text, 40)} is not an amount of operations; try '{example}'"
        ) from None
    return int(amount)


def watch_seconds(text: str, example: str) -> float:
    """Return for how long to watch.  Raises InvalidValue with an example of what to type."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 < seconds <= MOST_WATCHED_SECONDS:  # also refuses nan
        raise InvalidValue(
            f"watch={printable(text, 40)} must be seconds, more than 0 and at most "
            f"{MOST_WATCHED_SECONDS:.0f}; try '{example}'"
        )
    return seconds
