/* JSON messages: what they become, and the verdicts on those that become nothing. */
#include "schemas/json_event.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/mapping_yaml.h"

struct fixture {
    struct mapping_yaml yaml;
    struct json_event *json;
    struct mapping_scratch scratch;
    struct event event;
    struct event_line lines[EVENT_LINES_MAX];
};

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    mapping_yaml_load(&fixture->yaml,
                      "mapping:\n"
                      "  type: {path: name, values: {see: product_viewed}}\n"
                      "  event_ms: {path: at}\n"
                      "  user_id: {path: user.id | cookie}\n"
                      "  coupon: {path: 'params[key=coupon].value'}\n"
                      "  query: {path: 'tags[1]'}\n"
                      "  device: {path: 'client[device.kind]'}\n"
                      "  locale: {path: 'x.@type'}\n"
                      "  lines: {path: 'cart.items[]', item_id: {path: sku}, price: {path: p.net},"
                      " quantity: {path: n}}\n"
                      "  product: {item_id: {path: sku}, price: {path: price}}\n");
    assert_non_null(fixture->yaml.mapping);
    fixture->json = json_event_new(fixture->yaml.mapping);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    json_event_destroy(fixture->json);
    json_event_destroy(NULL);
    mapping_yaml_clean_up(&fixture->yaml);
    free(fixture);
    return 0;
}

/* The bytes are copied to a block of their exact size, so that ASan sees a read behind them. */
static enum event_verdict decode_bytes(struct fixture *fixture, struct bytes message) {
    uint8_t *exact = malloc(message.size ? message.size : 1);
    assert_non_null(exact);
    memcpy(exact, message.data, message.size);
    fixture->event.lines = fixture->lines;
    enum event_verdict verdict = json_event_decode(fixture->json, bytes_of(exact, message.size),
                                                   &fixture->scratch, &fixture->event);
    free(exact); /* the event's texts are jansson's */
    return verdict;
}

static enum event_verdict decode(struct fixture *fixture, const char *text) {
    return decode_bytes(fixture, bytes_of_text(text));
}

static void assert_text(struct bytes found, const char *expected) {
    assert_true(bytes_equal(found, bytes_of_text(expected)));
}

static void test_every_path(void **state) {
    struct fixture *fixture = *state;
    const struct event *event = &fixture->event;
    assert_int_equal(
        decode(
            fixture,
            "{\"name\":\"see\",\"at\":\"2026-11-25T19:50:08.123Z\",\"user\":{\"id\":17},"
            "\"params\":[{\"key\":\"a\",\"value\":1},{\"value\":2},7,{\"key\":\"coupon\","
            "\"value\":\"T\\u00c9N\"}],\"tags\":[\"a\",\"b\"],\"client\":{\"device.kind\":\"pc\"},"
            "\"cart\":{\"items\":[{\"sku\":\"s1\",\"p\":{\"net\":1.5},\"n\":2},null,{\"n\":3},"
            "{\"sku\":9}]}}"),
        EVENT_OK);
    assert_int_equal(event->type, EVENT_PRODUCT_VIEWED);
    assert_true(event->event_ms == 1795636208123);
    assert_text(event->user_id, "17");
    assert_text(event->coupon, "T\xc3\x89N");
    assert_text(event->query, "b");
    assert_text(event->device, "pc");
    assert_int_equal(event->locale.size, 0); /* JSON has no unions */
    assert_int_equal(event->line_count, 2);  /* a line without item_id is none */
    assert_text(event->lines[0].item_id, "s1");
    assert_true(event->lines[0].price == 1.5 && event->lines[0].quantity == 2);
    assert_text(event->lines[1].item_id, "9");
    assert_true(isnan(event->lines[1].price) && event->lines[1].quantity == 1);
}

static void test_alternatives_and_the_one_product(void **state) {
    struct fixture *fixture = *state;
    static const char *const users[] = {"\"user\":{\"id\":null},", "\"user\":{\"id\":\"\"},",
                                        "\"user\":null,", ""};
    for (size_t i = 0; i < 4; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "{%s\"cookie\":\"c\",\"name\":\"?\",\"at\":5,\"sku\":\"s\",\"price\":3,"
                 "\"cart\":{\"items\":[]}}",
                 users[i]);
        assert_int_equal(decode(fixture, text), EVENT_OK);
        assert_text(fixture->event.user_id, "c");
        assert_int_equal(fixture->event.type, EVENT_OTHER);
        assert_int_equal(fixture->event.line_count, 1);
        assert_true(fixture->event.lines[0].price == 3);
    }
    assert_int_equal(decode(fixture, "{\"name\":\"?\",\"at\":5}"), EVENT_OK);
    assert_int_equal(fixture->event.line_count, 0); /* nothing is left of the message before */
    assert_int_equal(fixture->event.user_id.size, 0);
}

static void test_verdicts(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        enum event_verdict verdict;
    } rows[] = {
        {"", EVENT_BAD_JSON},
        {"nothing", EVENT_BAD_JSON},
        {"[]", EVENT_BAD_JSON},
        {"7", EVENT_BAD_JSON},
        {"{} {}", EVENT_BAD_JSON},
        {"{\"name\":\"a\\u0000b\",\"at\":1}", EVENT_BAD_JSON},
        {"{\"at\":NaN}", EVENT_BAD_JSON},
        {"{\"at\":1,\"at\":2}", EVENT_DUPLICATE_KEY},
        {"{\"x\":{\"at\":1,\"at\":2}}", EVENT_DUPLICATE_KEY},
        {"{\"at\":9223372036854775808}", EVENT_NUMBER_RANGE},
        {"{\"at\":1e999}", EVENT_NUMBER_RANGE},
        {"{\"name\":\"\xff\"}", EVENT_BAD_UTF8},
        {"{}", EVENT_MISSING_FIELD},
        {"{\"name\":\"see\"}", EVENT_MISSING_FIELD},
        {"{\"at\":1}", EVENT_MISSING_FIELD},
        {"{\"name\":{},\"at\":1}", EVENT_BAD_VALUE},
        {"{\"name\":\"see\",\"at\":[1]}", EVENT_BAD_VALUE},
        {"{\"name\":\"see\",\"at\":\"soon\"}", EVENT_BAD_VALUE},
        {"{\"name\":\"see\",\"at\":1,\"cart\":{\"items\":{}}}", EVENT_BAD_VALUE},
        {"{\"name\":\"see\",\"at\":1,\"cart\":{\"items\":[{\"sku\":\"s\",\"n\":-1}]}}",
         EVENT_BAD_VALUE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (decode(fixture, rows[i].text) != rows[i].verdict) {
            fail_msg("%s: not %s", rows[i].text, event_verdict_name(rows[i].verdict));
        }
    }
}

static void append_many(struct buffer *out, const char *text, int count) {
    for (int i = 0; i < count; i++) {
        buffer_append(out, bytes_of_text(text));
    }
}

static void test_depth(void **state) {
    struct fixture *fixture = *state;
    struct buffer text = {0};
    for (int depth = JSON_DEPTH_MAX; depth <= 1000000;
         depth = depth == JSON_DEPTH_MAX ? depth + 1 : depth * 900) {
        buffer_clear(&text);
        buffer_append(&text, bytes_of_text("{\"name\":\"}]\\\"[[\",\"at\":1,\"x\":"));
        append_many(&text, "[", depth - 1);
        append_many(&text, "]", depth - 1);
        buffer_append(&text, bytes_of_text("}"));
        assert_int_equal(decode_bytes(fixture, buffer_bytes(&text)),
                         depth == JSON_DEPTH_MAX ? EVENT_OK : EVENT_TOO_DEEP);
    }
    buffer_clean_up(&text);
}

static void test_sizes(void **state) {
    struct fixture *fixture = *state;
    struct buffer text = {0};
    for (int lines = EVENT_LINES_MAX; lines <= EVENT_LINES_MAX + 1; lines++) {
        buffer_clear(&text);
        buffer_append(&text, bytes_of_text("{\"name\":\"see\",\"at\":1,\"cart\":{\"items\":[null"));
        append_many(&text, ",{\"sku\":1}", lines - 1);
        buffer_append(&text, bytes_of_text("]}}"));
        assert_int_equal(decode_bytes(fixture, buffer_bytes(&text)),
                         lines == EVENT_LINES_MAX ? EVENT_OK : EVENT_BAD_VALUE);
    }
    assert_int_equal(decode(fixture, "{\"name\":\"see\",\"at\":1}"), EVENT_OK);
    buffer_clear(&text);
    append_many(&text, " ", JSON_BYTES_MAX - 21);
    buffer_append(&text, bytes_of_text("{\"name\":\"?\",\"at\":111}"));
    assert_int_equal(text.size, JSON_BYTES_MAX);
    assert_int_equal(decode_bytes(fixture, buffer_bytes(&text)), EVENT_OK);
    buffer_append_byte(&text, ' ');
    assert_int_equal(decode_bytes(fixture, buffer_bytes(&text)), EVENT_TOO_LARGE);
    buffer_clean_up(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_alternatives_and_the_one_product, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verdicts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
