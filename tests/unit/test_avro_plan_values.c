/* avro_plan_values: paths through arrays and maps, and the lines of an event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/support/avro_hit.h"

/* GA4's way of naming things: [{key, value: {string_value, int_value}}]. */
#define PARAMS                                                                                     \
    ",{'name':'params','type':{'type':'array','items':{'type':'record','name':'param','fields':["  \
    "{'name':'pad','type':['null','string']},{'name':'key','type':'string'},"                      \
    "{'name':'text','type':['null','string']},{'name':'number','type':['null','long']}]}}}"

static void write_param(struct buffer *body, const char *key, const char *text, int64_t number) {
    wire_write_long(body, 1);
    hit_write_text(body, "pad");
    hit_write_text(body, key);
    wire_write_long(body, text != NULL);
    if (text) {
        hit_write_text(body, text);
    }
    wire_write_long(body, 1);
    wire_write_long(body, number);
}

static void items_that_a_predicate_names(void **state) {
    (void)state;
    struct avro_scene *scene =
        hit_scene(PARAMS, "  user_id: {path: 'params[key=uid].text'}\n"
                          "  total: {path: 'params[key=value].number', unit: cents}\n"
                          "  place: {path: 'params[2].text'}\n"
                          "  query: {path: 'params[key=nothing].text', default: none}\n");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 2);
    write_param(&body, "other", "x", 1);
    write_param(&body, "value", NULL, 1999);
    wire_write_long(&body, 3);
    write_param(&body, "uid", "first", 2);
    write_param(&body, "uid", "second", 3);
    write_param(&body, "value", NULL, 7);
    wire_write_long(&body, 0);
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.user_id, "first");
    hit_assert_text(scene->event.place, "first");
    hit_assert_text(scene->event.query, "none");
    assert_true(scene->event.total == 19.99);
    /* The first match counts, even if nothing is in it. */
    hit_begin(&body);
    wire_write_long(&body, 2);
    write_param(&body, "uid", NULL, 2);
    write_param(&body, "uid", "second", 3);
    wire_write_long(&body, 0);
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.user_id, "");
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void predicates_on_enums_and_through_unions(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(
        ",{'name':'ids','type':['null',{'type':'array','items':['null',{'type':'record',"
        "'name':'id','fields':[{'name':'kind','type':['null',{'type':'enum','name':'k',"
        "'symbols':['mail','cookie','crm']},'string']},{'name':'v','type':'string'}]}]}]}",
        "  user_id: {path: 'ids[kind=crm].v | ids[kind=cookie].v'}\n"
        "  guest_id: {path: 'ids[kind=cookie].v'}\n");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 1);
    wire_write_long(&body, 4);
    wire_write_long(&body, 0); /* null */
    wire_write_long(&body, 1); /* {null, "-"} */
    wire_write_long(&body, 0);
    hit_write_text(&body, "-");
    wire_write_long(&body, 1); /* {cookie, "c"} */
    wire_write_long(&body, 1);
    wire_write_long(&body, 1);
    hit_write_text(&body, "c");
    wire_write_long(&body, 1); /* {"crm", "u"} */
    wire_write_long(&body, 2);
    hit_write_text(&body, "crm");
    hit_write_text(&body, "u");
    wire_write_long(&body, 0);
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.user_id, "u");
    hit_assert_text(scene->event.guest_id, "c");
    hit_begin(&body);
    wire_write_long(&body, 0);
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.user_id, "");
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void two_names_of_one_array(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(PARAMS, "  user_id: {path: 'params[key=uid].text'}\n"
                                                 "  place: {path: 'params[text=DE].key'}\n"
                                                 "  query: {path: 'params[text=uid].key'}\n");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 2);
    write_param(&body, "uid", "DE", 1); /* both ask for this one */
    write_param(&body, "q", "uid", 2);
    wire_write_long(&body, 0);
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.user_id, "DE");
    hit_assert_text(scene->event.place, "uid");
    hit_assert_text(scene->event.query, "q");
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

/* As in JSON, by their digits. */
static void predicates_on_integers(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(PARAMS, "  user_id: {path: 'params[number=17].text'}\n"
                                                 "  place: {path: 'params[number=-5].text'}\n"
                                                 "  query: {path: 'params[number=017].text'}\n");
    assert_string_equal(scene->warnings, "");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 3);
    write_param(&body, "a", "other", INT64_MIN);
    write_param(&body, "b", "minus", -5);
    write_param(&body, "c", "u", 17);
    wire_write_long(&body, 0);
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.user_id, "u");
    hit_assert_text(scene->event.place, "minus");
    hit_assert_text(scene->event.query, "");
    body.size -= 2; /* within the last number */
    hit_assert_verdict(scene, &body, EVENT_TRUNCATED);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void keys_of_a_map(void **state) {
    (void)state;
    struct avro_scene *scene =
        hit_scene(",{'name':'attrs','type':{'type':'map','values':['null','string','double']}}",
                  "  user_id: {path: attrs.uid}\n  place: {path: 'attrs[geo.country]'}\n"
                  "  total: {path: attrs.total}\n");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 3);
    hit_write_text(&body, "geo.country");
    wire_write_long(&body, 1);
    hit_write_text(&body, "DE");
    hit_write_text(&body, "noise");
    wire_write_long(&body, 2);
    wire_write_double(&body, 1);
    hit_write_text(&body, "total");
    wire_write_long(&body, 2);
    wire_write_double(&body, 2.5);
    wire_write_long(&body, -1);
    wire_write_long(&body, 9);
    hit_write_text(&body, "uid");
    wire_write_long(&body, 1);
    hit_write_text(&body, "u-01");
    size_t end = body.size;
    wire_write_long(&body, 0);
    /* A block takes what it says that it takes: it says 9 and takes 10. */
    hit_assert_verdict(scene, &body, EVENT_BAD_VALUE);
    body.data[end - 11] = 20;
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.user_id, "u-01");
    hit_assert_text(scene->event.place, "DE");
    assert_true(scene->event.total == 2.5);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

/* ---- Lines ---- */

#define LINES                                                                                      \
    ",{'name':'cart','type':{'type':'record','name':'cart','fields':[{'name':'items','type':"      \
    "['null',{'type':'array','items':{'type':'record','name':'item','fields':["                    \
    "{'name':'sku','type':'string'},{'name':'price','type':['null','double']},"                    \
    "{'name':'n','type':'int'},{'name':'brands','type':{'type':'array','items':'string'}}]}}]},"   \
    "{'name':'sku','type':'string'}]}}"
#define MAPPED_LINES                                                                               \
    "  place: {path: 'cart.items[1].sku'}\n"                                                       \
    "  lines:\n"                                                                                   \
    "    path: 'cart.items[]'\n"                                                                   \
    "    item_id: {path: sku}\n"                                                                   \
    "    price: {path: price}\n"                                                                   \
    "    quantity: {path: n}\n"                                                                    \
    "    brand: {path: 'brands[0]', default: own}\n"                                               \
    "  product:\n"                                                                                 \
    "    item_id: {path: cart.sku}\n"

static void write_item(struct buffer *body, const char *sku, double price, int count,
                       const char *brand) {
    hit_write_text(body, sku);
    wire_write_long(body, !isnan(price));
    if (!isnan(price)) {
        wire_write_double(body, price);
    }
    wire_write_long(body, count);
    if (brand) {
        wire_write_long(body, 2);
        hit_write_text(body, brand);
        hit_write_text(body, "second");
    }
    wire_write_long(body, 0);
}

static void lines_of_an_event(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(LINES, MAPPED_LINES);
    const struct event *event = &scene->event;
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 1);
    wire_write_long(&body, 3);
    write_item(&body, "a", 9.5, 2, "acme");
    write_item(&body, "", 1, 1, NULL); /* left out */
    write_item(&body, "b", (double)NAN, 70, NULL);
    wire_write_long(&body, 0);
    hit_write_text(&body, "not asked");
    hit_assert_ok(scene, &body);
    assert_int_equal(event->line_count, 2);
    hit_assert_text(event->lines[0].item_id, "a");
    hit_assert_text(event->lines[0].brand, "acme");
    assert_true(event->lines[0].price == 9.5);
    assert_int_equal(event->lines[0].quantity, 2);
    hit_assert_text(event->lines[1].item_id, "b");
    hit_assert_text(event->lines[1].brand, "own");
    assert_true(isnan(event->lines[1].price));
    assert_int_equal(event->lines[1].quantity, 70);
    hit_assert_text(event->place, "");
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static enum event_verdict decode_count(struct avro_scene *scene, bool is_double, double count) {
    struct buffer body = {0};
    hit_begin(&body);
    hit_write_text(&body, "a");
    if (is_double) {
        wire_write_double(&body, count);
    } else {
        wire_write_long(&body, (int64_t)count);
    }
    enum event_verdict verdict = hit_decode(scene, &body);
    buffer_clean_up(&body);
    return verdict;
}

/* Shops also sell by weight: nothing that was bought counts as none. */
static void quantities_of_any_type(void **state) {
    (void)state;
    static const struct {
        double count;
        int quantity; /* 0 = refused */
    } rows[] = {{-1, 0},
                {0, 1},
                {0.5, 1},
                {1, 1},
                {2.5, 2},
                {63, 63},
                {64, 64},
                {INT32_MAX, INT32_MAX},
                {INT32_MAX + 1.0, 0},
                {-0.5, 0}};
    static const char *const types[] = {"long", "double"};
    for (size_t is_double = 0; is_double < 2; is_double++) {
        char fields[160];
        (void)snprintf(fields, sizeof fields,
                       ",{'name':'sku','type':'string'},{'name':'n','type':'%s'}",
                       types[is_double]);
        struct avro_scene *scene =
            hit_scene(fields, "  product: {item_id: {path: sku}, quantity: {path: n}}\n");
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (!is_double && rows[i].count != floor(rows[i].count)) {
                continue;
            }
            enum event_verdict verdict = decode_count(scene, is_double, rows[i].count);
            assert_int_equal(verdict, rows[i].quantity > 0 ? EVENT_OK : EVENT_BAD_VALUE);
            if (verdict == EVENT_OK) {
                assert_int_equal(scene->event.lines[0].quantity, rows[i].quantity);
            }
        }
        assert_int_equal(decode_count(scene, is_double, is_double ? (double)NAN : -2),
                         EVENT_BAD_VALUE);
        avro_scene_destroy(scene);
    }
}

static void the_product_where_no_lines_are(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(LINES, MAPPED_LINES);
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 0);
    hit_write_text(&body, "alone");
    hit_assert_ok(scene, &body);
    assert_int_equal(scene->event.line_count, 1);
    hit_assert_text(scene->event.lines[0].item_id, "alone");
    assert_true(isnan(scene->event.lines[0].price));
    assert_int_equal(scene->event.lines[0].quantity, 1);
    hit_begin(&body);
    wire_write_long(&body, 0);
    hit_write_text(&body, "");
    hit_assert_ok(scene, &body);
    assert_int_equal(scene->event.line_count, 0);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void too_many_lines(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(LINES, MAPPED_LINES);
    struct buffer body = {0};
    for (int count = EVENT_LINES_MAX; count <= EVENT_LINES_MAX + 1; count++) {
        hit_begin(&body);
        wire_write_long(&body, 1);
        wire_write_long(&body, count);
        for (int i = 0; i < count; i++) {
            write_item(&body, "a", 1, 1, NULL);
        }
        wire_write_long(&body, 0);
        hit_write_text(&body, "");
        hit_assert_verdict(scene, &body, count > EVENT_LINES_MAX ? EVENT_BAD_VALUE : EVENT_OK);
    }
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

/* Ids of 16 bytes become texts of 36; there is room for all of them. */
static void lines_of_uuids(void **state) {
    (void)state;
    struct avro_scene *scene =
        hit_scene(",{'name':'l','type':{'type':'array','items':{'type':'record','name':'line',"
                  "'fields':[{'name':'i','type':{'type':'fixed','name':'u','size':16,"
                  "'logicalType':'uuid'}},{'name':'b','type':'u'},{'name':'c','type':'u'}]}}}",
                  "  lines: {path: 'l[]', item_id: i, brand: b, category: c}\n");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, EVENT_LINES_MAX);
    for (int i = 0; i < 3 * EVENT_LINES_MAX; i++) {
        buffer_append(&body, bytes_of("0123456789abcdef", 16));
    }
    wire_write_long(&body, 0);
    hit_assert_ok(scene, &body);
    assert_int_equal(scene->event.line_count, EVENT_LINES_MAX);
    hit_assert_text(scene->event.lines[EVENT_LINES_MAX - 1].category,
                    "30313233-3435-3637-3839-616263646566");
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void lines_behind_a_predicate(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(
        ",{'name':'orders','type':{'type':'array','items':{'type':'record','name':'o','fields':["
        "{'name':'state','type':'string'},{'name':'skus','type':{'type':'array','items':"
        "{'type':'map','values':'string'}}},{'name':'id','type':'long'}]}}}",
        "  order_id: {path: 'orders[state=new].id'}\n"
        "  lines:\n    path: 'orders[state=new].skus[]'\n    item_id: {path: sku}\n");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 2);
    for (int i = 0; i < 2; i++) {
        hit_write_text(&body, i ? "new" : "old");
        wire_write_long(&body, 2);
        for (int k = 0; k < 2; k++) {
            wire_write_long(&body, 1);
            hit_write_text(&body, "sku");
            hit_write_text(&body, (const char *const[]){"w", "x", "y", "z"}[2 * i + k]);
            wire_write_long(&body, 0);
        }
        wire_write_long(&body, 0);
        wire_write_long(&body, 100 + i);
    }
    wire_write_long(&body, 0);
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.order_id, "101");
    assert_int_equal(scene->event.line_count, 2);
    hit_assert_text(scene->event.lines[0].item_id, "y");
    hit_assert_text(scene->event.lines[1].item_id, "z");
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_that_a_predicate_names),
        cmocka_unit_test(predicates_on_enums_and_through_unions),
        cmocka_unit_test(two_names_of_one_array),
        cmocka_unit_test(predicates_on_integers),
        cmocka_unit_test(keys_of_a_map),
        cmocka_unit_test(lines_of_an_event),
        cmocka_unit_test(quantities_of_any_type),
        cmocka_unit_test(the_product_where_no_lines_are),
        cmocka_unit_test(too_many_lines),
        cmocka_unit_test(lines_of_uuids),
        cmocka_unit_test(lines_behind_a_predicate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
