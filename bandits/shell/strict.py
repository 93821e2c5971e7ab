"""cmd2, made to say whether a command failed, in one line, and to lose none.

What differs from cmd2 as it comes: every failure reaches `failed`, so that `bandits -c` can exit 1 and
the rest of a script does not run; `a; b` runs both; only a defect shows a traceback.
"""

from __future__ import annotations

import argparse
import errno
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cmd2
from cmd2.argparse_utils import set_default_argument_parser
from cmd2.history import HistoryItem
from cmd2.parsing import Statement
from cmd2.plugin import PostparsingData
from cmd2.styles import Cmd2Style
from rich.text import Text

from bandits.errors import BadFile, BanditsError, UnknownName, did_you_mean, printable
from bandits.shell.advice import advice
from bandits.shell.parsing import CommandParser, parser
from bandits.shell.splitting import SplittingParser, first_command

MAX_SCRIPT_DEPTH = 20
LINE_LIMIT = 600
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}

set_default_argument_parser(CommandParser)
cmd2.Cmd.DEFAULT_CATEGORY = "Shell"


def _script_parser() -> CommandParser:
    command = parser(
        "Run the commands of a text file, one a line; it stops at the first that fails.",
        "run_script contest.txt",
    )
    command.add_argument(
        "script_path",
        metavar="FILE",
        help="a text file; empty lines and lines that begin with # are skipped",
        completer=cmd2.Cmd.path_complete,
    )
    return command


class StrictCmd(cmd2.Cmd):
    """A command interpreter whose commands succeed or fail.

    `failed` is whether the command that ran last did; `keep_going` whether a failure lets the rest run.
    """

    DEFAULT_CATEGORY = "Shell"

    def __init__(self, *, keep_going: bool = False, **options: Any) -> None:
        super().__init__(allow_cli_args=False, **options)
        self.statement_parser = SplittingParser()
        self.keep_going = keep_going
        self.failed = False
        self._rests: list[str] = []  # what is left of the line, of each command that is running
        self._places: list[str] = []  # where each script that is running stands
        self.register_postparsing_hook(self._take_rest)

    def after_command(self) -> None:
        """Do what is due after every command, failed or not; nothing here."""

    def onecmd_plus_hooks(
        self,
        line: str,
        *,
        add_to_history: bool = True,
        raise_keyboard_interrupt: bool = False,
        py_bridge_call: bool = False,
    ) -> bool:
        """Run a line, all of its commands if `;` separates several, and note whether one failed."""
        any_failed, stop, rest = False, False, line
        while rest and not stop and (self.keep_going or not any_failed):
            self.failed = False
            self.last_result = None
            command, rest = first_command(rest)
            self._rests.append(rest)
            try:
                stop = super().onecmd_plus_hooks(
                    command,
                    add_to_history=add_to_history,
                    raise_keyboard_interrupt=raise_keyboard_interrupt,
                    py_bridge_call=py_bridge_call,
                )
            finally:
                rest = self._rests.pop()
                self.after_command()
            any_failed = any_failed or self.failed
        self.failed = any_failed
        return stop

    def runcmds_plus_hooks(
        self,
        cmds: Iterable[HistoryItem] | Iterable[str],
        *,
        add_to_history: bool = True,
        stop_on_keyboard_interrupt: bool = True,
    ) -> bool:
        """Run lines in turn up to the first that fails, or all with `keep_going`."""
        any_failed, stop = False, False
        for line in cmds:
            if self.echo:
                self.poutput(f"{self.prompt}{line}")
            stop = self.onecmd_plus_hooks(
                str(line), add_to_history=add_to_history, raise_keyboard_interrupt=True
            )
            any_failed = any_failed or self.failed
            if stop or (any_failed and not self.keep_going):
                break
        self.failed = any_failed
        return stop

    def run_numbered(self, lines: Iterable[str], source: str) -> bool:
        """Run the lines of a file or a pipe; an error names the line.  Returns whether to quit."""
        self._places.append("")

        def numbered() -> Iterator[str]:
            for n, line in enumerate(lines, start=1):
                self._places[-1] = f"{source}, line {n}"
                yield line

        try:
            return self.runcmds_plus_hooks(numbered(), add_to_history=False)
        finally:
            self._places.pop()

    def run_file(self, path: Path) -> bool:
        """Run a script.  Returns whether to quit.  Raises BadFile."""
        if len(self._script_dir) >= MAX_SCRIPT_DEPTH:
            raise BadFile(f"scripts call each other more than {MAX_SCRIPT_DEPTH} deep")
        lines = read_script(path)
        self._script_dir.append(str(path.parent))
        try:
            return self.run_numbered(lines, printable(path.name, 40))
        finally:
            self._script_dir.pop()

    def _take_rest(self, data: PostparsingData) -> PostparsingData:
        """Put what an alias or a macro holds after a `;` before what is left of the line."""
        statement = data.statement
        if statement.suffix:
            self._rests[-1] = "; ".join(filter(None, (statement.suffix, self._rests[-1])))
        return data

    def postcmd(self, stop: bool, statement: Statement | str) -> bool:
        """Note the failures that cmd2's own commands only leave in `last_result`."""
        shell = isinstance(statement, Statement) and statement.command == "shell"
        if self.last_result is False or (shell and self.last_result):
            self.failed = True
        return stop

    # ------------------------------------------------------------------ errors

    def fail(self, message: str) -> None:
        """Print one line to standard error and note the failure."""
        self.failed = True
        if re.match(r"[A-Z][a-z]", message):
            message = message[0].lower() + message[1:]
        place = f" ({self._places[-1]})" if self._places else ""
        line = printable("; ".join(message.splitlines()), LINE_LIMIT)
        self.print_to(
            sys.stderr,
            Text(f"error: {line}{place}"),
            style=Cmd2Style.ERROR,
            soft_wrap=not sys.stderr.isatty(),  # whole for a log, wrapped at words for a reader
        )

    def perror(self, *objects: Any, style: Any = Cmd2Style.ERROR, **options: Any) -> None:
        """Print an error of cmd2's own commands as one line; its warnings and timings pass."""
        text = " ".join(str(item) for item in objects)
        problem = getattr(objects[0], "__cause__", None) if objects else None
        if isinstance(problem, OSError):  # of a redirection, which names neither file nor reason
            text = f"'{problem.filename}' cannot be written: {(problem.strerror or '').lower()}"
        if style == Cmd2Style.WARNING or text.startswith("Elapsed: "):
            super().perror(*objects, style=style, **options)
        else:
            self.fail(text)

    def pexcept(self, exception: BaseException, **options: Any) -> None:
        """Print a player's mistake as one line, and a defect with its traceback."""
        self.failed = True
        if isinstance(exception, BanditsError):
            self.fail(f"{exception}{advice(exception)}")
        elif isinstance(exception, OSError) and exception.errno in _DISK_ERRORS:
            self.fail(f"the output could not be written: {exception.strerror}")
        elif self._in_history(exception):
            self.fail(f"history: {exception}; try 'history -a' or 'history 1:5'")
        else:
            sys.stderr.write("".join(traceback.format_exception(exception)))

    @staticmethod
    def _in_history(exception: BaseException) -> bool:
        """Whether cmd2's `history` refused the player's range or pattern with an exception."""
        frames = traceback.extract_tb(exception.__traceback__)
        return isinstance(exception, (ValueError, IndexError, re.error)) and any(
            frame.name == "_get_history" for frame in frames
        )

    def default(self, statement: Statement) -> bool | None:
        """Refuse an unknown command, with the nearest one."""
        known = [*self.get_visible_commands(), *self.aliases, *self.macros]
        name = statement.command
        raise UnknownName(
            f"no command '{printable(name, 40)}'{did_you_mean(name, known)} (help lists them)"
        )

    # ------------------------------------------------------------------ scripts

    @cmd2.with_argparser(_script_parser)
    def do_run_script(self, args: argparse.Namespace) -> bool | None:
        """Run the commands of a text file."""
        return self.run_file(Path(os.path.expanduser(args.script_path)))


def read_script(path: Path) -> list[str]:
    """Return the lines of a script.  Raises BadFile."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile(f"script '{printable(str(path))}' is not UTF-8 text") from None
    except OSError as problem:
        reason = (problem.strerror or "cannot be read").lower()
        raise BadFile(f"script '{printable(str(path))}': {reason}") from None
    return text.splitlines()
