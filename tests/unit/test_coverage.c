/* coverage: shares, examples, and what is mapped but never there. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "consumer/commands/coverage.h"

static void assert_has(struct buffer *out, const char *wanted) {
    buffer_append_byte(out, 0);
    out->size--;
    if (!strstr((const char *)out->data, wanted)) {
        fail_msg("'%s' is not in:\n%s", wanted, (const char *)out->data);
    }
}

/* Three events, the last with two lines of which one has a price. */
static void fill(struct coverage *coverage) {
    struct event_line lines[EVENT_LINES_MAX];
    struct event event;
    event_clear(&event, lines);
    event.type = EVENT_OTHER;
    event.event_ms = 1793520000000;
    coverage_add(coverage, &event);
    event.type = EVENT_PRODUCT_VIEWED;
    event.user_id = bytes_of_text("mia");
    coverage_add(coverage, &event);
    event.user_id = bytes_of_text("lea");
    event.total = 12.5;
    event.consent = CONSENT_DENIED;
    event.line_count = 2;
    lines[0] = (struct event_line){.item_id = bytes_of_text("a"), .price = NAN, .quantity = 1};
    lines[1] = (struct event_line){.item_id = bytes_of_text("b"), .price = 3.25, .quantity = 7};
    coverage_add(coverage, &event);
}

static void test_shares(void **state) {
    (void)state;
    struct coverage coverage = {0};
    fill(&coverage);
    assert_int_equal(coverage.events, 3);
    assert_int_equal(coverage.events_with_lines, 1);
    assert_int_equal(coverage.lines, 2);
    assert_int_equal(coverage.event[MAP_TYPE].present, 2);
    assert_int_equal(coverage.event[MAP_EVENT_MS].present, 3);
    assert_int_equal(coverage.event[MAP_USER_ID].present, 2);
    assert_string_equal(coverage.event[MAP_USER_ID].example, "mia");
    assert_string_equal(coverage.event[MAP_EVENT_MS].example, "2026-11-01T08:00:00Z");
    assert_string_equal(coverage.event[MAP_TOTAL].example, "12.5");
    assert_string_equal(coverage.event[MAP_CONSENT].example, "denied");
    assert_int_equal(coverage.line[MAP_LINE_PRICE].present, 1);
    assert_string_equal(coverage.line[MAP_LINE_PRICE].example, "3.25");
    struct buffer out = {0};
    coverage_write(&coverage, &out);
    assert_has(&out, "coverage: 3 events, 1 with lines, 2 lines\n");
    assert_has(&out, "  user_id          mia                                       33.3 %\n");
    assert_has(&out, "  lines.price      3.25                                      50.0 %\n");
    buffer_clean_up(&out);
}

static void test_json(void **state) {
    (void)state;
    struct coverage coverage = {0};
    fill(&coverage);
    struct buffer out = {0};
    coverage_write_json(&coverage, &out);
    json_t *value = json_loadb((const char *)out.data, out.size, 0, NULL);
    assert_non_null(value);
    json_t *fields = json_object_get(value, "fields");
    assert_int_equal(json_array_size(fields), MAPPING_EVENT_FIELD_COUNT + MAPPING_LINE_FIELD_COUNT);
    json_t *user = json_array_get(fields, MAP_USER_ID);
    assert_string_equal(json_string_value(json_object_get(user, "field")), "user_id");
    assert_true(fabs(json_number_value(json_object_get(user, "missing")) - 1.0 / 3) < 1e-9);
    json_decref(value);
    buffer_clean_up(&out);
}

static void test_long_and_odd_examples(void **state) {
    (void)state;
    struct event_line lines[EVENT_LINES_MAX];
    struct event event;
    struct coverage coverage = {0};
    event_clear(&event, lines);
    event.user_id = bytes_of_text("12345678901234567890123456789012345678901234567\xc3\xa4");
    event.place = bytes_of_text("a\x1b[1m");
    coverage_add(&coverage, &event);
    assert_int_equal(strlen(coverage.event[MAP_USER_ID].example), 47); /* no half character */
    struct buffer out = {0};
    coverage_write(&coverage, &out);
    assert_has(&out, "a\\x1b[1m");
    buffer_clean_up(&out);
}

/* A mapping of three fields: only they are shown, and what never came is named with its paths. */
static void test_always_missing(void **state) {
    (void)state;
    static struct mapping mapping;
    mapping = (struct mapping){
        .paths = {{.scope = SCOPE_EVENT, .field = MAP_USER_ID, .text = {(const uint8_t *)"u", 1}},
                  {.scope = SCOPE_EVENT, .field = MAP_COUPON, .text = {(const uint8_t *)"c.d", 3}},
                  {.scope = SCOPE_EVENT,
                   .field = MAP_COUPON,
                   .rank = 1,
                   .text = {(const uint8_t *)"e", 1}},
                  {.scope = SCOPE_LINE,
                   .field = MAP_LINE_BRAND,
                   .text = {(const uint8_t *)"b", 1}}},
        .path_count = 4,
    };
    struct coverage coverage = {.mapping = &mapping};
    fill(&coverage);
    struct findings findings = {0};
    coverage_findings(&coverage, "sample", &findings);
    assert_int_equal(findings_count(&findings, FINDING_WARNING), 2);
    struct buffer out = {0};
    findings_write(&findings, &out);
    assert_has(&out, "mapping.coupon: no value in any of 3 events at c.d | e\n");
    assert_has(&out, "mapping.lines.brand: no value in any of 2 lines at lines: b\n");
    buffer_clear(&out);
    coverage_write(&coverage, &out);
    assert_has(&out, "\n  coupon ");
    buffer_append_byte(&out, 0);
    assert_null(strstr((const char *)out.data, "order_id"));
    buffer_clean_up(&out);
    findings_clean_up(&findings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_long_and_odd_examples),
        cmocka_unit_test(test_always_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
