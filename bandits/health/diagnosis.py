"""diagnose: what ails an agent's training, each finding with its figure, a verdict and what to type.

The probe is the agent's own: the next minibatches of its order, at its settings, run on a copy, so
that the agent does not change.  What the probe costs is counted and returned.

Where the ranges come from.  They were read off agents of 8/1, 16/1, 32/2 and 64/1 on names, at batch
sizes 1 and 16, untrained and after 100, 1,000 and 5,000 steps, each at the best for its width of the
learning rates 0.001, 0.003, 0.01 and 0.03 (0.01 up to 16, 0.003 above, by validation bits):

    loss                0.64 to 1.1 of a blind guess   (learning rate 10: 3,000 and more)
    loss trend          -0.14 to 0.10 nats, never more than twice its error above 0
    gradient norm       0.19 to 1.9                    (10: 1,000 and more; 0.1 at 64/1: 34 to 600)
    weakest gradient    0.14 to 0.76 of the strongest
    update / weights    0.0036 to 0.10                 (1e-7: 0.0000004)
    dead ReLU units     0% to 59%                      (0.1 at 64/1: 89% to 99%)
    attention spread    31% to 100%                    (0.1 at 64/1, and 10: below 1%)
    overfitting         -0.08 to 0.24 bits             (16/1, batch size 16, on 300 names: 4)
    memorised           -13% to 15%, error 5% to 9%    (64/2 on 300 names: 95%)

None of 138 such diagnoses, over three seeds, found anything.  A wide agent that is kept at 0.01 for
long is not among the healthy: at 64/1 and batch size 1 some 80% of its units are dead after 1,000 steps
and its heads stare at one letter (3%), and it needs 3.47 bits where 0.003 leads to 3.40.  It gets a
warning, and that advice.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

from bandits.agent.agent import Agent
from bandits.errors import InvalidValue
from bandits.health import learning, network
from bandits.health.findings import Finding, Report, Sign, Verdict, worst
from bandits.health.remedies import Remedies
from bandits.model.batch_memory import check_batch_memory

__all__ = ["N_PROBES", "SIGNS", "Finding", "Report", "Sign", "Verdict", "diagnose", "worst"]

N_PROBES = 64  # documents, at least, where memory allows; whole minibatches are probed

SIGNS = (  # in the order of the findings
    network.SPOILED,
    network.LOSS,
    learning.TREND,
    network.GRADIENT,
    network.WEAKEST,
    network.UPDATE,
    network.DEAD,
    network.ATTENTION,
    learning.OVERFITTING,
    learning.MEMORISED,
    learning.SCHEDULE,
)


def diagnose(agent: Agent, name: str = "NAME", taken: Collection[str] = ()) -> Report:
    """Return the findings on an agent, which is left as it is.

    name: what the commands that it proposes call the agent; taken: names that a new one cannot have.
    What cannot be told is left out: the trend before 100 steps, overfitting and memorising before
    500 documents or of an agent that knows nothing, and all that follows a loss that is not finite.
    """
    remedies = Remedies(agent, name, taken)
    spoiled = network.spoiled_weights(agent, remedies)
    if spoiled.verdict == "bad":
        return Report((spoiled,), 0, 0)
    documents = agent.next_documents(_n_probed(agent))
    probe = _copy_at_full_learning_rate(agent)
    nats, n_flops = probe.model.probe(documents)
    lost = network.loss(agent, nats, remedies)
    if not math.isfinite(nats):  # its gradients say nothing
        return Report((spoiled, lost), len(documents), n_flops)

    findings = [spoiled, lost, learning.trend(agent, remedies)]
    findings += network.gradients(probe.model.gradients(), remedies)
    inside = [
        *network.dead_units(probe, remedies),
        *network.attention(probe, len(documents), remedies),
    ]
    if not agent.diverged:
        before = probe.model.state_dict()
        spent = probe.energy.total
        probe.train_all(1)
        n_flops += probe.energy.total - spent
        findings.append(network.update(before, probe.model.state_dict(), remedies))
    findings += inside
    if lost.verdict != "bad":
        general, cost = learning.generalisation(agent, remedies)
        findings += general
        n_flops += cost
    found = [finding for finding in findings if finding]
    found.append(learning.schedule(agent, remedies, found))
    return Report(tuple(found), len(documents), n_flops)


def _n_probed(agent: Agent) -> int:
    """Return how many documents to probe: whole minibatches; just one where more need too much memory."""
    batch_size = agent.settings.batch_size
    n = -(-N_PROBES // batch_size) * batch_size
    try:
        check_batch_memory(agent.config, n)
    except InvalidValue:
        return batch_size
    return n


def _copy_at_full_learning_rate(agent: Agent) -> Agent:
    """Where the schedule stands must not hide a rate that is too high, nor an end that it has reached."""
    settings = replace(agent.settings, schedule="constant", warmup=0)
    return Agent.from_state(replace(agent.state(), settings=settings), agent.dataset)
