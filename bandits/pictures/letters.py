"""Letters of a dataset as a picture or a terminal can show them."""

from __future__ import annotations

import unicodedata

KINDS = ("vowel", "consonant", "digit", "other", "start and end")
_VOWELS = frozenset("aeiouyæøœıаеёиоуыэюяαεηιουω")


def sign(letter: str) -> str:
    """Return a visible sign of a letter: a space and what cannot be printed have one too."""
    if letter == " ":
        return "␣"
    return letter if letter.isprintable() else f"U+{ord(letter):04X}"


def kind_of(letter: str) -> int:
    """Return the place of a letter's kind in KINDS; accents do not change it."""
    base = unicodedata.normalize("NFD", letter.lower())[0]
    if base in _VOWELS:
        return 0
    if base.isalpha():
        return 1
    return 2 if base.isdigit() else 3
