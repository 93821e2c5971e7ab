"""Signs inside the network: its loss, gradients, units, attention and updates on the next documents.

Where the ranges come from is told in bandits/health/diagnosis.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from bandits.agent.agent import Agent
from bandits.health.findings import Finding, Sign
from bandits.health.remedies import Remedies

MAX_ATTENTION = (
    1 << 24
)  # entries that are read of a layer, whole documents: some tenths of a second

Arrays = Mapping[str, npt.NDArray[np.float32]]

SPOILED = Sign(
    name="weights not finite",
    healthy="0",
    meaning="Too large a step can make numbers that no float holds; whatever meets them is lost.",
    ok_high=0.0,
    bad_high=0.0,
)
LOSS = Sign(
    name="loss",
    unit="of a blind guess",
    healthy="at most 1.25",
    meaning="A blind guess among all letters scores 1; to be far above it takes wrong confidence.",
    ok_high=1.25,
    bad_high=2.0,
)
GRADIENT = Sign(
    name="gradient norm",
    healthy="0.0001 to 10",
    meaning="How strongly the loss pulls at all weights together: huge pulls tear apart what was "
    "learned, tiny ones teach nothing.",
    bad_low=1e-6,
    ok_low=1e-4,
    ok_high=10.0,
    bad_high=100.0,
)
WEAKEST = Sign(
    name="weakest gradient",
    unit="of the strongest",
    healthy="at least 0.001",
    meaning="A block that the gradient hardly reaches learns nothing, however long you train.",
    bad_low=1e-5,
    ok_low=1e-3,
)
UPDATE = Sign(
    name="update / weights",
    healthy="0.0001 to 0.3",
    meaning="How much of itself a block changes in one step at the full learning rate: far above "
    "a tenth it forgets, far below a thousandth it hardly moves.",
    bad_low=1e-5,
    ok_low=1e-4,
    ok_high=0.3,
    bad_high=1.0,
)
DEAD = Sign(
    name="dead ReLU units",
    unit="%",
    healthy="at most 80",
    meaning="A unit that is 0 for every letter passes no gradient: it is paid for, and cannot learn.",
    ok_high=80.0,
    bad_high=97.0,
)
ATTENTION = Sign(
    name="attention spread",
    unit="%",
    healthy="5 to 100",
    meaning="How evenly heads look back, in bits of entropy against an even look: near 0 each stares at "
    "one letter; 100 is where all begin, weighing every letter alike.",
    bad_low=0.1,
    ok_low=5.0,
)


def spoiled_weights(agent: Agent, remedies: Remedies) -> Finding:
    """Count the weights that are NaN or infinite."""
    n_spoiled = sum(int(np.sum(~np.isfinite(w))) for w in agent.model.state_dict().values())
    verdict = SPOILED.verdict(n_spoiled)
    return SPOILED.finding(float(n_spoiled), verdict, remedies.start_again())


def loss(agent: Agent, nats: float, remedies: Remedies) -> Finding:
    """Against a uniform guess: an untrained agent stands near 1, an exploded one far above."""
    relative = nats / math.log(agent.config.vocab_size)
    remedy = remedies.slower("too large a step, from which it may recover")
    return LOSS.finding(relative, LOSS.verdict(relative), remedy)


def gradients(grads: Arrays, remedies: Remedies) -> Iterator[Finding]:
    """Exploding: the norm of all gradients.  Vanishing: the weakest block beside the strongest."""
    norms = block_norms(grads)
    whole = math.sqrt(sum(norm * norm for norm in norms.values()))
    remedy = remedies.shallower() if whole < GRADIENT.ok_low else remedies.clip()
    yield GRADIENT.finding(whole, GRADIENT.verdict(whole), remedy)
    block = min(norms, key=lambda name: norms[name])
    strongest = max(norms.values())
    share = norms[block] / strongest if strongest > 0.0 else 0.0
    yield WEAKEST.finding(share, WEAKEST.verdict(share), remedies.shallower(), layer=block)


def dead_units(probe: Agent, remedies: Remedies) -> Iterator[Finding]:
    """Per layer, the share of MLP units that were 0 at every position of the probe."""
    for i in range(probe.config.n_layer):
        active, _ = probe.model.relu_active(i)
        dead = 100.0 * float(np.mean(active == 0))
        yield DEAD.finding(dead, DEAD.verdict(dead), remedies.gentler(), layer=f"layer{i}")


def attention(probe: Agent, n_documents: int, remedies: Remedies) -> Iterator[Finding]:
    """Per layer, the entropy of the heads' attention as a share of an even look's, over the probe.

    The first position sees itself alone and counts in neither.
    """
    each = probe.config.n_head * probe.config.block_size**2
    n_read = max(1, min(n_documents, MAX_ATTENTION // each))
    for i in range(probe.config.n_layer):
        found = even = 0.0
        for document in range(n_read):
            att = probe.model.attention(i, document).astype(np.float64)  # (H, T, T)
            found -= float(np.sum(att * np.log2(np.where(att > 0.0, att, 1.0))))
            even += len(att) * float(np.sum(np.log2(np.arange(1, att.shape[1] + 1))))
        spread = (
            100.0 * found / even if even else 100.0
        )  # a block of one position: nothing to choose
        yield ATTENTION.finding(
            spread, ATTENTION.verdict(spread), remedies.gentler(), layer=f"layer{i}"
        )


def update(before: Arrays, after: Arrays, remedies: Remedies) -> Finding:
    """One step's change of each block beside the block, at the full learning rate; the worst is shown."""
    sizes = block_norms(before)
    changes = block_norms({name: after[name] - w for name, w in before.items()})
    ratios = {block: changes[block] / sizes[block] if sizes[block] else 0.0 for block in sizes}
    largest = max(ratios, key=lambda block: ratios[block])
    smallest = min(ratios, key=lambda block: ratios[block])
    too_large = not ratios[largest] <= UPDATE.ok_high
    block = largest if too_large else smallest
    remedy = remedies.slower() if too_large else remedies.faster()
    return UPDATE.finding(ratios[block], UPDATE.verdict(ratios[block]), remedy, layer=block)


def block_norms(arrays: Arrays) -> dict[str, float]:
    """Return the Euclidean norm of wte, wpe, lm_head and of each layer as a whole."""
    squares: dict[str, float] = {}
    for name, array in arrays.items():
        block = name.partition(".")[0]
        a64 = array.astype(np.float64)
        squares[block] = squares.get(block, 0.0) + float(np.sum(a64 * a64))
    return {block: math.sqrt(total) for block, total in squares.items()}
