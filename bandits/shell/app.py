"""The game's shell: the arena, the player's terminal, and what is remembered between sessions.

What is typed and aliased is kept at once, not at exit.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar

from cmd2 import rich_utils
from cmd2.parsing import Statement

from bandits.arena.arena import Arena
from bandits.errors import BanditsError, printable
from bandits.shell.alerts import AlertingCmd
from bandits.shell.help import HelpfulCmd
from bandits.shell.history_and_aliases import Memory, Shortcuts
from bandits.shell.strict_cmd2 import LINE_LIMIT
from bandits.store.database import FILE_NAME

T = TypeVar("T")


def plain_terminal() -> bool:
    """Whether colours and cursor movements must stay out of the output."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


class PlainInput(io.TextIOWrapper):
    """Lines from a terminal that cannot move its cursor; cmd2 edits lines if `isatty`.

    `reading` is the context in which it waits for one.
    """

    reading: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext

    def isatty(self) -> bool:
        """Say no."""
        return False

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # as TextIOWrapper does
        """Wait for a line and return it."""
        with self.reading():
            return super().readline(size)


def _input(interactive: bool) -> TextIO:
    """Return where cmd2 reads: the terminal, or nothing, and then it leaves the terminal alone."""
    if not interactive:
        return open(os.devnull, encoding="utf-8")
    if os.environ.get("TERM") == "dumb":
        return PlainInput(sys.stdin.buffer, encoding=sys.stdin.encoding, errors="replace")
    return sys.stdin


class Onlooker(Protocol):
    """Who is told of the commands that succeed, such as the tutorial."""

    def notice(self, command: str) -> None:
        """Look at what a command came to."""

    def reminder(self) -> object:
        """Return the line that greets a player who left in the middle."""


class BanditsShell(HelpfulCmd, AlertingCmd):
    """The game's commands over one arena; `interactive` is whether someone is there to be asked."""

    def __init__(
        self,
        home: Path,
        command_sets: Sequence[type[Any]],
        *,
        interactive: bool = False,
        keep_going: bool = False,
    ) -> None:
        rich_utils.ALLOW_STYLE = (
            rich_utils.AllowStyle.NEVER if plain_terminal() else rich_utils.AllowStyle.TERMINAL
        )
        super().__init__(
            home=home,
            interactive=interactive,
            keep_going=keep_going,
            stdin=_input(interactive),
            command_sets=[new() for new in command_sets],
        )
        self.interactive_pipe = interactive  # write the prompt though the input is a PlainInput
        if isinstance(self.stdin, PlainInput):
            self.stdin.reading = self.reading
        self._arena: Arena | None = None
        self._aside = ThreadPoolExecutor(max_workers=1)
        self.tutor: Onlooker | None = None  # while a tutorial is under way
        self.take_up: Callable[[], Onlooker | None] | None = getattr(self, "take_up", None)
        self._ran = ""  # the command that has just succeeded
        self._starting = False  # the start-up file runs: what it defines is the file's to keep
        self.hidden_commands += ["edit", "exit", "run_pyscript"]

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
        """The arena of this home, opened when it is first needed.

        Its long work asks this shell whether to stop; it touches no agent that trains in the background.
        """
        self.check_interrupt()
        if self._arena is None:
            self.session.in_old_arena = (self.home / FILE_NAME).exists()
            self._arena = Arena(self.home, stop=self.stop_asked, check_free=self.jobs.check_free)
        return self._arena

    def aside(self, work: Callable[[], T]) -> T:
        """Do work that a Ctrl-C need not wait for: left alone it ends by itself and does no harm."""
        future = self._aside.submit(work)
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        if not self.wait(done):
            self.interrupt()
        return future.result()

    def close(self) -> None:
        """Close the arena, if it was opened, when what was begun aside has ended."""
        self._aside.shutdown()
        self._ear.close()
        if self._arena is not None:
            self._arena.close()
            self._arena = None

    def refresh_prompt(self) -> None:
        """Let the prompt name the current agent."""
        try:
            name = self.arena.current
        except BanditsError:
            name = ""
        self.prompt = f"{name or 'bandits'}> "

    def confirm(self, question: str) -> bool:
        """Ask the player; anything but yes is no."""
        try:
            with self.asking():
                return self.read_input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            return False
        except KeyboardInterrupt:  # answers the question, and ends nothing else
            self.forgive()
            return False

    # ------------------------------------------------------------------ what survives

    def run_rc(self) -> None:
        """Run the player's own start-up commands, if there are any, without their chatter."""
        for path in (self.home / "banditsrc", Path(os.path.expanduser("~/.banditsrc"))):
            if not path.is_file():
                continue
            keep_going, quiet = self.keep_going, self.quiet
            self.keep_going = self.quiet = self._starting = True
            try:
                self.run_file(path)
            except BanditsError as problem:
                self.fail(problem)
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

    def after_command(self) -> None:
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
        super().after_command()
        ran, self._ran = self._ran, ""
        if self.tutor is not None and not self.failed and not self._starting:
            self.tutor.notice(ran)
        if self.interactive:
            self.refresh_prompt()

    def _warn(self, message: str) -> None:
        self.pwarning(f"warning: {printable(message, LINE_LIMIT)}")

    # ------------------------------------------------------------------ small repairs

    def precmd(self, statement: Statement | str) -> Statement:
        """Notice `history --clear`, which shortens what was remembered."""
        self._n_remembered = min(self._n_remembered, len(self.history))
        return super().precmd(statement)

    def postcmd(self, stop: bool, statement: Statement | str) -> bool:
        """Note a command of the game that succeeded, for `export script`."""
        stop = super().postcmd(stop, statement)
        if not self.failed and not self._starting and isinstance(statement, Statement):
            self._ran = statement.command
            if self.category_of(statement.command) != self.DEFAULT_CATEGORY:
                self.session.note(statement.command, statement.args)
        return stop

    def do__eof(self, _: Any) -> bool | None:
        """Quit at the end of input; on a terminal, leave its line first."""
        if self.interactive:
            self.poutput()
        return True

    def do_exit(self, _: Any) -> bool | None:
        """Quit."""
        return True

    def run_editor(self, file_path: str | None = None) -> None:
        """Open the player's text editor, which without a terminal would wait for ever."""
        if not self.interactive:
            raise BanditsError("an editor needs a terminal; edit the file before you run bandits")
        super().run_editor(file_path)

    def preloop(self) -> None:
        """Let the first prompt name the current agent, and go on with a tutorial."""
        self.refresh_prompt()
        if self.tutor is None and self.take_up is not None:
            self.tutor = self.take_up()
        if self.tutor is not None:
            self.poutput(self.tutor.reminder(), soft_wrap=False)

    def pre_prompt(self) -> None:
        """Let the prompt follow what another window changed."""
        super().pre_prompt()
        self.refresh_prompt()
