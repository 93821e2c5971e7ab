"""What a competitor's process is asked to time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Skipped(Exception):
    """Why a competitor does not run here."""


class Task(Protocol):
    """`run` is timed by `clock`; `work`, asked afterwards, is what those n units did; `info` is told once."""

    info: dict[str, Any]
    clock: Callable[[], float]

    def run(self, n: int) -> None:
        """Do n units."""

    def work(self, n: int) -> float:
        """Return how much was done by the latest `run(n)`: operations, documents or tokens."""
