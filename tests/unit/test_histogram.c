/* histogram: quantiles within 0.8 % of a sorted list, at every size of value; merge equals adding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/histogram.h"
#include "base/rng.h"

static struct histogram *histogram_new(void) {
    return memory_new(1, sizeof(struct histogram));
}

static void assert_near(int64_t got, int64_t exact) {
    if (fabs((double)(got - exact)) > 0.008 * (double)exact) {
        fail_msg("got %lld, exact %lld", (long long)got, (long long)exact);
    }
}

static void empty_answers_zero(void **state) {
    (void)state;
    struct histogram *histogram = histogram_new();
    assert_int_equal(histogram_count(histogram), 0);
    assert_int_equal(histogram_quantile_us(histogram, 0.5), 0);
    assert_int_equal(histogram_max_us(histogram), 0);
    free(histogram);
}

static void one_value_of_any_size_comes_back(void **state) {
    (void)state;
    struct histogram *histogram = histogram_new();
    for (int64_t value = 0; value < INT64_C(1) << 40; value += value / 97 + 1) {
        histogram_clear(histogram);
        histogram_add(histogram, value);
        int64_t got = histogram_quantile_us(histogram, 0.5);
        if (value < 128) {
            assert_int_equal(got, value);
        }
        assert_near(got, value);
        assert_int_equal(histogram_count(histogram), 1);
        assert_int_equal(histogram_sum_us(histogram), value);
        assert_int_equal(histogram_max_us(histogram), value);
    }
    free(histogram);
}

static void extremes_stay_inside(void **state) {
    (void)state;
    struct histogram *histogram = histogram_new();
    histogram_add(histogram, -5);
    assert_int_equal(histogram_quantile_us(histogram, 1), 0);
    /* The end of the last even bucket and the start of the open one. */
    histogram_add(histogram, (INT64_C(1) << 40) - 1);
    assert_near(histogram_quantile_us(histogram, 1), INT64_C(1) << 40);
    histogram_add(histogram, INT64_C(1) << 40);
    assert_true(histogram_quantile_us(histogram, 1) == INT64_C(1) << 40);
    assert_int_equal(histogram_sum_us(histogram), (INT64_C(1) << 41) - 1);
    histogram_add(histogram, INT64_MAX);
    assert_true(histogram_quantile_us(histogram, 1) == INT64_MAX);
    assert_int_equal(histogram_quantile_us(histogram, 0), 0);
    assert_int_equal(histogram_count(histogram), 4);
    free(histogram);
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void quantiles_follow_a_sorted_list(void **state) {
    (void)state;
    enum { COUNT = 10007 };
    static const double qs[] = {0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
    struct histogram *histogram = histogram_new();
    int64_t *values = memory_new(COUNT, sizeof *values);
    struct rng rng = rng_make(1, 1);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = (int64_t)rng_lognormal(&rng, 2000, 2.5);
        histogram_add(histogram, values[i]);
    }
    qsort(values, COUNT, sizeof *values, compare);
    for (size_t i = 0; i < sizeof qs / sizeof qs[0]; i++) {
        size_t rank = (size_t)ceil(qs[i] * COUNT);
        assert_near(histogram_quantile_us(histogram, qs[i]), values[rank ? rank - 1 : 0]);
    }
    free(values);
    free(histogram);
}

static void merge_equals_adding_all(void **state) {
    (void)state;
    struct histogram *parts[2] = {histogram_new(), histogram_new()}, *whole = histogram_new();
    struct rng rng = rng_make(2, 1);
    for (int i = 0; i < 5000; i++) {
        int64_t value = (int64_t)rng_below(&rng, 1000000);
        histogram_add(parts[i % 2], value);
        histogram_add(whole, value);
    }
    histogram_add(parts[1], 2000000); /* the maximum comes from the other part */
    histogram_add(whole, 2000000);
    histogram_merge(parts[0], parts[1]);
    for (size_t i = 0; i < HISTOGRAM_BUCKET_COUNT; i++) {
        assert_int_equal(parts[0]->counts[i], whole->counts[i]);
    }
    assert_int_equal(histogram_sum_us(parts[0]), histogram_sum_us(whole));
    assert_int_equal(histogram_max_us(parts[0]), histogram_max_us(whole));
    histogram_clear(parts[0]);
    assert_int_equal(histogram_count(parts[0]), 0);
    assert_int_equal(histogram_sum_us(parts[0]), 0);
    assert_int_equal(histogram_max_us(parts[0]), 0);
    free(parts[0]);
    free(parts[1]);
    free(whole);
}

static void *add_many(void *context) {
    for (int i = 0; i < 20000; i++) {
        histogram_add(context, 100 + i % 100);
    }
    return NULL;
}

static void reader_beside_the_writer_sees_sense(void **state) {
    (void)state;
    struct histogram *histogram = histogram_new();
    histogram_add(histogram, 100);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, add_many, histogram), 0);
    uint64_t last_count = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t count = histogram_count(histogram);
        int64_t median = histogram_quantile_us(histogram, 0.5);
        assert_true(count >= last_count);
        assert_true(median >= 100 && median < 200);
        last_count = count;
    }
    pthread_join(writer, NULL);
    assert_int_equal(histogram_count(histogram), 20001);
    free(histogram);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_answers_zero),
        cmocka_unit_test(one_value_of_any_size_comes_back),
        cmocka_unit_test(extremes_stay_inside),
        cmocka_unit_test(quantiles_follow_a_sorted_list),
        cmocka_unit_test(merge_equals_adding_all),
        cmocka_unit_test(reader_beside_the_writer_sees_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
