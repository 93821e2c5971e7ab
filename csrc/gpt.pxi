"""microGPT, forward and backward, over a batch of packed documents.

x = rmsnorm(wte[token] + wpe[position]); each layer adds attention and MLP to x, both of a
normalised x; logits = lm_head x.  No biases, no gains, ReLU, lm_head untied from wte.
Source: Andrej Karpathy, microGPT (karpathy.github.io, 12 Feb 2026).
"""

from adam cimport AdamStep, adam16
from attention cimport LIMIT, attention_backward, attention_forward
from lanes cimport (
    VL, add16, is_finite, lane0, load16, mul16, set16, store16, sum_groups16, sum_squares, transpose16,
    v16, zero16,
)
from layout cimport Activations, Layer, LayerActivations, Matrix, Model
from libc.math cimport sqrtf
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy
from loss cimport cross_entropy_backward, cross_entropy_forward
from norm cimport rmsnorm_backward, rmsnorm_forward

include "gemm.pxi"
include "long_attention.pxi"
include "update.pxi"
include "shortcuts.pxi"

cdef enum:
    ROWS_A_CALL = 512       # rows per call when scoring many documents


cdef inline Py_ssize_t positions(const Model* m, const int64_t* offset, Py_ssize_t i) noexcept nogil:
    """T of document i: its tokens after the first BOS, cut at block_size."""
    cdef Py_ssize_t T = <Py_ssize_t>(offset[i + 1] - offset[i] - 1)
    return T if T < m.block_size else m.block_size


cdef inline void begin_batch(Activations* a) noexcept nogil:
    """Empty the batch."""
    a.N = a.B = a.S = a.longest = a.n_distinct = 0
    a.start[0] = 0
    a.n_batches += 1


cdef inline void add_document(
    Activations* a, const Model* m, const int32_t* token, const int64_t* offset, Py_ssize_t i,
) noexcept nogil:
    """Append document i of a packed stream (BOS, characters, BOS) to the batch."""
    cdef Py_ssize_t T = positions(m, offset, i), t
    cdef const int32_t* x = token + offset[i]
    for t in range(T):
        a.token[a.N + t] = x[t]
        a.position[a.N + t] = <int32_t>t
        a.target[a.N + t] = x[t + 1]
        if a.seen[x[t]] != a.n_batches:
            a.seen[x[t]] = a.n_batches
            a.n_distinct += 1
    a.N += T
    a.S += T * (T + 1) // 2
    a.B += 1
    a.start[a.B] = a.N
    if T > a.longest:
        a.longest = T


cdef float group_forward(
    const Model* m, float* o, float* att, float* share, const float* q, Py_ssize_t T, bint safe,
) noexcept nogil:
    """Attention of one group in one document, with its lanes as literals; q starts its group in qkv."""
    cdef const float* k = q + m.A
    cdef const float* v = k + m.A
    cdef float scale = <float>1.44269504 / sqrtf(<float>m.D)
    if m.Dp == 4:
        return attention_forward(o, att, share, q, k, v, m.q_row, m.a_row, T, scale, safe, 16, 4)
    if m.Dp == 16:
        return attention_forward(o, att, share, q, k, v, m.q_row, m.a_row, T, scale, safe, 16, 16)
    if m.Dp == 8:
        return attention_forward(o, att, share, q, k, v, m.q_row, m.a_row, T, scale, safe, 16, 8)
    if m.Dp == 2:
        return attention_forward(o, att, share, q, k, v, m.q_row, m.a_row, T, scale, safe, 16, 2)
    if m.Dp == 1:
        return attention_forward(o, att, share, q, k, v, m.q_row, m.a_row, T, scale, safe, 16, 1)
    if m.Dp == 32:
        return attention_forward(o, att, share, q, k, v, m.q_row, m.a_row, T, scale, safe, 32, 16)
    if m.Dp == 64:
        return attention_forward(o, att, share, q, k, v, m.q_row, m.a_row, T, scale, safe, 64, 16)
    return attention_forward(o, att, share, q, k, v, m.q_row, m.a_row, T, scale, safe, m.Dp, 16)


cdef void group_backward(
    const Model* m, float* dq, const float* do, const float* o, const float* att, const float* share,
    const float* q, Py_ssize_t T,
) noexcept nogil:
    """The gradients of group_forward."""
    cdef const float* k = q + m.A
    cdef const float* v = k + m.A
    cdef float* dk = dq + m.A
    cdef float* dv = dk + m.A
    cdef float scale = 1 / sqrtf(<float>m.D)
    if m.Dp == 4:
        attention_backward(dq, dk, dv, do, o, att, share, q, k, v, m.q_row, m.a_row, T, scale, 16, 4)
    elif m.Dp == 16:
        attention_backward(dq, dk, dv, do, o, att, share, q, k, v, m.q_row, m.a_row, T, scale, 16, 16)
    elif m.Dp == 8:
        attention_backward(dq, dk, dv, do, o, att, share, q, k, v, m.q_row, m.a_row, T, scale, 16, 8)
    elif m.Dp == 2:
        attention_backward(dq, dk, dv, do, o, att, share, q, k, v, m.q_row, m.a_row, T, scale, 16, 2)
    elif m.Dp == 1:
        attention_backward(dq, dk, dv, do, o, att, share, q, k, v, m.q_row, m.a_row, T, scale, 16, 1)
    elif m.Dp == 32:
        attention_backward(dq, dk, dv, do, o, att, share, q, k, v, m.q_row, m.a_row, T, scale, 32, 16)
    elif m.Dp == 64:
        attention_backward(dq, dk, dv, do, o, att, share, q, k, v, m.q_row, m.a_row, T, scale, 64, 16)
    else:
        attention_backward(dq, dk, dv, do, o, att, share, q, k, v, m.q_row, m.a_row, T, scale, m.Dp, 16)


cdef void attention_layer_forward(const Model* m, const Activations* a, LayerActivations* y) noexcept nogil:
    """o of every document.  A document whose scores are too large for bare exponentials is done again."""
    cdef Py_ssize_t b, g, n, T, S
    cdef float* att = y.att
    cdef float* share = y.share
    cdef float top2
    cdef int safe
    for b in range(a.B):
        n = a.start[b]
        T = a.start[b + 1] - n
        S = T * (T + 1) // 2
        if is_long(m, T):
            long_forward(m, a, y, n, T, att)
        else:
            for safe in range(2):
                top2 = 0
                for g in range(m.n_groups):
                    top2 = max(top2, not_below(top2, group_forward(
                        m, y.o + n * m.a_row + g * m.n_lanes, att + g * S * 16, share + g * T * 16,
                        y.qkv + n * m.q_row + g * m.n_lanes, T, safe)))
                if top2 < LIMIT:
                    break
        att += m.n_groups * S * 16
        share += m.n_groups * T * 16


cdef inline float not_below(float low, float x) noexcept nogil:
    """x, or infinity where x is NaN."""
    return x if x >= low or x < low else <float>3e38


cdef void attention_layer_backward(const Model* m, const Activations* a, LayerActivations* y) noexcept nogil:
    """dqkv from the gradient of o, which is in dt."""
    cdef Py_ssize_t b, g, n, T, S
    cdef const float* att = y.att
    cdef const float* share = y.share
    for b in range(a.B):
        n = a.start[b]
        T = a.start[b + 1] - n
        S = T * (T + 1) // 2
        if is_long(m, T):
            long_backward(m, a, y, n, T, att)
        else:
            for g in range(m.n_groups):
                group_backward(
                    m, a.dqkv + n * m.q_row + g * m.n_lanes, a.dt + n * m.a_row + g * m.n_lanes,
                    y.o + n * m.a_row + g * m.n_lanes, att + g * S * 16, share + g * T * 16,
                    y.qkv + n * m.q_row + g * m.n_lanes, T)
        att += m.n_groups * S * 16
        share += m.n_groups * T * 16


cdef inline void embed(const Model* m, float* x, Py_ssize_t token, Py_ssize_t position) noexcept nogil:
    """x (C,) = wte[token] + wpe[position]."""
    cdef const float* e = m.embedding.w + token * m.Cp
    cdef const float* p = m.embedding.w + (m.V + position) * m.Cp
    cdef Py_ssize_t j
    for j in range(0, m.Cp, 16):
        store16(x + j, add16(load16(e + j), load16(p + j)))


cdef void gpt_forward(const Model* m, Activations* a, Shortcuts* shortcuts) noexcept nogil:
    """Logits of the batch, with every activation that the backward pass needs; or, with shortcuts,
    without what enters the first attention.
    """
    cdef Py_ssize_t N = a.N, Cp = m.Cp, n, l
    cdef LayerActivations* y = &a.layer[0]
    cdef Layer* w
    if shortcuts != NULL:
        first_rows(m, shortcuts, a.x, y.qkv, y.a, y.a_rstd, a.token, a.position, N)
    else:
        for n in range(N):
            embed(m, a.x + n * m.c_row, a.token[n], a.position[n])
        rmsnorm_forward(a.x0, a.x0_rstd, a.x, N, m.C, Cp, m.c_row)
        memcpy(a.x, a.x0, N * m.c_row * sizeof(float))
    for l in range(m.L):
        y, w = &a.layer[l], &m.layer[l]
        if l > 0 or shortcuts == NULL:
            rmsnorm_forward(y.a, y.a_rstd, a.x, N, m.C, Cp, m.c_row)
            linear(y.qkv, m.q_row, y.a, m.c_row, &w.qkv, N, STORE)
        attention_layer_forward(m, a, y)
        linear(a.x, m.c_row, y.o, m.a_row, &w.wo, N, ADD)
        rmsnorm_forward(y.b, y.b_rstd, a.x, N, m.C, Cp, m.c_row)
        linear(y.h, m.f_row, y.b, m.c_row, &w.fc1, N, RELU)
        if shortcuts != NULL:
            add_fc2(m, shortcuts, a.x, y.h, l, N)
        else:
            add_linear_by_quarters(a.x, m.c_row, y.h, m.f_row, &w.fc2, N)
    linear(a.logits, m.v_row, a.x, m.c_row, &m.lm_head, N, STORE)


cdef void gpt_bits(const Model* m, Activations* a, float scale) noexcept nogil:
    """The bits of every target at logits times scale, in a.bits."""
    cross_entropy_forward(a.logits, a.total, a.bits, a.target, a.N, m.V, m.Vp, m.v_row, scale)


cdef double gpt_loss(const Model* m, Activations* a) noexcept nogil:
    """Mean over documents of the mean over positions, in nats; a.logits becomes the logits' gradient."""
    cdef Py_ssize_t b, n, T
    cdef double loss = 0, bits
    cdef float weight
    gpt_bits(m, a, <float>1.44269504)
    for b in range(a.B):
        T, bits = a.start[b + 1] - a.start[b], 0
        weight = <float>(1.0 / (<double>T * a.B))
        for n in range(a.start[b], a.start[b + 1]):
            bits += a.bits[n]
            cross_entropy_backward(a.logits + n * m.v_row, a.target[n], m.Vp, a.total[n], weight)
        loss += bits / T
    return loss / a.B * 0.6931471805599453


cdef void gpt_backward(Model* m, Activations* a, const AdamStep* step) noexcept nogil:
    """The gradient of every weight, from the gradient of the logits that gpt_loss left.

    With a step, every matrix is updated as soon as its gradient is complete; without, gradients stay
    in g.  A matrix passes the gradient on to its input before it changes.
    """
    cdef Py_ssize_t N = a.N, l
    cdef LayerActivations* y
    cdef Layer* w
    cdef Pending pending
    begin_pending(&pending)
    linear_backward_input(a.dx, m.c_row, a.logits, m.v_row, &m.lm_head, N, STORE, a.dx)
    weight_backward(&m.lm_head, a.x, m.c_row, a.logits, m.v_row, N, step, &pending)
    for l in range(m.L - 1, -1, -1):
        y, w = &a.layer[l], &m.layer[l]
        # x += fc2(h), h = relu(fc1(b)), b = rmsnorm(x)
        linear_backward_input(a.dh, m.f_row, a.dx, m.c_row, &w.fc2, N, MASK, y.h)
        weight_backward(&w.fc2, y.h, m.f_row, a.dx, m.c_row, N, step, &pending)
        linear_backward_input(a.dt, m.c_row, a.dh, m.f_row, &w.fc1, N, STORE, a.dt)
        weight_backward(&w.fc1, y.b, m.c_row, a.dh, m.f_row, N, step, &pending)
        rmsnorm_backward(a.dx, a.dt, y.b, y.b_rstd, N, m.C, m.Cp, m.c_row, True)
        # x += wo(o), o = attention(qkv(a)), a = rmsnorm(x)
        linear_backward_input(a.dt, m.a_row, a.dx, m.c_row, &w.wo, N, STORE, a.dt)
        weight_backward(&w.wo, y.o, m.a_row, a.dx, m.c_row, N, step, &pending)
        attention_layer_backward(m, a, y)
        linear_backward_input(a.dt, m.c_row, a.dqkv, m.q_row, &w.qkv, N, STORE, a.dt)
        weight_backward(&w.qkv, y.a, m.c_row, a.dqkv, m.q_row, N, step, &pending)
        rmsnorm_backward(a.dx, a.dt, y.a, y.a_rstd, N, m.C, m.Cp, m.c_row, True)
    rmsnorm_backward(a.dt, a.dx, a.x0, a.x0_rstd, N, m.C, m.Cp, m.c_row, False)
    embedding_backward(m, a)
    if step != NULL:
        finish_pending(&pending, step)
        update_rows(&m.embedding, set16(1), step)


cdef void embedding_backward(Model* m, Activations* a) noexcept nogil:
    """dwte and dwpe, from x = wte[token] + wpe[position]; dx is in dt."""
    cdef Py_ssize_t Cp = m.Cp, n, j
    cdef float* de
    cdef float* dp
    cdef v16 dx
    for n in range(0, m.embedding.Kp * Cp, 16):     # for so little memset takes twice as long
        store16(m.embedding.g + n, zero16())
    for n in range(a.N):
        de, dp = m.embedding.g + a.token[n] * Cp, m.embedding.g + (m.V + a.position[n]) * Cp
        for j in range(0, Cp, 16):
            dx = load16(a.dt + n * m.c_row + j)
            store16(de + j, add16(load16(de + j), dx))
            store16(dp + j, add16(load16(dp + j), dx))


cdef double gradient_squares(const Model* m) noexcept nogil:
    """The sum of squares of all gradients, in float64; padding adds zeros."""
    cdef double total = matrix_squares(&m.embedding) + matrix_squares(&m.lm_head)
    cdef Py_ssize_t l
    for l in range(m.L):
        total += matrix_squares(&m.layer[l].qkv) + matrix_squares(&m.layer[l].wo)
        total += matrix_squares(&m.layer[l].fc1) + matrix_squares(&m.layer[l].fc2)
    return total


cdef bint matrix_is_finite(const Matrix* w) noexcept nogil:
    """Whether no weight is NaN or infinite: 0 times such a one is NaN."""
    cdef v16 even = zero16(), odd = zero16()
    cdef Py_ssize_t i
    for i in range(0, w.Kp * w.Mp, 32):
        even = add16(mul16(load16(w.w + i), zero16()), even)
        odd = add16(mul16(load16(w.w + i + 16), zero16()), odd)
    return is_finite(lane0(sum_groups16(add16(even, odd), 16)))


cdef inline double matrix_squares(const Matrix* w) noexcept nogil:
    return sum_squares(w.g, w.Kp * w.Mp)


cdef void gpt_update(Model* m, float grad_scale, const AdamStep* step) noexcept nogil:
    """One Adam step on every weight, from gradients in g that are scaled on the way."""
    cdef Py_ssize_t l
    cdef v16 scale = set16(grad_scale)
    update_rows(&m.embedding, scale, step)
    update_matrix(&m.lm_head, scale, step)
    for l in range(m.L):
        update_matrix(&m.layer[l].qkv, scale, step)
        update_matrix(&m.layer[l].wo, scale, step)
        update_matrix(&m.layer[l].fc1, scale, step)
        update_matrix(&m.layer[l].fc2, scale, step)
