"""Softmax cross-entropy over rows of logits."""

from lanes cimport (
    add16, exp2_16, first16, lane0, load16, log2_16, max16, max_lanes16, mul16, set16, store16,
    sub16, sum_groups16, v16, zero16,
)


cdef inline v16 softmax_row(float* z, Py_ssize_t V, Py_ssize_t Vp, float scale, v16* top) noexcept nogil:
    """z[j] = exp2((z[j] - max z) scale) for j < V, 0 in the padding; returns the sum, in every lane.

    With scale = log2(e) / temperature this is softmax at that temperature, before the division.
    """
    cdef Py_ssize_t j, last = Vp - 16
    cdef int left = <int>(V - last)
    cdef v16 total = zero16(), rate = set16(scale), low = set16(<float>-126), e
    top[0] = first16(load16(z + last), set16(<float>-3e38), left)
    for j in range(0, last, 16):
        top[0] = max16(load16(z + j), top[0])
    top[0] = max_lanes16(top[0])
    for j in range(0, Vp, 16):
        e = exp2_16(max16(low, mul16(sub16(load16(z + j), top[0]), rate)))
        if j == last:
            e = first16(e, zero16(), left)
        store16(z + j, e)
        total = add16(total, e)
    return sum_groups16(total, 16)


cdef inline double cross_entropy_forward(
    float* z, int target, Py_ssize_t V, Py_ssize_t Vp, float scale, float* total,
) noexcept nogil:
    """Return -log2 softmax(z scale)[target] in bits; z becomes the exponentials, `total` their sum.

    Costs 4 V of the definition: V subtractions, V exps, V - 1 adds, V divisions and a log.
    """
    cdef float z_target = z[target]
    cdef v16 top, sum_e = softmax_row(z, V, Vp, scale, &top)
    total[0] = lane0(sum_e)
    return <double>lane0(log2_16(sum_e)) - <double>((z_target - lane0(top)) * scale)


cdef inline void cross_entropy_backward(
    float* dz, int target, Py_ssize_t Vp, float total, float weight,
) noexcept nogil:
    """dz = (softmax - onehot(target)) weight, from the exponentials that the forward pass left in dz.

    weight is 1 / (T B): the mean over T positions, then over B documents.  Costs 1 + V.
    """
    cdef Py_ssize_t j
    cdef v16 share = set16(weight / total)
    for j in range(0, Vp, 16):
        store16(dz + j, mul16(load16(dz + j), share))
    dz[target] = dz[target] - weight
