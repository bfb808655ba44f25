/* catalogue_item: what Avro-C reads of a row is what was put in, field by field; every value comes
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
    catalogue_item_encode(row, out);
}

static bool decode(struct bytes body, void *out_row) {
    return catalogue_item_decode(body, out_row);
}

static const struct row_codec codec = {
    .schema = SCHEMA_CATALOGUE_ITEM,
    .row_bytes = sizeof(struct catalogue_item_row),
    .encode = encode,
    .decode = decode,
};

static struct catalogue_item_row every_field(void) {
    return (struct catalogue_item_row){
        .item_id = TEXT("i1"),
        .name = TEXT("Shoe"),
        .category = TEXT("shoes"),
        .brand = TEXT("acme"),
        .image = TEXT("http://image"),
        .url = TEXT("http://item"),
        .price = 19.5,
        .margin = 0.25,
        .stock = 0,
    };
}

static void reads_as_it_was_written(void **state) {
    (void)state;
    struct catalogue_item_row row = every_field();
    row_check(&codec, &row,
              "{\"item_id\": \"i1\", \"name\": {\"string\": \"Shoe\"}, \"category\": {\"strin"
              "g\": \"shoes\"}, \"brand\": {\"string\": \"acme\"}, \"image\": {\"string\": \""
              "http://image\"}, \"url\": {\"string\": \"http://item\"}, \"price\": {\"double"
              "\": 19.5}, \"margin\": {\"double\": 0.25}, \"stock\": {\"long\": 0}}");
    struct buffer body = {0};
    encode(&row, &body);
    row_check_golden("catalogue_item", buffer_bytes(&body));
    buffer_clean_up(&body);
}

static void no_optional_field(void **state) {
    (void)state;
    const struct catalogue_item_row row = {
        .item_id = TEXT("i1"),
        .price = (double)NAN,
        .margin = (double)NAN,
        .stock = -1,
    };
    row_check(
        &codec, &row,
        "{\"item_id\": \"i1\", \"name\": null, \"category\": null, \"brand\": null, "
        "\"image\": null, \"url\": null, \"price\": null, \"margin\": null, \"stock\": null}");
    struct buffer body = {0};
    catalogue_item_encode(&row, &body);
    struct catalogue_item_row out;
    assert_true(catalogue_item_decode(buffer_bytes(&body), &out));
    assert_true(out.stock == -1 && isnan(out.price) && isnan(out.margin));
    buffer_clean_up(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_it_was_written),
        cmocka_unit_test(no_optional_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
