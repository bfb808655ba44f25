/* avro_plan_store: values of every writer type into fields of every kind, and their verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/avro_hit.h"

#define DAY_MS INT64_C(86400000)

static void nullable_texts_at_either_end(void **state) {
    (void)state;
    struct avro_scene *scene =
        hit_scene(",{'name':'a','type':['null','string']},{'name':'b','type':['string','null']}",
                  "  query: {path: a}\n  place: {path: b, default: XX}\n");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 1);
    hit_write_text(&body, "shoes");
    wire_write_long(&body, 0);
    hit_write_text(&body, "DE");
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.query, "shoes");
    hit_assert_text(scene->event.place, "DE");
    hit_begin(&body);
    wire_write_long(&body, 0);
    wire_write_long(&body, 1);
    hit_assert_ok(scene, &body);
    assert_int_equal(scene->event.query.size, 0);
    hit_assert_text(scene->event.place, "XX");
    hit_begin(&body);
    wire_write_long(&body, 0);
    wire_write_long(&body, 0);
    hit_write_text(&body, ""); /* as good as null */
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.place, "XX");
    hit_begin(&body);
    wire_write_long(&body, 2);
    wire_write_long(&body, 1);
    hit_assert_verdict(scene, &body, EVENT_BAD_VALUE);
    hit_begin(&body);
    wire_write_long(&body, 1);
    hit_write_text(&body, "\xc3(");
    wire_write_long(&body, 1);
    hit_assert_verdict(scene, &body, EVENT_BAD_UTF8);
    hit_begin(&body);
    wire_write_long(&body, 1);
    char long_text[EVENT_TEXT_BYTES_MAX + 2] = {0};
    memset(long_text, 'x', EVENT_TEXT_BYTES_MAX + 1);
    hit_write_text(&body, long_text);
    wire_write_long(&body, 1);
    hit_assert_verdict(scene, &body, EVENT_TEXT_TOO_LONG);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void unions_of_many_and_their_names(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(
        ",{'name':'id','type':['null','string','long',"
        "{'type':'record','name':'a.b.guest','fields':[{'name':'cookie','type':'string'}]}]}",
        "  user_id: {path: id}\n  guest_id: {path: id.cookie}\n  device: {path: id.@type}\n");
    static const struct {
        int branch;
        const char *user, *guest, *type;
    } cases[] = {{0, "", "", ""},
                 {1, "ann", "", "string"},
                 {2, "-42", "", "long"},
                 {3, "", "c00kie", "guest"}};
    struct buffer body = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hit_begin(&body);
        wire_write_long(&body, cases[i].branch);
        if (cases[i].branch == 2) {
            wire_write_long(&body, -42);
        } else if (cases[i].branch > 0) {
            hit_write_text(&body, cases[i].branch == 1 ? cases[i].user : cases[i].guest);
        }
        hit_assert_ok(scene, &body);
        hit_assert_text(scene->event.user_id, cases[i].user);
        hit_assert_text(scene->event.guest_id, cases[i].guest);
        hit_assert_text(scene->event.device, cases[i].type);
    }
    hit_begin(&body);
    wire_write_long(&body, 4);
    hit_assert_verdict(scene, &body, EVENT_BAD_VALUE);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

/* total of one field of the given type, and price of the product of another. */
static double total_of(const char *type, struct bytes value, const char *unit) {
    struct buffer fields = {0}, mapped = {0}, body = {0};
    buffer_format(&fields, ",{'name':'v','type':%s}", type);
    buffer_format(&mapped, "  total: {path: v%s%s}\n", *unit ? ", unit: " : "", unit);
    buffer_append_byte(&fields, 0);
    buffer_append_byte(&mapped, 0);
    struct avro_scene *scene = hit_scene((char *)fields.data, (char *)mapped.data);
    hit_begin(&body);
    buffer_append(&body, value);
    hit_assert_ok(scene, &body);
    double total = scene->event.total;
    avro_scene_destroy(scene);
    buffer_clean_up(&fields);
    buffer_clean_up(&mapped);
    buffer_clean_up(&body);
    return total;
}

static void numbers_of_every_type(void **state) {
    (void)state;
    struct buffer value = {0};
    wire_write_double(&value, 12.25);
    assert_true(total_of("'double'", buffer_bytes(&value), "") == 12.25);
    buffer_clear(&value);
    wire_write_double(&value, (double)INFINITY);
    assert_true(isnan(total_of("'double'", buffer_bytes(&value), "")));
    buffer_clear(&value);
    wire_write_float(&value, 0.1F);
    assert_true(total_of("'float'", buffer_bytes(&value), "") == (double)0.1F);
    buffer_clear(&value);
    wire_write_long(&value, 1999);
    assert_true(total_of("'int'", buffer_bytes(&value), "") == 1999);
    assert_true(total_of("'long'", buffer_bytes(&value), "cents") == 19.99);
    buffer_clear(&value);
    hit_write_text(&value, "7.5");
    assert_true(total_of("'string'", buffer_bytes(&value), "") == 7.5);
    buffer_clean_up(&value);
}

static void decimals(void **state) {
    (void)state;
    const char *decimal = "{'type':'bytes','logicalType':'decimal','precision':30,'scale':2}";
    const char *fixed = "{'type':'fixed','name':'f','size':4,'logicalType':'decimal',"
                        "'precision':9,'scale':3}";
    assert_true(total_of(decimal, bytes_of("\x04\x04\xd2", 3), "") == 12.34);
    assert_true(total_of(decimal, bytes_of("\x04\xfb\x2e", 3), "") == -12.34);
    assert_true(total_of(decimal, bytes_of("\x02\x80", 2), "") == -1.28);
    assert_true(total_of(fixed, bytes_of("\xff\xff\xff\xff", 4), "") == -0.001);
    /* 18 bytes, of which the first two only repeat the sign. */
    assert_true(total_of(decimal, bytes_of("\x24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0", 19), "") ==
                2.56);
    /* 17 bytes, all of which count, and more than a double can hold: missing. */
    assert_true(total_of(decimal, bytes_of("\x22\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18), "") ==
                ldexp(1, 128) / 100);
    assert_true(total_of(decimal, bytes_of("\x22\xfe\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18), "") ==
                -ldexp(1, 129) / 100);
    uint8_t most[202] = {0x90, 0x03, 0x7f}; /* a length of 200 */
    assert_true(isnan(total_of(decimal, bytes_of(most, sizeof(most)), "")));
    struct avro_scene *scene =
        hit_scene(",{'name':'v','type':{'type':'bytes','logicalType':'decimal','precision':50}}",
                  "  total: {path: v}\n");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_bytes(&body, bytes_of("", 0));
    hit_assert_verdict(scene, &body, EVENT_BAD_VALUE);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static enum event_verdict time_of(const char *type, struct bytes value, int64_t *out_ms) {
    struct buffer schema = {0}, body = {0};
    buffer_format(&schema,
                  "{'type':'record','name':'r','fields':[{'name':'at','type':%s},"
                  "{'name':'kind','type':'string'}]}",
                  type);
    buffer_append_byte(&schema, 0);
    struct avro_scene *scene = hit_scene_of_texts(
        (char *)schema.data, "mapping:\n  type: {path: kind}\n  event_ms: {path: at}\n");
    buffer_append(&body, value);
    hit_write_text(&body, "order_completed");
    enum event_verdict verdict = hit_decode(scene, &body);
    *out_ms = scene->event.event_ms;
    avro_scene_destroy(scene);
    buffer_clean_up(&schema);
    buffer_clean_up(&body);
    return verdict;
}

static void times_of_every_type(void **state) {
    (void)state;
    static const struct {
        const char *type;
        int64_t value, ms;
    } cases[] = {
        {"'long'", HIT_MS, HIT_MS},
        {"{'type':'long','logicalType':'timestamp-millis'}", HIT_MS, HIT_MS},
        {"{'type':'long','logicalType':'timestamp-micros'}", HIT_MS * 1000 + 999, HIT_MS},
        {"{'type':'int','logicalType':'date'}", 20418, 20418 * DAY_MS},
    };
    struct buffer value = {0};
    int64_t ms;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buffer_clear(&value);
        wire_write_long(&value, cases[i].value);
        assert_int_equal(time_of(cases[i].type, buffer_bytes(&value), &ms), EVENT_OK);
        assert_true(ms == cases[i].ms);
    }
    buffer_clear(&value);
    hit_write_text(&value, "2025-11-25T19:50:08.123Z");
    assert_int_equal(time_of("'string'", buffer_bytes(&value), &ms), EVENT_OK);
    assert_true(ms == HIT_MS);
    buffer_clear(&value);
    hit_write_text(&value, "yesterday");
    assert_int_equal(time_of("'string'", buffer_bytes(&value), &ms), EVENT_BAD_VALUE);
    buffer_clear(&value);
    wire_write_long(&value, INT64_C(1) << 40); /* no int */
    assert_int_equal(time_of("{'type':'int','logicalType':'date'}", buffer_bytes(&value), &ms),
                     EVENT_BAD_VALUE);
    buffer_clean_up(&value);
}

static void texts_of_other_types(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(
        ",{'name':'u','type':{'type':'fixed','name':'uid','size':16,'logicalType':'uuid'}}"
        ",{'name':'e','type':{'type':'enum','name':'dev','symbols':['phone','desk']}}"
        ",{'name':'b','type':'boolean'},{'name':'y','type':'bytes'}",
        "  event_id: {path: u}\n  device: {path: e}\n  locale: {path: b}\n  place: {path: y}\n");
    struct buffer body = {0};
    hit_begin(&body);
    buffer_append(&body,
                  bytes_of("\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10", 16));
    wire_write_long(&body, 1);
    wire_write_boolean(&body, true);
    hit_write_text(&body, "NRW");
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.event_id, "01234567-89ab-cdef-fedc-ba9876543210");
    hit_assert_text(scene->event.device, "desk");
    hit_assert_text(scene->event.locale, "true");
    hit_assert_text(scene->event.place, "NRW");
    body.size -= 4;
    hit_write_text(&body, "\x80");
    hit_assert_verdict(scene, &body, EVENT_BAD_UTF8);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void types_by_symbol_and_by_text(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene_of_texts(
        "{'type':'record','name':'r','fields':["
        "{'name':'k','type':{'type':'enum','name':'k','symbols':['VIEW','cart_viewed','WINK']}},"
        "{'name':'t','type':'long'},{'name':'c','type':['null','string']}]}",
        "mapping:\n  type: {path: k, values: {VIEW: product_viewed}}\n  event_ms: {path: t}\n"
        "  consent: {path: c, values: {yes_please: granted}}\n");
    static const struct {
        int symbol;
        enum event_type type;
        const char *consent_text;
        enum consent consent;
    } cases[] = {{0, EVENT_PRODUCT_VIEWED, "yes_please", CONSENT_GRANTED},
                 {1, EVENT_CART_VIEWED, "denied", CONSENT_DENIED},
                 {2, EVENT_OTHER, "perhaps, we shall see in good time", CONSENT_UNKNOWN}};
    struct buffer body = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buffer_clear(&body);
        wire_write_long(&body, cases[i].symbol);
        wire_write_long(&body, HIT_MS);
        wire_write_long(&body, 1);
        hit_write_text(&body, cases[i].consent_text);
        assert_int_equal(hit_decode(scene, &body), EVENT_OK);
        assert_int_equal(scene->event.type, cases[i].type);
        assert_int_equal(scene->event.consent, cases[i].consent);
    }
    body.data[0] = 6;
    hit_assert_verdict(scene, &body, EVENT_BAD_VALUE);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void one_origin_for_two_fields_and_an_alias(void **state) {
    (void)state;
    struct avro_scene *scene =
        hit_scene(",{'name':'sid','aliases':['session','visit'],'type':['null','string']}",
                  "  session_id: {path: session}\n  guest_id: {path: visit}\n"
                  "  place: {path: sid}\n");
    struct buffer body = {0};
    hit_begin(&body);
    wire_write_long(&body, 1);
    hit_write_text(&body, "s-1");
    hit_assert_ok(scene, &body);
    hit_assert_text(scene->event.session_id, "s-1");
    hit_assert_text(scene->event.guest_id, "s-1");
    hit_assert_text(scene->event.place, "s-1");
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

static void the_first_alternative_that_is_there(void **state) {
    (void)state;
    struct avro_scene *scene = hit_scene(
        ",{'name':'c','type':'string'},{'name':'a','type':['null','string']}"
        ",{'name':'b','type':'string'},{'name':'late','type':'string'},{'name':'m','type':'long'}",
        "  user_id: {path: a | b | c}\n  total: {path: m | late}\n");
    static const char *const cases[][4] = {
        {"ann", "bob", "cid", "ann"}, {NULL, "bob", "cid", "bob"}, {"", "bob", "cid", "bob"},
        {"", "", "cid", "cid"},       {NULL, "", "", ""},
    };
    struct buffer body = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hit_begin(&body);
        hit_write_text(&body, cases[i][2]);
        wire_write_long(&body, cases[i][0] != NULL);
        if (cases[i][0]) {
            hit_write_text(&body, cases[i][0]);
        }
        hit_write_text(&body, cases[i][1]);
        hit_write_text(&body, "no number, but not asked either");
        wire_write_long(&body, 5);
        hit_assert_ok(scene, &body);
        hit_assert_text(scene->event.user_id, cases[i][3]);
        assert_true(scene->event.total == 5);
    }
    avro_scene_destroy(scene);
    /* The other way round the same text is asked first. */
    scene = hit_scene(",{'name':'late','type':'string'},{'name':'m','type':'long'}",
                      "  total: {path: late | m}\n");
    hit_begin(&body);
    hit_write_text(&body, "no number");
    wire_write_long(&body, 5);
    hit_assert_verdict(scene, &body, EVENT_BAD_VALUE);
    buffer_clean_up(&body);
    avro_scene_destroy(scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nullable_texts_at_either_end),
        cmocka_unit_test(unions_of_many_and_their_names),
        cmocka_unit_test(numbers_of_every_type),
        cmocka_unit_test(decimals),
        cmocka_unit_test(times_of_every_type),
        cmocka_unit_test(texts_of_other_types),
        cmocka_unit_test(types_by_symbol_and_by_text),
        cmocka_unit_test(one_origin_for_two_fields_and_an_alias),
        cmocka_unit_test(the_first_alternative_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
