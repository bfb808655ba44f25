#include "consumer/rooms/open_decisions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#define NOW_MS 1767225600000
#define DAY_MS 86400000LL

static int set_up(void **state) {
    struct user_state *user = memory_new(1, sizeof *user);
    user_state_init(user, bytes_of_text("anna"));
    *state = user;
    return 0;
}

static int tear_down(void **state) {
    user_state_clean_up(*state);
    free(*state);
    return 0;
}

/* A decision of number n, sent unless gate says otherwise. */
static struct decision decision_of(uint64_t n, enum gate gate) {
    return (struct decision){.id = {0, n},
                             .deadline_ms = NOW_MS,
                             .decided_ms = NOW_MS + (int64_t)n * DAY_MS,
                             .close_ms = NOW_MS + 7 * DAY_MS,
                             .redecide_ms = gate == GATE_QUIET_HOURS ? NOW_MS + DAY_MS : TIME_NONE,
                             .expires_ms = gate == GATE_NONE ? NOW_MS + DAY_MS : TIME_NONE,
                             .trigger = TRIGGER_CART_ABANDONED,
                             .reason = gate};
}

static void record(struct user_state *user, const struct decision *decision) {
    open_decisions_record(user, decision, decision_is_sent(decision) ? "ten" : "");
}

static void test_records_finds_and_closes(void **state) {
    struct user_state *user = *state;
    for (uint64_t n = 1; n <= USER_OPEN_MAX; n++) {
        struct decision decision = decision_of(n, GATE_NONE);
        record(user, &decision);
    }
    const struct open_decision *third = open_decisions_find(user, (struct hash128){0, 3});
    assert_non_null(third);
    assert_string_equal(third->offer_id, "ten");
    assert_true(third->flags & DECISION_SENT);
    open_decisions_close(user, 1);
    assert_int_equal(user->active->open_count, USER_OPEN_MAX - 1);
    assert_null(open_decisions_find(user, (struct hash128){0, 2}));
    assert_non_null(open_decisions_find(user, (struct hash128){0, 4}));
}

static void test_too_many_is_not_recorded(void **state) {
    struct user_state *user = *state;
    struct decision decision = decision_of(1, GATE_TOO_MANY_OPEN);
    decision.is_too_many_open = true;
    record(user, &decision);
    assert_null(user->active);
}

static void test_second_attempt_replaces_the_first(void **state) {
    struct user_state *user = *state;
    struct decision first = decision_of(1, GATE_QUIET_HOURS), second = decision_of(1, GATE_NONE);
    record(user, &first);
    struct open_decision *open = open_decisions_find(user, first.id);
    assert_true(open->flags == DECISION_DEFERRED && open->redecide_ms == NOW_MS + DAY_MS);
    open->flags |= DECISION_CENSORED; /* by a push in the night: the second attempt is later */
    second.attempt = 1;
    record(user, &second);
    assert_int_equal(user->active->open_count, 1);
    assert_true(open->flags == DECISION_SENT && open->redecide_ms == TIME_NONE);
    assert_int_equal(open->decided_ms, second.decided_ms);
    assert_int_equal(open->attempt, 1);
}

/* A later push takes open decisions out of uplift, but not itself, and not those whose label is
 * out; a held one does nothing. */
static void test_a_push_censors_what_is_still_open(void **state) {
    struct user_state *user = *state;
    for (uint64_t n = 1; n <= 3; n++) {
        struct decision held = decision_of(n, GATE_CONTROL_GROUP);
        record(user, &held);
    }
    user->active->open[1].flags |= DECISION_LABELLED;
    assert_false(user->active->open[0].flags & DECISION_CENSORED);
    struct decision sent = decision_of(4, GATE_NONE);
    record(user, &sent);
    assert_int_equal(user->active->open[0].flags, DECISION_CENSORED);
    assert_int_equal(user->active->open[1].flags, DECISION_LABELLED);
    assert_int_equal(user->active->open[2].flags, DECISION_CENSORED);
    assert_int_equal(user->active->open[3].flags, DECISION_SENT);
}

static void test_pushes_are_remembered_and_press(void **state) {
    struct user_state *user = *state;
    for (uint64_t n = 0; n < USER_SENT_RING + 2; n++) {
        struct decision decision =
            decision_of(n * 7, GATE_NONE); /* one a week: each halves what came before */
        record(user, &decision);
        open_decisions_close(user, 0);
    }
    assert_int_equal(user->active->sent_count, USER_SENT_RING);
    assert_int_equal(user->active->sent_ms[0], NOW_MS + 14 * DAY_MS); /* the two oldest went */
    assert_true(fabs((double)user->push_pressure - (2 - pow(0.5, USER_SENT_RING + 1))) < 1e-5);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_records_finds_and_closes),          TEST(test_too_many_is_not_recorded),
        TEST(test_second_attempt_replaces_the_first), TEST(test_a_push_censors_what_is_still_open),
        TEST(test_pushes_are_remembered_and_press),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
