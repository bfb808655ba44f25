/* The worker's loop over a simulated seam: whatever epochs are lost and whatever is revoked, what
 * is committed in the end is what an undisturbed worker commits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "consumer/worker.h"
#include "tests/support/sim_broker.h"
#include "tests/support/stream.h"

static const char config_text[] =
    "epoch: {interval: 10ms, events_max: 100, ticks: false}\n"
    "clean: {lateness: 60s}\n"
    "state: {users_max: 45}\n"
    "triggers:\n"
    "  cart_abandoned: {idle: 20m}\n"
    "  browse_abandoned: {idle: 15m, views_min: 2}\n"
    "decide:\n"
    "  cap_per_hour: 3\n"
    "  cap_per_user_day: 2\n"
    "  cap_per_user_week: 6\n"
    "  attribution_window: 2d\n"
    "  offers:\n"
    "    - {id: ten, kind: percent_off, value: 10, title: t, body: \"{items} {cart_value}\"}\n"
    "  rules:\n"
    "    - {trigger: cart_abandoned, offer: ten}\n"
    "    - {trigger: browse_abandoned, offer: ten}\n";

static bool never(void) {
    return false;
}

static bool at_once(void) {
    return true;
}

static int64_t wall_ms = STREAM_START_MS;

static int asked;
static bool after_a_while(void) {
    return ++asked > 60;
}

/* Runs a worker with these settings, of which config, name, clock and log are filled in, until its
 * end, and fires what is left. */
static struct failure run_text(const char *text, struct worker_settings settings,
                               struct sim_log *log, const struct sim_options *options) {
    struct pipeline_config config;
    struct failure failure =
        pipeline_config_load_text("worker.yaml", text, strlen(text), stderr, &config);
    assert_false(failed(failure));
    struct log_sink silent = {.out = NULL};
    settings.config = &config;
    settings.name = "sim";
    settings.until_end = true;
    settings.at_end = AT_END_FIRE;
    settings.clock = clock_fake(&wall_ms);
    settings.log = &silent;
    struct health health;
    health_init(&health, "sim", wall_ms);
    struct worker *worker;
    failure = worker_new_on(&settings, sim_broker_new(log, options), &health, &worker);
    assert_false(failed(failure));
    failure = worker_run(worker);
    worker_destroy(worker);
    pipeline_config_clean_up(&config);
    return failure;
}

static struct failure run_with(struct worker_settings settings, struct sim_log *log,
                               const struct sim_options *options) {
    return run_text(config_text, settings, log, options);
}

static void run_worker(const struct stream *stream, struct sim_log *log, double loss_share,
                       double revoke_share, uint64_t seed, bool (*should_stop)(void)) {
    struct sim_options options = {.clicks = stream->records,
                                  .click_count = stream->count,
                                  .loss_share = loss_share,
                                  .revoke_share = revoke_share,
                                  .seed = seed};
    struct failure failure =
        run_with((struct worker_settings){.should_stop = should_stop}, log, &options);
    assert_false(failed(failure));
}

/* Committed rows of the topics that do not depend on where epochs were cut, in order. */
static void schedule_free(const struct sim_log *log, struct buffer *out) {
    for (size_t i = 0; i < log->count; i++) {
        const struct sim_row *row = &log->rows[i];
        if (row->topic == TOPIC_PROMOTION_DECISIONS) {
            buffer_append(out, row->key);
            buffer_append(out, row->value);
        }
    }
    for (size_t i = 0; i < log->count; i++) {
        const struct sim_row *row = &log->rows[i];
        if (row->topic == TOPIC_PROMOTION_PUSHES || row->topic == TOPIC_OPEN_DECISIONS) {
            buffer_append_byte(out, (uint8_t)row->topic);
            buffer_append(out, row->key);
            buffer_append(out, row->value);
        }
    }
}

static void random_stream(struct stream *stream, uint64_t seed) {
    static const struct stream_options options = {.records = 4000,
                                                  .users = 60,
                                                  .gap_ms_max = 120000,
                                                  .jitter_ms_max = 30000,
                                                  .late_share = 0.02,
                                                  .duplicate_share = 0.02,
                                                  .garbage_share = 0.01,
                                                  .has_ids = true};
    stream_random(stream, seed, &options);
}

static void test_lost_epochs_and_revocations_change_nothing(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct stream stream = {0};
        struct sim_log calm, rough;
        struct buffer expected = {0}, found = {0};
        random_stream(&stream, seed);
        sim_log_init(&calm);
        sim_log_init(&rough);
        run_worker(&stream, &calm, 0, 0, seed, never);
        run_worker(&stream, &rough, 0.3, 0.05, seed, never);
        assert_true(rough.losses > 5);
        schedule_free(&calm, &expected);
        schedule_free(&rough, &found);
        assert_true(expected.size > 100000);
        assert_int_equal(found.size, expected.size);
        assert_memory_equal(found.data, expected.data, expected.size);
        buffer_clean_up(&expected);
        buffer_clean_up(&found);
        sim_log_clean_up(&calm);
        sim_log_clean_up(&rough);
        stream_clean_up(&stream);
    }
}

static void test_goes_on_where_another_stopped(void **state) {
    (void)state;
    struct stream stream = {0};
    struct sim_log whole, parts;
    struct buffer expected = {0}, found = {0};
    random_stream(&stream, 21);
    sim_log_init(&whole);
    sim_log_init(&parts);
    run_worker(&stream, &whole, 0, 0, 1, never);
    run_worker(&stream, &parts, 0, 0, 1,
               at_once); /* asked to stop before anything: drains, commits nothing */
    assert_int_equal(parts.count, 0);
    asked = 0;
    run_worker(&stream, &parts, 0, 0, 1, after_a_while); /* drains what it computed */
    assert_true(parts.commits > 3);
    assert_in_range(parts.next_offset[INPUT_CLICKSTREAM], 100, 3900);
    run_worker(&stream, &parts, 0, 0, 1, never);
    size_t commits = parts.commits;
    run_worker(&stream, &parts, 0, 0, 1, never); /* everything is done: nothing is done again */
    assert_int_equal(parts.commits, commits);
    schedule_free(&whole, &expected);
    schedule_free(&parts, &found);
    assert_int_equal(found.size, expected.size);
    assert_memory_equal(found.data, expected.data, expected.size);
    buffer_clean_up(&expected);
    buffer_clean_up(&found);
    sim_log_clean_up(&whole);
    sim_log_clean_up(&parts);
    stream_clean_up(&stream);
}

/* Counts the calls; the others come to their ends at the fifth. */
static bool at_the_fifth(void *context) {
    return ++*(int *)context == 5;
}

static void test_serves_the_group_until_the_others_are_done(void **state) {
    (void)state;
    struct stream stream = {0};
    struct sim_log log;
    int calls = 0;
    random_stream(&stream, 31);
    sim_log_init(&log);
    struct sim_options options = {.clicks = stream.records,
                                  .click_count = stream.count,
                                  .loss_share = 0.1,
                                  .revoke_share = 0.05,
                                  .seed = 31};
    struct failure failure = run_with((struct worker_settings){.should_stop = never,
                                                               .may_end = at_the_fifth,
                                                               .may_end_context = &calls},
                                      &log, &options);
    assert_false(failed(failure));
    assert_int_equal(calls, 5);
    assert_int_equal(log.next_offset[INPUT_CLICKSTREAM], stream.count);
    sim_log_clean_up(&log);
    stream_clean_up(&stream);
}

/* Epochs of a stream that could be one. */
static size_t commits_of(const struct stream *stream, const char *epoch) {
    struct buffer text = {0};
    struct sim_log log;
    struct sim_options options = {.clicks = stream->records, .click_count = stream->count};
    const char *rest = strchr(config_text, '\n');
    buffer_format(&text, "epoch: {interval: 500ms, events_max: 1000000, ticks: false, %s}%s%c",
                  epoch, rest, 0);
    sim_log_init(&log);
    assert_false(failed(run_text((const char *)text.data,
                                 (struct worker_settings){.should_stop = never}, &log, &options)));
    size_t commits = log.commits;
    sim_log_clean_up(&log);
    buffer_clean_up(&text);
    return commits;
}

static void test_an_epoch_is_bounded_in_bytes(void **state) {
    (void)state;
    struct stream stream = {0};
    random_stream(&stream, 1);
    size_t bytes = 0;
    for (size_t i = 0; i < stream.count; i++) {
        bytes += stream.records[i].key.size + stream.records[i].value.size;
    }
    size_t small = commits_of(&stream, "bytes_max: 64K"),
           large = commits_of(&stream, "bytes_max: 64M");
    print_message("%zu bytes: %zu epochs of 64 KiB, %zu without a bound\n", bytes, small, large);
    assert_true(small >= bytes / 131072 && large < small);
    stream_clean_up(&stream);
}

static void test_refuses_partitions_that_were_added(void **state) {
    (void)state;
    struct stream stream = {0};
    struct sim_log log;
    random_stream(&stream, 41);
    sim_log_init(&log);
    struct sim_options options = {
        .clicks = stream.records, .click_count = stream.count, .seed = 41, .grown_to = 3};
    struct failure failure =
        run_with((struct worker_settings){.should_stop = never}, &log, &options);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_non_null(strstr(failure.text, "partition 2 was assigned, the clickstream had 1"));
    assert_int_equal(log.count, 0);
    sim_log_clean_up(&log);
    stream_clean_up(&stream);
}

static int set_up(void **state) {
    (void)state;
    schemas_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_epochs_and_revocations_change_nothing),
        cmocka_unit_test(test_goes_on_where_another_stopped),
        cmocka_unit_test(test_serves_the_group_until_the_others_are_done),
        cmocka_unit_test(test_an_epoch_is_bounded_in_bytes),
        cmocka_unit_test(test_refuses_partitions_that_were_added),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
