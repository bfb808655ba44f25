/* The worker and the clock: ticks of an idle partition, heartbeats, ends and stops. Every epoch of
 * the simulated broker takes one second of a clock that the test owns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "consumer/worker.h"
#include "tests/support/sim_broker.h"
#include "tests/support/stream.h"

#define SECOND_MS   1000
#define MINUTE_MS   60000
#define IDLE_MS     (20 * MINUTE_MS)
#define LATENESS_MS (5 * SECOND_MS)
#define NOON_MS     (STREAM_START_MS + 12 * 60 * MINUTE_MS)
#define WALL_START_MS                                                                              \
    (NOON_MS + 7 * 60 * MINUTE_MS) /* the wall clock has nothing to do with it                     \
                                    */
#define ROUNDS_MAX 20000

static const char ticking[] = "epoch: {idle_after: 2s, heartbeat: 30s}\n"
                              "triggers: {cart_abandoned: {idle: 20m}}\n"
                              "decide: {quiet_hours: \"\"}\n";
static const char patient[] = "epoch: {idle_after: 40m, heartbeat: 30s}\n"
                              "triggers: {cart_abandoned: {idle: 20m}}\n"
                              "decide: {quiet_hours: \"\"}\n";
static const char ticking_not[] = "epoch: {ticks: false, heartbeat: 30s}\n"
                                  "triggers: {cart_abandoned: {idle: 20m}}\n"
                                  "decide: {quiet_hours: \"\"}\n";

/* should_stop has no context. */
static int64_t wall_ms, stop_wall_ms;
static bool is_over(void) {
    return wall_ms >= stop_wall_ms;
}

struct scene {
    struct stream stream;
    struct sim_log log;
    struct sim_options options;
    bool until_end;
    int64_t interval_ms; /* 0 = one poll an epoch */
};

static void add(struct stream *stream, const char *user, enum event_type type, int64_t event_ms) {
    struct event_line line = {.item_id = bytes_of_text("shoe"), .price = 50, .quantity = 1};
    struct event event;
    event_clear(&event, &line);
    event.user_id = bytes_of_text(user);
    event.type = type;
    event.event_ms = event_ms;
    event.line_count = 1;
    stream_add(stream, INPUT_CLICKSTREAM, &event, event_ms);
}

/* One cart, filled at noon. */
static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    sim_log_init(&scene->log);
    add(&scene->stream, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    stream_seal(&scene->stream);
    scene->options = (struct sim_options){.clicks = scene->stream.records,
                                          .click_count = scene->stream.count,
                                          .seed = 1,
                                          .wall_ms = &wall_ms,
                                          .wall_step_ms = SECOND_MS};
    wall_ms = WALL_START_MS;
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    sim_log_clean_up(&scene->log);
    stream_clean_up(&scene->stream);
    free(scene);
    return 0;
}

static void assert_metrics(const struct worker *worker) {
    struct metrics *metrics = metrics_new();
    struct buffer text = {0};
    worker_register_metrics(worker, metrics);
    metrics_write(metrics, &text);
    buffer_append_byte(&text, 0);
    char line[80];
    (void)snprintf(line, sizeof line, "promostream_clean_polled_total{worker=\"sim\"} %lld",
                   (long long)metric_get(&worker_pipeline(worker)->clean.metrics.polled_total));
    assert_non_null(strstr((const char *)text.data, line));
    buffer_clean_up(&text);
    metrics_destroy(metrics);
}

/* Runs a worker for this long by the clock, or to the end. */
static void run(struct scene *scene, const char *text, int64_t span_ms) {
    struct pipeline_config config;
    struct failure failure =
        pipeline_config_load_text("worker.yaml", text, strlen(text), stderr, &config);
    assert_false(failed(failure));
    config.epoch.interval_ms = scene->interval_ms;
    struct log_sink silent = {.out = NULL};
    struct worker_settings settings = {.config = &config,
                                       .name = "sim",
                                       .until_end = scene->until_end,
                                       .clock = clock_fake(&wall_ms),
                                       .log = &silent,
                                       .should_stop = is_over};
    struct health health;
    struct worker *worker;
    stop_wall_ms = wall_ms + span_ms;
    health_init(&health, "sim", wall_ms);
    failure =
        worker_new_on(&settings, sim_broker_new(&scene->log, &scene->options), &health, &worker);
    assert_false(failed(failure));
    failure = worker_run(worker);
    assert_false(failed(failure));
    assert_false(health_is_ready(&health, 1)); /* over */
    assert_metrics(worker);
    worker_destroy(worker);
    pipeline_config_clean_up(&config);
}

/* The n-th committed row of the journal. */
static bool journal_of(const struct scene *scene, size_t n, struct journal_row *out) {
    for (size_t i = 0; i < scene->log.count; i++) {
        struct bytes body;
        if (scene->log.rows[i].topic == TOPIC_JOURNAL && n-- == 0) {
            assert_true(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_JOURNAL, 0,
                                     scene->log.rows[i].value, &body));
            assert_true(journal_decode(body, out));
            return true;
        }
    }
    return false;
}

static size_t count_of(const struct scene *scene, enum topic topic) {
    size_t count = 0;
    for (size_t i = 0; i < scene->log.count; i++) {
        count += scene->log.rows[i].topic == topic;
    }
    return count;
}

static void test_an_idle_partition_follows_the_pace_of_the_clock(void **state) {
    struct scene *scene = *state;
    struct journal_row first, tick;
    run(scene, ticking, 60 * MINUTE_MS);
    assert_int_equal(count_of(scene, TOPIC_JOURNAL), 2); /* the record, and one tick that fired */
    assert_int_equal(count_of(scene, TOPIC_PROMOTION_DECISIONS), 1);
    assert_true(journal_of(scene, 0, &first) && journal_of(scene, 1, &tick));
    assert_int_equal(first.tick_ms, TIME_NONE);
    assert_int_equal(first.watermark_after_ms, NOON_MS - LATENESS_MS);
    assert_in_range(tick.tick_ms, NOON_MS + IDLE_MS, NOON_MS + IDLE_MS + SECOND_MS - 1);
    assert_int_equal(tick.watermark_before_ms, first.watermark_after_ms);
    assert_int_equal(tick.watermark_after_ms, tick.tick_ms);
    assert_int_equal(tick.tick_ms - first.watermark_after_ms, tick.wall_ms - first.wall_ms);
    assert_int_equal(tick.from_offset[0], tick.to_offset[0]);
    assert_int_equal(tick.epoch, first.epoch + 1);
}

/* Time is counted from the last record, not from the last tick. */
static void test_two_ticks_keep_their_distance(void **state) {
    struct scene *scene = *state;
    struct journal_row first, second;
    stream_clean_up(&scene->stream);
    add(&scene->stream, "anna", EVENT_PRODUCT_ADDED, NOON_MS);
    add(&scene->stream, "bert", EVENT_PRODUCT_ADDED, NOON_MS + 2 * MINUTE_MS);
    stream_seal(&scene->stream);
    scene->options.clicks = scene->stream.records;
    scene->options.click_count = 2;
    scene->options.seed = 2;
    run(scene, ticking, 60 * MINUTE_MS);
    size_t rows = count_of(scene, TOPIC_JOURNAL); /* the records came in one epoch or in two */
    assert_in_range(rows, 3, 4);
    assert_true(journal_of(scene, rows - 2, &first) && journal_of(scene, rows - 1, &second));
    assert_int_equal(second.tick_ms - first.tick_ms, 2 * MINUTE_MS);
    assert_int_equal(second.wall_ms - first.wall_ms, 2 * MINUTE_MS);
}

static void test_idle_only_after_a_while(void **state) {
    struct scene *scene = *state;
    struct journal_row tick;
    run(scene, patient, 60 * MINUTE_MS);
    assert_true(journal_of(scene, 1, &tick));
    assert_in_range(tick.tick_ms, NOON_MS - LATENESS_MS + 40 * MINUTE_MS,
                    NOON_MS - LATENESS_MS + 40 * MINUTE_MS + SECOND_MS);
}

static void test_no_tick_before_the_end_of_the_log(void **state) {
    struct scene *scene = *state;
    scene->options.end_ahead = 1;
    run(scene, ticking, 60 * MINUTE_MS);
    assert_int_equal(count_of(scene, TOPIC_JOURNAL), 1);
    assert_int_equal(count_of(scene, TOPIC_PROMOTION_DECISIONS), 0);
}

static void test_no_tick_if_nobody_wants_one(void **state) {
    struct scene *scene = *state;
    run(scene, ticking_not, 60 * MINUTE_MS);
    assert_int_equal(count_of(scene, TOPIC_JOURNAL), 1);
}

static void test_time_without_a_worker_does_not_count(void **state) {
    struct scene *scene = *state;
    struct journal_row first, tick;
    run(scene, ticking, 15 * MINUTE_MS);
    assert_int_equal(count_of(scene, TOPIC_JOURNAL), 1);
    wall_ms += 5 * 60 * MINUTE_MS;
    int64_t restart_ms = wall_ms;
    run(scene, ticking, 60 * MINUTE_MS);
    assert_true(journal_of(scene, 0, &first) && journal_of(scene, 1, &tick));
    assert_in_range(tick.wall_ms, restart_ms + IDLE_MS, restart_ms + IDLE_MS + 20 * SECOND_MS);
    assert_in_range(tick.tick_ms, NOON_MS + IDLE_MS, NOON_MS + IDLE_MS + SECOND_MS - 1);
}

/* A recovery begins the wait anew: what passed without a watch over the log does not count. */
static void test_a_lost_epoch_delays_the_tick(void **state) {
    struct scene *scene = *state;
    scene->options.loss_share = 0.05; /* of heartbeats, one every 30 s */
    run(scene, ticking, 600 * MINUTE_MS);
    assert_true(scene->log.losses > 10);
    assert_int_equal(count_of(scene, TOPIC_PROMOTION_DECISIONS), 1);
    assert_int_equal(count_of(scene, TOPIC_OPEN_DECISIONS), 1);
}

static void test_heartbeats_carry_offsets_only(void **state) {
    struct scene *scene = *state;
    run(scene, ticking_not, 10 * MINUTE_MS);
    assert_in_range(scene->log.commits, 19, 21); /* one every 30 s */
    assert_int_equal(count_of(scene, TOPIC_JOURNAL), 1);
    assert_int_equal(count_of(scene, TOPIC_PARTITION_STATE), 1);
    assert_int_equal(scene->log.next_offset[INPUT_CLICKSTREAM], 1);
    assert_int_equal(scene->log.epoch, 1);
}

static void test_ends_at_the_end_that_stood_at_the_start(void **state) {
    struct scene *scene = *state;
    stream_clean_up(&scene->stream);
    for (int i = 0; i < 5000; i++) {
        add(&scene->stream, "anna", EVENT_PRODUCT_VIEWED, NOON_MS + i);
    }
    stream_seal(&scene->stream);
    scene->options.clicks = scene->stream.records;
    scene->options.click_count = 5000;
    scene->options.end_ahead = -4900; /* what comes after the first hundred came later */
    scene->until_end = true;
    run(scene, "epoch: {events_max: 10}\n", INT64_MAX / 2);
    assert_in_range(scene->log.next_offset[INPUT_CLICKSTREAM], 100, 120);
}

static void test_a_broker_without_its_topics_is_closed_again(void **state) {
    struct scene *scene = *state;
    struct pipeline_config config;
    struct failure failure =
        pipeline_config_load_text("worker.yaml", ticking, strlen(ticking), stderr, &config);
    assert_false(failed(failure));
    struct log_sink silent = {.out = NULL};
    struct worker_settings settings = {.config = &config,
                                       .name = "sim",
                                       .clock = clock_fake(&wall_ms),
                                       .log = &silent,
                                       .should_stop = is_over};
    struct health health;
    struct worker *worker;
    health_init(&health, "sim", wall_ms);
    scene->options.fails_at_start = true;
    failure =
        worker_new_on(&settings, sim_broker_new(&scene->log, &scene->options), &health, &worker);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(worker);
    worker_destroy(NULL);
    pipeline_config_clean_up(&config);
}

/* What waited for an assignment does not wait for an interval as well. */
static void test_the_first_epoch_of_an_assignment_is_short(void **state) {
    struct scene *scene = *state;
    scene->interval_ms = 20 * SECOND_MS; /* of the machine's own clock */
    int64_t begin_ns = clock_monotonic_ns();
    run(scene, ticking, SECOND_MS);
    assert_int_equal(count_of(scene, TOPIC_JOURNAL), 1);
    assert_true((clock_monotonic_ns() - begin_ns) / 1000000 < scene->interval_ms / 2);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_idle_partition_follows_the_pace_of_the_clock),
        TEST(test_two_ticks_keep_their_distance),
        TEST(test_idle_only_after_a_while),
        TEST(test_no_tick_before_the_end_of_the_log),
        TEST(test_no_tick_if_nobody_wants_one),
        TEST(test_time_without_a_worker_does_not_count),
        TEST(test_a_lost_epoch_delays_the_tick),
        TEST(test_the_first_epoch_of_an_assignment_is_short),
        TEST(test_heartbeats_carry_offsets_only),
        TEST(test_ends_at_the_end_that_stood_at_the_start),
        TEST(test_a_broker_without_its_topics_is_closed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
