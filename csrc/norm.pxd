"""RMS normalisation of rows, without gain, eps 1e-5."""

from lanes cimport add16, fma16, fnma16, lane0, load16, mul16, set16, store16, sum_groups16, v16, zero16
from libc.math cimport sqrtf


cdef inline float row_dot(const float* x, const float* y, Py_ssize_t Cp) noexcept nogil:
    """x . y over a padded row."""
    cdef v16 total = zero16()
    cdef Py_ssize_t j
    for j in range(0, Cp, 16):
        total = fma16(load16(x + j), load16(y + j), total)
    return lane0(sum_groups16(total, 16))


cdef inline void rmsnorm_forward(
    float* y, float* rstd, const float* x, Py_ssize_t N, Py_ssize_t C, Py_ssize_t Cp, Py_ssize_t row,
) noexcept nogil:
    """y[n] = x[n] rstd[n], rstd[n] = 1 / sqrt(mean(x[n]^2) + eps).  x, y (N, Cp), rows `row` apart.

    Rows are C long and padded with zeros to Cp.  Costs N (3 C + 3).
    """
    cdef Py_ssize_t n, j
    cdef float over_C = 1 / <float>C
    cdef v16 scale
    for n in range(N):
        rstd[n] = 1 / sqrtf(row_dot(x + n * row, x + n * row, Cp) * over_C + <float>1e-5)
        scale = set16(rstd[n])
        for j in range(0, Cp, 16):
            store16(y + n * row + j, mul16(load16(x + n * row + j), scale))


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
