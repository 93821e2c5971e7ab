"""What the live views cost: trainings and battles drawn on a real pseudo-terminal, against the same undrawn.

    python -m benchmarks.live                       # a minute; --seconds 0.4 --rounds 3 for a glance

Drawn and undrawn runs of the same steps take turns in one process, so that a slow moment of the machine
meets both; another undrawn run in each round shows how far apart runs are that do the same.  Time is the
processor's, of all threads of this process.  A terminal reads the frames, in a process of its own
(`cat`).  The bar: at most 3% more, by the median of the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter, process_time, thread_time
from typing import TextIO

from bandits.arena.arena import Arena
from bandits.model.builds import isa
from bandits.terminal.live.losses import Curve
from bandits.terminal.live.story import Race
from bandits.terminal.live.view import RaceView, TrainingView

BAR = 1.03
SIZES = ((16, 1, 1), (16, 1, 16), (64, 1, 16))  # n_embd, n_layer, batch_size
ROWS, COLUMNS = 40, 120  # a big frame


@dataclass(frozen=True)
class Round:
    """Seconds of the processor: of two runs undrawn, of one drawn, and of that in the view alone."""

    undrawn: float
    again: float
    drawn: float
    in_view: float
    frames_a_second: float

    @property
    def ratio(self) -> float:
        """How many times as long the drawn run took as an undrawn one."""
        return 2 * self.drawn / (self.undrawn + self.again)


@contextlib.contextmanager
def terminal() -> Iterator[TextIO]:
    """A terminal of a pseudo-terminal's making, whose other side is read and thrown away."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    reader = subprocess.Popen(
        ["cat"], stdin=ours, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with open(theirs, "w", encoding="utf-8") as stream:
            yield stream
    finally:
        reader.kill()
        reader.wait()
        os.close(ours)


def timed(work: Callable[[], object]) -> float:
    """Seconds of the processor, all threads of this process."""
    started = process_time()
    work()
    return process_time() - started


class Meter:
    """The seconds of the processor that calls took in this thread."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, function: Callable[..., None]) -> Callable[..., None]:
        """Return the function, metered."""

        def metered(*arguments: object) -> None:
            started = thread_time()
            function(*arguments)
            self.seconds += thread_time() - started

        return metered


def training(arena: Arena, name: str, n_steps: int, stream: TextIO, turn: int) -> Round:
    """Train three clones, one of them drawn."""

    def draw(clone: str) -> tuple[TrainingView, Meter]:
        meter = Meter()
        with TrainingView(clone, n_steps, stream) as view:
            report = arena.train(n_steps, clone, on_progress=meter(view.train))
            meter(view.finish)(report, lambda: False)
        return view, meter

    with clones(arena, name, 3) as names:
        return _round(lambda k: arena.train(n_steps, names[k]), lambda k: draw(names[k]), turn)


def battle(arena: Arena, name: str, n_steps: int, stream: TextIO, turn: int) -> Round:
    """Let two clones battle three times without keeping it, once drawn."""

    def draw(a: str, b: str) -> tuple[RaceView, Meter]:
        race = Race(names={"a": a, "b": b}, curves={"a": Curve(), "b": Curve()}, n_steps=n_steps)
        meter = Meter()
        with RaceView(race, stream) as view:
            progress = meter(view.battle)
            report = arena.battle(a, b, n_steps, exhibition=True, on_progress=progress)
            meter(view.finish)(report.outcome, lambda: False)
        return view, meter

    with clones(arena, name, 2) as (a, b):
        return _round(
            lambda _: arena.battle(a, b, n_steps, exhibition=True), lambda _: draw(a, b), turn
        )


def _round(
    undrawn: Callable[[int], object],
    draw: Callable[[int], tuple[TrainingView | RaceView, Meter]],
    turn: int,
) -> Round:
    """Run all three; who begins changes from turn to turn."""
    seconds: dict[str, float] = {}
    frames = 0.0
    in_view = 0.0
    runs = ["undrawn", "drawn", "again"]
    for k in range(3):
        what = runs[(k + turn) % 3]
        if what == "drawn":
            began, started = perf_counter(), process_time()
            view, meter = draw(k)
            seconds[what] = process_time() - started
            frames, in_view = view.screen.n_frames / (perf_counter() - began), meter.seconds
        else:
            seconds[what] = timed(partial(undrawn, k))
    return Round(seconds["undrawn"], seconds["again"], seconds["drawn"], in_view, frames)


@contextlib.contextmanager
def clones(arena: Arena, name: str, n: int) -> Iterator[Sequence[str]]:
    """Fresh copies of an agent, gone afterwards."""
    names = [f"{name}-{k}" for k in range(n)]
    for clone in names:
        arena.clone_agent(name, clone)
    try:
        yield names
    finally:
        for clone in names:
            arena.delete_agent(clone)


def steps_of(arena: Arena, name: str, seconds: float) -> int:
    """How many steps take about so long, of the processor's time."""
    n_steps, took = 100, 0.0
    while took < min(0.3, seconds):  # else it is reading and writing the agent that takes the time
        n_steps *= 4
        with clones(arena, name, 1) as (clone,):
            took = timed(partial(arena.train, n_steps, clone))
    return max(20, round(n_steps * seconds / took))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit code is 1 if the bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run (2)")
    parser.add_argument("--rounds", type=int, default=9, help="of a drawn and two undrawn runs (9)")
    options = parser.parse_args(arguments)
    print(f"{isa()}, frames of {COLUMNS}x{ROWS}, {options.rounds} rounds of {options.seconds:g} s")
    columns = ("drawn/undrawn", "best/best", "undrawn/undrawn", "in the view", "frames a second")
    print(" " * 24 + "".join(f"{column:>17}" for column in columns))
    met = True
    with tempfile.TemporaryDirectory() as home, Arena(Path(home)) as arena, terminal() as stream:
        for n_embd, n_layer, batch_size in SIZES:
            name = f"x{n_embd}-{n_layer}-{batch_size}"
            arena.create_agent(name, n_embd=n_embd, n_layer=n_layer)
            for key, value in (("batch_size", str(batch_size)), ("schedule", "constant")):
                arena.set_setting(key, value, name)
            n_steps = steps_of(arena, name, options.seconds)
            for what, run in (("train", training), ("battle", battle)):
                run(arena, name, max(20, n_steps // 10), stream, 0)  # what is imported once, is
                rounds = [run(arena, name, n_steps, stream, k) for k in range(options.rounds)]
                met = row(f"{what} {n_embd}/{n_layer} batch {batch_size}", rounds) and met
    print("the bar of 1.03 is " + ("met" if met else "missed"))
    return 0 if met else 1


def row(what: str, rounds: Sequence[Round]) -> bool:
    """Print one line of the table; return whether it meets the bar."""
    ratio = statistics.median(one.ratio for one in rounds)
    best = min(one.drawn for one in rounds) / min(min(one.undrawn, one.again) for one in rounds)
    noise = statistics.median(one.again / one.undrawn for one in rounds)
    share = statistics.median(one.in_view / one.drawn for one in rounds)
    rate = statistics.median(one.frames_a_second for one in rounds)
    figures = (f"{ratio:.3f}", f"{best:.3f}", f"{noise:.3f}", f"{share:.1%}", f"{rate:.1f}")
    print(f"{what:24}" + "".join(f"{figure:>17}" for figure in figures), flush=True)
    return ratio <= BAR


if __name__ == "__main__":
    sys.exit(main())
