"""The lane layer of vec.h as Cython sees it.  A `v16` is sixteen floats in registers."""

cdef extern from "vec.h" nogil:
    const int VL
    const int FUSED     # whether a multiply-add is an instruction
    ctypedef struct v16:
        pass
    ctypedef float* out_t
    v16 load16(const float* p)
    void store16(float* p, v16 a)
    v16 set16(float x)
    v16 zero16()
    v16 add16(v16 a, v16 b)
    v16 sub16(v16 a, v16 b)
    v16 mul16(v16 a, v16 b)
    v16 div16(v16 a, v16 b)
    v16 sqrt16(v16 a)
    v16 fma16(v16 a, v16 b, v16 c)          # a b + c
    v16 fnma16(v16 a, v16 b, v16 c)         # c - a b
    v16 max16(v16 a, v16 b)
    v16 keep16(v16 a, v16 gate)             # a where gate > 0, else 0
    v16 first16(v16 a, v16 b, int n)        # n lanes of a, then b
    float lane0(v16 a)
    unsigned int above0_16(v16 a)           # the lanes above 0, a bit each
    int lowest_lane(unsigned int lanes)
    int count_lanes(unsigned int lanes)
    v16 sum_groups16(v16 a, int width)
    v16 max_lanes16(v16 a)
    void panel16(                           # sums[r] = sum over k of x[r, k] w[k], for up to 16 rows
        v16* sums, const float* x, Py_ssize_t x_row, Py_ssize_t x_inner,
        const float* w, Py_ssize_t w_row, Py_ssize_t n_rows, Py_ssize_t n_inner)
    v16 exp2_16(v16 x)
    v16 log2_16(v16 x)
    double sum_squares(const float* x, Py_ssize_t n)
    void transpose16(float* to, const float* x)
    void prefetch(const void* p)
    bint is_finite(double x)
    unsigned long long flush_denormals()
    void restore_denormals(unsigned long long before)
    bint cpu_has_avx2()
    bint cpu_has_avx512()
