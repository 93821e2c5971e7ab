"""diagnose: what ails an agent's training, each finding with its figure, a verdict and what helps.

The probe is the agent's own: the next minibatches of its order, at its settings, run on a copy, so
that the agent does not change.  What the probe costs is counted and returned.  Each sign is a function in
a file of bandits/health/signs/.

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

from bandits.agent.agent import Agent
from bandits.health.examination import Examination
from bandits.health.findings import DiagnoseReport
from bandits.health.signs import all_signs


def diagnose(agent: Agent) -> DiagnoseReport:
    """Return the findings on an agent, which is left as it is.

    What cannot be told is left out: the trend before 100 steps, overfitting and memorising before
    500 documents or of an agent that knows nothing, and all that follows a loss that is not finite.
    """
    exam = Examination(agent)
    for sign in all_signs():
        if exam.shows(sign.part):
            exam.findings += list(sign.findings(exam))
    return DiagnoseReport(tuple(exam.findings), exam.n_documents, exam.n_flops)
