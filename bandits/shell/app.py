"""The shell: cmd2, made to say whether a command failed, in one line, and to lose none.

What differs from cmd2 as it comes: every failure reaches `failed` (so that `bandits -c` can exit 1 and
the rest of a script does not run); `a; b` runs both; only a defect shows a traceback; a Ctrl-C during
training becomes a flag that the arena polls; what is typed and aliased is kept at once, not at exit.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cmd2
from cmd2 import rich_utils
from cmd2.argparse_utils import set_default_argument_parser
from cmd2.history import HistoryItem
from cmd2.parsing import Statement
from cmd2.plugin import PostparsingData
from cmd2.styles import Cmd2Style

from bandits.arena import Arena
from bandits.errors import BadFile, BanditsError, UnknownName, did_you_mean, printable
from bandits.shell import COMMAND_SETS
from bandits.shell.base import CommandParser, parser
from bandits.shell.memory import Memory, Shortcuts
from bandits.shell.splitting import SplittingParser, first_command

MAX_SCRIPT_DEPTH = 20
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
_LINE_LIMIT = 600

set_default_argument_parser(CommandParser)
cmd2.Cmd.DEFAULT_CATEGORY = "Shell"


def plain_terminal() -> bool:
    """Whether colours and cursor movements must stay out of the output."""
    return "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"


def _script_parser() -> CommandParser:
    command = parser(
        "Run the commands of a text file, one a line; it stops at the first that fails.",
        "run_script contest.txt",
    )
    command.add_argument("script_path", metavar="FILE", completer=cmd2.Cmd.path_complete)
    return command


class BanditsShell(cmd2.Cmd):
    """The game's commands over one arena.

    `interactive` is whether someone is there to be asked; `keep_going` whether a failure lets the rest
    run; `failed` whether the command that ran last did.
    """

    DEFAULT_CATEGORY = "Shell"

    def __init__(self, home: Path, *, interactive: bool = False, keep_going: bool = False) -> None:
        rich_utils.ALLOW_STYLE = (
            rich_utils.AllowStyle.NEVER if plain_terminal() else rich_utils.AllowStyle.TERMINAL
        )
        super().__init__(allow_cli_args=False, command_sets=[new() for new in COMMAND_SETS])
        self.statement_parser = SplittingParser()
        self.home = home
        self.interactive = interactive
        self.keep_going = keep_going
        self.failed = False
        self._arena: Arena | None = None
        self._stop: threading.Event | None = None
        self._rests: list[str] = []
        self._places: list[str] = []
        self._starting = False  # the start-up file runs: what it defines is the file's to keep
        self.hidden_commands += ["edit", "run_pyscript"]
        self.doc_leader = "'help COMMAND' shows examples."
        self.register_postparsing_hook(self._take_rest)

        self.memory = Memory(home)
        for line in self.memory.history():
            command, _, args = line.partition(" ")
            self.history.append(Statement(args, raw=line, command=command))
            self.main_session.history.append_string(line)
        self.history.start_session()
        self._n_remembered = len(self.history)
        self.persistent_history_file = str(self.memory.history_path)  # `history --clear` empties it
        self._kept: Shortcuts = {"aliases": {}, "macros": {}}
        self._load_aliases()

    # ------------------------------------------------------------------ the arena

    @property
    def arena(self) -> Arena:
        """The arena of this home, opened when it is first needed."""
        if self._arena is None:
            self._arena = Arena(self.home)
        return self._arena

    def close(self) -> None:
        """Close the arena, if it was opened."""
        if self._arena is not None:
            self._arena.close()
            self._arena = None

    def refresh_prompt(self) -> None:
        """Let the prompt name the current agent."""
        try:
            self.prompt = f"{self.arena.current}> "
        except BanditsError:
            self.prompt = "bandits> "

    @property
    def width(self) -> int:
        """Columns of the terminal, or of $COLUMNS."""
        return rich_utils.console_width()

    def confirm(self, question: str) -> bool:
        """Ask the player; anything but yes is no."""
        try:
            return self.read_input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        except (EOFError, KeyboardInterrupt):
            return False

    # ------------------------------------------------------------------ running commands

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
                self._remember()
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
        line = printable("; ".join(message.splitlines()), _LINE_LIMIT)
        self.print_to(sys.stderr, f"error: {line}{place}", style=Cmd2Style.ERROR)

    def perror(self, *objects: Any, style: Any = Cmd2Style.ERROR, **options: Any) -> None:
        """Print an error of cmd2's own commands as one line; its warnings and timings pass."""
        text = " ".join(str(item) for item in objects)
        if style == Cmd2Style.WARNING or text.startswith("Elapsed: "):
            super().perror(*objects, style=style, **options)
        else:
            self.fail(text)

    def pexcept(self, exception: BaseException, **options: Any) -> None:
        """Print a player's mistake as one line, and a defect with its traceback."""
        self.failed = True
        if isinstance(exception, BanditsError):
            self.fail(str(exception))
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

    # ------------------------------------------------------------------ Ctrl-C

    @contextlib.contextmanager
    def stoppable(self) -> Iterator[Callable[[], bool]]:
        """While in this context the first Ctrl-C makes the yielded function true, and no more.

        The second one interrupts as usual, should the first not be heard.
        """
        self._stop = threading.Event()
        try:
            yield self._stop.is_set
        finally:
            self._stop = None

    def sigint_handler(self, signum: int, frame: Any) -> None:
        """Take a Ctrl-C: to the running training if there is one."""
        if self._stop is not None and not self._stop.is_set():
            self._stop.set()
        else:
            super().sigint_handler(signum, frame)

    def _raise_keyboard_interrupt(self) -> None:
        if self.interactive:
            self.poutput()
        raise KeyboardInterrupt

    # ------------------------------------------------------------------ what survives

    def run_rc(self) -> None:
        """Run the player's own start-up commands, if there are any, without their chatter."""
        for path in (self.home / "banditsrc", Path.home() / ".banditsrc"):
            if not path.is_file():
                continue
            keep_going, quiet = self.keep_going, self.quiet
            self.keep_going = self.quiet = self._starting = True
            try:
                self.run_file(path)
            except BanditsError as problem:
                self.fail(str(problem))
            finally:
                self.keep_going, self.quiet = keep_going, quiet
                self.failed = self._starting = False
            return

    def _shortcuts(self) -> Shortcuts:
        return {"aliases": dict(self.aliases), "macros": dict(self.macros)}

    def _load_aliases(self) -> None:
        try:
            saved = self.memory.aliases()
        except (ValueError, KeyError, TypeError, AttributeError):
            try:
                aside = self.memory.set_aside()
            except OSError:
                return
            self._warn(f"the saved aliases could not be read; they were kept as {aside}")
            return
        except OSError as problem:
            if os.access(self.home, os.X_OK):  # else the arena will say so
                self._warn(f"the saved aliases could not be read: {problem.strerror}")
            return
        commands = set(self.get_all_commands())
        for name, value in saved["aliases"].items():
            if name not in commands:
                self.aliases[name] = value
        for name, macro in saved["macros"].items():
            if name not in commands:
                self.macros[name] = macro
        self._kept = self._shortcuts()

    def _remember(self) -> None:
        """Keep what was typed and aliased since the last command."""
        lines = [item.raw for item in self.history[self._n_remembered :]]
        changed = self._shortcuts()
        try:
            if lines and self.interactive and not self._places:
                self.memory.remember(lines)
            if changed != self._kept and not self._starting:
                self.memory.save_changes(self._kept, changed)
        except OSError as problem:
            self._warn(f"what you typed cannot be kept: {problem.strerror}")
        self._n_remembered, self._kept = len(self.history), changed

    def _warn(self, message: str) -> None:
        self.pwarning(f"warning: {printable(message, _LINE_LIMIT)}")

    # ------------------------------------------------------------------ commands of cmd2, mended

    def precmd(self, statement: Statement | str) -> Statement:
        """Notice `history --clear`, which shortens what was remembered."""
        self._n_remembered = min(self._n_remembered, len(self.history))
        return super().precmd(statement)

    @cmd2.with_argparser(_script_parser)
    def do_run_script(self, args: argparse.Namespace) -> bool | None:
        """Run the commands of a text file."""
        return self.run_file(Path(args.script_path).expanduser())

    def do__eof(self, _: Any) -> bool | None:
        """Quit at the end of input; on a terminal, leave its line first."""
        if self.interactive:
            self.poutput()
        return True

    def pre_prompt(self) -> None:
        """Show the current agent, which another window may have changed."""
        self.refresh_prompt()


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
