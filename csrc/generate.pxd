"""Sampling with a cache of keys and values, several documents side by side.

A document's tokens depend on the weights, the temperature, the seed and the document's index alone:
its uniforms come from a counter-based generator, so neither the batch nor the order matters.
"""

from attention cimport attend
from flops cimport token_flops
from gemm cimport ADD, RELU, STORE
from gpt cimport linear
from lanes cimport is_finite
from layout cimport Layer, Model, aligned, take
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
from loss cimport softmax_row
from norm cimport rmsnorm_forward

cdef enum:
    SLOTS = 32      # documents side by side

ctypedef struct Cache:
    float* keys     # (L, SLOTS, block_size, 2 Cp): k and v side by side
    float* x        # (SLOTS, Cp)
    float* a        # (SLOTS, Cp)
    float* qkv      # (SLOTS, 3 Cp)
    float* o        # (SLOTS, Cp)
    float* h        # (SLOTS, Fp)
    float* logits   # (SLOTS, Vp)
    float* att      # (block_size,)
    float* rstd     # (SLOTS,)
    void* block


cdef inline uint64_t mix(uint64_t z) noexcept nogil:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    z = (z ^ (z >> 30)) * <uint64_t>0xbf58476d1ce4e5b9
    z = (z ^ (z >> 27)) * <uint64_t>0x94d049bb133111eb
    return z ^ (z >> 31)


cdef inline float uniform(uint64_t seed, uint64_t index, uint64_t t) noexcept nogil:
    """The uniform number in [0, 1), 24 bits, that draws token t of document `index`."""
    cdef uint64_t golden = <uint64_t>0x9e3779b97f4a7c15
    cdef uint64_t z = mix(mix(mix(seed + golden) + index + golden) + t + golden)
    return <float>(z >> 40) * <float>(1.0 / 16777216.0)


cdef inline void place_cache(Cache* c, const Model* m, Py_ssize_t slots, char** at) noexcept nogil:
    c.keys = take(at, m.L * slots * m.block_size * 2 * m.Cp)
    c.x = take(at, slots * m.Cp)
    c.a = take(at, slots * m.Cp)
    c.qkv = take(at, slots * 3 * m.Cp)
    c.o = take(at, slots * m.Cp)
    c.h = take(at, slots * m.Fp)
    c.logits = take(at, slots * m.Vp)
    c.att = take(at, m.block_size)
    c.rstd = take(at, slots)


cdef inline int allocate_cache(Cache* c, const Model* m, Py_ssize_t slots) noexcept nogil:
    """Returns 0 if there is no memory for it."""
    cdef char* at = NULL
    place_cache(c, m, slots, &at)
    c.block = calloc(1, <size_t>at + 64)
    if c.block == NULL:
        return 0
    at = aligned(c.block)
    place_cache(c, m, slots, &at)
    return 1


cdef inline void next_logits(
    const Model* m, Cache* c, Py_ssize_t n, Py_ssize_t slots,
    const int32_t* token, const int32_t* position, const int32_t* slot,
) noexcept nogil:
    """Logits of the next token of n documents; row i has its keys and values in slot[i]."""
    cdef Py_ssize_t Cp = m.Cp, i, j, l, head
    cdef const float* e
    cdef const float* p
    cdef float* keys
    cdef Layer* w
    for i in range(n):
        e, p = m.embedding.w + token[i] * Cp, m.embedding.w + (m.V + position[i]) * Cp
        for j in range(Cp):
            c.a[i * Cp + j] = e[j] + p[j]
    rmsnorm_forward(c.x, c.rstd, c.a, n, m.C, Cp)
    for l in range(m.L):
        w = &m.layer[l]
        rmsnorm_forward(c.a, c.rstd, c.x, n, m.C, Cp)
        linear(c.qkv, c.a, &w.qkv, n, STORE)
        for i in range(n):
            keys = c.keys + (l * slots + slot[i]) * m.block_size * 2 * Cp
            memcpy(keys + position[i] * 2 * Cp, c.qkv + i * 3 * Cp + Cp, 2 * Cp * sizeof(float))
            for head in range(m.H):
                attend(c.att, c.o + i * Cp + head * m.D, c.qkv + i * 3 * Cp + head * m.D,
                       keys + head * m.D, keys + Cp + head * m.D, 2 * Cp, position[i] + 1, m.D)
        linear(c.x, c.o, &w.wo, n, ADD)
        rmsnorm_forward(c.a, c.rstd, c.x, n, m.C, Cp)
        linear(c.h, c.a, &w.fc1, n, RELU)
        linear(c.x, c.h, &w.fc2, n, ADD)
    linear(c.logits, c.x, &m.lm_head, n, STORE)


cdef inline int32_t draw(
    float* z, const Model* m, float scale, float u, bint* finite,
) noexcept nogil:
    """The token whose share of the cumulated softmax holds u.  z (Vp,) is overwritten."""
    cdef float top, total = softmax_row(z, m.V, m.Vp, scale, &top), reached = 0
    cdef Py_ssize_t j
    if not is_finite(total):
        finite[0] = False
    for j in range(m.V - 1):
        reached += z[j]
        if u * total < reached:
            return <int32_t>j
    return <int32_t>(m.V - 1)


cdef inline int generate_documents(
    const Model* m, Py_ssize_t n, float temperature, uint64_t seed, int64_t first,
    int32_t* tokens, int32_t* lengths, unsigned char* ended, bint* finite, long long* n_flops,
) noexcept nogil:
    """Documents first .. first + n - 1 of this seed: tokens (n, block_size), lengths, whether BOS came.

    Returns 0 if there is no memory for the cache.
    """
    cdef Cache c
    cdef int32_t token[SLOTS]
    cdef int32_t position[SLOTS]
    cdef int32_t slot[SLOTS]
    cdef Py_ssize_t document[SLOTS]
    cdef Py_ssize_t slots = n if n < SLOTS else SLOTS, active = slots, started = slots, i, last
    cdef int32_t bos = <int32_t>(m.V - 1), drawn, t
    cdef float scale = <float>(1.4426950408889634 / temperature)
    if not allocate_cache(&c, m, slots):
        return 0
    finite[0] = True
    n_flops[0] = 0
    for i in range(active):
        token[i], position[i], slot[i], document[i] = bos, 0, <int32_t>i, i
    while active:
        next_logits(m, &c, active, slots, token, position, slot)
        for i in range(active - 1, -1, -1):
            t = position[i]
            drawn = draw(c.logits + i * m.Vp, m, scale,
                         uniform(seed, <uint64_t>(first + document[i]), t), finite)
            n_flops[0] += token_flops(m, t)
            if drawn != bos:
                tokens[document[i] * m.block_size + t] = drawn
                token[i], position[i] = drawn, t + 1
                if t + 1 < m.block_size:
                    continue
            lengths[document[i]] = position[i]
            ended[document[i]] = drawn == bos
            if started < n:
                token[i], position[i], document[i] = bos, 0, started
                started += 1
            else:               # the last row, whose token is already drawn, moves here
                active -= 1
                last = slot[i]
                token[i], position[i], document[i] = token[active], position[active], document[active]
                slot[i], slot[active] = slot[active], <int32_t>last
    free(c.block)
    return 1
