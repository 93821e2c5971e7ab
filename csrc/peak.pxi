"""A loop of fused multiply-adds alone, in registers: the speed that no kernel can exceed.

Twelve registers of independent sums, since each waits four cycles for its last and two begin in one.
"""

from lanes cimport (
    VL, add16, flush_denormals, fma16, lane0, load16, restore_denormals, set16, sum_groups16, v16,
)


cdef inline float fma_loop(const int n_sums, Py_ssize_t n) noexcept nogil:
    """n times a = a x + y for n_sums sums of sixteen lanes; n_sums is a literal of the caller."""
    cdef v16 a[12]
    cdef v16 x = set16(0.75), y = set16(0.125)
    cdef float start[192]       # all different: of equal sums the compiler would keep one
    cdef int i
    cdef Py_ssize_t k
    for i in range(192):
        start[i] = <float>i
    for i in range(n_sums):
        a[i] = load16(start + 16 * i)
    for k in range(n):
        for i in range(n_sums):
            a[i] = fma16(a[i], x, y)
    for i in range(1, n_sums):
        a[0] = add16(a[0], a[i])
    return lane0(sum_groups16(a[0], 16))


def fma_rounds(Py_ssize_t n) -> tuple:
    """Run n rounds of the loop.  Returns its operations, and its sum so that none is left out."""
    cdef float total
    cdef unsigned long long float_mode
    with nogil:
        float_mode = flush_denormals()
        total = fma_loop(12, n) if VL == 16 else fma_loop(6, n) if VL == 8 else fma_loop(3, n)
        restore_denormals(float_mode)
    return n * (12 * VL) * 2, total
