"""The datasets that one arena knows: those of the package, and copies of the players' own texts.

A player's file is copied into the arena when it is first used, so that agents outlive the file.
A dataset is recognised by the sha256 of its documents, whatever it is called.
"""

from __future__ import annotations

from pathlib import Path

from bandits import datasets
from bandits.datasets import Dataset
from bandits.errors import BadFile, InvalidValue, UnknownName, did_you_mean, printable
from bandits.store.store import Store


class NoDataset(UnknownName):
    """No dataset has this name."""


class Library:
    """Datasets by name or by content.  `add` belongs inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded: dict[str, Dataset] = {}  # the players' own, by sha256

    def names(self) -> list[str]:
        """Return all names, the package's first."""
        return [*datasets.names(), *(name for name, _ in self._store.datasets())]

    def is_built_in(self, name: str) -> bool:
        """Whether a dataset comes with the package."""
        return name in datasets.names()

    def named(self, name: str) -> Dataset:
        """Return a dataset by its name.  Raises UnknownName with the nearest."""
        if self.is_built_in(name):
            return datasets.load(name)
        own = dict(self._store.datasets())
        if name not in own:
            raise NoDataset(
                f"no dataset or file '{printable(name)}'{did_you_mean(name, self.names())}"
            )
        return self._own(name, own[name])

    def with_content(self, sha256: str, name: str) -> Dataset | None:
        """Return the dataset of this content, looking under `name` first; None if there is none."""
        own = {digest: own_name for own_name, digest in self._store.datasets()}
        if sha256 in own:
            return self._own(own[sha256], sha256)
        built_in = sorted(datasets.names(), key=lambda candidate: candidate != name)
        loaded = (datasets.load(candidate) for candidate in built_in)
        return next((dataset for dataset in loaded if dataset.sha256 == sha256), None)

    def read(self, path: Path) -> Dataset:
        """Return the dataset in a file, or the one of the same content that the arena has.

        Raises: BadFile for a file that cannot be one, InvalidValue if its name is another's.
        """
        dataset = Dataset.from_file(path)
        known = self.with_content(dataset.sha256, dataset.name)
        if known is None and dataset.name in self.names():
            raise InvalidValue(_taken(dataset.name))
        return known or dataset

    def add(self, dataset: Dataset) -> str:
        """Keep a copy of a player's dataset, unless the arena has it; return its name here."""
        own = dict(self._store.datasets())
        if self.is_built_in(dataset.name):
            return dataset.name
        for name, sha256 in own.items():
            if sha256 == dataset.sha256:
                return name
        if dataset.name in own:
            raise InvalidValue(_taken(dataset.name))
        self._store.insert_dataset(dataset.name, dataset.sha256, dataset.documents)
        return dataset.name

    def _own(self, name: str, sha256: str) -> Dataset:
        if sha256 not in self._loaded:
            dataset = Dataset.from_documents(self._store.documents(sha256), name=name)
            if dataset.sha256 != sha256:
                raise BadFile(f"the arena's copy of dataset '{printable(name)}' is damaged")
            self._loaded[sha256] = dataset
        return self._loaded[sha256]


def _taken(name: str) -> str:
    return f"another dataset is already called '{printable(name)}'; rename the file"
