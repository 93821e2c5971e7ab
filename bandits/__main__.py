"""The entry point: `bandits` and `python -m bandits`.

It reads the command line of bandits itself and hands over to the shell, which is imported only when it is
needed.  Exit codes: 0 done, 1 a command failed, 2 bad usage of bandits itself, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import errno
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from bandits import __version__
from bandits.errors import BanditsError, printable

_UNWRITABLE = (errno.ENOSPC, errno.EIO)
_DESCRIPTION = (
    "Backprop Bandits: tiny GPTs that train in milliseconds, and a terminal game made of them."
)
_EPILOG = """\
without arguments it opens the game, or runs the lines of standard input if that is no terminal

examples:
  bandits
  bandits -c "battle A B 100"
  bandits -c "create_agent Ada" -c "train 500" -c generate
  bandits contest.txt
  echo "agents --json" | bandits

exit codes: 0 done, 1 a command failed, 2 bad usage, 130 Ctrl-C
environment: BANDITS_HOME is the folder of the arena; NO_COLOR keeps the output plain
start-up: the commands of $BANDITS_HOME/banditsrc, or else of ~/.banditsrc, run first"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line and exit 2."""
        self.exit(2, f"error: {printable(message, 300)}; try 'bandits --help'\n")


def command_line_parser() -> argparse.ArgumentParser:
    """Return the parser of bandits' own command line."""
    parser = _Parser(
        prog="bandits",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "script", metavar="SCRIPT", nargs="?", help="a file of commands, one a line"
    )
    parser.add_argument(
        "-c", "--command", metavar="CMD", action="append", help="run a command; may be repeated"
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="run the rest after a command that failed"
    )
    parser.add_argument("--no-rc", action="store_true", help="do not run the start-up commands")
    parser.add_argument("--version", action="version", version=f"bandits {__version__}")
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
        from bandits.shell.run import run
    finally:
        gc.freeze()
        gc.enable()
    return run


def _mend_streams() -> None:
    """Make the standard streams usable: a closed one, or one that cannot encode a box or an é."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _let_go_of_output() -> None:
    """Let what is left of the output vanish, rather than fail again when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
