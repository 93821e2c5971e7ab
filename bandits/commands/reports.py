"""Reports that can be mailed: report."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import cmd2
from cmd2 import Choices

from bandits.commands.base import BanditsCommands, path_of
from bandits.errors import UnknownName, did_you_mean, printable
from bandits.shell.completion import described
from bandits.shell.parsing import CommandParser, parser
from bandits.terminal.text import tilde

if TYPE_CHECKING:
    from bandits.arena.arena import Arena

LEADERBOARD = "leaderboard"
_LISTED = 5  # matches that an error names


def _report_parser() -> CommandParser:
    command = parser(
        "Write a match or the leaderboard to one HTML file that can be mailed: words, tables and the "
        "picture, readable on a phone, on paper and in the dark.",
        "report 1",
        "report leaderboard --save class.html",
        overview="report leaderboard",
    )
    command.add_argument(
        "what",
        metavar="WHAT",
        help=f"the number of a match, or {LEADERBOARD}",
        choices_provider=ReportCommands.report_choices,
    )
    command.add_argument(
        "--save", metavar="FILE", help="write it here", completer=cmd2.Cmd.path_complete
    )
    return command


class ReportCommands(BanditsCommands):
    """What can be shown to others."""

    DEFAULT_CATEGORY = "Battle"

    def report_choices(self) -> Choices:
        """Return the leaderboard and every match, with who fought."""
        matches = (
            (str(row.match_id), f"{row.name_a} against {row.name_b}")
            for row in self.arena.matches()
        )
        return described([(LEADERBOARD, "all agents of this dataset"), *matches])

    @cmd2.with_argparser(_report_parser)
    def do_report(self, args: argparse.Namespace) -> None:
        """Write a match or the leaderboard to an HTML file."""
        from bandits import pages

        match_id = None if args.what == LEADERBOARD else self._match_id(args.what)
        slug = LEADERBOARD if match_id is None else f"match-{match_id}"
        path = path_of(args.save) if args.save else self.folder("reports") / f"{slug}.html"
        pages.check(path)  # before anybody is judged
        arena = self.arena
        shown = f"the {LEADERBOARD}" if match_id is None else f"match {match_id}"
        page = self.shell.aside(  # its pictures take seconds
            lambda: (
                pages.leaderboard_page(arena) if match_id is None else match_page(arena, match_id)
            )
        )
        pages.save(path, page)
        size = f"{max(1, round(len(page.encode()) / 1000)):,} kB"
        self.say(f"report of {shown}: {tilde(path.absolute())}  ({size}, all in one file)")

    def _match_id(self, text: str) -> int:
        """Return the number of a match that there is.  Raises UnknownName, naming some."""
        matches = self.arena.matches()
        if text.isascii() and text.isdigit() and len(text) < 19:
            if any(row.match_id == int(text) for row in matches):
                return int(text)
            what = f"no match {int(text)}"
        else:
            near = did_you_mean(text, [LEADERBOARD])
            what = f"'{printable(text, 40)}' is neither '{LEADERBOARD}' nor a match{near}"
        if not matches:
            raise UnknownName(f"{what}; none is recorded yet, try 'battle A B 100'")
        listed = ", ".join(f"{r.match_id} ({r.name_a}, {r.name_b})" for r in matches[-_LISTED:])
        earlier = "; the latest are" if len(matches) > _LISTED else "; there are"
        raise UnknownName(f"{what}{earlier} {listed}")


def match_page(arena: Arena, match_id: int | None = None) -> str:
    """Return the page of a match, the latest if None, with what to type.  Raises UnknownName."""
    from bandits import pages

    match = arena.match(match_id)
    outcome = match.outcome
    terms = outcome["n_steps"] or f"--energy {outcome['max_flops']}"
    return pages.match_page(
        arena,
        match,
        battle=f"battle {match.name_a} {match.name_b} {terms} --seed {outcome['seed']}",
        verify=f"verify {match.match_id}",
    )
