/* example: what Avro-C reads of a row is what was put in, field by field; every value comes back.
 * What is learned from must be finite, so a poisoned number is refused with its row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    example_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return example_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_EXAMPLE,
    .row_bytes = sizeof(struct example_row),
    .encode = encode,
    .decode = decode,
};

static struct example_row every_field(void) {
    return (struct example_row){
        .decision_id = {0x0123456789abcdef, 0xfedcba9876543210},
        .revision = 2,
        .user_id = TEXT("u1"),
        .subject_key_id = TEXT("k1"),
        .origin = TEXT("browse_abandoned"),
        .episode_id = {1, 2},
        .decided_ms = 1700000000001,
        .labelled_ms = 1700000000002,
        .feature_version = 3,
        .number_count = 3,
        .numbers = {1.5, (double)NAN, -2},
        .name_count = 2,
        .names = {TEXT("shoes"), TEXT("")},
        .bucket = TEXT("explore"),
        .action = TEXT("ten"),
        .action_p = 0.75,
        .action_count = 2,
        .actions = {{TEXT("none"), 0.25, (double)NAN}, {TEXT("ten"), 0.75, -1.5}},
        .score_count = 1,
        .scores = {{TEXT("logistic"), 8192, 2, {0.125, 0.25}}},
        .label = LABEL_CANCELLED,
        .is_retraction = true,
        .net_margin = -0.5,
        .weight = 20,
        .is_censored_by_push = true,
        .step_count = 2,
        .steps = {{UINT64_MAX - 1, 3, (double)NAN}, {5, 1, 60}},
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct example_row row = every_field();
    row_check(&codec, &row,
              "{\"decision_id\": \"0123456789abcdeffedcba9876543210\", \"revision\": 2, "
              "\"user_id\": \"u1\", \"subject_key_id\": {\"string\": \"k1\"}, \"origin\": "
              "\"browse_abandoned\", \"episode_id\": {\"string\": "
              "\"00000000000000010000000000000002\"}, \"decided_ms\": 1700000000001, "
              "\"labelled_ms\": 1700000000002, \"feature_version\": 3, \"numbers\": "
              "[{\"double\": 1.5}, null, {\"double\": -2.0}], \"names\": [{\"string\": "
              "\"shoes\"}, null], \"bucket\": \"explore\", \"action\": \"ten\", \"action_p\": "
              "0.75, \"actions\": [{\"action\": \"none\", \"p\": 0.25, \"value\": null}, "
              "{\"action\": \"ten\", \"p\": 0.75, \"value\": {\"double\": -1.5}}], \"scores\": "
              "[{\"learner\": \"logistic\", \"version_offset\": 8192, \"p\": [0.125, 0.25]}], "
              "\"label\": \"cancelled\", \"is_retraction\": true, \"net_margin\": {\"double\": "
              "-0.5}, \"weight\": 20.0, \"is_censored_by_push\": true, \"steps\": "
              "[{\"item\": -2, \"kind\": 3, \"gap_s\": null}, {\"item\": 5, \"kind\": 1, "
              "\"gap_s\": {\"double\": 60.0}}]}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("example", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void no_optional_field(void **state) {
    (void)state;
    const struct example_row row = {.net_margin = (double)NAN};
    row_check(&codec, &row, NULL);
    struct buffer body = {0};
    example_encode(&row, &body);
    struct example_row out;
    assert_true(example_decode(buffer_bytes(&body), &out));
    assert_true(isnan(out.net_margin));
    assert_true(hash128_equal(out.episode_id, (struct hash128){0}));
    assert_int_equal(out.number_count + out.name_count + out.action_count + out.score_count, 0);
    buffer_clean_up(&body);
}

static void every_array_full(void **state) {
    (void)state;
    struct example_row row = every_field();
    row.revision = INT32_MAX;
    row.decided_ms = INT64_MIN;
    row.number_count = ROW_NUMBERS_MAX;
    row.name_count = ROW_NAMES_MAX;
    row.action_count = ROW_ACTIONS_MAX;
    row.score_count = ROW_LEARNERS_MAX;
    row.scores[0].p_count = ROW_ACTIONS_MAX;
    row_check(&codec, &row, NULL);
}

static bool decodes(const struct example_row *row) {
    struct example_row out;
    struct buffer body = {0};
    example_encode(row, &body);
    bool is_valid = example_decode(buffer_bytes(&body), &out);
    buffer_clean_up(&body);
    return is_valid;
}

/* Missing numbers are null on the wire; one that is written out is a number. */
static void poisoned_numbers_are_refused(void **state) {
    (void)state;
    struct example_row row = every_field();
    double *const numbers[] = {&row.numbers[2], &row.action_p, &row.scores[0].p[1], &row.net_margin,
                               &row.weight};
    assert_true(decodes(&row));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        double honest = *numbers[i];
        *numbers[i] = -(double)INFINITY;
        assert_false(decodes(&row));
        *numbers[i] = honest;
        assert_true(decodes(&row));
    }
    row.weight = (double)NAN;
    assert_false(decodes(&row));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(no_optional_field),
        cmocka_unit_test(every_array_full),
        cmocka_unit_test(poisoned_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
