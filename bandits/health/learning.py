"""Signs of how it learns: its schedule, the trend of its loss, overfitting and memorising.

Where the ranges come from is told in bandits/health/diagnosis.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from bandits.agent.agent import Agent
from bandits.health.findings import Finding, Sign, Verdict
from bandits.health.remedies import Remedies, Remedy
from bandits.model.documents import Documents
from bandits.model.results import Evaluation
from bandits.model.seeding import training_order

N_SAMPLED = 128  # documents of each kind: seen, held out, generated
MIN_TREND_STEPS = 100
MIN_SEEN = 500  # documents; what was learned from fewer is known better, and no fault
GENERATION_SEED = 0

SCHEDULE = Sign(
    name="learning rate now",
    unit="% of the highest",
    healthy="above 0",
    meaning="A schedule lowers the learning rate to 0, where training ends; it can be made longer.",
    ok_low=1e-9,
)
TREND = Sign(
    name="loss trend",
    unit="nats",
    healthy="not rising",
    meaning="The change of the loss over the latter half of training, against the noise of its steps: "
    "a rising loss unlearns, one that never fell has not begun.",
    ok_high=0.05,
    bad_high=0.5,
)
OVERFITTING = Sign(
    name="overfitting",
    unit="bits",
    healthy="at most 0.5",
    meaning="How many bits a letter more it needs for documents it has never seen than for those it "
    "learned from: that much is known by heart and does not carry over.",
    ok_high=0.5,
    bad_high=1.5,
)
MEMORISED = Sign(
    name="memorised",
    unit="%",
    healthy="at most 10",
    meaning="Of what it writes, the share found in its training data beyond what its hits among documents "
    "it never saw let one expect: it recites instead of inventing.",
    ok_high=10.0,
    bad_high=30.0,
)


def schedule(agent: Agent, remedies: Remedies, others: Iterable[Finding]) -> Finding:
    """Where the learning rate stands beside its highest; 0 from the horizon on.

    To train on helps only an agent that ails of nothing else: the cure of that comes first.
    """
    settings = agent.settings
    now = agent.learning_rate()
    share = 100.0 * now / settings.learning_rate if settings.learning_rate else 0.0
    over = settings.steps_left(agent.n_steps) == 0
    verdict: Verdict = "ok" if now > 0.0 else "warn" if over else "bad"
    remedy = remedies.longer() if over else remedies.faster()
    first = next((finding for finding in others if finding.next), None)
    return SCHEDULE.finding(share, verdict, Remedy(first.hint, first.next) if first else remedy)


def trend(agent: Agent, remedies: Remedies) -> Finding | None:
    """Does the loss still fall?  None before there are enough steps to tell, or if one is not finite.

    A straight line through the latter half of the history.  A loss nearer to a blind guess's than to
    that of knowing how frequent each letter is, and that surely has not fallen by a tenth of the former
    since the first quarter, is bad whatever the line says.
    """
    steps, losses = agent.history.steps.astype(np.float64), agent.history.losses
    if agent.n_steps < MIN_TREND_STEPS or not np.isfinite(losses).all():
        return None
    late = steps > agent.n_steps / 2
    change, error = _rise(steps[late], losses[late])
    quarter = len(losses) // 4
    first, last = losses[:quarter], losses[-quarter:]
    noise = math.sqrt((first.var() + last.var()) / quarter)
    blind = math.log(agent.config.vocab_size)
    begun = (blind + _letter_loss(agent)) / 2.0
    surely_fell_less = first.mean() - last.mean() + 2.0 * noise < 0.1 * blind
    if begun < 0.97 * blind and begun < last.mean() < 1.25 * blind and surely_fell_less:
        return TREND.finding(change, "bad", remedies.other_rate(), error=error)
    remedy = remedies.slower("the loss rises")
    return TREND.finding(change, TREND.verdict(change, error), remedy, error=error)


def _letter_loss(agent: Agent) -> float:
    """Return the loss, in nats, of knowing how frequent each letter is where an agent looks."""
    train = agent.dataset.train
    places = np.arange(len(train.tokens)) - np.repeat(train.offsets[:-1], train.lengths + 2)
    targets = train.tokens[(places >= 1) & (places <= agent.config.block_size)]
    counts = np.bincount(targets).astype(np.float64)
    p = counts[counts > 0] / counts.sum()
    return float(-np.sum(p * np.log(p)))


def _rise(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return how far the least-squares line rises over all of x, and the standard error of that."""
    length = float(x[-1] - x[0])
    dx = x - x.mean()
    dx2 = float(dx @ dx)
    slope = float(dx @ y) / dx2
    rest = y - y.mean() - slope * dx
    error = math.sqrt(float(rest @ rest) / (len(x) - 2) / dx2)
    return slope * length, error * length


def generalisation(agent: Agent, remedies: Remedies) -> tuple[list[Finding], int]:
    """Return the findings on overfitting and memorising, and the operations they took.

    None of an agent that has seen fewer than MIN_SEEN, or whose dataset holds nothing back.
    """
    dataset = agent.dataset
    if agent.n_seen < MIN_SEEN or not len(dataset.validation):
        return [], 0
    temperature = agent.settings.temperature
    seen = agent.model.evaluate(_seen(agent), temperature)
    held_out = _some(agent, dataset.validation, np.arange(len(dataset.validation)))
    unseen = agent.model.evaluate(held_out, temperature)
    (seen_bits, seen_error), (unseen_bits, unseen_error) = _bits(seen), _bits(unseen)
    gap, error = unseen_bits - seen_bits, math.hypot(seen_error, unseen_error)
    findings = [
        OVERFITTING.finding(gap, OVERFITTING.verdict(gap, error), remedies.smaller(), error=error)
    ]
    samples = agent.model.generate(N_SAMPLED, temperature=temperature, seed=GENERATION_SEED)
    share, error = _recited(agent, [dataset.decode(tokens) for tokens in samples.sequences()])
    verdict = MEMORISED.verdict(share, error)
    findings.append(MEMORISED.finding(share, verdict, remedies.smaller(), error=error))
    return findings, seen.n_flops + unseen.n_flops + samples.n_flops


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

    Who generalises hits a document that was held out as often as one that was learned from: hits
    among the held-out ones, scaled by how many there are of each, are what chance gives.
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
