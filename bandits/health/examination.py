"""One agent under examination: what signs look at, computed when first asked for, once, and paid for.

The agent stays as it is.  What runs is a copy at the full learning rate, since where the schedule stands
must not hide a rate that is too high, nor an end that has been reached.
"""

from __future__ import annotations

import math
from dataclasses import replace
from enum import IntEnum, auto
from functools import cached_property

import numpy as np

from bandits.agent.agent import Agent
from bandits.errors import InvalidValue
from bandits.health.findings import Finding
from bandits.health.norms import Arrays
from bandits.health.remedies import Remedies
from bandits.model.batch_memory import check_batch_memory
from bandits.model.documents import Documents
from bandits.model.gpt import GPT
from bandits.model.results import Evaluation, Samples

N_PROBES = 64  # documents, at least, where memory allows; whole minibatches are probed
MIN_SEEN = 500  # documents; what was learned from fewer is known better, and no fault
KNOWS_NOTHING = 2.0  # times the loss of a blind guess


class Part(IntEnum):
    """What of an agent a sign looks at; the findings come in this order."""

    WEIGHTS = auto()  # as they are
    LOSS = auto()  # of the documents that come next
    HISTORY = auto()  # the losses of the steps behind it
    GRADIENTS = auto()  # on the documents that come next, as all of the following
    UPDATE = auto()  # one step at the full learning rate
    UNITS = auto()  # of the MLP
    ATTENTION = auto()
    KNOWLEDGE = auto()  # of documents that it has seen, or not, and what it writes
    OUTLOOK = auto()  # whether to train on, when all else is found


class Examination:
    """What there is to look at in one agent.

    findings: those of the signs before; n_documents, n_flops: of the probe so far, and what looking has
    cost so far.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.remedies = Remedies(agent)
        self.findings: list[Finding] = []
        self.n_documents = 0
        self.n_flops = 0

    def shows(self, part: Part) -> bool:
        """Whether this agent has such a part to look at.

        Weights that are not finite hide all else, a loss that is not finite all but the weights; an
        agent that diverged takes no step more; and of one that knows nothing, has seen too little, or
        whose dataset holds nothing back, it cannot be told whether it generalises.
        """
        if part == Part.WEIGHTS:
            return True
        if self.n_not_finite:
            return False
        if part == Part.LOSS:
            return True
        if not math.isfinite(self.nats):
            return False
        if part == Part.UPDATE:
            return not self.agent.diverged
        if part == Part.KNOWLEDGE:
            has_seen_enough = self.agent.n_seen >= MIN_SEEN and len(self.agent.dataset.validation)
            return bool(has_seen_enough) and self.relative_loss <= KNOWS_NOTHING
        return True

    @cached_property
    def n_not_finite(self) -> int:
        """How many weights are NaN or infinite."""
        return sum(int(np.sum(~np.isfinite(w))) for w in self.agent.model.state_dict().values())

    @property
    def nats(self) -> float:
        """The loss of the documents that come next, in nats per token."""
        return self._probe[1]

    @property
    def relative_loss(self) -> float:
        """That loss beside a blind guess's among all letters."""
        return self.nats / self.agent.config.uniform_loss

    @property
    def model(self) -> GPT:
        """A model that has just run those documents forward and backward: ask it for its insides."""
        return self._probe[0]

    @cached_property
    def gradients(self) -> Arrays:
        """The gradients on those documents by weight name."""
        return self.model.gradients()

    @cached_property
    def update(self) -> tuple[Arrays, Arrays]:
        """The weights before and after the next step at the full learning rate."""
        copy = self._copy()
        before, spent = copy.model.state_dict(), copy.energy.total
        copy.train_all(1)
        self.n_flops += copy.energy.total - spent
        return before, copy.model.state_dict()

    def evaluate(self, documents: Documents) -> Evaluation:
        """Score documents, at the agent's temperature."""
        evaluation = self.agent.model.evaluate(documents, self.agent.settings.temperature)
        self.n_flops += evaluation.n_flops
        return evaluation

    def generate(self, n: int, *, seed: int) -> Samples:
        """Let the agent write n documents, at its temperature."""
        temperature = self.agent.settings.temperature
        samples = self.agent.model.generate(n, temperature=temperature, seed=seed)
        self.n_flops += samples.n_flops
        return samples

    @cached_property
    def _probe(self) -> tuple[GPT, float]:
        model = self._copy().model
        documents = self.agent.next_documents(_n_probed(self.agent))
        nats, n_flops = model.probe(documents)
        self.n_documents = len(documents)
        self.n_flops += n_flops
        return model, nats

    def _copy(self) -> Agent:
        settings = replace(self.agent.settings, schedule="constant", warmup=0)
        state = replace(self.agent.state(), settings=settings)
        return Agent.from_state(state, self.agent.dataset)


def _n_probed(agent: Agent) -> int:
    """Return how many documents to probe: whole minibatches; just one where more need too much memory."""
    batch_size = agent.settings.batch_size
    n = -(-N_PROBES // batch_size) * batch_size
    try:
        check_batch_memory(agent.config, n)
    except InvalidValue:
        return batch_size
    return n
