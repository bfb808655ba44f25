#include "schemas/mapping_number.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/rng.h"

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double number;
    } rows[] = {{"0", 0},
                {"-12.50", -12.5},
                {"+.5", .5},
                {"7.", 7},
                {"1e3", 1000},
                {"1.5E-2", .015},
                {"0012.3", 12.3},
                {"1e-400", 0},
                {"0.1", .1},
                {"-0.0625", -.0625},
                {"1234567890.12345678901", 1234567890.12345678901},
                {"0.00001e5", 1},
                {"100000E-5", 1},
                {"17976931348623157e292", DBL_MAX},
                {"0e99999999999999999999999", 0},
                {"1e-99999999999999999999999", 0}};
    static const char *const bad[] = {"",
                                      "-",
                                      ".",
                                      "1,5",
                                      "1.2.3",
                                      "1e",
                                      "1e+",
                                      "e5",
                                      "0x10",
                                      "inf",
                                      "nan",
                                      "12 ",
                                      " 12",
                                      "12abc",
                                      "1e400",
                                      "1e99999999999999999999999",
                                      "--1",
                                      "1_000",
                                      "12345678901234567890123456789012345678901"};
    double number;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(mapping_parse_number(bytes_of_text(rows[i].text), &number));
        assert_true(number == rows[i].number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(mapping_parse_number(bytes_of_text(bad[i]), &number));
    }
}

/* The nearest double, as the C library finds it, by both ways. */
static void test_random_numbers(void **state) {
    (void)state;
    struct rng rng = rng_make(7, 1);
    for (int i = 0; i < 200000; i++) {
        char text[64];
        uint64_t digits = rng_u64(&rng) >> rng_below(&rng, 64);
        int size =
            snprintf(text, sizeof text, "%s%llu.%0*llue%d", rng_below(&rng, 2) ? "-" : "",
                     (unsigned long long)digits, (int)rng_below(&rng, 6),
                     (unsigned long long)rng_below(&rng, 100), (int)rng_below(&rng, 60) - 30);
        double number;
        assert_true(mapping_parse_number(bytes_of(text, (size_t)size), &number));
        if (number != strtod(text, NULL)) {
            fail_msg("%s became %.17g", text, number);
        }
    }
}

static void test_integers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t integer;
    } rows[] = {{"0", 0},
                {"-0", 0},
                {"+17", 17},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {
        "",   "-",  "1.0", "9223372036854775808", "-9223372036854775809", "99999999999999999999",
        " 1", "1 ", "a"};
    int64_t integer;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(mapping_parse_integer(bytes_of_text(rows[i].text), &integer));
        assert_true(integer == rows[i].integer);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(mapping_parse_integer(bytes_of_text(bad[i]), &integer));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
