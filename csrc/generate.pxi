"""Sampling with a cache of keys and values, several documents side by side.

A document's tokens depend on the weights, the temperature, the seed and the document's index alone:
its uniforms come from a counter-based generator, so neither the batch nor the order matters.
"""

from attention cimport LIMIT, attend, attend_bare
from flops cimport token_flops
from lanes cimport add16, is_finite, lane0, load16, max_lanes16, set16, store16, v16, zero16
from layout cimport Layer, Model, aligned, take
from libc.math cimport sqrtf
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
from loss cimport softmax_row
from norm cimport rmsnorm_forward

cdef enum:
    SLOTS = 32      # documents side by side

ctypedef struct Cache:
    float* keys     # (L, SLOTS, block_size, 2 A): k and v side by side
    float* x        # (SLOTS, C)
    float* a        # (SLOTS, C)
    float* qkv      # (SLOTS, 3 A)
    float* o        # (SLOTS, A)
    float* h        # (SLOTS, 4 C)
    float* logits   # (SLOTS, V)
    float* att      # (block_size, 16)
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
    c.keys = take(at, m.L * slots * m.block_size * 2 * m.A)
    c.x = take(at, slots * m.c_row)
    c.a = take(at, slots * m.c_row)
    c.qkv = take(at, slots * m.q_row)
    c.o = take(at, slots * m.a_row)
    c.h = take(at, slots * m.f_row)
    c.logits = take(at, slots * m.v_row)
    c.att = take(at, m.block_size * 16)
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


cdef inline void attend_one(
    float* o, float* att, const float* q, const float* keys, Py_ssize_t A, Py_ssize_t n_keys, v16 scale,
    const Py_ssize_t n_lanes, const int width,
) noexcept nogil:
    """One query against the cached keys; again, with the maximum taken off, if its scores are too large."""
    cdef v16 top2 = zero16()
    attend_bare(o, att, q, keys, keys + A, 2 * A, n_keys, scale, &top2, n_lanes, width)
    if lane0(max_lanes16(top2)) >= LIMIT:
        attend(o, att, q, keys, keys + A, 2 * A, n_keys, scale, n_lanes, width)


cdef void attend_group(
    const Model* m, float* o, float* att, const float* q, const float* keys, Py_ssize_t n_keys,
) noexcept nogil:
    """One query of one group against the cached keys, with its lanes as literals."""
    cdef v16 scale = set16(<float>1.44269504 / sqrtf(<float>m.D))
    if m.Dp == 4:
        attend_one(o, att, q, keys, m.A, n_keys, scale, 16, 4)
    elif m.Dp == 16:
        attend_one(o, att, q, keys, m.A, n_keys, scale, 16, 16)
    elif m.Dp == 8:
        attend_one(o, att, q, keys, m.A, n_keys, scale, 16, 8)
    elif m.Dp == 2:
        attend_one(o, att, q, keys, m.A, n_keys, scale, 16, 2)
    elif m.Dp == 1:
        attend_one(o, att, q, keys, m.A, n_keys, scale, 16, 1)
    else:
        attend_one(o, att, q, keys, m.A, n_keys, scale, m.Dp, 16)


cdef void next_logits(
    const Model* m, Cache* c, Shortcuts* shortcuts, Py_ssize_t n, Py_ssize_t slots,
    const int32_t* token, const int32_t* position, const int32_t* slot,
) noexcept nogil:
    """Logits of the next token of n documents; row i has its keys and values in slot[i]."""
    cdef Py_ssize_t Cp = m.Cp, i, l, g
    cdef float* keys
    cdef Layer* w
    first_rows(m, shortcuts, c.x, c.qkv, c.a, c.rstd, token, position, n)
    for l in range(m.L):
        w = &m.layer[l]
        if l > 0:
            rmsnorm_forward(c.a, c.rstd, c.x, n, m.C, Cp, m.c_row)
            linear(c.qkv, m.q_row, c.a, m.c_row, &w.qkv, n, STORE)
        for i in range(n):
            keys = c.keys + (l * slots + slot[i]) * m.block_size * 2 * m.A
            memcpy(keys + position[i] * 2 * m.A, c.qkv + i * m.q_row + m.A, 2 * m.A * sizeof(float))
            for g in range(m.n_groups):
                attend_group(m, c.o + i * m.a_row + g * m.n_lanes, c.att,
                             c.qkv + i * m.q_row + g * m.n_lanes, keys + g * m.n_lanes, position[i] + 1)
        linear(c.x, m.c_row, c.o, m.a_row, &w.wo, n, ADD)
        rmsnorm_forward(c.a, c.rstd, c.x, n, m.C, Cp, m.c_row)
        linear(c.h, m.f_row, c.a, m.c_row, &w.fc1, n, RELU)
        add_fc2(m, shortcuts, c.x, c.h, l, n)
    linear(c.logits, m.v_row, c.x, m.c_row, &m.lm_head, n, STORE)


cdef inline int32_t draw(
    float* z, const Model* m, float scale, float u, bint* finite,
) noexcept nogil:
    """The token whose share of the cumulated softmax holds u.  z (Vp,) is overwritten."""
    cdef v16 top
    cdef float total = lane0(softmax_row(z, m.V, m.Vp, scale, &top)), reached = 0
    cdef Py_ssize_t j
    if not is_finite(total):
        finite[0] = False
    for j in range(m.V - 1):
        reached += z[j]
        if u * total < reached:
            return <int32_t>j
    return <int32_t>(m.V - 1)


cdef int generate_documents(
    const Model* m, Py_ssize_t n, Py_ssize_t slots, float temperature, uint64_t seed, int64_t first,
    int32_t* tokens, int32_t* lengths, unsigned char* ended, bint* finite, long long* n_flops,
) noexcept nogil:
    """Documents first .. first + n - 1 of this seed: tokens (n, block_size), lengths, whether BOS came.

    `slots` of them, at most SLOTS, are made side by side; that changes the speed, not a bit.

    Returns 0 if there is no memory for the cache.
    """
    cdef Cache c
    cdef Shortcuts shortcuts
    cdef int32_t token[SLOTS]
    cdef int32_t position[SLOTS]
    cdef int32_t slot[SLOTS]
    cdef Py_ssize_t document[SLOTS]
    cdef Py_ssize_t active, started, i, last
    cdef int32_t bos = <int32_t>(m.V - 1), drawn, t
    cdef float scale = <float>(1.4426950408889634 / temperature)
    active = started = slots = min(n, slots, <Py_ssize_t>SLOTS)
    if not allocate_cache(&c, m, slots):
        return 0
    begin_shortcuts(&shortcuts, m, n * m.block_size)
    finite[0] = True
    n_flops[0] = 0
    for i in range(active):
        token[i], position[i], slot[i], document[i] = bos, 0, <int32_t>i, i
    while active:
        next_logits(m, &c, &shortcuts, active, slots, token, position, slot)
        for i in range(active - 1, -1, -1):
            t = position[i]
            drawn = draw(c.logits + i * m.v_row, m, scale,
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
    end_shortcuts(&shortcuts)
    free(c.block)
    return 1
