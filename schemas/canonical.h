/* canonical: Avro schemas reduced to what matters for reading data, and a fingerprint of that
 * (Avro 1.11 specification, "Transforming into Parsing Canonical Form" and "Schema Fingerprints").
 * Pure; any thread. */
#ifndef PROMOSTREAM_SCHEMAS_CANONICAL_H
#define PROMOSTREAM_SCHEMAS_CANONICAL_H

#include "base/buffer.h"

/* Appends the Parsing Canonical Form of the schema's JSON text. False if the text is not JSON or
 * not shaped like a schema, or nested beyond WRITER_DEPTH_MAX (out then holds a part). */
bool canonical_schema(struct bytes json, struct buffer *out);

/* CRC-64-AVRO (Rabin) of the bytes. */
uint64_t canonical_fingerprint(struct bytes canonical);

#endif
