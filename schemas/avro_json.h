/* avro_json: any Avro value as JSON, for looking at samples: not for the hot path, it allocates.
 *
 * Maps and records become objects, enums their symbols, bytes texts if they are UTF-8 and else
 * null, decimals numbers, times the integers that they are. A record that a union of several
 * records (null aside) took has a member "@type" with its short name, as in a mapping's paths.
 * Bounded: nesting of AVRO_JSON_DEPTH_MAX, AVRO_JSON_VALUES_MAX values a message; beyond, or where
 * the bytes are not of the schema, there is no value. */
#ifndef PROMOSTREAM_SCHEMAS_AVRO_JSON_H
#define PROMOSTREAM_SCHEMAS_AVRO_JSON_H

#include <jansson.h>

#include "schemas/writer_schema.h"

#define AVRO_JSON_DEPTH_MAX  32
#define AVRO_JSON_VALUES_MAX 100000

/* A new reference, or NULL. The body must be exactly one value of the root. */
json_t *avro_to_json(const struct writer_schema *schema, struct bytes body);

#endif
