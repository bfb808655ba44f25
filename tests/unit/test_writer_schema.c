/* writer_schema: what it keeps of good schemas, and each refusal with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "schemas/schemas.h"
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

static void assert_name(struct bytes name, const char *expected) {
    assert_true(bytes_equal(name, bytes_of_text(expected)));
}

/* ---- Good schemas ---- */

static void reads_our_own(void **state) {
    (void)state;
    for (const struct schema_text *text = schema_texts; text->name; text++) {
        struct writer_schema *schema = parse(text->text);
        char name[128];
        snprintf(name, sizeof(name), "promostream.%s", text->name);
        assert_int_equal(schema->root->type, WRITER_RECORD);
        assert_int_equal(schema->root->record_index, 0);
        assert_name(schema->root->name, name);
        assert_name(writer_short_name(schema->root->name), text->name);
        writer_schema_destroy(schema);
    }
    struct writer_schema *schema = parse(schema_text_of("event"));
    const struct writer_node *event = schema->root;
    assert_int_equal(schema->record_count, 2);
    assert_int_equal(event->count, 21);
    assert_name(event->fields[2].name, "user_id");
    const struct writer_node *type = field_type(event, "type");
    assert_int_equal(type->type, WRITER_ENUM);
    assert_int_equal(type->count, 16);
    assert_name(type->name, "promostream.event_type");
    assert_name(type->symbols[15], "push_dismissed");
    assert_int_equal(field_type(event, "event_ms")->logical, LOGICAL_TIMESTAMP_MILLIS);
    const struct writer_node *total = field_type(event, "total");
    assert_int_equal(total->type, WRITER_UNION);
    assert_int_equal(total->count, 2);
    assert_int_equal(total->branches[0]->type, WRITER_NULL);
    assert_int_equal(total->branches[1]->type, WRITER_DOUBLE);
    const struct writer_node *line = field_type(event, "lines")->items;
    assert_int_equal(line->type, WRITER_RECORD);
    assert_int_equal(line->record_index, 1);
    assert_name(line->name, "promostream.event_line");
    assert_int_equal(line->least_bytes, 5);
    assert_int_equal(event->least_bytes, 21);
    writer_schema_destroy(schema);
    writer_schema_destroy(NULL);
}

static void reads_every_type(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum writer_type type;
        size_t least_bytes;
    } types[] = {
        {"\"null\"", WRITER_NULL, 0},
        {" {\"type\": \"boolean\", \"doc\": \"?\"} ", WRITER_BOOLEAN, 1},
        {"\"int\"", WRITER_INT, 1},
        {"\"long\"", WRITER_LONG, 1},
        {"\"float\"", WRITER_FLOAT, 4},
        {"{\"type\": {\"type\": \"double\"}}", WRITER_DOUBLE, 8},
        {"\"bytes\"", WRITER_BYTES, 1},
        {"{\"type\": \"string\", \"avro.java.string\": \"String\"}", WRITER_STRING, 1},
        {"{\"type\": \"fixed\", \"name\": \"f\", \"size\": 17}", WRITER_FIXED, 17},
        {"{\"type\": \"fixed\", \"name\": \"f\", \"size\": 0}", WRITER_FIXED, 0},
        {"{\"type\": \"enum\", \"name\": \"e\", \"symbols\": [\"A\"]}", WRITER_ENUM, 1},
        {"{\"type\": \"array\", \"items\": \"double\"}", WRITER_ARRAY, 1},
        {"{\"type\": \"map\", \"values\": \"double\"}", WRITER_MAP, 1},
        {"[\"double\", \"float\"]", WRITER_UNION, 5},
        {"[\"double\", \"null\"]", WRITER_UNION, 1},
        {"{\"type\": [\"null\"]}", WRITER_UNION, 1},
        {"{\"type\": \"record\", \"name\": \"r\", \"fields\": []}", WRITER_RECORD, 0},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct writer_schema *schema = parse(types[i].text);
        assert_int_equal(schema->root->type, types[i].type);
        assert_int_equal(schema->root->least_bytes, types[i].least_bytes);
        assert_int_equal(schema->root->logical, LOGICAL_NONE);
        writer_schema_destroy(schema);
    }
    assert_string_equal(writer_type_name(WRITER_NULL), "null");
    assert_string_equal(writer_type_name(WRITER_RECORD), "record");
}

static void resolves_names(void **state) {
    (void)state;
    struct writer_schema *schema = parse(
        "{\"type\": \"record\", \"name\": \"Root\", \"namespace\": \"a.b\", \"fields\": ["
        "{\"name\": \"one\", \"type\": {\"type\": \"enum\", \"name\": \"E\", \"symbols\": "
        "[\"X\"]}},"
        "{\"name\": \"two\", \"type\": {\"type\": \"record\", \"name\": \"c.d.R\", \"fields\": ["
        " {\"name\": \"own\", \"type\": {\"type\": \"enum\", \"name\": \"E\", \"symbols\": "
        "[\"Y\"]}},"
        " {\"name\": \"near\", \"type\": \"E\"}, {\"name\": \"far\", \"type\": \"a.b.E\"}]}},"
        "{\"name\": \"three\", \"type\": \"E\"}, {\"name\": \"four\", \"type\": {\"type\": "
        "\"c.d.E\"}},"
        "{\"name\": \"five\", \"type\": {\"type\": \"fixed\", \"name\": \"F\", \"namespace\": \"\","
        "  \"size\": 2}},"
        "{\"name\": \"six\", \"type\": [\"null\", \"F\"]},"
        "{\"name\": \"seven\", \"type\": {\"type\": \"fixed\", \"name\": \".G\", \"size\": 3}},"
        "{\"name\": \"eight\", \"type\": \"c.d.R\"}]}");
    const struct writer_node *root = schema->root, *two = field_type(root, "two");
    assert_name(root->name, "a.b.Root");
    assert_name(field_type(root, "one")->name, "a.b.E");
    assert_name(two->name, "c.d.R");
    assert_name(field_type(two, "own")->name, "c.d.E");
    assert_ptr_equal(field_type(two, "near"), field_type(two, "own"));
    assert_ptr_equal(field_type(two, "far"), field_type(root, "one"));
    assert_ptr_equal(field_type(root, "three"), field_type(root, "one"));
    assert_ptr_equal(field_type(root, "four"), field_type(two, "own"));
    assert_name(field_type(root, "five")->name, "F");
    assert_ptr_equal(field_type(root, "six")->branches[1], field_type(root, "five"));
    assert_name(field_type(root, "seven")->name, "G");
    assert_ptr_equal(field_type(root, "eight"), two);
    assert_int_equal(schema->record_count, 2);
    assert_int_equal(root->least_bytes, 1 + 3 + 1 + 1 + 2 + 1 + 3 + 3);
    writer_schema_destroy(schema);
    assert_name(writer_short_name(bytes_of_text("alone")), "alone");
    assert_name(writer_short_name(bytes_of_text("a.b.c")), "c");
    assert_int_equal(writer_short_name((struct bytes){0}).size, 0);
}

static void keeps_aliases(void **state) {
    (void)state;
    struct writer_schema *schema =
        parse("{\"type\": \"record\", \"name\": \"r\", \"fields\": ["
              "{\"name\": \"a\", \"type\": \"int\", \"aliases\": [\"x\", \"b\"]},"
              "{\"name\": \"b\", \"type\": \"long\"}]}");
    assert_int_equal(schema->root->fields[0].alias_count, 2);
    assert_name(schema->root->fields[0].aliases[1], "b");
    assert_ptr_equal(writer_find_field(schema->root, bytes_of_text("x")), &schema->root->fields[0]);
    /* A name goes before an alias. */
    assert_ptr_equal(writer_find_field(schema->root, bytes_of_text("b")), &schema->root->fields[1]);
    assert_null(writer_find_field(schema->root, bytes_of_text("c")));
    writer_schema_destroy(schema);
}

/* ---- Refusals ---- */

static void refuses_what_is_not_json(void **state) {
    (void)state;
    must_refuse("", "at the root: found what is not JSON");
    must_refuse_bytes((struct bytes){0}, "not JSON");
    must_refuse("{", "not JSON");
    must_refuse("\"int\" \"int\"", "not JSON");
    must_refuse("\"in\\u0000t\"", "not JSON");
    must_refuse("\"\xff\"", "not JSON");
    must_refuse("{\"type\": \"int\", \"type\": \"int\"}", "duplicate");
    must_refuse("{\"type\": \"int\", \"x\": {\"a\": 1, \"a\": 1}}", "duplicate");
    must_refuse("null", "at the root: found null, expected a type");
    must_refuse("7", "found a number, expected a type");
    must_refuse("\"\"", "found an empty text, expected a type");
    must_refuse("{}", "found nothing as \"type\"");
    must_refuse("{\"type\": true}", "found true or false as \"type\"");
    must_refuse("{\"type\": \"\"}", "found an empty text as \"type\"");
}

static void refuses_what_is_too_large(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_append(&text, bytes_of_text("\"int\""));
    memset(buffer_reserve(&text, WRITER_SCHEMA_BYTES_MAX), ' ', WRITER_SCHEMA_BYTES_MAX);
    text.size = WRITER_SCHEMA_BYTES_MAX;
    writer_schema_destroy(parse_bytes(buffer_bytes(&text)));
    text.size++;
    must_refuse_bytes(buffer_bytes(&text), "found a text of 1048577 bytes, expected at most");
    /* 9999 types in an array's record, and one more. */
    for (int fields = WRITER_NODES_MAX - 1; fields <= WRITER_NODES_MAX; fields++) {
        buffer_clear(&text);
        buffer_format(&text, "{\"type\": \"record\", \"name\": \"r\", \"fields\": [");
        for (int i = 0; i < fields; i++) {
            buffer_format(&text, "%s{\"name\": \"f%d\", \"type\": \"int\"}", i ? "," : "", i);
        }
        buffer_append(&text, bytes_of_text("]}"));
        if (fields < WRITER_NODES_MAX) {
            struct writer_schema *schema = parse_bytes(buffer_bytes(&text));
            assert_int_equal(schema->root->least_bytes, fields);
            writer_schema_destroy(schema);
        } else {
            must_refuse_bytes(buffer_bytes(&text), "at fields.f9999: found more than 10000 types");
        }
    }
    buffer_clean_up(&text);
}

static void nest(struct buffer *text, const char *open, const char *close, int depth) {
    buffer_clear(text);
    for (int i = 0; i < depth; i++) {
        buffer_append(text, bytes_of_text(open));
    }
    buffer_append(text, bytes_of_text("\"int\""));
    for (int i = 0; i < depth; i++) {
        buffer_append(text, bytes_of_text(close));
    }
}

static void refuses_what_is_too_deep(void **state) {
    (void)state;
    struct buffer text = {0};
    nest(&text, "{\"type\": \"array\", \"items\": ", "}", WRITER_DEPTH_MAX - 1);
    writer_schema_destroy(parse_bytes(buffer_bytes(&text)));
    nest(&text, "{\"type\": \"array\", \"items\": ", "}", WRITER_DEPTH_MAX);
    must_refuse_bytes(buffer_bytes(&text), ".items.items: found types nested beyond 64");
    must_refuse_bytes(buffer_bytes(&text), "at ...");
    nest(&text, "{\"type\": ", "}", WRITER_DEPTH_MAX + 1);
    must_refuse_bytes(buffer_bytes(&text), "found types nested beyond 64");
    nest(&text, "[", "]", 200000);
    must_refuse_bytes(buffer_bytes(&text), "found brackets nested 200000 deep");
    nest(&text, "{\"type\": \"int\", \"default\": ", "}", 300);
    must_refuse_bytes(buffer_bytes(&text), "found brackets nested 300 deep");
    /* Brackets in texts are none. */
    nest(&text, "", "", 0);
    buffer_clear(&text);
    buffer_append(&text, bytes_of_text("{\"type\": \"int\", \"doc\": \"\\\\\\\""));
    for (int i = 0; i < 300; i++) {
        buffer_append_byte(&text, '[');
    }
    buffer_append(&text, bytes_of_text("\"}"));
    writer_schema_destroy(parse_bytes(buffer_bytes(&text)));
    buffer_clean_up(&text);
}

#define RECORD(fields)    "{\"type\": \"record\", \"name\": \"a.R\", \"fields\": [" fields "]}"
#define FIELD(name, type) "{\"name\": \"" name "\", \"type\": " type "}"

static void refuses_bad_names(void **state) {
    (void)state;
    must_refuse("\"doubel\"", "at the root: found the type \"doubel\", expected one of Avro's");
    must_refuse(RECORD(FIELD("x", "[\"null\", \"S\"]")),
                "at fields.x.branches.1: found the type \"S\"");
    must_refuse(RECORD(FIELD("x", "{\"type\": \"array\", \"items\": \"b.R\"}")),
                "at fields.x.items: found the type \"b.R\"");
    must_refuse(RECORD(FIELD("x", "{\"type\": \"map\"}")),
                "at fields.x.values: found nothing, expected a type");
    must_refuse(RECORD(FIELD("x", "{\"type\": \"fixed\", \"name\": \"R\", \"size\": 1}")),
                "at fields.x: found \"a.R\" defined again");
    must_refuse("{\"type\": \"fixed\", \"name\": \"string\", \"size\": 1}",
                "found a definition of \"string\"");
    must_refuse("{\"type\": \"fixed\", \"size\": 1}", "found no name");
    must_refuse("{\"type\": \"fixed\", \"name\": \"a.\", \"size\": 1}", "found no name");
    must_refuse("{\"type\": \"fixed\", \"name\": 3, \"size\": 1}", "found no name");
    must_refuse("{\"type\": \"fixed\", \"name\": \"f\", \"namespace\": 3, \"size\": 1}",
                "found a number as \"namespace\"");
    struct buffer text = {0};
    buffer_format(&text, "{\"type\": \"fixed\", \"size\": 1, \"name\": \"%0*d\"}", 513, 7);
    must_refuse_bytes(buffer_bytes(&text), "found a name of 513 bytes, expected at most 512");
    buffer_clear(&text);
    buffer_format(&text,
                  "{\"type\": \"fixed\", \"size\": 1, \"name\": \"%0*d\", \"namespace\": \"%0*d\"}",
                  512, 7, 512, 7);
    must_refuse_bytes(buffer_bytes(&text), "found a full name of 1025 bytes");
    buffer_clear(&text);
    buffer_format(&text, "{\"type\": \"fixed\", \"size\": 1, \"name\": \"%0*d\"}", 512, 7);
    writer_schema_destroy(parse_bytes(buffer_bytes(&text)));
    buffer_clear(&text);
    buffer_format(&text, "\"%0*d\"", 100, 7);
    must_refuse_bytes(buffer_bytes(&text), "0000...\", expected");
    buffer_clean_up(&text);
    must_refuse("\"a\\nb\\u007f\"", "found the type \"a?b?\"");
}

static void refuses_bad_records(void **state) {
    (void)state;
    must_refuse("{\"type\": \"record\", \"name\": \"r\"}", "found nothing as \"fields\"");
    must_refuse(RECORD("3"), "at the root: found a number as a field, expected an object");
    must_refuse(RECORD("{\"type\": \"int\"}"), "found no name of a field");
    must_refuse(RECORD(FIELD("", "\"int\"")), "found no name of a field");
    must_refuse(RECORD("{\"name\": \"x\"}"), "at fields.x: found nothing, expected a type");
    must_refuse(RECORD(FIELD("x", "\"int\"") "," FIELD("y", "\"int\"") "," FIELD("x", "\"int\"")),
                "found the field \"x\" again");
    must_refuse(RECORD("{\"name\": \"x\", \"type\": \"int\", \"aliases\": \"y\"}"),
                "at fields.x: found a text as \"aliases\"");
    must_refuse(RECORD("{\"name\": \"x\", \"type\": \"int\", \"aliases\": [1]}"),
                "found a number in \"aliases\"");
}

static void refuses_bad_enums_and_fixed(void **state) {
    (void)state;
#define ENUM(symbols) "{\"type\": \"enum\", \"name\": \"e\", \"symbols\": " symbols "}"
#define SIZE(size)    "{\"type\": \"fixed\", \"name\": \"f\", \"size\": " size "}"
    must_refuse(ENUM("[]"), "found an enum without symbols");
    must_refuse(ENUM("{}"), "found an object as \"symbols\"");
    must_refuse(ENUM("[null]"), "found null in \"symbols\"");
    must_refuse(ENUM("[\"\"]"), "found no symbols");
    must_refuse(ENUM("[\"A\", \"B\", \"C\", \"B\"]"), "found the symbol \"B\" again");
    must_refuse(RECORD(FIELD("x", SIZE("-1"))), "at fields.x: found a fixed of -1 bytes");
    must_refuse(SIZE("4000000000"), "found a fixed of 4000000000 bytes, expected 0 to 1048576");
    must_refuse(SIZE("1048577"), "found a fixed of 1048577 bytes");
    must_refuse(SIZE("9223372036854775808"), "not JSON");
    must_refuse(SIZE("1.0"), "found a number as \"size\", expected a whole number");
    must_refuse(SIZE("\"1\""), "found a text as \"size\"");
    writer_schema_destroy(parse(SIZE("1048576")));
}

static void refuses_bad_unions(void **state) {
    (void)state;
    must_refuse("[]", "found a union without branches");
    must_refuse("[\"null\", [\"int\"]]", "at branches.1: found a union within a union");
    must_refuse("[\"null\", {\"type\": [\"int\"]}]", "found a union within a union");
    must_refuse("[\"int\", \"null\", \"int\"]", "at branches.2: found a second branch \"int\"");
    must_refuse("[\"long\", {\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}]",
                "found a second branch \"long\"");
    must_refuse("[{\"type\": \"array\", \"items\": \"int\"}, {\"type\": \"array\", \"items\": "
                "\"long\"}]",
                "found a second branch \"array\"");
    must_refuse("[{\"type\": \"map\", \"values\": \"int\"}, {\"type\": \"map\", \"values\": "
                "\"long\"}]",
                "found a second branch \"map\"");
    must_refuse("[" SIZE("1") ", \"null\", \"f\"]", "found a second branch \"f\"");
    /* Named types differ by name, of whatever kind. */
    writer_schema_destroy(parse(
        "[" SIZE("1") ", " ENUM("[\"A\"]") ", \"int\", \"long\", "
                                           "{\"type\": \"fixed\", \"name\": \"g\", \"size\": 1}]"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_our_own),
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(resolves_names),
        cmocka_unit_test(keeps_aliases),
        cmocka_unit_test(refuses_what_is_not_json),
        cmocka_unit_test(refuses_what_is_too_large),
        cmocka_unit_test(refuses_what_is_too_deep),
        cmocka_unit_test(refuses_bad_names),
        cmocka_unit_test(refuses_bad_records),
        cmocka_unit_test(refuses_bad_enums_and_fixed),
        cmocka_unit_test(refuses_bad_unions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
