/* decision: the words on the wire, and how a decided decision becomes an open one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "consumer/rooms/decision.h"

static void gates_have_the_names_of_the_contract(void **state) {
    (void)state;
    assert_string_equal(gate_name(GATE_CONDITION_GONE), "condition_gone");
    assert_string_equal(gate_name(GATE_QUIET_HOURS), "quiet_hours");
    assert_string_equal(gate_name(GATE_MODE_OBSERVE), "mode_observe");
    assert_string_equal(gate_name(GATE_OBSERVATION), "observation");
    assert_string_equal(gate_name(GATE_NOT_WORTH_IT), "not_worth_it");
    assert_string_equal(gate_name(GATE_NONE), "sent");
    for (int a = 0; a <= GATE_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(gate_name((enum gate)a), gate_name((enum gate)b));
        }
    }
}

static void policies_have_the_names_of_the_contract(void **state) {
    (void)state;
    static const char *const names[] = {"none",  "rule",       "trial",
                                        "value", "not_finite", "miscalibrated"};
    for (int policy = 0; policy < POLICY_COUNT; policy++) {
        assert_string_equal(policy_names[policy], names[policy]);
    }
    assert_null(policy_names[POLICY_COUNT]);
}

static void buckets_have_names(void **state) {
    (void)state;
    assert_string_equal(bucket_names[BUCKET_POLICY], "policy");
    assert_string_equal(bucket_names[BUCKET_EXPLORE], "explore");
    assert_string_equal(bucket_names[BUCKET_CONTROL], "control");
    assert_null(bucket_names[BUCKET_CONTROL + 1]);
}

static struct decision decided(enum gate reason) {
    return (struct decision){
        .id = {1, 2},
        .trigger = TRIGGER_CHECKOUT_ABANDONED,
        .attempt = 1,
        .anchor = 77,
        .deadline_ms = 1000,
        .decided_ms = 2000,
        .close_ms = 9000,
        .redecide_ms = TIME_NONE,
        .expires_ms = TIME_NONE,
        .reason = reason,
    };
}

static void a_sent_decision_opens_with_its_offer(void **state) {
    (void)state;
    struct decision decision = decided(GATE_NONE);
    decision.expires_ms = 5000;
    struct open_decision open;
    decision_open(&decision, "ten_percent", &open);
    assert_true(hash128_equal(open.id, decision.id));
    assert_int_equal(open.flags, DECISION_SENT);
    assert_string_equal(open.offer_id, "ten_percent");
    assert_int_equal(open.trigger, TRIGGER_CHECKOUT_ABANDONED);
    assert_int_equal(open.attempt, 1);
    assert_int_equal(open.anchor, 77);
    assert_int_equal(open.deadline_ms, 1000);
    assert_int_equal(open.close_ms, 9000);
    assert_int_equal(open.expires_ms, 5000);
    assert_true(open.redecide_ms == TIME_NONE);
    assert_int_equal(open.decided_ms, 2000); /* outcomes count from here, not from the deadline */
    assert_true(open.order_ms == TIME_NONE && open.order_hash == 0 && open.revision == 0);
    assert_true(isnan(open.order_total) && isnan(open.refunded));
}

static void a_held_decision_opens_without_offer(void **state) {
    (void)state;
    struct decision decision = decided(GATE_CONTROL_GROUP);
    struct open_decision open;
    decision_open(&decision, "", &open);
    assert_int_equal(open.flags, 0);
    assert_string_equal(open.offer_id, "");
    assert_true(open.expires_ms == TIME_NONE);
}

static void a_deferred_decision_waits_for_the_end_of_quiet_hours(void **state) {
    (void)state;
    struct decision decision = decided(GATE_QUIET_HOURS);
    decision.redecide_ms = 4000;
    struct open_decision open;
    decision_open(&decision, "", &open);
    assert_int_equal(open.flags, DECISION_DEFERRED);
    assert_int_equal(open.redecide_ms, 4000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gates_have_the_names_of_the_contract),
        cmocka_unit_test(policies_have_the_names_of_the_contract),
        cmocka_unit_test(buckets_have_names),
        cmocka_unit_test(a_sent_decision_opens_with_its_offer),
        cmocka_unit_test(a_held_decision_opens_without_offer),
        cmocka_unit_test(a_deferred_decision_waits_for_the_end_of_quiet_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
