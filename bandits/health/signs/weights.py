"""Whether all weights are numbers."""

from __future__ import annotations

from collections.abc import Iterator

from bandits.health.examination import Examination, Part
from bandits.health.sign import Reading, sign


@sign(
    "weights not finite",
    Part.WEIGHTS,
    healthy="0",
    meaning="Too large a step can make numbers that no float holds; whatever meets them is lost.",
    ok_high=0.0,
    bad_high=0.0,
)
def weights_not_finite(exam: Examination) -> Iterator[Reading]:
    """Count the weights that are NaN or infinite."""
    yield Reading(float(exam.n_not_finite), exam.remedies.start_again())
