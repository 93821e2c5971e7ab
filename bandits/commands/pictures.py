"""Pictures: visualize."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import webbrowser
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cmd2
from cmd2 import Choices, rich_utils
from cmd2.rich_utils import TextGroup
from cmd2.styles import Cmd2Style
from rich.text import Text

from bandits.commands.base import BanditsCommands, path_of
from bandits.errors import BanditsError, UnknownName, did_you_mean, printable
from bandits.shell.advice import in_full
from bandits.shell.completion import described, words
from bandits.shell.parsing import CommandParser, UsageError, parser, whole_number
from bandits.terminal.progress import ProgressLine
from bandits.terminal.text import tilde
from bandits.wording import enumeration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bandits.pictures import Picture, Plot, Request

_EXAMPLE = 34  # columns of an example; what it shows comes behind it
_ROWS_AROUND = 2  # of the terminal: the prompt, and the line that asked
# Browsers that Python falls back on where there is no display; they would take over this terminal.
_IN_THE_TERMINAL = ("www-browser", "links", "elinks", "lynx", "w3m")
# The examples show what can be done with any picture, each with another.
_WAYS = {"weights": "--save b.svg", "activations": "--terminal", "pareto": "--show"}
# What pictures can be asked besides names: fields of a request.
OPTIONS = {
    "text": ("TEXT", "what the agent reads"),
    "layer": ("N", "of one layer, from 0"),
    "replay": (None, "retrain a long training for its course"),
}


def _visualize_parser() -> CommandParser:
    from bandits import pictures as plots

    table = {what: plots.PLOTS.get(what) for what in plots.PLOTS}
    command = parser(
        "Draw a picture into a PNG file (the command says where), or in the terminal. Looking at "
        "gradients, attention and activations costs a little energy.",
        *map(example_of, table),
        overview="visualize loss",
    )
    told = Text()
    for n, (what, plot) in enumerate(table.items()):
        told.append("\n" if n else "")
        told.append(f"{example_of(what):<{_EXAMPLE}}", style=Cmd2Style.COMMAND_LINE)
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
        help=_of_whom(table),
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
    for option, (metavar, meaning) in OPTIONS.items():
        taken_by = enumeration(what for what, plot in table.items() if option in plot.options)
        value: dict[str, Any] = {"metavar": metavar} if metavar else {"action": "store_true"}
        command.add_argument(f"--{option}", help=f"{meaning} ({taken_by})", **value)
    return command


def _of_whom(table: Mapping[str, Plot]) -> str:
    several = [what for what, plot in table.items() if plot.takes == "agents"]
    matches = [what for what, plot in table.items() if plot.takes == "match"]
    return (
        f"of whom (the current agent); {enumeration(several)} take{'s' * (len(several) == 1)} several; "
        f"{enumeration(matches)} take{'s' * (len(matches) == 1)} a match (the latest)"
    )


def line_of(what: str, request: Request) -> str:
    """Return the line that asks for a picture."""
    line = ["visualize", what, *request.names]
    for option, (metavar, _) in OPTIONS.items():
        value = getattr(request, option)
        if value not in (None, False):
            line += [f"--{option}", str(value)] if metavar else [f"--{option}"]
    return shlex.join(line)


def example_of(what: str) -> str:
    """Return a line that draws this picture."""
    from bandits import pictures as plots

    return " ".join([line_of(what, plots.PLOTS.get(what).example), *_WAYS.get(what, "").split()])


class PictureCommands(BanditsCommands):
    """What training looks like."""

    DEFAULT_CATEGORY = "Insight"

    def plot_choices(self) -> Choices:
        """Return the pictures there are."""
        from bandits import pictures as plots

        return words(list(plots.PLOTS))

    def of_choices(self, arg_tokens: dict[str, list[str]]) -> Choices:
        """Return the agents, or the matches for a picture of one."""
        from bandits import pictures as plots

        what = arg_tokens.get("what", [""])[0]
        if what not in plots.PLOTS or plots.PLOTS.get(what).takes != "match":
            return self.agent_choices()
        rows = reversed(self.arena.matches())
        return described((str(row.match_id), f"{row.name_a} against {row.name_b}") for row in rows)

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
        wanted = path_of(args.save) if args.save is not None else None
        if wanted is not None:
            canvas.check(wanted)  # before an agent pays for anything
        if wanted is None and (args.show or not args.terminal):
            canvas.check(self.folder("pictures") / "picture.png")
        window = _window() if args.show else None
        with ProgressLine("replaying") as progress:
            picture = plot.gather(self.arena, replace(request, on_progress=progress.train))
        if args.terminal:
            self._sketch(picture)
        for note in picture.notes:
            self.say(Text(in_full(note), style="dim"))
        if picture.n_flops:
            from bandits.wording import format_flops

            self.say(Text(f"energy {format_flops(picture.n_flops)}", style="dim"))
        if wanted is None and args.terminal and not args.show:
            return
        path = wanted or self.folder("pictures") / f"{picture.slug}.png"
        self.shell.aside(lambda: canvas.save(picture, path))  # half a second of matplotlib
        self.shell.poutput(Text(f"{picture.title}: {tilde(path.absolute())}"), soft_wrap=True)
        if window is not None:  # it answers no for a viewer that has handed the file on and ended
            window.open(path.absolute().as_uri())

    def _sketch(self, picture: Picture) -> None:
        from bandits.terminal.look import look_of
        from bandits.terminal.pictures import sketch

        stdout: Any = self.shell.stdout
        styled = rich_utils.ALLOW_STYLE != rich_utils.AllowStyle.NEVER and stdout.isatty()
        look = replace(look_of(stdout), colours=styled)
        rows = shutil.get_terminal_size((80, 24)).lines
        around = _ROWS_AROUND + len(picture.notes) + bool(picture.n_flops)
        self.say(*sketch(picture, self.shell.width, rows - around, look))


def _window() -> webbrowser.BaseBrowser:
    """Return what opens a file in a window here.  Raises BanditsError, before anything is paid."""
    # The viewer of such files where a desktop has one, else its browser.
    for name in ("xdg-open", None):
        with contextlib.suppress(webbrowser.Error):
            found = webbrowser.get(name)
            if found.basename not in _IN_THE_TERMINAL:
                return found
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    why = "nothing is installed that opens one" if display else "there is no display"
    raise BanditsError(f"no window can be opened here: {why}; leave --show out, or try --terminal")


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
    for option in OPTIONS:
        if getattr(args, option) not in (None, False) and option not in plot.options:
            example = example_of(args.what)
            raise UsageError(f"visualize {args.what} does not take --{option}; try '{example}'")
