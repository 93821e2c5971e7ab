"""Matrix products, all by one register tile.

A weight matrix is kept twice: w (K, M), input major, and its transpose wt (M, K), both with rows and
columns padded by zeros to multiples of 16.  Then every product broadcasts one number of its left
side and multiplies a vector of its right side by it:

    forward    Y  = X W      left X  (N, K), right w  (K, M)
    backward   dX = dY W^T   left dY (N, M), right wt (M, K)
               dW = X^T dY   left X  (N, K) by columns, right dY (N, M)

Each element is a sum in the order of the inner index, so it depends neither on the tile nor on the
number of rows: one document alone gives the bits that it gives in a batch.
"""

from lanes cimport VL, vf, vkeep_positive, vload, vmuladd, vset, vstore, vzero

cdef enum Epilogue:
    STORE       # y = a
    RELU        # y = a where a > 0, else 0
    ADD         # y = y + a
    MASK        # y = a where gate > 0, else 0: the backward pass of RELU


cdef inline void tile(
    const int R, const int C, Py_ssize_t n_inner,
    const float* x, Py_ssize_t x_row, Py_ssize_t x_inner, const float* w, Py_ssize_t w_row,
    float* y, Py_ssize_t y_row, Epilogue epilogue, const float* gate,
) noexcept nogil:
    """y[r, c] = sum_k x[r, k] w[k, c] for R rows and C vectors; R and C are literals of the caller."""
    cdef vf acc[8][2]
    cdef vf wide[2]
    cdef vf left
    cdef Py_ssize_t k
    cdef int r, c
    cdef float* to
    for r in range(R):
        for c in range(C):
            acc[r][c] = vzero()
    for k in range(n_inner):
        for c in range(C):
            wide[c] = vload(w + k * w_row + c * VL)
        for r in range(R):
            left = vset(x[r * x_row + k * x_inner])
            for c in range(C):
                acc[r][c] = vmuladd(left, wide[c], acc[r][c])
    for r in range(R):
        for c in range(C):
            to = y + r * y_row + c * VL
            if epilogue == STORE:
                vstore(to, acc[r][c])
            elif epilogue == RELU:
                vstore(to, vkeep_positive(acc[r][c], acc[r][c]))
            elif epilogue == ADD:
                vstore(to, vload(to) + acc[r][c])
            else:
                vstore(to, vkeep_positive(acc[r][c], vload(gate + r * y_row + c * VL)))


cdef inline void matmul(
    Py_ssize_t n_rows, Py_ssize_t n_inner, Py_ssize_t n_columns,
    const float* x, Py_ssize_t x_row, Py_ssize_t x_inner, const float* w, Py_ssize_t w_row,
    float* y, Py_ssize_t y_row, Epilogue epilogue, const float* gate,
) noexcept nogil:
    """y[i, j] = sum_k x[i, k] w[k, j], then the epilogue.  n_columns is a multiple of 16.

    x[i, k] lies at x + i x_row + k x_inner, so a transposed left side costs nothing; gate and y share
    their row stride.  Costs n_rows n_columns n_inner multiply-adds.
    """
    cdef Py_ssize_t j = 0, i
    while j < n_columns:
        i = 0
        if n_columns - j >= 2 * VL:
            while n_rows - i >= 6:
                tile(6, 2, n_inner, x + i * x_row, x_row, x_inner, w + j, w_row,
                     y + i * y_row + j, y_row, epilogue, gate + i * y_row + j)
                i += 6
            while n_rows - i >= 3:
                tile(3, 2, n_inner, x + i * x_row, x_row, x_inner, w + j, w_row,
                     y + i * y_row + j, y_row, epilogue, gate + i * y_row + j)
                i += 3
            while i < n_rows:
                tile(1, 2, n_inner, x + i * x_row, x_row, x_inner, w + j, w_row,
                     y + i * y_row + j, y_row, epilogue, gate + i * y_row + j)
                i += 1
            j += 2 * VL
        else:
            while n_rows - i >= 8:
                tile(8, 1, n_inner, x + i * x_row, x_row, x_inner, w + j, w_row,
                     y + i * y_row + j, y_row, epilogue, gate + i * y_row + j)
                i += 8
            while n_rows - i >= 4:
                tile(4, 1, n_inner, x + i * x_row, x_row, x_inner, w + j, w_row,
                     y + i * y_row + j, y_row, epilogue, gate + i * y_row + j)
                i += 4
            while i < n_rows:
                tile(1, 1, n_inner, x + i * x_row, x_row, x_inner, w + j, w_row,
                     y + i * y_row + j, y_row, epilogue, gate + i * y_row + j)
                i += 1
            j += VL
