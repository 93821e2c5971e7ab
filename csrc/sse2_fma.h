/* Fused multiply-adds of SSE2, for an x86 before FMA; vec.h includes them.
 *
 * The product of two floats is exact as a double.  Its sum with c is rounded twice, to 53 bits and to the 24 of a
 * float.  That equals one rounding unless the first result lies halfway between two floats.  Then, and wherever
 * denormals are kept (their halves lie elsewhere), the result is in doubt and is made again, rounded to odd: of
 * the two doubles around the exact sum, the one whose last bit is 1.  It is on the same side of every half as
 * the exact sum, so the second rounding is right.
 * Source: Boldo and Melquiond, Emulation of a FMA and Correctly Rounded Sums, IEEE Trans. Computers 57 (2008).
 */

LANE_INLINE __m128d low2(vf a) { return _mm_cvtps_pd((__m128)a); }
LANE_INLINE __m128d high2(vf a) { return _mm_cvtps_pd(_mm_movehl_ps((__m128)a, (__m128)a)); }
LANE_INLINE __m128d load2(const float *p) { return _mm_cvtps_pd((__m128)_mm_loadl_epi64((const __m128i *)p)); }
LANE_INLINE __m128d times_plus(__m128d a, __m128d b, __m128d c) { return _mm_add_pd(_mm_mul_pd(a, b), c); }
LANE_INLINE vf to_floats(__m128d low, __m128d high) {
    return (vf)_mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}

/* -1 in each of four lanes that lies halfway between two floats: the 29 bits that a float drops are 100..0. */
LANE_INLINE __m128i halfway(__m128d low, __m128d high) {
    __m128i dropped = (__m128i)_mm_shuffle_ps((__m128)low, (__m128)high, 0x88);
    return _mm_cmpeq_epi32(_mm_and_si128(dropped, _mm_set1_epi32(0x1fffffff)), _mm_set1_epi32(0x10000000));
}
/* 0 where denormals are flushed, else 2^-134, whose bits are 0x8000. */
LANE_INLINE __m128i denormals_kept(void) {
    __m128 smallest = _mm_set1_ps(FLT_MIN);
    __asm__ volatile("" : "+x"(smallest)); /* or the compiler would multiply, and it flushes nothing */
    return (__m128i)_mm_mul_ps(smallest, _mm_set1_ps(0x1p-8f));
}
LANE_INLINE int in_doubt(__m128i doubt) { return __builtin_expect(_mm_movemask_epi8(doubt), 0); }

/* a b + c to odd.  The error of a sum of doubles is a double (Knuth's TwoSum), and NaN beside infinities. */
LANE_INLINE __m128d times_plus_to_odd(__m128d a, __m128d b, __m128d c) {
    __m128d p = _mm_mul_pd(a, b), s = _mm_add_pd(p, c), of_c = _mm_sub_pd(s, p), zero = _mm_setzero_pd();
    __m128d error = _mm_add_pd(_mm_sub_pd(p, _mm_sub_pd(s, of_c)), _mm_sub_pd(c, of_c));
    __m128i inexact = (__m128i)_mm_or_pd(_mm_cmplt_pd(error, zero), _mm_cmpgt_pd(error, zero));
    __m128i opposed = _mm_srli_epi64(_mm_xor_si128((__m128i)error, (__m128i)s), 63); /* s is too far from 0 */
    __m128i nearer = _mm_sub_epi64((__m128i)s, _mm_and_si128(inexact, opposed));
    return (__m128d)_mm_or_si128(nearer, _mm_srli_epi64(inexact, 63));
}
static __attribute__((noinline, cold)) vf vfma_in_doubt(vf a, vf b, vf c) {
    return to_floats(times_plus_to_odd(low2(a), low2(b), low2(c)),
                     times_plus_to_odd(high2(a), high2(b), high2(c)));
}
LANE_INLINE vf vfma(vf a, vf b, vf c) {
    __m128d low = times_plus(low2(a), low2(b), low2(c)), high = times_plus(high2(a), high2(b), high2(c));
    if (in_doubt(_mm_or_si128(halfway(low, high), denormals_kept()))) return vfma_in_doubt(a, b, c);
    return to_floats(low, high);
}
LANE_INLINE vf vfnma(vf a, vf b, vf c) { return vfma(-a, b, c); }

/* panel16 as in vec.h.  Conversions would cost most of its time.  So both sides are converted once, for a block of k
 * that stays in the cache; sums stay doubles, though rounded to floats at every step; and a whole chain is in doubt
 * or is not. */
enum { K_BLOCK = 64 };

static __attribute__((noinline, cold)) void chain_in_doubt(
    v16 *sum, const float *x, Py_ssize_t x_inner, const float *w, Py_ssize_t w_row, Py_ssize_t n) {
    for (; n > 0; n--, x += x_inner, w += w_row)
        EACH sum->r[i] = vfma(vset(*x), *(const vf *)(w + VL * i), sum->r[i]);
}
/* sum += x[k] w[k], k after k.  Returns 0, and leaves the sum, if there is doubt. */
LANE_INLINE int chain(v16 *sum, const double *x, const __m128d *w, Py_ssize_t n) {
    __m128d low[NV], high[NV];
    __m128i doubt = denormals_kept();
    EACH low[i] = low2(sum->r[i]), high[i] = high2(sum->r[i]);
    for (Py_ssize_t k = 0; k < n; k++, w += 2 * NV) {
        __m128d left = _mm_load1_pd(x + k);
        EACH {
            __m128d a = times_plus(left, w[2 * i], low[i]), b = times_plus(left, w[2 * i + 1], high[i]);
            low[i] = _mm_cvtps_pd(_mm_cvtpd_ps(a));
            high[i] = _mm_cvtps_pd(_mm_cvtpd_ps(b));
            doubt = _mm_or_si128(doubt, halfway(a, b));
            __asm__("" : "+x"(doubt)); /* now, or four registers would keep it for the end of the step */
        }
    }
    if (in_doubt(doubt)) return 0;
    EACH sum->r[i] = to_floats(low[i], high[i]);
    return 1;
}
static inline void panel16(
    v16 *sums, const float *x, Py_ssize_t x_row, Py_ssize_t x_inner, const float *w, Py_ssize_t w_row,
    Py_ssize_t n_rows, Py_ssize_t n_inner) {
    double left[16][K_BLOCK];
    __m128d right[K_BLOCK][2 * NV];
    for (Py_ssize_t r = 0; r < n_rows; r++)
        EACH sums[r].r[i] = (vf){0};
    for (; n_inner > 0; n_inner -= K_BLOCK, x += K_BLOCK * x_inner, w += K_BLOCK * w_row) {
        Py_ssize_t n = n_inner < K_BLOCK ? n_inner : K_BLOCK;
        for (Py_ssize_t k = 0; k < n; k++)
            for (int i = 0; i < 2 * NV; i++) right[k][i] = load2(w + k * w_row + 2 * i);
        for (Py_ssize_t r = 0; r < n_rows; r++)
            for (Py_ssize_t k = 0; k < n; k++) left[r][k] = (double)x[r * x_row + k * x_inner];
        for (Py_ssize_t r = 0; r < n_rows; r++)
            if (!chain(&sums[r], left[r], right[0], n))
                chain_in_doubt(&sums[r], x + r * x_row, x_inner, w, w_row, n);
    }
}
