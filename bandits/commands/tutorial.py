"""The tutorial: tutorial."""

from __future__ import annotations

import argparse

import cmd2

from bandits.commands.base import BanditsCommands
from bandits.shell.parsing import CommandParser, parser
from bandits.tutorial.tutor import Tutor, under_way

ACTIONS = ("skip", "back", "restart", "off")


def _tutorial_parser() -> CommandParser:
    command = parser(
        "Learn the game in ten minutes and eight steps. Each asks for a command and explains what "
        "came of it, with your own numbers. Type anything else in between; it waits, and goes on "
        "where you left when you come back.",
        "tutorial",
        "tutorial skip",
        "tutorial off",
    )
    command.add_argument(
        "action",
        metavar="ACTION",
        nargs="?",
        choices=ACTIONS,
        help="skip: the next step; back: the one before; restart: from the first; off: no more; "
        "left out: begin, or show the step again",
    )
    return command


class TutorialCommands(BanditsCommands):
    """The teacher."""

    DEFAULT_CATEGORY = "Shell"

    def on_registered(self) -> None:
        """Let the shell go on with a tutorial that was under way."""
        shell = self.shell
        shell.take_up = lambda: Tutor(shell) if under_way(shell.home) else None

    @cmd2.with_argparser(_tutorial_parser)
    def do_tutorial(self, args: argparse.Namespace) -> None:
        """Learn the game in ten minutes."""
        shell = self.shell
        tutor = shell.tutor if isinstance(shell.tutor, Tutor) else Tutor(shell)
        if args.action == "off":
            tutor.stop()
            shell.tutor = None
            self.say("the tutorial is off; tutorial goes on where you left")
            return
        shell.tutor = tutor
        if args.action is None:
            tutor.begin()
        else:
            tutor.move(args.action)
        tutor.show()
