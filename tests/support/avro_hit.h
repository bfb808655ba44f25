/* avro_hit: messages written by hand for tests of avro_plan. They begin with a type and a time:
 * {"type": "record", "name": "shop.hit", "fields": [kind: string, ts: long, ...]}. */
#ifndef PROMOSTREAM_TESTS_AVRO_HIT_H
#define PROMOSTREAM_TESTS_AVRO_HIT_H

#include "schemas/wire.h"
#include "tests/support/avro_scene.h"

#define HIT_MS INT64_C(1764100208123)

/* A scene of any schema; the JSON may have ' for ". */
struct avro_scene *hit_scene_of_texts(const char *schema, const char *section);
/* More fields: ",{'name':...}..."; more mapping: "  user_id: {path: user}\n". It has a plan. */
struct avro_scene *hit_scene(const char *fields, const char *mapped);

void hit_write_text(struct buffer *body, const char *text);
/* Empties the body and writes product_viewed at HIT_MS. */
void hit_begin(struct buffer *body);

enum event_verdict hit_decode(struct avro_scene *scene, const struct buffer *body);
/* Decodes, and asserts type and time. */
void hit_assert_ok(struct avro_scene *scene, const struct buffer *body);
void hit_assert_verdict(struct avro_scene *scene, const struct buffer *body,
                        enum event_verdict verdict);
void hit_assert_text(struct bytes actual, const char *expected);

#endif
