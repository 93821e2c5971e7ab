"""Trainings in the background: the table of them, each with a thread and an arena of its own.

It knows no terminal: whoever shows the table is told when a job has ended.  A job trains in
instalments and keeps each in one transaction, so that a crash costs at most the last of them; a
training that was trained in pieces is the same to the byte.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandits.arena.arena import Arena
from bandits.arena.reports import TrainReport
from bandits.errors import BanditsError, InvalidValue, printable
from bandits.shell.advice import in_full

if TYPE_CHECKING:
    from bandits.agent.agent import Progress

INSTALMENT_SECONDS = 20.0
MAX_JOBS = 8  # at once: more only share the processor
_KEPT = 50  # jobs that the table remembers
_FIRST_CHUNK_SECONDS = 0.2  # within which a training that cannot begin says so


class Busy(BanditsError):
    """An agent trains in the background and is not to be touched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One line of the table.  state: training, stopping, done, stopped, exploded or failed."""

    job: int
    agents: tuple[str, ...]
    n_steps: int  # asked for
    n_done: int
    loss: float | None  # of the latest chunk; when it has ended, the mean of the last 50 steps
    steps_per_second: float
    n_flops: int
    state: str
    error: str | None

    def as_dict(self) -> dict[str, Any]:
        """The row as plain JSON data."""
        row = {key: getattr(self, key) for key in self.__slots__}
        return {**row, "agents": list(self.agents)}


class Job:
    """One training in the background."""

    def __init__(self, number: int, agent: str, n_steps: int) -> None:
        self.number = number
        self.agent = agent
        self.n_steps = n_steps
        self.step: int | None = None
        self.error: BanditsError | None = None
        self._told = False
        self._telling = threading.Lock()
        self.stop = threading.Event()
        self.settled = threading.Event()  # it has ended, or trains and will for a while
        self.ended = threading.Event()
        self._ending = "done"
        self._loss: float | None = None
        self._n_before = self._n_done = 0  # steps: of the instalments that are kept, and all
        self._flops_before = self._n_flops = 0
        self._started = self._latest = time.monotonic()
        self._due = 0.0  # when the instalment is to end

    def run(self, home: Path) -> None:
        """Train in instalments to the end, or until asked to stop; what that raises is kept in `error`."""
        try:
            self._train(home)
        except BanditsError as problem:
            self._fail(problem)
        except Exception as defect:
            self._fail(BanditsError(f"{type(defect).__name__}: {defect}"))
        finally:
            self.ended.set()
            self.settled.set()

    def _train(self, home: Path) -> None:
        with Arena(home, stop=self._is_to_stop) as arena:
            while True:
                self._due = time.monotonic() + INSTALMENT_SECONDS
                n_left = self.n_steps - self._n_before
                report = arena.train(n_left, self.agent, on_progress=self._take)
                self._keep(report)
                if not report.stopped or self.stop.is_set():
                    return

    def _is_to_stop(self) -> bool:
        return self.stop.is_set() or time.monotonic() > self._due

    def _take(self, progress: Progress) -> None:
        self._n_done = self._n_before + progress.n_done
        self._n_flops = self._flops_before + progress.n_flops
        if len(progress.losses):
            self._loss = float(progress.losses.mean())
        self._latest = time.monotonic()
        if self._n_done < self.n_steps:
            self.settled.set()

    def _keep(self, report: TrainReport) -> None:
        """Take what was written to the arena."""
        self._latest = time.monotonic()
        self._n_before += report.n_done
        self._flops_before += report.n_flops
        self._n_done, self._n_flops = self._n_before, self._flops_before
        self._loss, self.step = report.loss, report.step
        self._ending = "exploded" if report.diverged else "stopped" if report.stopped else "done"

    def _fail(self, error: BanditsError) -> None:
        """Take back what could not be written to the arena."""
        self.error = error
        self._n_done, self._n_flops = self._n_before, self._flops_before

    def claim(self) -> bool:
        """Return whether the caller is the one to tell the player of its end: the first who asks."""
        with self._telling:
            claimed, self._told = not self._told, True
            return claimed

    def unclaim(self) -> None:
        """Leave it to somebody else to tell."""
        with self._telling:
            self._told = False

    @property
    def state(self) -> str:
        """What it is doing, or how it ended."""
        if not self.ended.is_set():
            return "stopping" if self.stop.is_set() else "training"
        return "failed" if self.error is not None else self._ending

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return self._n_done / self.n_steps

    def row(self) -> JobRow:
        """Return where it stands."""
        seconds = self._latest - self._started
        finite = self._loss is not None and math.isfinite(self._loss)
        return JobRow(
            job=self.number,
            agents=(self.agent,),
            n_steps=self.n_steps,
            n_done=self._n_done,
            loss=self._loss if finite else None,
            steps_per_second=self._n_done / seconds if seconds > 0 else 0.0,
            n_flops=self._n_flops,
            state=self.state,
            error=None if self.error is None else in_full(self.error),
        )


class Jobs:
    """The jobs of one shell.  on_end is called with each job that has ended, in that job's thread."""

    def __init__(self, home: Path, on_end: Callable[[Job], None]) -> None:
        self._home = home
        self._on_end = on_end
        self._jobs: list[Job] = []
        self._n_jobs = 0

    def all(self) -> list[Job]:
        """Return the jobs of this session, oldest first."""
        return list(self._jobs)

    def running(self) -> list[Job]:
        """Return the jobs that have not ended."""
        return [job for job in self._jobs if not job.ended.is_set()]

    def check_free(self, agent: str) -> None:
        """Raise Busy if this agent trains in the background."""
        for job in self.running():
            if job.agent == agent:
                raise Busy(_busy(job))

    def train(self, name: str, n_steps: int) -> Job:
        """Begin to train an agent in the background; the caller has claimed to tell of its end.

        Raises: Busy; InvalidValue if too many train already; and what Arena.train does, as far as it
        is known at once: nothing has begun then.
        """
        self.check_free(name)
        if len(self.running()) >= MAX_JOBS:
            raise InvalidValue(
                f"{MAX_JOBS} jobs run already, more would only slow each other down; wait, or stop "
                "one: jobs lists them"
            )
        job = self._new(name, n_steps)
        job.claim()
        self._jobs.append(job)
        threading.Thread(target=self._run, args=[job], daemon=True).start()
        job.settled.wait(_FIRST_CHUNK_SECONDS)
        if job.error is not None:
            self._jobs.remove(job)
            self._n_jobs -= 1
            raise job.error
        return job

    def job(self, number: int) -> Job:
        """Return the job of this number.  Raises InvalidValue."""
        for job in self._jobs:
            if job.number == number:
                return job
        known = ", ".join(str(job.number) for job in self.running()) or "there are none"
        raise InvalidValue(
            f"no job {printable(str(number), 20)}; running: {known} (jobs lists them)"
        )

    def _new(self, agent: str, n_steps: int) -> Job:
        self._n_jobs += 1
        ended = [job for job in self._jobs if job.ended.is_set()]
        for job in ended[: max(0, len(self._jobs) - _KEPT)]:
            self._jobs.remove(job)
        return Job(self._n_jobs, agent, n_steps)

    def _run(self, job: Job) -> None:
        job.run(self._home)
        self._on_end(job)


def _busy(job: Job) -> str:
    if job.state == "stopping":
        return f"agent '{job.agent}' is ending its last step (job {job.number}); wait a moment"
    return (
        f"agent '{job.agent}' is training in the background (job {job.number}); wait, or stop it: "
        f"stop {job.number}"
    )
