/* schemas: our own .avsc files as they stand in the binary, their fingerprints, and message
 * framing. */
#ifndef PROMOSTREAM_SCHEMAS_SCHEMAS_H
#define PROMOSTREAM_SCHEMAS_SCHEMAS_H

#include "base/buffer.h"

struct schema_text {
    const char *name; /* file name without .avsc: "event" */
    const char *text;
};
extern const struct schema_text schema_texts[]; /* ended by a NULL name */

/* NULL if there is no such schema. */
const char *schema_text_of(const char *name);

/* Schemas of ours in the order of their topics; the name is the .avsc file's. */
enum schema {
    SCHEMA_EVENT,
    SCHEMA_PUSH,
    SCHEMA_DECISION,
    SCHEMA_USER_STATE,
    SCHEMA_PARTITION_STATE,
    SCHEMA_OPEN_DECISION,
    SCHEMA_JOURNAL,
    SCHEMA_DEAD_LETTER,
    SCHEMA_EXAMPLE,
    SCHEMA_LOGGED_EXAMPLE,
    SCHEMA_MODEL_ROW,
    SCHEMA_CONTROL,
    SCHEMA_CATALOGUE_ITEM,
    SCHEMA_PROFILE,
    SCHEMA_COUNT
};
const char *schema_name(enum schema schema);

/* Avro's CRC-64-AVRO Rabin fingerprint of the schema's Parsing Canonical Form (Avro 1.11
 * specification, "Schema Fingerprints"). Computed once at first use by schemas_init, which asserts
 * that every schema parses. */
void schemas_init(void); /* call once from main before any other thread starts */
uint64_t schema_fingerprint(enum schema schema);

enum wire_framing {
    WIRE_SINGLE_OBJECT, /* C3 01, 8-byte little-endian fingerprint, body (Avro specification) */
    WIRE_CONFLUENT,     /* 00, 4-byte big-endian schema id, body */
    WIRE_BARE,          /* body */
};
extern const char *const wire_framing_names[]; /* "single_object", "confluent", "bare", NULL */

/* Appends the header; the body follows. schema_id is used by WIRE_CONFLUENT only. */
void wire_frame(enum wire_framing framing, enum schema schema, uint32_t schema_id,
                struct buffer *out);
/* Checks and strips the header. False on a wrong magic, a foreign fingerprint or a wrong schema id
 * (schema_id 0 accepts any). Never sniffs. */
bool wire_unframe(enum wire_framing framing, enum schema schema, uint32_t schema_id,
                  struct bytes message, struct bytes *out_body);

/* A message of one of our own output topics, whose framing may have been changed (registry.
 * register_outputs): single-object encoding of this very schema, or Confluent framing with any id;
 * their first bytes differ. */
bool wire_unframe_output(enum schema schema, struct bytes message, struct bytes *out_body);

#endif
