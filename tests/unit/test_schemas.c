/* schemas: the texts in the binary are the files, their fingerprints are those that fastavro
 * computes, and framing takes nothing but its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <avro.h>
#include <stdio.h>

#include "schemas/schemas.h"

/* By fastavro (tests/compare/fastavro_roundtrip.py prints them). A fingerprint changes with every
 * change of a schema that matters for reading: readers of the topic must then know both. */
static const struct {
    enum schema schema;
    const char *name;
    uint64_t fingerprint;
} golden[] = {
    {SCHEMA_EVENT, "event", UINT64_C(0x5d90c00d37297343)},
    {SCHEMA_PUSH, "push", UINT64_C(0xe0b60a76b3c99c03)},
    {SCHEMA_DECISION, "decision", UINT64_C(0xed2dd91fab6bd1a7)},
    {SCHEMA_USER_STATE, "user_state", UINT64_C(0x9bb311e874eb94e0)},
    {SCHEMA_PARTITION_STATE, "partition_state", UINT64_C(0xa7c3845908bab203)},
    {SCHEMA_OPEN_DECISION, "open_decision", UINT64_C(0x3dee804d7b357a69)},
    {SCHEMA_JOURNAL, "journal", UINT64_C(0x3a58a4b0c5210700)},
    {SCHEMA_DEAD_LETTER, "dead_letter", UINT64_C(0x684b5323b0f0d812)},
    {SCHEMA_EXAMPLE, "example", UINT64_C(0x38efed4339c5ef05)},
    {SCHEMA_LOGGED_EXAMPLE, "logged_example", UINT64_C(0x966071dd77f22fa4)},
    {SCHEMA_MODEL_ROW, "model_row", UINT64_C(0xb46d36992a795db5)},
    {SCHEMA_CONTROL, "control", UINT64_C(0xb526d09b0ea35696)},
    {SCHEMA_CATALOGUE_ITEM, "catalogue_item", UINT64_C(0x8fb87d669a5ff19e)},
    {SCHEMA_PROFILE, "profile", UINT64_C(0x9578f49f966dcc44)},
};

static void every_schema_is_a_file(void **state) {
    (void)state;
    size_t count = 0;
    for (const struct schema_text *text = schema_texts; text->name; text++, count++) {
        char path[128], content[32768];
        snprintf(path, sizeof(path), "schemas/%s.avsc", text->name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t size = fread(content, 1, sizeof(content), file);
        fclose(file);
        assert_int_equal(size, strlen(text->text));
        assert_memory_equal(content, text->text, size);
        assert_ptr_equal(schema_text_of(text->name), text->text);
    }
    assert_int_equal(count, SCHEMA_COUNT);
    assert_null(schema_text_of("nothing"));
    assert_null(schema_text_of(""));
}

static void avro_c_takes_every_schema(void **state) {
    (void)state;
    for (int i = 0; i < SCHEMA_COUNT; i++) {
        const char *name = schema_name((enum schema)i);
        const char *text = schema_text_of(name);
        avro_schema_t schema;
        assert_int_equal(avro_schema_from_json_length(text, strlen(text), &schema), 0);
        assert_string_equal(avro_schema_name(schema), name);
        assert_string_equal(avro_schema_namespace(schema), "promostream");
        avro_schema_decref(schema);
    }
}

static void fingerprints_are_golden(void **state) {
    (void)state;
    assert_int_equal(sizeof(golden) / sizeof(golden[0]), SCHEMA_COUNT);
    schemas_init();
    schemas_init();
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        assert_string_equal(schema_name(golden[i].schema), golden[i].name);
        if (schema_fingerprint(golden[i].schema) != golden[i].fingerprint) {
            print_error("%s: 0x%016llx\n", golden[i].name,
                        (unsigned long long)schema_fingerprint(golden[i].schema));
            fail();
        }
    }
}

static void frames_as_others_do(void **state) {
    (void)state;
    struct buffer out = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_CONTROL, 0, &out);
    /* Little-endian: the golden number backwards. */
    assert_int_equal(out.size, 10);
    assert_memory_equal(out.data, "\xc3\x01\x96\x56\xa3\x0e\x9b\xd0\x26\xb5", 10);
    buffer_clear(&out);
    wire_frame(WIRE_CONFLUENT, SCHEMA_EVENT, 0x01020304, &out);
    assert_int_equal(out.size, 5);
    assert_memory_equal(out.data, "\0\1\2\3\4", 5);
    buffer_clear(&out);
    wire_frame(WIRE_BARE, SCHEMA_EVENT, 7, &out);
    assert_int_equal(out.size, 0);
    buffer_clean_up(&out);
    assert_string_equal(wire_framing_names[WIRE_SINGLE_OBJECT], "single_object");
    assert_string_equal(wire_framing_names[WIRE_CONFLUENT], "confluent");
    assert_string_equal(wire_framing_names[WIRE_BARE], "bare");
    assert_null(wire_framing_names[WIRE_BARE + 1]);
}

static void unframes_its_own_header_only(void **state) {
    (void)state;
    const enum wire_framing framings[] = {WIRE_SINGLE_OBJECT, WIRE_CONFLUENT, WIRE_BARE};
    for (size_t i = 0; i < 3; i++) {
        struct buffer message = {0};
        struct bytes body;
        wire_frame(framings[i], SCHEMA_EVENT, 9, &message);
        size_t header = message.size;
        for (size_t size = 0; size < header; size++) {
            assert_false(
                wire_unframe(framings[i], SCHEMA_EVENT, 9, bytes_of(message.data, size), &body));
        }
        assert_true(wire_unframe(framings[i], SCHEMA_EVENT, 9, buffer_bytes(&message), &body));
        assert_int_equal(body.size, 0);
        buffer_append(&message, bytes_of_text("body"));
        assert_true(wire_unframe(framings[i], SCHEMA_EVENT, 9, buffer_bytes(&message), &body));
        assert_true(bytes_equal(body, bytes_of_text("body")));
        for (size_t at = 0; at < header; at++) {
            message.data[at] ^= 1;
            assert_false(wire_unframe(framings[i], SCHEMA_EVENT, 9, buffer_bytes(&message), &body));
            message.data[at] ^= 1;
        }
        buffer_clean_up(&message);
    }
}

static void refuses_foreign_schemas(void **state) {
    (void)state;
    struct buffer message = {0};
    struct bytes body;
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &message);
    assert_false(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_PUSH, 0, buffer_bytes(&message), &body));
    buffer_clear(&message);
    wire_frame(WIRE_CONFLUENT, SCHEMA_EVENT, 9, &message);
    assert_false(wire_unframe(WIRE_CONFLUENT, SCHEMA_EVENT, 8, buffer_bytes(&message), &body));
    assert_true(wire_unframe(WIRE_CONFLUENT, SCHEMA_EVENT, 0, buffer_bytes(&message), &body));
    message.data[0] = 1;
    assert_false(wire_unframe(WIRE_CONFLUENT, SCHEMA_EVENT, 0, buffer_bytes(&message), &body));
    buffer_clean_up(&message);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_schema_is_a_file),       cmocka_unit_test(avro_c_takes_every_schema),
        cmocka_unit_test(fingerprints_are_golden),      cmocka_unit_test(frames_as_others_do),
        cmocka_unit_test(unframes_its_own_header_only), cmocka_unit_test(refuses_foreign_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
