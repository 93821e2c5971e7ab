"""Adam, sixteen weights at a time."""

from lanes cimport (
    div16, fma16, fnma16, load16, mul16, set16, sqrt16, store16, v16,
)

ctypedef struct AdamStep:
    v16 beta1, one_minus_beta1
    v16 beta2, one_minus_beta2
    v16 rate            # learning_rate / (1 - beta1^t)
    v16 root_scale      # 1 / sqrt(1 - beta2^t)
    v16 eps


cdef inline void adam16(float* w, float* m, float* v, v16 g, const AdamStep* a) noexcept nogil:
    """m, v move towards g, g^2; w -= rate m / (sqrt(v) root_scale + eps).  Costs 14 a weight."""
    cdef v16 mean = fma16(a.beta1, load16(m), mul16(a.one_minus_beta1, g))
    cdef v16 square = fma16(a.beta2, load16(v), mul16(mul16(a.one_minus_beta2, g), g))
    store16(m, mean)
    store16(v, square)
    store16(w, fnma16(a.rate, div16(mean, fma16(sqrt16(square), a.root_scale, a.eps)), load16(w)))
