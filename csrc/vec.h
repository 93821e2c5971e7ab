/* The lane layer: everything of the engine that is C.
 *
 * The engine thinks in v16, sixteen float lanes, whatever the machine has: one register of AVX-512, two of
 * AVX2, four of NEON or SSE.  Every operation below is exact IEEE, lane by lane, multiply-add is fused on
 * every machine, and sums over lanes are folded as one butterfly, so all builds give the same bits
 * (-ffp-contract=off).  exp2 and log2 are polynomials: no libm decides a result.
 */
#pragma once
#include <float.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#ifndef __SSE2_MATH__
#error "the x87 does not round to floats: for a 32-bit x86, add -msse2 -mfpmath=sse"
#endif
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
#define VL 16
#elif defined(__AVX2__) && defined(__FMA__)
#define VL 8
#else
#define VL 4
#endif
#define NV (16 / VL)
#if VL == 4 && defined(__SSE2_MATH__)
#define FUSED 0 /* x86 before FMA: sse2_fma.h makes a multiply-add of what there is */
#else
#define FUSED 1
#endif

#define LANE_INLINE static inline __attribute__((always_inline))
#define EACH _Pragma("GCC unroll 4") for (int i = 0; i < NV; i++)

typedef float vf __attribute__((vector_size(VL * 4), may_alias));
typedef int32_t vi __attribute__((vector_size(VL * 4), may_alias));
typedef uint32_t vu __attribute__((vector_size(VL * 4), may_alias)); /* bits to add to: it may wrap */
typedef int32_t v4i __attribute__((vector_size(16)));
typedef struct { vf r[NV]; } v16;
typedef float *__restrict__ out_t; /* written, and overlapping no other argument */

#ifdef __clang__
#define shuffle4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else /* every gcc, where clang's own came with 12 */
#define shuffle4(a, b, i, j, k, l) __builtin_shuffle(a, b, (v4i){i, j, k, l})
#endif

/* ---- one table per instruction set: fused multiply-add, square root, and a swap of lanes by 1, 2, 4 .. */

#if VL == 16
LANE_INLINE vf vset(float x) { return (vf)_mm512_set1_ps(x); }
LANE_INLINE vf vfma(vf a, vf b, vf c) { return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
LANE_INLINE vf vfnma(vf a, vf b, vf c) { return (vf)_mm512_fnmadd_ps((__m512)a, (__m512)b, (__m512)c); }
LANE_INLINE vf vsqrt(vf a) { return (vf)_mm512_sqrt_ps((__m512)a); }
LANE_INLINE vf vmax(vf a, vf b) { return (vf)_mm512_max_ps((__m512)a, (__m512)b); }
LANE_INLINE vf vkeep(vf a, vf gate) {
    __mmask16 above = _mm512_cmp_ps_mask((__m512)gate, _mm512_setzero_ps(), _CMP_GT_OQ);
    return (vf)_mm512_maskz_mov_ps(above, (__m512)a);
}
LANE_INLINE v16 swap8(v16 a) { a.r[0] = (vf)_mm512_shuffle_f32x4((__m512)a.r[0], (__m512)a.r[0], 0x4e); return a; }
LANE_INLINE v16 swap4(v16 a) { a.r[0] = (vf)_mm512_shuffle_f32x4((__m512)a.r[0], (__m512)a.r[0], 0xb1); return a; }
LANE_INLINE vf vswap2(vf a) { return (vf)_mm512_permute_ps((__m512)a, 0x4e); }
LANE_INLINE vf vswap1(vf a) { return (vf)_mm512_permute_ps((__m512)a, 0xb1); }
#elif VL == 8
LANE_INLINE vf vset(float x) { return (vf)_mm256_set1_ps(x); }
LANE_INLINE vf vfma(vf a, vf b, vf c) { return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
LANE_INLINE vf vfnma(vf a, vf b, vf c) { return (vf)_mm256_fnmadd_ps((__m256)a, (__m256)b, (__m256)c); }
LANE_INLINE vf vsqrt(vf a) { return (vf)_mm256_sqrt_ps((__m256)a); }
LANE_INLINE vf vmax(vf a, vf b) { return (vf)_mm256_max_ps((__m256)a, (__m256)b); }
LANE_INLINE vf vkeep(vf a, vf gate) {
    return (vf)_mm256_and_ps((__m256)a, _mm256_cmp_ps((__m256)gate, _mm256_setzero_ps(), _CMP_GT_OQ));
}
LANE_INLINE v16 swap8(v16 a) { return (v16){{a.r[1], a.r[0]}}; }
LANE_INLINE v16 swap4(v16 a) {
    EACH a.r[i] = (vf)_mm256_permute2f128_ps((__m256)a.r[i], (__m256)a.r[i], 1);
    return a;
}
LANE_INLINE vf vswap2(vf a) { return (vf)_mm256_permute_ps((__m256)a, 0x4e); }
LANE_INLINE vf vswap1(vf a) { return (vf)_mm256_permute_ps((__m256)a, 0xb1); }
#else
LANE_INLINE vf vset(float x) { return (vf){x, x, x, x}; }
#if defined(__aarch64__)
LANE_INLINE vf vfma(vf a, vf b, vf c) { return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
LANE_INLINE vf vfnma(vf a, vf b, vf c) { return (vf)vfmsq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
LANE_INLINE vf vsqrt(vf a) { return (vf)vsqrtq_f32((float32x4_t)a); }
#elif !FUSED
LANE_INLINE vf vsqrt(vf a) { return (vf)_mm_sqrt_ps((__m128)a); }
#include "sse2_fma.h"
#else /* by instructions that the compiler knows, or by libm's fmaf, which is exact by definition */
LANE_INLINE vf vfma(vf a, vf b, vf c) {
    for (int i = 0; i < 4; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
}
LANE_INLINE vf vfnma(vf a, vf b, vf c) { return vfma(-a, b, c); }
LANE_INLINE vf vsqrt(vf a) {
    for (int i = 0; i < 4; i++) a[i] = __builtin_sqrtf(a[i]);
    return a;
}
#endif
LANE_INLINE vf vmax(vf a, vf b) { vi above = a > b; return (vf)(((vi)a & above) | ((vi)b & ~above)); }
LANE_INLINE vf vkeep(vf a, vf gate) { return (vf)((vi)a & (vi)(gate > (vf){0})); }
LANE_INLINE v16 swap8(v16 a) { return (v16){{a.r[2], a.r[3], a.r[0], a.r[1]}}; }
LANE_INLINE v16 swap4(v16 a) { return (v16){{a.r[1], a.r[0], a.r[3], a.r[2]}}; }
LANE_INLINE vf vswap2(vf a) { return shuffle4(a, a, 2, 3, 0, 1); }
LANE_INLINE vf vswap1(vf a) { return shuffle4(a, a, 1, 0, 3, 2); }
#endif

/* ---- sixteen lanes ------------------------------------------------------------------------------- */

LANE_INLINE v16 load16(const float *p) { v16 a; EACH a.r[i] = *(const vf *)(p + i * VL); return a; }
LANE_INLINE void store16(float *p, v16 a) { EACH *(vf *)(p + i * VL) = a.r[i]; }
LANE_INLINE v16 set16(float x) { v16 a; EACH a.r[i] = vset(x); return a; }
LANE_INLINE v16 zero16(void) { v16 a; EACH a.r[i] = (vf){0}; return a; }
LANE_INLINE v16 add16(v16 a, v16 b) { EACH a.r[i] = a.r[i] + b.r[i]; return a; }
LANE_INLINE v16 sub16(v16 a, v16 b) { EACH a.r[i] = a.r[i] - b.r[i]; return a; }
LANE_INLINE v16 mul16(v16 a, v16 b) { EACH a.r[i] = a.r[i] * b.r[i]; return a; }
LANE_INLINE v16 div16(v16 a, v16 b) { EACH a.r[i] = a.r[i] / b.r[i]; return a; }
LANE_INLINE v16 sqrt16(v16 a) { EACH a.r[i] = vsqrt(a.r[i]); return a; }
LANE_INLINE v16 fma16(v16 a, v16 b, v16 c) { EACH c.r[i] = vfma(a.r[i], b.r[i], c.r[i]); return c; }
LANE_INLINE v16 fnma16(v16 a, v16 b, v16 c) { EACH c.r[i] = vfnma(a.r[i], b.r[i], c.r[i]); return c; }
#if FUSED /* else it is in sse2_fma.h */
/* sums[r] = sum over k of x[r, k] w[k], for up to 16 rows: each a chain of fma16, in the order of k. */
static inline void panel16(
    v16 *sums, const float *x, Py_ssize_t x_row, Py_ssize_t x_inner, const float *w, Py_ssize_t w_row,
    Py_ssize_t n_rows, Py_ssize_t n_inner) {
    for (Py_ssize_t r = 0; r < n_rows; r++) sums[r] = zero16();
    for (Py_ssize_t r = 0; r < n_rows; r++)
        for (Py_ssize_t k = 0; k < n_inner; k++)
            sums[r] = fma16(set16(x[r * x_row + k * x_inner]), load16(w + k * w_row), sums[r]);
}
#endif
/* a > b ? a : b, so b where either is NaN */
LANE_INLINE v16 max16(v16 a, v16 b) { EACH a.r[i] = vmax(a.r[i], b.r[i]); return a; }
/* a where gate > 0, else 0: ReLU with itself as the gate, its derivative with the output as the gate */
LANE_INLINE v16 keep16(v16 a, v16 gate) { EACH a.r[i] = vkeep(a.r[i], gate.r[i]); return a; }
/* lanes 0 .. n - 1 of a, the others of b */
LANE_INLINE v16 first16(v16 a, v16 b, int n) {
    int32_t lane[16] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    EACH {
        vi keep = *(vi *)(lane + i * VL) < n;
        a.r[i] = (vf)(((vi)a.r[i] & keep) | ((vi)b.r[i] & ~keep));
    }
    return a;
}
LANE_INLINE float lane0(v16 a) { return a.r[0][0]; }
/* the lanes that are above 0, a bit each; and the lowest of some, and how many they are */
LANE_INLINE uint32_t above0_16(v16 a) {
#if VL == 16
    return _mm512_cmp_ps_mask((__m512)a.r[0], _mm512_setzero_ps(), _CMP_GT_OQ);
#elif VL == 8
    uint32_t low = (uint32_t)_mm256_movemask_ps((__m256)(a.r[0] > (vf){0}));
    return low | (uint32_t)_mm256_movemask_ps((__m256)(a.r[1] > (vf){0})) << 8;
#else
    uint32_t lanes = 0;
    for (int i = 0; i < 16; i++) lanes |= (uint32_t)(a.r[i / VL][i % VL] > 0) << i;
    return lanes;
#endif
}
LANE_INLINE int lowest_lane(uint32_t lanes) { return __builtin_ctz(lanes); }
LANE_INLINE int count_lanes(uint32_t lanes) { return __builtin_popcount(lanes); }

/* Sum over each group of `width` lanes (1, 2, 4, 8 or 16), in every lane of the group: a butterfly. */
LANE_INLINE v16 sum_groups16(v16 a, int width) {
    if (width >= 16) a = add16(a, swap8(a));
    if (width >= 8) a = add16(a, swap4(a));
    if (width >= 4) EACH a.r[i] = a.r[i] + vswap2(a.r[i]);
    if (width >= 2) EACH a.r[i] = a.r[i] + vswap1(a.r[i]);
    return a;
}
LANE_INLINE v16 max_lanes16(v16 a) {
    a = max16(a, swap8(a));
    a = max16(a, swap4(a));
    EACH a.r[i] = vmax(a.r[i], vswap2(a.r[i]));
    EACH a.r[i] = vmax(a.r[i], vswap1(a.r[i]));
    return a;
}

/* 2^x for |x| <= 126, relative error below 2.3e-7; NaN stays NaN.
 * 2^x = 2^n e^(r ln 2) with n the nearest integer, read off the low bits of x + 1.5 * 2^23. */
LANE_INLINE v16 exp2_16(v16 x) {
    v16 magic = set16(12582912.0f), shifted = add16(x, magic), r = sub16(x, sub16(shifted, magic));
    v16 p = set16(1.5403530e-4f); /* ln(2)^k / k!, k = 6 .. 0 */
    p = fma16(p, r, set16(1.3333558e-3f));
    p = fma16(p, r, set16(9.6181291e-3f));
    p = fma16(p, r, set16(5.5504109e-2f));
    p = fma16(p, r, set16(2.4022651e-1f));
    p = fma16(p, r, set16(6.9314718e-1f));
    p = fma16(p, r, set16(1.0f));
    EACH x.r[i] = (vf)((vu)p.r[i] + ((vu)shifted.r[i] << 23));
    return x;
}

/* log2(x) for normal x > 0, absolute error below 2e-7 near 1 and relative elsewhere; inf and NaN stay.
 * x = m 2^e with m in [sqrt(1/2), sqrt(2)); log2(m) = 2 atanh(s) / ln 2 with s = (m - 1)/(m + 1). */
LANE_INLINE v16 log2_16(v16 x) {
    EACH {
        vi e = (vi)((vu)x.r[i] - 0x3f3504f3) >> 23, over = ~(x.r[i] <= vset(FLT_MAX));
        vf m = (vf)((vu)x.r[i] - ((vu)e << 23)), one = vset(1.0f);
        vf s = (m - one) / (m + one), s2 = s * s, p = vset(1.0f / 9.0f);
        p = vfma(p, s2, vset(1.0f / 7.0f));
        p = vfma(p, s2, vset(1.0f / 5.0f));
        p = vfma(p, s2, vset(1.0f / 3.0f));
        p = vfma(p, s2, one);
        vf y = vfma(vset(2.88539008f), s * p, __builtin_convertvector(e, vf));
        x.r[i] = (vf)(((vi)y & ~over) | ((vi)x.r[i] & over));
    }
    return x;
}

/* Sum of squares of n floats in float64, n a multiple of 16. */
LANE_INLINE double sum_squares(const float *x, Py_ssize_t n) {
    double lane[16] = {0};
    for (Py_ssize_t i = 0; i < n; i += 16)
        for (int a = 0; a < 16; a++) lane[a] += (double)x[i + a] * (double)x[i + a];
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

/* Transpose a 16 x 16 tile of floats: to[16 j + i] = from[16 i + j].  Moves bits only. */
#if VL == 16
LANE_INLINE void transpose16(float *to, const float *from) {
    __m512 u[16]; /* u[4 g + j], quarter q: column 4 q + j of rows 4 g .. 4 g + 3 */
    _Pragma("GCC unroll 4") for (int g = 0; g < 4; g++) {
        const __m512 *x = (const __m512 *)from + 4 * g;
        __m512d low = (__m512d)_mm512_unpacklo_ps(x[0], x[1]), high = (__m512d)_mm512_unpackhi_ps(x[0], x[1]);
        __m512d low2 = (__m512d)_mm512_unpacklo_ps(x[2], x[3]), high2 = (__m512d)_mm512_unpackhi_ps(x[2], x[3]);
        u[4 * g] = (__m512)_mm512_unpacklo_pd(low, low2);
        u[4 * g + 1] = (__m512)_mm512_unpackhi_pd(low, low2);
        u[4 * g + 2] = (__m512)_mm512_unpacklo_pd(high, high2);
        u[4 * g + 3] = (__m512)_mm512_unpackhi_pd(high, high2);
    }
    _Pragma("GCC unroll 4") for (int j = 0; j < 4; j++) {
        __m512 even = _mm512_shuffle_f32x4(u[j], u[4 + j], 0x88), odd = _mm512_shuffle_f32x4(u[j], u[4 + j], 0xdd);
        __m512 even2 = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0x88), odd2 = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0xdd);
        _mm512_store_ps(to + 16 * j, _mm512_shuffle_f32x4(even, even2, 0x88));
        _mm512_store_ps(to + 16 * (j + 4), _mm512_shuffle_f32x4(odd, odd2, 0x88));
        _mm512_store_ps(to + 16 * (j + 8), _mm512_shuffle_f32x4(even, even2, 0xdd));
        _mm512_store_ps(to + 16 * (j + 12), _mm512_shuffle_f32x4(odd, odd2, 0xdd));
    }
}
#elif VL == 8
LANE_INLINE void transpose16(float *to, const float *from) {
    _Pragma("GCC unroll 4") for (int block = 0; block < 4; block++) { /* 8 x 8 */
        const float *x = from + 128 * (block / 2) + 8 * (block % 2);
        float *y = to + 128 * (block % 2) + 8 * (block / 2);
        __m256 u[8]; /* u[4 g + j], half h: column 4 h + j of rows 4 g .. 4 g + 3 */
        _Pragma("GCC unroll 2") for (int g = 0; g < 2; g++) {
            __m256 a = _mm256_load_ps(x + 64 * g), b = _mm256_load_ps(x + 64 * g + 16);
            __m256 c = _mm256_load_ps(x + 64 * g + 32), d = _mm256_load_ps(x + 64 * g + 48);
            __m256d low = (__m256d)_mm256_unpacklo_ps(a, b), high = (__m256d)_mm256_unpackhi_ps(a, b);
            __m256d low2 = (__m256d)_mm256_unpacklo_ps(c, d), high2 = (__m256d)_mm256_unpackhi_ps(c, d);
            u[4 * g] = (__m256)_mm256_unpacklo_pd(low, low2);
            u[4 * g + 1] = (__m256)_mm256_unpackhi_pd(low, low2);
            u[4 * g + 2] = (__m256)_mm256_unpacklo_pd(high, high2);
            u[4 * g + 3] = (__m256)_mm256_unpackhi_pd(high, high2);
        }
        _Pragma("GCC unroll 4") for (int j = 0; j < 4; j++) {
            _mm256_store_ps(y + 16 * j, _mm256_permute2f128_ps(u[j], u[4 + j], 0x20));
            _mm256_store_ps(y + 16 * (j + 4), _mm256_permute2f128_ps(u[j], u[4 + j], 0x31));
        }
    }
}
#else
LANE_INLINE void transpose16(float *to, const float *from) {
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 16; j += 4) {
            const vf *x = (const vf *)(from + 16 * i + j);
            vf low = shuffle4(x[0], x[4], 0, 4, 1, 5), high = shuffle4(x[0], x[4], 2, 6, 3, 7);
            vf low2 = shuffle4(x[8], x[12], 0, 4, 1, 5), high2 = shuffle4(x[8], x[12], 2, 6, 3, 7);
            vf *y = (vf *)(to + 16 * j + i);
            y[0] = shuffle4(low, low2, 0, 1, 4, 5);
            y[4] = shuffle4(low, low2, 2, 3, 6, 7);
            y[8] = shuffle4(high, high2, 0, 1, 4, 5);
            y[12] = shuffle4(high, high2, 2, 3, 6, 7);
        }
}
#endif

/* Ask for the memory at p ahead of its use. */
LANE_INLINE void prefetch(const void *p) { __builtin_prefetch(p); }

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

/* Which builds this machine can run. */
#if defined(_MSC_VER) && defined(__x86_64__)
/* clang-cl links no runtime that knows the processor: ask it, and which registers the system saves. */
static inline int cpu_has(unsigned registers, unsigned features) {
    unsigned a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if ((c & 0x18001000u) != 0x18001000u) return 0; /* FMA, AVX, and XGETBV may be asked */
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    if ((a & registers) != registers) return 0;
    a = 7, c = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (b & features) == features;
}
static inline int cpu_has_avx2(void) { return cpu_has(0x06u, 0x00000020u); }
static inline int cpu_has_avx512(void) { return cpu_has(0xe6u, 0xc0030020u); } /* F DQ BW VL, AVX2 */
#elif defined(__x86_64__) || defined(__i386__)
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
