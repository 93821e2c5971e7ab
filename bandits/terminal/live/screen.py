"""Frames drawn over each other on a terminal, the last of which stays.

A frame is moved over line by line, never cleared first, so it does not flicker; lines are shorter than
the terminal, so they do not wrap.  When the terminal has been made narrower than what is on it, no
count of lines is right any more (some terminals wrap what is there and some do not), so a new page is
begun; what was on the old one is scrolled up, not lost.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, TextIO

from rich.color import ColorSystem
from rich.style import Style
from rich.text import Text

FRAME_SECONDS = 0.1
MOST_OF_THE_TIME = 0.012  # of the processor goes into drawing, on any machine
_SETTLED_SECONDS = 0.25  # after which a resized terminal counts as done
DEFAULT_SIZE = (80, 24)
_LEAST_SIZE = (24, 6)


def can_draw(stream: TextIO) -> bool:
    """Whether the stream is a terminal that can move its cursor and belongs to this process now."""
    if os.environ.get("TERM") in ("dumb", "unknown") or not stream.isatty():
        return False
    columns, rows = size_of(stream)
    return columns >= _LEAST_SIZE[0] and rows >= _LEAST_SIZE[1] and _in_front(stream)


def _in_front(stream: TextIO) -> bool:
    """Whether this process is not in the background of its terminal (`bandits ... &`)."""
    if not hasattr(os, "tcgetpgrp"):
        return True
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except OSError:  # a terminal that controls no process, as under some test tools
        return True


def size_of(stream: TextIO) -> tuple[int, int]:
    """Return the columns and rows of a terminal as it is now, at most $COLUMNS wide."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = 0, 0
    columns, rows = columns or DEFAULT_SIZE[0], rows or DEFAULT_SIZE[1]
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and 0 < int(wanted) < columns:
        columns = int(wanted)
    return columns, rows


@contextlib.contextmanager
def silent_keyboard(stream: TextIO) -> Iterator[None]:
    """Keep what is typed meanwhile off the screen; it stays to be read by whoever reads next.

    After Ctrl-Z and `fg` it is kept off again, for the shell has given the terminal its own ways.
    """
    try:
        import termios

        descriptor = stream.fileno()
        before = termios.tcgetattr(descriptor)
    except (ImportError, OSError, ValueError):  # no such terminal
        yield
        return
    except termios.error:
        yield
        return
    quiet = [*before]
    quiet[3] &= ~termios.ECHO

    def keep(ways: list[Any]) -> None:
        if _in_front(stream):  # else the terminal is the shell's, and asking for it stops us
            termios.tcsetattr(descriptor, termios.TCSADRAIN, ways)

    keep(quiet)
    try:
        with on_return(lambda: keep(quiet)):
            yield
    finally:
        keep(before)


@contextlib.contextmanager
def on_return(call: Callable[[], None]) -> Iterator[None]:
    """While in this context, call a function when the process goes on after it was stopped."""
    if not hasattr(signal, "SIGCONT") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def returned(signum: int, frame: FrameType | None) -> None:
        call()
        if callable(before):
            before(signum, frame)

    before = signal.signal(signal.SIGCONT, returned)
    try:
        yield
    finally:
        signal.signal(signal.SIGCONT, before)


class Screen:
    """Where frames are drawn; `n_frames` have been so far."""

    def __init__(self, stream: TextIO, *, colours: bool) -> None:
        self._stream, self._colours = stream, colours
        self.n_frames = 0
        self.seconds_drawing = 0.0
        self.sparing = True  # as long as there is something that drawing could slow
        self._lines: list[Text] = []
        self._left = False  # others may have written below the frame
        self._next = 0.0
        self._size = self._asked = size_of(stream)
        self._began = self._changed_at = 0.0
        self._spent = self._took = self._drawn_at = 0.0  # seconds of the processor

    def due(self) -> bool:
        """Whether it is time for a frame: ten a second, fewer if drawing is slow or nobody looks."""
        now = time.monotonic()
        if now < self._next:
            return False
        if self.sparing and (time.process_time() - self._drawn_at) * MOST_OF_THE_TIME < self._took:
            return False
        size = size_of(self._stream)
        if size != self._asked:
            self._asked, self._changed_at = size, now
        if self._asked != self._size and now - self._changed_at < _SETTLED_SECONDS:
            return False
        return _in_front(self._stream)

    def begin(self) -> tuple[int, int]:
        """Begin a frame: return how many columns it may fill, and how many rows."""
        self._began, self._spent = time.monotonic(), time.thread_time()
        columns, rows = self._size = self._asked = size_of(self._stream)
        return columns - 1, rows - 1

    def leave(self) -> None:
        """Leave the frame that is there as it is; the next one is drawn where the cursor is then."""
        self._left = True

    def draw(self, lines: Sequence[Text]) -> None:
        """Draw the frame that was begun over the one before, unless that was left."""
        columns, rows = self._size
        new = list(lines[: rows - 1])
        old = [] if self._left else self._lines
        self._left = False
        out = []
        if old and max(line.cell_len for line in old) >= columns:
            out.append(f"\x1b[{rows};1H" + "\n" * rows + "\x1b[H")
        elif old:
            out.append(f"\x1b[{len(old)}A\r")
        out += [f"{written(line, self._colours)}\x1b[K\n" for line in new]
        if len(new) < len(old):
            out.append("\x1b[J")
        with contextlib.suppress(OSError):  # the terminal is gone; what is computed is not
            self._stream.write("".join(out))
            self._stream.flush()
        self._lines = new
        self.n_frames += 1
        self.seconds_drawing += time.monotonic() - self._began
        self._next = self._began + FRAME_SECONDS
        self._drawn_at = time.process_time()
        self._took = time.thread_time() - self._spent


def written(line: Text, colours: bool) -> str:
    """Return a line as the terminal is given it, without what is blank at its end.

    rich's own Text.render takes five times as long (0.20 ms a frame, not 0.04), because it knows styles that
    overlap; in a line of a frame one follows another.
    """
    plain = line.plain.rstrip()
    if not colours:
        return plain
    out, at = [], 0
    for start, end, style in line.spans:
        piece = Style.parse(str(style)).render(plain[start:end], color_system=ColorSystem.EIGHT_BIT)
        out += [plain[at:start], piece]
        at = end
    return "".join([*out, plain[at:]])
