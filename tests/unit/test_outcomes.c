/* outcomes: the label of one decision through all that may become of it, each boundary of its
 * windows, and what is written when. */
#include "consumer/rooms/outcomes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include <math.h>

#include "consumer/rooms/emit.h"
#include "consumer/side/side_table.h"
#include "schemas/schemas.h"
#include "tests/support/decide_fixture.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   FIXTURE_HOUR_MS
#define DAY_MS    FIXTURE_DAY_MS
#define NOON_MS   FIXTURE_NOON_MS /* when the decision is taken */

static const struct outcomes_config config = {
    .observe_window_ms = 30 * MINUTE_MS,
    .trigger_window_ms = 24 * HOUR_MS,
    .cancel_window_ms = 24 * HOUR_MS,
    .return_window_ms = 30 * DAY_MS,
    .open_max = 10,
};

struct scene {
    struct decide_fixture fixture;
    struct partition partition;
    struct epoch epoch;
    struct emit emit;
    struct decision_tally tally;
    struct progress progress;
    struct outcomes room;
    struct decision decision;
    struct open_decision open;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    decide_fixture_init(&scene->fixture, 1);
    scene->fixture.config.contact_cost = 0.03;
    partition_init(&scene->partition, 0, 10, scene->fixture.zones);
    epoch_init(&scene->epoch);
    emit_init(&scene->emit, &scene->fixture.config, &scene->tally);
    scene->emit.epoch = &scene->epoch;
    progress_init(&scene->progress, 1, (const char *const[]){"one"});
    scene->room = (struct outcomes){.config = &config,
                                    .decide = &scene->fixture.config,
                                    .epoch = &scene->epoch,
                                    .progress = &scene->progress};
    decide_fixture_decision("anna", &scene->decision);
    scene->decision.weight = 1;
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    emit_clean_up(&scene->emit);
    epoch_clean_up(&scene->epoch);
    partition_clean_up(&scene->partition);
    decide_fixture_clean_up(&scene->fixture);
    free(scene);
    return 0;
}

/* Decides and writes what the decision froze; its rows are out of the way then. */
static void open_it(struct scene *scene) {
    struct decision *decision = &scene->decision;
    decision->learner_count = 1;
    decision->learners[0] = bytes_of_text("one");
    decide(&scene->fixture.room, &scene->fixture.ledger, 0, false, decision);
    emit_decision(&scene->emit, 0, decision, scene->partition.open_rows);
    const struct offer *offers = scene->fixture.offers;
    decision_open(decision, decision_is_sent(decision) ? offers[decision->offer].id : "",
                  &scene->open);
    epoch_clear(&scene->epoch);
}

static enum outcome_change hear_of(struct scene *scene, enum event_type type, int64_t at_ms,
                                   double total, const char *order_id) {
    struct event event;
    event_clear(&event, NULL);
    event.type = type;
    event.event_ms = at_ms;
    event.total = total;
    event.order_id = bytes_of_text(order_id);
    enum outcome_change change = outcomes_take(&config, &scene->open, &event);
    outcomes_correct(&scene->room, &scene->partition, &scene->open, change, at_ms);
    return change;
}

static enum outcome_change order(struct scene *scene, int64_t at_ms) {
    return hear_of(scene, EVENT_ORDER_COMPLETED, at_ms, 90, "o-1");
}

static enum outcome_change cancel(struct scene *scene, int64_t at_ms, const char *order_id) {
    return hear_of(scene, EVENT_ORDER_CANCELLED, at_ms, NAN, order_id);
}

static enum outcome_change refund(struct scene *scene, int64_t at_ms, double total) {
    return hear_of(scene, EVENT_ORDER_REFUNDED, at_ms, total, "o-1");
}

/* Takes the step that is due next, which must be at this time. True if the decision is over. */
static bool step(struct scene *scene, int64_t at_ms) {
    assert_true(outcomes_next_ms(&config, &scene->open) == at_ms);
    return outcomes_step(&scene->room, &scene->partition, &scene->open, at_ms);
}

static size_t example_count(const struct scene *scene) {
    return scene->epoch.record_count;
}

/* The newest example. */
static struct example_row last_example(const struct scene *scene) {
    size_t last = scene->epoch.record_count - 1;
    struct example_row row;
    struct bytes body;
    char key[33];
    hash128_format(scene->decision.id, key);
    assert_true(scene->epoch.record_count > 0);
    assert_int_equal(scene->epoch.records[last].topic, TOPIC_EXAMPLES);
    assert_int_equal(scene->epoch.records[last].partition, 0);
    assert_true(bytes_equal(epoch_record_key(&scene->epoch, last), bytes_of_text(key)));
    assert_true(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0,
                             epoch_record_value(&scene->epoch, last), &body));
    assert_true(example_decode(body, &row));
    return row;
}

/* One more example was written, and this is what it says. */
static void expect_example(const struct scene *scene, size_t count, enum label label,
                           bool is_retraction, int64_t labelled_ms) {
    assert_int_equal(example_count(scene), count);
    struct example_row row = last_example(scene);
    assert_int_equal(row.revision, count - 1);
    assert_int_equal(row.label, label);
    assert_int_equal(row.is_retraction, is_retraction);
    assert_true(row.labelled_ms == labelled_ms);
}

static void expect_close(double found, double expected) {
    if (!(fabs(found - expected) < 1e-9)) {
        fail_msg("found %.12g, expected %.12g", found, expected);
    }
}

/* ---- the first label ---- */

static void the_label_comes_when_the_short_window_is_over(void **state) {
    struct scene *scene = *state;
    scene->decision.feature_version = 3;
    scene->decision.number_count = 2;
    scene->decision.numbers[0] = 1.5;
    scene->decision.numbers[1] = NAN;
    scene->decision.name_count = 1;
    scene->decision.names[0] = bytes_of_text("shoes");
    scene->decision.subject_key_id = bytes_of_text("k1");
    scene->decision.p[0][FIXTURE_TEN_PERCENT + 1] = 0.25;
    open_it(scene);
    assert_false(step(scene, NOON_MS + DAY_MS));
    expect_example(scene, 1, LABEL_NOT_BOUGHT, false, NOON_MS + DAY_MS);
    struct example_row row = last_example(scene);
    assert_true(hash128_equal(row.decision_id, scene->decision.id));
    assert_true(hash128_equal(row.episode_id, scene->decision.episode_id));
    assert_true(bytes_equal(row.user_id, bytes_of_text("anna")));
    assert_true(bytes_equal(row.subject_key_id, bytes_of_text("k1")));
    assert_true(bytes_equal(row.origin, bytes_of_text("cart_abandoned")));
    assert_true(bytes_equal(row.action, bytes_of_text("ten_percent")));
    assert_true(bytes_equal(row.bucket, bytes_of_text("policy")));
    assert_true(row.decided_ms == NOON_MS && row.action_p == 1);
    assert_int_equal(row.feature_version, 3);
    assert_true(row.number_count == 2 && row.numbers[0] == 1.5 && isnan(row.numbers[1]));
    assert_true(row.name_count == 1 && bytes_equal(row.names[0], bytes_of_text("shoes")));
    assert_int_equal(row.score_count, 1);
    assert_true(row.scores[0].p_count == 2 && row.scores[0].p[1] == 0.25);
    assert_true(row.weight == 1 && !row.is_censored_by_push);
    expect_close(row.net_margin, -0.03); /* the contact */
    assert_int_equal(metric_get(&scene->room.metrics.examples_total), 1);
    assert_int_equal(metric_get(&scene->room.metrics.bought_total), 0);
}

static void a_sampled_observation_has_a_window_and_a_weight_of_its_own(void **state) {
    struct scene *scene = *state;
    scene->decision.trigger = TRIGGER_OBSERVE;
    scene->decision.weight = 20;
    open_it(scene);
    assert_false(step(scene, NOON_MS + 30 * MINUTE_MS));
    struct example_row row = last_example(scene);
    assert_true(row.weight == 20);
    assert_true(bytes_equal(row.origin, bytes_of_text("observe")));
    assert_true(bytes_equal(row.action, bytes_of_text("none")));
    expect_close(row.net_margin, 0);
}

static void no_label_comes_after_the_attribution_window(void **state) {
    struct scene *scene = *state;
    scene->decision.close_ms = NOON_MS + 2 * HOUR_MS;
    open_it(scene);
    assert_false(step(scene, NOON_MS + 2 * HOUR_MS)); /* the label */
    assert_int_equal(example_count(scene), 1);
    assert_true(step(scene, NOON_MS + 2 * HOUR_MS)); /* and at the same time its end */
    assert_int_equal(example_count(scene), 1);
}

static void what_happened_before_the_label_makes_one_example(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    assert_int_equal(order(scene, NOON_MS + HOUR_MS), OUTCOME_FLIPPED);
    assert_int_equal(refund(scene, NOON_MS + 2 * HOUR_MS, 45), OUTCOME_MARGIN);
    assert_int_equal(example_count(scene), 0);
    assert_false(step(scene, NOON_MS + DAY_MS));
    expect_example(scene, 1, LABEL_BOUGHT, false, NOON_MS + DAY_MS);
    expect_close(last_example(scene).net_margin, 20 * 0.5 - 0.03);
    assert_int_equal(metric_get(&scene->room.metrics.bought_total), 1);
    assert_int_equal(metric_get(&scene->room.metrics.corrections_total), 0);
}

static void an_order_taken_back_before_the_label_is_cancelled(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    order(scene, NOON_MS + HOUR_MS);
    assert_int_equal(cancel(scene, NOON_MS + 2 * HOUR_MS, "o-1"), OUTCOME_FLIPPED);
    assert_false(step(scene, NOON_MS + DAY_MS));
    expect_example(scene, 1, LABEL_CANCELLED, false, NOON_MS + DAY_MS);
    assert_int_equal(metric_get(&scene->room.metrics.bought_total), 0);
    assert_int_equal(metric_get(&scene->room.metrics.cancelled_total), 1);
}

/* ---- orders ---- */

static void an_order_counts_from_the_decision_to_the_end_of_its_window(void **state) {
    struct scene *scene = *state;
    static const struct {
        int64_t after_ms;
        enum outcome_change change;
    } cases[] = {{-1, OUTCOME_SAME},
                 {0, OUTCOME_FLIPPED},
                 {7 * DAY_MS - 1, OUTCOME_FLIPPED},
                 {7 * DAY_MS, OUTCOME_SAME}};
    open_it(scene);
    struct open_decision fresh = scene->open;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene->open = fresh;
        assert_int_equal(order(scene, NOON_MS + cases[i].after_ms), cases[i].change);
        assert_int_equal((scene->open.flags & DECISION_ORDERED) != 0,
                         cases[i].change == OUTCOME_FLIPPED);
    }
}

/* After quiet hours what counts is the second attempt: nothing was decided before. */
static void a_deferred_decision_has_no_order_before_its_second_attempt(void **state) {
    struct scene *scene = *state;
    scene->fixture.config.quiet_hours = (struct config_time_range){11 * 60, 13 * 60};
    open_it(scene);
    assert_true(scene->open.flags & DECISION_DEFERRED);
    assert_int_equal(order(scene, NOON_MS + MINUTE_MS), OUTCOME_SAME);
    scene->decision.attempt = 1;
    scene->decision.decided_ms = NOON_MS + HOUR_MS;
    open_it(scene);
    assert_int_equal(order(scene, NOON_MS + HOUR_MS - 1), OUTCOME_SAME);
    assert_int_equal(order(scene, NOON_MS + HOUR_MS), OUTCOME_FLIPPED);
    assert_true(outcomes_next_ms(&config, &scene->open) == NOON_MS + HOUR_MS + DAY_MS);
}

static void a_late_order_takes_the_label_back(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    (void)step(scene, NOON_MS + DAY_MS);
    assert_int_equal(order(scene, NOON_MS + 3 * DAY_MS), OUTCOME_FLIPPED);
    expect_example(scene, 2, LABEL_BOUGHT, true, NOON_MS + 3 * DAY_MS);
    expect_close(last_example(scene).net_margin, 20 - 0.03);
    assert_int_equal(metric_get(&scene->room.metrics.corrections_total), 1);
    /* A second order is no news. */
    assert_int_equal(hear_of(scene, EVENT_ORDER_COMPLETED, NOON_MS + 4 * DAY_MS, 500, "o-2"),
                     OUTCOME_SAME);
    assert_int_equal(example_count(scene), 2);
    assert_true(scene->open.order_total == 90);
}

/* ---- cancellations ---- */

static void a_cancellation_counts_within_its_window(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    (void)step(scene, NOON_MS + DAY_MS);
    int64_t order_ms = NOON_MS + 2 * DAY_MS;
    assert_int_equal(cancel(scene, order_ms - 1, "o-1"), OUTCOME_SAME); /* of no order at all */
    order(scene, order_ms);
    assert_int_equal(cancel(scene, order_ms + DAY_MS, "o-1"), OUTCOME_SAME);
    assert_int_equal(cancel(scene, order_ms + HOUR_MS, "o-2"), OUTCOME_SAME); /* another one */
    assert_int_equal(example_count(scene), 2);
    assert_int_equal(cancel(scene, order_ms + DAY_MS - 1, "o-1"), OUTCOME_FLIPPED);
    expect_example(scene, 3, LABEL_CANCELLED, true, order_ms + DAY_MS - 1);
    expect_close(last_example(scene).net_margin, -0.03);
    assert_int_equal(cancel(scene, order_ms + DAY_MS - 1, "o-1"), OUTCOME_SAME);
}

static void without_ids_any_order_is_meant(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    struct open_decision fresh = scene->open;
    static const char *const ids[][2] = {{"", "o-1"}, {"o-1", ""}, {"", ""}};
    for (size_t i = 0; i < 3; i++) {
        scene->open = fresh;
        hear_of(scene, EVENT_ORDER_COMPLETED, NOON_MS, 90, ids[i][0]);
        assert_int_equal(cancel(scene, NOON_MS + HOUR_MS, ids[i][1]), OUTCOME_FLIPPED);
    }
}

static void after_a_cancellation_one_may_order_again(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    (void)step(scene, NOON_MS + DAY_MS);
    order(scene, NOON_MS + 2 * DAY_MS);
    refund(scene, NOON_MS + 2 * DAY_MS + 1, 45);
    cancel(scene, NOON_MS + 2 * DAY_MS + HOUR_MS, "o-1");
    assert_int_equal(example_count(scene), 4);
    assert_int_equal(hear_of(scene, EVENT_ORDER_COMPLETED, NOON_MS + 3 * DAY_MS, 45, "o-2"),
                     OUTCOME_FLIPPED);
    expect_example(scene, 5, LABEL_BOUGHT, true, NOON_MS + 3 * DAY_MS);
    expect_close(last_example(scene).net_margin, 10 - 0.03); /* nothing of it was refunded */
    assert_int_equal(cancel(scene, NOON_MS + 3 * DAY_MS + 1, "o-1"), OUTCOME_SAME);
    assert_int_equal(cancel(scene, NOON_MS + 3 * DAY_MS + 1, "o-2"), OUTCOME_FLIPPED);
}

/* ---- refunds ---- */

static void a_refund_corrects_the_margin_not_the_label(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    (void)step(scene, NOON_MS + DAY_MS);
    assert_int_equal(refund(scene, NOON_MS + DAY_MS, 9), OUTCOME_SAME); /* of nothing */
    order(scene, NOON_MS + 2 * DAY_MS);
    assert_int_equal(refund(scene, NOON_MS + 20 * DAY_MS, 22.5), OUTCOME_MARGIN);
    expect_example(scene, 3, LABEL_BOUGHT, false, NOON_MS + 20 * DAY_MS);
    expect_close(last_example(scene).net_margin, 20 * 0.75 - 0.03);
    refund(scene, NOON_MS + 21 * DAY_MS, 45);
    expect_close(last_example(scene).net_margin, 20 * 0.25 - 0.03);
    refund(scene, NOON_MS + 22 * DAY_MS, 45); /* more than was left */
    expect_example(scene, 5, LABEL_BOUGHT, false, NOON_MS + 22 * DAY_MS);
    expect_close(last_example(scene).net_margin, -0.03);
    assert_int_equal(refund(scene, NOON_MS + 22 * DAY_MS, 45), OUTCOME_SAME); /* all is back */
    assert_int_equal(metric_get(&scene->room.metrics.margin_corrections_total), 3);
    assert_int_equal(metric_get(&scene->room.metrics.corrections_total), 1);
}

static void a_refund_counts_within_its_window_and_is_whole_if_unknown(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    order(scene, NOON_MS);
    assert_int_equal(refund(scene, NOON_MS + 30 * DAY_MS, 9), OUTCOME_SAME);
    assert_int_equal(hear_of(scene, EVENT_ORDER_REFUNDED, NOON_MS, 9, "o-2"), OUTCOME_SAME);
    assert_true(isnan(scene->open.refunded));
    assert_int_equal(refund(scene, NOON_MS + 30 * DAY_MS - 1, NAN), OUTCOME_MARGIN);
    assert_true(scene->open.refunded == 1);
}

/* ---- the end ---- */

static int64_t judged(const struct scene *scene) {
    return metric_get(&scene->progress.cells[0][TRIGGER_CART_ABANDONED].n);
}

static void who_did_not_buy_is_judged_and_over(void **state) {
    struct scene *scene = *state;
    scene->decision.p[0][FIXTURE_TEN_PERCENT + 1] = 0.25;
    open_it(scene);
    (void)step(scene, NOON_MS + DAY_MS);
    assert_int_equal(judged(scene), 0);
    assert_true(step(scene, NOON_MS + 7 * DAY_MS));
    assert_int_equal(judged(scene), 1);
    const struct progress_cell *cell = &scene->progress.cells[0][TRIGGER_CART_ABANDONED];
    assert_int_equal(metric_get(&cell->positives), 0);
    assert_int_equal(metric_get(&cell->p_e6), 250000);
    assert_int_equal(example_count(scene), 1); /* the label is out already */
}

static void who_bought_is_judged_once_and_waits_for_refunds(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    (void)step(scene, NOON_MS + DAY_MS);
    order(scene, NOON_MS + 6 * DAY_MS + 23 * HOUR_MS);
    assert_false(step(scene, NOON_MS + 7 * DAY_MS));
    assert_true(scene->open.flags & DECISION_MATURED);
    assert_int_equal(judged(scene), 1);
    assert_int_equal(metric_get(&scene->room.metrics.matured_total), 1);
    /* Taken back after the window, but soon after the order: a correction, no second judgement. */
    assert_int_equal(cancel(scene, NOON_MS + 7 * DAY_MS + HOUR_MS, "o-1"), OUTCOME_FLIPPED);
    expect_example(scene, 3, LABEL_CANCELLED, true, NOON_MS + 7 * DAY_MS + HOUR_MS);
    assert_true(step(scene, NOON_MS + 36 * DAY_MS + 23 * HOUR_MS));
    assert_int_equal(judged(scene), 1);
    assert_int_equal(example_count(scene), 3);
}

static void a_cancellation_is_awaited_where_refunds_are_not(void **state) {
    struct scene *scene = *state;
    struct outcomes_config brief = config;
    brief.return_window_ms = HOUR_MS;
    open_it(scene);
    (void)step(scene, NOON_MS + DAY_MS);
    order(scene, NOON_MS + 7 * DAY_MS - HOUR_MS);
    (void)step(scene, NOON_MS + 7 * DAY_MS);
    assert_true(outcomes_next_ms(&brief, &scene->open) == NOON_MS + 8 * DAY_MS - HOUR_MS);
}

static void a_later_push_marks_what_is_written_after_it(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    scene->open.flags |= DECISION_CENSORED;
    (void)step(scene, NOON_MS + DAY_MS);
    assert_true(last_example(scene).is_censored_by_push);
}

static void revisions_end_somewhere(void **state) {
    struct scene *scene = *state;
    open_it(scene);
    (void)step(scene, NOON_MS + DAY_MS);
    order(scene, NOON_MS + 2 * DAY_MS);
    for (int i = 0; i < 300; i++) {
        refund(scene, NOON_MS + 3 * DAY_MS, 0.01);
    }
    assert_int_equal(example_count(scene), 255);
    assert_int_equal(last_example(scene).revision, 254);
    assert_int_equal(metric_get(&scene->room.metrics.revisions_dropped_total), 47);
}

/* ---- money ---- */

/* By hand, 0.03 a contact. */
static void net_margin_is_what_is_left(void **state) {
    struct scene *scene = *state;
    scene->fixture.offers[FIXTURE_SHIPPING].cost = 4;
    scene->fixture.offers[FIXTURE_SHIPPING].free_from = 50;
    static const struct {
        const char *offer;
        bool is_ordered;
        double total, refunded, margin, expected;
    } cases[] = {
        {"", false, NAN, NAN, NAN, 0},
        {"", true, 100, NAN, NAN, 30}, /* margin_default */
        {"", true, 100, NAN, 0.5, 50},
        {"", true, 100, 0.25, 0.5, 37.5},
        {"reminder", false, NAN, NAN, NAN, -0.03},
        {"reminder", true, 100, NAN, NAN, 30 - 0.03},
        {"ten_percent", true, 90, NAN, 0.5, 100 * 0.5 - 10 - 0.03}, /* 90 were paid of 100 */
        {"ten_percent", true, 90, 1, 0.5, -0.03},
        {"five_off", true, 95, NAN, NAN, 100 * 0.3 - 5 - 0.03},
        {"five_off", true, 95, 0.5, NAN, 12.5 - 0.03},
        {"shipping", true, 40, NAN, NAN, 12 - 4 - 0.03},
        {"shipping", true, 40, 1, NAN, -4 - 0.03}, /* the parcel was on its way */
        {"shipping", true, 60, NAN, NAN, 18 - 0.03},
        {"an offer of last year", true, 100, NAN, NAN, 30 - 0.03},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct open_decision open = {.order_total = cases[i].total, .refunded = cases[i].refunded};
        strcpy(open.offer_id, cases[i].offer);
        open.flags = (uint8_t)((cases[i].offer[0] ? DECISION_SENT : 0) |
                               (cases[i].is_ordered ? DECISION_ORDERED : 0));
        expect_close(outcomes_net_margin(&scene->fixture.config, &open, cases[i].margin),
                     cases[i].expected);
    }
    struct open_decision open = {
        .flags = DECISION_ORDERED, .order_total = NAN, .refunded = (double)NAN};
    assert_true(isnan(outcomes_net_margin(&scene->fixture.config, &open, 0.3)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_label_comes_when_the_short_window_is_over),
        TEST(a_sampled_observation_has_a_window_and_a_weight_of_its_own),
        TEST(no_label_comes_after_the_attribution_window),
        TEST(what_happened_before_the_label_makes_one_example),
        TEST(an_order_taken_back_before_the_label_is_cancelled),
        TEST(an_order_counts_from_the_decision_to_the_end_of_its_window),
        TEST(a_deferred_decision_has_no_order_before_its_second_attempt),
        TEST(a_late_order_takes_the_label_back),
        TEST(a_cancellation_counts_within_its_window),
        TEST(without_ids_any_order_is_meant),
        TEST(after_a_cancellation_one_may_order_again),
        TEST(a_refund_corrects_the_margin_not_the_label),
        TEST(a_refund_counts_within_its_window_and_is_whole_if_unknown),
        TEST(who_did_not_buy_is_judged_and_over),
        TEST(who_bought_is_judged_once_and_waits_for_refunds),
        TEST(a_cancellation_is_awaited_where_refunds_are_not),
        TEST(a_later_push_marks_what_is_written_after_it),
        TEST(revisions_end_somewhere),
        TEST(net_margin_is_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
