"""What Tab offers: plain words, or words with what they mean beside them."""

from __future__ import annotations

from collections.abc import Iterable

from cmd2 import Choices, CompletionItem

from bandits.errors import printable


def words(values: Iterable[str]) -> Choices:
    """Return plain words as completions, in the order given."""
    return Choices.from_values([v for v in values if v.isprintable()], is_sorted=True)


def described(items: Iterable[tuple[str, str]]) -> Choices:
    """Return words as completions, each with a few words on it."""
    return Choices(
        [
            CompletionItem(text, display_meta=printable(meta))
            for text, meta in items
            if text.isprintable()
        ]
    )
