"""Who is better: battles, what they came to, and the leaderboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bandits.agent.agent import Progress
from bandits.arena.agent_rows import ScoreKey, contestant, score_key
from bandits.arena.desk import JUDGE_SEED, Desk
from bandits.arena.reports import BattleReport, MatchReport
from bandits.contest import battle as battles
from bandits.contest.judge import Judge, finished, judge_for
from bandits.contest.leaderboard import LeaderboardRow, rank
from bandits.errors import InvalidValue, UnknownName
from bandits.store.rows import AgentRow, MatchRow


class FightsItself(InvalidValue):
    """A battle needs two agents.  agent: the one that was named twice."""

    def __init__(self, agent: str) -> None:
        self.agent = agent
        super().__init__(f"agent '{agent}' cannot fight itself")


class NoMatchYet(UnknownName):
    """There is no latest match."""


class Battles:
    """The matches of an open arena; see Arena."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def fight(
        self,
        a: str,
        b: str,
        n_steps: int | None,
        max_flops: int | None,
        *,
        exhibition: bool,
        seed: int,
        on_progress: Callable[[str, Progress], None] | None,
    ) -> BattleReport:
        """Let two agents fight; what was trained before a stop is kept, and no match recorded."""
        desk = self._desk
        fighters = [desk.take(a), desk.take(b)]
        (row_a, agent_a), (row_b, agent_b) = fighters
        if row_a.id == row_b.id:
            raise FightsItself(a)
        outcome = battles.fight(
            agent_a,
            agent_b,
            n_steps=n_steps,
            max_flops=max_flops,
            seed=seed,
            stop=desk.stop,
            on_progress=on_progress,
        )
        match_id = None
        if not exhibition:
            match_id = desk.keep(fighters, "battle", None if outcome.stopped else outcome)
        return BattleReport(
            match_id=match_id, name_a=a, name_b=b, exhibition=exhibition, outcome=outcome
        )

    def all(self) -> list[MatchReport]:
        """Return every recorded battle, oldest first."""
        return [_report(row) for row in self._desk.store.matches.all()]

    def one(self, match_id: int | None) -> MatchReport:
        """Return a recorded battle, the latest if None."""
        matches = self._desk.store.matches
        if match_id is None:
            match_id = matches.latest()
        if match_id is None:
            raise NoMatchYet("no match is recorded yet")
        return _report(matches.row(match_id))

    def leaderboard(self) -> list[LeaderboardRow]:
        """Rank the current dataset's agents; what the judge finds is kept until the weights change."""
        desk = self._desk
        dataset = desk.dataset()
        rows = [row for row in desk.store.agents.all() if row.dataset_sha256 == dataset.sha256]
        if not rows:
            return []
        judge = judge_for(dataset, check_stop=desk.check_stop)
        found, new = {}, []
        for row in rows:
            figures = desk.store.score(score_key(row))
            if figures is None:
                key, figures = self._judged(row, judge)
                new.append((key, figures))
            found[row.id] = figures
        if new:
            with desk.store.transaction():
                for key, figures in new:
                    desk.store.put_score(key, figures)
        return rank([contestant(desk.report(row, 0), found[row.id]) for row in rows], judge.h)

    def _judged(self, row: AgentRow, judge: Judge) -> tuple[ScoreKey, dict[str, Any]]:
        """Judge an agent as it was last kept; the key is of the state that was judged."""
        row, agent = self._desk.read(row.name)
        temperature = agent.settings.temperature
        judging = judge.judging(agent.model, temperature, JUDGE_SEED, diverged=agent.diverged)
        found = finished(judging, self._desk.check_stop)
        return score_key(row), judge.ruleset.figures(found).as_dict()


def _report(row: MatchRow) -> MatchReport:
    return MatchReport(
        match_id=row.id,
        ruleset=row.ruleset,
        dataset_name=row.dataset_name,
        name_a=row.a_name,
        name_b=row.b_name,
        winner=row.winner,
        outcome=row.outcome,
        starts=row.starts,
    )
