"""How often the live views draw, and for how long: by a clock that the test turns, on a stream of its own."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest

from bandits.agent.agent import Progress
from bandits.terminal.live import screen, view
from bandits.terminal.live.screen import FRAME_SECONDS, MOST_OF_THE_TIME
from bandits.terminal.live.view import PATIENCE_SECONDS, TrainingView

CHUNK_SECONDS = 1 / 64  # a number that adds up without rounding
DONE = SimpleNamespace(stopped=False, diverged=False)


class Clock:
    """The time module, as far as a view asks: `now` is the wall's, `cpu` what this thread has worked."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.cpu = 0.0

    def monotonic(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.now  # the engine is busy all the while

    def thread_time(self) -> float:
        return self.cpu

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Paper(io.StringIO):
    """A terminal that notes when it was drawn on, and how much work each frame is."""

    def __init__(self, clock: Clock, cpu_a_frame: float = 0.0) -> None:
        super().__init__()
        self.clock, self.cpu_a_frame = clock, cpu_a_frame
        self.drawn_at: list[float] = []

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.drawn_at.append(self.clock.now)
        self.clock.cpu += self.cpu_a_frame
        return super().write(text)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (screen, view):
        monkeypatch.setattr(module, "time", clock)
    return clock


def train(clock: Clock, paper: Paper, seconds: float, watch: float | None = None) -> TrainingView:
    """Show a training of so many seconds, up to its last chunk."""
    n_chunks = round(seconds / CHUNK_SECONDS)
    shown = TrainingView("Ada", 10 * n_chunks, paper, watch)
    losses = np.linspace(3.3, 2.3, 10 * n_chunks)
    for chunk in range(1, n_chunks + 1):
        clock.now += CHUNK_SECONDS
        n = 10 * chunk
        shown.train(Progress(n, 10 * n_chunks, n, losses[n - 10 : n], 0.01, 1000 * n))
    return shown


def never() -> bool:
    return False


def test_what_is_over_within_the_patience_is_drawn_once_finished(clock: Clock) -> None:
    paper = Paper(clock)
    train(clock, paper, PATIENCE_SECONDS - CHUNK_SECONDS).finish(DONE, never)
    assert len(paper.drawn_at) == 1
    assert "trained" in paper.getvalue()


def test_what_takes_longer_is_drawn_ten_times_a_second_and_no_more(clock: Clock) -> None:
    paper = Paper(clock)
    train(clock, paper, 10.0)
    gaps = np.diff(paper.drawn_at)
    assert gaps.min() >= FRAME_SECONDS
    assert gaps.max() < FRAME_SECONDS + CHUNK_SECONDS


def test_drawing_takes_its_share_of_the_processor_and_no_more(clock: Clock) -> None:
    paper = Paper(clock, cpu_a_frame=0.012)
    train(clock, paper, 60.0)
    share = clock.cpu / 60.0
    assert share == pytest.approx(MOST_OF_THE_TIME, rel=0.1)  # a frame a second


def test_a_training_that_is_watched_takes_the_seconds_asked_for(clock: Clock) -> None:
    began, paper = clock.now, Paper(clock)
    train(clock, paper, 0.2, watch=3.0).finish(DONE, never)
    assert clock.now - began == pytest.approx(3.0, abs=0.03)  # a nap
    assert min(np.diff(paper.drawn_at[:-1])) >= FRAME_SECONDS - 1e-9
    assert 20 < len(paper.drawn_at) < 32


def test_who_has_seen_enough_need_not_watch_to_the_end(clock: Clock) -> None:
    began, paper = clock.now, Paper(clock)
    train(clock, paper, 0.2, watch=300.0).finish(DONE, lambda: clock.now > began + 1.0)
    assert clock.now - began == pytest.approx(1.0, abs=0.03)
    assert "trained" in paper.getvalue()
