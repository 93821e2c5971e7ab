"""How evenly the heads look back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bandits.health.examination import Examination, Part
from bandits.health.sign import Reading, sign

# Entries that are read of a layer, whole documents: some tenths of a second.
MAX_ATTENTION = 1 << 24


@sign(
    "attention spread",
    Part.ATTENTION,
    unit="%",
    healthy="5 to 100",
    meaning="How evenly heads look back, in bits of entropy against an even look: near 0 each stares at "
    "one letter; 100 is where all begin, weighing every letter alike.",
    bad_low=0.1,
    ok_low=5.0,
)
def attention_spread(exam: Examination) -> Iterator[Reading]:
    """Per layer, the entropy of the heads' attention as a share of an even look's, over the probe.

    The first position sees itself alone and counts in neither.
    """
    config = exam.agent.config
    each = config.n_head * config.block_size**2
    n_read = max(1, min(exam.n_documents, MAX_ATTENTION // each))
    for i in range(config.n_layer):
        found = even = 0.0
        for document in range(n_read):
            att = exam.model.attention(i, document).astype(np.float64)  # (H, T, T)
            found -= float(np.sum(att * np.log2(np.where(att > 0.0, att, 1.0))))
            even += len(att) * float(np.sum(np.log2(np.arange(1, att.shape[1] + 1))))
        # With a block of one position there is nothing to choose.
        spread = 100.0 * found / even if even else 100.0
        yield Reading(spread, exam.remedies.gentler(), layer=f"layer{i}")
