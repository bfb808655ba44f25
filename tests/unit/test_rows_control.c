/* control: what Avro-C reads of a row is what was put in, field by field; every value comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schemas/rows.h"
#include "tests/support/row_check.h"

#define TEXT(literal) bytes_of_text(literal)

static void encode(const void *row, struct buffer *out) {
    control_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return control_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_CONTROL,
    .row_bytes = sizeof(struct control_row),
    .encode = encode,
    .decode = decode,
};

static struct control_row every_field(void) {
    return (struct control_row){
        .setting = TEXT("paused"),
        .value = TEXT("true"),
        .changed_by = TEXT("eve"),
        .why = TEXT("sale"),
        .changed_ms = 1700000000001,
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct control_row row = every_field();
    row_check(&codec, &row,
              "{\"setting\": \"paused\", \"value\": \"true\", \"changed_by\": {\"string\": \""
              "eve\"}, \"why\": {\"string\": \"sale\"}, \"changed_ms\": 1700000000001}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("control", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void no_optional_field(void **state) {
    (void)state;
    const struct control_row row = {.changed_ms = INT64_MAX};
    row_check(&codec, &row,
              "{\"setting\": \"\", \"value\": \"\", \"changed_by\": null, \"why\": "
              "null, \"changed_ms\": 9223372036854775807}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(no_optional_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
