/* avro_plan_leaf: the fast ways of common values keep what the long way says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/avro_hit.h"

#define BYTES_MAX 40 /* beyond 24 a text is not in the table of codes */

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ";

/* Every length that is loaded in its own way, with one wrong byte at every place. */
static void a_bad_byte_at_every_place(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(",{'name':'u','type':'string'},{'name':'q','type':["
                                         "'null','string']}",
                                         "  user_id: {path: u}\n  query: {path: q}\n");
    struct buffer body = {0};
    for (size_t size = 1; size <= BYTES_MAX; size++) {
        hit_begin(&body);
        size_t begin = body.size + 1;
        wire_write_bytes(&body, bytes_of(letters, size));
        wire_write_long(&body, 1);
        wire_write_bytes(&body, bytes_of(letters, size)); /* nothing behind it */
        hit_assert_ok(scene, &body);
        assert_true(bytes_equal(scene->event.user_id, bytes_of(letters, size)));
        assert_true(bytes_equal(scene->event.query, bytes_of(letters, size)));
        for (size_t i = 0; i < size; i++) {
            size_t places[] = {begin + i, begin + size + 2 + i};
            for (size_t k = 0; k < 2; k++) {
                body.data[places[k]] = 0x80;
                hit_assert_verdict(scene, &body, EVENT_BAD_UTF8);
                body.data[places[k]] = (uint8_t)letters[i];
            }
        }
    }
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void types_of_every_length(void **state) {
    (void)state;
    struct buffer section = {0}, body = {0};
    buffer_format(&section, "mapping:\n  event_ms: {path: ts}\n  type:\n    path: kind\n"
                            "    values:\n");
    for (int size = 1; size <= BYTES_MAX; size++) {
        buffer_format(&section, "      %.*s: product_added\n", size, letters);
    }
    buffer_append_byte(&section, 0);
    struct avro_scene *scene =
        hit_scene_of_texts("{'type':'record','name':'r','fields':[{'name':'kind','type':'string'},"
                           "{'name':'ts','type':'long'}]}",
                           (char *)section.data);
    for (size_t size = 1; size <= BYTES_MAX; size++) {
        buffer_clear(&body);
        wire_write_bytes(&body, bytes_of(letters, size));
        wire_write_long(&body, HIT_MS);
        hit_assert_verdict(scene, &body, EVENT_OK);
        assert_int_equal(scene->event.type, EVENT_PRODUCT_ADDED);
        for (size_t i = 0; i < size; i++) {
            for (uint8_t byte = 1; byte < 0x80; byte++) {
                body.data[1 + i] = byte;
                assert_int_equal(hit_decode(scene, &body), EVENT_OK);
                assert_true(scene->event.type ==
                            (byte == letters[i] ? EVENT_PRODUCT_ADDED : EVENT_OTHER));
            }
            body.data[1 + i] = (uint8_t)letters[i];
        }
    }
    buffer_clean_up(&section);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void values_of_texts(void **state) {
    (void)state;
    struct avro_scene *scene =
        hit_scene(",{'name':'d','type':'string'}",
                  "  device: {path: d, values: {mob: phone, unknown: ''}, default: desk}\n");
    static const char *const cases[][2] = {
        {"mob", "phone"}, {"tv", "tv"}, {"unknown", "desk"}, {"", "desk"}};
    struct buffer body = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hit_begin(&body);
        hit_write_text(&body, cases[i][0]);
        hit_assert_ok(scene, &body);
        hit_assert_text(scene->event.device, cases[i][1]);
    }
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_byte_at_every_place),
        cmocka_unit_test(types_of_every_length),
        cmocka_unit_test(values_of_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
