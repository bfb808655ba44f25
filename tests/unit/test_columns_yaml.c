/* columns_yaml: types that were written down come back, whatever the columns are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "consumer/learn/columns_yaml.h"
#include "tests/support/temp_file.h"

/* What YAML, or this project's variables, would take for something else. */
static const char *const names[] = {
    "plain",  "",        "a: b",   " padded ",       "- item", "yes",       "1e3",     "\"quoted\"",
    "back\\", "${HOME}", "$$ {x}", "tab\tand\nline", "#not",   "caf\u00e9", "\u2028x", "\x7f"};
#define COUNT (sizeof names / sizeof names[0])

static void types_come_back(void **state) {
    (void)state;
    static const enum column_type types[] = {COLUMN_NUMERIC, COLUMN_CATEGORICAL, COLUMN_IGNORED,
                                             COLUMN_TIME, COLUMN_GROUP};
    struct columns written, read;
    columns_init(&written, names, COUNT);
    columns_init(&read, names, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        written.items[i].type = types[i % 5];
    }
    struct temp_file file = temp_file_of_text("");
    struct failure failure = columns_yaml_save(file.path, &written);
    assert_string_equal(failure.text, "");
    failure = columns_yaml_load(file.path, &read);
    assert_string_equal(failure.text, "");
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(read.items[i].type, written.items[i].type);
    }
    columns_clean_up(&written);
    columns_clean_up(&read);
    temp_file_remove(&file);
}

static void a_file_may_name_some(void **state) {
    (void)state;
    static const char *const two[] = {"x", "y"};
    struct columns columns;
    columns_init(&columns, two, 2);
    struct temp_file file =
        temp_file_of_text("columns:\n  list:\n    - {name: y, type: categorical}\n");
    struct failure failure = columns_yaml_load(file.path, &columns);
    assert_string_equal(failure.text, "");
    assert_int_equal(columns.items[0].type, COLUMN_UNTYPED);
    assert_int_equal(columns.items[1].type, COLUMN_CATEGORICAL);
    columns_clean_up(&columns);
    temp_file_remove(&file);
}

static void files_that_are_refused(void **state) {
    (void)state;
    static const char *const two[] = {"price", "y"};
    const struct {
        const char *text, *expected; /* NULL: said on standard error */
    } cases[] = {
        {"columns:\n  list:\n    - {name: pirce, type: numeric}\n",
         "no column \"pirce\", did you mean \"price\"?"},
        {"columns:\n  list:\n    - {name: y, type: number}\n", NULL},
        {"columns:\n  list:\n    - {nam: y, type: numeric}\n", NULL},
        {"columns: [", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct columns columns;
        columns_init(&columns, two, 2);
        struct temp_file file = temp_file_of_text(cases[i].text);
        struct failure failure = columns_yaml_load(file.path, &columns);
        assert_true(failed(failure));
        assert_true(!cases[i].expected || strstr(failure.text, cases[i].expected));
        assert_int_equal(columns.items[1].type, COLUMN_UNTYPED);
        columns_clean_up(&columns);
        temp_file_remove(&file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_come_back),
        cmocka_unit_test(a_file_may_name_some),
        cmocka_unit_test(files_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
