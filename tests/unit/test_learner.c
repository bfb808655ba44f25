/* learner: keys of arms, names of verdicts and of kinds of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/learner.h"

static void arms_have_keys_and_none_has_zero(void **state) {
    (void)state;
    assert_true(learner_arm_key(bytes_of_text("none")) == LEARNER_ARM_NONE);
    uint64_t ten = learner_arm_key(bytes_of_text("ten_percent"));
    assert_true(ten != LEARNER_ARM_NONE && ten != learner_arm_key(bytes_of_text("ten_percenT")));
    assert_true(learner_arm_key(bytes_of(NULL, 0)) != LEARNER_ARM_NONE);
    /* Keys are in rows: another hash would orphan them. By xxhsum -H3. */
    assert_true(ten == UINT64_C(0x2a9dfe7383bbfdb2));
}

static void verdicts_have_names_of_their_own(void **state) {
    (void)state;
    for (enum learner_verdict a = LEARNER_OK; a <= LEARNER_BAD_SIZE; a++) {
        for (enum learner_verdict b = LEARNER_OK; b < a; b++) {
            assert_string_not_equal(learner_verdict_name(a), learner_verdict_name(b));
        }
    }
    assert_string_equal(learner_verdict_name(LEARNER_BAD_SIZE), "bad size");
}

static void kinds_of_rows_are_those_of_the_schema(void **state) {
    (void)state;
    const char *const expected[] = {"weights", "optimizer", "moments", "calibrator", "counters"};
    for (int kind = 0; kind < LEARNER_ROW_KINDS; kind++) {
        assert_string_equal(learner_row_kind_names[kind], expected[kind]);
    }
    assert_null(learner_row_kind_names[LEARNER_ROW_KINDS]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arms_have_keys_and_none_has_zero),
        cmocka_unit_test(verdicts_have_names_of_their_own),
        cmocka_unit_test(kinds_of_rows_are_those_of_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
