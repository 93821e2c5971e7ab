"""microGPT's seeding: one `random.Random(seed)` shuffles the documents, then draws every weight.

Both are made by csrc/seeding.pxi, of the words of numpy's MT19937: the same generator, seeded alike.  The
weights are those of `rng.gauss(0, 0.08)` called row by row: the Box-Muller transform of CPython's
`random.gauss` in arithmetic that does not depend on the machine's libm, within 2e-15 of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from bandits.model import builds as engine
from bandits.model.config import GPTConfig

STANDARD_DEVIATION = 0.08

Twister = np.random.MT19937


def weight_shapes(config: GPTConfig) -> dict[str, tuple[int, int]]:
    """Return the (out, in) of every weight, in the order in which they are drawn."""
    d, hidden = config.n_embd, 4 * config.n_embd
    shapes = {
        "wte": (config.vocab_size, d),
        "wpe": (config.block_size, d),
        "lm_head": (config.vocab_size, d),
    }
    for i in range(config.n_layer):
        for name in ("attn_wq", "attn_wk", "attn_wv", "attn_wo"):
            shapes[f"layer{i}.{name}"] = (d, d)
        shapes[f"layer{i}.mlp_fc1"] = (hidden, d)
        shapes[f"layer{i}.mlp_fc2"] = (d, hidden)
    return shapes


def initial_weights(
    config: GPTConfig, twister: Twister
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield the weights that `twister` draws next, float32 [out, in], one matrix at a time."""
    gaussians = engine.build().Gaussians(twister)
    for name, shape in weight_shapes(config).items():
        weights = np.empty(shape, np.float32)
        gaussians.fill(weights.reshape(-1), STANDARD_DEVIATION)
        yield name, weights


def twister_of(seed: int | random.Random) -> Twister:
    """Return the generator of `random.Random(seed)`, or one that goes on as `seed` would, which stays."""
    twister = np.random.MT19937(0)
    if isinstance(seed, random.Random):
        _, words, _ = seed.getstate()
        key = np.array(words[:-1], dtype=np.uint32)
        twister.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": words[-1]}}
    else:  # CPython's init_by_array of the seed in 32-bit words, which numpy has for its older generators
        n_words = max(1, -(-seed.bit_length() // 32))
        np.random.RandomState(twister).seed([seed >> 32 * k & 0xFFFFFFFF for k in range(n_words)])
    return twister


# Agents of one seed hold one array, and it goes with the last of them.
_orders: WeakValueDictionary[tuple[int, int], npt.NDArray[np.int64]] = WeakValueDictionary()


def training_order(n_documents: int, seed: int) -> tuple[npt.NDArray[np.int64], Twister]:
    """Return the order in which this seed sees the documents, and its generator after the shuffle."""
    twister = twister_of(seed)
    order = np.arange(n_documents, dtype=np.int64)
    engine.build().shuffle(twister, order)
    order.flags.writeable = False
    return _orders.setdefault((n_documents, seed), order), twister
