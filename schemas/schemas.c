#include "schemas/schemas.h"

#include <assert.h>
#include <pthread.h>

#include "schemas/canonical.h"

static const char *const names[SCHEMA_COUNT] = {
    [SCHEMA_EVENT] = "event",
    [SCHEMA_PUSH] = "push",
    [SCHEMA_DECISION] = "decision",
    [SCHEMA_USER_STATE] = "user_state",
    [SCHEMA_PARTITION_STATE] = "partition_state",
    [SCHEMA_OPEN_DECISION] = "open_decision",
    [SCHEMA_JOURNAL] = "journal",
    [SCHEMA_DEAD_LETTER] = "dead_letter",
    [SCHEMA_EXAMPLE] = "example",
    [SCHEMA_LOGGED_EXAMPLE] = "logged_example",
    [SCHEMA_MODEL_ROW] = "model_row",
    [SCHEMA_CONTROL] = "control",
    [SCHEMA_CATALOGUE_ITEM] = "catalogue_item",
    [SCHEMA_PROFILE] = "profile",
};

const char *const wire_framing_names[] = {
    [WIRE_SINGLE_OBJECT] = "single_object",
    [WIRE_CONFLUENT] = "confluent",
    [WIRE_BARE] = "bare",
    NULL,
};

/* The one mutable global of this room: a function of the texts in the binary, written once. */
static uint64_t fingerprints[SCHEMA_COUNT];
static pthread_once_t fingerprints_once = PTHREAD_ONCE_INIT;

#define SINGLE_OBJECT_BYTES 10
#define CONFLUENT_BYTES     5

const char *schema_text_of(const char *name) {
    for (const struct schema_text *text = schema_texts; text->name; text++) {
        if (strcmp(text->name, name) == 0) {
            return text->text;
        }
    }
    return NULL;
}

const char *schema_name(enum schema schema) {
    assert(schema < SCHEMA_COUNT);
    return names[schema];
}

static void compute_fingerprints(void) {
    struct buffer canonical = {0};
    for (int schema = 0; schema < SCHEMA_COUNT; schema++) {
        const char *text = schema_text_of(names[schema]);
        assert(text);
        buffer_clear(&canonical);
        bool is_valid = canonical_schema(bytes_of_text(text), &canonical);
        assert(is_valid);
        fingerprints[schema] = canonical_fingerprint(buffer_bytes(&canonical));
    }
    buffer_clean_up(&canonical);
}

void schemas_init(void) {
    int error = pthread_once(&fingerprints_once, compute_fingerprints);
    assert(error == 0);
}

uint64_t schema_fingerprint(enum schema schema) {
    assert(schema < SCHEMA_COUNT);
    schemas_init();
    return fingerprints[schema];
}

static void single_object_header(enum schema schema, uint8_t out[SINGLE_OBJECT_BYTES]) {
    uint64_t fingerprint = schema_fingerprint(schema);
    out[0] = 0xc3;
    out[1] = 0x01;
    for (int i = 0; i < 8; i++) {
        out[2 + i] = (uint8_t)(fingerprint >> (8 * i));
    }
}

static void confluent_header(uint32_t schema_id, uint8_t out[CONFLUENT_BYTES]) {
    out[0] = 0;
    for (int i = 0; i < 4; i++) {
        out[1 + i] = (uint8_t)(schema_id >> (24 - 8 * i));
    }
}

void wire_frame(enum wire_framing framing, enum schema schema, uint32_t schema_id,
                struct buffer *out) {
    uint8_t header[SINGLE_OBJECT_BYTES];
    switch (framing) {
    case WIRE_SINGLE_OBJECT:
        single_object_header(schema, header);
        buffer_append(out, bytes_of(header, SINGLE_OBJECT_BYTES));
        break;
    case WIRE_CONFLUENT:
        confluent_header(schema_id, header);
        buffer_append(out, bytes_of(header, CONFLUENT_BYTES));
        break;
    case WIRE_BARE:
        break;
    }
}

/* compared is the part of the header that must be equal, header_size what is cut off. */
static bool strip(struct bytes message, const uint8_t *header, size_t compared, size_t header_size,
                  struct bytes *out_body) {
    if (message.size < header_size || memcmp(message.data, header, compared) != 0) {
        return false;
    }
    *out_body = bytes_of(message.data + header_size, message.size - header_size);
    return true;
}

bool wire_unframe(enum wire_framing framing, enum schema schema, uint32_t schema_id,
                  struct bytes message, struct bytes *out_body) {
    uint8_t header[SINGLE_OBJECT_BYTES];
    switch (framing) {
    case WIRE_SINGLE_OBJECT:
        single_object_header(schema, header);
        return strip(message, header, SINGLE_OBJECT_BYTES, SINGLE_OBJECT_BYTES, out_body);
    case WIRE_CONFLUENT:
        confluent_header(schema_id, header);
        return strip(message, header, schema_id == 0 ? 1 : CONFLUENT_BYTES, CONFLUENT_BYTES,
                     out_body);
    case WIRE_BARE:
        *out_body = message;
        return true;
    }
    assert(!"no such framing");
    return false;
}

bool wire_unframe_output(enum schema schema, struct bytes message, struct bytes *out_body) {
    return wire_unframe(WIRE_SINGLE_OBJECT, schema, 0, message, out_body) ||
           wire_unframe(WIRE_CONFLUENT, schema, 0, message, out_body);
}
