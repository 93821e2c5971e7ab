"""RMS normalisation of rows, without gain, eps 1e-5."""

from lanes cimport (
    add16, div16, fma16, fnma16, lane0, load16, mul16, set16, sqrt16, store16, sum_groups16, v16, zero16,
)
from libc.math cimport sqrtf


cdef inline float row_dot(const float* x, const float* y, Py_ssize_t Cp) noexcept nogil:
    """x . y over a padded row."""
    cdef v16 total = zero16()
    cdef Py_ssize_t j
    for j in range(0, Cp, 16):
        total = fma16(load16(x + j), load16(y + j), total)
    return lane0(sum_groups16(total, 16))


cdef inline void scale_row(float* y, const float* x, float factor, Py_ssize_t Cp) noexcept nogil:
    """y = x factor over a padded row."""
    cdef v16 scale = set16(factor)
    cdef Py_ssize_t j
    for j in range(0, Cp, 16):
        store16(y + j, mul16(load16(x + j), scale))


cdef inline void rmsnorm_forward(
    float* y, float* rstd, const float* x, Py_ssize_t N, Py_ssize_t C, Py_ssize_t Cp, Py_ssize_t row,
) noexcept nogil:
    """y[n] = x[n] rstd[n], rstd[n] = 1 / sqrt(mean(x[n]^2) + eps).  x, y (N, Cp), rows `row` apart.

    Rows are C long and padded with zeros to Cp.  Costs N (3 C + 3).  Sixteen rows share a square
    root and a division; the few that are left do not wait for each other.
    """
    cdef Py_ssize_t n, i, whole = N // 16 * 16
    cdef float over_C = 1 / <float>C
    for n in range(0, whole, 16):
        for i in range(n, n + 16):
            rstd[i] = row_dot(x + i * row, x + i * row, Cp)
        store16(rstd + n, div16(set16(1), sqrt16(add16(mul16(load16(rstd + n), set16(over_C)),
                                                       set16(<float>1e-5)))))
        for i in range(n, n + 16):
            scale_row(y + i * row, x + i * row, rstd[i], Cp)
    for n in range(whole, N):
        rstd[n] = 1 / sqrtf(row_dot(x + n * row, x + n * row, Cp) * over_C + <float>1e-5)
        scale_row(y + n * row, x + n * row, rstd[n], Cp)


cdef inline void rmsnorm_backward(
    float* dx, const float* dy, const float* y, const float* rstd,
    Py_ssize_t N, Py_ssize_t C, Py_ssize_t Cp, Py_ssize_t row, bint add,
) noexcept nogil:
    """dx[n] = rstd[n] (dy[n] - y[n] mean(dy[n] y[n])), added to dx if `add`.

    From y = x rstd: d rstd / dx = -rstd^3 x / C, so the mean carries the gradient through rstd.
    """
    cdef Py_ssize_t n, j
    cdef float over_C = 1 / <float>C
    cdef v16 mean, scale, grad
    for n in range(N):
        mean = set16(row_dot(dy + n * row, y + n * row, Cp) * over_C)
        scale = set16(rstd[n])
        for j in range(0, Cp, 16):
            grad = mul16(scale, fnma16(load16(y + n * row + j), mean, load16(dy + n * row + j)))
            if add:
                grad = add16(load16(dx + n * row + j), grad)
            store16(dx + n * row + j, grad)
