/* Records of a writer schema: where recursion may end, where it does not, and what is too much. */
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

static void must_refuse_bytes(struct bytes text, const char *expected) {
    struct writer_schema *schema;
    struct failure failure = writer_schema_parse(text, &schema);
    assert_null(schema);
    assert_int_equal(failure.action, FAILURE_STOP);
    if (!strstr(failure.text, expected)) {
        print_error("said:     %s\nexpected: %s\n", failure.text, expected);
        fail();
    }
}

static void must_refuse(const char *text, const char *expected) {
    must_refuse_bytes(bytes_of_text(text), expected);
}

static const struct writer_node *field_type(const struct writer_node *record, const char *name) {
    const struct writer_field *field = writer_find_field(record, bytes_of_text(name));
    assert_non_null(field);
    return field->type;
}

static void recursion_ends_in_unions_arrays_maps(void **state) {
    (void)state;
    struct writer_schema *schema =
        parse("{\"type\": \"record\", \"name\": \"n.tree\", \"fields\": ["
              "{\"name\": \"next\", \"type\": [\"null\", \"tree\"]},"
              "{\"name\": \"always\", \"type\": [\"n.tree\", \"double\"]},"
              "{\"name\": \"kids\", \"type\": {\"type\": \"array\", \"items\": \"tree\"}},"
              "{\"name\": \"named\", \"type\": {\"type\": \"map\", \"values\": \"tree\"}},"
              "{\"name\": \"weight\", \"type\": \"double\"}]}");
    const struct writer_node *tree = schema->root;
    assert_ptr_equal(field_type(tree, "next")->branches[1], tree);
    assert_ptr_equal(field_type(tree, "kids")->items, tree);
    assert_ptr_equal(field_type(tree, "named")->items, tree);
    assert_int_equal(field_type(tree, "always")->least_bytes, 1);
    assert_int_equal(tree->least_bytes, 12);
    assert_int_equal(schema->record_count, 1);
    writer_schema_destroy(schema);
    /* An inner record that holds the outer one straight, but lies in an array of it. */
    schema =
        parse("{\"type\": \"record\", \"name\": \"outer\", \"fields\": ["
              "{\"name\": \"id\", \"type\": \"float\"},"
              "{\"name\": \"in\", \"type\": {\"type\": \"array\", \"items\":"
              "  {\"type\": \"record\", \"name\": \"inner\", \"fields\": ["
              "  {\"name\": \"out\", \"type\": \"outer\"}, {\"name\": \"n\", \"type\": \"int\"}"
              "]}}}]}");
    assert_int_equal(schema->root->least_bytes, 5);
    assert_int_equal(field_type(schema->root, "in")->items->least_bytes, 6);
    writer_schema_destroy(schema);
}

#define RECORD(fields)    "{\"type\": \"record\", \"name\": \"a.R\", \"fields\": [" fields "]}"
#define FIELD(name, type) "{\"name\": \"" name "\", \"type\": " type "}"

static void refuses_records_without_end(void **state) {
    (void)state;
    must_refuse(RECORD(FIELD("x", "\"R\"")),
                "at fields.x: found record \"a.R\" within itself, expected a union, an array or a "
                "map between");
    must_refuse(RECORD(FIELD("x", "{\"type\": \"record\", \"name\": \"S\", \"fields\": "
                                  "[{\"name\": \"y\", \"type\": \"a.R\"}]}")),
                "at fields.x.fields.y: found record \"a.R\" within itself");
    must_refuse("[\"null\", " RECORD(FIELD("x", "\"R\"")) "]", "at record.a.R.fields.x: found");
    /* Each is whole when it is read; together they have no end. */
    must_refuse(RECORD(FIELD("many", "{\"type\": \"array\", \"items\": {\"type\": \"record\","
                                     "\"name\": \"S\", \"fields\": [" FIELD(
                                         "back", "\"R\"") "]}}") "," FIELD("one", "\"S\"")),
                "at fields.one.fields.back: found record \"a.R\" within itself");
}

/* count records, each with fields_each fields of the one before, one beside another. */
static void chain(struct buffer *text, int count, int fields_each) {
    buffer_clear(text);
    buffer_append(text, bytes_of_text("[{\"type\": \"record\", \"name\": \"r0\", \"fields\": []}"));
    for (int i = 1; i < count; i++) {
        buffer_format(text, ", {\"type\": \"record\", \"name\": \"r%d\", \"fields\": [", i);
        for (int j = 0; j < fields_each; j++) {
            buffer_format(text, "%s{\"name\": \"f%d\", \"type\": \"r%d\"}", j ? "," : "", j, i - 1);
        }
        buffer_append(text, bytes_of_text("]}"));
    }
    buffer_append_byte(text, ']');
}

static void refuses_records_without_measure(void **state) {
    (void)state;
    struct buffer text = {0};
    chain(&text, WRITER_DEPTH_MAX, 1);
    writer_schema_destroy(parse_bytes(buffer_bytes(&text)));
    chain(&text, WRITER_DEPTH_MAX + 1, 1);
    must_refuse_bytes(buffer_bytes(&text),
                      "at record.r64: found more than 64 records one within another");
    /* The same from its end: the recursion must be bounded, too. */
    buffer_clear(&text);
    buffer_append(&text, bytes_of_text("{\"type\": \"record\", \"name\": \"r\", \"fields\": ["));
    for (int i = 0; i < 3000; i++) {
        buffer_format(&text,
                      "{\"name\": \"a%d\", \"type\": {\"type\": \"array\", \"items\": {\"type\": "
                      "\"record\", \"name\": \"r%d\", \"fields\": [",
                      i, i);
        buffer_format(&text, i > 0 ? "{\"name\": \"f\", \"type\": \"r%d\"}]}}}, " : "]}}}, ",
                      i - 1);
    }
    buffer_append(&text, bytes_of_text("{\"name\": \"last\", \"type\": \"r2999\"}]}"));
    must_refuse_bytes(buffer_bytes(&text), ".fields.f: found more than 64 records one within");
    chain(&text, 17, 2);
    must_refuse_bytes(buffer_bytes(&text), "found a record of more than 65536 values");
    chain(&text, 16, 2);
    writer_schema_destroy(parse_bytes(buffer_bytes(&text)));
    buffer_clean_up(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recursion_ends_in_unions_arrays_maps),
        cmocka_unit_test(refuses_records_without_end),
        cmocka_unit_test(refuses_records_without_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
