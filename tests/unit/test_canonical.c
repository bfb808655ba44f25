/* canonical: the transformations of the specification one by one, its fingerprints, refusal of what
 * is no schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schemas/canonical.h"
#include "schemas/writer_schema.h"

/* Schema, and its canonical form; NULL = it is no schema. */
static const char *const cases[][2] = {
    {"\"int\"", "\"int\""},
    {"{\"type\": \"int\"}", "\"int\""},
    {"{\"type\": {\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}}", "\"long\""},
    {"[\"null\", {\"type\": \"string\"}]", "[\"null\",\"string\"]"},
    {"{\"items\": \"float\", \"type\": \"array\"}", "{\"type\":\"array\",\"items\":\"float\"}"},
    {"{\"values\": \"a.b\", \"type\": \"map\"}", "{\"type\":\"map\",\"values\":\"a.b\"}"},
    {"{\"type\":\"fixed\",\"size\":16,\"namespace\":\"x\",\"name\":\"md5\",\"aliases\":[\"y\"]}",
     "{\"name\":\"x.md5\",\"type\":\"fixed\",\"size\":16}"},
    {"{\"type\":\"enum\",\"default\":\"A\",\"doc\":\"d\",\"symbols\":[\"A\",\"B\"],\"name\":\"e\"}",
     "{\"name\":\"e\",\"type\":\"enum\",\"symbols\":[\"A\",\"B\"]}"},
    /* The name's own space wins over "namespace" and holds inside. */
    {"{\"type\":\"record\",\"namespace\":\"no\",\"name\":\"a.b.r\",\"doc\":\"d\",\"fields\":["
     "{\"type\":\"r\",\"default\":null,\"name\":\"f\",\"order\":\"ignore\"},"
     "{\"name\":\"g\",\"type\":{\"type\":\"fixed\",\"name\":\"t\",\"size\":1}},"
     "{\"name\":\"h\",\"type\":[\"null\",\"t\",\"c.t\"]}]}",
     "{\"name\":\"a.b.r\",\"type\":\"record\",\"fields\":[{\"name\":\"f\",\"type\":\"a.b.r\"},"
     "{\"name\":\"g\",\"type\":{\"name\":\"a.b.t\",\"type\":\"fixed\",\"size\":1}},"
     "{\"name\":\"h\",\"type\":[\"null\",\"a.b.t\",\"c.t\"]}]}"},
    {"{\"type\":\"record\",\"name\":\"a.r\",\"fields\":[{\"name\":\"f\",\"type\":"
     "{\"type\":\"fixed\",\"name\":\"t\",\"namespace\":null,\"size\":1}}]}",
     "{\"name\":\"a.r\",\"type\":\"record\",\"fields\":[{\"name\":\"f\",\"type\":"
     "{\"name\":\"a.t\",\"type\":\"fixed\",\"size\":1}}]}"},
    {"{\"type\":\"record\",\"name\":\"r\",\"fields\":[]}",
     "{\"name\":\"r\",\"type\":\"record\",\"fields\":[]}"},
    {"", NULL},
    {"{", NULL},
    {"7", NULL},
    {"\"\"", NULL},
    {"{}", NULL},
    {"{\"type\": 7}", NULL},
    {"{\"type\": \"array\"}", NULL},
    {"{\"type\": \"record\", \"fields\": []}", NULL},
    {"{\"type\": \"record\", \"name\": \"r\"}", NULL},
    {"{\"type\": \"record\", \"name\": \"r\", \"fields\": [{\"name\": \"f\"}]}", NULL},
    {"{\"type\": \"record\", \"name\": \"r\", \"fields\": [7]}", NULL},
    {"{\"type\": \"enum\", \"name\": \"e\"}", NULL},
    {"{\"type\": \"fixed\", \"name\": \"f\", \"size\": -1}", NULL},
    {"{\"type\": \"int\", \"type\": \"long\"}", NULL},
};

static void canonicalises(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer out = {0};
        bool is_valid = canonical_schema(bytes_of_text(cases[i][0]), &out);
        assert_int_equal(is_valid, cases[i][1] != NULL);
        if (is_valid) {
            buffer_append_byte(&out, 0);
            assert_string_equal((char *)out.data, cases[i][1]);
        }
        buffer_clean_up(&out);
    }
}

/* Arrays of arrays of ... integers: has it a canonical form, and is it read? */
static bool is_nested(int arrays, bool *out_is_read) {
    struct buffer json = {0}, out = {0};
    for (int i = 0; i < arrays; i++) {
        buffer_append(&json, bytes_of_text("{\"type\":\"array\",\"items\":"));
    }
    buffer_append(&json, bytes_of_text("\"int\""));
    for (int i = 0; i < arrays; i++) {
        buffer_append_byte(&json, '}');
    }
    struct writer_schema *schema = NULL;
    *out_is_read = !failed(writer_schema_parse(buffer_bytes(&json), &schema));
    writer_schema_destroy(schema);
    bool is_valid = canonical_schema(buffer_bytes(&json), &out);
    buffer_clean_up(&json);
    buffer_clean_up(&out);
    return is_valid;
}

/* Else a file of the folder would be read, and never found by its fingerprint. */
static void is_as_deep_as_what_is_read(void **state) {
    (void)state;
    bool is_read;
    assert_true(is_nested(WRITER_DEPTH_MAX - 1, &is_read));
    assert_true(is_read);
    assert_false(is_nested(WRITER_DEPTH_MAX, &is_read));
    assert_false(is_read);
    assert_false(is_nested(1000, &is_read));
}

/* From Avro's own test data (share/test/data/schema-tests.txt). */
static void fingerprints_as_the_specification(void **state) {
    (void)state;
    assert_true(canonical_fingerprint((struct bytes){0}) == UINT64_C(0xc15d213aa4d7a795));
    assert_true(canonical_fingerprint(bytes_of_text("\"null\"")) == UINT64_C(7195948357588979594));
    assert_true(canonical_fingerprint(bytes_of_text("\"boolean\"")) ==
                (uint64_t)INT64_C(-6970731678124411036));
    assert_true(canonical_fingerprint(bytes_of_text("\"int\"")) == UINT64_C(8247732601305521295));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonicalises),
        cmocka_unit_test(is_as_deep_as_what_is_read),
        cmocka_unit_test(fingerprints_as_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
