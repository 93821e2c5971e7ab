"""US given names of 2017: the arena's default dataset (source and licence in data/NOTICE)."""

from __future__ import annotations

from pathlib import Path

from bandits.datasets.builtin import BUILTIN
from bandits.datasets.dataset import Dataset


@BUILTIN.register("names")
def names() -> Dataset:
    """US given names of 2017, 29,910 of them, in the letters a to z."""
    return Dataset.from_file(Path(__file__).parent / "data" / "names.txt", name="names")
