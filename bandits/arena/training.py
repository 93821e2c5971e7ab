"""What an agent does with its energy: training, writing, being measured."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from bandits.agent.agent import Progress
from bandits.agent.history import LossHistory
from bandits.arena.agent_rows import finite
from bandits.arena.desk import Desk
from bandits.arena.reports import EvaluateReport, GenerateReport, TrainReport
from bandits.contest.judge import finished, judge_for
from bandits.errors import InvalidValue, did_you_mean, printable
from bandits.model.value_kinds import GENERATED, check_generated, check_steps

MAX_GENERATED_TOKENS = 1 << 28
SPLITS = ("train", "validation", "test")


class Training:
    """The agents of an open arena, at work; see Arena."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def train(
        self, n_steps: int, name: str | None, on_progress: Callable[[Progress], None] | None
    ) -> TrainReport:
        """Train an agent up to n_steps more steps; what was trained before a stop is kept."""
        check_steps(n_steps)
        row, agent = self._desk.take(name)
        losses, n_done, stopped = LossHistory(), 0, False
        with self._desk.about(row):
            training = agent.train(n_steps)
        with closing(training) as chunks:  # type: ignore[type-var]
            for progress in chunks:
                losses.append(progress.losses)
                n_done = progress.n_done
                if on_progress:
                    on_progress(progress)
                if n_done < n_steps and self._desk.stop():
                    stopped = True
                    break
        self._desk.keep([(row, agent)], "train")
        return TrainReport(
            name=row.name,
            n_steps=n_steps,
            n_done=n_done,
            step=agent.n_steps,
            loss=finite(agent.history.mean_of_last()),
            uniform_loss=agent.config.uniform_loss,
            n_flops=(agent.energy - row.energy).total,
            diverged=agent.diverged,
            stopped=stopped,
            losses=losses.losses,
        )

    def generate(self, n: int, name: str | None, seed: int | None) -> GenerateReport:
        """Let an agent write n documents, and score exactly these."""
        check_generated(n)
        row, agent = self._desk.take(name)
        most = min(GENERATED.high, MAX_GENERATED_TOKENS // agent.config.block_size)
        if n > most:
            raise InvalidValue(
                f"N={n:,} documents of up to {agent.config.block_size:,} tokens are too many at "
                f"once; choose 1 to {most:,}"
            )
        if seed is None:  # new each time, and still a matter of the agent's state, not of the clock
            seed = agent.energy.generation % 2**32
        samples = agent.generate(n, seed=seed, check_stop=self._desk.check_stop)
        judge = judge_for(agent.dataset, check_stop=self._desk.check_stop)
        judging = judge.judging_samples(
            agent.model, agent.settings.temperature, samples, diverged=agent.diverged
        )
        judgement = finished(judging, self._desk.check_stop)
        written = judgement.written
        self._desk.charge(row, agent, "generate")
        return GenerateReport(
            name=row.name,
            seed=seed,
            texts=written.texts,
            ended=tuple(written.ended.tolist()),
            valid=tuple(written.valid.tolist()),
            unique=tuple(written.unique.tolist()),
            creative=tuple(written.creative.tolist()),
            figures=judge.ruleset.figures(judgement),
            n_flops=samples.n_flops,
        )

    def evaluate(self, name: str | None, split: str) -> EvaluateReport:
        """Measure an agent on a split of its dataset."""
        if split not in SPLITS:
            raise InvalidValue(
                f"split={printable(split)} is not one of {', '.join(SPLITS)}"
                f"{did_you_mean(split, SPLITS)}"
            )
        row, agent = self._desk.take(name)
        documents = getattr(agent.dataset, split)
        evaluation = agent.evaluate(documents, check_stop=self._desk.check_stop)
        self._desk.charge(row, agent, "evaluate")
        return EvaluateReport(
            name=row.name,
            split=split,
            bits=evaluation.bits_per_token,
            perplexity=evaluation.perplexity,
            n_documents=len(documents),
            n_tokens=int(evaluation.n_tokens.sum()),
            n_flops=evaluation.n_flops,
        )
