"""Arithmetic that gives the same bits on every machine.

numpy's log2, exp and cos differ in the last bit between machines and versions, and so do its sums.
What decides a score is computed here instead: functions built from IEEE + - * / alone, sums of
fixed-point integers, and random indices taken from raw PCG64 words.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

FIXED = 2**32  # one bit of information in fixed point; 2**31 such bits fit into int64
_SQRT_HALF = 0.7071067811865476
_INV_LN2 = 1.4426950408889634
_PI = 3.141592653589793


def log2(x: npt.ArrayLike) -> Float:
    """Return log2(x) elementwise for finite x > 0, within 2 ulp.

    x = m 2^e with m in [sqrt(1/2), sqrt(2)); log2(m) = 2 atanh(s) / ln 2 with s = (m - 1)/(m + 1).
    """
    m, e = np.frexp(np.asarray(x, dtype=np.float64))
    small = m < _SQRT_HALF
    m = np.where(small, 2.0 * m, m)
    e = e - small
    s = (m - 1.0) / (m + 1.0)
    s2 = s * s
    series = np.full_like(s, 1.0 / 23.0)  # s2 <= 0.0295: the next term is below 2**-60
    for k in range(21, 0, -2):
        series = series * s2 + 1.0 / k
    return np.asarray(e + 2.0 * _INV_LN2 * (s * series), dtype=np.float64)


def exp2(x: npt.ArrayLike) -> Float:
    """Return 2**x elementwise for finite x: 2**n e**y with n whole and |y| <= ln(2)/2."""
    x = np.asarray(x, dtype=np.float64)
    n = np.rint(x)
    y = (x - n) / _INV_LN2
    series = np.ones_like(y)
    for k in range(16, 0, -1):  # y <= 0.347: the next term is below 2**-60
        series = 1.0 + series * y / k
    return np.asarray(np.ldexp(series, n.astype(np.int32)), dtype=np.float64)


def cos_pi(x: npt.ArrayLike) -> Float:
    """Return cos(pi x) elementwise for x in [0, 1], as -sin(pi (x - 1/2)) by its Taylor series."""
    y = _PI * (np.asarray(x, dtype=np.float64) - 0.5)
    y2 = y * y
    series = np.ones_like(y)
    for k in range(22, 0, -2):  # y <= pi/2: the next term is below 2**-60
        series = 1.0 - series * y2 / (k * (k + 1))
    return np.asarray(-y * series, dtype=np.float64)


def to_fixed(bits: npt.ArrayLike) -> Int:
    """Return finite amounts of information, in bits, as integers of 2**-32 bit.

    Sums of them are exact and so do not depend on their order.
    """
    return np.rint(np.asarray(bits, dtype=np.float64) * FIXED).astype(np.int64)


def uniform_indices(seed: int | np.random.PCG64, n: int, size: int) -> Int:
    """Return `size` indices in 0..n-1 (n < 2**31) from the raw words of PCG64(seed).

    A PCG64 in place of the seed is a stream that goes on from call to call.  numpy keeps the raw
    stream of a bit generator fixed, but not what its `Generator` makes of it.
    """
    stream = np.random.PCG64(seed) if isinstance(seed, int) else seed
    words = stream.random_raw(size) >> np.uint64(32)
    return ((words * np.uint64(n)) >> np.uint64(32)).astype(np.int64)
