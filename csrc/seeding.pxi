"""microGPT's seeding from `random.Random`'s generator, which is numpy's MT19937: the shuffle and the weights.

Source: CPython's Lib/random.py, `shuffle`, `_randbelow_with_getrandbits` and `gauss`.
"""

from bitgen cimport bitgen_of, bitgen_t
from exact cimport cos_pi, log2_exact
from libc.math cimport fabs, sqrt
from libc.stdint cimport int64_t, uint32_t

cdef enum:
    PAIRS = 256     # of Gaussians that are made at a time


def shuffle(twister, int64_t[::1] order) -> None:
    """Put `order`, below 2**31 of them, into the order of `random.shuffle`.  The GIL is released."""
    cdef const bitgen_t* words = bitgen_of(twister)
    if order.shape[0] > 1:
        with nogil:
            shuffle_order(&order[0], order.shape[0], words)


cdef void shuffle_order(int64_t* x, Py_ssize_t n, const bitgen_t* words) noexcept nogil:
    """For i from n - 1 down to 1, x[i] and x[j] change places, j the next word's top bits that are at most i.

    As many bits are taken as i + 1 has, so up to half of the words are too large.  A branch on that could
    not be foreseen; instead, with such a word x[i] changes places with itself, and i stays.
    """
    cdef Py_ssize_t i = n - 1, j, last
    cdef uint32_t word
    cdef int64_t held
    cdef int n_bits = 0
    while (i + 1) >> n_bits:
        n_bits += 1
    while i > 0:
        last = max(1, (<Py_ssize_t>1 << (n_bits - 1)) - 1)     # the last i whose i + 1 has so many bits
        while i >= last:
            word = words.next_uint32(words.state) >> (32 - n_bits)
            j = word if word <= i else i
            held = x[i]
            x[i] = x[j]
            x[j] = held
            i -= word <= i
        n_bits -= 1


cdef class Gaussians:
    """The values of `gauss(0, sigma)`, one call after the other, from a twister of its own."""

    cdef object twister
    cdef bitgen_t* words
    cdef double spare           # gauss makes two at a time
    cdef bint has_spare

    def __cinit__(self, twister):
        self.twister = twister
        self.words = bitgen_of(twister)
        self.has_spare = False

    def fill(self, float[::1] to, double sigma) -> None:
        """Write the next values, rounded to float32.  The GIL is released."""
        cdef double even[PAIRS]
        cdef double odd[PAIRS]
        cdef Py_ssize_t i = 0, n = to.shape[0], pairs, k
        with nogil:
            if self.has_spare and n > 0:
                to[0] = <float>(sigma * self.spare)
                self.has_spare = False
                i = 1
            while i < n:
                pairs = min((n - i + 1) // 2, <Py_ssize_t>PAIRS)
                gauss_pairs(even, odd, pairs, self.words)
                for k in range(min(pairs, (n - i) // 2)):
                    to[i + 2 * k] = <float>(sigma * even[k])
                    to[i + 2 * k + 1] = <float>(sigma * odd[k])
                i += 2 * pairs
            if i > n:
                to[n - 1] = <float>(sigma * even[pairs - 1])
                self.spare, self.has_spare = odd[pairs - 1], True


cdef void gauss_pairs(double* even, double* odd, Py_ssize_t n, const bitgen_t* words) noexcept nogil:
    """Standard Gaussians of two uniforms: cos(2 pi u) r and sin(2 pi u) r, r = sqrt(-2 ln(1 - v))."""
    cdef Py_ssize_t k
    cdef double angle, radius
    for k in range(n):
        even[k] = words.next_double(words.state)
        odd[k] = words.next_double(words.state)
    for k in range(n):
        angle = 2.0 * even[k]
        radius = sqrt(-2.0 * (0.6931471805599453 * log2_exact(1.0 - odd[k])))
        even[k] = cos_turns(angle) * radius
        odd[k] = cos_turns(fabs(angle - 0.5)) * radius


cdef inline double cos_turns(double x) noexcept nogil:
    """cos(pi x) for x in [0, 2)."""
    return cos_pi(2.0 - x if x > 1.0 else x)
