"""Training and sampling: train, generate."""

from __future__ import annotations

import argparse
import math

import cmd2
from rich.console import Group
from rich.text import Text

from bandits.arena.reports import GenerateReport, TrainReport
from bandits.commands.base import KEPT, BanditsCommands, add_agent, far_worse
from bandits.shell.parsing import (
    CommandParser,
    UsageError,
    add_json,
    add_watch,
    parser,
    watch_seconds,
    whole_number,
)
from bandits.terminal.columns import in_columns
from bandits.terminal.live.view import training_view
from bandits.terminal.text import decimal, hint, percent, plural, shown
from bandits.wording import format_flops

_ROWS_AT_ONCE = 200  # of a sample


def _train_parser() -> CommandParser:
    command = parser(
        "Train an agent for a number of steps. Ctrl-C stops it and keeps what was trained.",
        "train 1000",
        "train 500 B",
        "train 1000 --watch 5",
    )
    command.add_argument("steps", metavar="STEPS", help="steps of Adam")
    add_agent(command)
    command.add_argument(
        "--background",
        action="store_true",
        help="go on at the prompt meanwhile (jobs, stop); a script waits for it at its end",
    )
    add_watch(command, "spread the curve over so many seconds, for people to watch; at most 600")
    return command


def _generate_parser() -> CommandParser:
    command = parser(
        "Let an agent write, and score what it wrote.",
        "generate",
        "generate 50 B --seed 3",
        overview="generate 20",
    )
    command.add_argument("n", metavar="N", nargs="?", default="10", help="how many (10)")
    add_agent(command)
    command.add_argument("--seed", metavar="N", help="draw the same sample again")
    add_json(command)
    return command


class TrainingCommands(BanditsCommands):
    """What an agent does with its energy."""

    DEFAULT_CATEGORY = "Training"

    @cmd2.with_argparser(_train_parser)
    def do_train(self, args: argparse.Namespace) -> None:
        """Train an agent."""
        n_steps = whole_number(args.steps, "steps", "train 100")
        watch = None if args.watch is None else watch_seconds(args.watch, "train 1000 --watch 5")
        name = args.agent or self.arena.current
        if args.background:
            self._begin(name, n_steps, args.watch)
            return
        view = training_view(name, n_steps, self.shell.stdout, watch)
        with self.shell.stoppable(KEPT.format(name), view.leave) as stopped, view:
            report = self.arena.train(n_steps, args.agent, on_progress=view.train)
            view.finish(report, stopped)
        self._describe(report)
        if report.stopped:
            self.shell.session.note_training(report.name, report.n_done)
        if stopped():
            self.shell.interrupt()

    def _begin(self, name: str, n_steps: int, watch: str | None) -> None:
        """Train in the background."""
        if watch is not None:
            raise UsageError("train: --background has no curve to --watch; leave one of them out")
        job = self.shell.begin_job(name, n_steps)
        if not job.ended.is_set():  # else it has been told
            number = job.number
            self.say(
                f"job {number}: {name} trains {plural(n_steps, 'step')} in the background",
                hint("jobs", f"stop {number}"),
            )

    def _describe(self, report: TrainReport) -> None:
        loss = report.loss
        perplexity = decimal(math.exp(loss)) if loss is not None and loss < 700 else "-"
        lead = f"stopped after {report.n_done:,} of" if report.stopped else "trained"
        n_steps = report.n_steps if report.stopped else report.n_done
        self.say(f"{lead} {plural(n_steps, 'step')}: {report.name} is at step {report.step:,}")
        self.say(
            f"  loss {decimal(loss, 4)} (mean of the last 50)  ·  perplexity {perplexity}  ·  "
            f"energy {format_flops(report.n_flops)}"
        )
        is_current = report.name == self.arena.current
        name, option = ("", "") if is_current else (f" {report.name}", f" --agent {report.name}")
        if report.diverged:
            self.say(
                Text(f"  {report.name} exploded: its loss is no longer finite", style="bold red"),
                hint(f"diagnose{name}", f"delete_agent {report.name}", "create_agent NAME"),
            )
            return
        settings = self.arena.settings(report.name)
        rate = float(settings.learning_rates(report.step, 1)[0])
        self.say(
            f"  learning rate now {rate:.4g}  ({settings.schedule}, {settings.learning_rate:g} at the "
            f"start, horizon {settings.horizon:,})"
        )
        if far_worse(loss, report.uniform_loss):
            worse = (
                f"is far worse than a blind guess, which has a loss of {report.uniform_loss:.2f}"
            )
            self.say(
                Text(f"  {report.name} {worse}", style="bold red"),
                hint(f"diagnose{name}", "create_agent NAME"),
            )
        if settings.steps_left(report.step) == 0:
            self.say(
                f"  the schedule is complete: at the horizon of {settings.horizon:,} steps the "
                "learning rate is 0",
                hint(
                    f"generate 10{name}" if name else "generate",
                    f"config horizon {2 * settings.horizon}{option}",
                    f"config schedule constant{option}",
                ),
            )

    @cmd2.with_argparser(_generate_parser)
    def do_generate(self, args: argparse.Namespace) -> None:
        """Let an agent write, and score what it wrote."""
        n = whole_number(args.n, "N", "generate 10")
        seed = (
            None if args.seed is None else whole_number(args.seed, "seed", "generate 10 --seed 3")
        )
        report = self.arena.generate(n, args.agent, seed=seed)
        if args.json:
            self.say_json(report.as_dict())
        else:
            self._show_sample(report)

    def _show_sample(self, report: GenerateReport) -> None:
        marks = _marks(report)
        texts = [
            f"{mark} {shown(text, 34)}" for text, mark in zip(report.texts, marks, strict=True)
        ]
        rows = in_columns(texts, [_MARKS[mark][1] for mark in marks], self.shell.width)
        for start in range(0, len(rows), _ROWS_AT_ONCE):  # between them a Ctrl-C is heard
            self.say(Group(*rows[start : start + _ROWS_AT_ONCE]))
        used = [mark for mark in _MARKS if mark in marks]
        legend = "   ".join(f"{mark} {_MARKS[mark][0]}" for mark in used)
        self.say(Text(legend, style="dim"))
        self._score(report)

    def _score(self, report: GenerateReport) -> None:
        sample = report.figures
        score = Text(f"score of this sample {sample.score:.0f}", style="bold")
        score.append(f", at least {sample.score_low:.0f} with 95% confidence", style="not bold")
        self.say(
            score,
            f"  quality {decimal(sample.quality)} (perplexity {decimal(sample.perplexity)})  ·  "
            f"creativity {percent(sample.creativity)} (at least {percent(sample.creativity_low)})",
            f"  uniqueness {percent(sample.uniqueness)}  ·  validity {percent(sample.validity)}  ·  "
            f"energy {format_flops(report.n_flops)}  ·  seed {report.seed}",
        )


# What is wrong with a document, or "+": its meaning and its style.
_MARKS = {
    "+": ("valid and new", "green"),
    "=": ("copied from the training data", "yellow"),
    "~": ("a repeat of the sample", "yellow"),
    "x": ("not valid", "dim"),
}


def _marks(report: GenerateReport) -> list[str]:
    marks, seen = [], set()
    flags = zip(report.texts, report.creative, report.valid, strict=True)
    for text, creative, valid in flags:
        if creative:
            marks.append("+")
        elif not valid:
            marks.append("x")
        else:
            marks.append("~" if text in seen else "=")
        seen.add(text)
    return marks
