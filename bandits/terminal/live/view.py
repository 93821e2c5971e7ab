"""Live views: a training or a battle drawn while it runs, or spread over as many seconds as one likes.

A view is given every chunk's progress and keeps the curves.  What is shown is where the playhead
stands: at the latest step, or with `watch` no further than the clock allows.  Nothing here slows the
training, and nothing that decides is computed here: the battle is fought and kept when the watching
goes on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from bandits.terminal.live.frames import LEAST_STEPS, Moment, race_frame, training_frame
from bandits.terminal.live.losses import Curve
from bandits.terminal.live.screen import Screen, can_draw, on_return, silent_keyboard
from bandits.terminal.live.story import Race
from bandits.terminal.look import look_of
from bandits.terminal.progress import ProgressLine

if TYPE_CHECKING:
    from bandits.agent.agent import Progress
    from bandits.arena.reports import TrainReport
    from bandits.contest.battle import Outcome

PATIENCE_SECONDS = 0.3  # what is over sooner is drawn once, finished
_NAP_SECONDS = 0.02
_TIMED_SECONDS = 0.2  # of a battle: its chunks are told of by other threads, a little late
Stop = Callable[[], bool]


class _View:
    """What both views share: the clock, the playhead, the screen."""

    def __init__(self, stream: TextIO, watch: float | None) -> None:
        self._look = look_of(stream)
        self.screen = Screen(stream, colours=self._look.colours)
        self._stream = stream
        self._watch = watch
        self._stack = ExitStack()
        self._started = time.monotonic()
        self._reported: dict[str, list[tuple[float, int]]] = {"a": [], "b": []}

    def __enter__(self) -> Self:
        self._stack.enter_context(silent_keyboard(self._stream))
        self._stack.enter_context(on_return(self.leave))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def leave(self) -> None:
        """Leave the frame that is there as it is; what comes next begins below it."""
        self.screen.leave()

    def _allowed(self) -> float:
        """Return how far into the course the clock lets us look, from 0 to 1 and beyond."""
        if self._watch is None:
            return math.inf
        return (time.monotonic() - self._started) / self._watch

    def _note(self, side: str, n_done: int, not_training: float = 0.0) -> None:
        seen = self._reported[side]
        seen.append((time.monotonic() - self._started - not_training, n_done))
        del seen[2:-1]

    def _steps_a_second(self, side: str, least_seconds: float = 0.0) -> float | None:
        """Return the speed between the first chunk's end and the latest's, if they are far enough apart."""
        seen = self._reported[side]
        if len(seen) < 2:
            return None
        (t0, n0), (t1, n1) = seen[0], seen[-1]
        if n1 == n0 or t1 - t0 <= least_seconds:
            return None
        return (n1 - n0) / (t1 - t0)

    def _maybe_draw(self) -> None:
        waited = self._watch is not None or time.monotonic() - self._started > PATIENCE_SECONDS
        if waited and self.screen.due():
            self._draw(finished=False, note="")

    def _play(self, stop: Stop) -> None:
        """Go on drawing until the playhead is at the end or the player has seen enough."""
        self.screen.sparing = False
        while self._allowed() < 1.0 and not stop():
            if self.screen.due():
                self._draw(finished=False, note="")
            time.sleep(_NAP_SECONDS)

    def _draw(self, *, finished: bool, note: str) -> None:
        raise NotImplementedError


class TrainingView(_View):
    """The curve of one training; `train` is an `on_progress` callback of the arena."""

    def __init__(self, name: str, n_steps: int, stream: TextIO, watch: float | None = None) -> None:
        super().__init__(stream, watch)
        self._name, self._n_steps, self._curve = name, n_steps, Curve()

    def train(self, progress: Progress) -> None:
        """Take the progress of a chunk."""
        self._curve.add(progress)
        self._note("a", progress.n_done, self.screen.seconds_drawing)
        self._maybe_draw()

    def finish(self, report: TrainReport, stop: Stop) -> None:
        """Draw to the end what was trained; the last frame stays."""
        if self._curve.n_steps < LEAST_STEPS and not self.screen.n_frames:
            return
        if not report.stopped:
            self._play(stop)
        note = "exploded" if report.diverged else "stopped" if report.stopped else "trained"
        self._draw(finished=True, note=note)

    def _draw(self, *, finished: bool, note: str) -> None:
        size = self.screen.begin()
        n_steps = self._curve.n_steps if finished else self._n_steps
        until = min(self._curve.n_steps, math.inf if finished else self._allowed() * n_steps)
        rate = self._steps_a_second("a")
        left = None
        if not finished and rate:
            left = (self._n_steps - self._curve.n_steps) / rate
        if not finished and self._watch is not None:
            left = max(left or 0.0, (1.0 - self._allowed()) * self._watch)
        moment = Moment(left, {"a": rate}, note, finished)
        self.screen.draw(
            training_frame(
                self._name, self._curve, max(n_steps, 1), until, moment, size, self._look
            )
        )


class RaceView(_View):
    """Both curves of a battle; `battle` is an `on_progress` callback of the arena."""

    def __init__(
        self,
        race: Race,
        stream: TextIO,
        watch: float | None = None,
    ) -> None:
        super().__init__(stream, watch)
        self.race = race

    def battle(self, corner: str, progress: Progress) -> None:
        """Take the progress of a chunk of the agent in corner 'a' or 'b'."""
        self.race.curves[corner].add(progress)
        self._note(corner, progress.n_done)
        if not any(curve.n_steps for curve in self.race.curves.values()):
            return  # too little energy for a single step: there is nothing to see
        if self.screen.n_frames and self._watch is None and self.race.now() >= 1.0:
            self._draw(finished=False, note="the judge reads")
        else:
            self._maybe_draw()

    def finish(self, outcome: Outcome, stop: Stop) -> None:
        """Draw the race to its end; the last frame stays."""
        curves = self.race.curves
        for curve, corner in ((curves["a"], outcome.a), (curves["b"], outcome.b)):
            if corner.diverged and corner.n_steps and curve.exploded_at is None:
                curve.exploded_at = curve.n_steps + 1  # the last update overflowed
        longest = max(curve.n_steps for curve in curves.values())
        if longest < LEAST_STEPS and not self.screen.n_frames:
            return
        if not outcome.stopped and longest:
            self._play(stop)
        self._draw(finished=True, note="stopped" if outcome.stopped else "")

    def _draw(self, *, finished: bool, note: str) -> None:
        size = self.screen.begin()
        stopped = note == "stopped"
        until = 1.0 if finished and not stopped else min(self._allowed(), self.race.now())
        rates = (
            {} if finished else {side: self._steps_a_second(side, _TIMED_SECONDS) for side in "ab"}
        )
        moment = Moment(None, rates, note, finished and not stopped)
        self.screen.draw(race_frame(self.race, until, moment, size, self._look))


def training_view(
    name: str, n_steps: int, stream: TextIO, watch: float | None
) -> TrainingView | ProgressLine:
    """Return the view of a training: frames where they can be drawn, else one line on standard error."""
    if can_draw(stream):
        return TrainingView(name, n_steps, stream, watch)
    return ProgressLine(name)


def race_view(race: Race, stream: TextIO, watch: float | None) -> RaceView | ProgressLine:
    """Return the view of a battle: frames where they can be drawn, else one line on standard error."""
    if can_draw(stream):
        return RaceView(race, stream, watch)
    return ProgressLine(race.names["a"], race.names["b"])
