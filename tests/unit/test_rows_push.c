/* push: what Avro-C reads of a row is what was put in, field by field; every value comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    push_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return push_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_PUSH,
    .row_bytes = sizeof(struct push_row),
    .encode = encode,
    .decode = decode,
};

static struct push_row every_field(void) {
    return (struct push_row){
        .kind = PUSH_REVOKED,
        .push_id = TEXT("p1"),
        .decision_id = {0x0123456789abcdef, 0xfedcba9876543210},
        .user_id = TEXT("u1"),
        .subject_key_id = TEXT("k1"),
        .trigger = TRIGGER_CHECKOUT_ABANDONED,
        .offer_id = TEXT("ten"),
        .offer_kind = TEXT("percent_off"),
        .offer_value = 10,
        .channel = TEXT("app"),
        .locale = TEXT("de-DE"),
        .currency = TEXT("EUR"),
        .not_before_ms = 1700000000001,
        .expires_ms = 1700000000002,
        .item_count = 2,
        .items = {{.id = TEXT("i1"),
                   .name = TEXT("Shoe"),
                   .image = TEXT("http://image"),
                   .url = TEXT("http://item"),
                   .price = 19.5},
                  {.id = TEXT("i2"), .price = (double)NAN}},
        .coupon_code = TEXT("TEN"),
        .title = TEXT("Your sh\u00f6es"),
        .body = TEXT("10 % off"),
        .reason = TEXT("cart left"),
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct push_row row = every_field();
    row_check(&codec, &row,
              "{\"kind\": \"push_revoked\", \"push_id\": \"p1\", \"decision_id\": \"012345678"
              "9abcdeffedcba9876543210\", \"user_id\": \"u1\", \"subject_key_id\": {\"string"
              "\": \"k1\"}, \"trigger\": \"checkout_abandoned\", \"offer_id\": \"ten\", \"off"
              "er_kind\": \"percent_off\", \"offer_value\": {\"double\": 10.0}, \"channel\": "
              "{\"string\": \"app\"}, \"locale\": {\"string\": \"de-DE\"}, \"currency\": {\"s"
              "tring\": \"EUR\"}, \"not_before\": {\"long\": 1700000000001}, \"expires_at\": "
              "{\"long\": 1700000000002}, \"items\": [{\"id\": \"i1\", \"name\": {\"string\":"
              " \"Shoe\"}, \"price\": {\"double\": 19.5}, \"image\": {\"string\": \"http://im"
              "age\"}, \"url\": {\"string\": \"http://item\"}}, {\"id\": \"i2\", \"name\": nu"
              "ll, \"price\": null, \"image\": null, \"url\": null}], \"coupon_code\": {\"str"
              "ing\": \"TEN\"}, \"title\": {\"string\": \"Your sh\\u00F6es\"}, \"body\": {\"s"
              "tring\": \"10 % off\"}, \"reason\": {\"string\": \"cart left\"}}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("push", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void no_optional_field(void **state) {
    (void)state;
    const struct push_row row = {
        .offer_value = (double)NAN,
        .not_before_ms = TIME_NONE,
        .expires_ms = TIME_NONE,
    };
    row_check(&codec, &row, NULL);
    struct buffer body = {0};
    push_encode(&row, &body);
    struct push_row out;
    assert_true(push_decode(buffer_bytes(&body), &out));
    assert_true(isnan(out.offer_value));
    assert_true(out.not_before_ms == TIME_NONE && out.expires_ms == TIME_NONE);
    assert_int_equal(out.coupon_code.size, 0);
    buffer_clean_up(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(no_optional_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
