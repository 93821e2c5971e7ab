"""An agent: a model, its optimiser, its place in the data, its history, and what it has spent."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from bandits.agent.course import Course, extended
from bandits.agent.history import LossHistory
from bandits.agent.state import AgentState
from bandits.datasets import Dataset
from bandits.errors import InvalidValue, printable
from bandits.model.batch_memory import check_batch_memory
from bandits.model.config import GPTConfig
from bandits.model.documents import Documents
from bandits.model.energy import (
    Energy,
    backward_flops,
    forward_flops,
    least_training_flops,
    update_flops,
)
from bandits.model.exact import Float
from bandits.model.gpt import GPT, CheckStop
from bandits.model.results import Evaluation, Samples
from bandits.model.seeding import training_order
from bandits.model.settings import Settings
from bandits.model.value_kinds import check_seed, check_steps

CHUNK_SECONDS = 0.03  # a chunk cannot be interrupted; the promise is 0.05
FIRST_GUESS_FLOPS_A_SECOND = 1e9
MAX_CHUNK_STEPS = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """One chunk of a training call: losses (nats) float64 of its steps, and where the call stands."""

    n_done: int
    n_steps: int
    step: int
    losses: Float
    learning_rate: float
    n_flops: int


class HasDiverged(InvalidValue):
    """An agent whose loss has stopped being finite learns nothing more.  n_steps: those that it trained."""

    def __init__(self, n_steps: int) -> None:
        self.n_steps = n_steps
        super().__init__(
            f"nothing to train: its loss stopped being finite after step {n_steps:,}, so it cannot learn"
        )


class AtHorizon(InvalidValue):
    """An agent whose schedule is complete learns nothing more.  n_steps: those that it trained."""

    def __init__(self, n_steps: int, horizon: int) -> None:
        self.n_steps, self.horizon = n_steps, horizon
        super().__init__(
            f"nothing to train: it has reached its horizon of {horizon:,} steps, where the learning rate "
            "is 0"
        )


class NotFinite(InvalidValue):
    """An agent's numbers cannot be shown, since some are NaN or infinite.  agent: its name."""

    def __init__(self, agent: str, what: str) -> None:
        self.agent = agent
        super().__init__(f"agent {agent} exploded: its {what} are not finite")


class Agent:
    """A GPT that learns a dataset.

    config: microGPT's sizes with the dataset's vocabulary if None; seed: the order of the documents
    and the initial weights, as in microGPT.  Raises InvalidValue if they do not fit the dataset.
    """

    def __init__(
        self,
        dataset: Dataset,
        config: GPTConfig | None = None,
        settings: Settings | None = None,
        seed: int = 42,
    ) -> None:
        self.dataset = dataset
        self.config = config or GPTConfig(vocab_size=dataset.vocab_size)
        self.settings = settings or Settings()
        self.seed = check_seed(seed)
        if self.config.vocab_size != dataset.vocab_size:
            raise InvalidValue(
                f"vocab_size={self.config.vocab_size} does not fit dataset '{dataset.name}', "
                f"which has {dataset.vocab_size} tokens"
            )
        self._order, twister = training_order(len(dataset.train), self.seed)
        self.model = GPT(self.config, twister)
        self._begin()

    def _begin(self) -> None:
        self.n_steps = 0
        self.n_seen = 0
        self.diverged = False
        self.course: Course = ()
        self.energy = Energy()
        self.history = LossHistory()

    # ---- what an owner pays for ------------------------------------------------------------------

    def can_train(self) -> bool:
        """Whether this agent can train on: its loss is finite and its schedule not complete."""
        return not self.diverged and self._steps_left(1) > 0

    def _steps_left(self, n_steps: int) -> int:
        left = self.settings.steps_left(self.n_steps)
        return n_steps if left is None else min(n_steps, left)

    def train(self, n_steps: int, *, max_flops: int | None = None) -> Iterator[Progress]:
        """Train up to n_steps more steps, yielding after each chunk of at most some 50 ms.

        Stops early at the horizon, when the loss is not finite (`diverged`), or before a step that
        max_flops cannot pay.  Between chunks the agent is whole: closing the iterator stops there.
        Raises: HasDiverged or AtHorizon if it cannot train at all, InvalidValue for a number of steps or a
        batch that cannot be; then nothing is spent.
        """
        check_steps(n_steps)
        check_batch_memory(self.config, self.settings.batch_size)
        if self.diverged:
            raise HasDiverged(self.n_steps)
        if not self.can_train():
            raise AtHorizon(self.n_steps, self.settings.horizon)
        return self._train(n_steps, max_flops)

    def retrain(self, n_steps: int) -> Iterator[Progress]:
        """Train n_steps steps that another agent has taken with these settings: no horizon ends them."""
        return self._chunks(n_steps, n_steps, None)

    def _train(self, n_steps: int, max_flops: int | None) -> Iterator[Progress]:
        try:
            yield from self._chunks(n_steps, self._steps_left(n_steps), max_flops)
        finally:  # the last update may have overflowed: an agent at rest is finite or diverged
            self.diverged = self.diverged or not self.model.is_finite()

    def _chunks(self, n_steps: int, target: int, max_flops: int | None) -> Iterator[Progress]:
        n_done = n_flops = 0
        steps_a_second = self._first_guess() if target > 1 else 1.0
        while n_done < target:
            chunk = int(
                min(target - n_done, MAX_CHUNK_STEPS, max(1, steps_a_second * CHUNK_SECONDS))
            )
            rates = self.settings.learning_rates(self.n_steps, chunk)
            started = perf_counter()
            run = self.model.train_steps(
                self.dataset.train,
                self._order,
                self.n_seen,
                rates,
                self.settings,
                None if max_flops is None else max_flops - n_flops,
            )
            elapsed = perf_counter() - started
            n_run = len(run.losses)
            if n_run or run.wasted_flops:
                self.course = extended(self.course, self.n_steps, self.settings)
            self.n_steps += n_run
            self.n_seen += n_run * self.settings.batch_size
            self.energy += Energy(training=run.n_flops + run.wasted_flops)
            self.history.append(run.losses)
            self.diverged = run.stopped == "diverged"
            n_done += n_run
            n_flops += run.n_flops + run.wasted_flops
            rate = float(rates[max(n_run - 1, 0)])
            yield Progress(n_done, n_steps, self.n_steps, run.losses, rate, n_flops)
            if run.stopped != "done":
                return
            steps_a_second = min(n_run / max(elapsed, 1e-6), 4 * steps_a_second)

    def train_all(self, n_steps: int, *, max_flops: int | None = None) -> int:
        """Train to the end of `train` and return how many steps were run."""
        n_done = 0
        for progress in self.train(n_steps, max_flops=max_flops):
            n_done = progress.n_done
        return n_done

    def learning_rate(self) -> float:
        """Return the learning rate of the next step."""
        return float(self.settings.learning_rates(self.n_steps, 1)[0])

    def _first_guess(self) -> float:
        """Return a low guess of the steps a second, from the cost of a step of the longest document."""
        T = min(self.config.block_size, int(self.dataset.train.lengths.max()) + 1)
        batch = [T] * self.settings.batch_size
        n_flops = forward_flops(self.config, batch) + backward_flops(self.config, batch, 1)
        return FIRST_GUESS_FLOPS_A_SECOND / (n_flops + update_flops(self.config))

    def least_training_flops(self) -> int:
        """Return what the training of this agent took at least, by its steps and place in the data."""
        lengths = self.dataset.train.lengths[self._order]
        T = np.minimum(lengths + 1, self.config.block_size).tolist()
        n_passes, rest = divmod(self.n_seen, len(T))
        n_of_positions = Counter({t: n_passes * n for t, n in Counter(T).items()})
        n_of_positions.update(T[:rest])
        return least_training_flops(self.config, n_of_positions, self.n_steps)

    def next_documents(self, n: int) -> Documents:
        """Return the n training documents that come next, as the owner may look at them."""
        which = self._order[(self.n_seen + np.arange(n)) % len(self._order)]
        return Documents.encode(
            [self.dataset.train.texts[i] for i in which.tolist()], self.dataset.vocabulary
        )

    def generate(self, n: int, seed: int = 0, *, check_stop: CheckStop | None = None) -> Samples:
        """Return n documents at the agent's temperature; their energy is charged."""
        samples = self.model.generate(
            n, temperature=self.settings.temperature, seed=seed, check_stop=check_stop
        )
        self.charge(Energy(generation=samples.n_flops))
        return samples

    def evaluate(
        self,
        documents: Documents | Sequence[Sequence[int]],
        *,
        check_stop: CheckStop | None = None,
    ) -> Evaluation:
        """Return the bits of documents at the agent's temperature; its energy is charged."""
        evaluation = self.model.evaluate(
            documents, self.settings.temperature, check_stop=check_stop
        )
        self.charge(Energy(evaluation=evaluation.n_flops))
        return evaluation

    def charge(self, energy: Energy) -> None:
        """Add to what this agent has spent."""
        self.energy += energy

    def texts(self, samples: Samples) -> list[str]:
        """Return generated documents as strings."""
        return [self.dataset.decode(tokens) for tokens in samples.sequences()]

    # ---- state ---------------------------------------------------------------------------------

    def state(self) -> AgentState:
        """Return a copy of all of it."""
        first, second = self.model.moments()
        return AgentState(
            config=self.config,
            settings=self.settings,
            seed=self.seed,
            dataset_name=self.dataset.name,
            dataset_sha256=self.dataset.sha256,
            dataset_split=self.dataset.split,
            n_steps=self.n_steps,
            n_seen=self.n_seen,
            beta1_power=self.model.beta1_power,
            beta2_power=self.model.beta2_power,
            diverged=self.diverged,
            course=self.course,
            energy=self.energy,
            weights=self.model.state_dict(),
            first_moments=first,
            second_moments=second,
            history=self.history.state(),
        )

    @classmethod
    def from_state(cls, state: AgentState, dataset: Dataset) -> Agent:
        """Return the agent of this state.  Raises InvalidValue if it was trained on another dataset."""
        if state.dataset_sha256 != dataset.sha256:
            raise InvalidValue(
                f"the agent was trained on dataset '{printable(state.dataset_name)}', whose text "
                f"differs from '{dataset.name}'"
            )
        if state.dataset_split != dataset.split:
            raise InvalidValue(
                f"the agent was trained on '{printable(state.dataset_name)}' with "
                f"split={state.dataset_split!r}, not {dataset.split!r}: another order of documents"
            )
        self = cls.__new__(cls)
        self.dataset, self.config, self.settings = dataset, state.config, state.settings
        self.seed = state.seed
        self._order, _ = training_order(len(dataset.train), state.seed)
        self.model = GPT(state.config, None)
        self.model.load_state_dict(state.weights)
        self.model.load_moments(
            state.first_moments, state.second_moments, state.beta1_power, state.beta2_power
        )
        self.n_steps, self.n_seen = state.n_steps, state.n_seen
        self.diverged, self.course, self.energy = state.diverged, state.course, state.energy
        self.history = LossHistory.from_state(state.history)
        return self

    def clone(self) -> Agent:
        """Return an independent copy; it inherits everything, energy included."""
        return Agent.from_state(self.state(), self.dataset)


AGENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


def check_agent_name(name: str) -> str:
    """Return the name.  Raises InvalidValue if it does not match AGENT_NAME."""
    if not AGENT_NAME.fullmatch(name):
        raise InvalidValue(
            f"agent name '{printable(name, 40)}' must be a letter followed by at most 31 letters, "
            "digits, _ or -; try Ada or net-64"
        )
    return name
