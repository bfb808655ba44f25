/* dead_letters_text: a line for people, from which nothing of a stranger's bytes reaches the
 * terminal, and JSON from which every byte comes back. */
#include "consumer/commands/dead_letters_text.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/rng.h"

#define TEXT(literal) bytes_of_text(literal)

static const char *take(struct buffer *out) {
    buffer_append_byte(out, 0);
    out->size = 0;
    return (const char *)out->data;
}

static struct dead_letter_row every_field(void) {
    return (struct dead_letter_row){
        .topic = TEXT("clickstream"),
        .partition = 7,
        .offset = 8,
        .timestamp_ms = 1700000000001,
        .reason = TEXT("bad_utf8"),
        .key = TEXT("u1"),
        .value = bytes_of("\x1b[31m\xff", 6),
        .header_count = 2,
        .headers = {{TEXT("trace"), bytes_of("\0\xff", 2)}, {TEXT("\xff"), bytes_of(NULL, 0)}},
    };
}

/* RFC 4648, section 10. */
static void test_base64(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff", "+/8="},
    };
    struct buffer out = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        letter_append_base64(&out, bytes_of_text(pairs[i][0]));
        assert_string_equal(take(&out), pairs[i][1]);
    }
    buffer_clean_up(&out);
}

static void test_line(void **state) {
    (void)state;
    struct dead_letter_row row = every_field();
    const struct letter letter = {3, 17, 1790000000000, &row};
    struct buffer out = {0};
    letter_render_line(&letter, LETTER_FIT, &out);
    assert_string_equal(
        take(&out), "2026-09-21T14:13:20Z  letter 3@17  from clickstream 7@8  bad_utf8  key u1  "
                    "6 bytes, 2 headers  \\x1b[31m\\xff\n");
    row.key = row.value = bytes_of(NULL, 0);
    letter_render_line(&letter, LETTER_REPLAYED, &out);
    assert_string_equal(take(&out),
                        "2026-09-21T14:13:20Z  letter 3@17  from clickstream 7@8  bad_utf8  key -  "
                        "0 bytes, 2 headers  [replayed]  (no value)\n");
    buffer_clean_up(&out);
}

/* ---- JSON ---- */

static void assert_base64(const json_t *value, struct bytes expected) {
    struct buffer text = {0};
    if (!expected.data) {
        assert_true(json_is_null(value));
        return;
    }
    letter_append_base64(&text, expected);
    assert_string_equal(json_string_value(value), take(&text));
    buffer_clean_up(&text);
}

static json_t *load(struct buffer *out) {
    assert_int_equal(out->data[out->size - 1], '\n');
    json_t *value = json_loadb((const char *)out->data, out->size, JSON_ALLOW_NUL, NULL);
    assert_non_null(value);
    out->size = 0;
    return value;
}

static void test_json(void **state) {
    (void)state;
    struct dead_letter_row row = every_field();
    const struct letter letter = {3, 17, 1790000000000, &row};
    struct buffer out = {0};
    letter_render_json(&letter, LETTER_REPLAYED, &out);
    json_t *read = load(&out);
    assert_int_equal(json_integer_value(json_object_get(read, "partition")), 3);
    assert_int_equal(json_integer_value(json_object_get(read, "offset")), 17);
    assert_true(json_is_true(json_object_get(read, "replayed")));
    assert_true(json_is_false(json_object_get(read, "cut")));
    const json_t *from = json_object_get(read, "from");
    assert_string_equal(json_string_value(json_object_get(from, "topic")), "clickstream");
    assert_int_equal(json_integer_value(json_object_get(from, "offset")), 8);
    assert_base64(json_object_get(read, "key_base64"), row.key);
    assert_base64(json_object_get(read, "value_base64"), row.value);
    const json_t *headers = json_object_get(read, "headers");
    assert_int_equal(json_array_size(headers), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *header = json_array_get(headers, i);
        assert_base64(json_object_get(header, "key_base64"), row.headers[i].key);
        assert_base64(json_object_get(header, "value_base64"), row.headers[i].value);
    }
    json_decref(read);
    buffer_clean_up(&out);
}

/* Whatever the bytes, a JSON parser takes the line, and the other one drives no terminal. */
static void test_noise(void **state) {
    (void)state;
    struct rng rng = rng_make(17, 0);
    struct buffer out = {0};
    for (int round = 0; round < 2000; round++) {
        uint8_t noise[40];
        for (size_t i = 0; i < sizeof noise; i++) {
            noise[i] = (uint8_t)rng_below(&rng, 256);
        }
        struct dead_letter_row row = {.topic = bytes_of(noise, 9),
                                      .timestamp_ms = (int64_t)rng_below(&rng, 3) - 1,
                                      .reason = bytes_of(noise + 9, 9),
                                      .key = bytes_of(noise + 18, 9),
                                      .value = bytes_of(noise + 27, rng_below(&rng, 13)),
                                      .header_count = 1,
                                      .headers = {{bytes_of(noise, 9), bytes_of(noise, 40)}}};
        const struct letter letter = {0, 0, 0, &row};
        letter_render_json(&letter, LETTER_CUT, &out);
        json_decref(load(&out));
        letter_render_line(&letter, LETTER_CUT, &out);
        for (size_t i = 0; i + 1 < out.size; i++) {
            assert_true(out.data[i] >= ' ' && out.data[i] != 0x7f);
        }
        assert_int_equal(out.data[out.size - 1], '\n');
        out.size = 0;
    }
    buffer_clean_up(&out);
}

static void test_summary(void **state) {
    (void)state;
    struct letter_tally tally = {0};
    struct buffer out = {0};
    letter_render_summary(&tally, 0, false, &out);
    assert_string_equal(take(&out), "no dead letters\n");
    for (int i = 0; i < 1234; i++) {
        letter_tally_add(&tally, TEXT("bad_json"), i < 3 ? LETTER_CUT : LETTER_FIT);
    }
    letter_tally_add(&tally, TEXT("bad_json"), LETTER_REPLAYED);
    letter_tally_add(&tally, TEXT("empty"), LETTER_FIT);
    letter_render_summary(&tally, 2, false, &out);
    assert_string_equal(take(&out), "1,235 bad_json (1 replayed, 3 cut)\n1 empty\n"
                                    "2 rows are no letters of this version\n");
    letter_render_summary(&tally, 2, true, &out);
    json_t *read = load(&out);
    assert_int_equal(json_integer_value(json_object_get(read, "unreadable")), 2);
    const json_t *first = json_array_get(json_object_get(read, "summary"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "letters")), 1235);
    assert_int_equal(json_integer_value(json_object_get(first, "waiting")), 1231);
    assert_int_equal(json_integer_value(json_object_get(first, "cut")), 3);
    json_decref(read);
    buffer_clean_up(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64), cmocka_unit_test(test_line),    cmocka_unit_test(test_json),
        cmocka_unit_test(test_noise),  cmocka_unit_test(test_summary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
