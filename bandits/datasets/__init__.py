"""Datasets: text of one document a line, tokenised and split by content.

To add one to the arena: a file beside us_names.py that registers a function, a line in the import
below, and its source and licence in data/NOTICE.
"""

from __future__ import annotations

from functools import cache

from bandits.datasets import us_names as _us_names  # noqa: F401  (registers itself)
from bandits.datasets.builtin import BUILTIN
from bandits.datasets.dataset import Dataset
from bandits.model.documents import Documents

__all__ = ["Dataset", "Documents", "load", "names"]


def names() -> tuple[str, ...]:
    """Return the names of the datasets that come with the arena."""
    return tuple(BUILTIN)


@cache
def load(name: str) -> Dataset:
    """Return a dataset of the arena, read once a process.  Raises UnknownName."""
    return BUILTIN.get(name)()
