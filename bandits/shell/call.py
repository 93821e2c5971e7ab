"""A function that runs in a thread of its own, and can be left or ended."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any


class Ended(BaseException):
    """Raised in the thread of a call that nobody waits for any more."""


class Call(threading.Thread):
    """A function that runs in a thread: `done` when it has ended, with its `result` or its `error`."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._lock = threading.Lock()
        self._on_end: Callable[[], None] | None = None
        self.done = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do the work; what it raises is kept for whoever waits."""
        with contextlib.suppress(Ended):
            self._run()

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:
            self.error = error
        finally:
            with self._lock:
                self.done.set()
            if self._on_end is not None:
                self._on_end()

    def outcome(self) -> Any:
        """Return what the work returned, or raise what it raised."""
        if self.error is not None:
            raise self.error
        return self.result

    @property
    def left(self) -> bool:
        """Whether nobody waits any more."""
        return self._on_end is not None

    def leave(self, on_end: Callable[[], None]) -> bool:
        """Wait no longer: on_end is called in the thread when the work has ended.

        Returns False, and does nothing, if it has.
        """
        with self._lock:
            if self.done.is_set():
                return False
            self._on_end = on_end
            return True

    def end(self) -> None:
        """Let the work end at the next line of Python that it reaches, if it still runs."""
        import ctypes

        if self.ident is not None and self.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.ident), ctypes.py_object(Ended)
            )
