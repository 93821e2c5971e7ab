"""The arena as commands see it: each call in a thread of its own, and none on an agent that is busy.

A command calls `self.arena.evaluate("Ada")` and waits; what it does not see is that a Ctrl-C ends the
wait, whatever the engine or the disk is busy with.  A call that was left behind may finish in the
background, if it is one that stops by itself and keeps what was done (a training); any other is
ended at the next line of Python that it reaches, so that it cannot begin to write.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from bandits.arena import Arena
from bandits.shell.interrupts import GRACE_SECONDS

if TYPE_CHECKING:
    from bandits.shell.app import BanditsShell

# The parameters of the arena's methods that name an agent there is.
_AGENTS = ("name", "names", "a", "b", "source", "old")
# What may be asked about an agent whatever is done to it meanwhile, and what names a new one.
_HARMLESS = ("energy", "settings", "switch_agent", "create_agent")
# What keeps what it has done when it is stopped, so that it may end in the background.
_KEEPING = ("train", "battle")


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


class CalledArena:
    """An Arena for the main thread of a shell, whose methods it waits for with an ear for Ctrl-C."""

    def __init__(self, shell: BanditsShell) -> None:
        self._shell = shell

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._shell.open_arena(), name)
        return partial(self._call, name) if inspect.ismethod(value) else value

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        shell = self._shell
        arena = shell.open_arena()
        function = getattr(arena, method)
        agents = _agents(function, args, kwargs, arena)
        if method not in _HARMLESS:
            shell.jobs.check_free(agents)
        if threading.current_thread() is not threading.main_thread():  # completion, at the prompt
            return function(*args, **kwargs)
        shell.check_interrupt()
        call = Call(lambda: function(*args, **kwargs))
        if kwargs.get("on_progress"):
            kwargs["on_progress"] = _while_awaited(call, kwargs["on_progress"])
        stops, keeps = kwargs.get("stop") is not None, method in _KEEPING
        with shell.deaf():
            call.start()
            try:
                came = shell.wait(call.done, grace=GRACE_SECONDS if stops else 0.05)
            except SystemExit:  # the terminal was closed: whoever ends the run waits for its jobs
                if keeps and shell.jobs.adopt(call, agents, arena):
                    shell.give_away_arena()
                raise
            if not came:
                self._leave(call, agents, arena, keeps=keeps)
        if not stops:  # else it ended because of the Ctrl-C, and has something to say
            shell.check_interrupt()
        return call.outcome()

    def _leave(self, call: Call, agents: list[str], arena: Arena, *, keeps: bool) -> None:
        """Go on without the call, unless it has ended meanwhile."""
        if keeps:
            left = self._shell.jobs.adopt(call, agents, arena)
        elif left := call.leave(arena.close):
            self._shell.drop(call)
        if left:
            self._shell.give_away_arena()
            if keeps:
                names = " and ".join(agents)
                self._shell.mention(f"{names} will stop after this step; what was trained is kept")
                raise KeyboardInterrupt
            self._shell.interrupt()


def _agents(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], arena: Arena
) -> list[str]:
    """Return the agents that a call is about."""
    given = inspect.signature(function).bind(*args, **kwargs)
    given.apply_defaults()
    agents: list[str] = []
    for key in _AGENTS:
        if key in given.arguments:
            value = given.arguments[key]
            agents += [arena.current if value is None else value] if _one(value) else value
    return agents


def _one(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _while_awaited(call: Call, report: Callable[..., None]) -> Callable[..., None]:
    def reporting(*progress: Any) -> None:
        if not call.left:
            report(*progress)

    return reporting
