"""How good its next guesses are."""

from __future__ import annotations

from collections.abc import Iterator

from bandits.health.examination import KNOWS_NOTHING, Examination, Part
from bandits.health.sign import Reading, sign


@sign(
    "loss",
    Part.LOSS,
    unit="of a blind guess",
    healthy="at most 1.25",
    meaning="A blind guess among all letters scores 1; to be far above it takes wrong confidence.",
    ok_high=1.25,
    bad_high=KNOWS_NOTHING,
)
def loss(exam: Examination) -> Iterator[Reading]:
    """Against a uniform guess: an untrained agent stands near 1, an exploded one far above."""
    remedy = exam.remedies.slower("too large a step, from which it may recover")
    yield Reading(exam.relative_loss, remedy)
