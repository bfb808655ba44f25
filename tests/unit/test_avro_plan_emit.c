/* avro_plan_emit: what nobody maps is skipped, of any type, and damage in it is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/avro_hit.h"

#define SKIPPED                                                                                    \
    ",{'name':'a','type':'boolean'},{'name':'b','type':'int'},{'name':'c','type':'long'}"          \
    ",{'name':'d','type':'float'},{'name':'e','type':'double'},{'name':'f','type':'bytes'}"        \
    ",{'name':'g','type':{'type':'fixed','name':'g','size':3}}"                                    \
    ",{'name':'h','type':{'type':'enum','name':'h','symbols':['x','y']}}"                          \
    ",{'name':'i','type':{'type':'array','items':'string'}}"                                       \
    ",{'name':'j','type':{'type':'map','values':'double'}}"                                        \
    ",{'name':'k','type':['null','long','h']},{'name':'l','type':['boolean','null']}"              \
    ",{'name':'m','type':{'type':'array','items':{'type':'array','items':['null','int']}}}"        \
    ",{'name':'n','type':{'type':'array','items':'null'}},{'name':'o','type':'null'}"              \
    ",{'name':'user','type':'string'}"

/* Where the bytes of a skipped value begin, for tests that damage them. */
struct marks {
    size_t boolean, bytes, symbol, strings, branch, empty;
};

static struct marks write_skipped(struct buffer *body) {
    struct marks marks;
    hit_begin(body);
    marks.boolean = body->size;
    wire_write_boolean(body, true);
    wire_write_long(body, -70000);
    wire_write_long(body, INT64_MIN);
    wire_write_float(body, 1);
    wire_write_double(body, 2);
    marks.bytes = body->size;
    hit_write_text(body, "\xff\xfe");
    buffer_append(body, bytes_of_text("abc"));
    marks.symbol = body->size;
    wire_write_long(body, 1);
    marks.strings = body->size;
    wire_write_long(body, 1); /* i: a block of one, then one of two that says its size */
    hit_write_text(body, "one");
    wire_write_long(body, -2);
    wire_write_long(body, 8);
    hit_write_text(body, "two");
    hit_write_text(body, "red");
    wire_write_long(body, 0);
    wire_write_long(body, 1); /* j */
    hit_write_text(body, "key");
    wire_write_double(body, 3);
    wire_write_long(body, 0);
    marks.branch = body->size;
    wire_write_long(body, 2); /* k */
    wire_write_long(body, 0);
    wire_write_long(body, 0); /* l */
    wire_write_boolean(body, false);
    wire_write_long(body, 2); /* m: [[null, 500], []] */
    wire_write_long(body, 2);
    wire_write_long(body, 0);
    wire_write_long(body, 1);
    wire_write_long(body, 500);
    wire_write_long(body, 0);
    wire_write_long(body, 0);
    wire_write_long(body, 0);
    marks.empty = body->size;
    wire_write_long(body, 3); /* n */
    wire_write_long(body, 0);
    hit_write_text(body, "u-1");
    return marks;
}

static void skips_what_nobody_maps(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(SKIPPED, "  user_id: {path: user}\n");
    struct buffer body = {0};
    write_skipped(&body);
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.user_id, "u-1");
    for (size_t size = 1; size < body.size; size++) {
        enum event_verdict verdict = avro_scene_decode(scene, bytes_of(body.data, size));
        assert_string_equal(event_verdict_name(verdict), "truncated");
    }
    buffer_append_byte(&body, 0);
    hit_assert_verdict(scene, &body, EVENT_TRAILING_BYTES);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void damage(struct avro_scene *scene, struct buffer *body, size_t at, uint8_t byte,
                   enum event_verdict verdict) {
    uint8_t was = body->data[at];
    body->data[at] = byte;
    hit_assert_verdict(scene, body, verdict);
    body->data[at] = was;
}

static void notices_damage_in_what_nobody_maps(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(SKIPPED, "  user_id: {path: user}\n");
    struct buffer body = {0};
    struct marks marks = write_skipped(&body);
    damage(scene, &body, marks.boolean, 2, EVENT_BAD_VALUE);
    damage(scene, &body, marks.bytes, 0x01, EVENT_BAD_VALUE);
    damage(scene, &body, marks.bytes, 0x7e, EVENT_TRUNCATED);
    damage(scene, &body, marks.symbol, 4, EVENT_BAD_VALUE);
    damage(scene, &body, marks.symbol, 1, EVENT_BAD_VALUE);
    damage(scene, &body, marks.strings, 0x7e, EVENT_TRUNCATED);
    damage(scene, &body, marks.strings + 2 + 4, 0x7e, EVENT_TRUNCATED); /* a block's size */
    damage(scene, &body, marks.branch, 6, EVENT_BAD_VALUE);
    damage(scene, &body, marks.branch, 1, EVENT_BAD_VALUE);
    damage(scene, &body, marks.branch + 2, 4, EVENT_BAD_VALUE);
    /* 2^62 nulls. */
    body.size = marks.empty;
    wire_write_long(&body, INT64_C(1) << 62);
    wire_write_long(&body, 0);
    hit_write_text(&body, "u-1");
    hit_assert_verdict(scene, &body, EVENT_BAD_VALUE);
    /* A varint of 64 bits and more. */
    hit_begin(&body);
    buffer_append_byte(&body, 0);
    buffer_append(&body, bytes_of_text("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    hit_assert_verdict(scene, &body, EVENT_BAD_VALUE);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

#define TREE                                                                                       \
    ",{'name':'tree','type':{'type':'record','name':'tree','fields':["                             \
    "{'name':'name','type':'string'},{'name':'left','type':['null','tree']},"                      \
    "{'name':'more','type':{'type':'array','items':'tree'}}]}},{'name':'user','type':'string'}"

static void write_tree(struct buffer *body, int depth) {
    hit_write_text(body, "node");
    wire_write_long(body, depth > 1 && depth % 2 == 0);
    if (depth > 1 && depth % 2 == 0) {
        write_tree(body, depth - 1);
    }
    if (depth > 1 && depth % 2 == 1) {
        wire_write_long(body, 1);
        write_tree(body, depth - 1);
    }
    wire_write_long(body, 0);
}

static void skips_recursive_records_up_to_a_depth(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(TREE, "  user_id: {path: user}\n  place: {path: "
                                               "tree.left.left.name}\n");
    struct buffer body = {0};
    /* The first three are not skipped but read on the way to place. */
    for (int depth = 1; depth <= 40; depth++) {
        hit_begin(&body);
        write_tree(&body, depth);
        hit_write_text(&body, "u-1");
        enum event_verdict verdict = hit_decode(scene, &body);
        if (verdict == EVENT_TOO_DEEP) {
            assert_true(depth > AVRO_PLAN_DEPTH_MAX);
        } else {
            assert_int_equal(verdict, EVENT_OK);
            assert_true(depth <= AVRO_PLAN_DEPTH_MAX + 3);
            hit_assert_text(scene->event.user_id, "u-1");
        }
    }
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skips_what_nobody_maps),
        cmocka_unit_test(notices_damage_in_what_nobody_maps),
        cmocka_unit_test(skips_recursive_records_up_to_a_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
