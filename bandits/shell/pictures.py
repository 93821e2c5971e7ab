"""Pictures: visualize."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

import cmd2
from cmd2 import Choices

from bandits import plots
from bandits.shell.base import BanditsCommands, CommandParser, add_agent, parser, words
from bandits.shell.text import tilde


def _visualize_parser() -> CommandParser:
    command = parser(
        "Draw a picture and write it to a PNG file; the command says where.",
        "visualize loss",
        "visualize gradients B --save gradients.png",
        "visualize loss --show",
    )
    command.add_argument(
        "what",
        metavar="WHAT",
        help=" or ".join(plots.PLOTS),
        choices_provider=PictureCommands.plot_choices,
    )
    add_agent(command)
    command.add_argument(
        "--save", metavar="FILE", help="write it here", completer=cmd2.Cmd.path_complete
    )
    command.add_argument("--show", action="store_true", help="open it in a window as well")
    return command


class PictureCommands(BanditsCommands):
    """What training looks like."""

    DEFAULT_CATEGORY = "Insight"

    def plot_choices(self) -> Choices:
        """Return the pictures there are."""
        return words(list(plots.PLOTS))

    @cmd2.with_argparser(_visualize_parser)
    def do_visualize(self, args: argparse.Namespace) -> None:
        """Draw the loss or the gradients of an agent."""
        plot = plots.PLOTS.get(args.what)
        name = args.agent or self.arena.current
        path = Path(args.save).expanduser() if args.save else self._place(name, args.what)
        plots.check(path)  # before the agent pays for anything
        draw = plot(self.arena, name)
        plots.save(draw, path)
        self.say(f"{args.what} of {name}: {tilde(path.absolute())}")
        if args.show:
            plots.show(draw, f"{args.what} of {name}")

    def _place(self, name: str, what: str) -> Path:
        folder = self._cmd.home / "pictures"
        with contextlib.suppress(OSError):  # then the check says what is wrong
            folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}-{what}.png"
