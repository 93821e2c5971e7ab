"""Where the learning rate stands: whether there is anything left to learn with."""

from __future__ import annotations

from collections.abc import Iterator

from bandits.health.examination import Examination, Part
from bandits.health.sign import Reading, sign


@sign(
    "learning rate now",
    Part.OUTLOOK,
    unit="% of the highest",
    healthy="above 0",
    meaning="A schedule lowers the learning rate to 0, where training ends; it can be made longer.",
    ok_low=1e-9,
)
def learning_rate_now(exam: Examination) -> Iterator[Reading]:
    """Where the learning rate stands beside its highest; 0 from the horizon on.

    To train on helps only an agent that ails of nothing else: the cure of that comes first.
    """
    agent, settings = exam.agent, exam.agent.settings
    now = agent.learning_rate()
    share = 100.0 * now / settings.learning_rate if settings.learning_rate else 0.0
    over = settings.steps_left(agent.n_steps) == 0
    remedy = exam.remedies.longer() if over else exam.remedies.faster()
    others = [finding.remedy for finding in exam.findings if finding.remedy]
    yield Reading(
        share,
        others[0] if others else remedy,
        verdict="ok" if now > 0.0 else "warn" if over else "bad",
    )
