/* open_decision: what Avro-C reads of a row is what was put in, field by field; every value comes
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    open_decision_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return open_decision_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_OPEN_DECISION,
    .row_bytes = sizeof(struct open_decision_row),
    .encode = encode,
    .decode = decode,
};

static struct open_decision_row every_field(void) {
    return (struct open_decision_row){
        .open = {.id = {0x0123456789abcdef, 0xfedcba9876543210},
                 .deadline_ms = 1700000000001,
                 .close_ms = 1700000000002,
                 .redecide_ms = 1700000000003,
                 .expires_ms = 1700000000004,
                 .anchor = UINT64_MAX - 2,
                 .trigger = TRIGGER_BROWSE_ABANDONED,
                 .attempt = 1,
                 .flags = DECISION_SENT | DECISION_ORDERED,
                 .offer_id = "12345678901234567890123",
                 .decided_ms = 1700000000005},
        .user_id = TEXT("u1"),
        .subject_key_id = TEXT("k1"),
        .action = TEXT("ten"),
        .action_p = 0.75,
        .bucket = TEXT("policy"),
        .episode_id = {1, 2},
        .feature_version = 3,
        .number_count = 3,
        .numbers = {1.5, (double)NAN, -2},
        .name_count = 2,
        .names = {TEXT("shoes"), TEXT("")},
        .action_count = 2,
        .actions = {{TEXT("none"), 0.25, (double)NAN}, {TEXT("ten"), 0.75, -1.5}},
        .score_count = 1,
        .scores = {{TEXT("logistic"), 8192, 2, {0.125, 0.25}}},
        .margin = 0.375,
        .weight = 20,
        .step_count = 2,
        .steps = {{UINT64_MAX - 1, 3, (double)NAN}, {5, 1, 60}},
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct open_decision_row row = every_field();
    row_check(&codec, &row,
              "{\"decision_id\": \"0123456789abcdeffedcba9876543210\", \"user_id\": \"u1\", "
              "\"subject_key_id\": {\"string\": \"k1\"}, \"deadline_ms\": 1700000000001, "
              "\"close_ms\": {\"long\": 1700000000002}, \"redecide_ms\": {\"long\": "
              "1700000000003}, \"expires_ms\": {\"long\": 1700000000004}, \"anchor\": -3, "
              "\"trigger\": \"browse_abandoned\", \"attempt\": 1, \"flags\": 17, \"offer_id\": "
              "{\"string\": \"12345678901234567890123\"}, \"action\": \"ten\", \"action_p\": "
              "0.75, \"bucket\": \"policy\", \"episode_id\": {\"string\": "
              "\"00000000000000010000000000000002\"}, \"feature_version\": 3, \"numbers\": "
              "[{\"double\": 1.5}, null, {\"double\": -2.0}], \"names\": [{\"string\": "
              "\"shoes\"}, null], \"decided_ms\": {\"long\": 1700000000005}, \"actions\": "
              "[{\"action\": \"none\", \"p\": 0.25, \"value\": null}, {\"action\": \"ten\", "
              "\"p\": 0.75, \"value\": {\"double\": -1.5}}], \"scores\": [{\"learner\": "
              "\"logistic\", \"version_offset\": 8192, \"p\": [0.125, 0.25]}], \"margin\": "
              "{\"double\": 0.375}, \"weight\": 20.0, \"steps\": "
              "[{\"item\": -2, \"kind\": 3, \"gap_s\": null}, {\"item\": 5, \"kind\": 1, "
              "\"gap_s\": {\"double\": 60.0}}]}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("open_decision", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void no_optional_field(void **state) {
    (void)state;
    const struct open_decision_row row = {
        .open = {.close_ms = TIME_NONE,
                 .redecide_ms = TIME_NONE,
                 .expires_ms = TIME_NONE,
                 .decided_ms = TIME_NONE},
        .margin = (double)NAN,
    };
    row_check(&codec, &row, NULL);
    struct buffer body = {0};
    open_decision_encode(&row, &body);
    struct open_decision_row out;
    memset(&out, 0xff, sizeof out);
    assert_true(open_decision_decode(buffer_bytes(&body), &out));
    assert_true(out.open.close_ms == TIME_NONE && out.open.redecide_ms == TIME_NONE);
    assert_string_equal(out.open.offer_id, "");
    assert_true(out.open.decided_ms == TIME_NONE && isnan(out.margin));
    assert_int_equal(out.action_count + out.score_count, 0);
    /* What came after the decision stands in the user's state, not here. */
    assert_true(out.open.order_ms == TIME_NONE && isnan(out.open.order_total));
    assert_true(isnan(out.open.refunded) && out.open.revision == 0 && out.open.order_hash == 0);
    buffer_clean_up(&body);
}

/* An offer id of 24 bytes has no room for its NUL, one with a NUL inside would come back shorter.
 */
static void refuses_an_offer_id_that_does_not_fit(void **state) {
    (void)state;
    struct open_decision_row row = every_field(), out;
    struct buffer body = {0};
    open_decision_encode(&row, &body);
    uint8_t *offer = memmem(body.data, body.size, row.open.offer_id, 23);
    assert_non_null(offer);
    assert_true(open_decision_decode(buffer_bytes(&body), &out));
    offer[7] = 0;
    assert_false(open_decision_decode(buffer_bytes(&body), &out));
    offer[7] = '8';
    offer[-1] = 48;
    assert_false(open_decision_decode(buffer_bytes(&body), &out));
    buffer_clean_up(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(no_optional_field),
        cmocka_unit_test(refuses_an_offer_id_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
