"""Causal multi-head attention within one document of T rows.

q, k and v lie side by side in rows of qkv: q at column 0, k at Cp, v at 2 Cp, C = H D columns each.
Weights are kept as triangles: att[h, t, s], s <= t, at h S + t (t + 1) / 2 + s with S = T (T + 1) / 2,
so the cost is that of the pairs there are, not of T * T.
"""

from lanes cimport dot16, exp2_lane, out_t
from libc.math cimport sqrtf


cdef inline float head_dot(const float* x, const float* y, Py_ssize_t D) noexcept nogil:
    """x . y over the D columns of a head: in 16 lanes where they fill them, else in order."""
    cdef Py_ssize_t j
    cdef float total = 0
    if D % 16 == 0:
        return dot16(x, y, D)
    for j in range(D):
        total += x[j] * y[j]
    return total


cdef inline void add_scaled(out_t y, float a, const float* x, Py_ssize_t D) noexcept nogil:
    """y += a x over the D columns of a head."""
    cdef Py_ssize_t j
    for j in range(D):
        y[j] = y[j] + a * x[j]


cdef inline void attend(
    float* att, float* o, const float* q, const float* k, const float* v, Py_ssize_t kv_row,
    Py_ssize_t n_keys, Py_ssize_t D,
) noexcept nogil:
    """att = softmax(q k^T / sqrt(D)), o = att v: one head, one query, n_keys keys.

    q, o (D,); k, v (n_keys, D) with rows kv_row apart; att (n_keys,).
    Costs n_keys (4 D + 4) - D - 1.
    """
    cdef Py_ssize_t s, j
    cdef float scale = <float>1.44269504 / sqrtf(<float>D)     # exp(z) = exp2(z log2 e)
    cdef float top, total = 0, inverse
    for s in range(n_keys):
        att[s] = head_dot(q, k + s * kv_row, D) * scale
    top = att[0]
    for s in range(1, n_keys):
        top = att[s] if att[s] > top else top
    for s in range(n_keys):
        att[s] = exp2_lane(att[s] - top)
    for s in range(n_keys):
        total += att[s]
    inverse = 1 / total
    for j in range(D):
        o[j] = 0
    for s in range(n_keys):
        att[s] = att[s] * inverse
        add_scaled(o, att[s], v + s * kv_row, D)


cdef inline void attention_forward(
    float* o, float* att, const float* qkv, Py_ssize_t T, Py_ssize_t H, Py_ssize_t D, Py_ssize_t Cp,
) noexcept nogil:
    """o[t] = sum over s <= t of att[h, t, s] v[s], for every head.  o (T, Cp); qkv (T, 3 Cp)."""
    cdef Py_ssize_t h, t, row = 3 * Cp
    for h in range(H):
        for t in range(T):
            attend(att, o + t * Cp + h * D, qkv + t * row + h * D, qkv + Cp + h * D,
                   qkv + 2 * Cp + h * D, row, t + 1, D)
            att += t + 1


cdef inline void attention_backward(
    float* dqkv, float* datt, const float* do, const float* att, const float* qkv,
    Py_ssize_t T, Py_ssize_t H, Py_ssize_t D, Py_ssize_t Cp,
) noexcept nogil:
    """Gradients of q, k and v, through every past key and value.  dqkv (T, 3 Cp), all of it written.

    datt (T,) is scratch.
    """
    cdef Py_ssize_t h, t, s, row = 3 * Cp
    cdef float scale = 1 / sqrtf(<float>D)
    cdef float mean, dscore
    cdef const float* q
    cdef const float* k
    cdef const float* v
    cdef const float* dot
    cdef float* dq
    cdef float* dk
    cdef float* dv
    for t in range(T * row):
        dqkv[t] = 0
    for h in range(H):
        k, v = qkv + Cp + h * D, qkv + 2 * Cp + h * D
        dk, dv = dqkv + Cp + h * D, dqkv + 2 * Cp + h * D
        for t in range(T):
            q, dq, dot = qkv + t * row + h * D, dqkv + t * row + h * D, do + t * Cp + h * D
            mean = 0
            for s in range(t + 1):          # o = sum att v
                datt[s] = head_dot(dot, v + s * row, D)
                add_scaled(dv + s * row, att[s], dot, D)
                mean += att[s] * datt[s]
            for s in range(t + 1):          # att = softmax(q k scale)
                dscore = att[s] * (datt[s] - mean) * scale
                add_scaled(dq, dscore, k + s * row, D)
                add_scaled(dk + s * row, dscore, q, D)
            att += t + 1
