"""The entry point: `bandits` and `python -m bandits`.

It reads the command line of bandits itself and hands over to the shell, which is imported only when it is
needed.  Exit codes: 0 done, 1 a command failed, 2 bad usage of bandits itself, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import codecs
import errno
import gc
import os
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from bandits.errors import BanditsError, printable
from bandits.version import __version__

# What the game writes beyond ASCII, for terminals that know no more.
_PLAIN = {
    **dict(zip("▸→…·─━┄╌│┃┤└┴■▪▲◆●", [">", "->", "...", *".----||+++#*^+o"], strict=True)),
    **dict(zip("▁▂▃▄▅▆▇█░▒▓", "_.,-=+*#.:#", strict=True)),
}
_UNWRITABLE = (errno.ENOSPC, errno.EIO)
_DESCRIPTION = (
    "Backprop Bandits: tiny GPTs that train in milliseconds, and a terminal game made of them."
)
# Shown by --help, and by the man page, which tools/man_page.py makes of the same parser.
USAGE = (
    "Without arguments it opens the game; if standard input is no terminal, its lines are run. The "
    "arena remembers everything from one run to the next. In the game, help lists the commands and "
    "tutorial teaches them in ten minutes."
)
EXAMPLES = {
    "bandits": "open the game",
    'bandits -c "battle A B 100"': "run one command",
    'bandits -c "train 500" -c generate': "run several, until one fails",
    "bandits contest.txt": "run a script, a command a line",
    'echo "agents --json" | bandits': "run what a pipe brings",
    "bandits -c help": "list the commands of the game",
}
EXIT_CODES = {
    "0": "all commands succeeded",
    "1": "a command failed",
    "2": "bandits itself was used wrongly",
    "130": "Ctrl-C",
}
ENVIRONMENT = {
    "BANDITS_HOME": "the folder of the arena",
    "BANDITS_ISA": "the build of the engine: avx512, avx2 or base",
    "NO_COLOR": "if set, no colours",
    "COLUMNS": "the width of what goes to a pipe (80)",
}
FILES = {
    "$BANDITS_HOME/banditsrc, ~/.banditsrc": "commands to run first; the first of the two that exists",
    "$BANDITS_HOME/arena.db": "agents, datasets and battles",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line and exit 2."""
        self.exit(2, f"error: {printable(message, 300)}; try 'bandits --help'\n")


class _PrintCompletion(argparse.Action):
    """Print a completion script for a shell, made by shtab of this parser, and exit.

    `script` and `command` are the arguments of that parser which are completed with files and with commands.
    """

    def __init__(
        self, *args: Any, script: argparse.Action, command: argparse.Action, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.script, self.command = script, command

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        try:
            import shtab
        except ModuleNotFoundError:
            parser.exit(1, "error: 'shtab' is not installed for this Python; pip install shtab\n")
        from bandits.commands import COMMAND_SETS
        from bandits.shell.help import all_commands

        commands = " ".join(all_commands(COMMAND_SETS))
        self.script.complete = shtab.FILE  # type: ignore[attr-defined]
        self.command.complete = _words(commands)  # type: ignore[attr-defined]
        words_of_bash = f'_bandits_commands() {{ compgen -W "{commands}" -- "$1"; }}\n'
        preamble = words_of_bash if values == "bash" else ""
        print(shtab.complete(parser, shell=str(values), preamble=preamble))
        parser.exit()


def _words(words: str) -> dict[str, str]:
    """Return how each shell that shtab knows is told a list of words."""
    return {"bash": "_bandits_commands", "zsh": f"({words})", "tcsh": f"({words})"}


def _epilog() -> str:
    """Return what --help shows below the options."""

    def table(title: str, rows: Mapping[str, str], width: int) -> str:
        lines = [f"  {key:<{width}}  {meaning}" for key, meaning in rows.items()]
        return "\n".join([f"{title}:", *lines])

    parts = [textwrap.fill(USAGE, 79), table("examples", EXAMPLES, 35)]
    parts += [table("exit codes", EXIT_CODES, 12), table("environment", ENVIRONMENT, 12)]
    files = "\n".join(f"  {path}\n      {meaning}" for path, meaning in FILES.items())
    return "\n\n".join([*parts, f"files:\n{files}"])


def command_line_parser() -> argparse.ArgumentParser:
    """Return the parser of bandits' own command line."""
    parser = _Parser(
        prog="bandits",
        description=textwrap.fill(_DESCRIPTION, 79),
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    script = parser.add_argument(
        "script", metavar="SCRIPT", nargs="?", help="a file of commands, one a line"
    )
    command = parser.add_argument(
        "-c", "--command", metavar="CMD", action="append", help="run a command; may be repeated"
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="run the rest after a command that failed"
    )
    parser.add_argument("--no-rc", action="store_true", help="do not run the start-up commands")
    parser.add_argument(
        "--print-completion",
        metavar="SHELL",
        choices=("bash", "zsh", "tcsh"),
        action=_PrintCompletion,
        script=script,
        command=command,
        help="print a completion script for bash, zsh or tcsh",
    )
    parser.add_argument(
        "--version", action="version", version=f"bandits {__version__}", help="print the version"
    )
    return parser


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_line_parser()
    options, more = parser.parse_known_args(argv)
    if options.script and not Path(options.script).is_file():
        typed = printable(" ".join([options.script, *more]), 100)
        parser.error(
            f"no script '{printable(options.script, 60)}'; a command goes after -c: bandits -c \"{typed}\""
        )
    if more:
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    if options.script and options.command:
        parser.error("give a script or -c commands, not both")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run bandits and return its exit code."""
    _mend_streams()
    options = _parse(argv)
    code = 1
    try:
        run = _shell()
        code = run(
            commands=options.command,
            script=Path(options.script) if options.script else None,
            keep_going=options.keep_going,
            with_rc=not options.no_rc,
        )
        sys.stdout.flush()
    except BanditsError as problem:  # a missing engine, above all
        print(f"error: {printable(str(problem), 600)}", file=sys.stderr)
    except ModuleNotFoundError as missing:  # the clone is run, but was never installed
        library = str(missing.name).partition(".")[0]
        if library == "bandits":
            raise
        print(
            f"error: '{library}' is not installed for this Python: type `pip install -e .` in the "
            "clone of bandits",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _let_go_of_output()
    except OSError as problem:
        if problem.errno not in _UNWRITABLE:
            raise
        print(f"error: the output could not be written: {problem.strerror}", file=sys.stderr)
        _let_go_of_output()
        code = code or 1
    return code


def _shell() -> Callable[..., int]:
    """Return the shell's `run`, imported without the collector, which would take a sixth of it."""
    gc.disable()
    try:
        from bandits.commands import COMMAND_SETS
        from bandits.shell.run import run
    finally:
        gc.freeze()
        gc.enable()
    return partial(run, command_sets=COMMAND_SETS)


def _mend_streams() -> None:
    """Make the standard streams usable: a closed one, or one that cannot encode a box or an é."""
    codecs.register_error("bandits.plain", _plain)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="bandits.plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Stand in for what a stream cannot encode: a plain sign for one of ours, else an escape."""
    assert isinstance(error, UnicodeEncodeError)
    refused = error.object[error.start : error.end]
    shown = (
        _PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in refused
    )
    return "".join(shown), error.end


def _let_go_of_output() -> None:
    """Let what is left of the output vanish, rather than fail again when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
