#include "tests/support/avro_hit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Of records that begin with a type and a time. */
#define HEAD "{'name':'kind','type':'string'},{'name':'ts','type':'long'}"
#define MAPPED_HEAD                                                                                \
    "mapping:\n"                                                                                   \
    "  type: {path: kind}\n"                                                                       \
    "  event_ms: {path: ts}\n"

/* JSON in single quotes reads better in C. */
struct avro_scene *hit_scene_of_texts(const char *schema, const char *section) {
    char *json = memory_copy_text(bytes_of_text(schema));
    for (char *at = json; *at; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    struct avro_scene *scene = avro_scene_new(json, section);
    free(json);
    return scene;
}

struct avro_scene *hit_scene(const char *fields, const char *mapped) {
    struct buffer schema = {0}, section = {0};
    buffer_format(&schema, "{'type':'record','name':'shop.hit','fields':[" HEAD "%s]}", fields);
    buffer_format(&section, MAPPED_HEAD "%s", mapped);
    buffer_append_byte(&schema, 0);
    buffer_append_byte(&section, 0);
    struct avro_scene *scene = hit_scene_of_texts((char *)schema.data, (char *)section.data);
    buffer_clean_up(&schema);
    buffer_clean_up(&section);
    assert_non_null(scene->plan);
    return scene;
}

void hit_write_text(struct buffer *body, const char *text) {
    wire_write_bytes(body, bytes_of_text(text));
}

void hit_begin(struct buffer *body) {
    buffer_clear(body);
    hit_write_text(body, "product_viewed");
    wire_write_long(body, HIT_MS);
}

enum event_verdict hit_decode(struct avro_scene *scene, const struct buffer *body) {
    return avro_scene_decode(scene, buffer_bytes(body));
}

void hit_assert_ok(struct avro_scene *scene, const struct buffer *body) {
    assert_string_equal(event_verdict_name(hit_decode(scene, body)), "ok");
    assert_int_equal(scene->event.type, EVENT_PRODUCT_VIEWED);
    assert_true(scene->event.event_ms == HIT_MS);
}

void hit_assert_verdict(struct avro_scene *scene, const struct buffer *body,
                        enum event_verdict verdict) {
    assert_string_equal(event_verdict_name(hit_decode(scene, body)), event_verdict_name(verdict));
}

void hit_assert_text(struct bytes actual, const char *expected) {
    assert_int_equal(actual.size, strlen(expected));
    assert_memory_equal(actual.data, expected, actual.size);
}
