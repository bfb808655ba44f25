/* journal: what Avro-C reads of a row is what was put in, field by field; every value comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    journal_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return journal_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_JOURNAL,
    .row_bytes = sizeof(struct journal_row),
    .encode = encode,
    .decode = decode,
};

static struct journal_row every_field(void) {
    return (struct journal_row){
        .partition = 7,
        .epoch = 8,
        .from_offset = {9, 11},
        .to_offset = {10, 12},
        .watermark_before_ms = 1700000000001,
        .watermark_after_ms = INT64_MAX,
        .tick_ms = 1700000000003,
        .fired_at_end = true,
        .wall_ms = 1700000000004,
        .side_count = 2,
        .sides = {{TEXT("catalogue"), 13}, {TEXT("profiles"), 14}},
        .paused = false,
        .config_fingerprint = UINT64_MAX,
        .binary = TEXT("0.1.0"),
        .model_count = 2,
        .models = {{TEXT("logistic"), 8192}, {TEXT("other"), 0}},
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct journal_row row = every_field();
    row_check(&codec, &row,
              "{\"partition\": 7, \"epoch\": 8, \"clickstream_from_offset\": 9, "
              "\"clickstream_to_offset\": 10, \"feedback_from_offset\": 11, "
              "\"feedback_to_offset\": 12, \"watermark_before_ms\": {\"long\": 1700000000001}, "
              "\"watermark_after_ms\": {\"long\": 9223372036854775807}, \"tick_ms\": "
              "{\"long\": 1700000000003}, \"fired_at_end\": true, \"wall_ms\": 1700000000004, "
              "\"sides\": [{\"topic\": \"catalogue\", \"next_offset\": 13}, {\"topic\": "
              "\"profiles\", \"next_offset\": 14}], \"paused\": false, \"config_fingerprint\": "
              "-1, \"binary\": \"0.1.0\", \"models\": [{\"learner\": \"logistic\", "
              "\"version_offset\": 8192}, {\"learner\": \"other\", \"version_offset\": 0}]}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("journal", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void no_optional_field(void **state) {
    (void)state;
    const struct journal_row row = {
        .watermark_before_ms = TIME_NONE,
        .watermark_after_ms = TIME_NONE,
        .tick_ms = TIME_NONE,
        .paused = true,
        .side_count = ROW_SIDES_MAX,
        .model_count = ROW_LEARNERS_MAX,
    };
    row_check(&codec, &row, NULL);
    struct buffer body = {0};
    journal_encode(&row, &body);
    struct journal_row out;
    assert_true(journal_decode(buffer_bytes(&body), &out));
    assert_true(out.watermark_before_ms == TIME_NONE && out.watermark_after_ms == TIME_NONE);
    assert_true(out.tick_ms == TIME_NONE && out.paused && !out.fired_at_end);
    assert_int_equal(out.side_count, ROW_SIDES_MAX);
    assert_int_equal(out.model_count, ROW_LEARNERS_MAX);
    buffer_clean_up(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(no_optional_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
