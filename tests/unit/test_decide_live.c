/* decide in mode live: what is logged as a probability is how often it happens, apprentices are
 * tried beside every policy that may be trusted, and who cannot decide leaves it to the rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/rooms/policy.h"
#include "tests/support/decide_fixture.h"

#define ARMS 5

struct scene {
    struct decide_fixture fixture;
    struct decision decision;
    double expected[ARMS]; /* sums of p by action, none first */
    double variance[ARMS]; /* sums of p (1 - p) */
    int64_t done[ARMS];
    int64_t by_policy[POLICY_COUNT], explored;
};

/* Mode live; the reminder and ten_percent are grown up, the other two are apprentices. */
static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    decide_fixture_init(&scene->fixture, 1);
    scene->fixture.config.mode = MODE_LIVE;
    scene->fixture.config.uncertainty = 1;
    scene->fixture.config.epsilon = 0.01;
    scene->fixture.config.trial_share = 0.3;
    scene->fixture.config.none_share = 0.25;
    decide_fixture_decision("anna", &scene->decision);
    struct decision *decision = &scene->decision;
    decision->learner_count = 1;
    decision->arm_count = ARMS;
    decision->has_score = true;
    decision->mature = 1 << FIXTURE_TEN_PERCENT | 1 << FIXTURE_REMINDER;
    decision->champion.arms[FIXTURE_TEN_PERCENT + 1].mean = 1;
    decision->champion.arms[FIXTURE_REMINDER + 1].mean = 0.2;
    for (size_t i = 1; i < ARMS; i++) {
        decision->champion.covariance[i * ARMS + i] = 1;
    }
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    decide_fixture_clean_up(&scene->fixture);
    free(scene);
    return 0;
}

static void run(struct scene *scene) {
    decide(&scene->fixture.room, &scene->fixture.ledger, 0, false, &scene->decision);
}

static double p_of(const struct scene *scene, int offer) {
    for (size_t i = 0; i < scene->decision.action_count; i++) {
        if (scene->decision.action_offers[i] == offer) {
            return scene->decision.actions[i].p;
        }
    }
    return 0;
}

/* Takes this many decisions, each of an episode of its own, and counts what was said and done. */
static void run_many(struct scene *scene, int count) {
    struct decision *decision = &scene->decision;
    for (int i = 0; i < count; i++) {
        decision->id = hash128(bytes_of(&i, sizeof i), 3);
        decision->episode_id = decision->id;
        run(scene);
        double sum = 0;
        for (int arm = 0; arm < ARMS; arm++) {
            double p = p_of(scene, arm - 1);
            sum += p;
            scene->expected[arm] += p;
            scene->variance[arm] += p * (1 - p);
        }
        assert_true(fabs(sum - 1) < 1e-12);
        assert_true(decision->action_p == p_of(scene, decision->offer));
        scene->done[decision->offer + 1]++;
        scene->by_policy[decision->policy]++;
        scene->explored += decision->bucket == BUCKET_EXPLORE;
    }
}

static void expect_done_as_logged(const struct scene *scene) {
    for (int arm = 0; arm < ARMS; arm++) {
        double off = fabs((double)scene->done[arm] - scene->expected[arm]);
        if (off > 4 * sqrt(scene->variance[arm]) + 1e-9) {
            fail_msg("arm %d: done %lld times, logged %.1f +- %.1f", arm,
                     (long long)scene->done[arm], scene->expected[arm], sqrt(scene->variance[arm]));
        }
    }
}

/* ---- probabilities ---- */

static void what_is_logged_is_how_often_it_happens(void **state) {
    struct scene *scene = *state;
    run_many(scene, 20000);
    expect_done_as_logged(scene);
    for (int arm = 0; arm < ARMS; arm++) {
        assert_true(scene->done[arm] > 100);
    }
    double trials = 20000 * 0.3, error = sqrt(20000 * 0.3 * 0.7);
    assert_true(fabs((double)scene->by_policy[POLICY_TRIAL] - trials) < 4 * error);
    assert_int_equal(scene->by_policy[POLICY_TRIAL] + scene->by_policy[POLICY_VALUE], 20000);
    assert_int_equal(scene->explored, scene->by_policy[POLICY_TRIAL]);
}

static void each_apprentice_has_the_same_share(void **state) {
    struct scene *scene = *state;
    run(scene);
    assert_int_equal(scene->decision.action_count, ARMS);
    assert_true(fabs(p_of(scene, FIXTURE_FIVE_OFF) - 0.15) < 1e-12);
    assert_true(fabs(p_of(scene, FIXTURE_SHIPPING) - 0.15) < 1e-12);
    double grown_up =
        p_of(scene, -1) + p_of(scene, FIXTURE_TEN_PERCENT) + p_of(scene, FIXTURE_REMINDER);
    assert_true(fabs(grown_up - 0.7) < 1e-12);
    assert_true(p_of(scene, -1) >= 0.007 - 1e-12); /* epsilon of the rest */
}

static void without_grown_ups_the_rule_decides_beside_trials(void **state) {
    struct scene *scene = *state;
    scene->decision.mature = 0;
    run_many(scene, 20000);
    expect_done_as_logged(scene);
    /* none: 0.25 of 0.7; the rule's ten_percent: 0.75 of 0.7 and a quarter of 0.3 */
    assert_true(fabs(p_of(scene, -1) - 0.175) < 1e-12);
    assert_true(fabs(p_of(scene, FIXTURE_TEN_PERCENT) - 0.6) < 1e-12);
    assert_true(fabs(p_of(scene, FIXTURE_REMINDER) - 0.075) < 1e-12);
    assert_int_equal(scene->by_policy[POLICY_VALUE], 0);
    assert_int_equal(scene->by_policy[POLICY_TRIAL] + scene->by_policy[POLICY_RULE], 20000);
    assert_true(scene->explored > scene->by_policy[POLICY_TRIAL]); /* none by the rule's share */
}

/* The rule may have nothing to say; apprentices can be tried all the same. */
static void without_a_rule_trials_go_on(void **state) {
    struct scene *scene = *state;
    scene->decision.mature = 0;
    scene->fixture.config.rules.count = 0;
    run_many(scene, 5000);
    expect_done_as_logged(scene);
    assert_true(fabs(p_of(scene, -1) - 0.7) < 1e-12);
    assert_int_equal(scene->explored, scene->by_policy[POLICY_TRIAL]); /* no nothing at random */
    for (uint64_t i = 0; scene->decision.offer >= 0; i++) {
        scene->decision.episode_id.low = i;
        run(scene);
    }
    assert_int_equal(scene->decision.reason, GATE_NO_OFFER);
    assert_int_equal(scene->decision.bucket, BUCKET_POLICY);
}

static void without_trials_everything_is_the_policys(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.trial_share = 0;
    run_many(scene, 5000);
    expect_done_as_logged(scene);
    assert_int_equal(scene->by_policy[POLICY_VALUE], 5000);
    assert_int_equal(scene->done[FIXTURE_FIVE_OFF + 1] + scene->done[FIXTURE_SHIPPING + 1], 0);
}

/* One draw per episode: its decisions do the same as long as they know the same. */
static void the_draw_is_the_episodes(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.uncertainty = 0;
    run(scene);
    int offer = scene->decision.offer;
    for (uint64_t i = 0; i < 50; i++) {
        scene->decision.id.low = i;
        run(scene);
        assert_int_equal(scene->decision.offer, offer);
    }
}

/* ---- who cannot decide ---- */

static void expect_rule_alone(struct scene *scene, enum policy policy) {
    run_many(scene, 2000);
    expect_done_as_logged(scene);
    assert_int_equal(scene->by_policy[policy], 2000);
    assert_int_equal(scene->decision.action_count, 2);
    assert_true(p_of(scene, FIXTURE_TEN_PERCENT) == 0.75 && p_of(scene, -1) == 0.25);
    assert_int_equal(scene->explored, scene->done[0]);
}

static void after_an_alarm_the_rule_decides_alone(void **state) {
    struct scene *scene = *state;
    scene->decision.is_alarmed = true;
    expect_rule_alone(scene, POLICY_MISCALIBRATED);
}

static void without_a_score_the_rule_decides_alone(void **state) {
    struct scene *scene = *state;
    scene->decision.has_score = false;
    expect_rule_alone(scene, POLICY_NOT_FINITE);
}

/* ---- nothing ---- */

static void what_is_worth_nothing_is_held_as_such(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.trial_share = 0;
    scene->fixture.config.min_gain = 1e6;
    run_many(scene, 1000);
    expect_done_as_logged(scene);
    assert_true(scene->done[0] > 950); /* all but epsilon */
    scene->fixture.config.epsilon = 0;
    run(scene);
    assert_int_equal(scene->decision.reason, GATE_NOT_WORTH_IT);
    assert_int_equal(scene->decision.bucket, BUCKET_POLICY);
    assert_int_equal(scene->decision.would_have, FIXTURE_TEN_PERCENT);
    assert_true(scene->decision.action_p == 1);
}

static void gates_hold_before_anything_is_chosen(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.control_share = 1;
    run(scene);
    assert_int_equal(scene->decision.policy, POLICY_NONE);
    assert_int_equal(scene->decision.bucket, BUCKET_CONTROL);
    assert_int_equal(scene->decision.action_count, 1);
    assert_true(scene->decision.action_p == 1);
    scene->fixture.config.control_share = 0;
    scene->decision.cart_value = 0.01; /* nothing leaves a margin but what costs nothing */
    scene->decision.margin = 0;
    run(scene);
    assert_int_equal(scene->decision.reason, GATE_NO_OFFER);
}

static void a_pause_holds_what_was_chosen(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.trial_share = 1;
    decide(&scene->fixture.room, &scene->fixture.ledger, 0, true, &scene->decision);
    assert_int_equal(scene->decision.reason, GATE_PAUSED);
    assert_int_equal(scene->decision.policy, POLICY_TRIAL);
    assert_int_equal(scene->decision.offer, -1);
    assert_int_equal(scene->decision.action_count, 1);
    assert_true(scene->decision.action_p == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_logged_is_how_often_it_happens),
        TEST(each_apprentice_has_the_same_share),
        TEST(without_grown_ups_the_rule_decides_beside_trials),
        TEST(without_a_rule_trials_go_on),
        TEST(without_trials_everything_is_the_policys),
        TEST(the_draw_is_the_episodes),
        TEST(after_an_alarm_the_rule_decides_alone),
        TEST(without_a_score_the_rule_decides_alone),
        TEST(what_is_worth_nothing_is_held_as_such),
        TEST(gates_hold_before_anything_is_chosen),
        TEST(a_pause_holds_what_was_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
