"""Pressing Ctrl-C at random instants, and how long the prompt takes to come back.

The instants are seeded; the commands are those that take time, of every kind: trainings that keep what
was done, and others that cost nothing unless they end.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.terminal import Terminal

PROMISE_SECONDS = 0.3
_LOST_SECONDS = 60.0
_PROMPT = re.compile(r"\nAda>\Z")

LONG = ("train 100000000", "train 100000000 B", "battle Ada B 100000000")
OTHERS = (
    "generate 20000",
    "evaluate --split train",
    "verify B",
    "diagnose",
    "leaderboard",
    "visualize loss",
    "agents",
    "help",
)


@dataclass(frozen=True, slots=True)
class Instant:
    """One Ctrl-C: so many seconds after the Enter of a command, answered after so many."""

    command: str
    delay: float
    seconds: float


def press(terminal: Terminal, command: str, delay: float) -> Instant:
    """Type a command, press Ctrl-C after a delay, and wait for the prompt."""
    terminal.process.send(f"{command}\r")
    _read(terminal, delay)
    terminal.process.send("\x03")
    pressed = time.monotonic()
    while True:  # a prompt, below a line that is not the one typed
        data = terminal.read(0.01)
        seconds = time.monotonic() - pressed
        if data is not None and _PROMPT.search(terminal.text):
            break
        assert seconds < _LOST_SECONDS, f"^C {delay:.4f} s after {command!r} was lost"
    terminal.settle()  # had the command ended before, that was its prompt; ^C has one too
    return Instant(command, delay, seconds)


def instants(terminal: Terminal, n: int, seed: int, longest: float) -> list[Instant]:
    """Press Ctrl-C n times, at random instants up to `longest` seconds after Enter."""
    rng = random.Random(seed)
    found = []
    for _ in range(n):
        command = rng.choice(LONG) if rng.random() < 0.6 else rng.choice(OTHERS)
        delay = longest * rng.random() ** 2  # many close to the Enter, where more can go wrong
        found.append(press(terminal, command, delay))
    return found


def describe(found: Sequence[Instant]) -> str:
    """Return the distribution of the times, and each command's longest."""
    times = sorted(instant.seconds for instant in found)
    lines = [
        f"{len(times)} instants: median {1e3 * statistics.median(times):.0f} ms, 95% within "
        f"{1e3 * times[int(0.95 * (len(times) - 1))]:.0f} ms, longest {1e3 * times[-1]:.0f} ms; "
        f"{sum(t > PROMISE_SECONDS for t in times)} beyond the {1e3 * PROMISE_SECONDS:.0f} ms promised"
    ]
    for command in dict.fromkeys(instant.command for instant in found):
        own = [instant for instant in found if instant.command == command]
        worst = max(own, key=lambda instant: instant.seconds)
        lines.append(
            f"  {command:<26} {len(own):>4} times, longest {1e3 * worst.seconds:5.0f} ms "
            f"({1e3 * worst.delay:.1f} ms after Enter)"
        )
    return "\n".join(lines)


def _read(terminal: Terminal, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        terminal.read(left)
