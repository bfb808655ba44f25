/* bytes: equality and order by unsigned value, empty and NULL runs included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/bytes.h"

static void text_has_no_nul_and_null_is_empty(void **state) {
    (void)state;
    assert_int_equal(bytes_of_text("abc").size, 3);
    assert_int_equal(bytes_of_text("").size, 0);
    assert_int_equal(bytes_of_text(NULL).size, 0);
    assert_true(bytes_equal(bytes_of_text(NULL), bytes_of_text("")));
}

static void equality_needs_size_and_content(void **state) {
    (void)state;
    assert_true(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0b", 3)));
    assert_false(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
    assert_false(bytes_equal(bytes_of_text("ab"), bytes_of_text("abc")));
}

static void order_is_unsigned_and_prefix_first(void **state) {
    (void)state;
    /* Ascending; a signed char would put 0x80 before "a". */
    const struct bytes sorted[] = {bytes_of(NULL, 0),   bytes_of("\0", 1),  bytes_of_text("a"),
                                   bytes_of_text("ab"), bytes_of_text("b"), bytes_of("\x80", 1)};
    for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++) {
        for (size_t j = 0; j < sizeof sorted / sizeof sorted[0]; j++) {
            int order = bytes_compare(sorted[i], sorted[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void prints_with_its_size(void **state) {
    (void)state;
    char out[16];
    snprintf(out, sizeof out, "[%.*s]", BYTES_ARG(bytes_of("abcdef", 3)));
    assert_string_equal(out, "[abc]");
    snprintf(out, sizeof out, "[%.*s]", BYTES_ARG(bytes_of(NULL, 0)));
    assert_string_equal(out, "[]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_no_nul_and_null_is_empty),
        cmocka_unit_test(equality_needs_size_and_content),
        cmocka_unit_test(order_is_unsigned_and_prefix_first),
        cmocka_unit_test(prints_with_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
