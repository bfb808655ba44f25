/* user_state_encode: Avro-C reads what was put in, rows keep their budget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/user_rows.h"

static const char every_field_json[] =
    "{\"user_id\": \"u1\", \"subject_key_id\": null, "
    "\"first_seen_ms\": {\"long\": 1}, \"last_event_ms\": {\"long\": 2}, "
    "\"session_start_ms\": {\"long\": 3}, \"order_ms\": {\"long\": 4}, "
    "\"counters\": [{\"kind\": \"added\", \"last_ms\": 5, \"v1h\": 0.5, \"v1d\": 0.25, "
    "\"v14d\": 0.125}, {\"kind\": \"searched\", \"last_ms\": 6, \"v1h\": 1.5, "
    "\"v1d\": 1.25, \"v14d\": 1.125}], \"order_value\": 7.5, "
    "\"price_mean\": {\"float\": 8.5}, \"push_pressure\": 9.5, "
    "\"categories\": [{\"name_hash\": 0, "
    "\"weight\": 0.0}, {\"name_hash\": 4294967295, \"weight\": 10.5}], "
    "\"brands\": [{\"name_hash\": 11, \"weight\": 11.5}], "
    "\"recent\": [{\"item_id\": {\"string\": \"10048001\"}, "
    "\"category_hash\": 12, \"gap_s\": -1, "
    "\"kind\": \"push_dismissed\"}, {\"item_id\": null, \"category_hash\": 0, "
    "\"gap_s\": 0, "
    "\"kind\": \"other\"}, {\"item_id\": {\"string\": \"10048002\"}, "
    "\"category_hash\": 4294967295, \"gap_s\": 13, \"kind\": \"other\"}], "
    "\"dedup\": \"aaaaaadcbafe\", \"dedup_next\": 15, \"minute\": 16, "
    "\"minute_events\": 17, \"day_events\": 18, \"session_views\": 19, "
    "\"session_adds\": 20, \"sessions\": 21, \"coupons\": 22, \"opened\": 23, "
    "\"dismissed\": 24, \"zone\": {\"string\": \"America/Argentina/Buenos_Aires\"}, "
    "\"consent\": \"denied\", \"is_bot_suspect\": true, "
    "\"locale\": {\"string\": \"zh-Hant-TW-x\"}, \"currency\": {\"string\": \"EUR\"}, "
    "\"place\": {\"string\": \"AT-9WIEN\"}, "
    "\"active\": {\"user_active\": {\"timers\": [{\"kind\": \"checkout\", "
    "\"deadline_ms\": 25, \"anchor\": 26}, {\"kind\": \"decisions\", "
    "\"deadline_ms\": 27, \"anchor\": -1}], "
    "\"episode_id\": {\"string\": \"00000000000000010000000000000002\"}, "
    "\"episode_end_ms\": {\"long\": 28}, \"checkout_ms\": {\"long\": 29}, "
    "\"cart_changed_ms\": {\"long\": 30}, \"cart_overflow\": 31, "
    "\"cart\": [{\"item_id\": {\"string\": \"10048003\"}, "
    "\"category_hash\": 32, \"quantity\": 33, "
    "\"price\": {\"float\": 34.5}}, {\"item_id\": {\"string\": \"10048004\"}, "
    "\"category_hash\": 0, \"quantity\": -2147483648, \"price\": null}], "
    "\"open\": [{\"decision_id\": \"0123456789abcdeffedcba9876543210\", "
    "\"deadline_ms\": 1700000000001, \"close_ms\": {\"long\": 1700000000002}, "
    "\"redecide_ms\": {\"long\": 1700000000003}, "
    "\"expires_ms\": {\"long\": 1700000000004}, \"anchor\": -9141386507638288913, "
    "\"trigger\": \"browse_abandoned\", \"attempt\": 1, \"flags\": 11, "
    "\"offer_id\": {\"string\": \"12345678901234567890123\"}, "
    "\"decided_ms\": {\"long\": 1700000000005}, \"order_ms\": {\"long\": 1700000000006}, "
    "\"order_hash\": -7988465003031441937, \"order_total\": {\"double\": 37.5}, "
    "\"refunded\": {\"double\": 0.25}, \"revision\": 255}], "
    "\"sent_ms\": [35, 36]}}}";

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct user_state user = every_field_user();
    row_check(&user_rows_codec, &user, every_field_json);
    struct buffer body = {0};
    user_rows_encode(&user, &body);
    row_check_golden("user_state", buffer_bytes(&body));
    buffer_clean_up(&body);
    user_state_clean_up(&user);
}

static size_t encoded_bytes(const struct user_state *user) {
    struct buffer out = {0};
    user_rows_encode(user, &out);
    size_t size = out.size;
    buffer_clean_up(&out);
    return size;
}

static void rows_keep_their_budget(void **state) {
    (void)state;
    struct user_state user = typical_user();
    size_t before = encoded_bytes(&user);
    print_message("typical user: %zu bytes\n", before);
    assert_true(before <= 400);
    for (size_t i = 0; i < USER_OPEN_MAX; i++) {
        add_open(&user, largest_open());
        size_t after = encoded_bytes(&user);
        assert_true(after - before <= 200);
        before = after;
    }
    user_state_clean_up(&user);
    /* One who only looked once. */
    user = user_of("u1");
    user.first_seen_ms = user.last_event_ms = user.session_start_ms = USER_ROWS_NOW_MS;
    assert_true(encoded_bytes(&user) <= 80);
    user_state_clean_up(&user);
}

/* Whoever filled the field by hand may have cut a character: the row must be read nevertheless. */
static void a_cut_character_does_not_spoil_the_row(void **state) {
    (void)state;
    struct user_state user = user_of("u1");
    memcpy(user.locale, "abcdefghijk\xc3", 12);
    row_check(&user_rows_codec, &user, NULL);
    struct buffer body = {0};
    struct user_state decoded = {0};
    user_rows_encode(&user, &body);
    assert_true(user_rows_decode(buffer_bytes(&body), &decoded));
    assert_memory_equal(decoded.locale, "abcdefghijk\0", 12);
    user_state_clean_up(&decoded);
    buffer_clean_up(&body);
    user_state_clean_up(&user);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(rows_keep_their_budget),
        cmocka_unit_test(a_cut_character_does_not_spoil_the_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
