/* One value into one field, for every kind of both. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "schemas/mapping.h"
#include "tests/support/mapping_yaml.h"

struct fixture {
    struct mapping_yaml yaml;
    struct mapping_scratch scratch;
    struct event event;
    struct event_line line;
};

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    mapping_yaml_load(&fixture->yaml,
                      "mapping: {type: {path: t, values: {look: product_viewed}},"
                      " event_ms: {path: m}, consent: {path: c, values: {'true': granted}},"
                      " coupon: {path: k, values: {none: '', old: NEW}}, currency: {default: EUR},"
                      " total: {path: o, unit: cents}, product: {item_id: {path: i}}}");
    assert_non_null(fixture->yaml.mapping);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    mapping_yaml_clean_up(&fixture->yaml);
    free(fixture);
    return 0;
}

#define TEXT(t)    ((struct mapped){.kind = MAPPED_TEXT, .text = bytes_of_text(t)})
#define LONG(n)    ((struct mapped){.kind = MAPPED_LONG, .integer = (n)})
#define REAL(n)    ((struct mapped){.kind = MAPPED_DOUBLE, .number = (n)})
#define BOOLEAN(b) ((struct mapped){.kind = MAPPED_BOOLEAN, .boolean = (b)})

static enum event_verdict put(struct fixture *fixture, enum mapping_event_field field,
                              struct mapped value, bool *out_is_present) {
    return mapping_store(&fixture->yaml.mapping->event[field], value, &fixture->scratch,
                         &fixture->event, out_is_present);
}

static void assert_put(struct fixture *fixture, enum mapping_event_field field, struct mapped value,
                       bool is_present) {
    bool found;
    assert_int_equal(put(fixture, field, value, &found), EVENT_OK);
    assert_int_equal(found, is_present);
}

static void assert_bad(struct fixture *fixture, enum mapping_event_field field, struct mapped value,
                       enum event_verdict verdict) {
    bool found;
    assert_int_equal(put(fixture, field, value, &found), verdict);
}

static void assert_text(struct bytes found, const char *expected) {
    assert_true(bytes_equal(found, bytes_of_text(expected)));
}

static void test_texts(void **state) {
    struct fixture *fixture = *state;
    struct event *event = &fixture->event;
    static const char lent[] = "s-1";
    assert_put(fixture, MAP_SESSION_ID, TEXT(lent), true);
    assert_ptr_equal(event->session_id.data, lent); /* lent, not copied */
    assert_put(fixture, MAP_SESSION_ID, TEXT(""), false);
    assert_put(fixture, MAP_EVENT_ID, LONG(INT64_MIN), true);
    assert_put(fixture, MAP_ORDER_ID, REAL(17), true);
    assert_put(fixture, MAP_DEVICE, REAL(.1), true);
    assert_put(fixture, MAP_QUERY, BOOLEAN(true), true);
    assert_text(event->event_id, "-9223372036854775808");
    assert_text(event->order_id, "17");
    assert_text(event->device, "0.10000000000000001");
    assert_text(event->query, "true");
    assert_put(fixture, MAP_DEVICE, REAL((double)NAN), false);
    assert_put(fixture, MAP_DEVICE, REAL(-(double)INFINITY), false);
    assert_put(fixture, MAP_TYPE, REAL((double)NAN), false);
    assert_text(event->device, "0.10000000000000001");
    assert_put(fixture, MAP_COUPON, TEXT("old"), true);
    assert_text(event->coupon, "NEW");
    assert_put(fixture, MAP_COUPON, TEXT("none"), false);
    assert_put(fixture, MAP_COUPON, TEXT("OTHER"), true);
    assert_text(event->coupon, "OTHER");
}

static void test_long_texts(void **state) {
    struct fixture *fixture = *state;
    char text[EVENT_TEXT_BYTES_MAX + 2];
    memset(text, 'x', sizeof text);
    text[EVENT_TEXT_BYTES_MAX + 1] = '\0';
    assert_bad(fixture, MAP_QUERY, TEXT(text), EVENT_TEXT_TOO_LONG);
    text[EVENT_TEXT_BYTES_MAX] = '\0';
    assert_put(fixture, MAP_QUERY, TEXT(text), true);
    text[EVENT_USER_BYTES_MAX + 1] = '\0';
    assert_bad(fixture, MAP_USER_ID, TEXT(text), EVENT_TEXT_TOO_LONG);
    fixture->scratch.size = MAPPING_SCRATCH_BYTES - 3;
    assert_bad(fixture, MAP_USER_ID, LONG(1234), EVENT_TEXT_TOO_LONG);
    assert_put(fixture, MAP_USER_ID, LONG(12), true);
}

static void test_codes(void **state) {
    struct fixture *fixture = *state;
    struct event *event = &fixture->event;
    assert_put(fixture, MAP_TYPE, TEXT("look"), true);
    assert_int_equal(event->type, EVENT_PRODUCT_VIEWED);
    assert_put(fixture, MAP_TYPE, TEXT("order_completed"), true); /* our own names hold too */
    assert_int_equal(event->type, EVENT_ORDER_COMPLETED);
    assert_put(fixture, MAP_TYPE, TEXT("stared"), true);
    assert_int_equal(event->type, EVENT_OTHER);
    assert_put(fixture, MAP_TYPE, TEXT(""), false);
    assert_put(fixture, MAP_CONSENT, BOOLEAN(true), true);
    assert_int_equal(event->consent, CONSENT_GRANTED);
    assert_put(fixture, MAP_CONSENT, BOOLEAN(false), true);
    assert_int_equal(event->consent, CONSENT_UNKNOWN);
    assert_put(fixture, MAP_CONSENT, TEXT("denied"), true);
    assert_int_equal(event->consent, CONSENT_DENIED);
}

static void assert_time(struct fixture *fixture, enum mapping_unit field_unit, struct mapped value,
                        int64_t ms) {
    fixture->yaml.mapping->event[MAP_EVENT_MS].unit = field_unit;
    assert_put(fixture, MAP_EVENT_MS, value, true);
    assert_true(fixture->event.event_ms == ms);
}

static void test_times(void **state) {
    struct fixture *fixture = *state;
    struct mapped micros = LONG(-1);
    micros.unit = UNIT_US;
    assert_time(fixture, UNIT_AUTO, LONG(1795636208123), 1795636208123);
    assert_time(fixture, UNIT_AUTO, micros, -1); /* as the schema says; floor */
    assert_time(fixture, UNIT_S, micros, -1000); /* as the mapping says, which wins */
    assert_time(fixture, UNIT_NS, LONG(1999999), 1);
    assert_time(fixture, UNIT_S, REAL(1795636208.123), 1795636208123);
    assert_time(fixture, UNIT_S, TEXT("1795636208"), 1795636208000);
    assert_time(fixture, UNIT_S, TEXT("1795636208.5"), 1795636208500);
    assert_time(fixture, UNIT_AUTO, TEXT("2026-11-25T19:50:08.123Z"), 1795636208123);
    assert_bad(fixture, MAP_EVENT_MS, TEXT("yesterday"), EVENT_BAD_VALUE);
    assert_bad(fixture, MAP_EVENT_MS, BOOLEAN(true), EVENT_BAD_VALUE);
    assert_bad(fixture, MAP_EVENT_MS, LONG(INT64_MAX), EVENT_BAD_VALUE);
    assert_bad(fixture, MAP_EVENT_MS, REAL((double)NAN), EVENT_BAD_VALUE);
    assert_put(fixture, MAP_EVENT_MS, TEXT(""), false);
    fixture->yaml.mapping->event[MAP_EVENT_MS].unit = UNIT_S;
    assert_bad(fixture, MAP_EVENT_MS, LONG(INT64_MAX), EVENT_BAD_VALUE);
    assert_bad(fixture, MAP_EVENT_MS, LONG(INT64_MIN), EVENT_BAD_VALUE);
}

static void test_numbers(void **state) {
    struct fixture *fixture = *state;
    assert_put(fixture, MAP_TOTAL, LONG(1999), true); /* cents */
    assert_true(fixture->event.total == 19.99);
    assert_put(fixture, MAP_TOTAL, TEXT("1250"), true);
    assert_true(fixture->event.total == 12.5);
    assert_put(fixture, MAP_TOTAL, REAL((double)INFINITY), false);
    assert_put(fixture, MAP_TOTAL, TEXT(""), false);
    assert_bad(fixture, MAP_TOTAL, TEXT("12,50"), EVENT_BAD_VALUE);
    assert_bad(fixture, MAP_TOTAL, BOOLEAN(true), EVENT_BAD_VALUE);
}

static void test_counts(void **state) {
    struct fixture *fixture = *state;
    const struct mapping_field *field = &fixture->yaml.mapping->product[MAP_LINE_QUANTITY];
    static const struct mapped bad[] = {{.kind = MAPPED_LONG, .integer = -1},
                                        {.kind = MAPPED_LONG, .integer = INT64_C(2147483648)},
                                        {.kind = MAPPED_DOUBLE, .number = (double)NAN},
                                        {.kind = MAPPED_DOUBLE, .number = -0.5}};
    /* Half a kilogram is one of its kind. */
    static const struct {
        struct mapped value;
        int32_t quantity;
    } good[] = {{{.kind = MAPPED_LONG, .integer = 0}, 1},
                {{.kind = MAPPED_DOUBLE, .number = 0.5}, 1},
                {{.kind = MAPPED_DOUBLE, .number = 2.5}, 2},
                {{.kind = MAPPED_LONG, .integer = INT32_MAX}, INT32_MAX}};
    bool is_present;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(
            mapping_store(field, bad[i], &fixture->scratch, &fixture->line, &is_present),
            EVENT_BAD_VALUE);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(
            mapping_store(field, good[i].value, &fixture->scratch, &fixture->line, &is_present),
            EVENT_OK);
        assert_int_equal(fixture->line.quantity, good[i].quantity);
    }
    assert_int_equal(
        mapping_store(field, TEXT("3"), &fixture->scratch, &fixture->line, &is_present), EVENT_OK);
    assert_true(is_present && fixture->line.quantity == 3);
}

static void test_defaults(void **state) {
    struct fixture *fixture = *state;
    const struct mapping *mapping = fixture->yaml.mapping;
    memset(&fixture->event, 0x55, sizeof fixture->event);
    memset(&fixture->line, 0x55, sizeof fixture->line);
    for (size_t i = 0; i < MAPPING_EVENT_FIELD_COUNT; i++) {
        mapping_store_default(&mapping->event[i], &fixture->event);
    }
    for (size_t i = 0; i < MAPPING_LINE_FIELD_COUNT; i++) {
        mapping_store_default(&mapping->product[i], &fixture->line);
    }
    assert_int_equal(fixture->event.type, EVENT_OTHER);
    assert_int_equal(fixture->event.consent, CONSENT_UNKNOWN);
    assert_text(fixture->event.currency, "EUR");
    assert_int_equal(fixture->event.locale.size, 0);
    assert_true(isnan(fixture->event.total) && isnan(fixture->line.price));
    assert_int_equal(fixture->line.quantity, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_codes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
