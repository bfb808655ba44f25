/* dead_letter: what Avro-C reads of a row is what was put in, field by field; every value comes
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    dead_letter_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return dead_letter_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_DEAD_LETTER,
    .row_bytes = sizeof(struct dead_letter_row),
    .encode = encode,
    .decode = decode,
};

static struct dead_letter_row every_field(void) {
    return (struct dead_letter_row){
        .topic = TEXT("clickstream"),
        .partition = 7,
        .offset = 8,
        .timestamp_ms = 1700000000001,
        .reason = TEXT("bad_utf8"),
        .key = TEXT("u1"),
        .value = TEXT("\1 v"),
        .cut = true,
        .header_count = 3,
        .headers = {{TEXT("trace"), bytes_of("\1\xff", 2)},
                    {TEXT("trace"), bytes_of(NULL, 0)},
                    {TEXT("\xff"), TEXT("")}},
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct dead_letter_row row = every_field();
    row_check(&codec, &row,
              "{\"topic\": \"clickstream\", \"partition\": 7, \"offset\": 8, \"timestamp_ms\""
              ": {\"long\": 1700000000001}, \"reason\": \"bad_utf8\", \"key\": {\"bytes\": \""
              "u1\"}, \"value\": {\"bytes\": \"\\u0001 v\"}, \"cut\": true, \"headers\": ["
              "{\"key\": \"trace\", \"value\": {\"bytes\": \"\\u0001\\u00FF\"}}, "
              "{\"key\": \"trace\", \"value\": null}, "
              "{\"key\": \"\\u00FF\", \"value\": {\"bytes\": \"\"}}]}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("dead_letter", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void any_bytes_of_a_message(void **state) {
    (void)state;
    uint8_t value[256];
    for (size_t i = 0; i < sizeof(value); i++) {
        value[i] = (uint8_t)i;
    }
    const struct dead_letter_row row = {
        .offset = INT64_MAX,
        .timestamp_ms = TIME_NONE,
        .value = bytes_of(value, sizeof(value)),
    };
    row_check(&codec, &row, NULL);
    struct buffer body = {0};
    dead_letter_encode(&row, &body);
    struct dead_letter_row out;
    assert_true(dead_letter_decode(buffer_bytes(&body), &out));
    assert_int_equal(out.key.size, 0);
    assert_true(out.timestamp_ms == TIME_NONE);
    assert_true(bytes_equal(out.value, row.value));
    buffer_clean_up(&body);
}

/* Null and empty are two things in a message, and stay two. */
static void null_is_not_empty(void **state) {
    (void)state;
    const struct dead_letter_row row = {
        .key = TEXT(""),
        .header_count = 2,
        .headers = {{TEXT(""), TEXT("")}, {TEXT(""), bytes_of(NULL, 0)}},
    };
    struct buffer body = {0};
    dead_letter_encode(&row, &body);
    struct dead_letter_row out;
    assert_true(dead_letter_decode(buffer_bytes(&body), &out));
    assert_true(out.key.data && out.key.size == 0);
    assert_null(out.value.data);
    assert_true(out.headers[0].value.data && out.headers[0].value.size == 0);
    assert_null(out.headers[1].value.data);
    buffer_clean_up(&body);
}

static void as_many_headers_as_there_is_room_for(void **state) {
    (void)state;
    struct dead_letter_row row = {.header_count = ROW_HEADERS_MAX};
    for (size_t i = 0; i < ROW_HEADERS_MAX; i++) {
        row.headers[i] = (struct dead_letter_header){TEXT("k"), TEXT("v")};
    }
    struct buffer body = {0};
    dead_letter_encode(&row, &body);
    struct dead_letter_row out;
    assert_true(dead_letter_decode(buffer_bytes(&body), &out));
    assert_int_equal(out.header_count, ROW_HEADERS_MAX);
    assert_true(bytes_equal(out.headers[ROW_HEADERS_MAX - 1].value, TEXT("v")));
    /* One more: the block's count is the two bytes before the items, 5 bytes each, and the end. */
    struct buffer more = {0};
    size_t items = body.size - 1 - ROW_HEADERS_MAX * 5;
    buffer_append(&more, bytes_of(body.data, items));
    more.data[items - 2] = (uint8_t)(0x80 | ((2 * (ROW_HEADERS_MAX + 1)) & 127));
    buffer_append(&more, bytes_of(body.data + items, ROW_HEADERS_MAX * 5));
    buffer_append(&more, bytes_of(body.data + items, 5));
    buffer_append_byte(&more, 0);
    assert_false(dead_letter_decode(buffer_bytes(&more), &out));
    buffer_clean_up(&body);
    buffer_clean_up(&more);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(any_bytes_of_a_message),
        cmocka_unit_test(null_is_not_empty),
        cmocka_unit_test(as_many_headers_as_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
