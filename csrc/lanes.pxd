"""The lane layer of vec.h as Cython sees it.  `vf` is VL floats; Cython only passes it through."""

cdef extern from "vec.h" nogil:
    const int VL
    const int LANES
    ctypedef float vf
    ctypedef float* out_t
    vf vload(const float* p)
    void vstore(float* p, vf a)
    vf vset(float x)
    vf vzero()
    vf vmuladd(vf a, vf b, vf c)
    vf vkeep_positive(vf a, vf gate)
    float dot16(const float* x, const float* y, Py_ssize_t n)
    float sum16(const float* x, Py_ssize_t n)
    double sum_squares(const float* x, Py_ssize_t n)
    float exp2_lane(float x)
    float log2_lane(float x)
    bint is_finite(double x)
    unsigned long long flush_denormals()
    void restore_denormals(unsigned long long before)
    void transpose_4x4(const float* a, Py_ssize_t a_row, float* b, Py_ssize_t b_row)
    bint cpu_has_avx2()
    bint cpu_has_avx512()
