"""Trainings in the background: jobs, stop."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import cmd2
from cmd2 import Choices
from rich.table import Table

from bandits.commands.base import ALL, BanditsCommands
from bandits.shell.completion import words
from bandits.shell.jobs import Job, JobRow
from bandits.shell.parsing import CommandParser, UsageError, add_json, parser, whole_number
from bandits.terminal.tables import Column, fitting
from bandits.terminal.text import decimal, hint, significant
from bandits.wording import format_flops


def _jobs_parser() -> CommandParser:
    command = parser(
        "List the trainings in the background, begun with train --background.",
        "jobs",
        "jobs --wait",
    )
    command.add_argument(
        "--wait", action="store_true", help="until all have ended; Ctrl-C ends the wait, not them"
    )
    add_json(command)
    return command


def _stop_parser() -> CommandParser:
    command = parser(
        "Stop a training in the background at a step boundary; what it trained is kept and paid.",
        "stop 1",
        "stop all",
    )
    command.add_argument(
        "job",
        metavar="JOB|all",
        help="its number, as jobs shows it",
        choices_provider=JobCommands.job_choices,
    )
    return command


class JobCommands(BanditsCommands):
    """What goes on behind the prompt."""

    DEFAULT_CATEGORY = "Training"

    def job_choices(self) -> Choices:
        """Return the jobs that can be stopped."""
        return words([*(str(job.number) for job in self.shell.jobs.running()), ALL])

    @cmd2.with_argparser(_jobs_parser)
    def do_jobs(self, args: argparse.Namespace) -> None:
        """List the trainings in the background."""
        if args.wait and not self.shell.await_jobs(self.shell.jobs.running()):
            self.shell.interrupt()
        jobs = self.shell.jobs.all()
        rows = [job.row() for job in jobs]
        if args.json:
            self.say_json([row.as_dict() for row in rows])
        elif rows:
            self.say(_table(rows, jobs, self.shell.width))
        else:
            self.say("nothing trains in the background", hint("train 100000 --background"))

    @cmd2.with_argparser(_stop_parser)
    def do_stop(self, args: argparse.Namespace) -> None:
        """Stop a training in the background."""
        jobs = self.shell.jobs
        stopped = (
            jobs.running()
            if args.job == ALL
            else [jobs.job(whole_number(args.job, "job", "stop 1' or 'stop all"))]
        )
        ended = [job for job in stopped if job.ended.is_set()]
        if ended:
            raise UsageError(f"job {args.job} has ended: {ended[0].state} (jobs lists them)")
        if not stopped:
            self.say("nothing trains in the background")
        for job in stopped:
            job.stop.set()
        if not self.shell.await_jobs(stopped):
            self.shell.interrupt()


def _table(rows: Sequence[JobRow], jobs: Sequence[Job], width: int) -> Table:
    columns = [
        Column("job", [f"{row.job}" for row in rows]),
        Column("agent", [" and ".join(row.agents) for row in rows], left=True, style="cyan"),
        Column("state", [row.state for row in rows], left=True),
        Column("done", [f"{job.share:.0%}" for job in jobs]),
        Column("steps", [f"{row.n_done:,}/{row.n_steps:,}" for row in rows], dropped=2),
        Column("loss", [decimal(row.loss, 3) for row in rows], dropped=3),
        Column("steps/s", [significant(row.steps_per_second) for row in rows], dropped=4),
        Column("energy", [format_flops(row.n_flops) for row in rows], dropped=1),
    ]
    return fitting(columns, width)
