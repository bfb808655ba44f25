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
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct dead_letter_row row = every_field();
    row_check(&codec, &row,
              "{\"topic\": \"clickstream\", \"partition\": 7, \"offset\": 8, \"timestamp_ms\""
              ": {\"long\": 1700000000001}, \"reason\": \"bad_utf8\", \"key\": {\"bytes\": \""
              "u1\"}, \"value\": {\"bytes\": \"\\u0001 v\"}}");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(any_bytes_of_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
