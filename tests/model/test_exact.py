"""Arithmetic that decides a score: close to the truth, and the same bits everywhere."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction

import numpy as np
import pytest

from bandits.model import exact


def grid() -> np.ndarray:
    """Every magnitude of a float64, several mantissas each, 1 and its neighbours among them."""
    powers = np.ldexp(1.0, np.arange(-1022, 1024, 7))
    mantissas = np.linspace(1.0, 2.0, 33)[:-1]
    near_one = [np.nextafter(1.0, 0.0), 1.0, np.nextafter(1.0, 2.0), 27.0, 1 / 27]
    return np.concatenate([np.outer(powers, mantissas).ravel(), near_one])


def test_log2_is_within_two_units_in_the_last_place() -> None:
    x = grid()
    expected = np.array([math.log2(value) for value in x])
    error = np.abs(exact.log2(x) - expected)
    # near 1 the logarithm itself is small: the unit is that of the larger of result and 2**-40
    assert np.all(error <= 2 * np.spacing(np.maximum(np.abs(expected), 2.0**-40)))


def test_log2_of_a_power_of_two_is_its_exponent() -> None:
    exponents = np.arange(-1022, 1024)
    np.testing.assert_array_equal(exact.log2(np.ldexp(1.0, exponents)), exponents)


def test_exp2_is_two_to_the_power() -> None:
    x = np.linspace(-60.0, 60.0, 2003)
    np.testing.assert_allclose(exact.exp2(x), [2.0**v for v in x.tolist()], rtol=5e-16)  # 2 ulp
    whole = np.arange(-1022, 1024)
    np.testing.assert_array_equal(exact.exp2(whole), np.ldexp(1.0, whole))


def test_a_stream_of_indices_goes_on_from_call_to_call() -> None:
    stream = np.random.PCG64(42)
    parts = [exact.uniform_indices(stream, 3022, n) for n in (1, 4000, 999)]
    np.testing.assert_array_equal(np.concatenate(parts), exact.uniform_indices(42, 3022, 5000))


def test_cos_pi_is_cosine() -> None:
    x = np.linspace(0.0, 1.0, 1001)
    # pi x is rounded before math.cos sees it, by up to 4e-16
    np.testing.assert_allclose(exact.cos_pi(x), [math.cos(math.pi * v) for v in x], atol=1e-15)
    np.testing.assert_allclose(exact.cos_pi([0.0, 1.0]), [1.0, -1.0], atol=1e-16)  # 1 ulp


def test_results_have_the_same_bits_on_every_machine() -> None:
    """Golden: sha256 of the float64 results, little endian."""

    def digest(a: np.ndarray) -> str:
        return hashlib.sha256(a.astype(a.dtype.newbyteorder("<")).tobytes()).hexdigest()

    assert {
        "log2": digest(exact.log2(grid()))[:16],
        "cos_pi": digest(exact.cos_pi(np.linspace(0.0, 1.0, 1001)))[:16],
        "uniform_indices": digest(exact.uniform_indices(42, 3022, 5000))[:16],
    } == {
        "log2": "1a831f7a17390639",
        "cos_pi": "fd2866c0d03fac34",
        "uniform_indices": "3a0e209913fc13b6",
    }


def test_fixed_point_sums_do_not_depend_on_their_order() -> None:
    bits = np.random.default_rng(0).exponential(20.0, 10_000)
    fixed = exact.to_fixed(bits)
    assert fixed.dtype == np.int64
    assert int(fixed.sum()) == int(fixed[::-1].sum()) == sum(fixed.tolist())
    # each is rounded by 2**-33 at most: 1.2e-6 if all were rounded alike
    assert Fraction(int(fixed.sum()), exact.FIXED) == pytest.approx(math.fsum(bits), abs=1e-5)


@pytest.mark.parametrize("n", [1, 2, 27, 3022, 2**31 - 1])
def test_uniform_indices_are_in_range_and_repeatable(n: int) -> None:
    indices = exact.uniform_indices(7, n, 2000)
    assert indices.dtype == np.int64
    assert indices.shape == (2000,)
    assert indices.min() >= 0
    assert indices.max() < n
    np.testing.assert_array_equal(indices, exact.uniform_indices(7, n, 2000))
    if n > 1:
        assert np.any(indices != exact.uniform_indices(8, n, 2000))


def test_uniform_indices_are_uniform() -> None:
    counts = np.bincount(exact.uniform_indices(1, 10, 100_000), minlength=10)
    assert np.all(np.abs(counts - 10_000) < 5 * math.sqrt(100_000 * 0.1 * 0.9))  # 5 sigma
