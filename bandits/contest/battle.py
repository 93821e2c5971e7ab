"""A battle: two agents train side by side in two threads, are judged alike, and get a verdict.

Threads change how long it takes and nothing else.  Everything in an Outcome but `stopped` follows
from the two agents, the terms and the seed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any

from bandits.agent.agent import Agent, Progress
from bandits.agent.history import LossHistory
from bandits.contest.judge import Judge, judge_for
from bandits.contest.judgement import Figures, Judgement, Side, Verdict
from bandits.contest.leaderboard import efficiency
from bandits.contest.rules import CURRENT, Ruleset
from bandits.errors import InvalidValue, Stopped, printable
from bandits.model.value_kinds import STEPS, check_seed, check_steps

N_SHOWN = 10  # samples on the card
N_CURVE = 200  # points of a corner's loss that a match keeps
_POLL_SECONDS = 0.02

Work = Generator[Progress | None, None, Judgement]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Corner:
    """One side of a battle: n_steps and battle_flops of this battle, total_flops of the lineage."""

    n_steps: int
    loss: float | None  # mean of the last 50 training losses
    battle_flops: int
    total_flops: int
    ranking_flops: int  # what its Score is divided by
    diverged: bool
    judgement: Judgement | None  # None in a battle that was stopped, and so are its figures
    figures: Figures | None
    # The curve: losses (nats), each the mean of the steps of this battle up to one in `steps`.
    steps: tuple[int, ...] = ()
    losses: tuple[float, ...] = ()

    @property
    def samples(self) -> tuple[str, ...]:
        """The first ten documents that it generated."""
        return self.judgement.written.texts[:N_SHOWN] if self.judgement else ()

    @property
    def efficiency(self) -> float:
        """Score per operation of the whole lineage: the battle's alone could be trained around."""
        return efficiency(self.figures.score, self.ranking_flops) if self.figures else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the side as plain JSON data."""
        return {
            "n_steps": self.n_steps,
            "loss": self.loss,
            "battle_flops": self.battle_flops,
            "total_flops": self.total_flops,
            "diverged": self.diverged,
            "judgement": self.figures.as_dict() if self.figures else None,
            "score_per_mflop": 1e6 * self.efficiency,
            "samples": list(self.samples),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What a battle came to.

    winner: by Score; efficiency_winner: by Score per operation; None where neither leads.
    reason: 'score' or 'forfeit' for a win; 'interval', 'margin' or 'both diverged' for a draw;
    'stopped' for a battle without a verdict.
    """

    ruleset: int
    seed: int
    n_steps: int | None
    max_flops: int | None
    a: Corner
    b: Corner
    verdict: Verdict | None
    winner: Side | None
    efficiency_winner: Side | None
    reason: str

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before the verdict; what was trained is kept."""
        return self.verdict is None

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain JSON data."""
        return {
            "ruleset": self.ruleset,
            "seed": self.seed,
            "n_steps": self.n_steps,
            "max_flops": self.max_flops,
            "stopped": self.stopped,
            "a": self.a.as_dict(),
            "b": self.b.as_dict(),
            "verdict": self.verdict.as_dict() if self.verdict else None,
            "winner": self.winner,
            "efficiency_winner": self.efficiency_winner,
            "reason": self.reason,
        }

    def record(self) -> dict[str, Any]:
        """Return what a match keeps: `as_dict`, and in each corner the `curve` of its losses."""
        data = self.as_dict()
        for side, corner in (("a", self.a), ("b", self.b)):
            data[side]["curve"] = {"steps": list(corner.steps), "losses": list(corner.losses)}
        return data


def fight(
    a: Agent,
    b: Agent,
    *,
    n_steps: int | None = None,
    max_flops: int | None = None,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
    on_progress: Callable[[str, Progress], None] | None = None,
    ruleset: Ruleset = CURRENT,
) -> Outcome:
    """Train both n_steps more steps, or as many as max_flops affords each, then judge them.

    Both agents keep the training.  An agent past its horizon fights as it is; one whose loss stops
    being finite forfeits.  on_progress is called in this thread with 'a' or 'b'; the n_steps of its
    progress is 0 in a battle for energy.  When stop() turns true both stop: at the end of a chunk of
    steps, or of a part of the judging.
    Raises: InvalidValue for terms that cannot be; then nothing is spent.
    """
    most_steps = _check_terms(a, b, n_steps, max_flops)
    check_seed(seed)
    agents = {"a": a, "b": b}
    stop = stop or (lambda: False)

    def check_stop() -> None:
        if stop():
            raise Stopped

    before = {side: (agent.n_steps, agent.energy.total) for side, agent in agents.items()}
    histories = {side: LossHistory() for side in agents}

    def report(side: str, progress: Progress) -> None:
        histories[side].append(progress.losses)
        if on_progress is not None:
            on_progress(side, progress if n_steps else replace(progress, n_steps=0))

    found = None
    with suppress(Stopped):  # while a judge is made: nobody has trained then
        judges = {
            side: judge_for(agent.dataset, ruleset, check_stop) for side, agent in agents.items()
        }
        works = {
            side: _train_and_judge(agent, most_steps, max_flops, judges[side], seed)
            for side, agent in agents.items()
        }
        found = _run_side_by_side(works, stop, report)
    corners = {
        side: _corner(
            agent, *before[side], histories[side], found[side] if found else None, ruleset
        )
        for side, agent in agents.items()
    }
    verdict = None
    if found is not None:
        verdict = ruleset.verdict(*ruleset.resample([found["a"], found["b"]], seed))
    winner, reason = _decide(corners["a"], corners["b"], verdict)
    return Outcome(
        ruleset=ruleset.number,
        seed=seed,
        n_steps=n_steps,
        max_flops=max_flops,
        a=corners["a"],
        b=corners["b"],
        verdict=verdict,
        winner=winner,
        efficiency_winner=_more_efficient(corners["a"], corners["b"]),
        reason=reason,
    )


def _check_terms(a: Agent, b: Agent, n_steps: int | None, max_flops: int | None) -> int:
    """Return the most steps that either may take.  Raises InvalidValue."""
    if a is b:
        raise InvalidValue("an agent cannot fight itself; clone it first")
    if a.dataset.sha256 != b.dataset.sha256:
        raise InvalidValue(
            f"dataset '{printable(a.dataset.name)}' and dataset '{printable(b.dataset.name)}' have "
            "no common test split; a battle needs two agents of one dataset"
        )
    if (n_steps is None) == (max_flops is None):
        raise InvalidValue("a battle is over either n_steps or max_flops; give one of them")
    if n_steps is not None:
        return check_steps(n_steps)
    if isinstance(max_flops, bool) or not isinstance(max_flops, int) or max_flops < 1:
        raise InvalidValue(f"max_flops={printable(str(max_flops))} must be a whole number above 0")
    return STEPS.high


def _train_and_judge(
    agent: Agent, most_steps: int, max_flops: int | None, judge: Judge, seed: int
) -> Work:
    """Train, yielding each chunk's progress, then judge, yielding None between its parts."""
    if agent.can_train():
        yield from agent.train(most_steps, max_flops=max_flops)
    return (
        yield from judge.judging(
            agent.model, agent.settings.temperature, seed, diverged=agent.diverged
        )
    )


def _run_side_by_side(
    works: dict[str, Work], stop: Callable[[], bool], report: Callable[[str, Progress], None]
) -> dict[str, Judgement] | None:
    """Run each work in a thread of its own; return what both came to, or None if one was stopped.

    stop() is asked here, at every report and every 0.02 s; the threads heed it wherever they yield.
    What a thread raises is raised here, once all have ended.
    """
    messages: queue.SimpleQueue[tuple[str, Progress | None]] = queue.SimpleQueue()
    halt = threading.Event()
    results: dict[str, Judgement] = {}
    errors: list[BaseException] = []

    def run(side: str, work: Work) -> None:
        try:
            with closing(work):
                while not halt.is_set():
                    progress = next(work)
                    if progress is not None:
                        messages.put((side, progress))
        except StopIteration as end:
            results[side] = end.value
        except BaseException as error:  # handed to the caller's thread
            errors.append(error)
            halt.set()
        finally:
            messages.put((side, None))

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in works.items()]
    try:
        for thread in threads:
            thread.start()
        n_running = len(threads)
        while n_running:
            if stop():
                halt.set()
            try:
                side, progress = messages.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if progress is None:
                n_running -= 1
            else:
                report(side, progress)
    finally:  # also when report raises, or Ctrl-C arrives: agents are left at a step boundary
        halt.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    if errors:
        raise errors[0]
    return results if len(results) == len(works) else None


def _corner(
    agent: Agent,
    steps_before: int,
    flops_before: int,
    history: LossHistory,
    judgement: Judgement | None,
    ruleset: Ruleset,
) -> Corner:
    steps, losses = history.thinned(N_CURVE)
    return Corner(
        n_steps=agent.n_steps - steps_before,
        loss=agent.history.mean_of_last(50),
        battle_flops=agent.energy.total - flops_before,
        total_flops=agent.energy.total,
        ranking_flops=ruleset.ranking_flops(agent.energy),
        diverged=agent.diverged,
        judgement=judgement,
        figures=ruleset.figures(judgement) if judgement is not None else None,
        steps=tuple(steps),
        losses=tuple(losses),
    )


def _decide(a: Corner, b: Corner, verdict: Verdict | None) -> tuple[Side | None, str]:
    """Return who wins, and the reason."""
    if verdict is None:
        return None, "stopped"
    if a.diverged and b.diverged:
        return None, "both diverged"
    if a.diverged or b.diverged:
        return ("b" if a.diverged else "a"), "forfeit"
    if verdict.winner is not None:
        return verdict.winner, "score"
    return None, "interval" if verdict.low <= 0.0 <= verdict.high else "margin"


def _more_efficient(a: Corner, b: Corner) -> Side | None:
    if a.efficiency == b.efficiency:
        return None
    return "a" if a.efficiency > b.efficiency else "b"
