/* config_values: what each scalar takes, what it refuses, and the phrase that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/config_internal.h"

#define COUNT(items) (sizeof(items) / sizeof(items)[0])

struct accepted {
    const char *text;
    int64_t value;
};

static void check_parser(bool (*parse)(const char *, int64_t *), const struct accepted *accepted,
                         size_t accepted_count, const char *const *refused, size_t refused_count) {
    for (size_t i = 0; i < accepted_count; i++) {
        int64_t value = -77;
        assert_true(parse(accepted[i].text, &value));
        assert_true(value == accepted[i].value);
    }
    for (size_t i = 0; i < refused_count; i++) {
        int64_t value = -77;
        if (parse(refused[i], &value)) {
            fail_msg("accepted: \"%s\"", refused[i]);
        }
        assert_true(value == -77);
    }
}

static void durations(void **state) {
    (void)state;
    static const struct accepted accepted[] = {
        {"0s", 0},
        {"250ms", 250},
        {"5s", 5000},
        {"30m", 1800000},
        {"24h", 86400000},
        {"7d", 604800000},
        {"9223372036854775807ms", INT64_MAX},
        {"106751991167d", INT64_C(9223372036828800000)},
    };
    static const char *const refused[] = {
        "",    "0",    "5",    "s",  "-5s",           " 5s",
        "5 s", "5s ",  "1.5h", "5S", "5sec",          "1h30m",
        "+5s", "0x5s", "1w",   "٣s", "106751991168d", "9223372036854775808ms"};
    check_parser(config_parse_duration_ms, accepted, COUNT(accepted), refused, COUNT(refused));
}

static void sizes(void **state) {
    (void)state;
    static const struct accepted accepted[] = {
        {"0", 0},
        {"4096", 4096},
        {"64K", 65536},
        {"64M", 67108864},
        {"2G", INT64_C(2147483648)},
        {"8589934591G", INT64_C(9223372035781033984)},
    };
    static const char *const refused[] = {"",     "K",   "-1", "64k", "64KB",
                                          "1.5G", "1 K", "1T", "1e3", "8589934592G"};
    check_parser(config_parse_size_bytes, accepted, COUNT(accepted), refused, COUNT(refused));
}

static void instants(void **state) {
    (void)state;
    /* date -u -d ... +%s */
    static const struct accepted accepted[] = {
        {"1970-01-01", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2026-11-01", INT64_C(1793491200000)},
        {"2026-11-01T08:00:00Z", INT64_C(1793520000000)},
        {"2024-02-29T23:59:59.123Z", INT64_C(1709251199123)},
        {"2000-03-01", INT64_C(951868800000)},
        {"1900-03-01", INT64_C(-2203891200000)},
        {"2400-02-29", INT64_C(13574563200000)},
        {"0001-01-01", INT64_C(-62135596800000)},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
    };
    static const char *const refused[] = {"",
                                          "2026",
                                          "2026-11",
                                          "2026-13-01",
                                          "2026-00-01",
                                          "2026-11-31",
                                          "2026-02-29",
                                          "2100-02-29",
                                          "2026-12-32",
                                          "2026-11-00",
                                          "0000-01-01",
                                          "26-11-01",
                                          "2026-11-01T",
                                          "2026-11-01T08:00Z",
                                          "2026-11-01T08:00:00",
                                          "2026-11-01 08:00:00Z",
                                          "2026-11-01T24:00:00Z",
                                          "2026-11-01T08:60:00Z",
                                          "2026-11-01T08:00:60Z",
                                          "2026-11-01T08:00:00.1Z",
                                          "2026-11-01T08:00:00+01:00",
                                          "2026-11-01Z",
                                          "2026-11-01T08:00:00Zz",
                                          " 2026-11-01"};
    check_parser(config_parse_instant_ms, accepted, COUNT(accepted), refused, COUNT(refused));
}

static bool takes(enum config_type type, double min, double max, const char *text, void *field) {
    struct config_key key = {.name = "k", .type = type, .min = min, .max = max};
    return config_value_parse(&key, text, field);
}

static void integers(void **state) {
    (void)state;
    int64_t value = -77;
    static const char *const refused[] = {"",    "-",    "+1",  " 1",   "1 ",
                                          "1.0", "0x10", "1_0", "1e3",  "9223372036854775808",
                                          "one", "--1",  "-+1", "true", "1\n"};
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_false(takes(CONFIG_INT, -1e300, 1e300, refused[i], &value));
    }
    assert_true(value == -77);
    assert_true(takes(CONFIG_INT, -1e300, 1e300, "-9223372036854775808", &value));
    assert_true(value == INT64_MIN);
    assert_true(takes(CONFIG_INT, 0, 0, "9223372036854775807", &value)); /* any non-negative */
    assert_true(value == INT64_MAX);
    assert_true(takes(CONFIG_INT, 0, 0, "0", &value));
    assert_false(takes(CONFIG_INT, 0, 0, "-1", &value));
    assert_true(takes(CONFIG_INT, 1, 9, "1", &value) && takes(CONFIG_INT, 1, 9, "9", &value));
    assert_false(takes(CONFIG_INT, 1, 9, "0", &value) || takes(CONFIG_INT, 1, 9, "10", &value));
    assert_true(takes(CONFIG_INT, 5, 0, "5", &value) && takes(CONFIG_INT, 5, 0, "500", &value));
    assert_false(takes(CONFIG_INT, 5, 0, "4", &value));
    assert_true(takes(CONFIG_INT, -5, 0, "0", &value));
    assert_false(takes(CONFIG_INT, -5, 0, "1", &value));
}

static void numbers(void **state) {
    (void)state;
    double value = -77;
    static const char *const refused[] = {"",     "nan",      "NaN",   ".nan",  "inf", ".inf",
                                          "-inf", "infinity", "0x1p3", "1e999", "1,5", "1.2.3",
                                          "e5",   "+",        "1e",    "1 ",    " 1",  "0.5%"};
    for (size_t i = 0; i < COUNT(refused); i++) {
        if (takes(CONFIG_NUMBER, -1e300, 1e300, refused[i], &value)) {
            fail_msg("accepted: \"%s\"", refused[i]);
        }
    }
    assert_true(value == -77);
    assert_true(takes(CONFIG_NUMBER, 0, 1, "0.30", &value));
    assert_true(value == 0.30);
    assert_true(takes(CONFIG_NUMBER, -1, 1, "-1E-2", &value));
    assert_true(value == -0.01);
    assert_false(takes(CONFIG_NUMBER, 0, 1, "1.0000001", &value));
    assert_false(takes(CONFIG_NUMBER, 0, 0, "-0.1", &value));
    assert_false(takes(CONFIG_NUMBER, 0, 0, "1e999", &value)); /* no range would catch it */
}

static void time_ranges(void **state) {
    (void)state;
    struct config_time_range range = {-1, -1};
    static const char *const refused[] = {"22:00",       "22:00-",        "24:00-08:00",
                                          "22:60-08:00", "22:00-8:00",    "22:00-08:00 ",
                                          "2200-0800",   "22:00 - 08:00", "22:00–08:00"};
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_false(takes(CONFIG_TIME_RANGE, 0, 0, refused[i], &range));
    }
    assert_int_equal(range.start_minute, -1);
    assert_true(takes(CONFIG_TIME_RANGE, 0, 0, "22:00-08:30", &range));
    assert_int_equal(range.start_minute, 22 * 60);
    assert_int_equal(range.end_minute, 8 * 60 + 30);
    assert_true(takes(CONFIG_TIME_RANGE, 0, 0, "00:00-23:59", &range));
    assert_int_equal(range.end_minute, 1439);
    assert_true(takes(CONFIG_TIME_RANGE, 0, 0, "", &range));
    assert_int_equal(range.start_minute, range.end_minute);
}

static void instants_may_be_open(void **state) {
    (void)state;
    int64_t value = 0;
    assert_true(takes(CONFIG_INSTANT_MS, 0, 0, "", &value));
    assert_true(value == INT64_MIN);
    assert_true(takes(CONFIG_INSTANT_MS, 0, 0, "1970-01-02", &value));
    assert_int_equal(value, 86400000);
    assert_false(takes(CONFIG_INSTANT_MS, 0, 0, "never", &value));
}

static void bools_and_choices(void **state) {
    (void)state;
    bool is_on = false;
    assert_true(takes(CONFIG_BOOL, 0, 0, "true", &is_on) && is_on);
    assert_true(takes(CONFIG_BOOL, 0, 0, "false", &is_on) && !is_on);
    static const char *const refused[] = {"", "True", "yes", "1", "on", "truee"};
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_false(takes(CONFIG_BOOL, 0, 0, refused[i], &is_on));
    }
    static const char *const choices[] = {"a", "b", NULL};
    struct config_key key = {.type = CONFIG_CHOICE, .choices = choices};
    int choice = -1;
    assert_false(config_value_parse(&key, "c", &choice) || config_value_parse(&key, "", &choice) ||
                 config_value_parse(&key, "A", &choice));
    assert_int_equal(choice, -1);
    assert_true(config_value_parse(&key, "b", &choice));
    assert_int_equal(choice, 1);
}

static void phrase_is(struct config_key key, const char *expected) {
    struct buffer text;
    buffer_init(&text, 64);
    config_value_expected(&key, &text);
    assert_string_equal(config_buffer_text(&text), expected);
    buffer_clean_up(&text);
}

static void phrases_name_the_range(void **state) {
    (void)state;
    static const char *const choices[] = {"a", "b", NULL};
    phrase_is((struct config_key){.type = CONFIG_BOOL}, "true or false");
    phrase_is((struct config_key){.type = CONFIG_INT}, "an integer of at least 0");
    phrase_is((struct config_key){.type = CONFIG_INT, .min = -3, .max = 1e12},
              "an integer from -3 to 1000000000000");
    phrase_is((struct config_key){.type = CONFIG_NUMBER, .max = 0.5}, "a number from 0 to 0.5");
    phrase_is((struct config_key){.type = CONFIG_DURATION_MS, .min = 1500, .max = 5400000},
              "a duration (250ms, 5s, 30m, 24h, 7d) from 1500ms to 90m");
    phrase_is((struct config_key){.type = CONFIG_DURATION_MS},
              "a duration (250ms, 5s, 30m, 24h, 7d) of at least 0s");
    phrase_is((struct config_key){.type = CONFIG_SIZE_BYTES, .min = 1000, .max = 1 << 30},
              "a size (4096, 64K, 64M, 2G) from 1000 to 1G");
    phrase_is((struct config_key){.type = CONFIG_CHOICE, .choices = choices}, "one of a, b");
    phrase_is((struct config_key){.type = CONFIG_TEXT_LIST}, "a list of texts");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(instants),
        cmocka_unit_test(integers),
        cmocka_unit_test(numbers),
        cmocka_unit_test(time_ranges),
        cmocka_unit_test(instants_may_be_open),
        cmocka_unit_test(bools_and_choices),
        cmocka_unit_test(phrases_name_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
