/* Decisions and what becomes of them through all rooms: examples as they are written, room for new
 * decisions, and decisions that end without an example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "consumer/side/side_table.h"
#include "tests/support/scene.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

#define CONFIG(state, observe, outcomes)                                                           \
    "clean: {lateness: 5s}\n"                                                                      \
    "state: {" state "}\n"                                                                         \
    "triggers:\n"                                                                                  \
    "  cart_abandoned: {idle: 20m}\n"                                                              \
    "  checkout_abandoned: {idle: 10m}\n"                                                          \
    "  browse_abandoned: {enabled: false}\n"                                                       \
    "  observe: {" observe "}\n"                                                                   \
    "outcomes: {trigger_window: 2h, " outcomes "}\n"                                               \
    "decide:\n"                                                                                    \
    "  control_share: 0\n"                                                                         \
    "  none_share: 0\n"                                                                            \
    "  contact_cost: 0\n"                                                                          \
    "  attribution_window: 1d\n"                                                                   \
    "  cap_per_user_day: 0\n"                                                                      \
    "  cap_per_user_week: 0\n"                                                                     \
    "  quiet_hours: \"22:00-08:00\"\n"                                                             \
    "  offers: [{id: ten, kind: percent_off, value: 10, title: t, body: b}]\n"                     \
    "  rules: [{trigger: cart_abandoned, offer: ten}, {trigger: checkout_abandoned, offer: "       \
    "ten}]\n"

static int set_up(void **state) {
    return scene_set_up_with(state, CONFIG("users_max: 9", "share: 0", "open_max: 9"));
}

static int set_up_watchful(void **state) {
    return scene_set_up_with(
        state, CONFIG("users_max: 9, bot_events_per_minute: 10", "share: 0", "open_max: 9"));
}

static int set_up_two_users(void **state) {
    return scene_set_up_with(state, CONFIG("users_max: 2", "share: 0", "open_max: 9"));
}

static int set_up_one_open(void **state) {
    return scene_set_up_with(state, CONFIG("users_max: 9", "share: 0", "open_max: 1"));
}

static int set_up_observing(void **state) {
    return scene_set_up_with(
        state, CONFIG("users_max: 99", "share: 0.5, within: 1m", "observe_window: 30m"));
}

#define OUTCOMES(scene, name) metric_get(&(scene)->bench.pipeline.outcomes.metrics.name)

/* The n-th example of the last epoch; false if there are fewer. */
static bool example_at(struct scene *scene, size_t n, struct example_row *out) {
    struct bytes body;
    return scene_row(scene, TOPIC_EXAMPLES, SCHEMA_EXAMPLE, n, &body) && example_decode(body, out);
}

static size_t tombstones(const struct scene *scene) {
    size_t count = 0;
    for (size_t i = 0; i < scene->bench.epoch.record_count; i++) {
        count += scene->bench.epoch.records[i].topic == TOPIC_OPEN_DECISIONS &&
                 scene->bench.epoch.records[i].is_tombstone;
    }
    return count;
}

/* Somebody else's event moves the time on. */
static void time_passes(struct scene *scene, int64_t until_ms) {
    scene_feed(scene, "carl", EVENT_CART_VIEWED, until_ms + 5000);
    assert_int_equal(scene->bench.partition.open_count,
                     side_table_count(scene->bench.partition.open_rows));
}

/* The cart goes quiet: one decision 20 minutes later. */
static void abandon(struct scene *scene, const char *user, int64_t at_ms) {
    scene_feed(scene, user, EVENT_PRODUCT_ADDED, at_ms);
    time_passes(scene, at_ms + 20 * MINUTE_MS);
}

static void order(struct scene *scene, const char *user, int64_t at_ms, double total) {
    struct event_line line;
    struct event event = scene_event(&line, user, EVENT_ORDER_COMPLETED, at_ms);
    event.total = total;
    scene_feed_event(scene, INPUT_CLICKSTREAM, &event, at_ms);
}

static void test_a_label_and_its_correction(void **state) {
    struct scene *scene = *state;
    struct decision_row decision;
    struct example_row example;
    abandon(scene, "anna", NOON_MS);
    assert_true(scene_decision(scene, 0, &decision) && decision.sent);
    struct hash128 id = decision.decision_id;
    scene_assert_text(decision.reason, "rule");
    time_passes(scene, NOON_MS + 20 * MINUTE_MS + 2 * HOUR_MS - 1);
    assert_false(example_at(scene, 0, &example));
    time_passes(scene, NOON_MS + 20 * MINUTE_MS + 2 * HOUR_MS);
    assert_true(example_at(scene, 0, &example) && !example_at(scene, 1, &example));
    assert_true(example_at(scene, 0, &example));
    assert_true(hash128_equal(example.decision_id, id) && example.revision == 0);
    assert_int_equal(example.label, LABEL_NOT_BOUGHT);
    assert_int_equal(tombstones(scene), 0);
    order(scene, "anna", NOON_MS + 3 * HOUR_MS, 45);
    assert_true(example_at(scene, 0, &example));
    assert_true(example.label == LABEL_BOUGHT && example.is_retraction && example.revision == 1);
    /* 45 x 0.3: the push was not reported as delivered, so the order took it back */
    assert_true(example.net_margin > 13.49 && example.net_margin < 13.51);
    time_passes(scene, NOON_MS + 2 * DAY_MS);
    assert_int_equal(OUTCOMES(scene, matured_total), 1);
    assert_int_equal(tombstones(scene), 0); /* a refund may come */
    time_passes(scene, NOON_MS + 31 * DAY_MS);
    assert_int_equal(tombstones(scene), 1);
    assert_int_equal(OUTCOMES(scene, examples_total), 2);
    assert_int_equal(scene->bench.partition.open_count, 0);
}

static void test_who_did_not_buy_leaves_after_the_window(void **state) {
    struct scene *scene = *state;
    abandon(scene, "anna", NOON_MS);
    time_passes(scene, NOON_MS + 20 * MINUTE_MS + DAY_MS - 1);
    assert_int_equal(scene->bench.partition.open_count, 1);
    time_passes(scene, NOON_MS + 20 * MINUTE_MS + DAY_MS);
    assert_int_equal(tombstones(scene), 1);
    assert_int_equal(scene->bench.partition.open_count, 0);
    assert_int_equal(OUTCOMES(scene, examples_total), 1);
}

/* What a first push would have come to nobody knows once there was a second one. */
static void test_a_later_push_censors_the_earlier_decision(void **state) {
    struct scene *scene = *state;
    struct example_row example;
    abandon(scene, "anna", NOON_MS);
    abandon(scene, "anna", NOON_MS + HOUR_MS);
    time_passes(scene, NOON_MS + 4 * HOUR_MS);
    assert_true(example_at(scene, 0, &example) && example.is_censored_by_push);
    assert_true(example_at(scene, 1, &example) && !example.is_censored_by_push);
}

static void test_evicted_users_leave_no_example(void **state) {
    struct scene *scene = *state;
    struct example_row example;
    abandon(scene, "anna", NOON_MS); /* carl is the second user */
    assert_int_equal(scene->bench.partition.open_count, 1);
    scene_feed(scene, "dora", EVENT_PRODUCT_VIEWED, NOON_MS + HOUR_MS);
    assert_null(scene_user(scene, "anna"));
    assert_int_equal(tombstones(scene), 1);
    assert_false(example_at(scene, 0, &example));
    assert_int_equal(OUTCOMES(scene, evicted_total), 1);
    assert_int_equal(scene->bench.partition.open_count, 0);
    assert_int_equal(side_table_count(scene->bench.partition.open_rows), 0);
    time_passes(scene, NOON_MS + DAY_MS);
    assert_int_equal(OUTCOMES(scene, examples_total), 0);
}

static void test_a_reason_gone_by_the_morning_is_no_example(void **state) {
    struct scene *scene = *state;
    struct decision_row decision;
    abandon(scene, "anna", NOON_MS + 10 * HOUR_MS);
    assert_true(scene_decision(scene, 0, &decision));
    scene_assert_text(decision.reason, "quiet_hours");
    order(scene, "anna", NOON_MS + 12 * HOUR_MS, 50);
    time_passes(scene, NOON_MS + 20 * HOUR_MS);
    assert_true(scene_decision(scene, 0, &decision));
    assert_int_equal(decision.attempt, 1);
    scene_assert_text(decision.reason, "condition_gone");
    assert_int_equal(tombstones(scene), 1);
    assert_int_equal(OUTCOMES(scene, condition_gone_total), 1);
    assert_int_equal(scene->bench.partition.open_count, 0);
    time_passes(scene, NOON_MS + 3 * DAY_MS);
    assert_int_equal(OUTCOMES(scene, examples_total), 0);
}

/* A decision was taken before its user was known for a bot. */
static void test_a_bot_is_no_example(void **state) {
    struct scene *scene = *state;
    struct example_row example;
    abandon(scene, "anna", NOON_MS);
    time_passes(scene, NOON_MS + 2 * HOUR_MS + 20 * MINUTE_MS); /* this one is labelled */
    abandon(scene, "anna", NOON_MS + 3 * HOUR_MS);
    for (int i = 0; i < 20; i++) {
        scene_feed(scene, "anna", EVENT_PRODUCT_VIEWED, NOON_MS + 4 * HOUR_MS + i);
    }
    assert_true(scene_user(scene, "anna")->bot_suspect);
    time_passes(scene, NOON_MS + 6 * HOUR_MS);
    assert_false(example_at(scene, 0, &example));
    assert_int_equal(OUTCOMES(scene, bots_total), 1);
    assert_int_equal(scene_user(scene, "anna")->active->open_count, 1);
    order(scene, "anna", NOON_MS + 7 * HOUR_MS, 45); /* what was labelled before is kept up */
    assert_true(example_at(scene, 0, &example) && example.revision == 1);
    assert_false(example_at(scene, 1, &example));
    assert_int_equal(OUTCOMES(scene, examples_total), 2);
}

/* ---- room ---- */

/* Decisions on n days one after the other, each of which ends in an order. */
static void buy_daily(struct scene *scene, int days) {
    for (int day = 0; day < days; day++) {
        abandon(scene, "anna", NOON_MS + day * 2 * DAY_MS);
        order(scene, "anna", NOON_MS + day * 2 * DAY_MS + HOUR_MS, 45);
        time_passes(scene, NOON_MS + day * 2 * DAY_MS + 30 * HOUR_MS);
    }
}

static void test_who_bought_makes_room(void **state) {
    struct scene *scene = *state;
    struct decision_row decision;
    buy_daily(scene, 4);
    assert_int_equal(scene_user(scene, "anna")->active->open_count, 4);
    struct hash128 first = scene_user(scene, "anna")->active->open[0].id;
    abandon(scene, "anna", NOON_MS + 8 * DAY_MS);
    assert_true(scene_decision(scene, 0, &decision) && decision.sent);
    assert_int_equal(tombstones(scene), 1);
    assert_int_equal(OUTCOMES(scene, closed_early_total), 1);
    assert_int_equal(OUTCOMES(scene, too_many_open_total), 0);
    const struct user_active *active = scene_user(scene, "anna")->active;
    assert_int_equal(active->open_count, 4);
    assert_false(hash128_equal(active->open[0].id, first));
    assert_true(hash128_equal(active->open[3].id, decision.decision_id));
}

/* Two decisions of one night are taken again at the same time; neither needs a place, for it has
 * one. */
static void test_a_second_attempt_needs_no_room(void **state) {
    struct scene *scene = *state;
    struct decision_row decision;
    buy_daily(scene, 2);
    int64_t day_ms = NOON_MS + 4 * DAY_MS;
    abandon(scene, "anna", day_ms + 10 * HOUR_MS);
    scene_feed(scene, "anna", EVENT_CHECKOUT_STARTED, day_ms + 10 * HOUR_MS + 40 * MINUTE_MS);
    time_passes(scene, day_ms + 11 * HOUR_MS);
    assert_int_equal(scene_user(scene, "anna")->active->open_count, 4);
    time_passes(scene, day_ms + 20 * HOUR_MS);
    assert_true(scene_decision(scene, 0, &decision));
    assert_true(decision.attempt == 1 && decision.trigger == TRIGGER_CART_ABANDONED);
    assert_true(scene_decision(scene, 1, &decision));
    assert_true(decision.attempt == 1 && decision.trigger == TRIGGER_CHECKOUT_ABANDONED);
    assert_false(scene_decision(scene, 2, &decision));
    assert_int_equal(OUTCOMES(scene, closed_early_total), 0);
    assert_int_equal(scene_user(scene, "anna")->active->open_count, 4);
}

static void test_a_partition_has_so_many_places(void **state) {
    struct scene *scene = *state;
    struct decision_row decision;
    abandon(scene, "anna", NOON_MS);
    abandon(scene, "bert", NOON_MS + HOUR_MS);
    assert_true(scene_decision(scene, 0, &decision) && !decision.sent);
    scene_assert_text(decision.reason, "too_many_open");
    assert_int_equal(OUTCOMES(scene, too_many_open_total), 1);
    assert_int_equal(scene->bench.partition.open_count, 1);
    time_passes(scene, NOON_MS + 25 * HOUR_MS); /* anna's is over */
    abandon(scene, "bert", NOON_MS + 26 * HOUR_MS);
    assert_true(scene_decision(scene, 0, &decision) && decision.sent);
}

/* Whose reason was gone by the morning leaves his place to whoever comes after him, though both
 * waited in one micro-batch. */
static void test_a_place_is_free_before_the_batch_is_over(void **state) {
    struct scene *scene = *state;
    struct decision_row decision;
    abandon(scene, "anna", NOON_MS + 10 * HOUR_MS);
    order(scene, "anna", NOON_MS + 12 * HOUR_MS, 50);
    scene_feed(scene, "bert", EVENT_PRODUCT_ADDED, NOON_MS + 20 * HOUR_MS - 19 * MINUTE_MS);
    time_passes(scene, NOON_MS + 20 * HOUR_MS + 2 * MINUTE_MS);
    assert_true(scene_decision(scene, 0, &decision));
    scene_assert_text(decision.reason, "condition_gone");
    assert_true(scene_decision(scene, 1, &decision) && decision.sent);
    scene_assert_text(decision.user_id, "bert");
    assert_int_equal(OUTCOMES(scene, too_many_open_total), 0);
}

/* ---- sampled observations ---- */

/* A user whose next session, beginning at this time, is sampled: by trying. */
static const char *sampled_user(struct scene *scene, int64_t at_ms) {
    static const char *const names[] = {"u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        scene_feed(scene, names[i], EVENT_CART_VIEWED, at_ms);
        const struct user_active *active = scene_user(scene, names[i])->active;
        if (active && active->timers[TIMER_OBSERVE].deadline_ms != TIME_NONE) {
            return names[i];
        }
    }
    fail_msg("nobody of nine is in a sample of one half");
    return NULL;
}

static void test_an_observation_is_labelled_after_its_own_window(void **state) {
    struct scene *scene = *state;
    struct decision_row decision;
    struct example_row example;
    const char *user = sampled_user(scene, NOON_MS);
    int64_t at_ms = scene_user(scene, user)->active->timers[TIMER_OBSERVE].deadline_ms;
    assert_true(at_ms > NOON_MS && at_ms <= NOON_MS + MINUTE_MS);
    time_passes(scene, at_ms);
    assert_true(scene_decision(scene, 0, &decision));
    assert_true(decision.trigger == TRIGGER_OBSERVE && decision.decided_ms == at_ms);
    scene_assert_text(decision.reason, "observation");
    scene_assert_text(decision.policy, "none");
    assert_true(hash128_equal(decision.episode_id, (struct hash128){0})); /* it is in none */
    assert_false(decision.is_followup);
    time_passes(scene, at_ms + 30 * MINUTE_MS);
    assert_true(example_at(scene, 0, &example));
    scene_assert_text(example.user_id, user);
    scene_assert_text(example.origin, "observe");
    assert_true(example.weight == 2); /* one of two */
    assert_true(example.labelled_ms == at_ms + 30 * MINUTE_MS);
    assert_true(scene_user(scene, user)->active->episode_end_ms == TIME_NONE);
}

static void test_an_observation_leaves_the_last_place_to_a_trigger(void **state) {
    struct scene *scene = *state;
    struct triggers_metrics *metrics = &scene->bench.pipeline.triggers_metrics;
    const char *user = sampled_user(scene, NOON_MS);
    uint32_t slot = user_store_find(&scene->bench.partition.store, bytes_of_text(user));
    struct user_active *active = user_store_get(&scene->bench.partition.store, slot)->state.active;
    active->open = memory_new(USER_OPEN_MAX, sizeof *active->open);
    active->open_count = USER_OPEN_MAX - 1;
    scene_feed(scene, "carl", EVENT_CART_VIEWED, NOON_MS + HOUR_MS);
    assert_int_equal(metric_get(&metrics->observe_skipped_total), 1);
    active->open_count = 0; /* they were none */
}

#define TEST_WITH(name, fixture) cmocka_unit_test_setup_teardown(name, fixture, scene_tear_down)
#define TEST(name)               TEST_WITH(name, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_label_and_its_correction),
        TEST(test_who_did_not_buy_leaves_after_the_window),
        TEST(test_a_later_push_censors_the_earlier_decision),
        TEST_WITH(test_evicted_users_leave_no_example, set_up_two_users),
        TEST(test_a_reason_gone_by_the_morning_is_no_example),
        TEST_WITH(test_a_bot_is_no_example, set_up_watchful),
        TEST(test_who_bought_makes_room),
        TEST(test_a_second_attempt_needs_no_room),
        TEST_WITH(test_a_partition_has_so_many_places, set_up_one_open),
        TEST_WITH(test_a_place_is_free_before_the_batch_is_over, set_up_one_open),
        TEST_WITH(test_an_observation_is_labelled_after_its_own_window, set_up_observing),
        TEST_WITH(test_an_observation_leaves_the_last_place_to_a_trigger, set_up_observing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
