"""Pictures: visualize."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cmd2
from cmd2 import Choices, rich_utils
from cmd2.rich_utils import TextGroup
from cmd2.styles import Cmd2Style
from rich.text import Text

from bandits.commands.base import BanditsCommands
from bandits.errors import UnknownName, did_you_mean, printable
from bandits.shell.parsing import CommandParser, UsageError, parser, whole_number, words
from bandits.terminal.progress import ProgressLine
from bandits.terminal.text import tilde

if TYPE_CHECKING:
    from bandits.pictures import Picture, Plot

_EXAMPLE = 34  # columns of an example; what it shows comes behind it
_ROWS_AROUND = 2  # of the terminal: the prompt, and the line that asked


def _visualize_parser() -> CommandParser:
    from bandits import pictures as plots

    table = {what: plots.PLOTS.get(what) for what in plots.PLOTS}
    command = parser(
        "Draw a picture into a PNG file (the command says where), or in the terminal. Looking at "
        "gradients, attention and activations costs a little energy.",
        *(plot.example for plot in table.values()),
    )
    told = Text()
    for n, plot in enumerate(table.values()):
        told.append("\n" if n else "")
        told.append(f"{plot.example:<{_EXAMPLE}}", style=Cmd2Style.COMMAND_LINE)
        told.append(plot.summary)
    command.epilog = TextGroup("Examples", told)
    command.add_argument(
        "what",
        metavar="WHAT",
        help=", ".join(table),
        choices_provider=PictureCommands.plot_choices,
    )
    command.add_argument(
        "of",
        metavar="AGENT",
        nargs="*",
        default=(),
        help="of whom (the current agent); loss and schedule take several; race takes a match (the latest)",
        choices_provider=PictureCommands.of_choices,
    )
    command.add_argument(
        "--save",
        metavar="FILE",
        help="write it here: .png, .svg or .pdf",
        completer=cmd2.Cmd.path_complete,
    )
    command.add_argument("--show", action="store_true", help="open the file in a viewer as well")
    command.add_argument("--terminal", action="store_true", help="draw it here, in the terminal")
    command.add_argument("--text", metavar="TEXT", help="what the agent reads (attention)")
    command.add_argument("--layer", metavar="N", help="of one layer, from 0 (attention)")
    command.add_argument(
        "--replay", action="store_true", help="retrain a long training for its course (gradients)"
    )
    return command


class PictureCommands(BanditsCommands):
    """What training looks like."""

    DEFAULT_CATEGORY = "Insight"

    def plot_choices(self) -> Choices:
        """Return the pictures there are."""
        from bandits import pictures as plots

        return words(list(plots.PLOTS))

    def of_choices(self, arg_tokens: dict[str, list[str]]) -> Choices:
        """Return the agents, or the matches for a race."""
        if arg_tokens.get("what") != ["race"]:
            return self.agent_choices()
        from bandits.commands.base import _choices

        rows = reversed(self.arena.matches())
        return _choices((str(row.match_id), f"{row.name_a} against {row.name_b}") for row in rows)

    @cmd2.with_argparser(_visualize_parser)
    def do_visualize(self, args: argparse.Namespace) -> None:
        """Draw a picture of agents, of all of them, or of a match."""
        from bandits import pictures as plots
        from bandits.drawing import canvas

        plot = _plot_named(args.what)
        _check_options(args, plot)
        request = plots.Request(
            names=tuple(args.of),
            text=args.text,
            layer=None
            if args.layer is None
            else whole_number(args.layer, "layer", f"visualize {args.what} --layer 0"),
            replay=args.replay,
        )
        wanted = Path(os.path.expanduser(args.save)) if args.save is not None else None
        if wanted is not None:
            canvas.check(wanted)  # before an agent pays for anything
        folder = self._cmd.home / "pictures"
        if wanted is None and (args.show or not args.terminal):
            with contextlib.suppress(OSError):  # then the check says what is wrong
                folder.mkdir(parents=True, exist_ok=True)
            canvas.check(folder / "picture.png")
        if args.show:
            from bandits.terminal.viewer import viewer

            viewer()  # raises before anything is paid
        with ProgressLine("replaying") as progress:
            picture = plot.gather(self.arena, replace(request, on_progress=progress.train))
        if args.terminal:
            self._sketch(picture)
        for note in picture.notes:
            self.say(Text(note, style="dim"))
        if picture.n_flops:
            from bandits.wording import format_flops

            self.say(Text(f"energy {format_flops(picture.n_flops)}", style="dim"))
        if wanted is None and args.terminal and not args.show:
            return
        path = wanted or folder / f"{picture.slug}.png"
        self._cmd.aside(lambda: canvas.save(picture, path))  # half a second of matplotlib
        self._cmd.poutput(Text(f"{picture.title}: {tilde(path.absolute())}"), soft_wrap=True)
        if args.show:
            from bandits.terminal.viewer import view

            view(path)

    def _sketch(self, picture: Picture) -> None:
        from bandits.terminal.look import look_of
        from bandits.terminal.pictures import sketch

        stdout: Any = self._cmd.stdout
        styled = rich_utils.ALLOW_STYLE != rich_utils.AllowStyle.NEVER and stdout.isatty()
        look = replace(look_of(stdout), colours=styled)
        rows = shutil.get_terminal_size((80, 24)).lines
        around = _ROWS_AROUND + len(picture.notes) + bool(picture.n_flops)
        self.say(*sketch(picture, self._cmd.width, rows - around, look))


def _plot_named(what: str) -> Plot:
    """Return the picture of this name.  Raises UnknownName with the nearest."""
    from bandits import pictures as plots

    if what in plots.PLOTS:
        return plots.PLOTS.get(what)
    known = list(plots.PLOTS)
    raise UnknownName(
        f"no picture '{printable(what, 40)}'{did_you_mean(what, known)} ({', '.join(known)})"
    )


def _check_options(args: argparse.Namespace, plot: Plot) -> None:
    """Raise UsageError for an option that this picture does not take."""
    given = {"--text": args.text, "--layer": args.layer, "--replay": args.replay or None}
    for option, value in given.items():
        if value is not None and option not in plot.options:
            raise UsageError(f"visualize {args.what} does not take {option}; try '{plot.example}'")
