/* hash: fixed values for ever (they stand in topics), even draws, independent purposes and salts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/hash.h"

static void values_never_change(void **state) {
    (void)state;
    /* XXH3's own values for the empty input with seed 0. */
    assert_true(hash64(bytes_of(NULL, 0), 0) == UINT64_C(0x2d06800538d394c2));
    struct hash128 empty = hash128(bytes_of(NULL, 0), 0);
    assert_true(empty.high == UINT64_C(0x99aa06d3014798d8));
    assert_true(empty.low == UINT64_C(0x6001c324468d497f));
    assert_false(hash64(bytes_of_text("a"), 0) == hash64(bytes_of_text("a"), 1));
    assert_true(hash_combine(0, 0) == UINT64_C(0x48218226ff3cd4bf));
    assert_true(hash_combine(1, 2) == UINT64_C(0x81a5c1377856b73));
    assert_true(hash_draw(bytes_of_text("user-1"), "control", "2026") == 0x1.168cbedc7b93fp-1);
}

static void combine_minds_the_order(void **state) {
    (void)state;
    assert_false(hash_combine(1, 2) == hash_combine(2, 1));
    assert_false(hash_combine(0, 1) == hash_combine(0, 2));
    assert_false(hash_combine(0, 0) == 0);
}

static void hex_goes_there_and_back(void **state) {
    (void)state;
    struct hash128 hash = {.high = UINT64_C(0x0123456789abcdef),
                           .low = UINT64_C(0xfedcba9876543210)};
    char text[33];
    hash128_format(hash, text);
    assert_string_equal(text, "0123456789abcdeffedcba9876543210");
    struct hash128 back;
    assert_true(hash128_parse(bytes_of_text(text), &back));
    assert_true(hash128_equal(hash, back));
    assert_true(hash128_parse(bytes_of_text("0123456789ABCDEFFEDCBA9876543210"), &back));
    assert_true(hash128_equal(hash, back));
}

static void bad_hex_is_refused(void **state) {
    (void)state;
    struct hash128 out = {7, 7};
    const char *const bad[] = {
        "",
        "0",
        "0123456789abcdeffedcba987654321",
        "0123456789abcdeffedcba98765432100",
        "0123456789abcdeffedcba987654321g",
        "g123456789abcdeffedcba9876543210",
        "0x23456789abcdeffedcba9876543210",
        " 123456789abcdeffedcba9876543210",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(hash128_parse(bytes_of_text(bad[i]), &out));
    }
    assert_false(hash128_parse(bytes_of(NULL, 0), &out));
    assert_true(out.high == 7 && out.low == 7);
}

/* Correlation of the draws of two purposes or salts over 20000 users; mean and variance of the
 * first. */
static double correlate(const char *purpose_a, const char *salt_a, const char *purpose_b,
                        const char *salt_b, double *mean, double *variance) {
    enum { COUNT = 20000 };
    double sum_a = 0, sum_b = 0, sum_aa = 0, sum_bb = 0, sum_ab = 0;
    for (int i = 0; i < COUNT; i++) {
        char user[24];
        snprintf(user, sizeof user, "user-%d", i);
        double a = hash_draw(bytes_of_text(user), purpose_a, salt_a);
        double b = hash_draw(bytes_of_text(user), purpose_b, salt_b);
        assert_true(a >= 0 && a < 1);
        sum_a += a;
        sum_b += b;
        sum_aa += a * a;
        sum_bb += b * b;
        sum_ab += a * b;
    }
    *mean = sum_a / COUNT;
    *variance = sum_aa / COUNT - *mean * *mean;
    double mean_b = sum_b / COUNT, variance_b = sum_bb / COUNT - mean_b * mean_b;
    return (sum_ab / COUNT - *mean * mean_b) / sqrt(*variance * variance_b);
}

static void draws_are_even_and_independent(void **state) {
    (void)state;
    const char *const others[][2] = {{"explore", "s1"}, {"control", "s2"}, {"controls", "1"}};
    for (size_t i = 0; i < 3; i++) {
        double mean, variance;
        double r = correlate("control", "s1", others[i][0], others[i][1], &mean, &variance);
        /* Five standard errors: 0.5 +- 5 * 0.289 / 141, 1/12 +- 5 * 0.0745 / 141, 0 +- 5 / 141. */
        assert_true(fabs(mean - 0.5) < 0.0103);
        assert_true(fabs(variance - 1.0 / 12) < 0.0027);
        assert_true(fabs(r) < 0.036);
    }
}

static void parts_do_not_run_together(void **state) {
    (void)state;
    struct bytes user = bytes_of_text("u");
    assert_false(hash_draw(user, "ab", "c") == hash_draw(user, "a", "bc"));
    assert_false(hash_draw(bytes_of_text("ua"), "b", "c") == hash_draw(user, "ab", "c"));
    assert_false(hash_draw(user, "a", "b") == hash_draw(user, "b", "a"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_never_change),
        cmocka_unit_test(combine_minds_the_order),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(bad_hex_is_refused),
        cmocka_unit_test(draws_are_even_and_independent),
        cmocka_unit_test(parts_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
