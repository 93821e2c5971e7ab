"""The arena as commands see it: each call in a thread of its own, and none on an agent that is busy.

A command calls `self.arena.evaluate("Ada")` and waits; what it does not see is that a Ctrl-C ends the
wait, whatever the engine or the disk is busy with.  A call that was left behind may finish in the
background, if it is one that stops by itself and keeps what was done (a training); any other is
ended at the next line of Python that it reaches, so that it cannot begin to write.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NoReturn, Protocol

from bandits.arena.arena import Arena
from bandits.shell.call import Call
from bandits.shell.interrupts import GRACE_SECONDS
from bandits.shell.jobs import Jobs

# The parameters of the arena's methods that name an agent there is.
_AGENTS = ("name", "names", "a", "b", "source", "old")
# What may be asked about an agent whatever is done to it meanwhile, and what names a new one.
_HARMLESS = ("energy", "settings", "switch_agent", "create_agent")
# What keeps what it has done when it is stopped, so that it may end in the background.
_KEEPING = ("train", "battle")


class Host(Protocol):
    """What the arena's calls need of a shell."""

    jobs: Jobs

    def open_arena(self) -> Arena: ...
    def give_away_arena(self) -> None: ...
    def drop(self, call: Call) -> None: ...
    def deaf(self) -> AbstractContextManager[None]: ...
    def wait(self, done: threading.Event, *, grace: float = ...) -> bool: ...
    def check_interrupt(self) -> None: ...
    def interrupt(self) -> NoReturn: ...
    def mention(self, line: str) -> None: ...


class CalledArena:
    """An Arena for the main thread of a shell, whose methods it waits for with an ear for Ctrl-C."""

    def __init__(self, shell: Host) -> None:
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
