"""Adam, and the second, transposed copy of the weights that goes with an update."""

from lanes cimport out_t, transpose_4x4
from libc.math cimport sqrtf

ctypedef struct AdamStep:
    float beta1, one_minus_beta1
    float beta2, one_minus_beta2
    float rate          # learning_rate / (1 - beta1^t)
    float root_scale    # 1 / sqrt(1 - beta2^t)
    float eps
    float grad_scale    # below 1 where the gradient is clipped


cdef inline void adam_update(
    out_t w, out_t m, out_t v, const float* g, Py_ssize_t n, const AdamStep* a,
) noexcept nogil:
    """m, v move towards g, g^2; w -= rate m / (sqrt(v) root_scale + eps).  All (n,).  Costs 14 n."""
    cdef Py_ssize_t i
    cdef float grad, mean, square
    cdef float beta1 = a.beta1, one_minus_beta1 = a.one_minus_beta1
    cdef float beta2 = a.beta2, one_minus_beta2 = a.one_minus_beta2
    cdef float rate = a.rate, root_scale = a.root_scale, eps = a.eps, grad_scale = a.grad_scale
    for i in range(n):
        grad = g[i] * grad_scale
        mean = beta1 * m[i] + one_minus_beta1 * grad
        square = beta2 * v[i] + one_minus_beta2 * (grad * grad)
        m[i] = mean
        v[i] = square
        w[i] = w[i] - rate * mean / (sqrtf(square) * root_scale + eps)


cdef inline void transpose(
    float* wt, const float* w, Py_ssize_t K, Py_ssize_t M,
) noexcept nogil:
    """wt[j, k] = w[k, j].  w (K, M), wt (M, K); both sizes are multiples of 16."""
    cdef Py_ssize_t k, j
    for k in range(0, K, 4):
        for j in range(0, M, 4):
            transpose_4x4(w + k * M + j, M, wt + j * K + k, K)
