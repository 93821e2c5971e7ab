"""What a terminal can show, and the house's colours as it has them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TextIO

from rich.cells import cell_len

from bandits.drawing.style import GROUPS, IN_TERMINALS, SERIES
from bandits.errors import printable

SERIES_STYLES = tuple(f"color({IN_TERMINALS[colour]})" for colour in SERIES)
GROUP_STYLES = tuple(f"color({IN_TERMINALS[colour]})" for colour in GROUPS)
SIDES = dict(zip("ab", SERIES_STYLES, strict=False))  # of a battle


@dataclass(frozen=True, slots=True)
class Look:
    """What a terminal can show: braille and box drawing, or ASCII; colours or none."""

    braille: bool = True
    colours: bool = True

    def sign(self, fine: str, plain: str) -> str:
        """Return the fine sign where it can be shown."""
        return fine if self.braille else plain


def look_of(stream: TextIO) -> Look:
    """Return what the terminal behind a stream can show."""
    try:
        "⣿│└┴━●▲…".encode(stream.encoding or "ascii")
        braille = True
    except (UnicodeEncodeError, LookupError):
        braille = False
    return Look(braille, not os.environ.get("NO_COLOR"))


def fitted(text: str, limit: int, look: Look) -> str:
    """Return a text in at most so many columns, in signs that the terminal has, safe to print."""
    text = printable(text, len(text) * 12 + 1)
    if not look.braille:
        text = text.encode("ascii", "replace").decode()
    if cell_len(text) <= limit:
        return text
    dots = look.sign("…", "..") if limit > 2 else ""
    while text and cell_len(text) > limit - len(dots):
        text = text[:-1]
    return text + dots
