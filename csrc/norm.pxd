"""RMS normalisation of rows, without gain, eps 1e-5."""

from lanes cimport dot16, out_t
from libc.math cimport sqrtf


cdef inline void rmsnorm_forward(
    out_t y, out_t rstd, const float* x, Py_ssize_t N, Py_ssize_t C, Py_ssize_t Cp,
) noexcept nogil:
    """y[n] = x[n] rstd[n], rstd[n] = 1 / sqrt(mean(x[n]^2) + eps).  x, y (N, Cp); rstd (N,).

    Rows are C long and padded with zeros to Cp.  Costs N (3 C + 3).
    """
    cdef Py_ssize_t n, j
    cdef const float* row
    for n in range(N):
        row = x + n * Cp
        rstd[n] = 1 / sqrtf(dot16(row, row, Cp) / C + <float>1e-5)
        for j in range(Cp):
            y[n * Cp + j] = row[j] * rstd[n]


cdef inline void rmsnorm_backward(
    out_t dx, const float* dy, const float* y, const float* rstd,
    Py_ssize_t N, Py_ssize_t C, Py_ssize_t Cp, bint add,
) noexcept nogil:
    """dx[n] = rstd[n] (dy[n] - y[n] mean(dy[n] y[n])), added to dx if `add`.  All (N, Cp).

    From y = x rstd: d rstd / dx = -rstd^3 x / C, so the mean carries the gradient through rstd.
    """
    cdef Py_ssize_t n, j
    cdef float mean, grad
    for n in range(N):
        mean = dot16(dy + n * Cp, y + n * Cp, Cp) / C
        if add:
            for j in range(Cp):
                grad = rstd[n] * (dy[n * Cp + j] - y[n * Cp + j] * mean)
                dx[n * Cp + j] = dx[n * Cp + j] + grad
        else:
            for j in range(Cp):
                dx[n * Cp + j] = rstd[n] * (dy[n * Cp + j] - y[n * Cp + j] * mean)
