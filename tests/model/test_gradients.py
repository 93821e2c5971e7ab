"""Every gradient of the engine against scalar autograd and against finite differences, in float64."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.support import reference
from tests.support.cases import CASES, LONG_CASES, Case, as_lists, case, float32_weights, model_of
from tests.support.reference import Shape
from tests.support.vectorised import NumpyGPT

SCALES = [1.0, 5.0]  # microGPT's own weights, and larger ones: uneven attention, quiet units


def assert_gradients(
    found: dict[str, np.ndarray], expected: dict[str, list[list[float]]], case: Case
) -> None:
    """Within 2e-5 of the largest gradient of the matrix: float32 sums of up to some 100 terms.

    The second term is rounding that a matrix inherits: where its own gradient is a small remainder
    of large ones (the norm of one number, attention to one position), float32 of theirs is left."""
    largest_of_all = max(np.abs(g).max() for g in expected.values())
    assert list(found) == list(expected)
    for name, g in found.items():
        error = np.abs(g - np.array(expected[name])).max()
        allowed = 2e-5 * np.abs(expected[name]).max() + 3e-7 * largest_of_all
        assert g.dtype == np.float32
        assert error <= allowed, f"{name} of {case}: {error:.2e} > {allowed:.2e}"


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_gradient_agrees_with_scalar_autograd(case: Case, scale: float) -> None:
    weights = float32_weights(case.shape, scale=scale)
    loss, grads = model_of(case.shape, weights).loss_and_grads(case.documents)
    expected_loss, expected = reference.loss_and_grads(
        as_lists(weights), case.shape, case.documents
    )
    assert loss == pytest.approx(expected_loss, rel=2e-6)  # float32 logits of size a few
    assert_gradients(grads, expected, case)


@pytest.mark.parametrize("scale", [1.0, 2.0])  # not 5: a unit near 0 would fall on either side
@pytest.mark.parametrize(
    "case",
    [
        case(Shape(27, 64, 1, 4, 16), *range(17)),
        case(Shape(27, 64, 4, 4, 16), 5, 6, 7, 16, 30),
        case(Shape(100, 48, 2, 3, 64), 64, 1, 80, 33),
        case(Shape(27, 16, 1, 4, 16), *([6, 3, 9, 0] * 16)),
        *LONG_CASES,
    ],
    ids=str,
)
def test_every_gradient_of_larger_minibatches_agrees_with_the_vectorised_reference(
    case: Case, scale: float
) -> None:
    weights = float32_weights(case.shape, scale=scale)
    loss, grads = model_of(case.shape, weights).loss_and_grads(case.documents)
    expected_loss, expected = NumpyGPT(case.shape, weights).loss_and_grads(case.documents)
    assert loss == pytest.approx(expected_loss, rel=2e-6)  # float32 logits
    assert_gradients(grads, {name: g.tolist() for name, g in expected.items()}, case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_gradient_agrees_with_finite_differences(case: Case) -> None:
    """The float64 loss alone, no backward pass of ours: eight weights of every matrix, nudged."""
    weights = float32_weights(case.shape, scale=2.0)
    grads = model_of(case.shape, weights).loss_and_grads(case.documents)[1]
    nudged = NumpyGPT(case.shape, weights)
    rng = random.Random(0)
    largest_of_all = max(np.abs(g).max() for g in grads.values())
    for name, g in grads.items():
        for _ in range(8):
            i, j = rng.randrange(g.shape[0]), rng.randrange(g.shape[1])
            losses = []
            for step in (1e-6, -1e-6):
                nudged.w[name][i, j] += step
                losses.append(nudged.losses(case.documents).mean())
                nudged.w[name][i, j] -= step
            slope = (losses[0] - losses[1]) / 2e-6
            # the float32 of the engine as above; 1e-9 is the float64 rounding of the difference
            allowed = 2e-5 * np.abs(g).max() + 3e-7 * largest_of_all + 2e-9
            assert abs(slope - g[i, j]) <= allowed, (name, i, j)


def test_a_minibatch_is_the_mean_of_its_documents() -> None:
    case = CASES[8]
    model = model_of(case.shape, float32_weights(case.shape, scale=2.0))
    alone = [model.loss_and_grads([document]) for document in case.documents]
    loss, grads = model.loss_and_grads(case.documents)
    assert loss == pytest.approx(
        np.mean([a[0] for a in alone]), rel=1e-6
    )  # float32 sums in another order
    for name, g in grads.items():
        mean = np.mean([a[1][name] for a in alone], axis=0)
        np.testing.assert_allclose(g, mean, atol=2e-6 * np.abs(mean).max() + 1e-9)  # likewise


def test_gradients_flow_through_past_keys_and_values() -> None:
    """The last position alone is scored differently; earlier inputs must still feel it."""
    shape = Shape(9, 8, 1, 2, 8)
    model = model_of(shape, float32_weights(shape, scale=3.0))
    one = model.loss_and_grads([[0, 1, 2, 3]])[1]["wte"]
    other = model.loss_and_grads([[0, 1, 2, 4]])[1]["wte"]
    assert np.abs(one[0] - other[0]).max() > 1e-4  # token 0 stands three positions before the end


def test_a_weight_that_nothing_reaches_has_gradient_zero() -> None:
    shape = Shape(27, 16, 1, 4, 16)
    grads = model_of(shape, float32_weights(shape)).loss_and_grads([[3, 4]])[1]
    assert not grads["wte"][[i for i in range(26) if i not in (3, 4)]].any()
    assert not grads["wpe"][3:].any()
    assert grads["wte"][[3, 4, 26]].any(axis=1).all()
    assert grads["wpe"][:3].any(axis=1).all()


def test_asking_for_gradients_changes_no_weight() -> None:
    shape = Shape()
    weights = float32_weights(shape)
    model = model_of(shape, weights)
    model.loss_and_grads([[1, 2, 3]])
    for name, w in model.state_dict().items():
        np.testing.assert_array_equal(w, weights[name])
