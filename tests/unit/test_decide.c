/* decide: what is done, with which probability, and what the log says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/decide_fixture.h"

#define USERS 20000

struct scene {
    struct decide_fixture fixture;
    struct decision decision;
    char user[32]; /* of the decision, if it is one of the crowd */
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    decide_fixture_init(&scene->fixture, 1);
    decide_fixture_decision("anna", &scene->decision);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    decide_fixture_clean_up(&scene->fixture);
    free(scene);
    return 0;
}

static const struct decision *take(struct scene *scene, bool is_paused) {
    decide(&scene->fixture.room, &scene->fixture.ledger, 0, is_paused, &scene->decision);
    const struct decision *decision = &scene->decision;
    double sum = 0;
    for (size_t i = 0; i < decision->action_count; i++) {
        sum += decision->actions[i].p;
    }
    assert_true(fabs(sum - 1) < 1e-12);
    assert_true(bytes_equal(decision->actions[0].action, bytes_of_text("none")));
    assert_int_equal(decision_is_sent(decision), decision->offer >= 0);
    assert_int_equal(decision_is_sent(decision), decision->gates == 0);
    assert_int_equal(decision_is_sent(decision), decision->expires_ms != TIME_NONE);
    return decision;
}

/* Fresh decision number i of the crowd. */
static const struct decision *take_of(struct scene *scene, int i) {
    snprintf(scene->user, sizeof scene->user, "user-%d", i);
    decide_fixture_decision(scene->user, &scene->decision);
    return take(scene, false);
}

static void expect_only_none(const struct decision *decision) {
    assert_int_equal(decision->action_count, 1);
    assert_true(decision->actions[0].p == 1);
    assert_true(decision->action_p == 1);
    assert_int_equal(decision->offer, -1);
}

static void the_rule_sends_its_offer(void **state) {
    struct scene *scene = *state;
    const struct decision *decision = take(scene, false);
    assert_int_equal(decision->reason, GATE_NONE);
    assert_int_equal(decision->would_have, FIXTURE_TEN_PERCENT);
    assert_int_equal(decision->offer, FIXTURE_TEN_PERCENT);
    assert_int_equal(decision->bucket, BUCKET_POLICY);
    assert_int_equal(decision->action_count, 2);
    assert_true(bytes_equal(decision->actions[1].action, bytes_of_text("ten_percent")));
    assert_true(decision->action_p == 1);
    assert_int_equal(decision->expires_ms, FIXTURE_NOON_MS + FIXTURE_DAY_MS);
    assert_true(decision->redecide_ms == TIME_NONE);
    assert_int_equal(scene->fixture.ledger.hour_count, 1);
    assert_int_equal(scene->fixture.ledger.hours[0].used, 1);
}

static void a_closed_gate_holds_and_takes_nothing(void **state) {
    struct scene *scene = *state;
    scene->decision.consent = CONSENT_DENIED;
    scene->fixture.config.none_share = 1;
    const struct decision *decision = take(scene, false);
    assert_int_equal(decision->reason, GATE_CONSENT_DENIED);
    assert_int_equal(decision->gates, GATE_BIT(GATE_CONSENT_DENIED)); /* no draw: nothing to draw */
    assert_int_equal(decision->bucket, BUCKET_POLICY);
    assert_int_equal(decision->would_have, FIXTURE_TEN_PERCENT);
    expect_only_none(decision);
    assert_int_equal(scene->fixture.ledger.hour_count, 0);
}

static void without_a_rule_there_is_no_offer(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.rules.count = 0;
    const struct decision *decision = take(scene, false);
    assert_int_equal(decision->reason, GATE_NO_OFFER);
    assert_int_equal(decision->would_have, -1);
    expect_only_none(decision);
}

static void control_is_a_bucket_whatever_held_the_decision(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.control_share = 1;
    scene->fixture.config.none_share = 1;
    const struct decision *decision = take(scene, false);
    assert_int_equal(decision->reason, GATE_CONTROL_GROUP);
    assert_int_equal(decision->gates, GATE_BIT(GATE_CONTROL_GROUP));
    assert_int_equal(decision->bucket, BUCKET_CONTROL);
    assert_int_equal(decision->would_have, FIXTURE_TEN_PERCENT);
    expect_only_none(decision);
    scene->decision.consent = CONSENT_DENIED;
    decision = take(scene, false);
    assert_int_equal(decision->reason, GATE_CONSENT_DENIED);
    assert_int_equal(decision->bucket, BUCKET_CONTROL);
}

static void a_draw_on_none_is_explored(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.none_share = 1;
    const struct decision *decision = take(scene, false);
    assert_int_equal(decision->reason, GATE_EXPLORED_NONE);
    assert_int_equal(decision->bucket, BUCKET_EXPLORE);
    assert_int_equal(decision->action_count, 2);
    assert_true(decision->action_p == 1);
    assert_true(decision->actions[1].p == 0);
    assert_int_equal(decision->offer, -1);
    assert_int_equal(scene->fixture.ledger.hour_count, 0);
}

static void the_logged_probability_is_the_realised_one(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.none_share = 0.3;
    int none = 0;
    for (int i = 0; i < USERS; i++) {
        const struct decision *decision = take_of(scene, i);
        assert_true(decision->actions[0].p == 0.3);
        assert_true(decision->actions[1].p == 0.7);
        assert_int_equal(decision->bucket,
                         decision_is_sent(decision) ? BUCKET_POLICY : BUCKET_EXPLORE);
        assert_true(decision->action_p == (decision_is_sent(decision) ? 0.7 : 0.3));
        none += !decision_is_sent(decision);
    }
    double deviation = sqrt(0.3 * 0.7 / USERS);
    assert_true(fabs((double)none / USERS - 0.3) < 3 * deviation);
}

static void the_draw_belongs_to_the_episode(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.none_share = 0.5;
    int differs = 0;
    for (int i = 0; i < 200; i++) {
        bool is_sent = decision_is_sent(take_of(scene, i));
        scene->decision.id = (struct hash128){(uint64_t)i, 99}; /* a later one of the episode */
        scene->decision.decided_ms += FIXTURE_HOUR_MS;
        scene->decision.attempt = 1;
        assert_int_equal(decision_is_sent(take(scene, false)), is_sent);
        scene->decision.episode_id = (struct hash128){(uint64_t)i, 99};
        differs += decision_is_sent(take(scene, false)) != is_sent;
    }
    assert_in_range(differs, 70, 130);
}

static void only_the_explore_salt_moves_the_draw(void **state) {
    struct scene *scene = *state;
    struct decide_config *config = &scene->fixture.config;
    config->none_share = 0.5;
    int differs = 0;
    for (int i = 0; i < 200; i++) {
        bool is_sent = decision_is_sent(take_of(scene, i));
        config->control_salt = "control-2";
        assert_int_equal(decision_is_sent(take(scene, false)), is_sent);
        config->explore_salt = "explore-2";
        differs += decision_is_sent(take(scene, false)) != is_sent;
        config->control_salt = "control-1";
        config->explore_salt = "explore-1";
    }
    assert_in_range(differs, 70, 130);
}

/* Pearson's chi-square of the 2 x 2 table (control, explored) against independence; one degree of
 * freedom, so 10.83 is p = .001. The salts are fixed: it passes always or never. */
static void control_and_exploration_are_independent(void **state) {
    struct scene *scene = *state;
    struct decide_config *config = &scene->fixture.config;
    double cells[2][2] = {{0}};
    for (int i = 0; i < USERS; i++) {
        config->control_share = 0.10;
        config->none_share = 0;
        bool is_control = take_of(scene, i)->bucket == BUCKET_CONTROL;
        config->control_share = 0;
        config->none_share = 0.10;
        cells[is_control][take_of(scene, i)->bucket == BUCKET_EXPLORE]++;
    }
    double chi_square = 0;
    for (int a = 0; a < 2; a++) {
        for (int b = 0; b < 2; b++) {
            double row = cells[a][0] + cells[a][1], column = cells[0][b] + cells[1][b];
            double expected = row * column / USERS;
            chi_square += (cells[a][b] - expected) * (cells[a][b] - expected) / expected;
        }
    }
    double control = (cells[1][0] + cells[1][1]) / USERS;
    double explored = (cells[0][1] + cells[1][1]) / USERS;
    assert_true(fabs(control - 0.10) < 3 * sqrt(0.09 / USERS));
    assert_true(fabs(explored - 0.10) < 3 * sqrt(0.09 / USERS));
    assert_true(chi_square < 10.83);
}

static void observe_and_pause_choose_the_same_and_hold_it(void **state) {
    struct scene *scene = *state;
    struct decide_config *config = &scene->fixture.config;
    config->none_share = 0.5;
    config->control_share = 0.2;
    for (int i = 0; i < 300; i++) {
        struct decision live = *take_of(scene, i);
        scene->fixture.ledger = (struct ledger){0};
        for (int is_paused = 0; is_paused < 2; is_paused++) {
            config->mode = is_paused ? MODE_APPRENTICE : MODE_OBSERVE;
            enum gate gate = is_paused ? GATE_PAUSED : GATE_MODE_OBSERVE;
            const struct decision *held = take(scene, is_paused);
            assert_int_equal(held->gates, live.gates | GATE_BIT(gate));
            assert_int_equal(held->bucket, live.bucket);
            assert_int_equal(held->would_have, live.would_have);
            assert_int_equal(held->reason, decision_is_sent(&live) ? gate : live.reason);
            expect_only_none(held); /* in truth nothing else could happen */
        }
        config->mode = MODE_APPRENTICE;
        assert_int_equal(scene->fixture.ledger.hour_count, 0);
    }
}

static void quiet_hours_defer_once(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.quiet_hours = (struct config_time_range){11 * 60, 13 * 60};
    const struct decision *decision = take(scene, false);
    assert_int_equal(decision->reason, GATE_QUIET_HOURS);
    assert_int_equal(decision->redecide_ms, FIXTURE_NOON_MS + FIXTURE_HOUR_MS);
    expect_only_none(decision);

    scene->decision.attempt = 1;
    decision = take(scene, false); /* still quiet: the zone changed meanwhile */
    assert_int_equal(decision->reason, GATE_QUIET_HOURS);
    assert_true(decision->redecide_ms == TIME_NONE);

    scene->decision.decided_ms = FIXTURE_NOON_MS + FIXTURE_HOUR_MS;
    assert_int_equal(take(scene, false)->reason, GATE_NONE);
}

static void quiet_hours_behind_another_gate_defer_nothing(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.quiet_hours = (struct config_time_range){11 * 60, 13 * 60};
    scene->decision.consent = CONSENT_UNKNOWN;
    const struct decision *decision = take(scene, false);
    assert_int_equal(decision->reason, GATE_CONSENT_UNKNOWN);
    assert_int_equal(decision->gates, GATE_BIT(GATE_CONSENT_UNKNOWN) | GATE_BIT(GATE_QUIET_HOURS));
    assert_true(decision->redecide_ms == TIME_NONE);
    scene->decision.consent = CONSENT_GRANTED;
    scene->fixture.config.control_share = 1; /* a later gate changes nothing */
    assert_int_equal(take(scene, false)->redecide_ms, FIXTURE_NOON_MS + FIXTURE_HOUR_MS);
}

static void the_cap_per_hour_holds_what_is_beyond_it(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.cap_per_hour = 7;
    scene->fixture.config.control_share = 0.3;
    scene->fixture.config.none_share = 0.3;
    int sent = 0, capped = 0;
    for (int i = 0; i < 100; i++) {
        const struct decision *decision = take_of(scene, i);
        sent += decision_is_sent(decision);
        capped += decision->reason == GATE_HOUR_CAP;
        assert_int_equal((decision->gates & GATE_BIT(GATE_HOUR_CAP)) != 0,
                         sent == 7 && !decision_is_sent(decision) && capped > 0);
    }
    assert_int_equal(sent, 7); /* held ones took nothing of it */
    assert_true(capped > 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_rule_sends_its_offer),
        TEST(a_closed_gate_holds_and_takes_nothing),
        TEST(without_a_rule_there_is_no_offer),
        TEST(control_is_a_bucket_whatever_held_the_decision),
        TEST(a_draw_on_none_is_explored),
        TEST(the_logged_probability_is_the_realised_one),
        TEST(the_draw_belongs_to_the_episode),
        TEST(only_the_explore_salt_moves_the_draw),
        TEST(control_and_exploration_are_independent),
        TEST(observe_and_pause_choose_the_same_and_hold_it),
        TEST(quiet_hours_defer_once),
        TEST(quiet_hours_behind_another_gate_defer_nothing),
        TEST(the_cap_per_hour_holds_what_is_beyond_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
