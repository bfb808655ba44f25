/* Repaired letters: what a line says, what it may not say, and what becomes of a row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "consumer/commands/dead_letters_edits.h"
#include "consumer/commands/dead_letters_text.h"
#include "tests/support/temp_file.h"

static bool add(struct letter_edits *edits, const char *line, char reason[120]) {
    reason[0] = '\0';
    return letter_edits_add(edits, bytes_of_text(line), reason, 120);
}

static void expect_bytes(struct bytes found, const char *expected, size_t size) {
    assert_true(bytes_equal(found, bytes_of(expected, size)));
}

static struct dead_letter_row applied(struct letter_edits *edits, int64_t offset) {
    static const struct dead_letter_row row = {.key = {(const uint8_t *)"key", 3},
                                               .value = {(const uint8_t *)"value", 5}};
    const struct letter letter = {.partition = 1, .offset = offset, .row = &row};
    const struct letter_edit *edit = letter_edits_find(edits, &letter);
    assert_non_null(edit);
    return letter_edit_apply(edit, &row);
}

static void test_lines(void **state) {
    (void)state;
    struct letter_edits edits = {0};
    char why[120];
    assert_true(add(&edits, "{\"partition\":1,\"offset\":9,\"value_base64\":\"/wBh\"}", why));
    assert_true(
        add(&edits, "{\"partition\":1,\"offset\":8,\"value\":\"\\u0000b\",\"key\":null}\n", why));
    assert_true(add(&edits,
                    "{\"partition\":1,\"offset\":7,\"value\":\"text\",\"value_base64\":\"eA==\"}",
                    why));
    assert_true(add(&edits, "{\"partition\":1,\"offset\":6,\"value\":\"\"}", why));
    assert_true(add(&edits, " \n", why));
    assert_true(add(&edits, "{\"summary\":[],\"unreadable\":0}", why));
    assert_int_equal(edits.count, 4);
    struct dead_letter_row row = applied(&edits, 9);
    expect_bytes(row.value, "\xff\0a", 3);
    expect_bytes(row.key, "key", 3);
    row = applied(&edits, 8);
    expect_bytes(row.value, "\0b", 2);
    assert_null(row.key.data);
    expect_bytes(applied(&edits, 7).value, "text", 4);
    assert_int_equal(letter_edits_left(&edits), 1);
    row = applied(&edits, 6);
    assert_non_null(row.value.data); /* empty, not null */
    assert_int_equal(row.value.size, 0);
    const struct letter other = {.partition = 0, .offset = 9};
    assert_null(letter_edits_find(&edits, &other));
    letter_edits_clean_up(&edits);
}

static void test_base64_is_what_the_list_writes(void **state) {
    (void)state;
    for (size_t size = 0; size < 70; size++) {
        struct letter_edits edits = {0};
        struct buffer line = {0};
        uint8_t data[70];
        char why[120];
        for (size_t i = 0; i < size; i++) {
            data[i] = (uint8_t)(i * 37 + size);
        }
        buffer_append(&line, bytes_of_text("{\"partition\":1,\"offset\":0,\"value_base64\":\""));
        letter_append_base64(&line, bytes_of(data, size));
        buffer_append(&line, bytes_of_text("\"}"));
        assert_true(letter_edits_add(&edits, buffer_bytes(&line), why, sizeof why));
        assert_true(bytes_equal(applied(&edits, 0).value, bytes_of(data, size)));
        letter_edits_clean_up(&edits);
        buffer_clean_up(&line);
    }
}

static void test_bad_lines(void **state) {
    (void)state;
    static const struct {
        const char *line, *reason;
    } bad[] = {
        {"nothing", "expected near"},
        {"[1]", "expected a JSON object"},
        {"{}", "partition: expected"},
        {"{\"partition\":-1,\"offset\":1}", "partition: expected"},
        {"{\"partition\":4294967296,\"offset\":1}", "partition: expected"},
        {"{\"partition\":1,\"offset\":\"1\"}", "offset: expected"},
        {"{\"partition\":1,\"offset\":1,\"value\":5}", "value: expected a text or null"},
        {"{\"partition\":1,\"offset\":1,\"key_base64\":\"a\"}", "key_base64: expected base64"},
        {"{\"partition\":1,\"offset\":1,\"value_base64\":\"YQ\"}", "value_base64: expected base64"},
        {"{\"partition\":1,\"offset\":1,\"value_base64\":\"Y===\"}", "value_base64: expected"},
        {"{\"partition\":1,\"offset\":1,\"value_base64\":\"YR==\"}", "value_base64: expected"},
        {"{\"partition\":1,\"offset\":1,\"value_base64\":\"Y=Q=\"}", "value_base64: expected"},
        {"{\"partition\":1,\"offset\":1,\"offset\":2}", "duplicate"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct letter_edits edits = {0};
        char why[120];
        assert_false(add(&edits, bad[i].line, why));
        if (!strstr(why, bad[i].reason)) {
            fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].line, why, bad[i].reason);
        }
        letter_edits_clean_up(&edits);
    }
}

static void test_a_letter_stands_there_once(void **state) {
    (void)state;
    struct letter_edits edits = {0};
    struct temp_file file =
        temp_file_of_text("{\"partition\":1,\"offset\":1}\n{\"partition\":0,\"offset\":2}\n"
                          "{\"partition\":1,\"offset\":1,\"value\":\"x\"}\n");
    struct failure failure = letter_edits_read(&edits, file.path);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "letter 1@1 stands there twice"));
    letter_edits_clean_up(&edits);
    temp_file_remove(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_base64_is_what_the_list_writes),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_a_letter_stands_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
