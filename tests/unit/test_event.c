/* event: names as in the schema, every field where the schema has it, a verdict for every kind of
 * bad message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "schemas/event.h"
#include "schemas/wire.h"
#include "tests/support/avro_oracle.h"
#include "tests/support/random_event.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static const char every_field_json[] =
    "{\"type\": \"product_added\", \"event_ms\": 1700000000001, \"user_id\": \"u1\", "
    "\"event_id\": {\"string\": \"event_id\"}, \"subject_key_id\": {\"string\": "
    "\"subject_key_id\"}, "
    "\"canonical_id\": {\"string\": \"canonical_id\"}, \"guest_id\": {\"string\": \"guest_id\"}, "
    "\"session_id\": {\"string\": \"session_id\"}, \"order_id\": {\"string\": \"order_id\"}, "
    "\"coupon\": {\"string\": \"coupon\"}, \"currency\": {\"string\": \"currency\"}, "
    "\"timezone\": {\"string\": \"timezone\"}, \"locale\": {\"string\": \"locale\"}, "
    "\"place\": {\"string\": \"place\"}, \"device\": {\"string\": \"device\"}, "
    "\"user_agent\": {\"string\": \"user_agent\"}, \"decision_id\": {\"string\": \"decision_id\"}, "
    "\"query\": {\"string\": \"query\"}, \"total\": {\"double\": 12.5}, \"consent\": \"denied\", "
    "\"lines\": [{\"item_id\": \"i1\", \"category\": {\"string\": \"shoes\"}, "
    "\"brand\": {\"string\": \"acme\"}, \"price\": {\"double\": 19.5}, "
    "\"quantity\": 2}, {\"item_id\": \"i2\", \"category\": null, \"brand\": null, \"price\": null, "
    "\"quantity\": 1}]}";

static struct event every_field(struct event_line lines[2]) {
    struct event event;
    event_clear(&event, lines);
    event.type = EVENT_PRODUCT_ADDED;
    event.event_ms = 1700000000001;
    event.user_id = TEXT("u1");
    for (const struct event_text_field *field = event_text_fields; field->name; field++) {
        *event_text(&event, field) = TEXT(field->name);
    }
    event.total = 12.5;
    event.consent = CONSENT_DENIED;
    event.line_count = 2;
    lines[0] = (struct event_line){TEXT("i1"), TEXT("shoes"), TEXT("acme"), 19.5, 2};
    lines[1] = (struct event_line){.item_id = TEXT("i2"), .price = (double)NAN, .quantity = 1};
    return event;
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct event_line lines[2], decoded_lines[EVENT_LINES_MAX];
    struct event event = every_field(lines), decoded = {.lines = decoded_lines};
    struct buffer body = {0};
    struct avro_oracle oracle;
    event_encode(&event, &body);
    row_check_golden("event", buffer_bytes(&body));
    avro_oracle_init(&oracle, SCHEMA_EVENT);
    assert_true(avro_oracle_read(&oracle, buffer_bytes(&body)));
    char *json = avro_oracle_json(&oracle);
    assert_string_equal(json, every_field_json);
    assert_int_equal(event_decode(buffer_bytes(&body), &decoded), EVENT_OK);
    assert_true(events_equal(&event, &decoded));
    assert_true(decoded.lines == decoded_lines);
    /* Texts are lent, not copied. */
    assert_true(decoded.user_id.data > body.data && decoded.user_id.data < body.data + body.size);
    free(json);
    avro_oracle_clean_up(&oracle);
    buffer_clean_up(&body);
}

static void missing_values_are_null(void **state) {
    (void)state;
    struct event_line lines[EVENT_LINES_MAX];
    struct event event, decoded = {.lines = lines};
    struct buffer body = {0};
    event_clear(&event, lines);
    assert_true(isnan(event.total) && event.line_count == 0 && event.lines == lines);
    event_encode(&event, &body);
    assert_int_equal(body.size, 3 + 16 + 2); /* type, time, user; 16 nulls; consent, no lines */
    memset(&decoded, 0x5a, offsetof(struct event, lines));
    assert_int_equal(event_decode(buffer_bytes(&body), &decoded), EVENT_OK);
    assert_true(events_equal(&event, &decoded));
    /* Appends. */
    event_encode(&event, &body);
    assert_int_equal(body.size, 2 * (3 + 16 + 2));
    buffer_clean_up(&body);
}

static void knows_the_symbols_of_the_schema(void **state) {
    (void)state;
    struct avro_oracle oracle;
    avro_oracle_init(&oracle, SCHEMA_EVENT);
    avro_schema_t type = avro_schema_record_field_get(oracle.schema, "type");
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        const char *symbol = avro_schema_enum_get(type, i);
        assert_string_equal(event_type_name((enum event_type)i), symbol);
        assert_int_equal(event_type_of_name(bytes_of_text(symbol)), i);
        assert_int_equal(avro_schema_enum_get_by_name(type, symbol), i);
    }
    assert_int_equal(avro_schema_enum_number_of_symbols(type), EVENT_TYPE_COUNT);
    avro_schema_t consent = avro_schema_record_field_get(oracle.schema, "consent");
    assert_int_equal(avro_schema_enum_get_by_name(consent, "unknown"), CONSENT_UNKNOWN);
    assert_int_equal(avro_schema_enum_get_by_name(consent, "granted"), CONSENT_GRANTED);
    assert_int_equal(avro_schema_enum_get_by_name(consent, "denied"), CONSENT_DENIED);
    assert_int_equal(event_type_of_name(TEXT("product_view")), EVENT_OTHER);
    assert_int_equal(event_type_of_name(TEXT("product_viewed_")), EVENT_OTHER);
    assert_int_equal(event_type_of_name((struct bytes){0}), EVENT_OTHER);
    for (int i = 0; i < EVENT_VERDICT_COUNT; i++) {
        assert_non_null(event_verdict_name((enum event_verdict)i));
    }
    avro_oracle_clean_up(&oracle);
}

/* The verdict on an event with one text, in a block of exactly its size. */
static enum event_verdict verdict_of_text(size_t offset, struct bytes text) {
    struct event_line lines[EVENT_LINES_MAX];
    struct event event, decoded = {.lines = lines};
    struct buffer body = {0};
    event_clear(&event, lines);
    struct bytes *field = (struct bytes *)(void *)((uint8_t *)&event + offset);
    *field = text;
    event_encode(&event, &body);
    uint8_t *copy = malloc(body.size);
    memcpy(copy, body.data, body.size);
    enum event_verdict verdict = event_decode(bytes_of(copy, body.size), &decoded);
    if (verdict == EVENT_OK) {
        assert_true(events_equal(&event, &decoded));
    }
    free(copy);
    buffer_clean_up(&body);
    return verdict;
}

/* Lengths around the words and blocks that the fast path reads, with one bad or foreign byte at
 * every place. */
static void checks_every_byte_of_a_text(void **state) {
    (void)state;
    char text[80];
    for (size_t size = 1; size < sizeof(text); size++) {
        for (size_t at = 0; at < size; at++) {
            memset(text, 'x', sizeof(text));
            struct bytes bytes = bytes_of(text, size);
            text[at] = (char)0xc3;
            assert_int_equal(verdict_of_text(offsetof(struct event, user_id), bytes),
                             EVENT_BAD_UTF8);
            assert_int_equal(verdict_of_text(offsetof(struct event, query), bytes), EVENT_BAD_UTF8);
            if (at + 1 < size) {
                text[at + 1] = (char)0xa9;
                assert_int_equal(verdict_of_text(offsetof(struct event, user_id), bytes), EVENT_OK);
                assert_int_equal(verdict_of_text(offsetof(struct event, query), bytes), EVENT_OK);
            }
        }
    }
}

static void bounds_texts(void **state) {
    (void)state;
    char text[EVENT_TEXT_BYTES_MAX + 1];
    memset(text, 'x', sizeof(text));
    size_t user = offsetof(struct event, user_id), query = offsetof(struct event, query);
    assert_int_equal(verdict_of_text(user, bytes_of(text, EVENT_USER_BYTES_MAX)), EVENT_OK);
    assert_int_equal(verdict_of_text(user, bytes_of(text, EVENT_USER_BYTES_MAX + 1)),
                     EVENT_TEXT_TOO_LONG);
    assert_int_equal(verdict_of_text(query, bytes_of(text, EVENT_TEXT_BYTES_MAX)), EVENT_OK);
    assert_int_equal(verdict_of_text(query, bytes_of(text, EVENT_TEXT_BYTES_MAX + 1)),
                     EVENT_TEXT_TOO_LONG);
}

static enum event_verdict verdict_of(struct bytes body) {
    struct event_line lines[EVENT_LINES_MAX];
    struct event decoded = {.lines = lines};
    return event_decode(body, &decoded);
}

/* Body of an event without texts: type 0, time 1, user 2, nulls 3 to 18, consent 19, lines 20. */
static void names_what_is_wrong(void **state) {
    (void)state;
    struct event event;
    struct buffer body = {0};
    event_clear(&event, NULL);
    event_encode(&event, &body);
    assert_int_equal(verdict_of((struct bytes){0}), EVENT_EMPTY);
    for (size_t size = 1; size < body.size; size++) {
        assert_int_equal(verdict_of(bytes_of(body.data, size)), EVENT_TRUNCATED);
    }
    buffer_append_byte(&body, 0);
    assert_int_equal(verdict_of(buffer_bytes(&body)), EVENT_TRAILING_BYTES);
    body.size--;
    static const struct {
        size_t at;
        uint8_t byte;
    } bad_values[] = {
        {0, 2 * EVENT_TYPE_COUNT}, /* first symbol that is not */
        {0, 0x01},                 /* symbol -1 */
        {2, 0x01},                 /* user of -1 bytes */
        {3, 0x04},                 /* third branch of a union of two */
        {3, 0x01},                 /* branch -1 */
        {18, 0x06},                /* the same before a double */
        {19, 0x06},                /* consent 3 */
    };
    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
        uint8_t good = body.data[bad_values[i].at];
        body.data[bad_values[i].at] = bad_values[i].byte;
        assert_int_equal(verdict_of(buffer_bytes(&body)), EVENT_BAD_VALUE);
        body.data[bad_values[i].at] = good;
    }
    assert_int_equal(verdict_of(buffer_bytes(&body)), EVENT_OK);
    buffer_clean_up(&body);
}

/* Appends count lines without price as blocks of at most block lines, with sizes in bytes if
 * is_sized. */
static void write_lines(struct buffer *body, size_t count, size_t block, bool is_sized) {
    static const uint8_t line[] = {0x02, 'i', 0x00, 0x00, 0x00, 0x06};
    while (count > 0) {
        size_t items = count < block ? count : block;
        wire_write_long(body, is_sized ? -(int64_t)items : (int64_t)items);
        if (is_sized) {
            wire_write_long(body, (int64_t)(items * sizeof(line)));
        }
        for (size_t i = 0; i < items; i++) {
            buffer_append(body, bytes_of(line, sizeof(line)));
        }
        count -= items;
    }
    wire_write_long(body, 0);
}

static enum event_verdict verdict_of_lines(size_t count, size_t block, bool is_sized) {
    struct event_line lines[EVENT_LINES_MAX];
    struct event event, decoded = {.lines = lines};
    struct buffer body = {0};
    event_clear(&event, NULL);
    event_encode(&event, &body);
    body.size--;
    write_lines(&body, count, block, is_sized);
    enum event_verdict verdict = event_decode(buffer_bytes(&body), &decoded);
    if (verdict == EVENT_OK) {
        assert_int_equal(decoded.line_count, count);
        for (size_t i = 0; i < count; i++) {
            assert_true(bytes_equal(lines[i].item_id, TEXT("i")));
            assert_true(isnan(lines[i].price) && lines[i].quantity == 3);
        }
    }
    buffer_clean_up(&body);
    return verdict;
}

static void reads_lines_as_other_writers_block_them(void **state) {
    (void)state;
    for (int is_sized = 0; is_sized < 2; is_sized++) {
        assert_int_equal(verdict_of_lines(0, 1, is_sized), EVENT_OK);
        assert_int_equal(verdict_of_lines(5, 2, is_sized), EVENT_OK);
        assert_int_equal(verdict_of_lines(EVENT_LINES_MAX, EVENT_LINES_MAX, is_sized), EVENT_OK);
        assert_int_equal(verdict_of_lines(EVENT_LINES_MAX + 1, 300, is_sized), EVENT_BAD_VALUE);
        assert_int_equal(verdict_of_lines(EVENT_LINES_MAX + 1, 1, is_sized), EVENT_BAD_VALUE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(missing_values_are_null),
        cmocka_unit_test(knows_the_symbols_of_the_schema),
        cmocka_unit_test(checks_every_byte_of_a_text),
        cmocka_unit_test(bounds_texts),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(reads_lines_as_other_writers_block_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
