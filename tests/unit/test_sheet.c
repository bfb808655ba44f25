/* sheet: the same calls give lines for people and JSON that a parser takes. */
#include "consumer/ops/sheet.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

static void render(bool is_json, struct buffer *out) {
    struct sheet sheet = sheet_begin(out, is_json);
    const struct bytes words[] = {bytes_of_text("sent"), bytes_of_text("a\"b")};
    sheet_begin_group(&sheet, "user");
    sheet_text(&sheet, "id", 0, bytes_of_text("u\x1b[2J"));
    sheet_integer(&sheet, "events", 0, 1234567);
    sheet_number(&sheet, "price", 0, 2, NAN);
    sheet_instant(&sheet, "last", 0, INT64_MIN);
    sheet_flag(&sheet, "bot", true);
    sheet_flag(&sheet, "new", false);
    sheet_end_group(&sheet);
    sheet_begin_group(&sheet, "empty");
    sheet_text(&sheet, "zone", 0, bytes_of(NULL, 0));
    sheet_end_group(&sheet);
    sheet_note(&sheet, "note", "");
    sheet_begin_list(&sheet, "open decisions");
    for (int i = 0; i < 2; i++) {
        sheet_begin_row(&sheet);
        sheet_text(&sheet, "offer", -6, bytes_of_text(i ? "t\xc3\xa9n" : ""));
        sheet_number(&sheet, "p", 7, 3, .25 + i);
        sheet_words(&sheet, "flags", 0, words, 2);
        sheet_break(&sheet);
        sheet_instant(&sheet, "at", 0, 1793520000000);
        sheet_begin_list(&sheet, "terms");
        sheet_begin_row(&sheet);
        sheet_number(&sheet, "value", 6, -1, 1.23456);
        sheet_end_row(&sheet);
        sheet_end_list(&sheet);
        sheet_end_row(&sheet);
    }
    sheet_end_list(&sheet);
    sheet_note(&sheet, "why", "because");
    sheet_end(&sheet);
}

static void test_text(void **state) {
    (void)state;
    struct buffer out = {0};
    render(false, &out);
    buffer_append_byte(&out, 0);
    assert_string_equal((const char *)out.data,
                        "  user        id u\\x1b[2J, events 1,234,567, bot\n"
                        "  empty       -\n"
                        "\nopen decisions\n"
                        "  -         0.250  flags sent a\"b\n"
                        "    at 2026-11-01T08:00:00Z\n"
                        "  terms\n"
                        "     1.235\n"
                        "  t\xc3\xa9n       1.250  flags sent a\"b\n"
                        "    at 2026-11-01T08:00:00Z\n"
                        "  terms\n"
                        "     1.235\n"
                        "because\n");
    buffer_clean_up(&out);
}

static void test_json(void **state) {
    (void)state;
    struct buffer out = {0};
    render(true, &out);
    json_error_t error;
    json_t *value = json_loadb((const char *)out.data, out.size, 0, &error);
    if (!value) {
        fail_msg("not JSON: %s in %.*s", error.text, BYTES_ARG(buffer_bytes(&out)));
    }
    json_t *user = json_object_get(value, "user");
    assert_string_equal(json_string_value(json_object_get(user, "id")), "u\x1b[2J");
    assert_int_equal(json_integer_value(json_object_get(user, "events")), 1234567);
    assert_true(json_is_null(json_object_get(user, "price")));
    assert_true(json_is_null(json_object_get(user, "last")));
    assert_true(json_is_true(json_object_get(user, "bot")));
    assert_true(json_is_false(json_object_get(user, "new")));
    assert_true(json_is_null(json_object_get(value, "note")));
    json_t *rows = json_object_get(value, "open_decisions");
    assert_int_equal(json_array_size(rows), 2);
    json_t *row = json_array_get(rows, 1);
    assert_true(json_number_value(json_object_get(row, "p")) == 1.25);
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "flags"), 1)),
                        "a\"b");
    assert_int_equal(json_array_size(json_object_get(row, "terms")), 1);
    assert_string_equal(json_string_value(json_object_get(value, "why")), "because");
    json_decref(value);
    buffer_clean_up(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
