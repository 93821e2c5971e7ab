/* The multiply-adds of csrc/vec.h where rounding is hardest, held to arithmetic in whole numbers.
 *
 *     hard N      N cases of each kind, once with denormals as IEEE has them, once flushed as the engine runs
 *
 * A line for each kind says how many cases would be wrong if the sum were rounded first to a double and then to
 * a float: it tells how hard they are.  The first difference is printed and ends the program with 1.
 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
typedef ptrdiff_t Py_ssize_t; /* the only word of Python in vec.h */
#include "vec.h"

enum { NAN_BITS = 0x7fc00000, INF_BITS = 0x7f800000, SIGN = (int)0x80000000 };
static const char *mode;
static int flushed;

static float from_bits(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static uint32_t to_bits(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }
static int is_nan(uint32_t x) { return (x & 0x7fffffff) > INF_BITS; }

/* ---- the truth ------------------------------------------------------------------------------------- */

typedef unsigned __int128 u128;
typedef struct { uint64_t digits; int exponent; } Number; /* digits 2^exponent, sign apart */

static Number parts(uint32_t x) {
    int exponent = x >> 23 & 255;
    if (exponent == 0) return (Number){flushed ? 0 : x & 0x7fffff, -149};
    return (Number){(x & 0x7fffff) | 0x800000, exponent - 150};
}
/* The float nearest to sum 2^exponent, to even where two are.  Flushed, a number that is still below 2^-126
 * when it is rounded to 24 bits becomes 0. */
static uint32_t nearest(uint32_t sign, u128 sum, int exponent) {
    int n = 0, drop;
    double value;
    uint64_t bits;
    while (n < 128 && sum >> n) n++;
    drop = n - 24;
    if (!flushed && drop < -149 - exponent) drop = -149 - exponent;
    if (drop > n) return sign;
    if (drop > 0) {
        u128 rest = sum & (((u128)1 << drop) - 1), half = (u128)1 << (drop - 1);
        sum >>= drop, exponent += drop;
        sum += rest > half || (rest == half && (sum & 1));
    }
    value = ldexp((double)(uint64_t)sum, exponent);
    memcpy(&bits, &value, 8);
    if (value >= 0x1p128) return sign | INF_BITS;
    if (value < 0x1p-126) return flushed ? sign : sign | (uint32_t)(value * 0x1p149);
    return sign | (uint32_t)((bits >> 29) - (896u << 23));
}
static uint32_t exact(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t sign = (a ^ b) & SIGN, sign_c = c & SIGN;
    Number x = parts(a), y = parts(b), z = parts(c);
    int infinite = (a & INF_BITS) == INF_BITS || (b & INF_BITS) == INF_BITS, gap, exponent;
    u128 p = (u128)x.digits * y.digits, q = z.digits;
    if (is_nan(a) || is_nan(b) || is_nan(c) || (infinite && p == 0)) return NAN_BITS;
    if (infinite) return (c & INF_BITS) == INF_BITS && sign != sign_c ? NAN_BITS : sign | INF_BITS;
    if ((c & INF_BITS) == INF_BITS) return c;
    if (p == 0 && q == 0) return sign & sign_c;
    if (p == 0) return c;
    exponent = x.exponent + y.exponent, gap = exponent - z.exponent;
    if (q == 0) return nearest(sign, p, exponent);
    /* far below the other, only on which side it lies counts */
    if (gap > 60) p <<= 64, q = 1, exponent -= 64;
    else if (gap < -60) p = 1, q <<= 64, exponent = z.exponent - 64;
    else if (gap > 0) p <<= gap, exponent = z.exponent;
    else q <<= -gap;
    if (sign == sign_c) return nearest(sign, p + q, exponent);
    if (p == q) return 0;
    return p > q ? nearest(sign, p - q, exponent) : nearest(sign_c, q - p, exponent);
}

/* ---- the cases ------------------------------------------------------------------------------------- */

static uint64_t random_state = 1;
static uint64_t next_random(void) { /* SplitMix64 */
    uint64_t z = (random_state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}
static int below(int n) { return (int)((next_random() >> 33) % (unsigned)n); }
/* Of either sign and this size (a denormal below 2^-126), with n random bits behind the first. */
static float any(int exponent, int n) {
    uint32_t r = (uint32_t)next_random(), e = exponent < -126 ? 0 : (uint32_t)(exponent + 127);
    return from_bits((r & SIGN) | e << 23 | (r & 0x7fffff) >> (23 - n) << (23 - n));
}
/* The last bit of a float is worth twice this. */
static float half_of_last(float x) { return from_bits(to_bits(x) & INF_BITS) * 0x1p-24f; }
static float step(float x, int ulps) { return from_bits(to_bits(x) + (uint32_t)ulps); }
static float either(float x) { return next_random() & 1 ? x : -x; }

typedef struct { float a, b, c; } Case;

/* a b = size, but for the last bits of a product. */
static Case split(float size) {
    float a = any(below(20) - 10, 23);
    return (Case){a, step(size / a, below(5) - 2), 0};
}
static Case any_bits(void) {
    return (Case){from_bits((uint32_t)next_random()), from_bits((uint32_t)next_random()),
                  from_bits((uint32_t)next_random())};
}
static Case as_in_a_network(void) {
    return (Case){any(below(16) - 12, 23), any(below(16) - 12, 23), any(below(16) - 12, 23)};
}
static Case few_bits(void) {
    return (Case){any(below(40) - 20, below(16)), any(below(40) - 20, below(16)), any(below(60) - 30, below(24))};
}
static Case half_an_ulp(void) { /* or 3, 5, 7 halves */
    float sum = any(below(180) - 80, below(24));
    Case x = split(either(half_of_last(sum) * (float)(2 * below(4) + 1)));
    x.c = sum;
    return x;
}
static Case cancelling(void) {
    Case x = {any(below(16) - 8, below(24)), any(below(16) - 8, 23), 0};
    x.c = step(-(x.a * x.b), below(9) - 4);
    return x;
}
static Case beside_a_power(int exponent, float sum) { /* a b is nearly 2^exponent */
    int half = exponent / 2 + below(30) - 15;
    return (Case){step(any(half, 0), below(9) - 4), step(any(exponent - half, 0), below(9) - 4), sum};
}
static Case around_the_smallest(void) {
    int above = below(8);
    return below(4) ? beside_a_power(above - 150, any(above - 126, below(24)))
                    : beside_a_power(above - 129, either(0));
}
static Case half_a_denormal(void) {
    return beside_a_power(-150, either(from_bits((uint32_t)below(0x800000))));
}
static Case around_the_largest(void) {
    Case x = split(either(ldexpf((float)(below(4) + 1), 102)));
    x.c = either(step(FLT_MAX, -below(4)));
    return x;
}
static Case special(void) {
    static const uint32_t SPECIAL[] = {0, 1, 2, 0x7fffff, 0x800000, 0x800001, 0xffffff, 0x33800000, 0x3f7fffff,
                                       0x3f800000, 0x3f800001, 0x4b800000, 0x7f7fffff, INF_BITS, NAN_BITS};
    float x[3];
    for (int i = 0; i < 3; i++)
        x[i] = below(4) ? either(from_bits(SPECIAL[below(sizeof SPECIAL / sizeof *SPECIAL)])) : any(0, below(24));
    return (Case){x[0], x[1], x[2]};
}

/* ---- held against each other ----------------------------------------------------------------------- */

static float a[16] __attribute__((aligned(64))), b[16] __attribute__((aligned(64)));
static float c[16] __attribute__((aligned(64))), found[16] __attribute__((aligned(64)));

static int twice_is_wrong(float x, float y, float z, uint32_t truth) {
    return !is_nan(truth) && to_bits((float)((double)x * (double)y + (double)z)) != truth;
}
static void compare(const char *what, int lane, uint32_t truth) {
    uint32_t bits = to_bits(found[lane]);
    if (bits == truth || (is_nan(bits) && is_nan(truth))) return;
    printf("%s %s: %08x for %08x of %a %a %a\n", mode, what, bits, truth, a[lane], b[lane], c[lane]);
    exit(1);
}
static void report(const char *what, long n, long n_hard) {
    printf("%s %s: %ld cases, %ld of them wrong if rounded twice\n", mode, what, n, n_hard);
}
static void run(const char *kind, Case (*next)(void), long n) {
    long n_hard = 0;
    for (long i = 0; i < n; i += 16) {
        uint32_t truth[16];
        for (int lane = 0; lane < 16; lane++) {
            Case x = next();
            a[lane] = x.a, b[lane] = x.b, c[lane] = x.c;
            truth[lane] = exact(to_bits(x.a), to_bits(x.b), to_bits(x.c));
            n_hard += twice_is_wrong(x.a, x.b, x.c, truth[lane]);
        }
        store16(found, fma16(load16(a), load16(b), load16(c)));
        for (int lane = 0; lane < 16; lane++) compare(kind, lane, truth[lane]);
        for (int lane = 0; lane < 16; lane++) a[lane] = -a[lane];
        store16(found, fnma16(load16(a), load16(b), load16(c)));
        for (int lane = 0; lane < 16; lane++) compare(kind, lane, truth[lane]);
    }
    report(kind, (n + 15) / 16 * 16, n_hard);
}

/* Products of up to 16 rows; of the first one most steps add half an ulp of the sum, or nearly. */
static void panels(long n) {
    enum { MOST = 150 };
    static float x[16 * MOST], w[32 * MOST] __attribute__((aligned(64)));
    v16 sums[16];
    long n_hard = 0, n_done = 0;
    while (n_done < n) {
        int rows = 1 + below(16), inner = 1 + below(MOST), by_columns = below(2), w_row = 16 + 16 * below(2);
        int x_row = by_columns ? 1 : inner, x_inner = by_columns ? rows : 1;
        for (int i = 0; i < rows * inner; i++) x[i] = any(below(6) - 3, 23);
        for (int lane = 0; lane < 16; lane++) {
            uint32_t sum = 0;
            for (int k = 0; k < inner; k++) {
                float left = x[k * x_inner], now = from_bits(sum), half = half_of_last(now);
                float *right = &w[k * w_row + lane];
                *right = k % 4 && half > 0x1p-60f ? step(either(half / left), below(5) - 2) : any(below(6) - 3, 23);
                sum = exact(to_bits(left), to_bits(*right), sum);
                n_hard += twice_is_wrong(left, *right, now, sum);
            }
        }
        panel16(sums, x, x_row, x_inner, w, w_row, rows, inner);
        for (int r = 0; r < rows; r++) {
            store16(found, sums[r]);
            for (int lane = 0; lane < 16; lane++) {
                uint32_t sum = 0;
                for (int k = 0; k < inner; k++)
                    sum = exact(to_bits(x[r * x_row + k * x_inner]), to_bits(w[k * w_row + lane]), sum);
                compare("panel16", lane, sum);
            }
        }
        n_done += 16l * rows * inner;
    }
    report("panel16", n_done, n_hard);
}

int main(int argc, char **argv) {
    long n = argc > 1 ? atol(argv[1]) : 1000000;
    for (flushed = 0; flushed < 2; flushed++) {
        uint64_t before = flushed ? flush_denormals() : 0;
        mode = flushed ? "flushed" : "ieee";
        run("any bits", any_bits, n);
        run("as in a network", as_in_a_network, n);
        run("few bits", few_bits, n);
        run("half an ulp", half_an_ulp, n);
        run("cancelling", cancelling, n);
        run("around the smallest", around_the_smallest, n);
        run("half a denormal", half_a_denormal, n);
        run("around the largest", around_the_largest, n);
        run("special", special, n);
        panels(n);
        if (flushed) restore_denormals(before);
    }
    return 0;
}
