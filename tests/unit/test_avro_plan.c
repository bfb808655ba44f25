/* avro_plan: which schemas and mappings go together, what is said of those that do not, and what an
 * event without something is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/support/avro_hit.h"

#define SECTION "mapping:\n  type: {path: kind}\n  event_ms: {path: ts}\n"

static void assert_refused(const char *schema, const char *section, const char *text) {
    struct avro_scene *scene = hit_scene_of_texts(schema, section);
    assert_int_equal(scene->failure.action, FAILURE_STOP);
    assert_string_equal(scene->failure.text, text);
    assert_null(scene->plan);
    avro_scene_destroy(scene);
}

static void refuses_what_gives_no_event(void **state) {
    (void)state;
    assert_refused("'string'", SECTION, "the schema is of type string, expected a record");
    assert_refused("['null','string']", SECTION, "the schema is of type union, expected a record");
    assert_refused("{'type':'record','name':'r','fields':[{'name':'kind','type':'string'}]}",
                   SECTION, "the schema has nothing that mapping.event_ms could come from");
    assert_refused("{'type':'record','name':'r','fields':[{'name':'ts','type':'long'},"
                   "{'name':'kind','type':{'type':'array','items':'string'}}]}",
                   SECTION, "the schema has nothing that mapping.type could come from");
}

/* A record of n branches each of which leads on in n ways: paths of 16 steps have n^15 of them. */
static void refuses_a_program_without_end(void **state) {
    (void)state;
    struct buffer schema = {0};
    buffer_format(&schema, "{'type':'record','name':'r','fields':[{'name':'kind','type':'string'},"
                           "{'name':'ts','type':'long'},{'name':'n','type':['null'");
    for (int i = 0; i < 10; i++) {
        buffer_format(&schema,
                      ",{'type':'record','name':'r%d','fields':[{'name':'n','type':['null','r0'%s"
                      "]}%s]}",
                      i, i > 0 ? ",'r1'" : "", i == 9 ? ",{'name':'end','type':'string'}" : "");
    }
    buffer_format(&schema, "]}]}");
    buffer_append_byte(&schema, 0);
    struct avro_scene *scene = hit_scene_of_texts(
        (char *)schema.data, SECTION "  user_id: {path: n.n.n.n.n.n.n.n.n.n.n.n.n.n.n.end}\n");
    assert_non_null(scene->plan); /* no way leads back to the end: it is found to be absent */
    avro_scene_destroy(scene);
    schema.size = 0;
    buffer_format(&schema, "{'type':'record','name':'r','fields':[{'name':'kind','type':'string'},"
                           "{'name':'ts','type':'long'},{'name':'n','type':['null','string','r',"
                           "{'type':'array','items':'r'},{'type':'record','name':'a','fields':["
                           "{'name':'n','type':['r','string','null',{'type':'record','name':'b',"
                           "'fields':[{'name':'n','type':['a','r','b','string']}]}]}]}]}]}");
    buffer_append_byte(&schema, 0);
    assert_refused((char *)schema.data,
                   SECTION "  user_id: {path: n.n.n.n.n.n.n.n.n.n.n.n.n.n.n}\n",
                   "the schema and the mapping together make a program of more than 65536 steps");
    buffer_clean_up(&schema);
}

/* Ten records, each within those behind it: paths of many ways to an item of which no way is the
 * one. A name that is not there is sought among all aliases, every time. */
static void refuses_names_without_end(void **state) {
    (void)state;
    struct buffer schema = {0};
    buffer_format(&schema, "{'type':'record','name':'r','fields':[{'name':'kind','type':'string'},"
                           "{'name':'ts','type':'long'},{'name':'a','type':["
                           "{'type':'record','name':'item','fields':[{'name':'n','type':'int',"
                           "'aliases':['n0'");
    for (int i = 1; i < 500; i++) {
        buffer_format(&schema, ",'n%d'", i);
    }
    buffer_format(&schema, "]}]}");
    for (int i = 0; i < 10; i++) {
        buffer_format(&schema,
                      ",{'type':'record','name':'r%d','fields':[{'name':'items','type':{'type':"
                      "'array','items':'item'}},{'name':'a','type':['r%d'",
                      i, i);
        for (int inner = 0; inner < i; inner++) {
            buffer_format(&schema, ",'r%d'", inner);
        }
        buffer_format(&schema, "]}]}");
    }
    buffer_format(&schema, "]}]}");
    buffer_append_byte(&schema, 0);
    static const char *const ends[] = {"items[no=1].n", "items[0].no"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char section[160];
        (void)snprintf(section, sizeof section,
                       SECTION "  user_id: {path: 'a.a.a.a.a.a.a.a.a.%s'}\n", ends[i]);
        assert_refused((char *)schema.data, section,
                       "the schema and the mapping together make a program of more than 65536 "
                       "steps");
    }
    buffer_clean_up(&schema);
}

static void warns_of_paths_that_lead_nowhere(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(
        ",{'name':'user','type':['null',{'type':'record','name':'shop.user','fields':["
        "{'name':'customerId','type':'string'},{'name':'at','type':'long'}]}]}"
        ",{'name':'items','type':{'type':'array','items':{'type':'record','name':'item',"
        "'fields':[{'name':'sku','type':'string'}]}}}",
        "  user_id: {path: user.custmerId | uid}\n  place: {path: user}\n"
        "  device: {path: user.at.name}\n  query: {path: nothing | kind}\n"
        "  lines:\n    path: 'items[]'\n    item_id: {path: sku}\n    brand: {path: skus}\n");
    assert_string_equal(
        scene->warnings,
        "mapping.user_id: the schema has no user.custmerId: the record shop.user has no field "
        "custmerId (the nearest field is customerId)\n"
        "mapping.place: the schema has no user: it ends at a value of type record\n"
        "mapping.device: the schema has no user.at.name: step 3 finds a value of type long\n"
        "mapping.lines.brand: the schema has no skus: the record shop.item has no field skus (the "
        "nearest field is sku)\n");
    avro_scene_destroy(scene);
    scene = hit_scene("", "  lines:\n    path: 'products[]'\n    item_id: {path: sku}\n");
    assert_string_equal(scene->warnings,
                        "mapping.lines.path: the schema has no such array: the record shop.hit has "
                        "no field products\n");
    avro_scene_destroy(scene);
}

static void an_event_without_type_or_time(void **state) {
    (void)state;
    const char *schema = "{'type':'record','name':'r','fields':["
                         "{'name':'kind','type':['null','string']},"
                         "{'name':'ts','type':['null','long']}]}";
    struct avro_scene *scene = hit_scene_of_texts(schema, SECTION);
    struct buffer body = {0};
    for (int present = 0; present < 4; present++) {
        buffer_clear(&body);
        wire_write_long(&body, present & 1);
        if (present & 1) {
            hit_write_text(&body, "cart_viewed");
        }
        wire_write_long(&body, present >> 1);
        if (present >> 1) {
            wire_write_long(&body, HIT_MS);
        }
        hit_assert_verdict(scene, &body, present == 3 ? EVENT_OK : EVENT_MISSING_FIELD);
    }
    avro_scene_destroy(scene);
    scene = hit_scene_of_texts(
        schema, "mapping:\n  type: {path: kind, default: product_viewed}\n  event_ms: {path: ts}\n"
                "  currency: {path: '', default: EUR}\n");
    buffer_clear(&body);
    wire_write_long(&body, 0);
    wire_write_long(&body, 1);
    wire_write_long(&body, HIT_MS);
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.currency, "EUR");
    buffer_clear(&body);
    hit_assert_verdict(scene, &body, EVENT_EMPTY);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void a_root_of_several_records(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene_of_texts(
        "['null',{'type':'record','name':'view','fields':[{'name':'ts','type':'long'},"
        "{'name':'kind','type':'string'}]},{'type':'record','name':'sale','fields':["
        "{'name':'kind','type':'string'},{'name':'sum','type':'double'},"
        "{'name':'ts','type':'long'}]}]",
        SECTION "  total: {path: sum}\n");
    struct buffer body = {0};
    wire_write_long(&body, 1);
    wire_write_long(&body, HIT_MS);
    hit_write_text(&body, "product_viewed");
    hit_assert_ok(scene, &body);
    assert_true(isnan(scene->event.total));
    buffer_clear(&body);
    wire_write_long(&body, 2);
    hit_write_text(&body, "product_viewed");
    wire_write_double(&body, 12);
    wire_write_long(&body, HIT_MS);
    hit_assert_ok(scene, &body);
    assert_true(scene->event.total == 12);
    buffer_clear(&body);
    wire_write_long(&body, 0);
    hit_assert_verdict(scene, &body, EVENT_EMPTY);
    buffer_clear(&body);
    wire_write_long(&body, 3);
    hit_assert_verdict(scene, &body, EVENT_BAD_VALUE);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_gives_no_event),
        cmocka_unit_test(refuses_a_program_without_end),
        cmocka_unit_test(refuses_names_without_end),
        cmocka_unit_test(warns_of_paths_that_lead_nowhere),
        cmocka_unit_test(an_event_without_type_or_time),
        cmocka_unit_test(a_root_of_several_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
