"""A battle: two agents train side by side in two threads, are judged alike, and get a verdict.

Threads change how long it takes and nothing else.  Everything in an Outcome but `stopped` follows
from the two agents, the terms and the seed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from bandits.agent.agent import Agent, Progress
from bandits.agent.history import LossHistory
from bandits.contest.judge import Judge, judge_for
from bandits.contest.judgement import Judgement, Side, Verdict
from bandits.contest.leaderboard import efficiency
from bandits.contest.rules import CURRENT as RULES
from bandits.errors import InvalidValue, printable
from bandits.model.config import MAX_STEPS, check_seed, check_steps

N_SHOWN = 10  # samples on the card
N_CURVE = 200  # points of a corner's loss that a match keeps
_POLL_SECONDS = 0.02

Work = Generator[Progress | None, None, Judgement | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Corner:
    """One side of a battle: n_steps and battle_flops of this battle, total_flops of the lineage."""

    n_steps: int
    loss: float | None  # mean of the last 50 training losses
    battle_flops: int
    total_flops: int
    diverged: bool
    judgement: Judgement | None  # None in a battle that was stopped
    # The curve: losses (nats), each the mean of the steps of this battle up to one in `steps`.
    steps: tuple[int, ...] = ()
    losses: tuple[float, ...] = ()

    @property
    def samples(self) -> tuple[str, ...]:
        """The first ten documents that it generated."""
        return self.judgement.samples[:N_SHOWN] if self.judgement else ()

    @property
    def efficiency(self) -> float:
        """Score per operation of the whole lineage: the battle's alone could be trained around."""
        return efficiency(self.judgement.score, self.total_flops) if self.judgement else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the side as plain JSON data."""
        return {
            "n_steps": self.n_steps,
            "loss": self.loss,
            "battle_flops": self.battle_flops,
            "total_flops": self.total_flops,
            "diverged": self.diverged,
            "judgement": self.judgement.as_dict() if self.judgement else None,
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
) -> Outcome:
    """Train both n_steps more steps, or as many as max_flops affords each, then judge them.

    Both agents keep the training.  An agent past its horizon fights as it is; one whose loss stops
    being finite forfeits.  on_progress is called in this thread with 'a' or 'b'; the n_steps of its
    progress is 0 in a battle for energy.  When stop() turns true both stop at a step boundary.
    Raises: InvalidValue for terms that cannot be; then nothing is spent.
    """
    limit = _check_terms(a, b, n_steps, max_flops)
    check_seed(seed)
    judge = judge_for(a.dataset)
    corners = {"a": a, "b": b}
    before = {side: (agent.n_steps, agent.energy.total) for side, agent in corners.items()}
    training = {
        side: agent.train(limit, max_flops=max_flops)
        for side, agent in corners.items()
        if agent.can_train() is None
    }

    histories = {side: LossHistory() for side in corners}

    def report(side: str, progress: Progress) -> None:
        histories[side].append(progress.losses)
        if on_progress is not None:
            on_progress(side, progress if n_steps else replace(progress, n_steps=0))

    found = _side_by_side(
        {side: _work(agent, training.get(side), judge, seed) for side, agent in corners.items()},
        stop or (lambda: False),
        report,
    )
    curves = {side: history.thinned(N_CURVE) for side, history in histories.items()}
    done = {
        side: Corner(
            n_steps=agent.n_steps - before[side][0],
            loss=agent.history.mean_of_last(),
            battle_flops=agent.energy.total - before[side][1],
            total_flops=agent.energy.total,
            diverged=agent.diverged,
            judgement=found[side] if None not in found.values() else None,
            steps=tuple(curves[side][0]),
            losses=tuple(curves[side][1]),
        )
        for side, agent in corners.items()
    }
    return _outcome(done["a"], done["b"], seed=seed, n_steps=n_steps, max_flops=max_flops)


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
    return MAX_STEPS


def _work(agent: Agent, training: Iterator[Progress] | None, judge: Judge, seed: int) -> Work:
    """Train, yielding each chunk's progress, then judge, yielding None now and then."""
    if training is not None:
        yield from training
    return (
        yield from judge.judging(
            agent.model, agent.settings.temperature, seed, diverged=agent.diverged
        )
    )


def _side_by_side(
    works: dict[str, Work], stop: Callable[[], bool], report: Callable[[str, Progress], None]
) -> dict[str, Judgement | None]:
    """Run each work in a thread of its own; None stands for one that was stopped on the way.

    What a thread raises is raised here, once all have ended.
    """
    messages: queue.SimpleQueue[tuple[str, Progress | None]] = queue.SimpleQueue()
    halt = threading.Event()
    results: dict[str, Judgement | None] = dict.fromkeys(works)
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
    return results


def _outcome(
    a: Corner, b: Corner, *, seed: int, n_steps: int | None, max_flops: int | None
) -> Outcome:
    verdict: Verdict | None = None
    winner: Side | None = None
    leader: Side | None = None
    reason = "stopped"
    if a.judgement is not None and b.judgement is not None:
        verdict = RULES.verdict(a.judgement, b.judgement, seed)
        winner, reason = _decide(a, b, verdict)
        if a.efficiency != b.efficiency:
            leader = "a" if a.efficiency > b.efficiency else "b"
    return Outcome(
        ruleset=RULES.NUMBER,
        seed=seed,
        n_steps=n_steps,
        max_flops=max_flops,
        a=a,
        b=b,
        verdict=verdict,
        winner=winner,
        efficiency_winner=leader,
        reason=reason,
    )


def _decide(a: Corner, b: Corner, verdict: Verdict) -> tuple[Side | None, str]:
    if a.diverged and b.diverged:
        return None, "both diverged"
    if a.diverged or b.diverged:
        return ("b" if a.diverged else "a"), "forfeit"
    if verdict.winner is not None:
        return verdict.winner, "score"
    return None, "interval" if verdict.low <= 0.0 <= verdict.high else "margin"
