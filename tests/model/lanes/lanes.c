/* Every operation of csrc/vec.h on fixed inputs, hashed: all machines must print the same lines.
 *
 * Inputs are the numbers where machines differ (NaN, infinities, both zeros, denormals, the ends of each
 * range) and pseudo-random bits; once with denormals as IEEE has them, once flushed as the engine runs.
 * Each operation is also held to a scalar loop that shares nothing with it; the first difference is
 * printed and ends the program with 1.
 *
 * IEEE leaves two things open, and they are taken out: which NaN a NaN is, so all count as one; and,
 * where denormals are flushed, whether a result just below the smallest normal number that rounds up
 * to it is still flushed (ARM) or not (x86), so there the smallest number counts as zero.
 * tests/model/test_lanes.py compiles this for every instruction set, and says how to renew expected.txt.
 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
typedef ptrdiff_t Py_ssize_t; /* the only word of Python in vec.h */
#include "vec.h"

enum { ROUNDS = 4000 };
static const char *mode, *operation;
static uint64_t hash;

static volatile float unit = 1;

/* One rounded operation of the scalar side, which the compiler may neither fold nor vectorise. */
static float ONE(float x) { volatile float y = x; return y; }

static float from_bits(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static int flushed;
static uint32_t to_bits(float x) {
    uint32_t bits, size;
    memcpy(&bits, &x, 4);
    size = bits & 0x7fffffff;
    return size > 0x7f800000 ? 0x7fc00000 : flushed && size == 0x00800000 ? bits ^ size : bits;
}

static uint64_t random_state;
static uint64_t next_random(void) { /* SplitMix64 */
    uint64_t z = (random_state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static const uint32_t SPECIAL[] = {
    0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000,
    0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff,
    0x3f7fffff, 0x3f800001, 0x42fc0000, 0xc2fc0000, 0x3f3504f3, 0x3f3504f2, 0x20000000, 0x1f800000,
};

static float real_of(uint32_t bits) { return (float)((int32_t)bits >> 8) * (1.0f / 2097152.0f); } /* -4 .. 4 */

/* A third special, a third any bits, a third of the size that a network has. */
static float next_float(void) {
    uint64_t r = next_random();
    uint32_t bits = (uint32_t)(r >> 32);
    switch (r % 3) {
    case 0: return from_bits(SPECIAL[bits % (sizeof SPECIAL / sizeof *SPECIAL)]);
    case 1: return from_bits(to_bits(from_bits(bits)));
    default: return real_of(bits);
    }
}
static float next_real(void) { return real_of((uint32_t)(next_random() >> 32)); }

static float a[16] __attribute__((aligned(64))), b[16] __attribute__((aligned(64)));
static float c[16] __attribute__((aligned(64))), expected[16], found[256] __attribute__((aligned(64)));

static void next_inputs(void) {
    for (int i = 0; i < 16; i++) a[i] = next_float(), b[i] = next_float(), c[i] = next_float();
}

static void add_to_hash(const float *x, int n) { /* FNV-1a */
    for (int i = 0; i < n; i++)
        for (int byte = 0; byte < 4; byte++)
            hash = (hash ^ ((to_bits(x[i]) >> (8 * byte)) & 0xff)) * 0x100000001b3;
}

static void compare(int n, const float *truth) {
    for (int i = 0; i < n; i++)
        if (to_bits(found[i]) != to_bits(truth[i])) {
            printf("%s %s lane %d: %08x for %08x of %08x %08x %08x\n", mode, operation, i, to_bits(found[i]),
                   to_bits(truth[i]), to_bits(a[i % 16]), to_bits(b[i % 16]), to_bits(c[i % 16]));
            exit(1);
        }
    add_to_hash(found, n);
}

static float larger(float x, float y) { return x > y ? x : y; }

/* Run an operation ROUNDS times, hold it to `scalar` in each lane i, and print the hash of all. */
#define BEGIN(name) operation = name, hash = 0xcbf29ce484222325, random_state = 1;
#define END printf("%s %s %016llx\n", mode, operation, (unsigned long long)hash);
#define LANES(name, lanes, scalar)                                                                     \
    BEGIN(name) for (int round = 0; round < ROUNDS; round++) {                                         \
        next_inputs();                                                                                 \
        v16 x = load16(a), y = load16(b), z = load16(c);                                               \
        (void)x, (void)y, (void)z;                                                                     \
        store16(found, lanes);                                                                         \
        for (int i = 0; i < 16; i++) expected[i] = scalar;                                             \
        compare(16, expected);                                                                         \
    }                                                                                                  \
    END

static float butterfly_sum(const float *x, int width, int i) {
    float now[16], next[16];
    memcpy(now, x, sizeof now);
    for (int half = width / 2; half; half /= 2) {
        for (int j = 0; j < 16; j++) next[j] = ONE(now[j] + now[j ^ half]);
        memcpy(now, next, sizeof now);
    }
    return now[i];
}
static float butterfly_max(const float *x, int i) {
    float now[16], next[16];
    memcpy(now, x, sizeof now);
    for (int half = 8; half; half /= 2) {
        for (int j = 0; j < 16; j++) next[j] = larger(ONE(now[j] * unit), ONE(now[j ^ half] * unit));
        memcpy(now, next, sizeof now);
    }
    return now[i];
}

static v16 from_mask(uint32_t lanes) {
    for (int i = 0; i < 16; i++) found[i] = (float)(lanes >> i & 1);
    return load16(found);
}
static uint32_t some_lanes(void) { return (to_bits(a[0]) & 0xffff) | 0x8000; }
static int slow_lowest(uint32_t lanes) {
    int i = 0;
    while (!(lanes >> i & 1)) i++;
    return i;
}
static int slow_count(uint32_t lanes) {
    int n = 0;
    for (int i = 0; i < 16; i++) n += lanes >> i & 1;
    return n;
}

/* exp2 and log2 have no scalar twin: held to libm in double within their stated error, then hashed. */
static void approximate(const char *name, v16 (*lanes)(v16), double (*truth)(double), float low, float high,
                        double relative, double absolute) {
    BEGIN(name) for (int round = 0; round < ROUNDS; round++) {
        next_inputs();
        store16(found, lanes(load16(a)));
        for (int i = 0; i < 16; i++) {
            double error = fabs((double)found[i] - truth((double)a[i]));
            if (a[i] >= low && a[i] <= high && !(error <= relative * fabs(truth((double)a[i])) + absolute)) {
                printf("%s %s(%.9g) = %.9g\n", mode, operation, (double)a[i], (double)found[i]);
                exit(1);
            }
            if (isnan(a[i]) && !isnan(found[i])) printf("%s of NaN is a number\n", operation), exit(1);
        }
        add_to_hash(found, 16);
    }
    END
}
static v16 exp2_lanes(v16 x) { return exp2_16(x); }
static v16 log2_lanes(v16 x) { return log2_16(x); }

static void whole_tiles(void) {
    float from[256] __attribute__((aligned(64))), truth[256];
    BEGIN("transpose16") for (int round = 0; round < ROUNDS / 16; round++) {
        for (int i = 0; i < 256; i++) from[i] = next_float();
        for (int i = 0; i < 256; i++) truth[i] = from[i % 16 * 16 + i / 16];
        transpose16(found, from);
        compare(256, truth);
    }
    END
    BEGIN("sum_squares") for (int round = 0; round < ROUNDS / 16; round++) {
        int n = 16 * (round % 16 + 1);
        double lane[16] = {0};
        for (int i = 0; i < n; i++) from[i] = next_float();
        for (int i = 0; i < n; i++) lane[i % 16] += (double)from[i] * (double)from[i];
        for (int half = 8; half; half /= 2)
            for (int i = 0; i < half; i++) lane[i] += lane[i + half];
        double sum = sum_squares(from, n);
        if (sum != lane[0] && (sum == sum || lane[0] == lane[0])) printf("sum_squares\n"), exit(1);
        memcpy(found, &sum, 8);
        add_to_hash(found, sum == sum ? 2 : 0);
    }
    END
}

/* Up to 16 rows, by rows and by columns, of lengths around the 64 that one build takes at a time. */
static void panels(void) {
    enum { MOST = 140 };
    static float x[16 * MOST], w[32 * MOST] __attribute__((aligned(64))), truth[256];
    v16 sums[16];
    BEGIN("panel16") for (int round = 0; round < ROUNDS / 16; round++) {
        int rows = round % 16 + 1, inner = round % MOST + 1, w_row = 16 + 16 * (round % 2);
        int by_columns = round / 16 % 2, x_row = by_columns ? 1 : inner, x_inner = by_columns ? rows : 1;
        for (int i = 0; i < rows * inner; i++) x[i] = next_real();
        for (int i = 0; i < w_row * inner; i++) w[i] = next_real();
        panel16(sums, x, x_row, x_inner, w, w_row, rows, inner);
        for (int r = 0; r < rows; r++) {
            store16(found + 16 * r, sums[r]);
            for (int i = 0; i < 16; i++) {
                float sum = 0;
                for (int k = 0; k < inner; k++) sum = ONE(fmaf(x[r * x_row + k * x_inner], w[k * w_row + i], sum));
                truth[16 * r + i] = sum;
            }
        }
        compare(16 * rows, truth);
    }
    END
}

static void all_operations(void) {
    LANES("load16 store16", x, a[i])
    LANES("set16", set16(ONE(a[3] + 0.0f)), ONE(a[3] + 0.0f)) /* of -0 and denormals set16 may do either */
    LANES("zero16", zero16(), 0.0f)
    LANES("add16", add16(x, y), ONE(a[i] + b[i]))
    LANES("sub16", sub16(x, y), ONE(a[i] - b[i]))
    LANES("mul16", mul16(x, y), ONE(a[i] * b[i]))
    LANES("div16", div16(x, y), ONE(a[i] / b[i]))
    LANES("sqrt16", sqrt16(x), ONE(sqrtf(a[i])))
    LANES("fma16", fma16(x, y, z), ONE(fmaf(a[i], b[i], c[i])))
    LANES("fnma16", fnma16(x, y, z), ONE(fmaf(-a[i], b[i], c[i])))
    /* of results: where denormals are flushed it sees none, and what it would do with one differs */
    v16 one = set16(unit);
    LANES("max16", max16(mul16(x, one), mul16(y, one)), larger(ONE(a[i] * unit), ONE(b[i] * unit)))
    LANES("keep16", keep16(x, y), b[i] > 0 ? a[i] : 0)
    LANES("first16", first16(x, y, round % 17), i < round % 17 ? a[i] : b[i])
    LANES("lane0", set16(ONE(lane0(x) + 0.0f)), ONE(a[0] + 0.0f))
    LANES("above0_16", from_mask(above0_16(y)), b[i] > 0)
    LANES("lowest_lane", set16((float)lowest_lane(some_lanes())), (float)slow_lowest(some_lanes()))
    LANES("count_lanes", set16((float)count_lanes(some_lanes())), (float)slow_count(some_lanes()))
    LANES("sum_groups16 1", sum_groups16(x, 1), a[i])
    LANES("sum_groups16 2", sum_groups16(x, 2), butterfly_sum(a, 2, i))
    LANES("sum_groups16 4", sum_groups16(x, 4), butterfly_sum(a, 4, i))
    LANES("sum_groups16 8", sum_groups16(x, 8), butterfly_sum(a, 8, i))
    LANES("sum_groups16 16", sum_groups16(x, 16), butterfly_sum(a, 16, i))
    LANES("max_lanes16", max_lanes16(mul16(x, one)), butterfly_max(a, i))
    LANES("is_finite", set16((float)is_finite((double)a[5])), (float)(isfinite(a[5]) != 0))
    approximate("exp2_16", exp2_lanes, exp2, -126.0f, 126.0f, 2.3e-7, 0);
    approximate("log2_16", log2_lanes, log2, FLT_MIN, FLT_MAX, 2e-7, 2e-7);
    panels();
    whole_tiles();
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "--supported")) { /* whether this machine can run this build */
#if defined(__AVX512F__)
        return !cpu_has_avx512();
#elif defined(__AVX2__)
        return !cpu_has_avx2();
#else
        return 0;
#endif
    }
    mode = "ieee";
    all_operations();
    mode = "flushed", flushed = 1;
    uint64_t before = flush_denormals();
    all_operations();
    restore_denormals(before);
    mode = "restored", flushed = 0;
    LANES("mul16", mul16(x, y), ONE(a[i] * b[i]))
    return 0;
}
