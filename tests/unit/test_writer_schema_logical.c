/* Logical types of a writer schema: those that fit their type, and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schemas/writer_schema.h"

static struct writer_schema *parse_bytes(struct bytes text) {
    struct writer_schema *schema;
    struct failure failure = writer_schema_parse(text, &schema);
    if (failed(failure)) {
        print_error("%s\n", failure.text);
    }
    assert_false(failed(failure));
    assert_non_null(schema);
    return schema;
}

static struct writer_schema *parse(const char *text) {
    return parse_bytes(bytes_of_text(text));
}

static void logical_types_that_fit(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum writer_logical logical;
        int scale;
    } types[] = {
        {"{\"type\": \"int\", \"logicalType\": \"date\"}", LOGICAL_DATE, 0},
        {"{\"type\": \"long\", \"logicalType\": \"date\"}", LOGICAL_NONE, 0},
        {"{\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}", LOGICAL_TIMESTAMP_MILLIS,
         0},
        {"{\"type\": \"int\", \"logicalType\": \"timestamp-millis\"}", LOGICAL_NONE, 0},
        {"{\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}", LOGICAL_TIMESTAMP_MICROS,
         0},
        {"{\"type\": \"long\", \"logicalType\": \"timestamp-nanos\"}", LOGICAL_TIMESTAMP_NANOS, 0},
        {"{\"type\": \"long\", \"logicalType\": \"local-timestamp-millis\"}",
         LOGICAL_TIMESTAMP_MILLIS, 0},
        {"{\"type\": \"long\", \"logicalType\": \"local-timestamp-micros\"}",
         LOGICAL_TIMESTAMP_MICROS, 0},
        {"{\"type\": \"long\", \"logicalType\": \"local-timestamp-nanos\"}",
         LOGICAL_TIMESTAMP_NANOS, 0},
        {"{\"type\": \"string\", \"logicalType\": \"uuid\"}", LOGICAL_UUID, 0},
        {"{\"type\": \"fixed\", \"name\": \"f\", \"size\": 16, \"logicalType\": \"uuid\"}",
         LOGICAL_UUID, 0},
        {"{\"type\": \"fixed\", \"name\": \"f\", \"size\": 15, \"logicalType\": \"uuid\"}",
         LOGICAL_NONE, 0},
        {"{\"type\": \"long\", \"logicalType\": 7}", LOGICAL_NONE, 0},
        {"{\"type\": \"long\", \"logicalType\": \"time-micros\"}", LOGICAL_NONE, 0},
#define DECIMAL "{\"type\": \"bytes\", \"logicalType\": \"decimal\", "
        {DECIMAL "\"precision\": 9, \"scale\": 2}", LOGICAL_DECIMAL, 2},
        {DECIMAL "\"precision\": 9}", LOGICAL_DECIMAL, 0},
        {DECIMAL "\"precision\": 9, \"scale\": 9}", LOGICAL_DECIMAL, 9},
        {DECIMAL "\"precision\": 64, \"scale\": 64}", LOGICAL_DECIMAL, 64},
        {DECIMAL "\"precision\": 65, \"scale\": 65}", LOGICAL_NONE, 0},
        {DECIMAL "\"precision\": 9, \"scale\": 10}", LOGICAL_NONE, 0},
        {DECIMAL "\"precision\": 9, \"scale\": -1}", LOGICAL_NONE, 0},
        {DECIMAL "\"precision\": 9, \"scale\": \"2\"}", LOGICAL_NONE, 0},
        {DECIMAL "\"precision\": 0}", LOGICAL_NONE, 0},
        {DECIMAL "\"precision\": 4.5}", LOGICAL_NONE, 0},
        {DECIMAL "\"scale\": 2}", LOGICAL_NONE, 0},
#define FIXED(size)                                                                                \
    "{\"type\": \"fixed\", \"name\": \"f\", \"size\": " #size ", \"logicalType\": \"decimal\", "
        {FIXED(4) "\"precision\": 9, \"scale\": 3}", LOGICAL_DECIMAL, 3},
        {FIXED(4) "\"precision\": 10, \"scale\": 3}", LOGICAL_NONE, 0},
        {FIXED(8) "\"precision\": 18}", LOGICAL_DECIMAL, 0},
        {FIXED(8) "\"precision\": 19}", LOGICAL_NONE, 0},
        {FIXED(0) "\"precision\": 1}", LOGICAL_NONE, 0},
        {"{\"type\": \"string\", \"logicalType\": \"decimal\", \"precision\": 4}", LOGICAL_NONE, 0},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct writer_schema *schema = parse(types[i].text);
        if (schema->root->logical != types[i].logical || schema->root->scale != types[i].scale) {
            print_error("%s: %d, scale %d\n", types[i].text, schema->root->logical,
                        schema->root->scale);
            fail();
        }
        writer_schema_destroy(schema);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logical_types_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
