"""Attention within a long document, head by head, as matrix products.

Pair by pair, as attention.pxd has it, costs least for a name; from some tens of positions on, sixteen keys
of one query beside each other cost far less:

    forward    S = Q K^T,  P = softmax(S scale),  O = P V
    backward   dP = dO V^T,  dS = P (dP - dO O) scale,  dQ = dS K,  dK = dS^T Q,  dV = P^T dO

P and dS (T, T padded to 16) are kept by rows; a block of 16 queries ends with the block of keys on the
diagonal, and what a query must not see is 0.  The heads of one panel of 16 columns are added up, each
with the columns of the others zeroed.
"""

from lanes cimport div16, first16, load16, mul16, set16, store16, sub16, transpose16, v16, zero16
from layout cimport Activations, LayerActivations, Model, pad16
from libc.math cimport sqrtf
from loss cimport softmax_row
from norm cimport row_dot


cdef inline bint is_long(const Model* m, Py_ssize_t T) noexcept nogil:
    """Whether a document of T positions is attended this way.  (H T T fits in att from Dp = 4 on.)"""
    return T >= m.long_from


cdef inline void transpose_columns(
    float* xt, float* tile, const float* x, Py_ssize_t row, Py_ssize_t T, Py_ssize_t A,
) noexcept nogil:
    """xt (A, T padded) from x (T, A), rows `row` apart; tile (512,) is scratch."""
    cdef Py_ssize_t Tp = pad16(T), t, a, i
    for t in range(0, T, 16):
        for a in range(0, A, 16):
            for i in range(16):
                store16(tile + 16 * i, load16(x + (t + i) * row + a) if t + i < T else zero16())
            transpose16(tile + 256, tile)
            for i in range(16):
                store16(xt + (a + i) * Tp + t, load16(tile + 256 + 16 * i))


cdef inline const float* of_head(
    float* copy, const Model* m, Py_ssize_t head, const float* x, Py_ssize_t row, Py_ssize_t T,
    Py_ssize_t* of_row,
) noexcept nogil:
    """The panels that hold a head's columns of x (T, A), the other heads' columns zeroed: in copy
    (T, 16) where it shares a panel; of_row is the stride of what is returned.
    """
    cdef Py_ssize_t first = head * m.Dp % 16, t
    cdef v16 columns
    x += head * m.Dp - first
    of_row[0] = row
    if m.Dp >= 16:
        return x
    for t in range(T):
        columns = first16(zero16(), load16(x + t * row), <int>first)
        store16(copy + 16 * t, first16(columns, zero16(), <int>(first + m.Dp)))
    of_row[0] = 16
    return copy


cdef inline void head_product(
    const Model* m, Py_ssize_t head, float* y, Py_ssize_t y_row, const float* x, Py_ssize_t x_row,
    Py_ssize_t x_inner, const float* w, Py_ssize_t w_row, Py_ssize_t n_inner, Py_ssize_t n_rows,
) noexcept nogil:
    """y = x w in the panels of a head; y starts at column 0 of all heads."""
    cdef Py_ssize_t first = head * m.Dp % 16
    cdef Product p
    y += head * m.Dp - first
    p = Product(n_inner, x, x_row, x_inner, w, w_row, 16, y, y_row, 16, y, ADD if first else STORE)
    multiply(&p, n_rows, m.Dp // 16 if m.Dp >= 16 else 1)


cdef inline void pair_product(
    float* s, const float* x, Py_ssize_t x_row, const float* wt, Py_ssize_t Tp, Py_ssize_t D,
    Py_ssize_t n_rows, Py_ssize_t n_keys,
) noexcept nogil:
    """s (n_rows, n_keys padded) = x wt, from x (n_rows, D) and wt (D, Tp)."""
    cdef Product p = Product(D, x, x_row, 1, wt, Tp, 16, s, Tp, 16, s, STORE)
    multiply(&p, n_rows, n_keys // 16)


cdef void long_forward(
    const Model* m, const Activations* a, LayerActivations* y, Py_ssize_t n, Py_ssize_t T, float* att,
) noexcept nogil:
    """o of the document whose T rows begin at n; att becomes P of every head, (H, T, T padded)."""
    cdef Py_ssize_t Tp = pad16(T), head, t, t0, n_rows, j, v_row
    cdef const float* q = y.qkv + n * m.q_row
    cdef const float* v
    cdef float* p
    cdef float scale = <float>1.44269504 / sqrtf(<float>m.D)
    cdef v16 share, top
    transpose_columns(a.transposed, a.tile, q + m.A, m.q_row, T, m.A)
    for head in range(m.H):
        p = att + head * T * Tp
        v = of_head(a.narrow, m, head, q + 2 * m.A, m.q_row, T, &v_row)
        for t0 in range(0, T, 16):
            n_rows = min(<Py_ssize_t>16, T - t0)
            pair_product(p + t0 * Tp, q + t0 * m.q_row + head * m.Dp, m.q_row,
                         a.transposed + head * m.Dp * Tp, Tp, m.D, n_rows, t0 + 16)
            for t in range(t0, t0 + n_rows):
                share = div16(set16(1), softmax_row(p + t * Tp, t + 1, t0 + 16, scale, &top))
                for j in range(0, t0 + 16, 16):
                    store16(p + t * Tp + j, mul16(load16(p + t * Tp + j), share))
            head_product(m, head, y.o + (n + t0) * m.a_row, m.a_row, p + t0 * Tp, Tp, 1, v, v_row,
                         t0 + n_rows, n_rows)


cdef void long_backward(
    const Model* m, const Activations* a, LayerActivations* y, Py_ssize_t n, Py_ssize_t T, const float* att,
) noexcept nogil:
    """dqkv of that document, all written, from the gradient of o, which is in dt."""
    cdef Py_ssize_t Tp = pad16(T), head, t, t0, n_rows, j, k_row, q_row, do_row
    cdef Py_ssize_t width = m.Dp if m.Dp >= 16 else 16, panel
    cdef const float* q = y.qkv + n * m.q_row
    cdef const float* do = a.dt + n * m.a_row
    cdef float* dq = a.dqkv + n * m.q_row
    cdef float* dk = dq + m.A
    cdef float* dv = dk + m.A
    cdef float* ds = a.pairs
    cdef const float* p
    cdef const float* of_q
    cdef const float* of_k
    cdef const float* of_do
    cdef v16 scale = set16(1 / sqrtf(<float>m.D)), mean
    transpose_columns(a.transposed, a.tile, q + 2 * m.A, m.q_row, T, m.A)
    for head in range(m.H):
        p = att + head * T * Tp
        panel = head * m.Dp // 16 * 16
        of_k = of_head(a.narrow, m, head, q + m.A, m.q_row, T, &k_row)
        of_q = of_head(a.narrow + 16 * Tp, m, head, q, m.q_row, T, &q_row)
        of_do = of_head(a.narrow + 32 * Tp, m, head, do, m.a_row, T, &do_row)
        for t0 in range(0, T, 16):
            n_rows = min(<Py_ssize_t>16, T - t0)
            pair_product(ds + t0 * Tp, do + t0 * m.a_row + head * m.Dp, m.a_row,
                         a.transposed + head * m.Dp * Tp, Tp, m.D, n_rows, t0 + 16)
            for t in range(t0, t0 + n_rows):
                mean = set16(row_dot(of_do + t * do_row, y.o + (n + t) * m.a_row + panel, width))
                for j in range(0, t0 + 16, 16):
                    store16(ds + t * Tp + j, mul16(mul16(load16(p + t * Tp + j), scale),
                                                   sub16(load16(ds + t * Tp + j), mean)))
            head_product(m, head, dq + t0 * m.q_row, m.q_row, ds + t0 * Tp, Tp, 1, of_k, k_row,
                         t0 + n_rows, n_rows)
        for t0 in range(0, T, 16):      # of keys: the queries from t0 on see them
            n_rows = min(<Py_ssize_t>16, T - t0)
            j = t0 * Tp + t0
            head_product(m, head, dk + t0 * m.q_row, m.q_row, ds + j, 1, Tp, of_q + t0 * q_row, q_row,
                         T - t0, n_rows)
            head_product(m, head, dv + t0 * m.q_row, m.q_row, p + j, 1, Tp, of_do + t0 * do_row, do_row,
                         T - t0, n_rows)
