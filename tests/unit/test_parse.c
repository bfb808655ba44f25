/* parse: every accepted form of a value, and the nearest forms that must not pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "base/rng.h"

static void iso_times(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t expected; /* from `date -u -d ... +%s` */
    } cases[] = {
        {"1970-01-01", 0},
        {"2019-10-01 00:00:00 UTC", INT64_C(1569888000000)},
        {"2019-10-01T00:00:00Z", INT64_C(1569888000000)},
        {"2019-10-01T02:30:00.1239+02:30", INT64_C(1569888000123)},
        {"2019-09-30 19:00 -0500", INT64_C(1569888000000)},
        {"2000-02-29T23:59:59.9Z", INT64_C(951868799900)},
        {"2024-12-31 23:59:59", INT64_C(1735689599000)},
        {"9999-12-31T23:59:59.999Z", PARSE_TIME_MS_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t got = -1;
        assert_true(parse_iso_ms(bytes_of_text(cases[i].text), &got));
        assert_int_equal(got, cases[i].expected);
    }
}

static void bad_iso_times(void **state) {
    (void)state;
    static const char *const cases[] = {"",
                                        "2019-10-1",
                                        "2019-13-01",
                                        "2019-02-29",
                                        "2100-02-29",
                                        "2019-00-10",
                                        "2019-10-00",
                                        "1969-12-31 23:59:59",
                                        "2019-10-01 24:00:00",
                                        "2019-10-01 00:60:00",
                                        "2019-10-01 00:00:60",
                                        "2019-10-01 00:00:00.",
                                        "2019-10-01 00:00:00 UT",
                                        "2019-10-01 00:00:00 UTCx",
                                        "2019-10-01 00:00:00 CET",
                                        "2019-10-01T00:00:00+2",
                                        "2019-10-01T00:00:00+15:00",
                                        "1970-01-01T00:00:00+01:00",
                                        "2019-10-01x",
                                        "2019/10/01"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t got;
        assert_false(parse_iso_ms(bytes_of_text(cases[i]), &got));
    }
}

/* Every day of two Gregorian cycles of four years around the century rule, there and back. */
static void dates_round_trip(void **state) {
    (void)state;
    for (int64_t day = 0; day < 60 * 366; day++) {
        int64_t ms = day * INT64_C(86400000) + (day * 7919) % 86400000;
        char text[PARSE_ISO_BYTES_MAX];
        parse_format_iso(ms, text);
        int64_t got = -1;
        assert_true(parse_iso_ms(bytes_of_text(text), &got));
        assert_int_equal(got, ms);
    }
    char text[PARSE_ISO_BYTES_MAX];
    parse_format_iso(INT64_C(4107542399999), text);
    assert_string_equal(text, "2100-02-28T23:59:59.999Z");
    parse_format_iso(-5, text);
    assert_string_equal(text, "-5ms");
}

static void times_by_format(void **state) {
    (void)state;
    int64_t got;
    assert_true(parse_time_ms(bytes_of_text("1430636062541"), TIME_FORMAT_MS, &got));
    assert_int_equal(got, INT64_C(1430636062541));
    assert_true(parse_time_ms(bytes_of_text("1430636062.541"), TIME_FORMAT_S, &got));
    assert_int_equal(got, INT64_C(1430636062541));
    assert_true(parse_time_ms(bytes_of_text("1430636062"), TIME_FORMAT_S, &got));
    assert_int_equal(got, INT64_C(1430636062000));
    assert_false(parse_time_ms(bytes_of_text("1430636062.5"), TIME_FORMAT_MS, &got));
    assert_false(parse_time_ms(bytes_of_text("-1"), TIME_FORMAT_MS, &got));
    assert_false(parse_time_ms(bytes_of_text("-1"), TIME_FORMAT_S, &got));
    assert_false(parse_time_ms(bytes_of_text("9999999999999999"), TIME_FORMAT_MS, &got));
    assert_false(parse_time_ms(bytes_of_text("1e300"), TIME_FORMAT_S, &got));
    assert_false(parse_time_ms(bytes_of_text("1430636062541"), TIME_FORMAT_ISO, &got));
}

static void numbers(void **state) {
    (void)state;
    double d;
    int64_t i;
    assert_true(parse_number(bytes_of_text("35.79"), &d) && d == 35.79);
    assert_true(parse_number(bytes_of_text("-1.5e3"), &d) && d == -1500);
    assert_true(parse_number(bytes_of_text(".5"), &d) && d == .5);
    static const char *const bad[] = {
        "",    "nan", "inf", "-inf",  "0x10",
        "1,5", "1 ",  " 1",  "1e999", "1.2.3",
        "-",   ".",   "e5",  "1e",    "111111111111111111111111111111111111111111111111111"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        assert_false(parse_number(bytes_of_text(bad[k]), &d));
    }
    assert_true(parse_integer(bytes_of_text("9223372036854775807"), &i) && i == INT64_MAX);
    assert_true(parse_integer(bytes_of_text("-12"), &i) && i == -12);
    static const char *const bad_integers[] = {
        "", "-", "+1", "1.0", "9223372036854775808", " 1", "99999999999999999999", "--1"};
    for (size_t k = 0; k < sizeof bad_integers / sizeof bad_integers[0]; k++) {
        assert_false(parse_integer(bytes_of_text(bad_integers[k]), &i));
    }
}

/* Short decimals take a way of their own: the same bits as strtod's. */
static void numbers_are_strtod_s(void **state) {
    (void)state;
    struct rng rng = rng_make(11, 0);
    for (int i = 0; i < 200000; i++) {
        char text[40];
        int digits = (int)rng_below(&rng, 18);
        double magnitude = (double)rng_below(&rng, UINT64_C(1000000000000000)) /
                           pow(10, (double)rng_below(&rng, 16));
        snprintf(text, sizeof text, "%s%.*f", rng_below(&rng, 2) ? "-" : "", digits, magnitude);
        double got = 0, expected = strtod(text, NULL);
        assert_true(parse_number(bytes_of_text(text), &got));
        assert_memory_equal(&got, &expected, sizeof got);
    }
    double got;
    static const char *const bad[] = {"", "-", ".", "-.", "1.2.3", "1-", "--1", "1 ", "0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(parse_number(bytes_of_text(bad[i]), &got));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_strtod_s), cmocka_unit_test(iso_times),
        cmocka_unit_test(bad_iso_times),        cmocka_unit_test(dates_round_trip),
        cmocka_unit_test(times_by_format),      cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
