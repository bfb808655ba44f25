/* avro_message: a JSON message as the Avro body of a schema, for samples that exist as JSON. The
 * branch of a union is the first that the JSON value fits (null, text, number, ...); a member that
 * is absent is null, an empty array or map, else a bug; a text where a time is wanted (long with a
 * timestamp's logical type) is ISO 8601. Asserts on what does not fit. */
#ifndef PROMOSTREAM_TESTS_AVRO_MESSAGE_H
#define PROMOSTREAM_TESTS_AVRO_MESSAGE_H

#include <jansson.h>

#include "base/buffer.h"
#include "schemas/writer_schema.h"

/* Appends. value NULL = absent. */
void avro_message_write(const struct writer_node *node, const json_t *value, struct buffer *out);

#endif
