/* tz_rule: each form of date against values of Python's zoneinfo (day-of-year forms: of glibc,
 * since CPython miscounts them), and texts that are no rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/buffer.h"
#include "base/tz_rule.h"

static struct tz_rule parse(const char *text) {
    struct tz_rule rule;
    if (!tz_rule_parse(bytes_of_text(text), &rule)) {
        fail_msg("refused: %s", text);
    }
    return rule;
}

static void changes_fall_on_their_second(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        int64_t at_s;
        int before_s, after_s;
    } rows[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1711846800, 3600, 7200}, /* 2024-03-31 01:00 */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 1729990800, 7200, 3600}, /* 2024-10-27 01:00 */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 4109878800, 3600, 7200}, /* 2100-03-28 01:00, no leap year */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 4128627600, 7200, 3600}, /* 2100-10-31 01:00 */
        /* Dublin: the winter is the exception, an hour back. */
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 1711846800, 0, 3600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 1729990800, 3600, 0},
        /* J60 is 1 March in every year, 59 is 29 February in a leap year. */
        {"EST5EDT,J60/0,J300/2", 1709269200, -18000, -14400}, /* 2024-03-01 05:00 */
        {"EST5EDT,J60/0,J300/2", 1730008800, -14400, -18000}, /* 2024-10-27 06:00 */
        {"EST5EDT,J60/0,J300/2", 4107560400, -18000, -14400}, /* 2100-03-01 05:00 */
        {"EST5EDT,59/0,299/2", 1709182800, -18000, -14400},   /* 2024-02-29 05:00 */
        {"EST5EDT,59/0,299/2", 4107560400, -18000, -14400},   /* 2100-03-01 05:00 */
        {"EST5EDT,59/0,299/2", 1729922400, -14400, -18000},   /* 2024-10-26 06:00 */
        /* Greenland: at 22:00 of the evening before. */
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1711846800, -7200, -3600},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 4128627600, -3600, -7200},
        /* The south: summer goes over the new year. */
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", 1712412000, 46800, 43200},
        {"NZST-12NZDT,M9.5.0,M4.1.0/3", 1727532000, 43200, 46800},
        /* Half an hour of summer time. */
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1712415600, 39600, 37800},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 1728142200, 37800, 39600},
        /* The day after a Thursday. */
        {"IST-2IDT,M3.4.4/26,M10.5.0", 1711670400, 7200, 10800},
        /* The first of February in a leap year; the fifth Friday would be the first of May. */
        {"AAA0BBB,M2.1.4/0,M10.1.0", 1706745600, 0, 3600}, /* 2024-02-01 00:00 */
        {"AAA0BBB,M4.5.5/0,M10.1.0", 1776988800, 0, 3600}, /* 2026-04-24 00:00 */
        /* A week after and a week before the day named; offset with seconds. */
        {"ABC+4:30:15DEF,M2.5.2/167,M12.5.0/-167", 1709609415, -16215, -12615},
        {"ABC+4:30:15DEF,M2.5.2/167,M12.5.0/-167", 4132873815, -12615, -16215},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tz_rule rule = parse(rows[i].rule);
        if (tz_rule_offset_s(&rule, rows[i].at_s - 1) != rows[i].before_s ||
            tz_rule_offset_s(&rule, rows[i].at_s) != rows[i].after_s) {
            fail_msg("row %zu: %d then %d", i, tz_rule_offset_s(&rule, rows[i].at_s - 1),
                     tz_rule_offset_s(&rule, rows[i].at_s));
        }
        assert_int_equal(tz_rule_next_s(&rule, rows[i].at_s - 1), rows[i].at_s);
        assert_int_equal(tz_rule_next_s(&rule, rows[i].at_s - 86400), rows[i].at_s);
        assert_true(tz_rule_next_s(&rule, rows[i].at_s) > rows[i].at_s + 86400 * 30);
    }
}

static void rules_without_summer_never_change(void **state) {
    (void)state;
    struct tz_rule brazil = parse("<-03>3"), iran = parse("<+0330>-3:30");
    assert_int_equal(tz_rule_offset_s(&brazil, 2840140800), -10800);
    assert_int_equal(tz_rule_offset_s(&iran, 2840140800), 12600);
    assert_true(tz_rule_next_s(&brazil, 0) == INT64_MAX);
    assert_int_equal(parse("UTC0").standard_offset_s, 0);
    assert_int_equal(parse("<+14>-14").standard_offset_s, 50400);
}

static void summer_all_year_has_no_gap(void **state) {
    (void)state;
    /* RFC 9636, 3.3.1: both mean four hours west, always. */
    const char *const texts[] = {"EST5EDT,0/0,J365/25", "XXX3EDT4,0/0,J365/23"};
    for (size_t i = 0; i < 2; i++) {
        struct tz_rule rule = parse(texts[i]);
        /* Every hour around five new years, and the seconds of the coinciding changes. */
        for (int64_t year = 0; year < 5; year++) {
            int64_t new_year_s = 1704067200 + (year * 365 + (year > 0)) * 86400;
            for (int64_t s = -3 * 86400; s < 3 * 86400; s += 1800) {
                assert_int_equal(tz_rule_offset_s(&rule, new_year_s + s), -14400);
                assert_int_equal(tz_rule_offset_s(&rule, new_year_s + s - 1), -14400);
            }
        }
    }
}

static void next_is_where_the_offset_changes(void **state) {
    (void)state;
    const char *const texts[] = {"CET-1CEST,M3.5.0,M10.5.0/3",
                                 "NZST-12NZDT,M9.5.0,M4.1.0/3",
                                 "ABC+4:30:15DEF,M2.5.2/167,M12.5.0/-167",
                                 "AAA0BBB,J1/-167,M1.1.0/167",
                                 "AAA0BBB,J365/167,J180",
                                 "AAA0BBB,J1/-167,J2/-166",
                                 "AAA0BBB,364/167,365/166"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tz_rule rule = parse(texts[i]);
        int64_t at_s = -5000000000; /* 1811 */
        for (int changes = 0; changes < 1200; changes++) {
            int64_t next_s = tz_rule_next_s(&rule, at_s);
            int before_s = tz_rule_offset_s(&rule, next_s - 1);
            assert_true(next_s > at_s);
            assert_int_equal(before_s, tz_rule_offset_s(&rule, at_s));
            assert_int_not_equal(before_s, tz_rule_offset_s(&rule, next_s));
            at_s = next_s;
        }
        /* Two changes a year and none lost: 600 years have passed. */
        assert_true(at_s > -5000000000 + INT64_C(598) * 31556952);
        assert_true(at_s < -5000000000 + INT64_C(602) * 31556952);
    }
}

static void absurd_instants_are_answered(void **state) {
    (void)state;
    struct tz_rule rule = parse("CET-1CEST,M3.5.0,M10.5.0/3");
    const int64_t instants[] = {INT64_MIN / 1000, INT64_MAX / 1000};
    for (size_t i = 0; i < 2; i++) {
        int offset_s = tz_rule_offset_s(&rule, instants[i]);
        assert_true(offset_s == 3600 || offset_s == 7200);
        assert_true(tz_rule_next_s(&rule, instants[i]) > instants[i]);
    }
}

static void no_rules(void **state) {
    (void)state;
    const char *const bad[] = {
        "",
        "CET",
        "C1",
        "-1",
        "CE-1",
        "<CE>-1",
        "<+03-3",
        "<+0!3>-3",
        "CET-",
        "CET-25",
        "CET-1:60",
        "CET-1:00:60",
        "CET-1:",
        "CET-1 ",
        "CET-1CEST",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,",
        "CET-1CEST,M3.5.0,M10.5.0/",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-1CEST,M3.5.0,M10.5.0/168",
        "CET-1CEST,M0.5.0,M10.5.0",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5,M10.5.0",
        "CET-1CEST,J0,J300",
        "CET-1CEST,J366,J300",
        "CET-1CEST,366,300",
        "CET-1CEST,99999999999999999999,300",
        "CET-99999999999999999999",
        "CET-1CEST25,M3.5.0,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0,",
        "CET-1CEST,M-3.5.0,M10.5.0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tz_rule rule = {.standard_offset_s = 77};
        if (tz_rule_parse(bytes_of_text(bad[i]), &rule)) {
            fail_msg("taken for a rule: %s", bad[i]);
        }
        assert_int_equal(rule.standard_offset_s, 77);
    }
}

static void every_cut_is_read_inside_its_bounds(void **state) {
    (void)state;
    /* The copy is exact, so that AddressSanitizer sees a byte read too far. */
    const char *text = "ABC+4:30:15<+D-1>-3:30,M2.5.2/167:00:01,J365/-167:59";
    struct tz_rule rule = parse(text);
    for (size_t size = 0; size < strlen(text); size++) {
        char *cut = memory_new(1, size + 1);
        memcpy(cut + 1, text, size);
        (void)tz_rule_parse(bytes_of(cut + 1, size), &rule);
        free(cut);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_fall_on_their_second),
        cmocka_unit_test(rules_without_summer_never_change),
        cmocka_unit_test(summer_all_year_has_no_gap),
        cmocka_unit_test(next_is_where_the_offset_changes),
        cmocka_unit_test(absurd_instants_are_answered),
        cmocka_unit_test(no_rules),
        cmocka_unit_test(every_cut_is_read_inside_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
