"""Ctrl-C: it ends the command, at once, never the shell, and no change is left half made.

A key press is a signal only while a command runs; at the prompt prompt_toolkit takes it as a key.
Three places hear the signal, each in its own way: a training has a flag that it polls; a call of
the arena runs in a thread of its own (bandits.shell.calls), and whoever waits for it can leave;
everything else a command does is interrupted by KeyboardInterrupt, as in any program.  Between
commands the signal is kept for the next one, for there the history is written and the prompt drawn.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from cmd2.parsing import Statement
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.keys import Keys

from bandits.shell.strict_cmd2 import StrictCmd

GRACE_SECONDS = 0.15  # what a Ctrl-C leaves a call to end in by itself; the promise is 0.3
_POLL_SECONDS = 0.03
_AGAIN_SECONDS = 0.08


class InterruptibleCmd(StrictCmd):
    """A command interpreter that a Ctrl-C brings back to its prompt within 0.3 s."""

    def __init__(self, *, interactive: bool, **options: Any) -> None:
        super().__init__(**options)
        self.interactive = interactive
        self._pressed = False  # a Ctrl-C that nothing has answered yet
        self._line_broken = False  # the terminal has written ^C where the prompt would stand
        self._raising = False  # the main thread is where KeyboardInterrupt does no harm
        self._stop: threading.Event | None = None

    @contextlib.contextmanager
    def stoppable(self) -> Iterator[Callable[[], bool]]:
        """While in this context the first Ctrl-C makes the yielded function true, and no more.

        The second one interrupts as usual, should the first not be heard.
        """
        self._stop = threading.Event()
        try:
            yield self._stop.is_set
        finally:
            if self._stop.is_set():  # answered: whoever stopped by it says so
                self._pressed = False
            self._stop = None

    @contextlib.contextmanager
    def deaf(self) -> Iterator[None]:
        """While in this context a Ctrl-C raises nothing; `wait` hears it, and `check_interrupt`."""
        raising, self._raising = self._raising, False
        try:
            yield
        finally:
            self._raising = raising

    def sigint_handler(self, signum: int, frame: Any) -> None:
        """Take a Ctrl-C to whoever can act on it now."""
        with self.sigint_protection:  # raises nothing, and lets a command behind a | hear of it
            super().sigint_handler(signum, frame)
        first = self._stop is not None and not self._stop.is_set()
        if self._stop is not None:
            self._stop.set()
        self._pressed = True
        if not self._raising or first or self.sigint_protection:
            return
        again = threading.Timer(_AGAIN_SECONDS, self._again)  # should it be swallowed on the way
        again.daemon = True
        again.start()
        if not _importing(frame):  # else a module that is imported in part would stay so
            self.interrupt()

    def termination_signal_handler(self, signum: int, frame: Any) -> None:
        """Take the end of the terminal, or of the session: what trains stops, and is kept."""
        if self._stop is not None:
            self._stop.set()
        super().termination_signal_handler(signum, frame)

    def _again(self) -> None:
        if self._pressed and self._raising:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def interrupt(self) -> NoReturn:
        """End the command."""
        self._line_broken = True  # not mended here: a signal may have come in the middle of a write
        raise KeyboardInterrupt

    def wait(self, done: threading.Event, *, grace: float = GRACE_SECONDS) -> bool:
        """Wait for an event, so that a Ctrl-C is heard.

        Returns whether it came: not if a Ctrl-C was pressed and `grace` seconds have passed since.
        """
        pressed_at = time.monotonic() if self._pressed else None
        with self.deaf():
            while not done.wait(_POLL_SECONDS):
                now = time.monotonic()
                if self._pressed and pressed_at is None:
                    pressed_at = now
                if pressed_at is not None and now - pressed_at >= grace:
                    return False
        return True

    def check_interrupt(self) -> None:
        """Raise the KeyboardInterrupt of a Ctrl-C that nothing has answered yet."""
        if self._pressed:
            self.interrupt()

    # ------------------------------------------------------------------ where it is heard

    def onecmd(self, statement: Statement | str, *, add_to_history: bool = True) -> bool:
        """Run a command; a Ctrl-C that came on the way to it, or was not answered in it, ends it."""
        outer, self._line_broken = self._raising, False
        if not outer:
            self._hear_keys()
        try:
            self._raising = True
            self.check_interrupt()
            stop = super().onecmd(statement, add_to_history=add_to_history)
            self.check_interrupt()
            return stop
        except KeyboardInterrupt:
            self._raising = self._pressed = False
            if self._line_broken and self.interactive:
                self.poutput()
            self._line_broken = False
            raise
        finally:
            self._raising = outer

    def onecmd_plus_hooks(self, line: str, **options: Any) -> bool:
        """Run a line, and leave no trace of where in it a Ctrl-C came."""
        outer = self._raising
        try:
            return super().onecmd_plus_hooks(line, **options)
        finally:
            self._raising = outer

    def _hear_keys(self) -> None:
        """Find a Ctrl-C that was typed right behind the command, while the prompt was leaving."""
        if not self.edits_lines:
            return
        terminal = self.main_session.input
        keys = [*get_typeahead(terminal), *terminal.read_keys()]
        presses = [n for n, key in enumerate(keys) if key.key == Keys.ControlC]
        if presses:
            self._pressed = True
            keys = keys[presses[-1] + 1 :]
        store_typeahead(terminal, keys)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While in this context a terminal that cannot edit waits for a line; Ctrl-C is a signal there."""
        if self._raising:  # it is a question of the command that runs
            yield
            return
        self._forget_presses()
        self._raising = True
        try:
            yield
        finally:
            self._raising = False

    def pre_prompt(self) -> None:
        """Forget what came before the prompt; from here on Ctrl-C is for what is typed at it."""
        self._forget_presses()

    def forgive(self) -> None:
        """Take the Ctrl-C as answered."""
        self._pressed = False

    def _forget_presses(self) -> None:
        if self._pressed:  # between two commands: the terminal has written ^C all the same
            self.main_session.output.write_raw("\r\n")
            self.main_session.output.flush()
            self._pressed = False


def quiet_unraisable(problem: sys.UnraisableHookArgs) -> None:
    """Say nothing of a Ctrl-C that came in a finaliser, where Python can only drop it; it comes again."""
    if not isinstance(problem.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(problem)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False
