/* avro_plan on damaged messages: every prefix and every single-byte corruption of some hundreds
 * gets a verdict; nothing beyond the message is read (ASan; each is copied to a block of its own
 * size); bombs of a few bytes cost no more than their bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "schemas/wire.h"
#include "tests/support/avro_hit.h"
#include "tests/support/random_event.h"
#include "tests/support/random_mapping.h"

#define MESSAGES      200
#define OF_A_SCHEMA   5   /* so many of them at most */
#define MESSAGE_BYTES 400 /* of the longest that is damaged */
#define SEED          777

/* Every byte of every text is read: a text that is not of the message is found out. */
static unsigned sum_of(struct bytes text) {
    unsigned sum = 0;
    for (size_t i = 0; i < text.size; i++) {
        sum += text.data[i];
    }
    return sum;
}

static unsigned touch(const struct event *event) {
    unsigned sum = sum_of(event->user_id);
    for (const struct event_text_field *field = event_text_fields; field->name; field++) {
        sum += sum_of(*event_text(event, field));
    }
    for (size_t i = 0; i < event->line_count; i++) {
        sum += sum_of(event->lines[i].item_id) + sum_of(event->lines[i].category) +
               sum_of(event->lines[i].brand);
    }
    return sum;
}

static enum event_verdict decode_damaged(struct avro_scene *scene, struct bytes body) {
    enum event_verdict verdict = avro_scene_decode(scene, body);
    switch (verdict) {
    case EVENT_OK:
        assert_true(scene->event.type < EVENT_TYPE_COUNT);
        assert_true(scene->event.line_count <= EVENT_LINES_MAX);
        assert_true(touch(&scene->event) != UINT32_MAX);
        break;
    case EVENT_EMPTY:
    case EVENT_TRUNCATED:
    case EVENT_TRAILING_BYTES:
    case EVENT_BAD_VALUE:
    case EVENT_TEXT_TOO_LONG:
    case EVENT_BAD_UTF8:
    case EVENT_MISSING_FIELD:
    case EVENT_TOO_DEEP:
        break;
    default:
        fail_msg("verdict %s", event_verdict_name(verdict));
    }
    return verdict;
}

static void check_prefixes(struct avro_scene *scene, struct bytes body) {
    enum event_verdict whole = decode_damaged(scene, body);
    for (size_t size = 0; size < body.size; size++) {
        enum event_verdict verdict = decode_damaged(scene, bytes_of(body.data, size));
        /* A value's own verdict may come before the end does. */
        if (whole == EVENT_OK) {
            assert_int_equal(verdict, size > 0 ? EVENT_TRUNCATED : EVENT_EMPTY);
        } else {
            assert_int_not_equal(verdict, EVENT_OK);
        }
    }
}

static void check_corruptions(struct avro_scene *scene, struct buffer *body) {
    for (size_t at = 0; at < body->size; at++) {
        uint8_t was = body->data[at];
        for (unsigned i = 1; i < 256; i++) {
            body->data[at] = (uint8_t)(was ^ i);
            decode_damaged(scene, buffer_bytes(body));
        }
        body->data[at] = was;
    }
}

static int damage_messages(struct rng *rng, struct random_schema *schema) {
    struct buffer section = {0}, body = {0};
    random_schema_make(rng, schema);
    random_mapping_write(rng, schema, &section);
    buffer_append_byte(&schema->text, 0);
    struct avro_scene *scene = avro_scene_new((char *)schema->text.data, (char *)section.data);
    assert_non_null(scene->plan);
    int count = 0;
    for (int i = 0; i < 40 && count < OF_A_SCHEMA; i++) {
        buffer_clear(&body);
        random_schema_write_value(schema, rng, rng, &body);
        if (body.size <= MESSAGE_BYTES) {
            check_prefixes(scene, buffer_bytes(&body));
            check_corruptions(scene, &body);
            count++;
        }
    }
    avro_scene_destroy(scene);
    buffer_clean_up(&section);
    buffer_clean_up(&body);
    return count;
}

static void damage_gets_a_verdict(void **state) {
    (void)state;
    struct random_schema *schema = memory_new(1, sizeof(*schema));
    struct rng rng = rng_make(SEED, 0);
    int damaged = 0;
    for (int i = 0; damaged < MESSAGES && i < MESSAGES; i++) {
        damaged += damage_messages(&rng, schema);
    }
    assert_true(damaged >= MESSAGES);
    random_schema_clean_up(schema);
    free(schema);
}

/* ---- Bombs: without a bound each of these runs for hours ---- */

#define HUGE_COUNT INT64_MAX

static void assert_bomb(const char *fields, const char *mapped, const struct buffer *bomb,
                        enum event_verdict verdict) {
    struct avro_scene *scene = hit_scene(fields, mapped);
    struct buffer body = {0};
    hit_begin(&body);
    buffer_append(&body, buffer_bytes(bomb));
    hit_assert_verdict(scene, &body, verdict);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void counts_beyond_all_bytes(void **state) {
    (void)state;
    static const char *const items[] = {"'long'",          "'string'",
                                        "'double'",        "'boolean'",
                                        "['null','long']", "{'type':'array','items':'int'}"};
    struct buffer fields = {0}, bomb = {0};
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        buffer_clear(&fields);
        buffer_format(&fields, ",{'name':'a','type':{'type':'array','items':%s}}", items[i]);
        buffer_append_byte(&fields, 0);
        buffer_clear(&bomb);
        wire_write_long(&bomb, HUGE_COUNT);
        assert_bomb((char *)fields.data, "", &bomb, EVENT_TRUNCATED);
        assert_bomb((char *)fields.data, "  place: {path: 'a[7]'}\n", &bomb, EVENT_TRUNCATED);
        buffer_clear(&bomb);
        wire_write_long(&bomb, -HUGE_COUNT);
        wire_write_long(&bomb, HUGE_COUNT);
        assert_bomb((char *)fields.data, "", &bomb, EVENT_TRUNCATED);
    }
    buffer_clear(&bomb);
    wire_write_long(&bomb, HUGE_COUNT);
    wire_write_long(&bomb, 0);
    assert_bomb(",{'name':'a','type':{'type':'array','items':'null'}}", "", &bomb, EVENT_BAD_VALUE);
    assert_bomb(",{'name':'a','type':{'type':'array','items':{'type':'record','name':'no',"
                "'fields':[{'name':'n','type':'null'}]}}}",
                "", &bomb, EVENT_BAD_VALUE);
    buffer_clear(&bomb);
    wire_write_long(&bomb, INT64_MIN);
    wire_write_long(&bomb, 0);
    assert_bomb(",{'name':'a','type':{'type':'array','items':'null'}}", "", &bomb, EVENT_BAD_VALUE);
    buffer_clean_up(&fields);
    buffer_clean_up(&bomb);
}

static void nesting_beyond_all_stacks(void **state) {
    (void)state;
    struct buffer bomb = {0};
    for (int i = 0; i < 3000000; i++) {
        buffer_append_byte(&bomb, 2);
    }
    assert_bomb(",{'name':'a','type':{'type':'record','name':'list','fields':["
                "{'name':'next','type':['null','list']}]}}",
                "", &bomb, EVENT_TOO_DEEP);
    assert_bomb(",{'name':'a','type':{'type':'record','name':'tree','fields':["
                "{'name':'children','type':{'type':'array','items':'tree'}}]}}",
                "  place: {path: 'a.children[0].children[0].name'}\n", &bomb, EVENT_TOO_DEEP);
    buffer_clean_up(&bomb);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_gets_a_verdict),
        cmocka_unit_test(counts_beyond_all_bytes),
        cmocka_unit_test(nesting_beyond_all_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
