"""Causal multi-head attention within one document of T rows.

A head's columns are padded to a power of two up to 16, or to a multiple of 16, so that sixteen lanes
hold whole heads or a head whole lanes.  The unit of work is a group: the 16 lanes of several heads, or
the lanes of one.  A score is summed over the lanes of its head and stands in all of them, so
softmax, att v and their gradients are plain lane by lane arithmetic.

att holds the exponentials, 16 lanes each, as triangles: pair (t, s), s <= t, of a group is the
(t (t + 1) / 2 + s)-th; share (T, 16) holds 1 / sum of each row.  The sums of a row take no maximum off first;
`top2` reports the largest squared score, and beyond LIMIT the caller has it done again with it.
"""

from lanes cimport (
    add16, div16, exp2_16, fma16, lane0, load16, max16, max_lanes16, mul16, set16, store16, sub16,
    sum_groups16, v16, zero16,
)

cdef enum:
    LIMIT = 40 * 40     # 2^40, 1024 of them added, and times v, are far inside float32


cdef inline v16 scores(
    const float* q, const float* k, const Py_ssize_t n_lanes, const int width,
) noexcept nogil:
    """q . k of each head in the group, in every lane of the head."""
    cdef v16 total = mul16(load16(q), load16(k))
    cdef Py_ssize_t j
    for j in range(16, n_lanes, 16):
        total = fma16(load16(q + j), load16(k + j), total)
    return sum_groups16(total, width)


cdef inline void weighted_values(
    float* o, const float* att, v16 share, const float* v, Py_ssize_t v_row, Py_ssize_t n_keys,
    const Py_ssize_t n_lanes,
) noexcept nogil:
    """o = share sum_s att[s] v[s]."""
    cdef Py_ssize_t s, j
    cdef v16 total
    for j in range(0, n_lanes, 16):
        total = zero16()
        for s in range(n_keys):
            total = fma16(load16(att + 16 * s), load16(v + s * v_row + j), total)
        store16(o + j, mul16(total, share))


cdef inline v16 attend(
    float* o, float* att, const float* q, const float* k, const float* v, Py_ssize_t kv_row,
    Py_ssize_t n_keys, v16 scale, const Py_ssize_t n_lanes, const int width,
) noexcept nogil:
    """o = softmax(q k^T scale) v for one query, with the maximum taken off; returns 1 / sum."""
    cdef Py_ssize_t s
    cdef v16 score, top = set16(<float>-3e38), total = zero16(), low = set16(<float>-126)
    for s in range(n_keys):
        score = mul16(scores(q, k + s * kv_row, n_lanes, width), scale)
        store16(att + 16 * s, score)
        top = max16(score, top)
    for s in range(n_keys):
        score = exp2_16(max16(low, sub16(load16(att + 16 * s), top)))
        store16(att + 16 * s, score)
        total = add16(total, score)
    total = div16(set16(1), total)
    weighted_values(o, att, total, v, kv_row, n_keys, n_lanes)
    return total


cdef inline v16 attend_bare(
    float* o, float* att, const float* q, const float* k, const float* v, Py_ssize_t kv_row,
    Py_ssize_t n_keys, v16 scale, v16* top2, const Py_ssize_t n_lanes, const int width,
) noexcept nogil:
    """As attend, with no maximum taken off: right as long as the largest squared score, in top2, is
    below LIMIT.
    """
    cdef Py_ssize_t s
    cdef v16 total = zero16(), out = zero16(), score, query
    if n_lanes == 16:
        query = mul16(load16(q), scale)
        for s in range(n_keys):
            score = sum_groups16(mul16(query, load16(k + s * kv_row)), width)
            top2[0] = max16(mul16(score, score), top2[0])
            score = exp2_16(score)
            store16(att + 16 * s, score)
            total = add16(total, score)
            out = fma16(score, load16(v + s * kv_row), out)
        total = div16(set16(1), total)
        store16(o, mul16(out, total))
    else:
        for s in range(n_keys):
            score = mul16(scores(q, k + s * kv_row, n_lanes, width), scale)
            top2[0] = max16(mul16(score, score), top2[0])
            score = exp2_16(score)
            store16(att + 16 * s, score)
            total = add16(total, score)
        total = div16(set16(1), total)
        weighted_values(o, att, total, v, kv_row, n_keys, n_lanes)
    return total


cdef inline float attention_forward(
    float* o, float* att, float* share, const float* q, const float* k, const float* v,
    Py_ssize_t row, Py_ssize_t o_row, Py_ssize_t T, float scale_, bint safe,
    const Py_ssize_t n_lanes, const int width,
) noexcept nogil:
    """o[t] = sum over s <= t of softmax(q[t] k[s] scale) v[s] for one group; returns top2.

    scale is log2(e) / sqrt(head_dim), so that exp is exp2.
    """
    cdef Py_ssize_t t
    cdef v16 scale = set16(scale_), top2 = zero16(), inverse
    for t in range(T):
        if safe:
            inverse = attend(o + t * o_row, att, q + t * row, k, v, row, t + 1, scale, n_lanes, width)
        else:
            inverse = attend_bare(
                o + t * o_row, att, q + t * row, k, v, row, t + 1, scale, &top2, n_lanes, width)
        store16(share + 16 * t, inverse)
        att += 16 * (t + 1)
    return lane0(max_lanes16(top2))


cdef inline void add_product(float* y, v16 a, const float* x) noexcept nogil:
    """y += a x, sixteen lanes."""
    store16(y, fma16(a, load16(x), load16(y)))


cdef inline void attention_backward(
    float* dq, float* dk, float* dv, const float* do, const float* o, const float* att,
    const float* share, const float* q, const float* k, const float* v, Py_ssize_t row,
    Py_ssize_t o_row, Py_ssize_t T, float scale_, const Py_ssize_t n_lanes, const int width,
) noexcept nogil:
    """Gradients of q, k and v of one group, all written, through every past key and value.

    From p = att share, o = sum p v: dscore = p (do v - do o) scale, scale = 1 / sqrt(head_dim).
    """
    cdef Py_ssize_t t, s, j
    cdef v16 scale = set16(scale_), mean, dscore, p, here, query, dout, dquery
    for t in range(T):
        mean = scores(do + t * o_row, o + t * o_row, n_lanes, width)
        here = load16(share + 16 * t)
        for j in range(0, n_lanes, 16):
            store16(dk + t * row + j, zero16())
            store16(dv + t * row + j, zero16())
        if n_lanes == 16:
            query, dout, dquery = load16(q + t * row), load16(do + t * o_row), zero16()
            for s in range(t + 1):
                p = mul16(load16(att + 16 * s), here)
                dscore = sub16(sum_groups16(mul16(dout, load16(v + s * row)), width), mean)
                dscore = mul16(mul16(p, scale), dscore)
                dquery = fma16(dscore, load16(k + s * row), dquery)
                store16(dk + s * row, fma16(dscore, query, load16(dk + s * row)))
                store16(dv + s * row, fma16(p, dout, load16(dv + s * row)))
            store16(dq + t * row, dquery)
        else:
            for j in range(0, n_lanes, 16):
                store16(dq + t * row + j, zero16())
            for s in range(t + 1):
                p = mul16(load16(att + 16 * s), here)
                dscore = sub16(scores(do + t * o_row, v + s * row, n_lanes, width), mean)
                dscore = mul16(mul16(p, scale), dscore)
                for j in range(0, n_lanes, 16):
                    add_product(dq + t * row + j, dscore, k + s * row + j)
                    add_product(dk + s * row + j, dscore, q + t * row + j)
                    add_product(dv + s * row + j, p, do + t * o_row + j)
        att += 16 * (t + 1)
