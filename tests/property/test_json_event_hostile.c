/* Every prefix and every changed byte of some hundreds of JSON messages: a verdict, nothing read
 * past the end (ASan), and never an event where jansson sees no object. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/rng.h"
#include "schemas/json_event.h"
#include "tests/support/mapping_yaml.h"

#define MESSAGES             300
#define MESSAGES_EVERY_VALUE 10 /* every byte takes all 256 values; in the others, telling ones */

struct hostile {
    struct mapping_yaml yaml;
    struct json_event *json;
    struct mapping_scratch scratch;
    struct event_line lines[EVENT_LINES_MAX];
    int64_t verdicts[EVENT_VERDICT_COUNT];
};

static const char *pick(struct rng *rng, const char *const *texts, uint64_t count) {
    return texts[rng_below(rng, count)];
}

static void write_message(struct rng *rng, struct buffer *out) {
    static const char *const names[] = {"Product Viewed", "Order Completed", "identify", "\\u00e4"};
    static const char *const times[] = {"\"2026-11-25T19:50:08.123Z\"", "1795636208123", "null",
                                        "\"2026-11-25\"", "-1.5e3"};
    static const char *const ids[] = {"\"u1\"", "17", "\"\"", "null", "true", "\"\\ud83d\\ude00\""};
    buffer_clear(out);
    buffer_format(out, "{\"event\":\"%s\",\"timestamp\":%s,\"userId\":%s,\"anonymousId\":%s,",
                  pick(rng, names, 4), pick(rng, times, 5), pick(rng, ids, 6), pick(rng, ids, 6));
    buffer_format(out, "\"properties\":{\"currency\":\"EUR\",\"total\":%s,\"products\":[",
                  pick(rng, (const char *const[]){"1", "\"2.5\"", "1e2"}, 3));
    uint64_t lines = rng_below(rng, 4);
    for (uint64_t i = 0; i < lines; i++) {
        buffer_format(out, "%s{\"product_id\":%s,\"price\":%d.%02d,\"quantity\":%d}", i ? "," : "",
                      pick(rng, ids, 6), (int)rng_below(rng, 90), (int)rng_below(rng, 100),
                      (int)rng_below(rng, 3));
    }
    buffer_append(out, bytes_of_text("]}}"));
}

static void check(struct hostile *hostile, struct bytes message) {
    uint8_t *exact = malloc(message.size ? message.size : 1);
    assert_non_null(exact);
    memcpy(exact, message.data, message.size);
    struct event event = {.lines = hostile->lines};
    enum event_verdict verdict =
        json_event_decode(hostile->json, bytes_of(exact, message.size), &hostile->scratch, &event);
    assert_true(verdict < EVENT_VERDICT_COUNT);
    hostile->verdicts[verdict]++;
    if (verdict == EVENT_OK) {
        json_t *root = json_loadb((const char *)exact, message.size, JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_is_object(root));
        json_decref(root);
        assert_true(event.line_count <= EVENT_LINES_MAX);
        assert_true(event.user_id.size <= EVENT_USER_BYTES_MAX);
    }
    free(exact);
}

static void damage(struct hostile *hostile, struct rng *rng, struct buffer *text, bool is_every) {
    static const uint8_t values[] = {0, '"', '{', '}', '[', ']', '\\', ',', ':', '9', 0x80, 0xff};
    for (size_t size = 0; size < text->size; size++) {
        check(hostile, bytes_of(text->data, size));
    }
    for (size_t at = 0; at < text->size; at++) {
        uint8_t kept = text->data[at];
        for (size_t i = 0; i < sizeof values; i++) {
            text->data[at] = values[i];
            check(hostile, buffer_bytes(text));
        }
        text->data[at] = (uint8_t)rng_below(rng, 256);
        check(hostile, buffer_bytes(text));
        for (int value = 0; is_every && value < 256; value++) {
            text->data[at] = (uint8_t)value;
            check(hostile, buffer_bytes(text));
        }
        text->data[at] = kept;
    }
}

static void test_damaged_messages(void **state) {
    (void)state;
    struct hostile *hostile = memory_new(1, sizeof *hostile);
    mapping_yaml_load(&hostile->yaml, "mapping: {preset: segment}");
    assert_non_null(hostile->yaml.mapping);
    hostile->json = json_event_new(hostile->yaml.mapping);
    struct rng rng = rng_make(5, 1);
    struct buffer text = {0};
    for (int i = 0; i < MESSAGES; i++) {
        write_message(&rng, &text);
        check(hostile, buffer_bytes(&text));
        damage(hostile, &rng, &text, i < MESSAGES_EVERY_VALUE);
    }
    assert_true(hostile->verdicts[EVENT_OK] > 1000);
    assert_true(hostile->verdicts[EVENT_BAD_JSON] > 1000);
    assert_true(hostile->verdicts[EVENT_BAD_UTF8] > 100);
    assert_true(hostile->verdicts[EVENT_MISSING_FIELD] > 100);
    assert_true(hostile->verdicts[EVENT_BAD_VALUE] > 100);
    buffer_clean_up(&text);
    json_event_destroy(hostile->json);
    mapping_yaml_clean_up(&hostile->yaml);
    free(hostile);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
