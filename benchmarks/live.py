"""What the live views cost: trainings and battles drawn on a real pseudo-terminal, against the same undrawn.

    python -m benchmarks.live                       # a minute; --seconds 0.4 --pairs 3 for a glance

Drawn and undrawn runs of the same steps take turns in one process, so that a slow moment of the machine
meets both.  Time is the processor's, of all threads of this process: what a drawn run takes more
is the view's, whatever else the machine does.  A terminal reads the frames, in a process of its own
(`cat`).  The bar: at most 3% more, by the median of the pairs.
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
from pathlib import Path
from time import perf_counter, process_time
from typing import TextIO

from bandits.arena import Arena
from bandits.engine import isa
from bandits.shell.live import RaceView, TrainingView
from bandits.shell.livecurve import Curve
from bandits.shell.livestory import Race

BAR = 1.03
SIZES = ((16, 1, 1), (16, 1, 16), (64, 1, 16))  # n_embd, n_layer, batch_size
ROWS, COLUMNS = 40, 120  # a big frame


@dataclass(frozen=True)
class Pair:
    """Seconds of the processor that a run took undrawn and drawn, and how often a frame was drawn."""

    undrawn: float
    drawn: float
    frames_a_second: float


@contextlib.contextmanager
def terminal() -> Iterator[TextIO]:
    """A terminal of a pseudo-terminal's making, whose other side is read and thrown away."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    reader = subprocess.Popen(["cat"], stdin=ours, stdout=subprocess.DEVNULL)
    try:
        with open(theirs, "w", encoding="utf-8") as stream:
            yield stream
    finally:
        reader.kill()
        reader.wait()
        os.close(ours)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor, all threads of this process, and of the clock on the wall."""
    started, began = process_time(), perf_counter()
    work()
    return process_time() - started, perf_counter() - began


def training(arena: Arena, name: str, n_steps: int, stream: TextIO) -> Pair:
    """Train a clone drawn and another undrawn."""
    frames = 0

    def drawn(clone: str) -> None:
        nonlocal frames
        with TrainingView(clone, n_steps, stream) as view:
            report = arena.train(n_steps, clone, on_progress=view.train)
            view.finish(report, lambda: False)
        frames = view.screen.n_frames

    with clones(arena, name, 2) as (one, other):
        undrawn_seconds, _ = timed(lambda: arena.train(n_steps, one))
        drawn_seconds, elapsed = timed(lambda: drawn(other))
    return Pair(undrawn_seconds, drawn_seconds, frames / elapsed)


def battle(arena: Arena, name: str, n_steps: int, stream: TextIO) -> Pair:
    """Let two clones battle drawn and undrawn, without keeping it."""
    frames = 0

    def drawn(a: str, b: str) -> None:
        nonlocal frames
        race = Race(
            names={"a": a, "b": b}, curves={"a": Curve(), "b": Curve()}, n_steps=n_steps, ends={}
        )
        with RaceView(race, stream) as view:
            report = arena.battle(a, b, n_steps, exhibition=True, on_progress=view.battle)
            view.finish(report.outcome, lambda: False)
        frames = view.screen.n_frames

    with clones(arena, name, 2) as (one, other):
        undrawn_seconds, _ = timed(lambda: arena.battle(one, other, n_steps, exhibition=True))
        drawn_seconds, elapsed = timed(lambda: drawn(one, other))
    return Pair(undrawn_seconds, drawn_seconds, frames / elapsed)


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
    """How many steps take about so long."""
    with clones(arena, name, 1) as (clone,):
        arena.train(200, clone)
        started = perf_counter()
        arena.train(200, clone)
        return max(20, round(200 * seconds / (perf_counter() - started)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit code is 1 if the bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run (2)")
    parser.add_argument("--pairs", type=int, default=9, help="of a drawn and an undrawn run (9)")
    options = parser.parse_args(arguments)
    print(f"{isa()}, frames of {COLUMNS}x{ROWS}, {options.pairs} pairs of {options.seconds:g} s")
    print(f"{'':24}{'median':>9}{'best/best':>11}{'frames a second':>17}")
    met = True
    with tempfile.TemporaryDirectory() as home, Arena(Path(home)) as arena, terminal() as stream:
        for n_embd, n_layer, batch_size in SIZES:
            name = f"x{n_embd}-{n_layer}-{batch_size}"
            arena.create_agent(name, n_embd=n_embd, n_layer=n_layer)
            for key, value in (("batch_size", str(batch_size)), ("schedule", "constant")):
                arena.set_setting(key, value, name)
            n_steps = steps_of(arena, name, options.seconds)
            for what, run in (("train", training), ("battle", battle)):
                run(arena, name, max(20, n_steps // 10), stream)  # what is imported once, is
                pairs = [run(arena, name, n_steps, stream) for _ in range(options.pairs)]
                met = row(f"{what} {n_embd}/{n_layer} batch {batch_size}", pairs) and met
    print("the bar of 1.03 is " + ("met" if met else "missed"))
    return 0 if met else 1


def row(what: str, pairs: Sequence[Pair]) -> bool:
    """Print one line of the table; return whether it meets the bar."""
    ratio = statistics.median(pair.drawn / pair.undrawn for pair in pairs)
    best = min(pair.drawn for pair in pairs) / min(pair.undrawn for pair in pairs)
    rate = statistics.median(pair.frames_a_second for pair in pairs)
    print(f"{what:24}{ratio:9.3f}{best:11.3f}{rate:17.1f}", flush=True)
    return ratio <= BAR


if __name__ == "__main__":
    sys.exit(main())
