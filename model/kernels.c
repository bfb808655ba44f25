#include "model/kernels.h"

#include <math.h>

#include "base/hash.h"
#include "model/clones.h"

#define INLINE    static inline __attribute__((always_inline))
#define DOT_PARTS 16 /* partial sums of a dot product, whatever the width of a vector */

/* One column of up to 4 rows. */
INLINE void column(float *c, const float *a, size_t a_row, size_t a_step, const float *b, size_t n,
                   size_t k, size_t rows) {
    float sum[4];
    for (size_t i = 0; i < rows; i++) {
        sum[i] = c[i * n];
    }
    for (size_t l = 0; l < k; l++) {
        float x = b[l * n];
        for (size_t i = 0; i < rows; i++) {
            sum[i] += a[i * a_row + l * a_step] * x;
        }
    }
    for (size_t i = 0; i < rows; i++) {
        c[i * n] = sum[i];
    }
}

/* By halves. */
INLINE float sum_of(float *parts) {
    for (size_t half = DOT_PARTS / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++) {
            parts[i] += parts[i + half];
        }
    }
    return parts[0];
}

#define LANES 4
#define TARGET
#define NAME(x) x##_4
#include "model/kernels_lanes.inc"

#if defined(__x86_64__)
#define LANES   8
#define TARGET  __attribute__((target("avx2")))
#define NAME(x) x##_8
#include "model/kernels_lanes.inc"

#define LANES   16
#define TARGET  __attribute__((target("avx512f")))
#define NAME(x) x##_16
#include "model/kernels_lanes.inc"

#define CALL(NAME, ...)                                                                            \
    (__builtin_cpu_supports("avx512f") ? NAME##_16(__VA_ARGS__)                                    \
     : __builtin_cpu_supports("avx2")  ? NAME##_8(__VA_ARGS__)                                     \
                                       : NAME##_4(__VA_ARGS__))
#else
#define CALL(NAME, ...) NAME##_4(__VA_ARGS__)
#endif

void kernel_product(float *c, const float *a, size_t a_row, size_t a_step, const float *b, size_t m,
                    size_t n, size_t k) {
    CALL(product, c, a, a_row, a_step, b, m, n, k);
}

/* b is one column: no sum at all. */
MODEL_CLONES
static void outer(float *c, const float *a, const float *b, size_t m, size_t n) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            c[i * n + j] += a[i] * b[j];
        }
    }
}

void kernel_product_rows(float *c, const float *a, const float *b, size_t m, size_t n, size_t k) {
    if (k == 1) {
        outer(c, a, b, m, n);
        return;
    }
    CALL(product_rows, c, a, b, m, n, k);
}

/* ---- element by element ---- */

/* Two rounds of murmur3's finalizer, half of the key in each. */
INLINE uint32_t draw(uint32_t low, uint32_t high, uint32_t i) {
    uint32_t x = low + i * UINT32_C(0x9e3779b9);
    for (int round = 0; round < 2; round++) {
        x ^= x >> 16;
        x *= UINT32_C(0x85ebca6b);
        x ^= x >> 13;
        x *= UINT32_C(0xc2b2ae35);
        x ^= x >> 16;
        x ^= round == 0 ? high : 0;
    }
    return x;
}

static uint32_t threshold_of(double rate) {
    return (uint32_t)fmin(rate * 4294967296.0, 4294967295.0);
}

bool kernel_is_dropped(uint64_t key, uint32_t i, double rate) {
    return draw((uint32_t)key, (uint32_t)(key >> 32), i) < threshold_of(rate);
}

MODEL_CLONES
static void dropout(float *y, const float *x, uint32_t low, uint32_t high, uint32_t threshold,
                    float scale, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float kept = draw(low, high, (uint32_t)i) < threshold ? 0 : scale;
        y[i] = kept * x[i];
    }
}

void kernel_dropout(float *y, const float *x, uint64_t key, double rate, size_t n) {
    dropout(y, x, (uint32_t)key, (uint32_t)(key >> 32), threshold_of(rate), (float)(1 / (1 - rate)),
            n);
}

float kernel_uniform(uint64_t seed, uint64_t i) {
    uint64_t bits = hash_combine(hash_combine(seed, UINT64_C(0x696e6974)), i) >> 40;
    return ((float)bits + 0.5F) * 0x1p-23F - 1;
}
