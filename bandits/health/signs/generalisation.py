"""Whether what it learned carries over to what it has never seen, or is known by heart."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bandits.agent.agent import Agent
from bandits.health.examination import Examination, Part
from bandits.health.sign import Reading, sign
from bandits.model.documents import Documents
from bandits.model.results import Evaluation
from bandits.model.seeding import training_order

N_SAMPLED = 128  # documents of each kind: seen, held out, generated
GENERATION_SEED = 0


@sign(
    "overfitting",
    Part.KNOWLEDGE,
    unit="bits",
    healthy="at most 0.5",
    meaning="How many bits a letter more it needs for documents it has never seen than for those it "
    "learned from: that much is known by heart and does not carry over.",
    ok_high=0.5,
    bad_high=1.5,
)
def overfitting(exam: Examination) -> Iterator[Reading]:
    """Some documents of the training so far against some that were held out for validation."""
    agent = exam.agent
    validation = agent.dataset.validation
    seen = exam.evaluate(_seen(agent))
    unseen = exam.evaluate(_some(agent, validation, np.arange(len(validation))))
    (seen_bits, seen_error), (unseen_bits, unseen_error) = _bits(seen), _bits(unseen)
    gap, error = unseen_bits - seen_bits, math.hypot(seen_error, unseen_error)
    yield Reading(gap, exam.remedies.smaller(), error=error)


@sign(
    "memorised",
    Part.KNOWLEDGE,
    unit="%",
    healthy="at most 10",
    meaning="Of what it writes, the share found in its training data beyond what its hits among documents "
    "it never saw let one expect: it recites instead of inventing.",
    ok_high=10.0,
    bad_high=30.0,
)
def memorised(exam: Examination) -> Iterator[Reading]:
    """Some documents that it writes, looked up in its training data."""
    samples = exam.generate(N_SAMPLED, seed=GENERATION_SEED)
    texts = [exam.agent.dataset.decode(tokens) for tokens in samples.sequences()]
    share, error = _recited(exam.agent, texts)
    yield Reading(share, exam.remedies.smaller(), error=error)


def _seen(agent: Agent) -> Documents:
    """Some of the training documents it has seen, evenly from the first to the latest."""
    train = agent.dataset.train
    order, _ = training_order(len(train), agent.seed)
    return _some(agent, train, order[: agent.n_seen])


def _some(agent: Agent, documents: Documents, which: npt.NDArray[np.int64]) -> Documents:
    """Return at most N_SAMPLED of these documents, evenly from the first to the last."""
    n = min(N_SAMPLED, len(which))
    places = which[np.arange(n) * len(which) // n].tolist()
    return Documents.encode([documents.texts[i] for i in places], agent.dataset.vocabulary)


def _bits(evaluation: Evaluation) -> tuple[float, float]:
    """Return the bits per token and their standard error, the documents being the sample."""
    bits = evaluation.bits_per_token
    rest = evaluation.bits - bits * evaluation.n_tokens
    return bits, math.sqrt(float(rest @ rest)) / int(evaluation.n_tokens.sum())


def _recited(agent: Agent, texts: list[str]) -> tuple[float, float]:
    """Return the share of texts that are recited, in %, and its standard error.

    An agent that generalises hits a document that was held out as often as one that was learned from:
    hits among the held-out ones, scaled by how many there are of each, are what chance gives.
    """
    dataset = agent.dataset
    train = set(dataset.train.texts)
    held_out = {*dataset.validation.texts, *dataset.test.texts} - train
    scale = len(train) / len(held_out)
    n = len(texts)
    p, q = sum(text in train for text in texts) / n, sum(text in held_out for text in texts) / n
    one = 1.0 / n  # no hit at all does not mean that none is possible
    errors = [math.sqrt(max(r * (1.0 - r), one * (1.0 - one)) / n) for r in (p, q)]
    return 100.0 * (p - scale * q), 100.0 * math.hypot(errors[0], scale * errors[1])
