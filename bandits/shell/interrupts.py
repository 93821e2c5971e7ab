"""Ctrl-C: a wish that whoever works asks for, at a place where stopping does no harm.

A press is a signal only while a command runs; at the prompt prompt_toolkit takes it as a key.  The signal
raises nothing: it is noted, and heard where it is asked for.  The arena asks between two steps of a
training and between two parts of anything long, `say` before it prints more, and the shell before it
runs the next command.  So nothing is ever interrupted in its middle, and nothing half done need be undone.
What asks for an answer alone is broken off at once.

While the engine is inside one long step nothing can ask.  Then a thread that waits for the signal says
after a moment that the stop will come, and when.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from cmd2.parsing import Statement
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.keys import Keys

from bandits.shell.strict_cmd2 import StrictCmd

PATIENCE_SECONDS = 0.25  # after which a press that nothing has heard is answered in words
_POLL_SECONDS = 0.03
_IT_TAKES_A_WHILE = "stopping: what runs now ends first"


def _nothing() -> None:
    pass


class Ear:
    """A thread that hears SIGINT while the main thread is inside the engine, and then calls `heard`.

    Python tells it by the file descriptor of signal.set_wakeup_fd, whatever the main thread does.
    """

    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard = heard
        self._inside, self._outside = socket.socketpair()
        self._outside.setblocking(False)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while numbers := self._inside.recv(64):
            if signal.SIGINT in numbers:
                self._heard()

    def listen(self) -> None:
        """Hear the signals that come from now on; outside the main thread, none do."""
        if threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(self._outside.fileno(), warn_on_full_buffer=False)

    def rest(self) -> None:
        """Hear none any more."""
        if threading.current_thread() is threading.main_thread():
            signal.set_wakeup_fd(-1)

    def close(self) -> None:
        """End the thread."""
        self._outside.close()
        self._thread.join()
        self._inside.close()


class InterruptibleCmd(StrictCmd):
    """A command interpreter that a Ctrl-C brings back to its prompt."""

    def __init__(self, *, interactive: bool, **options: Any) -> None:
        super().__init__(**options)
        self.interactive = interactive
        self._pressed = threading.Event()  # a Ctrl-C that nothing has answered yet
        self._ended_by: int | None = None  # the signal that ends the run after this command
        self._in_command = False
        self._asking = False  # for an answer, which a signal breaks off
        self._answered = False  # by what the command said; else the line with ^C is left as it is
        self._n_changes = 0  # of what a Ctrl-C would stop: commands begun and ended, works done
        self._note = _IT_TAKES_A_WHILE
        self._make_way: Callable[[], None] = _nothing
        self._ear = Ear(self._say_if_it_takes_a_while)

    # ------------------------------------------------------------------ who hears it

    def stop_asked(self) -> bool:
        """Whether a Ctrl-C was pressed that nothing has answered yet."""
        return self._pressed.is_set()

    def check_interrupt(self) -> None:
        """Raise the KeyboardInterrupt of a Ctrl-C that nothing has answered yet, inside a command."""
        if self._in_command and self._pressed.is_set():
            self.interrupt()

    def interrupt(self) -> NoReturn:
        """End the command."""
        if self._ended_by is not None:
            sys.exit(128 + self._ended_by)
        raise KeyboardInterrupt

    @contextlib.contextmanager
    def stoppable(self, note: str, make_way: Callable[[], None]) -> Iterator[Callable[[], bool]]:
        """While in this context a Ctrl-C is answered by what runs, which keeps what it has done.

        note: what is said if that takes long; make_way: called before, so that it gets a line of its own
        below what is drawn.  Yields a function: whether it was pressed.  Whoever leaves
        the context after a press says what came of it, and ends the command with `interrupt`.
        """
        pressed_before = False

        def pressed() -> bool:
            return pressed_before or self._pressed.is_set()

        outer = self._note, self._make_way
        self._note, self._make_way = note, make_way
        try:
            yield pressed
        finally:
            self._note, self._make_way = outer
            self._n_changes += 1
        pressed_before = self._answered = self._pressed.is_set()
        if pressed_before:  # else one that comes now would be lost
            self._pressed.clear()

    def wait(self, done: threading.Event) -> bool:
        """Wait for an event.  Returns whether it came: not if a Ctrl-C was pressed first."""
        while not done.wait(_POLL_SECONDS):
            if self._pressed.is_set():
                return False
        return True

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """While in this context, where nothing is done but waited for, a Ctrl-C raises at once."""
        if self._pressed.is_set():
            self.interrupt()
        outer, self._asking = self._asking, True
        try:
            yield
        finally:
            self._asking = outer
            if (
                self._in_command
            ):  # asyncio, which edits the answer, has taken the signals for itself
                self._ear.listen()

    def forgive(self) -> None:
        """Take the Ctrl-C as answered."""
        self._pressed.clear()

    # ------------------------------------------------------------------ signals

    def sigint_handler(self, signum: int, frame: Any) -> None:
        """Note a Ctrl-C."""
        with self.sigint_protection:  # raises nothing, and lets a command behind a | hear of it
            super().sigint_handler(signum, frame)
        self._pressed.set()
        if self._asking:
            self.interrupt()

    def termination_signal_handler(self, signum: int, frame: Any) -> None:
        """Take the end of the terminal, or of the session: what trains stops, and is kept."""
        if not self._in_command or self._asking:
            super().termination_signal_handler(signum, frame)
        self._ended_by = signum
        self._pressed.set()

    def _say_if_it_takes_a_while(self) -> None:
        """Say what a Ctrl-C waits for, in the ear's thread, if the same work still runs after a moment."""
        before = self._n_changes
        threading.Event().wait(PATIENCE_SECONDS)
        if self._in_command and self._n_changes == before:
            self._make_way()
            self.mention(self._note)

    @abstractmethod
    def mention(self, line: str) -> None:
        """Print a line to standard error."""

    # ------------------------------------------------------------------ commands

    def onecmd(self, statement: Statement | str, *, add_to_history: bool = True) -> bool:
        """Run a command; a Ctrl-C that came on the way to it, or was not answered in it, ends it."""
        outer, self._in_command = self._in_command, True
        if not outer:
            self._answered = False
            self._hear_keys()
        self._n_changes += 1
        self._ear.listen()
        try:
            self.check_interrupt()
            stop = super().onecmd(statement, add_to_history=add_to_history)
            self.check_interrupt()
            return stop
        except KeyboardInterrupt:
            if self.interactive and not self._answered:
                self.poutput()  # the terminal has written ^C where the prompt would stand
            self._answered = True
            self._pressed.clear()
            if self._ended_by is not None:
                self.interrupt()
            raise
        finally:
            if not outer:
                self._ear.rest()
            self._n_changes += 1
            self._in_command = outer

    def poutput(self, *objects: Any, **options: Any) -> None:
        """Print, unless a Ctrl-C has ended the command meanwhile."""
        self.check_interrupt()
        super().poutput(*objects, **options)

    # ------------------------------------------------------------------ the prompt

    def _hear_keys(self) -> None:
        """Find a Ctrl-C that was typed right behind the command, while the prompt was leaving."""
        if not self.edits_lines:
            return
        terminal = self.main_session.input
        keys = [*get_typeahead(terminal), *terminal.read_keys()]
        presses = [n for n, key in enumerate(keys) if key.key == Keys.ControlC]
        if presses:
            self._pressed.set()
            keys = keys[presses[-1] + 1 :]
        store_typeahead(terminal, keys)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While in this context a terminal that cannot edit waits for a line; Ctrl-C is a signal there."""
        if self._in_command:  # it is a question of the command, which says what Ctrl-C answers
            yield
            return
        self._forget_presses()
        with self.asking():
            yield

    def pre_prompt(self) -> None:
        """Forget what came before the prompt; from here on Ctrl-C is for what is typed at it."""
        self._forget_presses()

    def _forget_presses(self) -> None:
        if self._pressed.is_set():  # between two commands: the terminal has written ^C all the same
            self.main_session.output.write_raw("\r\n")
            self.main_session.output.flush()
            self._pressed.clear()
