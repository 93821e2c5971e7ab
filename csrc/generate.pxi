"""Sampling with a cache of keys and values, several documents side by side.

A document's tokens depend on the weights, the temperature, the seed and the document's index alone:
its uniforms come from a counter-based generator, so neither the batch nor the order matters.
"""

from attention cimport LIMIT, attend, attend_bare
from flops cimport token_flops
from lanes cimport is_finite, lane0, max_lanes16, set16, v16, zero16
from layout cimport Layer, Model, aligned, take
from libc.math cimport sqrtf
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from loss cimport softmax_row
from norm cimport rmsnorm_forward

include "openings.pxi"

cdef enum:
    SLOTS = 32      # documents side by side

ctypedef struct Cache:
    Py_ssize_t slots
    float* keys     # (L, SLOTS, block_size, 2 A): k and v side by side
    float* x        # (SLOTS, C)
    float* a        # (SLOTS, C)
    float* qkv      # (SLOTS, 3 A)
    float* o        # (SLOTS, A)
    float* h        # (SLOTS, 4 C)
    float* logits   # (SLOTS, V)
    float* att      # (block_size, 16)
    float* rstd     # (SLOTS,)
    Openings openings
    void* block

cdef struct Rows:               # of the documents side by side
    int32_t token[SLOTS]
    int32_t position[SLOTS]
    int32_t slot[SLOTS]         # where in the cache its keys and values are
    Py_ssize_t document[SLOTS]
    Py_ssize_t opening[SLOTS]   # which one its tokens are: see openings.pxi

cdef struct Writing:            # documents first .. first + n - 1 of a seed
    uint64_t seed
    int64_t first
    Py_ssize_t n, n_begun
    float scale                 # log2(e) / temperature
    int32_t* tokens             # (n, block_size)
    int32_t* lengths            # (n,)
    unsigned char* ended        # (n,) whether BOS came
    bint finite                 # whether all logits were
    long long n_flops


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


cdef inline void place_cache(
    Cache* c, const Model* m, Py_ssize_t slots, Py_ssize_t n_documents, char** at,
) noexcept nogil:
    c.slots = slots
    c.keys = take(at, m.L * slots * m.block_size * 2 * m.A)
    c.x = take(at, slots * m.c_row)
    c.a = take(at, slots * m.c_row)
    c.qkv = take(at, slots * m.q_row)
    c.o = take(at, slots * m.a_row)
    c.h = take(at, slots * m.f_row)
    c.logits = take(at, slots * m.v_row)
    c.att = take(at, m.block_size * 16)
    c.rstd = take(at, slots)
    place_openings(&c.openings, m, n_documents, at)


cdef inline int allocate_cache(
    Cache* c, const Model* m, Py_ssize_t slots, Py_ssize_t n_documents,
) noexcept nogil:
    """Returns 0 if there is no memory for it."""
    cdef char* at = NULL
    place_cache(c, m, slots, n_documents, &at)
    c.block = calloc(1, <size_t>at + 64)
    if c.block == NULL:
        return 0
    at = aligned(c.block)
    place_cache(c, m, slots, n_documents, &at)
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


cdef inline float* keys_at(
    const Cache* c, const Model* m, Py_ssize_t l, Py_ssize_t slot, Py_ssize_t position,
) noexcept nogil:
    """k and v (2 A,) in layer l."""
    return c.keys + ((l * c.slots + slot) * m.block_size + position) * 2 * m.A


cdef void next_logits(
    const Model* m, Cache* c, Shortcuts* shortcuts, const Rows* r, Py_ssize_t n,
) noexcept nogil:
    """Logits of the next token of the first n rows."""
    cdef Py_ssize_t Cp = m.Cp, i, l, g
    cdef float* keys
    cdef Layer* w
    first_rows(m, shortcuts, c.x, c.qkv, c.a, c.rstd, r.token, r.position, n)
    for l in range(m.L):
        w = &m.layer[l]
        if l > 0:
            rmsnorm_forward(c.a, c.rstd, c.x, n, m.C, Cp, m.c_row)
            linear(c.qkv, m.q_row, c.a, m.c_row, &w.qkv, n, STORE)
        for i in range(n):
            copy_row(keys_at(c, m, l, r.slot[i], r.position[i]), c.qkv + i * m.q_row + m.A, 2 * m.A)
            keys = keys_at(c, m, l, r.slot[i], 0)
            for g in range(m.n_groups):
                attend_group(m, c.o + i * m.a_row + g * m.n_lanes, c.att,
                             c.qkv + i * m.q_row + g * m.n_lanes, keys + g * m.n_lanes, r.position[i] + 1)
        linear(c.x, m.c_row, c.o, m.a_row, &w.wo, n, ADD)
        rmsnorm_forward(c.a, c.rstd, c.x, n, m.C, Cp, m.c_row)
        linear(c.h, m.f_row, c.a, m.c_row, &w.fc1, n, RELU)
        add_fc2(m, shortcuts, c.x, c.h, l, n)
    linear(c.logits, m.v_row, c.x, m.c_row, &m.lm_head, n, STORE)


cdef inline int32_t draw(const float* z, float total, Py_ssize_t V, float u) noexcept nogil:
    """The token whose share of the cumulated z (V,), which add up to total, holds u."""
    cdef float reached = 0
    cdef Py_ssize_t j
    for j in range(V - 1):
        reached += z[j]
        if u * total < reached:
            return <int32_t>j
    return <int32_t>(V - 1)


cdef inline void begin_document(Writing* w, const Model* m, Rows* r, Py_ssize_t i) noexcept nogil:
    """Row i begins the next document."""
    r.token[i], r.position[i], r.opening[i] = <int32_t>(m.V - 1), 0, 0
    r.document[i] = w.n_begun
    w.n_begun += 1


cdef bint write_token(
    Writing* w, const Model* m, const Openings* o, Rows* r, Py_ssize_t i, const float* z, float total,
) noexcept nogil:
    """Draw the token of row i.  Returns whether the row has another, of this document or the next."""
    cdef Py_ssize_t document = r.document[i]
    cdef int32_t t = r.position[i], bos = <int32_t>(m.V - 1)
    cdef int32_t drawn = draw(z, total, m.V, uniform(w.seed, <uint64_t>(w.first + document), t))
    w.finite = w.finite and is_finite(total)
    w.n_flops += token_flops(m, t)
    if drawn != bos:
        w.tokens[document * m.block_size + t] = drawn
        r.token[i], r.position[i], r.opening[i] = drawn, t + 1, continued(o, m, r.opening[i], drawn)
        if t + 1 < m.block_size:
            return True
    w.lengths[document] = r.position[i]
    w.ended[document] = drawn == bos
    if w.n_begun == w.n:
        return False
    begin_document(w, m, r, i)
    return True


cdef bint write_row(Writing* w, const Model* m, Cache* c, Rows* r, Py_ssize_t i) noexcept nogil:
    """Draw the token of row i by its logits, and those after it as long as their opening is kept.

    Returns whether the row has another.
    """
    cdef Openings* o = &c.openings
    cdef float* z = c.logits + i * m.v_row
    cdef float* kept = keep_opening(o, r.opening[i])
    cdef Py_ssize_t l, at_z = m.L * 2 * m.A, at_total = at_z + m.Vp
    cdef v16 top
    cdef float total = lane0(softmax_row(z, m.V, m.Vp, w.scale, &top))
    if kept != NULL:
        for l in range(m.L):
            copy_row(kept + l * 2 * m.A, keys_at(c, m, l, r.slot[i], r.position[i]), 2 * m.A)
        copy_row(kept + at_z, z, m.Vp)
        kept[at_total] = total
    while write_token(w, m, o, r, i, z, total):
        kept = kept_opening(o, r.opening[i])
        if kept == NULL:
            return True
        for l in range(m.L):
            copy_row(keys_at(c, m, l, r.slot[i], r.position[i]), kept + l * 2 * m.A, 2 * m.A)
        z, total = kept + at_z, kept[at_total]
    return False


cdef int generate_documents(const Model* m, Writing* w, Py_ssize_t slots) noexcept nogil:
    """Write the documents.

    `slots` of them, at most SLOTS, are made side by side; that changes the speed, not a bit.

    Returns 0 if there is no memory for the cache.
    """
    cdef Cache c
    cdef Rows r
    cdef Shortcuts shortcuts
    cdef Py_ssize_t n, i
    n = slots = min(w.n, slots, <Py_ssize_t>SLOTS)
    if not allocate_cache(&c, m, slots, w.n):
        return 0
    begin_shortcuts(&shortcuts, m, w.n * m.block_size)
    for i in range(n):
        r.slot[i] = <int32_t>i
        begin_document(w, m, &r, i)
    while n:
        next_logits(m, &c, &shortcuts, &r, n)
        for i in range(n - 1, -1, -1):
            if not write_row(w, m, &c, &r, i):
                n -= 1      # the last row, whose token is already drawn, moves here
                r.token[i], r.position[i], r.slot[i] = r.token[n], r.position[n], r.slot[n]
                r.document[i], r.opening[i] = r.document[n], r.opening[n]
    end_shortcuts(&shortcuts)
    free(c.block)
    return 1
