/* Framing is configured and never guessed; every verdict has its count. What a body may be is
 * tests/unit/test_event.c's business. */
#include "consumer/rooms/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

static int set_up(void **state) {
    schemas_init();
    struct decode *decode = memory_new(1, sizeof *decode);
    *state = decode;
    return 0;
}

static int tear_down(void **state) {
    free(*state);
    return 0;
}

static void make(enum wire_framing framing, uint32_t schema_id, const char *user,
                 struct buffer *out) {
    struct event_line line = {.item_id = bytes_of_text("shoe"), .price = 5, .quantity = 2};
    struct event event;
    event_clear(&event, &line);
    event.user_id = bytes_of_text(user);
    event.type = EVENT_PRODUCT_ADDED;
    event.event_ms = 1767225600000;
    event.line_count = 1;
    buffer_clear(out);
    wire_frame(framing, SCHEMA_EVENT, schema_id, out);
    event_encode(&event, out);
}

static void test_each_framing_takes_its_own_only(void **state) {
    struct decode *decode = *state;
    struct buffer value = {0};
    struct event event;
    for (int configured = WIRE_SINGLE_OBJECT; configured <= WIRE_BARE; configured++) {
        struct decode_config config = {.framing = configured};
        decode_init(decode, &config, NULL);
        for (int sent = WIRE_SINGLE_OBJECT; sent <= WIRE_BARE; sent++) {
            make((enum wire_framing)sent, 7, "anna", &value);
            enum event_verdict verdict =
                decode_record(decode, 0, false, buffer_bytes(&value), &event);
            if (sent == configured) {
                assert_int_equal(verdict, EVENT_OK);
                assert_true(bytes_equal(event.user_id, bytes_of_text("anna")));
                assert_int_equal(event.line_count, 1);
                assert_ptr_equal(event.lines, decode->places[0].lines);
                assert_int_equal(event.lines[0].quantity, 2);
            } else {
                assert_int_not_equal(verdict, EVENT_OK);
            }
        }
        assert_int_equal(metric_get(&decode->metrics.ok_total), 1);
    }
    buffer_clean_up(&value);
}

static void test_schema_ids(void **state) {
    struct decode *decode = *state;
    struct decode_config config = {.framing = WIRE_CONFLUENT, .schema_id = 7};
    struct buffer value = {0};
    struct event event;
    decode_init(decode, &config, NULL);
    make(WIRE_CONFLUENT, 7, "anna", &value);
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event), EVENT_OK);
    make(WIRE_CONFLUENT, 8, "anna", &value);
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event),
                     EVENT_BAD_FRAMING);
    config.schema_id = 0; /* any */
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event), EVENT_OK);
    config.schema_id = UINT32_MAX; /* the largest that the configuration takes */
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event),
                     EVENT_BAD_FRAMING);
    make(WIRE_CONFLUENT, UINT32_MAX, "anna", &value);
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event), EVENT_OK);
    buffer_clean_up(&value);
}

static void test_a_row_of_another_schema_is_no_event(void **state) {
    struct decode *decode = *state;
    struct decode_config config = {.framing = WIRE_SINGLE_OBJECT};
    struct buffer value = {0};
    struct event event;
    decode_init(decode, &config, NULL);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_PUSH, 0, &value);
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event),
                     EVENT_BAD_FRAMING);
    buffer_clean_up(&value);
}

static void test_every_verdict_has_its_count(void **state) {
    struct decode *decode = *state;
    struct decode_config config = {.framing = WIRE_SINGLE_OBJECT};
    struct buffer value = {0}, long_text = {0};
    struct event event;
    decode_init(decode, &config, NULL);
    make(WIRE_SINGLE_OBJECT, 0, "anna", &value);
    struct bytes whole = buffer_bytes(&value);
    for (size_t size = 0; size < whole.size;
         size++) { /* every cut, and each in a count of its own */
        assert_int_not_equal(decode_record(decode, 0, false, bytes_of(whole.data, size), &event),
                             EVENT_OK);
    }
    const struct decode_metrics *metrics = &decode->metrics;
    assert_int_equal(metric_get(&metrics->empty_total), 2); /* nothing, or a header alone */
    assert_int_equal(metric_get(&metrics->bad_framing_total), 9);
    assert_int_equal(metric_get(&metrics->truncated_total), whole.size - 11);
    buffer_append_byte(&value, 0);
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event),
                     EVENT_TRAILING_BYTES);
    make(WIRE_SINGLE_OBJECT, 0, "\xff", &value);
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event), EVENT_BAD_UTF8);
    for (int i = 0; i < EVENT_TEXT_BYTES_MAX + 1; i++) {
        buffer_append_byte(&long_text, 'x');
    }
    buffer_append_byte(&long_text, 0);
    make(WIRE_SINGLE_OBJECT, 0, (const char *)long_text.data, &value);
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event),
                     EVENT_TEXT_TOO_LONG);
    make(WIRE_SINGLE_OBJECT, 0, "anna", &value);
    value.data[10] = 0x7f; /* the type, first of all, is none */
    assert_int_equal(decode_record(decode, 0, false, buffer_bytes(&value), &event),
                     EVENT_BAD_VALUE);
    assert_int_equal(metric_get(&metrics->trailing_bytes_total), 1);
    assert_int_equal(metric_get(&metrics->bad_utf8_total), 1);
    assert_int_equal(metric_get(&metrics->text_too_long_total), 1);
    assert_int_equal(metric_get(&metrics->bad_value_total), 1);
    assert_int_equal(metric_get(&metrics->ok_total), 0);
    buffer_clean_up(&value);
    buffer_clean_up(&long_text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_each_framing_takes_its_own_only),
        TEST(test_schema_ids),
        TEST(test_a_row_of_another_schema_is_no_event),
        TEST(test_every_verdict_has_its_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
