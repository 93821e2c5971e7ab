"""Softmax cross-entropy over rows of logits."""

from lanes cimport exp2_lane, log2_lane, sum16


cdef inline float softmax_row(
    float* z, Py_ssize_t V, Py_ssize_t Vp, float scale, float* top_out,
) noexcept nogil:
    """z[j] = exp2((z[j] - max z) scale) for j < V, 0 for the padding up to Vp; returns the sum.

    With scale = log2(e) / temperature this is softmax at that temperature, before the division.
    """
    cdef Py_ssize_t j
    cdef float top = z[0]
    for j in range(1, V):
        top = z[j] if z[j] > top else top
    for j in range(Vp):
        z[j] = exp2_lane((z[j] - top) * scale)
    for j in range(V, Vp):
        z[j] = 0
    top_out[0] = top
    return sum16(z, Vp)


cdef inline double cross_entropy_forward(
    float* z, int target, Py_ssize_t V, Py_ssize_t Vp, float scale, float* total,
) noexcept nogil:
    """Return -log2 softmax(z scale)[target] in bits; z becomes the exponentials, `total` their sum.

    Costs 4 V of the definition: V subtractions, V exps, V - 1 adds, V divisions and a log.
    """
    cdef float top, z_target = z[target]
    total[0] = softmax_row(z, V, Vp, scale, &top)
    return <double>log2_lane(total[0]) - <double>((z_target - top) * scale)


cdef inline void cross_entropy_backward(
    float* dz, int target, Py_ssize_t Vp, float total, float weight,
) noexcept nogil:
    """dz = (softmax - onehot(target)) weight, from the exponentials that the forward pass left in dz.

    weight is 1 / (T B): the mean over T positions, then over B documents.  Costs 1 + V.
    """
    cdef Py_ssize_t j
    cdef float inverse = weight / total
    for j in range(Vp):
        dz[j] = dz[j] * inverse
    dz[target] = dz[target] - weight
