"""microGPT's seeding: one `random.Random(seed)` shuffles the documents, then draws every weight.

The weights are those of `rng.gauss(0, 0.08)` called row by row, computed many at a time: the same
uniforms from the Mersenne Twister, and the Box-Muller transform of CPython's `random.gauss` in
arithmetic that does not depend on the machine's libm (bandits/model/exact.py), within 2e-15 of it.
"""

from __future__ import annotations

import random
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from bandits.model.config import GPTConfig
from bandits.model.exact import Float, cos_pi, log2

STANDARD_DEVIATION = 0.08
_LN2 = 0.6931471805599453


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


def initial_weights(config: GPTConfig, rng: random.Random) -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights that `rng` draws next, float32 [out, in]; `rng` itself does not move."""
    drawn = (STANDARD_DEVIATION * gaussians(rng, config.n_params)).astype(np.float32)
    weights, first = {}, 0
    for name, (n_out, n_in) in weight_shapes(config).items():
        weights[name] = drawn[first : first + n_out * n_in].reshape(n_out, n_in)
        first += n_out * n_in
    return weights


def gaussians(rng: random.Random, n: int) -> Float:
    """Return the next n values of `rng.gauss(0, 1)`, float64 (n,), without moving `rng`.

    gauss makes two values of two uniforms: cos(2 pi u) r and sin(2 pi u) r, r = sqrt(-2 ln(1 - v)).
    """
    uniforms = _uniforms(rng, n + n % 2)
    angle = 2.0 * uniforms[0::2]
    radius = np.sqrt(-2.0 * (_LN2 * log2(1.0 - uniforms[1::2])))
    pairs = np.empty((len(angle), 2))
    pairs[:, 0] = _cos_turns(angle) * radius
    pairs[:, 1] = _cos_turns(np.abs(angle - 0.5)) * radius
    return pairs.reshape(-1)[:n]


def _cos_turns(x: Float) -> Float:
    """Return cos(pi x) for x in [0, 2)."""
    return cos_pi(np.where(x > 1.0, 2.0 - x, x))


def _uniforms(rng: random.Random, n: int) -> Float:
    """Return the next n values of `rng.random()`: 53 bits from two words of its generator each."""
    _, words, _ = rng.getstate()
    twister = np.random.MT19937()
    twister.state = {
        "bit_generator": "MT19937",
        "state": {"key": np.array(words[:-1], dtype=np.uint32), "pos": words[-1]},
    }
    raw = twister.random_raw(2 * n)
    return ((raw[0::2] >> 5) * 67108864.0 + (raw[1::2] >> 6)) / 9007199254740992.0


@lru_cache(maxsize=16)
def training_order(n_documents: int, seed: int) -> tuple[npt.NDArray[np.int64], random.Random]:
    """Return the order in which this seed sees the documents, int64, and its rng after the shuffle."""
    rng = random.Random(seed)
    order = list(range(n_documents))
    rng.shuffle(order)
    array = np.array(order, dtype=np.int64)
    array.flags.writeable = False
    return array, rng
