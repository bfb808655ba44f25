/* config_env: references to the environment, and the phrases that never hold a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/config_internal.h"
#include "tests/support/temp_file.h"

static int set_up(void **state) {
    (void)state;
    setenv("PROBE_A", "one", 1);
    setenv("PROBE_EMPTY", "", 1);
    setenv("PROBE_NESTED", "${PROBE_A}", 1);
    unsetenv("PROBE_ABSENT");
    return 0;
}

static void expands_to(const char *text, const char *expected) {
    struct buffer out = {0}, problem = {0};
    assert_true(config_expand(text, &out, &problem));
    assert_string_equal(config_buffer_text(&out), expected);
    assert_int_equal(problem.size, 0);
    buffer_clean_up(&out);
    buffer_clean_up(&problem);
}

static void refuses(const char *text, const char *expected) {
    struct buffer out = {0}, problem = {0};
    assert_false(config_expand(text, &out, &problem));
    assert_string_equal(config_buffer_text(&problem), expected);
    buffer_clean_up(&out);
    buffer_clean_up(&problem);
}

static void references_are_replaced(void **state) {
    (void)state;
    expands_to("", "");
    expands_to("plain", "plain");
    expands_to("${PROBE_A}", "one");
    expands_to("a${PROBE_A}${PROBE_A}z", "aoneonez");
    expands_to("${PROBE_EMPTY}", "");
    expands_to("${PROBE_NESTED}", "${PROBE_A}"); /* once, not again and again */
}

static void defaults_stand_in(void **state) {
    (void)state;
    expands_to("${PROBE_ABSENT:-b c}", "b c");
    expands_to("${PROBE_ABSENT:-}", "");
    expands_to("${PROBE_ABSENT:-${PROBE_A}}", "${PROBE_A}"); /* the first } ends it */
    expands_to("${PROBE_EMPTY:-b}", "b");
    expands_to("${PROBE_A:-b}", "one");
}

static void dollars_may_stand_alone(void **state) {
    (void)state;
    expands_to("$", "$");
    expands_to("5$ $PROBE_A $$ {x}", "5$ $PROBE_A $$ {x}");
    expands_to("$${PROBE_A}", "${PROBE_A}");
    expands_to("$$${PROBE_A}", "$${PROBE_A}");
}

static void what_cannot_be_replaced_is_said(void **state) {
    (void)state;
    refuses("${PROBE_A}${PROBE_ABSENT}",
            "found ${PROBE_ABSENT} without such an environment variable, expected it to be set or "
            "a default as in ${PROBE_ABSENT:-default}");
    const char *malformed = "found ${ without a name and a }, expected ${NAME}, ${NAME:-default}, "
                            "${file:PATH}, or $${ for the two characters";
    refuses("${", malformed);
    refuses("${}", malformed);
    refuses("${PROBE_A", malformed);
    refuses("${PROBE_A:-x", malformed);
    refuses("${PROBE_A:x}", malformed);
    refuses("${1A}", malformed);
    refuses("${PROBE-A}", malformed);
    refuses("${ PROBE_A}", malformed);
}

static void values_are_utf8(void **state) {
    (void)state;
    static const char *const good[] = {"\xc3\xa9",         "\xe2\x82\xac", "\xf0\x9f\x9b\x92",
                                       "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"};
    static const char *const bad[] = {
        "\xff",         "\xc0\x80",         "\xc1\xbf",         "\x80",
        "\xc3",         "\xe2\x82",         "\xed\xa0\x80",     "\xf4\x90\x80\x80",
        "\xe0\x80\x80", "\xf5\x80\x80\x80", "\xf0\x8f\xbf\xbf", "a\xc3z"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        setenv("PROBE_BYTES", good[i], 1);
        expands_to("${PROBE_BYTES}", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("PROBE_BYTES", bad[i], 1);
        refuses("${PROBE_BYTES}",
                "found an environment variable PROBE_BYTES that is not UTF-8, expected text");
    }
}

static void file_expands_to(struct bytes content, const char *expected) {
    struct temp_file file = temp_file_make(content);
    char text[100];
    snprintf(text, sizeof text, "<${file:%s}>", file.path);
    expands_to(text, expected);
    temp_file_remove(&file);
}

static void files_are_read_without_their_last_line_break(void **state) {
    (void)state;
    file_expands_to(bytes_of_text(""), "<>");
    file_expands_to(bytes_of_text("s3cret"), "<s3cret>");
    file_expands_to(bytes_of_text("s3cret\n"), "<s3cret>");
    file_expands_to(bytes_of_text("s3cret\r\n"), "<s3cret>");
    file_expands_to(bytes_of_text("two\n\n"), "<two\n>");
    file_expands_to(bytes_of_text("\n"), "<>");
    file_expands_to(bytes_of_text("${PROBE_A} }"), "<${PROBE_A} }>"); /* taken as it is */
    setenv("file", "variable", 1);
    expands_to("${file}", "variable");
    expands_to("${file:-x}", "variable");
    unsetenv("file");
    expands_to("${file:-x}", "x");
}

static void file_is_refused(struct bytes content, const char *expected) {
    struct temp_file file = temp_file_make(content);
    char text[100], whole[300];
    snprintf(text, sizeof text, "${file:%s}", file.path);
    snprintf(whole, sizeof whole, expected, file.path);
    refuses(text, whole);
    temp_file_remove(&file);
}

static void files_that_hold_no_text_are_refused(void **state) {
    (void)state;
    refuses("${file:/no/such/file}",
            "found ${file:/no/such/file}: No such file or directory, expected a file that can be "
            "read");
    refuses("${file:/tmp}", "found ${file:/tmp}: Is a directory, expected a file that can be read");
    refuses("${file:}", "found ${ without a name and a }, expected ${NAME}, ${NAME:-default}, "
                        "${file:PATH}, or $${ for the two characters");
    file_is_refused(bytes_of("s3cr\0et", 7), "found a file %s that is not UTF-8, expected text");
    file_is_refused(bytes_of_text("s3cr\xff"), "found a file %s that is not UTF-8, expected text");
    static char large[65537];
    memset(large, 'x', sizeof large);
    file_is_refused(bytes_of(large, sizeof large),
                    "found a file %s of more than 65536 bytes, expected at most as many");
    char text[100];
    struct temp_file file = temp_file_make(bytes_of(large, sizeof large - 1));
    snprintf(text, sizeof text, "${file:%s}", file.path);
    char *value = config_expand_text(text, stderr);
    assert_int_equal(strlen(value), sizeof large - 1);
    free(value);
    temp_file_remove(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_replaced),
        cmocka_unit_test(defaults_stand_in),
        cmocka_unit_test(dollars_may_stand_alone),
        cmocka_unit_test(what_cannot_be_replaced_is_said),
        cmocka_unit_test(values_are_utf8),
        cmocka_unit_test(files_are_read_without_their_last_line_break),
        cmocka_unit_test(files_that_hold_no_text_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
