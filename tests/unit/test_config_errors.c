/* config_errors: order by line, paths, and texts from hostile files made safe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/config_internal.h"

static void lines_come_in_order(void **state) {
    (void)state;
    struct config_errors errors = {0};
    const struct config_path room = {.name = "decide"};
    const struct config_path list = {.parent = &room, .name = "offers"};
    const struct config_path element = {.parent = &list, .index = 2};
    const struct config_path key = {.parent = &element, .name = "cost"};
    for (size_t line = 40; line > 0; line--) { /* more than the first capacity */
        config_errors_add(&errors, line, line == 1 ? &key : NULL, "number %zu", line);
    }
    config_errors_add(&errors, 1, NULL, "later");
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_errors_print(&errors, "f", out);
    fclose(out);
    const char *start = "f:1: decide.offers[2].cost: number 1\nf:1: later\nf:2: number 2\n";
    assert_int_equal(strncmp(text, start, strlen(start)), 0);
    assert_non_null(strstr(text, "f:9: number 9\nf:10: number 10\n"));
    free(text);
    config_errors_clean_up(&errors);
    config_errors_clean_up(&errors);
}

static void prints_as(struct bytes text, const char *expected) {
    struct buffer out = {0};
    config_print_safe(&out, text);
    assert_string_equal(config_buffer_text(&out), expected);
    buffer_clean_up(&out);
}

static void texts_are_made_safe(void **state) {
    (void)state;
    prints_as(bytes_of_text("plain caf\xc3\xa9"), "plain caf\xc3\xa9");
    prints_as(bytes_of_text("a\nb\tc\"d\\e"), "a\\nb\\tc\\\"d\\\\e");
    prints_as(bytes_of("\0\x1b[31m\x7f", 7), "\\x00\\x1b[31m\\x7f");
    prints_as(bytes_of_text("\xc2\x9b\xc2\xa0"), "\\x9b\xc2\xa0"); /* U+009B begins commands */
}

static void long_texts_are_cut_between_characters(void **state) {
    (void)state;
    char text[80], expected[80];
    memset(text, 'x', sizeof text);
    snprintf(expected, sizeof expected, "%.60s", text);
    prints_as(bytes_of(text, 60), expected);
    snprintf(expected, sizeof expected, "%.60s...", text);
    prints_as(bytes_of(text, 61), expected);
    memcpy(text + 59, "\xc3\xa9", 2); /* the cut would fall into it */
    snprintf(expected, sizeof expected, "%.59s...", text);
    prints_as(bytes_of(text, 70), expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_in_order),
        cmocka_unit_test(texts_are_made_safe),
        cmocka_unit_test(long_texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
