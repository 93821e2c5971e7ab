"""Functions of bandits/model/exact.py in float64, with the same bits: the same operations in the same order.

They are written without branches, so that the compiler makes vectors of loops over them.  No libm: `sqrt`
alone, which is an instruction everywhere.
"""

from libc.stdint cimport int64_t, uint64_t

cdef union Bits:
    double x
    uint64_t u


cdef inline double log2_exact(double x) noexcept nogil:
    """log2(x) for normal x > 0: x = m 2^e, m in [sqrt(1/2), sqrt(2)), log2(m) = 2 atanh(s) / ln 2."""
    cdef Bits bits, exponent
    cdef double m, e, s, s2, series = 1.0 / 23.0
    cdef int k
    bits.x = x
    # the exponent as the low bits of 2**52 + exponent: a float64 without a conversion from int64
    exponent.u = bits.u >> 52 | <uint64_t>0x4330000000000000
    e = exponent.x - (4503599627370496.0 + 1022.0)
    bits.u = bits.u & <uint64_t>0x000fffffffffffff | <uint64_t>0x3fe0000000000000
    m = bits.x
    e = e - 1.0 if m < 0.7071067811865476 else e
    m = 2.0 * m if m < 0.7071067811865476 else m
    s = (m - 1.0) / (m + 1.0)
    s2 = s * s
    for k in range(21, 0, -2):
        series = series * s2 + 1.0 / k
    return e + 2.0 * 1.4426950408889634 * (s * series)


cdef inline double cos_pi(double x) noexcept nogil:
    """cos(pi x) for x in [0, 1], as -sin(pi (x - 1/2)) by its Taylor series."""
    cdef double y = 3.141592653589793 * (x - 0.5), y2, series = 1.0
    cdef int k
    y2 = y * y
    for k in range(22, 0, -2):
        series = 1.0 - series * y2 / (k * (k + 1))
    return -y * series


cdef inline int64_t to_fixed(double bits) noexcept nogil:
    """Information below 2**18 bits in whole 2**-32 bits, halves to even: the low bits of 1.5 * 2**52 + it."""
    cdef Bits rounded
    rounded.x = bits * 4294967296.0 + 6755399441055744.0
    return <int64_t>rounded.u - <int64_t>0x4338000000000000
