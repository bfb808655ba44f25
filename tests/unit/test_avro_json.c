/* avro_json: values as they were written, and hostile bytes, of random schemas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schemas/avro_json.h"
#include "schemas/wire.h"
#include "tests/support/random_schema.h"

static struct writer_schema *parse(const char *text) {
    struct writer_schema *schema = NULL;
    struct failure failure = writer_schema_parse(bytes_of_text(text), &schema);
    if (failed(failure)) {
        fail_msg("%s", failure.text);
    }
    return schema;
}

static void test_every_type(void **state) {
    (void)state;
    struct writer_schema *schema = parse(
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
        "{\"name\":\"s\",\"type\":\"string\"},{\"name\":\"i\",\"type\":\"int\"},"
        "{\"name\":\"d\",\"type\":\"double\"},{\"name\":\"f\",\"type\":\"float\"},"
        "{\"name\":\"b\",\"type\":\"boolean\"},"
        "{\"name\":\"money\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
        "\"precision\":9,\"scale\":2}},"
        "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}},"
        "{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"x\",\"size\":3}},"
        "{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"long\"}},"
        "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"null\"}},"
        "{\"name\":\"u\",\"type\":[\"null\","
        "{\"type\":\"record\",\"name\":\"shop.One\",\"fields\":[]},"
        "{\"type\":\"record\",\"name\":\"shop.Two\",\"fields\":"
        "[{\"name\":\"y\",\"type\":\"int\"}]}]}]}");
    struct buffer body = {0};
    wire_write_bytes(&body, bytes_of_text("tea"));
    wire_write_long(&body, -7);
    wire_write_double(&body, 0.5);
    wire_write_float(&body, 0.25F);
    wire_write_boolean(&body, true);
    wire_write_bytes(&body, bytes_of("\xff\x38", 2)); /* -200 */
    wire_write_long(&body, 1);
    buffer_append(&body, bytes_of_text("EUR"));
    wire_write_long(&body, -2); /* a block that says its bytes */
    wire_write_long(&body, 2);
    wire_write_long(&body, 5);
    wire_write_long(&body, 6);
    wire_write_long(&body, 0);
    wire_write_long(&body, 1);
    wire_write_bytes(&body, bytes_of_text("k"));
    wire_write_long(&body, 0);
    wire_write_long(&body, 2);
    wire_write_long(&body, 9);
    json_t *value = avro_to_json(schema, buffer_bytes(&body));
    assert_non_null(value);
    json_t *wanted = json_loads("{\"s\":\"tea\",\"i\":-7,\"d\":0.5,\"f\":0.25,\"b\":true,"
                                "\"money\":-2.0,\"e\":\"B\",\"x\":\"EUR\",\"l\":[5,6],"
                                "\"m\":{\"k\":null},\"u\":{\"y\":9,\"@type\":\"Two\"}}",
                                0, NULL);
    assert_true(json_equal(value, wanted));
    json_decref(wanted);
    json_decref(value);
    buffer_append_byte(&body, 0);
    assert_null(avro_to_json(schema, buffer_bytes(&body))); /* more than the record */
    buffer_clean_up(&body);
    writer_schema_destroy(schema);
}

/* A billion nulls in six bytes are refused, as is nesting without an end. */
static void test_bounds(void **state) {
    (void)state;
    struct writer_schema *schema = parse("{\"type\":\"array\",\"items\":\"null\"}");
    struct buffer body = {0};
    wire_write_long(&body, 1000000000);
    wire_write_long(&body, 0);
    assert_null(avro_to_json(schema, buffer_bytes(&body)));
    writer_schema_destroy(schema);
    schema = parse("{\"type\":\"record\",\"name\":\"r\",\"fields\":"
                   "[{\"name\":\"n\",\"type\":[\"null\",\"r\"]}]}");
    for (int depth = 1; depth < 60; depth += 10) {
        buffer_clear(&body);
        for (int i = 0; i < depth; i++) {
            wire_write_long(&body, 1);
        }
        wire_write_long(&body, 0);
        json_t *value = avro_to_json(schema, buffer_bytes(&body));
        assert_int_equal(value != NULL, depth < AVRO_JSON_DEPTH_MAX / 2 - 1);
        json_decref(value);
    }
    writer_schema_destroy(schema);
    buffer_clean_up(&body);
}

static void check_prefixes(const struct writer_schema *schema, struct bytes body) {
    for (size_t size = 0; size < body.size; size++) {
        uint8_t *copy = memory_new(size + 1, 1); /* on the heap, for ASan */
        memcpy(copy, body.data, size);
        copy = memory_grow(copy, size ? size : 1, 1);
        json_t *value = avro_to_json(schema, bytes_of(copy, size));
        assert_null(value);
        free(copy);
    }
}

static void check_corruptions(const struct writer_schema *schema, struct buffer *body,
                              struct rng *rng) {
    for (size_t at = 0; at < body->size; at++) {
        uint8_t kept = body->data[at];
        body->data[at] = (uint8_t)rng_u64(rng);
        json_decref(avro_to_json(schema, buffer_bytes(body))); /* whatever it is: no crash */
        body->data[at] = kept;
    }
}

static void test_random(void **state) {
    (void)state;
    struct random_schema *random = memory_new(1, sizeof *random);
    struct buffer body = {0}, other = {0};
    struct rng rng = rng_make(20261125, 0);
    for (int i = 0; i < 200; i++) {
        random_schema_make(&rng, random);
        struct writer_schema *schema = NULL;
        struct failure failure = writer_schema_parse(buffer_bytes(&random->text), &schema);
        assert_false(failed(failure));
        struct rng values = rng, same_values = rng;
        struct rng blocks = rng_make((uint64_t)i, 1);
        buffer_clear(&body);
        buffer_clear(&other);
        random_schema_write_value(random, &values, NULL, &body);
        random_schema_write_value(random, &same_values, &blocks, &other);
        json_t *value = avro_to_json(schema, buffer_bytes(&body));
        json_t *again = avro_to_json(schema, buffer_bytes(&other));
        assert_non_null(value);
        assert_true(json_equal(value, again));
        if (body.size < 400) {
            check_prefixes(schema, buffer_bytes(&body));
            check_corruptions(schema, &body, &rng);
        }
        json_decref(value);
        json_decref(again);
        writer_schema_destroy(schema);
        (void)rng_u64(&rng);
    }
    random_schema_clean_up(random);
    free(random);
    buffer_clean_up(&body);
    buffer_clean_up(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
