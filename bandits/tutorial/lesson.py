"""What a step of the tutorial is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bandits.arena.reports import AgentReport
from bandits.tutorial.situation import Situation, noun


@dataclass(frozen=True)
class Task:
    """What a step asks for, and the commands that do it."""

    text: str
    commands: Sequence[str]


@dataclass(frozen=True)
class Done:
    """The step is done; what happened."""

    paragraphs: Sequence[str]


@dataclass(frozen=True)
class Lesson:
    """One step."""

    title: str
    task: Callable[[Situation], Task]
    check: Callable[[Situation], Done | str | None]


def a_batch(row: AgentReport) -> str:
    n = row.settings.batch_size
    return f"one {noun(row)[:-1]}" if n == 1 else f"{n} {noun(row)}"


def nobody() -> Task:
    return Task("There are no agents here. Make one first.", ["create_agent Ada"])
