"""The shuffle and the draws of `random.Random`, to the word, from numpy's generator."""

from __future__ import annotations

import gc
import random
import tracemalloc
import weakref
from threading import Thread

import numpy as np
import pytest

from bandits.model import builds
from bandits.model.config import GPTConfig
from bandits.model.exact import cos_pi, log2
from bandits.model.gpt import GPT
from bandits.model.seeding import initial_weights, training_order, twister_of

SEEDS = [0, 1, 42, 2**32 - 1, 2**32, 2**63 - 1]  # one word, the last of one word, two words


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 7, 8, 9, 255, 256, 257, 25_421])
def test_the_order_is_that_of_random_shuffle(n: int, seed: int) -> None:
    rng, expected = random.Random(seed), list(range(n))
    rng.shuffle(expected)
    order, twister = training_order(n, seed)
    assert order.tolist() == expected
    assert not order.flags.writeable
    assert twister.random_raw(5).tolist() == [rng.getrandbits(32) for _ in range(5)]


def test_those_of_one_seed_hold_one_order_and_nobody_else_does() -> None:
    first, _ = training_order(1000, 5)
    second, _ = training_order(1000, 5)
    assert first is second
    held = weakref.ref(first)
    del first, second
    gc.collect()
    assert held() is None


def test_a_random_random_is_read_and_does_not_move() -> None:
    rng = random.Random(7)
    rng.random()
    before = rng.getstate()
    twister = twister_of(rng)
    assert rng.getstate() == before
    assert twister.random_raw(700).tolist() == [rng.getrandbits(32) for _ in range(700)]


@pytest.mark.parametrize("sizes", [(1,), (2,), (7, 1, 8), (511, 512, 513, 1024, 3)])
def test_gaussians_are_box_mullers_in_exact_arithmetic(sizes: tuple[int, ...]) -> None:
    """However many are asked for at a time, each is that of numpy's float64 in the same order, to the bit."""
    gaussians = builds.build().Gaussians(twister_of(11))
    found = [np.empty(n, np.float32) for n in sizes]
    for part in found:
        gaussians.fill(part, 0.08)
    rng = random.Random(11)
    n_pairs = -(-sum(sizes) // 2)
    u, v = np.array([rng.random() for _ in range(2 * n_pairs)]).reshape(-1, 2).T
    radius = np.sqrt(-2.0 * (0.6931471805599453 * log2(1.0 - v)))
    turns = [2.0 * u, np.abs(2.0 * u - 0.5)]
    both = [cos_pi(np.where(x > 1.0, 2.0 - x, x)) * radius for x in turns]
    expected = (0.08 * np.stack(both, axis=1).ravel()).astype(np.float32)[: sum(sizes)]
    assert np.concatenate(found).tobytes() == expected.tobytes()


def test_threads_that_draw_at_once_do_not_meet() -> None:
    def draw(seed: int) -> None:
        order, twister = training_order(5000, seed)
        found[seed] = order.tolist(), [w.tobytes() for _, w in initial_weights(config, twister)]

    config, found = GPTConfig(), {}
    threads = [Thread(target=draw, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = dict(found)
    for seed in range(16):
        draw(seed)
    assert together == found


def test_a_model_is_drawn_in_less_than_a_float_a_parameter_beside_it() -> None:
    """The model itself takes five a parameter (csrc/layout.pxd), so that making it takes at most six."""
    config = GPTConfig(n_embd=192, n_layer=2)
    GPT(config)
    tracemalloc.start()
    try:
        GPT(config)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / 4 < 0.5 * config.n_params
