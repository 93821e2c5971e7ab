"""How a picture is registered, and what it is asked for with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bandits.errors import InvalidValue
from bandits.registry import Registry

if TYPE_CHECKING:
    from bandits.agent.agent import Progress
    from bandits.arena.arena import Arena
    from bandits.pictures.panels import Picture

Takes = Literal["agent", "agents", "arena", "match"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be drawn: of whom, and the options of single pictures.

    names: agents, or the number of a match; empty for the current agent or the latest match.
    on_progress: called while an agent is replayed.
    """

    names: tuple[str, ...] = ()
    text: str | None = None
    layer: int | None = None
    replay: bool = False
    on_progress: Callable[[Progress], None] | None = None


Gather = Callable[["Arena", Request], "Picture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """How docs/GALLERY.md shows a picture, of the agents of examples/gallery.txt.

    asked: of whom; seen: what is on it, for those who do not see it; look_for: what it tells.
    """

    asked: Request
    seen: str
    look_for: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture that can be asked for: how its data are gathered, in words, and of what it is.

    takes: what the names of a request are, and whether one or several; example: a request that shows it
    well; options: fields of a request that mean something to it; exhibit: None if any agent will do.
    """

    gather: Gather
    summary: str
    takes: Takes
    example: Request
    options: tuple[str, ...] = ()
    exhibit: Exhibit | None = None


PLOTS: Registry[Plot] = Registry("picture")


def picture(
    name: str,
    *,
    takes: Takes,
    summary: str,
    example: Request | None = None,
    options: tuple[str, ...] = (),
    exhibit: Exhibit | None = None,
) -> Callable[[Gather], Gather]:
    """Return a decorator that enters a picture into the table."""

    def enter(gather: Gather) -> Gather:
        PLOTS.register(name)(Plot(gather, summary, takes, example or Request(), options, exhibit))
        return gather

    return enter


class TooManyAgents(InvalidValue):
    """A picture of one agent was asked for of several.  what: the picture; names: the agents."""

    def __init__(self, what: str, names: tuple[str, ...]) -> None:
        self.what, self.names = what, names
        super().__init__(f"{what} is a picture of one agent, not of {len(names)}")


def names_of(arena: Arena, request: Request) -> tuple[str, ...]:
    """Return the agents asked for, each once, or the current one."""
    return tuple(dict.fromkeys(request.names)) or (arena.current or "",)


def name_of(arena: Arena, request: Request, what: str) -> str:
    """Return the one agent asked for.  Raises TooManyAgents."""
    names = names_of(arena, request)
    if len(names) > 1:
        raise TooManyAgents(what, names)
    return names[0]


def short(text: str, limit: int) -> str:
    """Return a label of at most so many characters; its end is kept, where names differ."""
    if len(text) <= limit:
        return text
    end = (limit - 1) // 3
    return text[: limit - 1 - end] + "…" + text[len(text) - end :]


def together(names: tuple[str, ...], noun: str = "agents") -> str:
    """Return "Ada", "Ada and B", or "7 agents"."""
    return " and ".join(names) if len(names) < 3 else f"{len(names)} {noun}"


def slug_of(names: tuple[str, ...], what: str) -> str:
    """Return the name of a picture's file, without its ending."""
    return f"{names[0]}-{what}" if len(names) == 1 else f"{what}-of-{len(names)}"
