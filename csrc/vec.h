/* The lane layer: everything of the engine that is C.
 *
 * A `vf` holds VL floats: 16, 8 or 4, whatever the build's instruction set has in one register.
 * Sums run in LANES = 16 virtual lanes whatever VL is, and are folded as a butterfly, so that every
 * build adds in the same order; with contraction off (-ffp-contract=off) all builds give the same
 * bits.  exp2 and log2 are polynomials of IEEE operations: no libm decides a result.
 */
#pragma once
#include <float.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define VL 16
#elif defined(__AVX2__)
#define VL 8
#else
#define VL 4
#endif
#define LANES 16

#define LANE_INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(VL * 4), may_alias));
typedef int32_t vi __attribute__((vector_size(VL * 4), may_alias));
typedef float *__restrict__ out_t; /* written, and overlapping no other argument */

LANE_INLINE vf vload(const float *p) { return *(const vf *)p; }
LANE_INLINE void vstore(float *p, vf a) { *(vf *)p = a; }
LANE_INLINE vf vset(float x) { return (vf){0} + x; }
LANE_INLINE vf vzero(void) { return (vf){0}; }

/* a b + c, rounded twice: the one place to change when every build has fused multiply-add. */
LANE_INLINE vf vmuladd(vf a, vf b, vf c) { return a * b + c; }

/* a where gate > 0, else 0.  vkeep_positive(a, a) is ReLU; a NaN gate gives 0, a NaN a stays. */
LANE_INLINE vf vkeep_positive(vf a, vf gate) { return (vf)((vi)a & (vi)(gate > vzero())); }

/* Sum of 16 virtual lanes, as a butterfly. */
LANE_INLINE float fold16(float *lane) {
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

/* x . y over n floats, n a multiple of 16. */
LANE_INLINE float dot16(const float *x, const float *y, Py_ssize_t n) {
    vf acc[LANES / VL];
    float lane[LANES] __attribute__((aligned(64)));
    for (int a = 0; a < LANES / VL; a++) acc[a] = vzero();
    for (Py_ssize_t i = 0; i < n; i += LANES)
        for (int a = 0; a < LANES / VL; a++)
            acc[a] = vmuladd(vload(x + i + a * VL), vload(y + i + a * VL), acc[a]);
    for (int a = 0; a < LANES / VL; a++) vstore(lane + a * VL, acc[a]);
    return fold16(lane);
}

/* Sum of n floats, n a multiple of 16. */
LANE_INLINE float sum16(const float *x, Py_ssize_t n) {
    float lane[LANES] __attribute__((aligned(64)));
    for (int a = 0; a < LANES; a++) lane[a] = 0.0f;
    for (Py_ssize_t i = 0; i < n; i += LANES)
        for (int a = 0; a < LANES; a++) lane[a] += x[i + a];
    return fold16(lane);
}

/* Sum of squares of n floats in float64, n a multiple of 16. */
LANE_INLINE double sum_squares(const float *x, Py_ssize_t n) {
    double lane[LANES] = {0};
    for (Py_ssize_t i = 0; i < n; i += LANES)
        for (int a = 0; a < LANES; a++) lane[a] += (double)x[i + a] * (double)x[i + a];
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

LANE_INLINE int32_t float_bits(float x) { int32_t i; memcpy(&i, &x, 4); return i; }
LANE_INLINE float bits_float(int32_t i) { float x; memcpy(&x, &i, 4); return x; }

/* 2^x, relative error below 2e-7, for x <= 127; below -126 it is 2^-126, and NaN stays NaN.
 * 2^x = 2^n e^(r ln 2) with n the nearest integer, read off the low bits of x + 1.5 * 2^23. */
LANE_INLINE float exp2_lane(float x) {
    const float magic = 12582912.0f;
    x = x < -126.0f ? -126.0f : x;
    float shifted = x + magic;
    float r = x - (shifted - magic);
    float p = 1.5403530e-4f; /* ln(2)^k / k! for k = 6 .. 1 */
    p = p * r + 1.3333558e-3f;
    p = p * r + 9.6181291e-3f;
    p = p * r + 5.5504109e-2f;
    p = p * r + 2.4022651e-1f;
    p = p * r + 6.9314718e-1f;
    p = p * r + 1.0f;
    return bits_float(float_bits(p) + (int32_t)((uint32_t)float_bits(shifted) << 23));
}

/* log2(x), absolute error below 2e-7 near 1 and relative elsewhere, for normal x > 0; NaN stays NaN.
 * x = m 2^e with m in [sqrt(1/2), sqrt(2)); log2(m) = 2 atanh(s) / ln 2 with s = (m - 1)/(m + 1). */
LANE_INLINE float log2_lane(float x) {
    int32_t e = (float_bits(x) - 0x3f3504f3) >> 23;
    float m = bits_float(float_bits(x) - (int32_t)((uint32_t)e << 23));
    float s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
    float p = 1.0f / 9.0f;
    p = p * s2 + 1.0f / 7.0f;
    p = p * s2 + 1.0f / 5.0f;
    p = p * s2 + 1.0f / 3.0f;
    p = p * s2 + 1.0f;
    float y = (float)e + 2.88539008f * (s * p);
    return x <= FLT_MAX ? y : x; /* inf and NaN pass through */
}

LANE_INLINE int is_finite(double x) { return x - x == 0.0; }

/* Moments of silent parameters decay into denormals, a hundred times slower than other numbers: they
 * are flushed to zero.  The returned word restores the caller's rounding mode. */
#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
static inline uint64_t flush_denormals(void) {
    uint64_t before = _mm_getcsr();
    _mm_setcsr((unsigned)before | 0x8040u);
    return before;
}
static inline void restore_denormals(uint64_t before) { _mm_setcsr((unsigned)before); }
#elif defined(__aarch64__)
static inline uint64_t flush_denormals(void) {
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | (1ull << 24)));
    return before;
}
static inline void restore_denormals(uint64_t before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#else
static inline uint64_t flush_denormals(void) { return 0; }
static inline void restore_denormals(uint64_t before) { (void)before; }
#endif

/* Transpose a 4 x 4 tile of floats: to[j][i] = from[i][j]. */
typedef float v4 __attribute__((vector_size(16), may_alias));
LANE_INLINE void transpose_4x4(const float *from, Py_ssize_t from_row, float *to, Py_ssize_t to_row) {
    v4 a = *(const v4 *)from, b = *(const v4 *)(from + from_row);
    v4 c = *(const v4 *)(from + 2 * from_row), d = *(const v4 *)(from + 3 * from_row);
    v4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    v4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(v4 *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(v4 *)(to + to_row) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(v4 *)(to + 2 * to_row) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(v4 *)(to + 3 * to_row) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* Which builds this machine can run. */
#if defined(__x86_64__) || defined(__i386__)
static inline int cpu_has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static inline int cpu_has_avx512(void) {
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#else
static inline int cpu_has_avx2(void) { return 0; }
static inline int cpu_has_avx512(void) { return 0; }
#endif
