/* printable: nothing of a stranger's text reaches a terminal or breaks JSON. */
#include "consumer/ops/printable.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/rng.h"

static const char *take(struct buffer *out) {
    buffer_append_byte(out, 0);
    out->size = 0;
    return (const char *)out->data;
}

static void test_terminal(void **state) {
    (void)state;
    struct buffer out = {0};
    printable_append(&out,
                     bytes_of_text("Gr\xc3\xbc\xc3\x9f"
                                   "e"),
                     0);
    assert_string_equal(take(&out), "Gr\xc3\xbc\xc3\x9f"
                                    "e");
    printable_append(&out, bytes_of_text("\x1b[31mred\n\x7f"), 0);
    assert_string_equal(take(&out), "\\x1b[31mred\\x0a\\x7f");
    printable_append(&out,
                     bytes_of_text("\xc2\x9b"
                                   "31m"),
                     0); /* C1 control sequence introducer */
    assert_string_equal(take(&out), "\\xc2\\x9b31m");
    printable_append(&out, bytes_of_text("a\xffz\xe2\x82"), 0); /* not UTF-8, cut character */
    assert_string_equal(take(&out), "a\\xffz\\xe2\\x82");
    printable_append(&out, bytes_of_text("\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"), 3);
    assert_string_equal(take(&out), "\xc3\xbc\xc3\xbc\xc3\xbc...");
    printable_append(&out, bytes_of_text("abc"), 3);
    assert_string_equal(take(&out), "abc");
    buffer_clean_up(&out);
}

static void test_json_text(void **state) {
    (void)state;
    struct buffer out = {0};
    printable_append_json(&out, bytes_of_text("a\"b\\c\n\xed\xa0\x80"));
    assert_string_equal(take(&out), "\"a\\\"b\\\\c\\u000a\\ufffd\\ufffd\\ufffd\"");
    printable_append_json(&out, bytes_of(NULL, 0));
    assert_string_equal(take(&out), "\"\"");
    buffer_clean_up(&out);
}

/* Whatever the bytes, a JSON parser takes the string. */
static void test_json_of_noise(void **state) {
    (void)state;
    struct rng rng = rng_make(11, 0);
    struct buffer out = {0};
    for (int round = 0; round < 2000; round++) {
        uint8_t noise[12];
        for (size_t i = 0; i < sizeof noise; i++) {
            noise[i] = (uint8_t)rng_below(&rng, 256);
        }
        out.size = 0;
        printable_append_json(&out, bytes_of(noise, sizeof noise));
        json_t *value =
            json_loadb((const char *)out.data, out.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_true(json_is_string(value));
        json_decref(value);
    }
    buffer_clean_up(&out);
}

static void test_numbers(void **state) {
    (void)state;
    struct buffer out = {0};
    printable_append_count(&out, 0);
    assert_string_equal(take(&out), "0");
    printable_append_count(&out, 999);
    assert_string_equal(take(&out), "999");
    printable_append_count(&out, 1234567);
    assert_string_equal(take(&out), "1,234,567");
    printable_append_count(&out, -123456);
    assert_string_equal(take(&out), "-123,456");
    printable_append_json_number(&out, 0.1);
    assert_string_equal(take(&out), "0.1");
    printable_append_json_number(&out, NAN);
    assert_string_equal(take(&out), "null");
    buffer_clean_up(&out);
}

static void test_instants(void **state) {
    (void)state;
    struct buffer out = {0};
    printable_append_instant(&out, 1793520000999);
    assert_string_equal(take(&out), "2026-11-01T08:00:00Z");
    printable_append_instant(&out, -1);
    assert_string_equal(take(&out), "1969-12-31T23:59:59Z");
    printable_append_instant(&out, INT64_MIN);
    assert_string_equal(take(&out), "-");
    buffer_clean_up(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal),      cmocka_unit_test(test_json_text),
        cmocka_unit_test(test_json_of_noise), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_instants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
