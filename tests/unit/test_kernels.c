/* Each kernel against its plain twin, on shapes around the sizes of its blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/rng.h"
#include "model/kernels.h"
#include "model/kernels_blas.h"

#define SIZE_MAX_OF_TEST 140

typedef void product(float *c, const float *a, size_t a_row, size_t a_step, const float *b,
                     size_t m, size_t n, size_t k);
typedef void product_rows(float *c, const float *a, const float *b, size_t m, size_t n, size_t k);

static float *numbers(struct rng *rng, size_t count) {
    float *out = memory_new(count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)(2 * rng_unit(rng) - 1);
    }
    return out;
}

/* In double; a(i, l) as kernel_product has it, b(l, j) = b[l * b_row + j * b_step]. */
static void check(const float *c, const float *before, const float *a, size_t a_row, size_t a_step,
                  const float *b, size_t b_row, size_t b_step, size_t m, size_t n, size_t k) {
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = (double)before[i * n + j], size = 1 + fabs(sum);
            for (size_t l = 0; l < k; l++) {
                double part = (double)a[i * a_row + l * a_step] * (double)b[l * b_row + j * b_step];
                sum += part;
                size += fabs(part);
            }
            assert_true(fabs((double)c[i * n + j] - sum) <= 1e-6 * size);
        }
    }
}

/* times: NULL = c += a b' alone. */
static void one_shape(struct rng *rng, product *times, product_rows *times_rows, size_t m, size_t n,
                      size_t k) {
    float *a = numbers(rng, m * k), *b = numbers(rng, k * n), *c = numbers(rng, m * n);
    float *before = memory_new(m * n + 1, sizeof *before);
    memcpy(before, c, m * n * sizeof *c);
    if (times) {
        times(c, a, k, 1, b, m, n, k);
        check(c, before, a, k, 1, b, n, 1, m, n, k);
        memcpy(c, before, m * n * sizeof *c);
        times(c, a, 1, m, b, m, n, k); /* a' */
        check(c, before, a, 1, m, b, n, 1, m, n, k);
        memcpy(c, before, m * n * sizeof *c);
    }
    times_rows(c, a, b, m, n, k); /* b' */
    check(c, before, a, k, 1, b, 1, k, m, n, k);
    free(a);
    free(b);
    free(c);
    free(before);
}

static void shapes(product *times, product_rows *times_rows) {
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 129};
    struct rng rng = rng_make(3, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            one_shape(&rng, times, times_rows, sizes[i], sizes[j],
                      (size_t)rng_below(&rng, SIZE_MAX_OF_TEST));
            one_shape(&rng, times, times_rows, sizes[i], sizes[j], 0);
            one_shape(&rng, times, times_rows, sizes[i], sizes[j], 1);
        }
    }
}

static void own_products_agree_with_naive_ones(void **state) {
    (void)state;
    shapes(kernel_product, kernel_product_rows);
}

/* Releases of it had wrong results for k = 0 and on some CPUs. */
static void openblas_agrees_with_naive_products(void **state) {
    (void)state;
    kernel_blas_start();
    shapes(NULL, kernel_blas_product_rows);
}

static void a_row_has_the_same_bits_alone_and_in_a_batch(void **state) {
    (void)state;
    struct rng rng = rng_make(4, 0);
    for (size_t m = 1; m <= 9; m++) {
        size_t n = 1 + rng_below(&rng, SIZE_MAX_OF_TEST), k = 1 + rng_below(&rng, 70);
        float *a = numbers(&rng, m * k), *b = numbers(&rng, k * n);
        float *all = memory_new(m * n, sizeof *all), *one = memory_new(m * n, sizeof *one);
        kernel_product(all, a, k, 1, b, m, n, k);
        for (size_t i = 0; i < m; i++) {
            kernel_product(one + i * n, a + i * k, k, 1, b, 1, n, k);
        }
        assert_memory_equal(all, one, m * n * sizeof *all);
        /* The order is the one that is promised: plain loops give these very bits. */
        memset(one, 0, m * n * sizeof *one);
        for (size_t i = 0; i < m; i++) {
            for (size_t l = 0; l < k; l++) {
                for (size_t j = 0; j < n; j++) {
                    one[i * n + j] += a[i * k + l] * b[l * n + j];
                }
            }
        }
        assert_memory_equal(all, one, m * n * sizeof *all);
        free(a);
        free(b);
        free(all);
        free(one);
    }
}

static void poison_is_not_hidden(void **state) {
    (void)state;
    float a[40] = {0}, b[40 * 20] = {0};
    for (size_t at = 0; at < 40; at += 13) {
        float c[20] = {0};
        a[at] = NAN;
        kernel_product(c, a, 40, 1, b, 1, 20, 40);
        assert_true(isnan(c[0]) && isnan(c[19]));
        memset(c, 0, sizeof c);
        kernel_product_rows(c, a, b, 1, 20, 40);
        assert_true(isnan(c[0]) && isnan(c[19]));
        a[at] = 0;
    }
}

static void a_mask_is_a_function_of_its_key(void **state) {
    (void)state;
    enum { N = 1000 };
    float ones[N], y[N], again[N];
    size_t dropped = 0, same = 0, pairs = 0;
    for (size_t i = 0; i < N; i++) {
        ones[i] = 1;
    }
    for (uint64_t key = 1; key <= 100; key++) {
        kernel_dropout(y, ones, key << 32 | key, 0.2, N);
        kernel_dropout(again, ones, (key + 1) << 32 | (key + 1), 0.2, N);
        for (uint32_t i = 0; i < N; i++) {
            assert_true(y[i] == 0 || y[i] == 1.25F);
            assert_int_equal(y[i] == 0, kernel_is_dropped(key << 32 | key, i, 0.2));
            dropped += y[i] == 0;
            same += y[i] == 0 && again[i] == 0;
            pairs += i > 0 && y[i] == 0 && y[i - 1] == 0;
        }
    }
    /* 100,000 draws: sd 126 of 20,000, and 62 of 4,000 */
    assert_in_range(dropped, 20000 - 500, 20000 + 500);
    assert_in_range(same, 4000 - 250, 4000 + 250);
    assert_in_range(pairs, 4000 - 250, 4000 + 250);
    kernel_dropout(again, ones, UINT64_C(100) << 32 | 100, 0.2, N);
    assert_memory_equal(y, again, sizeof y);
    kernel_dropout(y, ones, 7, 0, N);
    assert_memory_equal(y, ones, sizeof y);
}

static void initial_numbers_are_uniform(void **state) {
    (void)state;
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        double x = (double)kernel_uniform(3, i);
        assert_true(x > -1 && x < 1);
        sum += x;
        squares += x * x;
    }
    assert_true(fabs(sum) < 4 * sqrt(100000 / 3.0));
    assert_true(fabs(squares / 100000 - 1 / 3.0) < 0.005);
    assert_true(kernel_uniform(3, 1) != kernel_uniform(4, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_products_agree_with_naive_ones),
        cmocka_unit_test(openblas_agrees_with_naive_products),
        cmocka_unit_test(a_row_has_the_same_bits_alone_and_in_a_batch),
        cmocka_unit_test(poison_is_not_hidden),
        cmocka_unit_test(initial_numbers_are_uniform),
        cmocka_unit_test(a_mask_is_a_function_of_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
