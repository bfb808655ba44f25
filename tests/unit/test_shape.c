/* shape: the paths that schemas and samples show, and finding them in either spelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schemas/shape.h"
#include "schemas/wire.h"

static void add_schema(struct shape *shape, const char *text) {
    struct writer_schema *schema = NULL;
    struct failure failure = writer_schema_parse(bytes_of_text(text), &schema);
    if (failed(failure)) {
        fail_msg("%s", failure.text);
    }
    shape_add_schema(shape, schema);
    writer_schema_destroy(schema);
}

static const struct shape_leaf *leaf_of(const struct shape *shape, const char *path) {
    const struct shape_leaf *leaf = shape_find(shape, -1, path);
    if (!leaf) {
        fail_msg("no leaf at %s", path);
        abort();
    }
    return leaf;
}

static void test_json_paths(void **state) {
    (void)state;
    struct shape shape = {0};
    assert_true(shape_add_json(
        &shape,
        bytes_of_text(
            "{\"a\":{\"b.c\":1,\"d\":\"\",\"17\":2,\"'q'\":3},\"n\":null,\"tags\":[\"x\",\"y\"],"
            "\"params\":[{\"key\":\"price\",\"value\":{\"double_value\":2.5}},"
            "{\"key\":\"'q'\",\"value\":1},{\"key\":\"q\",\"value\":{\"string_value\":\"tea\"}}],"
            "\"items\":[{\"sku\":\"s1\",\"price\":3},{\"sku\":\"s2\"}],"
            "\"@type\":\"t\"}")));
    assert_int_equal(leaf_of(&shape, "a[b.c]")->seen, 1);
    assert_int_equal(leaf_of(&shape, "a.d")->seen, 0);
    assert_true(leaf_of(&shape, "n")->is_sampled);
    assert_int_equal(leaf_of(&shape, "n")->kinds, 0);
    assert_string_equal(leaf_of(&shape, "tags[0]")->values[0].text, "x");
    assert_string_equal(leaf_of(&shape, "params[key=price].value.double_value")->last, "price");
    assert_int_equal(leaf_of(&shape, "params[key=q].value.string_value")->seen, 1);
    assert_true(leaf_of(&shape, "items[0].sku")->is_first);
    assert_string_equal(leaf_of(&shape, "[@type]")->path, "[@type]"); /* no branch of a union */
    assert_non_null(leaf_of(&shape, "a[''q'']"));
    assert_non_null(leaf_of(&shape, "params[key=''q''].value"));
    assert_string_equal(leaf_of(&shape, "a['17']")->path, "a['17']"); /* no index */
    assert_int_equal(shape.array_count, 1);
    int32_t items = shape_find_array(&shape, "items");
    assert_int_equal(items, 0);
    assert_int_equal(shape.arrays[0].items, 2);
    assert_int_equal(shape_find(&shape, items, "sku")->seen, 2);
    assert_int_equal(shape_find(&shape, items, "price")->seen, 1);
    assert_null(shape_find(&shape, -1, "sku"));
    assert_null(shape_find(&shape, -1, "a"));
    assert_null(shape_find(&shape, -1, "tags[1]"));
    assert_null(shape_find(&shape, -1, "params[key=pric].value.double_value"));
    assert_false(shape_add_json(&shape, bytes_of_text("[1]")));
    assert_false(shape_add_json(&shape, bytes_of_text("{\"a\":")));
    assert_int_equal(shape.messages, 1);
    shape_clean_up(&shape);
}

static void test_what_values_look_like(void **state) {
    (void)state;
    struct shape shape = {0};
    static const char *const messages[] = {
        "{\"t\":\"2026-11-25T19:50:08.123Z\",\"s\":1793520000,\"ms\":1793520000000,"
        "\"us\":1793520000000000,\"c\":\"EUR\",\"n\":\"12.5\",\"e\":\"view\"}",
        "{\"t\":\"yesterday\",\"s\":1,\"ms\":1793520000001,\"us\":7,\"c\":\"eur\",\"n\":\"x\","
        "\"e\":\"view\"}"};
    for (size_t i = 0; i < 2; i++) {
        assert_true(shape_add_json(&shape, bytes_of_text(messages[i])));
    }
    assert_int_equal(leaf_of(&shape, "t")->time_texts, 1);
    assert_int_equal(leaf_of(&shape, "s")->magnitudes[0], 1);
    assert_int_equal(leaf_of(&shape, "ms")->magnitudes[1], 2);
    assert_int_equal(leaf_of(&shape, "ms")->magnitudes[0], 0);
    assert_int_equal(leaf_of(&shape, "us")->magnitudes[2], 1);
    assert_int_equal(leaf_of(&shape, "c")->currency_texts, 1);
    assert_int_equal(leaf_of(&shape, "n")->number_texts, 1);
    assert_int_equal(leaf_of(&shape, "e")->value_count, 1);
    assert_int_equal(leaf_of(&shape, "e")->values[0].count, 2);
    shape_clean_up(&shape);
}

/* Those only that a mapping reads: it would refuse the others as numbers. */
static void test_texts_that_are_numbers(void **state) {
    (void)state;
    static const char *const texts[] = {"12.5", "-3e2", "0x1f", "nan", "inf", " 7", "1,5"};
    struct shape shape = {0};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"n\":\"%s\"}", texts[i]);
        assert_true(shape_add_json(&shape, bytes_of_text(text)));
    }
    assert_int_equal(leaf_of(&shape, "n")->number_texts, 2);
    assert_int_equal(leaf_of(&shape, "n")->time_texts, 0);
    shape_clean_up(&shape);
}

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"m\",\"fields\":["
    "{\"name\":\"at\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
    "{\"name\":\"attributes\",\"type\":{\"type\":\"map\",\"values\":\"string\"}},"
    "{\"name\":\"params\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\","
    "\"name\":\"p\",\"fields\":[{\"name\":\"key\",\"type\":\"string\"},"
    "{\"name\":\"value\",\"type\":[\"null\",\"long\",\"string\"]}]}}},"
    "{\"name\":\"lines\",\"type\":[\"null\",{\"type\":\"array\",\"items\":[\"null\",{"
    "\"type\":\"record\",\"name\":\"l\",\"fields\":[{\"name\":\"sku\",\"type\":\"string\"}]}]}]},"
    "{\"name\":\"body\",\"type\":["
    "{\"type\":\"record\",\"name\":\"x.Viewed\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]},"
    "{\"type\":\"record\",\"name\":\"x.Bought\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"},"
    "{\"name\":\"again\",\"type\":[\"null\",\"m\"]}]}]}]}";

static void test_schema_paths(void **state) {
    (void)state;
    struct shape shape = {0};
    add_schema(&shape, schema_text);
    assert_int_equal(leaf_of(&shape, "at")->logical, LOGICAL_TIMESTAMP_MICROS);
    assert_int_equal(leaf_of(&shape, "body.id")->kinds, SHAPE_INTEGER | SHAPE_TEXT);
    const struct shape_leaf *branch = leaf_of(&shape, "body.@type");
    assert_int_equal(branch->value_count, 2);
    assert_string_equal(branch->values[1].text, "Bought");
    assert_true(leaf_of(&shape, "attributes[any.key]")->has_wild);
    assert_non_null(shape_find(&shape, -1, "attributes.any"));
    assert_true(leaf_of(&shape, "params[key=anything].value")->has_wild);
    assert_null(shape_find(&shape, -1, "params[name=anything].value"));
    int32_t lines = shape_find_array(&shape, "lines");
    assert_true(lines >= 0);
    assert_int_equal(shape_find(&shape, lines, "sku")->kinds, SHAPE_TEXT);
    assert_non_null(shape_find(&shape, -1, "body.again.body.id")); /* itself, not without end */
    shape_clean_up(&shape);
}

/* No path goes on behind @type, so a member of that name hides what is in it. */
static void test_a_field_called_like_a_branch(void **state) {
    (void)state;
    struct shape shape = {0};
    add_schema(&shape,
               "{\"type\":\"record\",\"name\":\"m\",\"fields\":[{\"name\":\"@type\",\"type\":"
               "{\"type\":\"record\",\"name\":\"t\",\"fields\":[{\"name\":\"value\",\"type\":"
               "\"long\"},{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"long\"}},"
               "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"long\"}}]}},"
               "{\"name\":\"total\",\"type\":\"long\"}]}");
    assert_int_equal(shape.leaf_count, 1);
    assert_string_equal(shape.leaves[0].path, "total");
    shape_clean_up(&shape);
}

/* Ten ways on at each of the steps, and no leaf at their ends: 10^12 of them. */
static void test_records_within_each_other(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer text = {0};
    buffer_format(&text, "{\"type\":\"record\",\"name\":\"n\",\"fields\":[");
    for (int i = 0; i < 10; i++) {
        buffer_format(&text, "%s{\"name\":\"f%d\",\"type\":[\"null\",\"n\"]}", i ? "," : "", i);
    }
    buffer_format(&text, "]}");
    buffer_append_byte(&text, 0);
    add_schema(&shape, (const char *)text.data);
    assert_int_equal(shape.visits, SHAPE_VISITS_MAX);
    assert_int_equal(shape.leaf_count, 0);
    shape_clean_up(&shape);
    buffer_clean_up(&text);
}

/* Two ways on, to 300 aliases each time. */
static void test_aliases_without_end(void **state) {
    (void)state;
    struct shape shape = {0};
    struct buffer text = {0};
    buffer_format(&text,
                  "{\"type\":\"record\",\"name\":\"n\",\"fields\":[{\"name\":\"items\",\"type\":"
                  "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"item\","
                  "\"fields\":[{\"name\":\"sku\",\"type\":\"string\",\"aliases\":[\"a\"");
    for (int i = 1; i < 300; i++) {
        buffer_format(&text, ",\"a\"");
    }
    buffer_format(&text,
                  "]}]}}},{\"name\":\"f\",\"type\":[\"null\",\"n\"]},{\"name\":\"g\",\"type\":"
                  "[\"null\",\"n\"]}]}");
    buffer_append_byte(&text, 0);
    add_schema(&shape, (const char *)text.data);
    assert_int_equal(shape.visits, SHAPE_VISITS_MAX);
    assert_non_null(shape_find(&shape, shape_find_array(&shape, "items"), "sku"));
    shape_clean_up(&shape);
    buffer_clean_up(&text);
}

static void test_avro_sample(void **state) {
    (void)state;
    struct writer_schema *schema = NULL;
    struct failure failure = writer_schema_parse(bytes_of_text(schema_text), &schema);
    assert_false(failed(failure));
    struct buffer body = {0};
    wire_write_long(&body, 1793520000000000);
    wire_write_long(&body, 1);
    wire_write_bytes(&body, bytes_of_text("size"));
    wire_write_bytes(&body, bytes_of_text("xl"));
    wire_write_long(&body, 0);
    wire_write_long(&body, 0);
    wire_write_long(&body, 0);
    wire_write_long(&body, 0);
    wire_write_long(&body, 5); /* body: Viewed, 5 */
    struct shape shape = {0};
    shape_add_schema(&shape, schema);
    assert_true(shape_add_avro(&shape, schema, buffer_bytes(&body)));
    assert_false(shape_add_avro(&shape, schema, bytes_of(body.data, body.size - 1)));
    assert_int_equal(shape.messages, 1);
    assert_int_equal(shape_find(&shape, -1, "body.id")->seen, 1);
    assert_int_equal(leaf_of(&shape, "body.@type")->values[0].count, 1);
    assert_string_equal(leaf_of(&shape, "attributes.*")->path, "attributes[*]");
    bool has_size = false;
    for (size_t i = 0; i < shape.leaf_count; i++) {
        has_size |= strcmp(shape.leaves[i].path, "attributes.size") == 0;
    }
    assert_true(has_size);
    shape_clean_up(&shape);
    buffer_clean_up(&body);
    writer_schema_destroy(schema);
}

/* Names of strangers: what no path or no YAML can hold is left out, and nothing grows forever. */
static void test_hostile_names(void **state) {
    (void)state;
    struct shape shape = {0};
    assert_true(shape_add_json(
        &shape, bytes_of_text("{\"a]b\":1,\"\":1,\"x\\u0007\":1,\"q\\\"\":1,\"l\\u2028\":1,"
                              "\"${HOME}\":1,\"a|b\":1,\"a=b\":1,\"gr\\u00fcn\":1,\"1a\":1}")));
    assert_int_equal(shape.leaf_count, 2);
    assert_string_equal(shape.leaves[0].path, "[gr\xc3\xbcn]");
    assert_string_equal(shape.leaves[1].path, "[1a]");
    for (int i = 0; i < 5000; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"m\":{\"k%d\":\"v%d\"},\"v\":%d}", i, i, i);
        assert_true(shape_add_json(&shape, bytes_of_text(text)));
    }
    assert_int_equal(shape.leaf_count, SHAPE_LEAVES_MAX);
    assert_int_equal(leaf_of(&shape, "v")->value_count, SHAPE_VALUES_MAX);
    assert_true(leaf_of(&shape, "v")->has_more_values);
    shape_clean_up(&shape);
    struct buffer deep = {0};
    for (int i = 0; i < 1000; i++) {
        buffer_append(&deep, bytes_of_text("{\"a\":"));
    }
    buffer_append_byte(&deep, '1');
    for (int i = 0; i < 1000; i++) {
        buffer_append_byte(&deep, '}');
    }
    assert_true(shape_add_json(&shape, buffer_bytes(&deep)));
    assert_int_equal(shape.leaf_count, 0);
    shape_clean_up(&shape);
    buffer_clean_up(&deep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_paths),
        cmocka_unit_test(test_what_values_look_like),
        cmocka_unit_test(test_texts_that_are_numbers),
        cmocka_unit_test(test_schema_paths),
        cmocka_unit_test(test_a_field_called_like_a_branch),
        cmocka_unit_test(test_records_within_each_other),
        cmocka_unit_test(test_aliases_without_end),
        cmocka_unit_test(test_avro_sample),
        cmocka_unit_test(test_hostile_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
