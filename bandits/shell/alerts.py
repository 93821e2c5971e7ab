"""How the player hears of background jobs: a bar below the prompt, a line above it at the end.

prompt_toolkit draws the bar only while something is in it; where there is no such prompt (a script, a
pipe, TERM=dumb) a job's end is told before the next prompt, or when the run ends.
"""

from __future__ import annotations

import contextlib
import math
import sys
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prompt_toolkit.formatted_text import AnyFormattedText
from rich.text import Text

from bandits.shell.interrupts import InterruptibleCmd
from bandits.shell.jobs import Job, JobRow, Jobs
from bandits.shell.session_script import Session
from bandits.terminal.text import decimal, plural
from bandits.wording import format_flops

_REFRESH_SECONDS = 0.25


class AlertingCmd(InterruptibleCmd):
    """A command interpreter with jobs in the background."""

    def __init__(self, *, home: Path, interactive: bool, **options: Any) -> None:
        super().__init__(interactive=interactive, **options)
        self.home = home
        self.session = Session()
        self.jobs = Jobs(home, self._job_ended)

    @property
    @abstractmethod
    def width(self) -> int:
        """Columns of the terminal."""

    def begin_job(self, name: str, n_steps: int) -> Job:
        """Train in the background, and tell at once of a training that is over at once."""
        job = self.jobs.train(name, n_steps)
        job.unclaim()
        if job.ended.is_set():
            self.tell([job])
        return job

    # ------------------------------------------------------------------ while they run

    def get_bottom_toolbar(self) -> AnyFormattedText:
        """Return the bar: every job that runs, as far as they fit in a line."""
        line = " " + "  ·  ".join(_in_short(job) for job in self.jobs.running())
        return line if len(line) < self.width else line[: self.width - 2] + "…"

    def show_jobs(self) -> None:
        """Let the bar be there if and only if a job runs."""
        running = bool(self.jobs.running())
        self.main_session.bottom_toolbar = self.get_bottom_toolbar if running else None
        self.main_session.refresh_interval = _REFRESH_SECONDS if running else 0

    def note_busy(self, name: str | None = None) -> None:
        """Say below a table which agents train in the background, or whether this one does."""
        for job in self.jobs.running():
            if name in (None, job.agent):
                line = f"as it was last kept; {_in_short(job)}"
                self.poutput(Text(line, style="dim"), soft_wrap=False)

    def after_command(self) -> None:
        """Tell of the jobs that have ended, where no alert can."""
        super().after_command()
        if self.interactive and not self._places:
            if not self.edits_lines:
                self.tell(job for job in self.jobs.all() if job.ended.is_set())
            self.show_jobs()

    # ------------------------------------------------------------------ when they end

    def _job_ended(self, job: Job) -> None:
        """Take the end of a job, in its thread."""
        if job.error is None:
            self.session.note_training(job.agent, job.row().n_done)
        if self.interactive and self.edits_lines:
            if job.claim():
                self.add_alert(msg=ending(job))
            self.show_jobs()
            self.main_session.app.invalidate()

    def tell(self, jobs: Iterable[Job]) -> None:
        """Print how each of these jobs ended, unless the player knows."""
        for job in jobs:
            if job.claim():
                self.poutput(ending(job), soft_wrap=False)

    def await_jobs(self, jobs: list[Job]) -> bool:
        """Wait for jobs to end and tell of each.  Returns False if Ctrl-C ended the wait."""
        awaited = [job for job in jobs if job.claim()]
        for n, job in enumerate(awaited):
            came = self.wait(job.ended)
            for waiting in awaited[n:] if not came else [job]:
                waiting.unclaim()
                if waiting.ended.is_set():
                    self.tell([waiting])
            if not came:
                return False
        return True

    def end_jobs(self, *, stop: bool) -> bool:
        """Wait for all jobs at the end of a run, or stop them first.  Returns False after Ctrl-C.

        A first Ctrl-C stops those that are waited for, a second one leaves without them: then what
        they have trained since they last kept it is lost.
        """
        self.forgive()
        heard = False
        jobs = self.jobs.running()
        if jobs and self.interactive:
            names = ", ".join(job.agent for job in jobs)
            self.mention(f"stopping {plural(len(jobs), 'job')}: what {names} trained is kept")
        while True:
            if stop:
                for job in jobs:
                    job.stop.set()
            if self.await_jobs(self.jobs.all()):
                return not heard
            if heard:
                left = ", ".join(str(job.number) for job in self.jobs.running())
                self.mention(f"left without job {left}: its latest steps are not kept")
                return False
            self.forgive()
            heard = stop = True

    def mention(self, line: str) -> None:
        """Print a line to standard error, if anybody is there to read it."""
        with contextlib.suppress(OSError):  # the terminal may be gone
            self.print_to(sys.stderr, Text(line), soft_wrap=not sys.stderr.isatty())


def ending(job: Job) -> Text:
    """Return how a job ended, in two lines."""
    row = job.row()
    lead, style = {
        "done": (f"{job.agent} trained {plural(row.n_done, 'step')}", "green"),
        "stopped": (f"{job.agent} stopped after {_of(row)}; what was trained is kept", ""),
        "exploded": (f"{job.agent} exploded after {_of(row)}: its loss is not finite", "bold red"),
        "failed": (f"{job.agent} failed after {_of(row)}: {row.error}", "bold red"),
    }[row.state]
    figures = [f"loss {decimal(row.loss, 4)}"] if row.loss is not None else []
    figures += [f"now at step {job.step:,}"] if job.step is not None else []
    figures += [f"energy {format_flops(row.n_flops)}"]
    return Text.assemble(f"job {row.job}: ", (lead, style), "\n  " + "  ·  ".join(figures))


def _of(row: JobRow) -> str:
    return f"{row.n_done:,} of {plural(row.n_steps, 'step')}"


def _in_short(job: Job) -> str:
    row = job.row()
    if row.state == "stopping":
        return f"job {row.job}: {job.agent} is stopping"
    left = ""
    if row.steps_per_second > 0:
        left = f", {duration((row.n_steps - row.n_done) / row.steps_per_second)} left"
    return (
        f"job {row.job}: {job.agent} {math.floor(100 * job.share)}%, loss {decimal(row.loss)}{left}"
    )


def duration(seconds: float) -> str:
    """Return a time as one reads it: 12 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
