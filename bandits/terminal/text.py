"""Words and numbers as the player reads them; the only door from data to the terminal.

`shown` is the helper through which every sampled document, name and path passes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from bandits.errors import printable
from bandits.wording import decimal, percent, plural, significant

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = [
    "EMPTY",
    "Hint",
    "decimal",
    "hint",
    "percent",
    "plural",
    "shown",
    "significant",
    "tilde",
]

EMPTY = "(empty)"
_BETWEEN = "  ·  "  # two commands
_INDENT = 6


def shown(text: str, limit: int = 60) -> str:
    """Return a text of unknown origin, safe for the terminal and of bounded length."""
    return printable(text, limit) or EMPTY


@dataclass(frozen=True, slots=True)
class Hint:
    """What could be typed now: dim, on lines that break between commands and never inside one."""

    lead: str
    commands: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield as many lines as the width takes; a command that is wider stays one line all the same."""
        line = Text(f"{self.lead}: ", style="dim")
        for n, command in enumerate(self.commands):
            if n and line.cell_len + len(_BETWEEN) + cell_len(command) > options.max_width:
                yield line
                line = Text(" " * min(len(self.lead) + 2, _INDENT), style="dim")
            elif n:
                line.append(_BETWEEN, style="dim")
            line.append(command, style="cyan")
            line.no_wrap, line.overflow = True, "ignore"
        yield line


def hint(*commands: str, lead: str = "next") -> Hint:
    """Return what could be typed now, ready to print."""
    return Hint(lead, commands)


def tilde(path: Path) -> str:
    """Return a path for display, the player's own folder written as ~."""
    text = str(path)
    home = os.path.expanduser("~")
    if home not in ("/", "~") and (text == home or text.startswith(home + "/")):
        text = "~" + text[len(home) :]
    return printable(text, 400)
