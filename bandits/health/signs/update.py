"""How much of itself a block changes in one step."""

from __future__ import annotations

from collections.abc import Iterator

from bandits.health.examination import Examination, Part
from bandits.health.norms import block_norms
from bandits.health.sign import Reading, sign


@sign(
    "update / weights",
    Part.UPDATE,
    healthy="0.0001 to 0.3",
    meaning="How much of itself a block changes in one step at the full learning rate: far above "
    "a tenth it forgets, far below a thousandth it hardly moves.",
    bad_low=1e-5,
    ok_low=1e-4,
    ok_high=0.3,
    bad_high=1.0,
)
def update(exam: Examination) -> Iterator[Reading]:
    """One step's change of each block beside the block, at the full learning rate; the worst is shown."""
    before, after = exam.update
    sizes = block_norms(before)
    changes = block_norms({name: after[name] - w for name, w in before.items()})
    ratios = {block: changes[block] / sizes[block] if sizes[block] else 0.0 for block in sizes}
    largest = max(ratios, key=lambda block: ratios[block])
    smallest = min(ratios, key=lambda block: ratios[block])
    if not ratios[largest] <= update.ok_high:
        yield Reading(ratios[largest], exam.remedies.slower(), layer=largest)
    else:
        yield Reading(ratios[smallest], exam.remedies.faster(), layer=smallest)
