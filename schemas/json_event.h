/* json_event: a JSON message through a mapping into our event. jansson parses; what it makes of the
 * message lives until the next one.
 *
 * Verdicts: EVENT_BAD_JSON (not one JSON object, a NUL in a text), EVENT_TOO_LARGE (more than
 * JSON_BYTES_MAX), EVENT_TOO_DEEP (nesting beyond JSON_DEPTH_MAX), EVENT_DUPLICATE_KEY,
 * EVENT_NUMBER_RANGE (an integer beyond 64 bits, a real beyond a double), EVENT_BAD_UTF8,
 * EVENT_MISSING_FIELD, and those of mapping_store. More than EVENT_LINES_MAX lines are
 * EVENT_BAD_VALUE, as in Avro. A line without item_id is left out, as in Avro. */
#ifndef PROMOSTREAM_SCHEMAS_JSON_EVENT_H
#define PROMOSTREAM_SCHEMAS_JSON_EVENT_H

#include "schemas/mapping.h"

#define JSON_BYTES_MAX (1 << 20)
#define JSON_DEPTH_MAX 32

struct json_event; /* the message decoded last; one thread */

struct json_event *json_event_new(const struct mapping *mapping); /* mapping is borrowed */
void json_event_destroy(struct json_event *json);                 /* NULL is fine */
/* Texts of *out live until the next call; out->lines must point to EVENT_LINES_MAX lines. */
enum event_verdict json_event_decode(struct json_event *json, struct bytes message,
                                     struct mapping_scratch *scratch, struct event *out);

#endif
