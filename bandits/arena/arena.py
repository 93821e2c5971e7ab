"""The arena: a roster of agents, their datasets and battles, in one file.  The game's public API.

    with Arena() as arena:
        arena.create_agent("Ada", n_embd=32)
        arena.train(1000)
        print(arena.battle("Ada", "B", 100).winner)

`name=None` always means the current agent.  A method that changes something does its work first and
then writes it in a single transaction: whatever interrupts it leaves the old or the new state, and
no other process waits for a training.  If another process has changed the same agent meanwhile, it
raises StoreError and saves nothing.  Judging (battles, leaderboard, the score of a sample) is free;
training, generating, evaluating, diagnosing and gradients are charged to the agent, in operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from typing import Any

from bandits.agent.agent import Agent, Progress
from bandits.agent.history import LossHistory
from bandits.arena.conversion import (
    ScoreKey,
    entry_of,
    finite,
    score_key,
    spent_since,
    start_of,
    stored,
)
from bandits.arena.looking import Sight
from bandits.arena.proof import Records
from bandits.arena.reports import (
    BattleReport,
    EvaluateReport,
    GenerateReport,
    MatchRow,
    TrainReport,
)
from bandits.contest import battle as battles
from bandits.contest.judge import Judge, judge_for
from bandits.contest.leaderboard import LeaderboardRow, rank
from bandits.contest.ratings import Rating
from bandits.contest.ratings import update as update_ratings
from bandits.contest.rules import CURRENT as RULES
from bandits.errors import InvalidValue, did_you_mean, printable
from bandits.model.limits import GENERATED, check_generated, check_steps
from bandits.store.rows import AgentRecord

LEADERBOARD_SEED = 0
MAX_GENERATED_TOKENS = 1 << 28
SPLITS = ("train", "validation", "test")

Stop = Callable[[], bool]


class Arena(Sight, Records):
    """An open arena; a context manager.

    home: its folder, $BANDITS_HOME or the platform's place for user data if None.  The first one
    opened there makes the starter agents A and B.
    Raises: StoreError if the folder cannot be used, BadFile if arena.db is not an arena.
    """

    def train(
        self,
        n_steps: int,
        name: str | None = None,
        *,
        stop: Stop | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> TrainReport:
        """Train an agent up to n_steps more steps and charge it.

        stop: asked between chunks of at most 50 ms; true keeps what was trained and ends.
        on_progress: called after each chunk.
        Raises: UnknownName; InvalidValue if the agent cannot train (nothing is spent); StoreError.
        """
        check_steps(n_steps)
        record, agent = self._loaded(name)
        losses, n_done, stopped = LossHistory(), 0, False
        with closing(agent.train(n_steps)) as chunks:  # type: ignore[type-var]
            for progress in chunks:
                losses.append(progress.losses)
                n_done = progress.n_done
                if on_progress:
                    on_progress(progress)
                if stop and n_done < n_steps and stop():
                    stopped = True
                    break
        spent = spent_since(record.energy, agent.energy)
        self._keep([(record, agent)], "train")
        return TrainReport(
            name=record.name,
            n_steps=n_steps,
            n_done=n_done,
            step=agent.n_steps,
            loss=finite(agent.history.mean_of_last()),
            uniform_loss=math.log(agent.config.vocab_size),
            n_flops=spent.total,
            diverged=agent.diverged,
            stopped=stopped,
            losses=losses.losses,
        )

    def generate(
        self, n: int = 10, name: str | None = None, *, seed: int | None = None
    ) -> GenerateReport:
        """Let an agent write n documents, charge it, and score exactly this sample.

        seed: the same seed gives the same documents; None gives others each time.
        Raises: UnknownName, InvalidValue, StoreError.
        """
        check_generated(n)
        record, agent = self._loaded(name)
        most = min(GENERATED.high, MAX_GENERATED_TOKENS // agent.config.block_size)
        if n > most:
            raise InvalidValue(
                f"N={n:,} documents of up to {agent.config.block_size:,} tokens are too many at "
                f"once; choose 1 to {most:,}"
            )
        if seed is None:  # new each time, and still a matter of the agent's state, not of the clock
            seed = agent.energy.generation % 2**32
        samples = agent.generate(n, seed=seed)
        judge = judge_for(agent.dataset)
        judgement = judge.judge_samples(
            agent.model, agent.settings.temperature, samples, diverged=agent.diverged
        )
        self._charge(record, agent, "generate")
        return GenerateReport(
            name=record.name,
            seed=seed,
            texts=judgement.samples,
            ended=tuple(samples.ended.tolist()),
            valid=tuple(judgement.valid.tolist()),
            unique=tuple(judgement.unique.tolist()),
            creative=tuple(judgement.creative.tolist()),
            judgement=judgement,
            n_flops=samples.n_flops,
        )

    def evaluate(self, name: str | None = None, *, split: str = "validation") -> EvaluateReport:
        """Measure an agent on a split of its dataset and charge it.

        split: 'train', 'validation' or 'test'.
        Raises: UnknownName, InvalidValue for another split, StoreError.
        """
        if split not in SPLITS:
            raise InvalidValue(
                f"split={printable(split)} is not one of {', '.join(SPLITS)}"
                f"{did_you_mean(split, SPLITS)}"
            )
        record, agent = self._loaded(name)
        documents = getattr(agent.dataset, split)
        evaluation = agent.evaluate(documents)
        self._charge(record, agent, "evaluate")
        return EvaluateReport(
            name=record.name,
            split=split,
            bits=evaluation.bits_per_token,
            perplexity=evaluation.perplexity,
            n_documents=len(documents),
            n_tokens=int(evaluation.n_tokens.sum()),
            n_flops=evaluation.n_flops,
        )

    # Battles

    def battle(
        self,
        a: str,
        b: str,
        n_steps: int | None = None,
        *,
        max_flops: int | None = None,
        exhibition: bool = False,
        seed: int = 0,
        stop: Stop | None = None,
        on_progress: Callable[[str, Progress], None] | None = None,
    ) -> BattleReport:
        """Let two agents train n_steps more steps each, or what max_flops affords, and judge them.

        Both keep the training, the match and their ratings are recorded; an exhibition changes
        nothing.  stop: asked between chunks; true keeps what was trained and records no match.
        on_progress: called in this thread with 'a' or 'b' and a chunk's progress.
        Raises: UnknownName, InvalidValue, StoreError.
        """
        record_a, agent_a = self._loaded(a)
        record_b, agent_b = self._loaded(b)
        if record_a.id == record_b.id:
            raise InvalidValue(f"agent '{a}' cannot fight itself; clone it: clone_agent {a} NAME")
        outcome = battles.fight(
            agent_a,
            agent_b,
            n_steps=n_steps,
            max_flops=max_flops,
            seed=seed,
            stop=stop,
            on_progress=on_progress,
        )
        match_id = None
        if not exhibition:
            fighters = [(record_a, agent_a), (record_b, agent_b)]
            match_id = self._keep(fighters, "battle", None if outcome.stopped else outcome)
        return BattleReport(
            match_id=match_id, name_a=a, name_b=b, exhibition=exhibition, outcome=outcome
        )

    def matches(self) -> list[MatchRow]:
        """Return every recorded battle, oldest first."""
        return [
            MatchRow(
                match_id=match_id,
                ruleset=ruleset,
                dataset_name=dataset_name,
                name_a=name_a,
                name_b=name_b,
                winner=winner,
                outcome=outcome,
            )
            for match_id, ruleset, dataset_name, name_a, name_b, winner, outcome in (
                self._store.matches()
            )
        ]

    def leaderboard(self) -> list[LeaderboardRow]:
        """Return the current dataset's agents, the most efficient of each league first.

        Judging is free; what the judge found is kept until the weights change.
        """
        dataset = self.dataset
        records = [r for r in self._store.agents() if r.dataset_sha256 == dataset.sha256]
        if not records:
            return []
        judge = judge_for(dataset)
        found, new = {}, []
        for record in records:
            figures = self._store.score(score_key(record))
            if figures is None:
                key, figures = self._judged(record, judge)
                new.append((key, figures))
            found[record.id] = figures
        if new:
            with self._store.transaction():
                for key, figures in new:
                    self._store.put_score(key, figures)
        entries = [entry_of(self._row(record, 0), found[record.id]) for record in records]
        return rank(entries, judge.h)

    def _judged(self, record: AgentRecord, judge: Judge) -> tuple[ScoreKey, dict[str, Any]]:
        """Judge an agent as it is now; the key is of the state that was judged."""
        record, agent = self._loaded(record.name)
        temperature = agent.settings.temperature
        samples = agent.model.generate(
            RULES.N_SAMPLES, temperature=temperature, seed=LEADERBOARD_SEED
        )
        judgement = judge.judge_samples(agent.model, temperature, samples, diverged=agent.diverged)
        return score_key(record), judgement.as_dict()

    # Writing

    def _keep(
        self,
        fighters: list[tuple[AgentRecord, Agent]],
        command: str,
        outcome: battles.Outcome | None = None,
    ) -> int | None:
        """Write what agents have learned and spent, and the match if it was one."""
        states = [  # packed before the lock is taken
            (record, stored(agent), spent_since(record.energy, agent.energy))
            for record, agent in fighters
        ]
        with self._store.transaction():
            for record, state, spent in states:
                self._store.update_agent(record, state, spent, command=command)
            if outcome is None:
                return None
            (a, agent_a), (b, _) = fighters
            rated = update_ratings(Rating(a.mu, a.sigma), Rating(b.mu, b.sigma), outcome.winner)
            for record, rating in zip((a, b), rated, strict=True):
                self._store.set_rating(record.id, rating.mu, rating.sigma)
            if outcome.seed == LEADERBOARD_SEED:  # then the leaderboard would find the same
                for (_, state, _), corner in zip(states, (outcome.a, outcome.b), strict=True):
                    assert corner.judgement is not None
                    self._store.put_score(score_key(state), corner.judgement.as_dict())
            return self._store.insert_match(
                a,
                b,
                ruleset=outcome.ruleset,
                dataset_name=agent_a.dataset.name,
                winner=outcome.winner,
                outcome=outcome.record(),
                starts={"a": start_of(a), "b": start_of(b)},
            )
