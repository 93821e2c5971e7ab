"""The table of datasets that come with the arena."""

from __future__ import annotations

from collections.abc import Callable

from bandits.datasets.dataset import Dataset
from bandits.registry import Registry

BUILTIN: Registry[Callable[[], Dataset]] = Registry("dataset")
