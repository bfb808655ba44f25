/* failure: the caller's action and the code survive, and the text is cut, never overrun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/failure.h"

static void none_is_no_failure(void **state) {
    (void)state;
    struct failure none = failure_none();
    assert_false(failed(none));
    assert_int_equal(none.code, 0);
    assert_string_equal(none.text, "");
}

static void carries_action_code_and_text(void **state) {
    (void)state;
    struct failure failure = failure_make(FAILURE_RECREATE, ENOENT, "open %s: %d", "a.yaml", 7);
    assert_true(failed(failure));
    assert_int_equal(failure.action, FAILURE_RECREATE);
    assert_int_equal(failure.code, ENOENT);
    assert_string_equal(failure.text, "open a.yaml: 7");
}

static void every_action_but_none_failed(void **state) {
    (void)state;
    for (int action = FAILURE_RETRY; action <= FAILURE_STOP; action++) {
        assert_true(failed(failure_make((enum failure_action)action, 0, "x")));
    }
}

static void long_text_is_cut_at_the_bound(void **state) {
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct failure failure = failure_make(FAILURE_STOP, 1, "%s", text);
    assert_int_equal(strlen(failure.text), sizeof failure.text - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_no_failure),
        cmocka_unit_test(carries_action_code_and_text),
        cmocka_unit_test(every_action_but_none_failed),
        cmocka_unit_test(long_text_is_cut_at_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
