"""Proof: verify, and the mark of agents that have not been verified."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import cmd2
from cmd2 import Completions
from rich.text import Text

from bandits.agent.agent import Progress
from bandits.arena.reports import VerifyReport
from bandits.commands.base import ALL, BanditsCommands, path_of
from bandits.errors import BadFile, BanditsError, UnknownName, did_you_mean
from bandits.model.energy import Energy
from bandits.shell.parsing import CommandParser, UsageError, add_json, parser
from bandits.terminal.progress import ProgressLine
from bandits.terminal.text import plural, shown
from bandits.wording import format_flops


def _verify_parser() -> CommandParser:
    command = parser(
        "Retrain an agent from its seed, or fight a match again, and compare with the record to the last "
        f"bit. '{ALL}' does so with each agent that came from a file. Replaying is free.",
        "verify",
        "verify Ada",
        "verify ada.safetensors",
        "verify hand-ins/",
        "verify 3",
        f"verify {ALL}",
        overview="verify A",
    )
    command.add_argument(
        "what",
        metavar="WHAT",
        nargs="*",
        help=f"agents, champion files, folders of them, numbers of matches, or '{ALL}'; the current agent "
        "if left out",
        completer=VerificationCommands.complete_what,
    )
    command.add_argument(
        "--dataset",
        metavar="FILE",
        help="the text that a champion file learned, if it is not known here",
        completer=cmd2.Cmd.path_complete,
    )
    add_json(command)
    return command


class VerificationCommands(BanditsCommands):
    """Who is what they say."""

    DEFAULT_CATEGORY = "Battle"

    def complete_what(self, text: str, line: str, begidx: int, endidx: int) -> Completions:
        """Return the agents that fit; if none does, files."""
        names = [row.name for row in self.arena.agents()]
        found = self.shell.basic_complete(text, line, begidx, endidx, [*names, ALL])
        return found or self.shell.path_complete(text, line, begidx, endidx)

    @cmd2.with_argparser(_verify_parser)
    def do_verify(self, args: argparse.Namespace) -> None:
        """Prove by replay what an agent, a champion file or a match is."""
        names = [row.name for row in self.arena.agents()]
        words, several = self._spread(args.what or [self.arena.current], names)
        if not words and not args.json:
            self.say("nothing to verify: every agent that came from a file has been verified")
        reports, stopped = [], False
        for word in words:
            try:
                report, stopped = self._verify(word, names, args.dataset)
            except BanditsError as problem:
                self.shell.fail(problem)  # and on to the next
                continue
            reports.append(report)
            if not args.json:
                self._describe(word, report)
            if not report.stopped and not report.verified:
                self.shell.fail(f"{_subject(word, report)} is not verified: {report.difference}")
            if stopped:
                break
        if args.json:
            found = [report.as_dict() for report in reports]
            if several or found:
                self.say_json(found if several else found[0])
        elif len(words) > 1:
            n_true = sum(report.verified for report in reports)
            self.say(f"{n_true} of {len(words)} verified")
        if stopped:
            self.shell.interrupt()

    def _spread(self, words: list[str], names: list[str]) -> tuple[list[str], bool]:
        """Return all that is to be verified, and whether a list was asked for."""
        spread: list[str] = []
        for word in words:
            folder = path_of(word)
            if word == ALL and ALL not in names:
                spread += self.arena.unverified()
            elif word and word not in names and os.path.isdir(folder):
                files = sorted(str(path) for path in folder.glob("*.safetensors"))
                if not files:
                    raise BadFile(f"folder '{shown(word)}' holds no .safetensors file")
                spread += files
            else:
                spread.append(word)
        return spread, spread != words or len(words) > 1

    def _verify(
        self, word: str, names: list[str], dataset: str | None
    ) -> tuple[VerifyReport, bool]:
        """Return what the proof came to, and whether a Ctrl-C was pressed meanwhile."""
        call = self._call(word, names, dataset)
        corners = ("replay a", "replay b") if _is_match(word) else (f"replay {shown(word, 30)}",)
        note = f"the proof of {shown(word, 30)} will stop after this step"
        progress = ProgressLine(*corners)
        with self.shell.stoppable(note, progress.leave) as stopped, progress:
            report = call(progress.battle)
        return report, stopped()

    def _call(
        self, word: str, names: list[str], dataset: str | None
    ) -> Callable[[Callable[[str, Progress], None]], VerifyReport]:
        """Return what verifies a word: an agent, a match or a file."""
        path = path_of(word)
        is_file = word not in names and _means_a_file(word, path)
        if dataset is not None and not is_file:
            raise UsageError("verify: --dataset is for champion files; an agent knows its dataset")
        if word in names:
            return lambda watch: self.arena.verify(word, on_progress=watch)
        if _is_match(word):
            return lambda watch: self.arena.verify_match(int(word), on_progress=watch)
        if is_file:
            text = None if dataset is None else os.path.expanduser(dataset)
            return lambda watch: self.arena.verify_file(path, dataset=text, on_progress=watch)
        if not names and not word:
            raise UnknownName("there are no agents; make one with create_agent NAME")
        raise UnknownName(
            f"no agent, champion file or match '{shown(word, 40)}'{did_you_mean(word, names)} "
            "(agents lists them)"
        )

    def _describe(self, word: str, report: VerifyReport) -> None:
        subject = _subject(word, report)
        cost = f"replayed {format_flops(report.n_flops)}, charged to nobody"
        if report.stopped:
            self.say(f"stopped: {subject} is neither verified nor refuted")
        elif report.verified and report.kind == "match":
            self.say(
                f"{subject} is verified: both fighters, made anew from their seeds, fight it again and "
                "every figure of the record is the same",
                f"  {cost}",
            )
        elif report.verified:
            steps = plural(report.n_steps, "step")
            made = (
                f"{steps}, trained again from seed {report.seed}, give the same losses, weights and "
                "moments to the last bit, and the same bill"
            )
            if not report.n_steps:
                made = f"it is untrained, and seed {report.seed} draws its weights"
            self.say(f"{subject} is verified: {made}", f"  {cost}")
            stated = report.stated or Energy()
            if stated.generation or stated.evaluation:
                self.say(
                    Text(
                        f"  taken as stated: generation {format_flops(stated.generation)}, evaluation "
                        f"{format_flops(stated.evaluation)}; they leave no trace, and only add to a bill",
                        style="dim",
                    )
                )


def _is_match(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 10


def _subject(word: str, report: VerifyReport) -> str:
    if report.kind == "match":
        return f"match {report.name}"
    return report.name if report.kind == "agent" else f"{report.name} in '{shown(word, 60)}'"


def _means_a_file(word: str, path: Path) -> bool:
    """Whether a word has the looks of a path, or is one, with or without its ending."""
    from bandits.agent.champion import SUFFIX

    looks = bool(path.suffix) or os.sep in word
    return bool(word) and (looks or os.path.exists(path) or os.path.exists(f"{path}{SUFFIX}"))
