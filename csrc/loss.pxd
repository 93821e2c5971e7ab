"""Softmax cross-entropy over rows of logits."""

from lanes cimport (
    add16, exp2_16, first16, fnma16, lane0, load16, log2_16, max16, max_lanes16, mul16, set16, store16,
    sub16, sum_groups16, v16, zero16,
)
from libc.stdint cimport int32_t


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


cdef inline void cross_entropy_forward(
    float* z, float* total, float* z_target, const int32_t* target, Py_ssize_t N, Py_ssize_t V,
    Py_ssize_t Vp, Py_ssize_t row, float scale,
) noexcept nogil:
    """-log2 softmax(z scale)[target] of every row, in bits, into z_target (N, padded to 16).

    z (N, V), rows `row` apart, becomes the exponentials and total (N,) their sums.  Costs 4 V a row of the
    definition: V subtractions, V exps, V - 1 adds, V divisions and a log.
    """
    cdef Py_ssize_t n
    cdef v16 top, rate = set16(scale)
    for n in range(N):
        z_target[n] = z[n * row + target[n]]
        total[n] = lane0(softmax_row(z + n * row, V, Vp, scale, &top))
        z_target[n] = z_target[n] - lane0(top)
    for n in range(0, N, 16):
        store16(z_target + n, fnma16(load16(z_target + n), rate, log2_16(load16(total + n))))


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
