/* adwin: changes are found, and in time; a window that travels as a row. The streams are drawn by a
 * xorshift generator that any language can repeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "model/adwin.h"

#define VALUES 10000

static double uniform(uint64_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (double)(*x >> 11) / 9007199254740992.0;
}

static double steps(int t, double u) {
    return u < (t < 3000 ? .1 : t < 7000 ? .2 : .05);
}
static double ramp(int t, double u) {
    return u < .1 + .3 * t / 10000;
}
static double same(int t, double u) {
    (void)t;
    return u < .1;
}
static double level(int t, double u) {
    return (t < 5000 ? .2 : .25) + .1 * u;
}

/* When the stream changes, and the value at which River 0.26.1's drift.ADWIN(delta 0.002, clock 32)
 * says so: it looks at fewer cuts, so it is never earlier. */
static const struct {
    double (*value)(int t, double u);
    int changes[4], river[4]; /* ended by 0 */
    double mean;              /* at the end */
} streams[] = {
    {steps, {3000, 7000}, {3231, 7231}, .05},
    {ramp, {1, 2880, 5888}, {2879, 5887, 9055}, .37},
    {same, {0}, {0}, .1},
    {level, {5000}, {5183}, .3},
};

static void changes_are_found_no_later_than_river_finds_them(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        struct adwin adwin;
        uint64_t x = UINT64_C(88172645463325252);
        int at = 0;
        adwin_init(&adwin);
        assert_true(isnan(adwin_mean(&adwin)));
        for (int t = 0; t < VALUES; t++) {
            bool is_change = adwin_add(&adwin, streams[i].value(t, uniform(&x)));
            if (is_change && at < 4 && streams[i].changes[at] && t >= streams[i].changes[at]) {
                assert_in_range(t, streams[i].changes[at], streams[i].river[at]);
                at++;
            }
            bool is_expected = at > 0 || (streams[i].changes[0] && t >= streams[i].changes[0]);
            assert_true(!is_change || is_expected);
        }
        assert_true(at == 4 || streams[i].changes[at] == 0);
        assert_true(fabs(adwin_mean(&adwin) - streams[i].mean) < .04);
    }
}

/* The window's sums are those of its values, added one by one. */
static void sums_are_those_of_the_window(void **state) {
    (void)state;
    static double values[VALUES];
    struct adwin adwin;
    uint64_t x = 77;
    adwin_init(&adwin);
    for (int t = 0; t < VALUES; t++) {
        values[t] = level(t, uniform(&x));
        adwin_add(&adwin, values[t]);
        double total = 0, squares = 0;
        for (int64_t i = 0; t % 500 == 499 && i < adwin.width; i++) {
            total += values[t - i];
        }
        for (int64_t i = 0; t % 500 == 499 && i < adwin.width; i++) {
            squares += pow(values[t - i] - total / (double)adwin.width, 2);
        }
        if (t % 500 == 499) {
            assert_true(fabs(adwin.total - total) < 1e-9 * total);
            assert_true(fabs(adwin.variance - squares) < 1e-6 * squares);
        }
    }
    assert_true(adwin.detections > 0 && adwin.width < VALUES);
}

static void a_window_travels_as_a_row(void **state) {
    (void)state;
    struct adwin live, loaded;
    uint64_t x = 1, y = 1;
    adwin_init(&live);
    for (int t = 0; t < 5000; t++) {
        adwin_add(&live, level(t, uniform(&x)));
    }
    uint8_t bytes[ADWIN_BYTES];
    struct row_writer writer = {bytes, 0};
    adwin_put(&live, &writer);
    assert_int_equal(writer.size, ADWIN_BYTES);
    struct row_reader reader = {bytes_of(bytes, sizeof bytes)};
    assert_true(adwin_get(&loaded, &reader));
    assert_int_equal(reader.left.size, 0);
    x = y;
    for (int t = 5000; t < VALUES; t++) {
        bool is_live = adwin_add(&live, level(t, uniform(&x)));
        assert_int_equal(adwin_add(&loaded, level(t, uniform(&y))), is_live);
    }
    assert_true(loaded.total == live.total && loaded.variance == live.variance);
    assert_int_equal(loaded.width, live.width);
    assert_int_equal(loaded.detections, live.detections);
    assert_true(live.detections > 0);
}

static void what_no_window_is_is_refused(void **state) {
    (void)state;
    struct adwin adwin;
    adwin_init(&adwin);
    for (int t = 0; t < 100; t++) {
        adwin_add(&adwin, .5);
    }
    uint8_t good[ADWIN_BYTES], bytes[ADWIN_BYTES];
    struct row_writer writer = {good, 0};
    adwin_put(&adwin, &writer);
    static const struct {
        size_t at; /* in 8-byte values */
        uint64_t bits;
    } wrong[] = {
        {0, UINT64_MAX},                   /* ticks -1 */
        {1, 101},                          /* width that the buckets do not have */
        {3, UINT64_C(0x7ff8000000000000)}, /* total NaN */
        {4, UINT64_C(0xbff0000000000000)}, /* variance -1 */
        {5, 6},                            /* a level with too many buckets */
        {6, UINT64_C(0x7ff0000000000000)}, /* a bucket's total infinite */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(bytes, good, sizeof good);
        writer = (struct row_writer){bytes + 8 * wrong[i].at, 0};
        row_put_u64(&writer, wrong[i].bits);
        struct row_reader reader = {bytes_of(bytes, sizeof bytes)};
        assert_false(adwin_get(&adwin, &reader));
        assert_int_equal(reader.left.size, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_found_no_later_than_river_finds_them),
        cmocka_unit_test(sums_are_those_of_the_window),
        cmocka_unit_test(a_window_travels_as_a_row),
        cmocka_unit_test(what_no_window_is_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
