"""A run of the benchmarks: how long, on what, and what it has found out so far."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.race import Entry, Worker

Row = dict[str, Any]
QUICK_SIZES = 1


@dataclass
class Bench:
    """A run: how long, on what, and what it has found out so far."""

    isas: tuple[str, ...]  # of this engine, best first
    seconds: float  # of each competitor at each size
    quick: bool
    cores: set[int]  # all of them, for what is not pinned
    say: Callable[[str], None]
    skipped: dict[str, str] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)  # GFLOP/s by instruction set

    def saw_peak(self, entry: Entry) -> None:
        """Keep what a loop of fused multiply-adds reached on the instruction set of its process."""
        isa = entry.info["isa"]
        self.peaks[isa] = max(self.peaks.get(isa, 0.0), entry.best / 1e9)

    @property
    def peak(self) -> float:
        """The most that fused multiply-adds reached, by any build, in this run; in GFLOP/s."""
        return max(self.peaks.values(), default=float("nan"))

    @contextmanager
    def engines(
        self, isas: Iterable[str], cores: set[int] | None = None
    ) -> Iterator[dict[str, Worker]]:
        """A process of this engine for each instruction set."""
        workers = {isa: Worker({"BANDITS_ISA": isa}, cores) for isa in isas}
        try:
            yield workers
        finally:
            for worker in workers.values():
                worker.close()

    def few(self, rows: list[Any]) -> list[Any]:
        """All of them, or the first ones of a quick run."""
        return rows[:QUICK_SIZES] if self.quick else rows


def pin(core: int | None) -> tuple[set[int], int | None]:
    """Stay on one core from here on, and all children too.  Returns all cores, and which one."""
    if not hasattr(os, "sched_setaffinity"):
        print(f"{sys.platform} pins no process to a core", file=sys.stderr)
        return set(), None
    cores = os.sched_getaffinity(0)
    core = max(cores) if core is None else core
    os.sched_setaffinity(0, {core})
    return cores, core
