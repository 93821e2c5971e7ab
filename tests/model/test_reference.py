"""The references agree with one another, with finite differences and with the rules' example."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.support import counting, reference
from tests.support.reference import Shape
from tests.support.vectorised import NumpyGPT

SHAPES = [
    (Shape(5, 1, 1, 1, 4), [[0, 1, 2, 3, 0, 1]]),
    (Shape(6, 4, 2, 2, 8), [[1, 2, 2, 0]]),
    (Shape(9, 6, 3, 3, 5), [[1, 2, 2, 3, 4, 5, 6], [1], []]),
    (Shape(27, 7, 1, 1, 16), [[4, 12, 12, 0], [14, 11, 8, 21, 8, 0]]),
]


def weights_of(shape: Shape, seed: int = 3) -> dict[str, list[list[float]]]:
    return reference.initial_weights(shape, random.Random(seed))


@pytest.mark.parametrize(("shape", "documents"), SHAPES)
def test_autograd_agrees_with_finite_differences(shape: Shape, documents: list[list[int]]) -> None:
    weights = weights_of(shape)
    grads = reference.loss_and_grads(weights, shape, documents)[1]
    model = NumpyGPT(shape, weights)  # only its forward pass is used: dL/dw from two losses
    rng = random.Random(0)
    for name, rows in grads.items():
        for _ in range(4):
            i, j = rng.randrange(len(rows)), rng.randrange(len(rows[0]))
            losses = []
            for nudge in (1e-6, -1e-6):
                model.w[name][i, j] = weights[name][i][j] + nudge
                losses.append(model.losses(documents).mean())
            model.w[name][i, j] = weights[name][i][j]
            slope = (losses[0] - losses[1]) / 2e-6
            # float64, and a loss of about 2: rounding is 2e-16 * 2 / 2e-6
            assert slope == pytest.approx(rows[i][j], abs=2e-9, rel=1e-6), (name, i, j)


@pytest.mark.parametrize(("shape", "documents"), SHAPES)
def test_the_vectorised_reference_is_the_scalar_one(
    shape: Shape, documents: list[list[int]]
) -> None:
    weights = weights_of(shape)
    loss, grads = reference.loss_and_grads(weights, shape, documents)
    numpy_loss, numpy_grads = NumpyGPT(shape, weights).loss_and_grads(documents)
    assert numpy_loss == pytest.approx(loss, abs=1e-14)  # float64 sums in another order
    for name, g in numpy_grads.items():
        np.testing.assert_allclose(g, grads[name], rtol=1e-10, atol=1e-15, err_msg=name)


@pytest.mark.parametrize(("shape", "documents"), SHAPES)
def test_the_counted_backward_pass_computes_the_gradients(
    shape: Shape, documents: list[list[int]]
) -> None:
    weights = weights_of(shape)
    loss, grads = reference.loss_and_grads(weights, shape, documents)
    _, _, counted_loss, counted = counting.count_step(weights, shape, documents)
    assert counted_loss == pytest.approx(loss, abs=1e-14)  # float64 sums in another order
    for name in grads:
        np.testing.assert_allclose(counted[name], grads[name], rtol=1e-10, atol=1e-15)


def test_both_references_train_alike() -> None:
    shape = Shape(6, 4, 1, 2, 8)
    weights = weights_of(shape)
    vectorised, adam = NumpyGPT(shape, weights), reference.Adam(horizon=10)
    for k in range(10):
        documents = [[k % 5, 2, 1], [3] * (k % 4)]
        loss, grads = reference.loss_and_grads(weights, shape, documents)
        assert vectorised.train_step(documents, horizon=10) == pytest.approx(loss, abs=1e-12)
        adam.update(weights, grads)
    for name, w in weights.items():
        np.testing.assert_allclose(vectorised.w[name], w, atol=1e-12)


def test_the_example_of_the_rules_is_counted() -> None:
    """n_embd 16, one layer, 4 heads, 27 tokens, 4 positions with 4 distinct inputs."""
    n_forward, n_backward, _, _ = counting.count_step(weights_of(Shape()), Shape(), [[1, 2, 3]])
    assert (n_forward, n_backward) == (29_308, 54_480)


def test_a_sum_of_n_products_counts_2n_minus_1() -> None:
    kind = counting.tally()
    reference.dot([kind(1.0)] * 5, [kind(2.0)] * 5)
    assert kind.n_operations == 9


def test_comparing_selecting_and_negating_are_free() -> None:
    kind = counting.tally()
    assert (-kind(2.0)).relu() == 0.0
    assert max(kind(1.0), kind(2.0)) == 2.0
    assert kind.n_operations == 0
