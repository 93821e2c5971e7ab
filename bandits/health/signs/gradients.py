"""How strongly the loss pulls at the weights, and whether the pull reaches each block."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bandits.health.examination import Examination, Part
from bandits.health.norms import block_norms
from bandits.health.sign import Reading, sign


@sign(
    "gradient norm",
    Part.GRADIENTS,
    healthy="0.0001 to 10",
    meaning="How strongly the loss pulls at all weights together: huge pulls tear apart what was "
    "learned, tiny ones teach nothing.",
    bad_low=1e-6,
    ok_low=1e-4,
    ok_high=10.0,
    bad_high=100.0,
)
def gradient_norm(exam: Examination) -> Iterator[Reading]:
    """Exploding or vanished: the norm of all gradients together."""
    whole = math.sqrt(sum(norm * norm for norm in block_norms(exam.gradients).values()))
    vanished = whole < gradient_norm.ok_low
    yield Reading(whole, exam.remedies.shallower() if vanished else exam.remedies.clip())


@sign(
    "weakest gradient",
    Part.GRADIENTS,
    unit="of the strongest",
    healthy="at least 0.001",
    meaning="A block that the gradient hardly reaches learns nothing, however long you train.",
    bad_low=1e-5,
    ok_low=1e-3,
)
def weakest_gradient(exam: Examination) -> Iterator[Reading]:
    """Vanishing on the way: the weakest block beside the strongest."""
    norms = block_norms(exam.gradients)
    block = min(norms, key=lambda name: norms[name])
    strongest = max(norms.values())
    share = norms[block] / strongest if strongest > 0.0 else 0.0
    yield Reading(share, exam.remedies.shallower(), layer=block)
