/* decision: what Avro-C reads of a row is what was put in, field by field; every value comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    decision_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return decision_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_DECISION,
    .row_bytes = sizeof(struct decision_row),
    .encode = encode,
    .decode = decode,
};

static struct decision_row every_field(void) {
    return (struct decision_row){
        .decision_id = {0x0123456789abcdef, 0xfedcba9876543210},
        .attempt = 1,
        .user_id = TEXT("u1"),
        .subject_key_id = TEXT("k1"),
        .canonical_id = TEXT("c1"),
        .trigger = TRIGGER_BROWSE_ABANDONED,
        .deadline_ms = 1700000000001,
        .decided_ms = 1700000000002,
        .anchor = UINT64_MAX - 2,
        .episode_id = {1, 2},
        .is_followup = true,
        .mode = TEXT("apprentice"),
        .bucket = TEXT("explore"),
        .action_count = 2,
        .actions = {{TEXT("none"), 0.25, (double)NAN}, {TEXT("ten"), 0.75, -1.5}},
        .would_have = TEXT("twenty"),
        .action = TEXT("ten"),
        .action_p = 0.75,
        .sent = true,
        .reason = TEXT("rule"),
        .gate_count = 2,
        .gates = {TEXT("consent"), TEXT("quiet_hours")},
        .cart_value = 12.5,
        .currency = TEXT("EUR"),
        .item_count = 1,
        .items = {TEXT("i1")},
        .feature_version = 3,
        .number_count = 3,
        .numbers = {1.5, (double)NAN, -2},
        .name_count = 2,
        .names = {TEXT("shoes"), TEXT("")},
        .rule_fingerprint = 0x8000000000000000,
        .policy = TEXT("value"),
        .score_count = 2,
        .scores = {{TEXT("logistic"), 8192, 2, {0.125, 0.25}}, {TEXT("other"), 0, 0, {0}}},
        .step_count = 2,
        .steps = {{UINT64_MAX - 1, 3, (double)NAN}, {5, 1, 60}},
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct decision_row row = every_field();
    row_check(&codec, &row,
              "{\"decision_id\": \"0123456789abcdeffedcba9876543210\", \"attempt\": 1, "
              "\"user_id\": \"u1\", \"subject_key_id\": {\"string\": \"k1\"}, "
              "\"canonical_id\": {\"string\": \"c1\"}, \"trigger\": \"browse_abandoned\", "
              "\"deadline_ms\": 1700000000001, \"decided_ms\": 1700000000002, \"anchor\": -3, "
              "\"episode_id\": {\"string\": \"00000000000000010000000000000002\"}, "
              "\"is_followup\": true, \"mode\": \"apprentice\", \"bucket\": \"explore\", "
              "\"actions\": [{\"action\": \"none\", \"p\": 0.25, \"value\": null}, "
              "{\"action\": \"ten\", \"p\": 0.75, \"value\": {\"double\": -1.5}}], "
              "\"would_have\": \"twenty\", \"action\": \"ten\", \"action_p\": 0.75, \"sent\": "
              "true, \"reason\": \"rule\", \"gates\": [\"consent\", \"quiet_hours\"], "
              "\"cart_value\": {\"double\": 12.5}, \"currency\": {\"string\": \"EUR\"}, "
              "\"items\": [\"i1\"], \"feature_version\": 3, \"numbers\": [{\"double\": 1.5}, "
              "null, {\"double\": -2.0}], \"names\": [{\"string\": \"shoes\"}, null], "
              "\"rule_fingerprint\": -9223372036854775808, \"policy\": \"value\", \"scores\": "
              "[{\"learner\": \"logistic\", \"version_offset\": 8192, \"p\": [0.125, 0.25]}, "
              "{\"learner\": \"other\", \"version_offset\": 0, \"p\": []}], \"steps\": "
              "[{\"item\": -2, \"kind\": 3, \"gap_s\": null}, {\"item\": 5, \"kind\": 1, "
              "\"gap_s\": {\"double\": 60.0}}]}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("decision", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void no_optional_field(void **state) {
    (void)state;
    const struct decision_row row = {.cart_value = (double)NAN};
    row_check(&codec, &row, NULL);
    struct buffer body = {0};
    decision_encode(&row, &body);
    struct decision_row out;
    assert_true(decision_decode(buffer_bytes(&body), &out));
    assert_true(isnan(out.cart_value));
    assert_true(hash128_equal(out.episode_id, (struct hash128){0}));
    assert_int_equal(out.canonical_id.size, 0);
    assert_int_equal(out.action_count + out.gate_count + out.item_count + out.number_count, 0);
    buffer_clean_up(&body);
}

static void every_array_full(void **state) {
    (void)state;
    struct decision_row row = every_field();
    row.attempt = INT32_MIN;
    row.deadline_ms = INT64_MIN;
    row.decided_ms = INT64_MAX;
    row.action_p = HUGE_VAL;
    row.action_count = ROW_ACTIONS_MAX;
    row.gate_count = ROW_GATES_MAX;
    row.item_count = ROW_ITEMS_MAX;
    row.number_count = ROW_NUMBERS_MAX;
    row.name_count = ROW_NAMES_MAX;
    row_check(&codec, &row, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(no_optional_field),
        cmocka_unit_test(every_array_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
