"""The update of weight matrices: gradient product, Adam, and the transposed copy, kept together.

On a machine with 32 registers the product of one half tile runs while Adam, which waits for divisions
and roots, updates the half tile before it: neither a gradient buffer nor its time is needed.  Elsewhere
the gradient goes through memory.  Both ways do the same arithmetic on each weight.
"""

from adam cimport AdamStep, adam16
from lanes cimport VL, fma16, load16, mul16, set16, store16, transpose16, v16, zero16
from layout cimport Matrix

cdef enum:
    HALF = 8        # rows of half a 16 x 16 tile

cdef struct Pending:
    float* w                # the half tile whose gradient is in g and whose update is due, or NULL
    float* m
    float* v
    float* tile             # the tile that this completes, or NULL
    float* tile_t           # and where it goes in wt
    float* done             # the tile that was completed before it and is yet to be transposed, or NULL
    float* done_t
    v16 g[HALF]


cdef inline void begin_pending(Pending* q) noexcept nogil:
    q.w = q.tile = q.done = NULL


cdef inline void transpose_done(Pending* q) noexcept nogil:
    """Transpose the tile that was complete before the last update: its divisions have long ended."""
    if q.done != NULL:
        transpose16(q.done_t, q.done)
    q.done, q.done_t = q.tile, q.tile_t


cdef inline void finish_pending(Pending* q, const AdamStep* step) noexcept nogil:
    """All that is due."""
    cdef int r
    if q.w != NULL:
        for r in range(HALF):
            adam16(q.w + 16 * r, q.m + 16 * r, q.v + 16 * r, q.g[r], step)
        transpose_done(q)
        q.tile = NULL
        transpose_done(q)


cdef void product_and_update(
    Matrix* w, const float* x, Py_ssize_t x_row, const float* dy, Py_ssize_t dy_row, Py_ssize_t N,
    const AdamStep* step_, Pending* pending,
) noexcept nogil:
    """dw = x^T dy half a tile at a time, each updated while the next is computed."""
    cdef Py_ssize_t p, k, n, at
    cdef int r, i
    cdef const float* left
    cdef const float* right
    cdef v16 acc[HALF]
    cdef v16 wide
    cdef AdamStep step = step_[0]
    cdef Pending q = pending[0]
    for p in range(w.Mp // 16):
        for k in range(0, w.Kp, 8):     # HALF, which range() wants as a literal
            left, right, n = x + k, dy + 16 * p, 0
            for r in range(HALF):
                acc[r] = zero16()
            if q.w != NULL:
                for r in range(HALF):
                    adam16(q.w + 16 * r, q.m + 16 * r, q.v + 16 * r, q.g[r], &step)
                    if r < N:
                        wide = load16(right)
                        for i in range(HALF):
                            acc[i] = fma16(set16(left[i]), wide, acc[i])
                        left += x_row
                        right += dy_row
                n = min(HALF, N)
                transpose_done(&q)
            while n < N:
                wide = load16(right)
                for i in range(HALF):
                    acc[i] = fma16(set16(left[i]), wide, acc[i])
                left += x_row
                right += dy_row
                n += 1
            for r in range(HALF):
                q.g[r] = acc[r]
            at = (p * w.Kp + k) * 16
            q.w, q.m, q.v, q.tile = w.w + at, w.m + at, w.v + at, NULL
            if k % 16:
                q.tile = w.w + at - 16 * HALF
                q.tile_t = w.wt + (k // 16 * w.Mp + 16 * p) * 16
    pending[0] = q


cdef inline void update_rows(Matrix* w, v16 grad_scale, const AdamStep* step) noexcept nogil:
    """Adam on a matrix whose gradient is in g."""
    cdef Matrix x = w[0]    # a copy, or each weight would wait for its pointers to be read again
    cdef Py_ssize_t i
    cdef AdamStep a = step[0]
    for i in range(0, x.Kp * x.Mp, 16):
        adam16(x.w + i, x.m + i, x.v + i, mul16(load16(x.g + i), grad_scale), &a)


cdef void transpose_matrix(Matrix* w) noexcept nogil:
    """wt from w."""
    cdef Py_ssize_t p, k
    for p in range(w.Mp // 16):
        for k in range(0, w.Kp, 16):
            transpose16(w.wt + (k // 16 * w.Mp + 16 * p) * 16, w.w + (p * w.Kp + k) * 16)


cdef void update_matrix(Matrix* w, v16 grad_scale, const AdamStep* step) noexcept nogil:
    """Adam, and the transposed copy."""
    update_rows(w, grad_scale, step)
    transpose_matrix(w)


cdef void weight_backward(
    Matrix* w, const float* x, Py_ssize_t x_row, const float* dy, Py_ssize_t dy_row, Py_ssize_t N,
    const AdamStep* step, Pending* pending,
) noexcept nogil:
    """dw = x^T dy, from y = x w, into g; or, with a step, straight into the weights."""
    if step == NULL:
        linear_backward_weight(w, x, x_row, dy, dy_row, N)
    elif VL == 16:
        product_and_update(w, x, x_row, dy, dy_row, N, step, pending)
    else:
        linear_backward_weight(w, x, x_row, dy, dy_row, N)
        update_matrix(w, set16(1), step)
