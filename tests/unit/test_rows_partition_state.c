/* partition_state: what Avro-C reads of a row is what was put in, field by field; every value comes
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    partition_state_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return partition_state_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_PARTITION_STATE,
    .row_bytes = sizeof(struct partition_state_row),
    .encode = encode,
    .decode = decode,
};

static struct partition_state_row every_field(void) {
    return (struct partition_state_row){
        .partition = 7,
        .epoch = 8,
        .next_offset = {9, 10},
        .event_ms_max = 1700000000001,
        .watermark_ms = INT64_MAX,
        .hour_count = 2,
        .hours = {{472222, 3}, {472223, 4}},
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct partition_state_row row = every_field();
    row_check(&codec, &row,
              "{\"partition\": 7, \"epoch\": 8, \"clickstream_next_offset\": 9, \"feedback_ne"
              "xt_offset\": 10, \"event_ms_max\": {\"long\": 1700000000001}, \"watermark_ms\""
              ": {\"long\": 9223372036854775807}, \"hours\": [{\"hour\": 472222, \"used\": 3}"
              ", {\"hour\": 472223, \"used\": 4}]}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("partition_state", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void no_optional_field(void **state) {
    (void)state;
    const struct partition_state_row row = {.event_ms_max = TIME_NONE, .watermark_ms = TIME_NONE};
    row_check(&codec, &row, NULL);
    struct buffer body = {0};
    partition_state_encode(&row, &body);
    struct partition_state_row out;
    assert_true(partition_state_decode(buffer_bytes(&body), &out));
    assert_true(out.event_ms_max == TIME_NONE && out.watermark_ms == TIME_NONE);
    assert_int_equal(out.hour_count, 0);
    buffer_clean_up(&body);
}

static void extremes(void **state) {
    (void)state;
    struct partition_state_row row = {
        .partition = INT32_MAX,
        .epoch = INT64_MAX,
        .next_offset = {INT64_MAX, INT64_MIN},
        .event_ms_max = INT64_MIN + 1,
        .watermark_ms = INT64_MAX,
        .hour_count = ROW_LEDGER_MAX,
    };
    row_check(&codec, &row, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(no_optional_field),
        cmocka_unit_test(extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
