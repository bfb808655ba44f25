/* A partition read back from its topics is the partition that wrote them, byte for byte, and goes
 * on the same way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "consumer/recovery.h"
#include "tests/support/sim_broker.h"
#include "tests/support/stream.h"

static const char config[] =
    "clean: {lateness: 60s}\n"
    "state: {users_max: 45}\n"
    "triggers:\n"
    "  cart_abandoned: {idle: 20m}\n"
    "  checkout_abandoned: {idle: 10m}\n"
    "  browse_abandoned: {idle: 15m, views_min: 2}\n"
    "decide:\n"
    "  cap_per_hour: 2\n"
    "  cap_per_user_day: 2\n"
    "  cap_per_user_week: 6\n"
    "  attribution_window: 2d\n"
    "  offers:\n"
    "    - {id: ten, kind: percent_off, value: 10, title: t, body: \"{items} {cart_value}\"}\n"
    "  rules:\n"
    "    - {trigger: cart_abandoned, offer: ten}\n"
    "    - {trigger: checkout_abandoned, offer: ten}\n"
    "    - {trigger: browse_abandoned, offer: ten}\n";

static const struct stream_options options = {
    .records = 3000,
    .users = 60,
    .gap_ms_max = 120000,
    .jitter_ms_max = 30000,
    .late_share = 0.02,
    .duplicate_share = 0.02,
    .garbage_share = 0.01,
    .has_ids = true,
};

/* Runs a stretch of the stream as one epoch, commits it to the log and keeps its rows. */
static void run_epoch(struct bench *bench, const struct record *records, size_t count,
                      struct sim_log *log, struct outputs *outputs) {
    pipeline_begin(&bench->pipeline, &bench->epoch);
    partition_begin(&bench->partition);
    pipeline_clickstream(&bench->pipeline, &bench->partition, records, count);
    pipeline_finish(&bench->pipeline, &bench->partition, 0);
    for (int input = 0; input < INPUT_COUNT; input++) {
        epoch_offset(&bench->epoch, input, 0, bench->partition.next_offset[input],
                     bench->partition.epoch);
    }
    if (log) {
        sim_log_commit(log, &bench->epoch);
    }
    outputs_take(outputs, &bench->epoch);
    epoch_clear(&bench->epoch);
}

/* A second bench whose partition comes from the log alone. */
static void recover(struct bench *bench, struct sim_log *log) {
    struct sim_options nothing = {.seed = 1};
    struct broker *broker = sim_broker_new(log, &nothing);
    struct log_sink silent = {0};
    struct recovery recovery = {
        .broker = broker, .log = &silent, .metrics = &bench->pipeline.state_metrics};
    struct assignment assignment = {.epoch = log->epoch};
    memcpy(assignment.next_offset, log->next_offset, sizeof assignment.next_offset);
    bench_init(bench, config, 64);
    recovery.metrics = &bench->pipeline.state_metrics;
    struct failure failure = recovery_run(&recovery, &assignment, &bench->partition);
    if (failed(failure)) {
        fail_msg("%s", failure.text);
    }
    assert_true(recovery_is_current(&bench->partition, &assignment));
    broker_close(broker);
}

static void assert_same(struct bench *a, struct bench *b, uint64_t seed, size_t at) {
    struct buffer left = {0}, right = {0};
    bench_state(a, &left);
    bench_state(b, &right);
    if (!bytes_equal(buffer_bytes(&left), buffer_bytes(&right))) {
        fail_msg("seed %llu: states differ after record %zu (%zu and %zu bytes)",
                 (unsigned long long)seed, at, left.size, right.size);
    }
    assert_int_equal(a->partition.epoch, b->partition.epoch);
    buffer_clean_up(&left);
    buffer_clean_up(&right);
}

static void run_seed(uint64_t seed) {
    struct stream stream = {0};
    struct sim_log log;
    struct bench live, other;
    struct rng rng = rng_make(seed, 9);
    stream_random(&stream, seed, &options);
    sim_log_init(&log);
    bench_init(&live, config, 64);
    struct outputs ignored = {0};
    for (size_t at = 0; at < stream.count;) {
        size_t left = stream.count - at, some = 1 + (size_t)rng_below(&rng, 400);
        some = some < left ? some : left;
        run_epoch(&live, &stream.records[at], some, &log, &ignored);
        at += some;
        recover(&other, &log);
        assert_same(&live, &other, seed, at);
        /* Both go on over the same records: same rows in every topic, the journal included. */
        size_t more = stream.count - at < 200 ? stream.count - at : 200;
        struct outputs live_rows = {0}, other_rows = {0};
        run_epoch(&live, &stream.records[at], more, &log, &live_rows);
        run_epoch(&other, &stream.records[at], more, NULL, &other_rows);
        at += more;
        for (int topic = 0; topic < TOPIC_COUNT; topic++) {
            struct bytes expected = buffer_bytes(&live_rows.topic[topic]);
            if (!bytes_equal(expected, buffer_bytes(&other_rows.topic[topic]))) {
                fail_msg("seed %llu: rows of topic %d differ after record %zu",
                         (unsigned long long)seed, topic, at);
            }
        }
        assert_same(&live, &other, seed, at);
        outputs_clean_up(&live_rows);
        outputs_clean_up(&other_rows);
        bench_clean_up(&other);
    }
    assert_true(ignored.count[TOPIC_OPEN_DECISIONS] > 50);
    outputs_clean_up(&ignored);
    bench_clean_up(&live);
    sim_log_clean_up(&log);
    stream_clean_up(&stream);
}

static void test_recovered_equals_live(void **state) {
    (void)state;
    schemas_init();
    for (uint64_t seed = 1; seed <= 8; seed++) {
        run_seed(seed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recovered_equals_live)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
