"""The errors a player may cause, each a single line that names the value and the rule.

Only a `BanditsError` is ever shown as one line; anything else is a defect and shows its traceback.  Where
a command is the way out, the error has a class of its own, beside what raises it, and its facts as
attributes: bandits/shell/advice.py makes of them what to type.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, TypeVar

E = TypeVar("E", bound="BanditsError")


class BanditsError(Exception):
    """A mistake outside the program: its message is one line, meant for the player.

    agent: what the arena calls the agent that it is about, if it says so; is_current: whether that is the
    one that commands are about when they name none.
    """

    agent: str | None = None
    is_current = True

    def __reduce__(self) -> tuple[Any, ...]:
        """Be the same in another process: its facts are no arguments that Exception knows of."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[E], args: tuple[Any, ...], facts: dict[str, Any]) -> E:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class InvalidValue(BanditsError, ValueError):
    """A value breaks a rule of the arena."""


class UnknownName(BanditsError, LookupError):
    """No agent, dataset, setting or command has this name."""


class BadFile(BanditsError):
    """A dataset, a champion file or an arena cannot be used as it is."""


class StoreError(BanditsError):
    """The arena could not be read or written: disk full, read-only, locked, changed meanwhile."""


class EngineMissing(BanditsError, ImportError):
    """The compiled engine is not built, or not for this machine."""


class Stopped(KeyboardInterrupt):
    """Long work was asked to stop between two of its parts: it has changed nothing, and has no result.

    No mistake, so no BanditsError; like a Ctrl-C, which is what asks for it in the shell.
    """


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'Ada'?" for the nearest of the known names, or nothing."""
    folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean '{folded[near[0]]}'?" if near else ""


def printable(text: str, limit: int = 80) -> str:
    """Return the text with everything that could steer a terminal escaped, cut to `limit` characters."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
