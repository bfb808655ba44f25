/* model_row: what Avro-C reads of a row is what was put in, field by field; every value comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    model_row_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return model_row_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_MODEL_ROW,
    .row_bytes = sizeof(struct model_row),
    .encode = encode,
    .decode = decode,
};

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct model_row row = {
        .learner = TEXT("logistic"),
        .row = TEXT("w/17"),
        .kind = TEXT("weights"),
        .values = TEXT("\x01 v"),
        .version_offset = 8192,
    };
    row_check(&codec, &row,
              "{\"learner\": \"logistic\", \"row\": \"w/17\", \"kind\": \"weights\", "
              "\"values\": {\"bytes\": \"\\u0001 v\"}, \"version_offset\": 8192}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("model_row", buffer_bytes(&body));
    buffer_clean_up(&body);
}

/* The row that ends a version holds nothing: null, not no bytes. */
static void the_version_row_has_no_values(void **state) {
    (void)state;
    struct model_row row = {
        .learner = TEXT("logistic"), .row = TEXT(MODEL_VERSION_ROW), .kind = TEXT("version")};
    row_check(&codec, &row,
              "{\"learner\": \"logistic\", \"row\": \"version\", \"kind\": \"version\", "
              "\"values\": null, \"version_offset\": 0}");
}

static void a_whole_table_fits(void **state) {
    (void)state;
    struct buffer values = {0}, body = {0};
    for (int i = 0; i < 65536; i++) {
        buffer_append_byte(&values, (uint8_t)(i * 7)); /* any bytes at all */
    }
    struct model_row row = {.values = buffer_bytes(&values), .version_offset = INT64_MAX}, out;
    model_row_encode(&row, &body);
    assert_true(model_row_decode(buffer_bytes(&body), &out));
    assert_true(bytes_equal(out.values, row.values));
    assert_true(out.version_offset == INT64_MAX);
    buffer_clean_up(&values);
    buffer_clean_up(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(the_version_row_has_no_values),
        cmocka_unit_test(a_whole_table_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
