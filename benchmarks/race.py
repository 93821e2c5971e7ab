"""Races: competitors in processes of their own take turns in slices of milliseconds, so that a slow
moment of the machine meets all of them, and the best slice of each counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.task import Skipped

SLICE_SECONDS = 0.006
LEAST_SLICES = 3
ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
}


@dataclass
class Entry:
    """A task in a race: what each slice did a second."""

    worker: Worker
    task: int
    name: str
    info: dict[str, Any]
    rates: list[float] = field(default_factory=list)
    seconds: float = 0.0
    n: int = 1

    @property
    def best(self) -> float:
        """The most work a second."""
        return max(self.rates)

    @property
    def median(self) -> float:
        return statistics.median(self.rates)

    def run(self) -> float:
        """Run a slice of n units; returns its seconds."""
        answer = self.worker.ask({"run": self.task, "n": self.n})
        seconds = float(answer["seconds"])
        self.rates.append(answer["work"] / max(seconds, 1e-9))
        self.seconds += seconds
        return seconds

    def warm_up(self, slice_seconds: float) -> None:
        """Find the n that fills a slice."""
        while (seconds := self.run()) < slice_seconds / 2:
            self.n = max(
                2 * self.n, int(self.n * min(0.9 * slice_seconds / max(seconds, 1e-6), 64))
            )
        if self.n > 1 or len(self.rates) >= LEAST_SLICES:
            self.rates.clear()  # the first ones were cold, or too short to tell
        self.seconds = 0.0

    def drop(self) -> None:
        """Let the worker forget the task."""
        self.worker.ask({"drop": self.task})


class Worker:
    """The process of a competitor, on the core that its parent is pinned to, or on `cores`."""

    def __init__(
        self, environment: Mapping[str, str] | None = None, cores: set[int] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD, **(environment or {})},
        )
        if cores:
            os.sched_setaffinity(self.process.pid, cores)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended while it was asked {request}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def enter(self, name: str, task: str, **arguments: Any) -> Entry:
        """Make a task.  Raises Skipped with the reason if it cannot be run here."""
        answer = self.ask({"make": task, "arguments": arguments})
        if "skipped" in answer:
            raise Skipped(answer["skipped"])
        return Entry(self, answer["task"], name, answer["info"])

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def race(entries: Sequence[Entry], seconds: float, slice_seconds: float = SLICE_SECONDS) -> None:
    """Run slices of all in turn until each has run for `seconds`, and at least a few slices."""
    for entry in entries:
        entry.warm_up(slice_seconds)
    waiting = list(entries)
    while waiting:
        entry = min(waiting, key=lambda e: e.seconds)
        entry.run()
        waiting = [e for e in waiting if e.seconds < seconds or len(e.rates) < LEAST_SLICES]
    for entry in entries:
        entry.drop()
