"""microGPT, forward and backward, over a batch of packed documents.

x = rmsnorm(wte[token] + wpe[position]); each layer adds attention and MLP to x, both of a
normalised x; logits = lm_head x.  No biases, no gains, ReLU, lm_head untied from wte.
Source: Andrej Karpathy, microGPT (karpathy.github.io, 12 Feb 2026).
"""

from adam cimport AdamStep, adam_update, transpose
from attention cimport attention_backward, attention_forward
from gemm cimport ADD, MASK, RELU, STORE, Epilogue, matmul
from lanes cimport sum_squares
from layout cimport Activations, Layer, LayerActivations, Matrix, Model
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy, memset
from loss cimport cross_entropy_backward, cross_entropy_forward
from norm cimport rmsnorm_backward, rmsnorm_forward

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


cdef inline void linear(
    float* y, const float* x, const Matrix* w, Py_ssize_t N, Epilogue epilogue,
) noexcept nogil:
    """y = x w.  x (N, K), y (N, M)."""
    matmul(N, w.K, w.M, x, w.K, 1, w.w, w.M, y, w.M, epilogue, y)


cdef inline void linear_backward(
    float* dx, const float* dy, const float* x, Matrix* w, Py_ssize_t N, Epilogue epilogue,
) noexcept nogil:
    """dw = x^T dy (written, not added: a batch is one product); dx = dy w^T, masked by x > 0 under MASK."""
    matmul(w.K, N, w.M, x, 1, w.K, dy, w.M, w.g, w.M, STORE, w.g)
    matmul(N, w.M, w.K, dy, w.M, 1, w.wt, w.K, dx, w.K, epilogue, x)


cdef inline void gpt_forward(const Model* m, Activations* a) noexcept nogil:
    """Logits of the batch, with every activation that the backward pass needs."""
    cdef Py_ssize_t N = a.N, Cp = m.Cp, n, j, b, l, t
    cdef long long pairs
    cdef const float* wte = m.embedding.w
    cdef const float* wpe = m.embedding.w + m.V * Cp
    cdef const float* e
    cdef const float* p
    cdef LayerActivations* y
    cdef Layer* w
    for b in range(a.B):
        for n in range(a.start[b], a.start[b + 1]):
            e, p = wte + a.token[n] * Cp, wpe + (n - a.start[b]) * Cp
            for j in range(Cp):
                a.x[n * Cp + j] = e[j] + p[j]
    rmsnorm_forward(a.x0, a.x0_rstd, a.x, N, m.C, Cp)
    memcpy(a.x, a.x0, N * Cp * sizeof(float))
    for l in range(m.L):
        y, w = &a.layer[l], &m.layer[l]
        rmsnorm_forward(y.a, y.a_rstd, a.x, N, m.C, Cp)
        linear(y.qkv, y.a, &w.qkv, N, STORE)
        pairs = 0
        for b in range(a.B):
            n, t = a.start[b], a.start[b + 1] - a.start[b]
            attention_forward(y.o + n * Cp, y.att + pairs * m.H, y.qkv + n * 3 * Cp, t, m.H, m.D, Cp)
            pairs += t * (t + 1) // 2
        linear(a.x, y.o, &w.wo, N, ADD)
        rmsnorm_forward(y.b, y.b_rstd, a.x, N, m.C, Cp)
        linear(y.h, y.b, &w.fc1, N, RELU)
        linear(a.x, y.h, &w.fc2, N, ADD)
    linear(a.logits, a.x, &m.lm_head, N, STORE)


cdef inline double gpt_loss(const Model* m, Activations* a, bint gradient) noexcept nogil:
    """Mean over documents of the mean over positions, in nats; a.logits becomes the logits' gradient."""
    cdef Py_ssize_t b, n, T
    cdef double loss = 0, bits
    cdef float total, weight
    for b in range(a.B):
        T, bits = a.start[b + 1] - a.start[b], 0
        weight = <float>(1.0 / (<double>T * a.B))
        for n in range(a.start[b], a.start[b + 1]):
            bits += cross_entropy_forward(
                a.logits + n * m.Vp, a.target[n], m.V, m.Vp, <float>1.44269504, &total)
            if gradient:
                cross_entropy_backward(a.logits + n * m.Vp, a.target[n], m.Vp, total, weight)
        loss += bits / T
    return loss / a.B * 0.6931471805599453


cdef inline void gpt_backward(Model* m, Activations* a) noexcept nogil:
    """The gradient of every weight, from the gradient of the logits that gpt_loss left."""
    cdef Py_ssize_t N = a.N, Cp = m.Cp, n, j, b, l, t
    cdef long long pairs
    cdef float* dwte = m.embedding.g
    cdef float* dwpe = m.embedding.g + m.V * Cp
    cdef float* de
    cdef float* dp
    cdef LayerActivations* y
    cdef Layer* w
    linear_backward(a.dx, a.logits, a.x, &m.lm_head, N, STORE)
    for l in range(m.L - 1, -1, -1):
        y, w = &a.layer[l], &m.layer[l]
        linear_backward(a.dh, a.dx, y.h, &w.fc2, N, MASK)       # x += fc2(h), h = relu(fc1(b))
        linear_backward(a.dt, a.dh, y.b, &w.fc1, N, STORE)
        rmsnorm_backward(a.dx, a.dt, y.b, y.b_rstd, N, m.C, Cp, True)
        linear_backward(a.dt, a.dx, y.o, &w.wo, N, STORE)       # x += wo(attention(a))
        pairs = 0
        for b in range(a.B):
            n, t = a.start[b], a.start[b + 1] - a.start[b]
            attention_backward(a.dqkv + n * 3 * Cp, a.datt, a.dt + n * Cp, y.att + pairs * m.H,
                               y.qkv + n * 3 * Cp, t, m.H, m.D, Cp)
            pairs += t * (t + 1) // 2
        linear_backward(a.dt, a.dqkv, y.a, &w.qkv, N, STORE)
        rmsnorm_backward(a.dx, a.dt, y.a, y.a_rstd, N, m.C, Cp, True)
    rmsnorm_backward(a.dt, a.dx, a.x0, a.x0_rstd, N, m.C, Cp, False)
    memset(dwte, 0, m.embedding.K * Cp * sizeof(float))
    for b in range(a.B):
        for n in range(a.start[b], a.start[b + 1]):             # x = wte[token] + wpe[position]
            de, dp = dwte + a.token[n] * Cp, dwpe + (n - a.start[b]) * Cp
            for j in range(Cp):
                de[j] += a.dt[n * Cp + j]
                dp[j] += a.dt[n * Cp + j]


cdef inline double matrix_squares(const Matrix* w) noexcept nogil:
    return sum_squares(w.g, w.K * w.M)


cdef inline double gradient_squares(const Model* m) noexcept nogil:
    """The sum of squares of all gradients, in float64; padding adds zeros."""
    cdef double total = matrix_squares(&m.embedding) + matrix_squares(&m.lm_head)
    cdef Py_ssize_t l
    for l in range(m.L):
        total += matrix_squares(&m.layer[l].qkv) + matrix_squares(&m.layer[l].wo)
        total += matrix_squares(&m.layer[l].fc1) + matrix_squares(&m.layer[l].fc2)
    return total


cdef inline void update_matrix(Matrix* w, const AdamStep* step) noexcept nogil:
    adam_update(w.w, w.m, w.v, w.g, w.K * w.M, step)
    if w.wt != NULL:
        transpose(w.wt, w.w, w.K, w.M)


cdef inline void gpt_update(Model* m, const AdamStep* step) noexcept nogil:
    """One Adam step on every weight.  The padding of g, m and v is 0 and keeps w's at 0."""
    cdef Py_ssize_t l
    update_matrix(&m.embedding, step)
    update_matrix(&m.lm_head, step)
    for l in range(m.L):
        update_matrix(&m.layer[l].qkv, step)
        update_matrix(&m.layer[l].wo, step)
        update_matrix(&m.layer[l].fc1, step)
        update_matrix(&m.layer[l].fc2, step)
