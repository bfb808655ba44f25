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
    "  observe: {share: 0.3, within: 10m}\n"
    "outcomes: {trigger_window: 1h, cancel_window: 2h, return_window: 6h, open_max: 60}\n"
    "decide:\n"
    "  cap_per_hour: 2\n"
    "  cap_per_user_day: 2\n"
    "  cap_per_user_week: 6\n"
    "  attribution_window: 3h\n"
    "  offers:\n"
    "    - {id: ten, kind: percent_off, value: 10, valid: 2h, title: t,\n"
    "       body: \"{items} {cart_value}\"}\n"
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

/* What phones answer to the pushes of an epoch, some of it twice, from the partition's next offset
 * on. */
static void answer(const struct epoch *epoch, struct rng *rng, int64_t next_offset,
                   struct stream *out) {
    static const enum event_type types[] = {EVENT_PUSH_DELIVERED, EVENT_PUSH_OPENED,
                                            EVENT_PUSH_DISMISSED};
    *out = (struct stream){0};
    for (size_t i = 0; i < epoch->record_count; i++) {
        struct push_row push;
        struct bytes body;
        if (epoch->records[i].topic != TOPIC_PROMOTION_PUSHES || rng_below(rng, 3) == 0) {
            continue;
        }
        assert_true(
            wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_PUSH, 0, epoch_record_value(epoch, i), &body));
        assert_true(push_decode(body, &push));
        char id[33];
        hash128_format(push.decision_id, id);
        struct event event;
        event_clear(&event, NULL);
        event.type = types[rng_below(rng, 3)];
        event.user_id = push.user_id;
        event.event_id = bytes_of(id + 8, 24);
        event.decision_id = bytes_of(id, 32);
        event.event_ms = push.not_before_ms;
        for (uint64_t times = 1 + rng_below(rng, 2); times > 0; times--) {
            stream_add(out, INPUT_FEEDBACK, &event, event.event_ms);
        }
    }
    stream_seal(out);
    for (size_t i = 0; i < out->count; i++) {
        out->records[i].offset = next_offset + (int64_t)i;
    }
}

/* Runs a stretch of the stream as one epoch, commits it to the log and keeps its rows. The epoch
 * stays for answer. */
static void run_epoch(struct bench *bench, const struct stream *feedback,
                      const struct record *records, size_t count, struct sim_log *log,
                      struct outputs *outputs) {
    epoch_clear(&bench->epoch);
    pipeline_begin(&bench->pipeline, &bench->epoch);
    partition_begin(&bench->partition);
    pipeline_feedback(&bench->pipeline, &bench->partition, feedback->records, feedback->count);
    pipeline_clickstream(&bench->pipeline, &bench->partition, records, count);
    pipeline_finish(&bench->pipeline, &bench->partition, 0);
    for (int input = 0; input < INPUT_COUNT; input++) {
        epoch_offset(&bench->epoch, input, 0, bench->partition.next_offset[input],
                     bench->partition.epoch);
    }
    if (log) {
        sim_log_commit(log, &bench->epoch);
    }
    pipeline_check(&bench->pipeline);
    outputs_take(outputs, &bench->epoch);
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

/* Both go on over the same records: same rows in every topic, the journal included. */
static void go_on(struct bench *live, struct bench *other, const struct stream *feedback,
                  const struct record *records, size_t count, struct sim_log *log) {
    struct outputs live_rows = {0}, other_rows = {0};
    run_epoch(live, feedback, records, count, log, &live_rows);
    run_epoch(other, feedback, records, count, NULL, &other_rows);
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        struct bytes expected = buffer_bytes(&live_rows.topic[topic]);
        if (!bytes_equal(expected, buffer_bytes(&other_rows.topic[topic]))) {
            fail_msg("rows of topic %d differ from record %lld on", topic,
                     (long long)records->offset);
        }
    }
    outputs_clean_up(&live_rows);
    outputs_clean_up(&other_rows);
}

static void assert_all_happened(const struct bench *live, const struct outputs *rows) {
    const struct pipeline *pipeline = &live->pipeline;
    assert_true(rows->count[TOPIC_OPEN_DECISIONS] > 50);
    assert_true(metric_get(&pipeline->state_metrics.evictions_total) > 50);
    assert_true(metric_get(&pipeline->triggers_metrics.redecisions_total) > 10);
    assert_true(metric_get(&pipeline->emit.metrics.pushes_total) > 10);
    assert_true(metric_get(&pipeline->outcomes.metrics.corrections_total) > 10);
    assert_true(metric_get(&pipeline->outcomes.metrics.margin_corrections_total) > 0);
    assert_true(metric_get(&pipeline->outcomes.metrics.matured_total) > 100);
    assert_true(metric_get(&pipeline->outcomes.metrics.evicted_total) > 10);
    assert_true(metric_get(&pipeline->triggers_metrics.observe_total) > 10);
}

/* Returns the number of answers to pushes that were folded. */
static int64_t run_seed(uint64_t seed) {
    struct stream stream = {0}, feedback = {0};
    struct sim_log log;
    struct bench live, other;
    struct outputs rows = {0};
    struct rng rng = rng_make(seed, 9);
    stream_random(&stream, seed, &options);
    sim_log_init(&log);
    bench_init(&live, config, 64);
    int64_t answers = 0;
    for (size_t at = 0; at < stream.count;) {
        size_t left = stream.count - at, some = 1 + (size_t)rng_below(&rng, 400);
        some = some < left ? some : left;
        run_epoch(&live, &feedback, &stream.records[at], some, &log, &rows);
        at += some;
        stream_clean_up(&feedback);
        answer(&live.epoch, &rng, live.partition.next_offset[INPUT_FEEDBACK], &feedback);
        answers += (int64_t)feedback.count;
        recover(&other, &log);
        assert_same(&live, &other, seed, at);
        size_t more = stream.count - at < 200 ? stream.count - at : 200;
        if (more > 0) {
            go_on(&live, &other, &feedback, &stream.records[at], more, &log);
            at += more;
            assert_same(&live, &other, seed, at);
            stream_clean_up(&feedback);
            answer(&live.epoch, &rng, live.partition.next_offset[INPUT_FEEDBACK], &feedback);
            answers += (int64_t)feedback.count;
        }
        bench_clean_up(&other);
    }
    assert_all_happened(&live, &rows);
    answers -= (int64_t)feedback.count; /* never handed over */
    answers -= metric_get(&live.pipeline.clean.metrics.wrong_partition_total); /* evicted users */
    stream_clean_up(&feedback);
    outputs_clean_up(&rows);
    bench_clean_up(&live);
    sim_log_clean_up(&log);
    stream_clean_up(&stream);
    return answers;
}

static void test_recovered_equals_live(void **state) {
    (void)state;
    schemas_init();
    int64_t sum = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        printf("seed %llu\n", (unsigned long long)seed);
        sum += run_seed(seed);
    }
    assert_in_range(sum, 100, 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recovered_equals_live)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
