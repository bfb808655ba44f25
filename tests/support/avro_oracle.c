#include "tests/support/avro_oracle.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int error) {
    if (error) {
        fprintf(stderr, "avro: %s\n", avro_strerror());
        abort();
    }
}

void avro_oracle_init(struct avro_oracle *oracle, enum schema schema) {
    avro_oracle_init_text(oracle, bytes_of_text(schema_text_of(schema_name(schema))));
}

void avro_oracle_init_text(struct avro_oracle *oracle, struct bytes text) {
    must(avro_schema_from_json_length((const char *)text.data, text.size, &oracle->schema));
    oracle->iface = avro_generic_class_from_schema(oracle->schema);
    assert(oracle->iface);
    must(avro_generic_value_new(oracle->iface, &oracle->value));
}

void avro_oracle_clean_up(struct avro_oracle *oracle) {
    avro_value_decref(&oracle->value);
    avro_value_iface_decref(oracle->iface);
    avro_schema_decref(oracle->schema);
}

bool avro_oracle_read(struct avro_oracle *oracle, struct bytes body) {
    avro_reader_t reader = avro_reader_memory((const char *)body.data, (int64_t)body.size);
    char rest;
    must(avro_value_reset(&oracle->value));
    bool is_read = avro_value_read(reader, &oracle->value) == 0;
    bool is_whole = is_read && avro_read(reader, &rest, 1) != 0;
    avro_reader_free(reader);
    return is_whole;
}

void avro_oracle_write(struct avro_oracle *oracle, struct buffer *out) {
    size_t size;
    must(avro_value_sizeof(&oracle->value, &size));
    char *end = (char *)buffer_reserve(out, size);
    avro_writer_t writer = avro_writer_memory(end, (int64_t)size);
    must(avro_value_write(writer, &oracle->value));
    avro_writer_free(writer);
    out->size += size;
}

char *avro_oracle_json(struct avro_oracle *oracle) {
    char *json;
    must(avro_value_to_json(&oracle->value, 1, &json));
    return json;
}
