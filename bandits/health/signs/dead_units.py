"""Units of the MLP that no letter wakes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bandits.health.examination import Examination, Part
from bandits.health.sign import Reading, sign


@sign(
    "dead ReLU units",
    Part.UNITS,
    unit="%",
    healthy="at most 80",
    meaning="A unit that is 0 for every letter passes no gradient: it is paid for, and cannot learn.",
    ok_high=80.0,
    bad_high=97.0,
)
def dead_units(exam: Examination) -> Iterator[Reading]:
    """Per layer, the share of MLP units that were 0 at every position of the probe."""
    for i in range(exam.agent.config.n_layer):
        active, _ = exam.model.relu_active(i)
        dead = 100.0 * float(np.mean(active == 0))
        yield Reading(dead, exam.remedies.gentler(), layer=f"layer{i}")
