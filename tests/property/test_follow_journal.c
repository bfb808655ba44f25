/* What is promised to repeat although a model learns meanwhile (DESIGN 2): who follows the journal,
 * with its ranges, ticks and model versions, writes the same bytes; and with one fixed model it
 * does not matter where epochs end and how large a micro-batch is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/model_log.h"
#include "tests/support/stream.h"

#define TIMERS_AT_END 300 /* in one epoch */

/* Arms grow up soon, so that all kinds of choices happen. */
static const char config[] =
    "clean: {lateness: 60s}\n"
    "state: {users_max: 55}\n"
    "triggers:\n"
    "  cart_abandoned: {idle: 20m}\n"
    "  checkout_abandoned: {idle: 10m}\n"
    "  browse_abandoned: {idle: 15m, views_min: 2}\n"
    "  observe: {share: 0.3, within: 10m}\n"
    "outcomes: {observe_window: 10m, trigger_window: 2h, cancel_window: 6h, return_window: 1d}\n"
    "learn:\n"
    "  batch_offsets: 16\n"
    "  arm_decisions_min: 4\n"
    "  arm_age_min: 2h\n"
    "  alarm_ratio: 0\n"
    "  learners:\n"
    "    - {name: one, bits: 10}\n"
    "    - {name: two, role: challenger, bits: 10, alpha: 0.5}\n"
    "decide:\n"
    "  mode: live\n"
    "  trial_share: 0.3\n"
    "  cap_per_hour: 8\n"
    "  cap_per_user_day: 3\n"
    "  cap_per_user_week: 8\n"
    "  attribution_window: 12h\n"
    "  offers:\n"
    "    - {id: ten, kind: percent_off, value: 10, valid: 2h, title: t, body: \"{items}\"}\n"
    "    - {id: rem, kind: reminder, valid: 2h, title: t, body: b}\n"
    "    - {id: five, kind: amount_off, value: 5, valid: 2h, title: t, body: b}\n"
    "  rules:\n"
    "    - {trigger: cart_abandoned, offer: ten, basket_min: 40}\n"
    "    - {trigger: cart_abandoned, offer: rem}\n"
    "    - {trigger: checkout_abandoned, offer: rem}\n"
    "    - {trigger: browse_abandoned, offer: rem}\n";

static const struct stream_options options = {
    .records = 6000,
    .users = 60,
    .gap_ms_max = 120000,
    .jitter_ms_max = 30000,
    .late_share = 0.02,
    .duplicate_share = 0.02,
    .garbage_share = 0.01,
    .has_ids = true,
};

static const enum topic caused[] = {TOPIC_PROMOTION_DECISIONS, TOPIC_PROMOTION_PUSHES,
                                    TOPIC_OPEN_DECISIONS, TOPIC_EXAMPLES, TOPIC_DEAD_LETTERS};
#define CAUSED (sizeof caused / sizeof caused[0])

/* ---- one epoch of a run ---- */

/* Everything that the live run left behind. */
struct live {
    struct stream clicks, feedback; /* the inputs; feedback grows with the pushes */
    struct outputs outputs;
    struct model_log log;
    int64_t decisions_by[POLICY_COUNT];
    int64_t corrections, evicted, closed_early, observations;
};

/* What an epoch takes; journal rows say the same. */
struct step {
    int64_t from[INPUT_COUNT], to[INPUT_COUNT];
    int64_t tick_ms;
    bool fires_at_end;
    int64_t wall_ms;
};

/* Returns false while timers are left at the end. */
static bool run_epoch(struct bench *bench, const struct live *live, const struct step *step,
                      struct outputs *outputs) {
    struct pipeline *pipeline = &bench->pipeline;
    struct partition *partition = &bench->partition;
    epoch_clear(&bench->epoch);
    pipeline_begin(pipeline, &bench->epoch);
    partition_begin(partition);
    pipeline_feedback(pipeline, partition, live->feedback.records + step->from[INPUT_FEEDBACK],
                      (size_t)(step->to[INPUT_FEEDBACK] - step->from[INPUT_FEEDBACK]));
    pipeline_clickstream(pipeline, partition, live->clicks.records + step->from[INPUT_CLICKSTREAM],
                         (size_t)(step->to[INPUT_CLICKSTREAM] - step->from[INPUT_CLICKSTREAM]));
    if (step->tick_ms != TIME_NONE) {
        pipeline_tick(pipeline, partition, step->tick_ms);
    }
    bool is_done = !step->fires_at_end || pipeline_fire_at_end(pipeline, partition, TIMERS_AT_END);
    pipeline_finish(pipeline, partition, step->wall_ms);
    pipeline_check(pipeline);
    outputs_take(outputs, &bench->epoch);
    return is_done;
}

/* ---- the live run: a trainer learns beside it, its versions arrive when they arrive ---- */

static void learn_examples(const struct epoch *epoch, struct policy_loop *loop) {
    for (size_t i = 0; i < epoch->record_count; i++) {
        if (epoch->records[i].topic == TOPIC_EXAMPLES) {
            policy_loop_learn(loop, epoch_record_value(epoch, i));
        }
    }
}

static void count_policies(const struct epoch *epoch, int64_t counts[POLICY_COUNT]) {
    struct decision_row row;
    struct bytes body;
    for (size_t i = 0; i < epoch->record_count; i++) {
        if (epoch->records[i].topic != TOPIC_PROMOTION_DECISIONS) {
            continue;
        }
        assert_true(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_DECISION, 0,
                                 epoch_record_value(epoch, i), &body));
        assert_true(decision_decode(body, &row));
        for (int policy = 0; policy < POLICY_COUNT; policy++) {
            counts[policy] += bytes_equal(row.policy, bytes_of_text(policy_names[policy]));
        }
    }
}

/* Phones tell of some of the epoch's pushes. */
static void answer(const struct epoch *epoch, struct rng *rng, struct stream *feedback) {
    struct push_row push;
    struct bytes body;
    for (size_t i = 0; i < epoch->record_count; i++) {
        if (epoch->records[i].topic != TOPIC_PROMOTION_PUSHES || rng_below(rng, 2)) {
            continue;
        }
        assert_true(
            wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_PUSH, 0, epoch_record_value(epoch, i), &body));
        assert_true(push_decode(body, &push));
        char id[33];
        hash128_format(push.decision_id, id);
        struct event event;
        event_clear(&event, NULL);
        event.type = EVENT_PUSH_DELIVERED;
        event.user_id = push.user_id;
        event.event_id = bytes_of(id + 8, 24);
        event.decision_id = bytes_of(id, 32);
        event.event_ms = push.not_before_ms == TIME_NONE ? push.expires_ms : push.not_before_ms;
        stream_add(feedback, INPUT_FEEDBACK, &event, event.event_ms);
    }
}

/* The feedback's records lie in one buffer that grows: pointers are made anew. */
static void answer_all(const struct epoch *epoch, struct rng *rng, struct live *live) {
    struct stream grown = {0};
    for (size_t i = 0; i < live->feedback.count; i++) {
        const struct record *record = &live->feedback.records[i];
        stream_add_bytes(&grown, INPUT_FEEDBACK, record->key, record->value, record->timestamp_ms);
    }
    answer(epoch, rng, &grown);
    stream_seal(&grown);
    stream_clean_up(&live->feedback);
    live->feedback = grown;
}

static struct step next_step(struct rng *rng, struct bench *bench, const struct live *live) {
    const struct partition *partition = &bench->partition;
    struct step step = {.tick_ms = TIME_NONE, .wall_ms = 1000000 + partition->epoch};
    for (int input = 0; input < INPUT_COUNT; input++) {
        step.from[input] = step.to[input] = partition->next_offset[input];
    }
    step.to[INPUT_FEEDBACK] = (int64_t)live->feedback.count;
    int64_t left = (int64_t)live->clicks.count - step.from[INPUT_CLICKSTREAM];
    int64_t some = rng_below(rng, 8) ? 1 + (int64_t)rng_below(rng, 150) : 0;
    step.to[INPUT_CLICKSTREAM] += some < left ? some : left;
    step.fires_at_end = left == 0;
    bool is_idle = some == 0 && left > 0 && partition->watermark_ms != TIME_NONE;
    int64_t tick_ms = partition->watermark_ms + (int64_t)rng_below(rng, 600000) + 1;
    if (is_idle && pipeline_is_due(&bench->partition, tick_ms)) {
        step.tick_ms = tick_ms;
        step.to[INPUT_FEEDBACK] = step.from[INPUT_FEEDBACK]; /* idle: nothing was queued */
    }
    return step;
}

static void run_live(uint64_t seed, struct live *live) {
    struct bench bench;
    struct policy_loop loop;
    struct rng rng = rng_make(seed, 5);
    *live = (struct live){0};
    stream_random(&live->clicks, seed, &options);
    bench_init(&bench, config, 64);
    policy_loop_init(&loop, bench.config);
    bool is_done = false;
    while (!is_done) {
        struct step step = next_step(&rng, &bench, live);
        is_done = run_epoch(&bench, live, &step, &live->outputs) && step.fires_at_end;
        learn_examples(&bench.epoch, &loop);
        count_policies(&bench.epoch, live->decisions_by);
        answer_all(&bench.epoch, &rng, live);
        if (rng_below(&rng, 4) == 0) {
            model_log_publish(&live->log, &loop, &bench.pipeline.score);
        }
    }
    assert_int_equal(loop.refused, 0);
    const struct outcomes_metrics *metrics = &bench.pipeline.outcomes.metrics;
    live->corrections = metric_get(&metrics->corrections_total);
    live->evicted = metric_get(&metrics->evicted_total);
    live->closed_early = metric_get(&metrics->closed_early_total);
    live->observations = metric_get(&bench.pipeline.triggers_metrics.observe_total);
    policy_loop_clean_up(&loop);
    bench_clean_up(&bench);
}

static void live_clean_up(struct live *live) {
    stream_clean_up(&live->clicks);
    stream_clean_up(&live->feedback);
    outputs_clean_up(&live->outputs);
    model_log_clean_up(&live->log);
}

/* ---- following ---- */

/* The next row that a run wrote to this topic: moves *at. */
static struct bytes next_value(const struct buffer *topic, size_t *at) {
    uint32_t size;
    memcpy(&size, topic->data + *at, sizeof size);
    *at += sizeof size + size + 1; /* key, tombstone or not */
    memcpy(&size, topic->data + *at, sizeof size);
    struct bytes value = bytes_of(topic->data + *at + sizeof size, size);
    *at += sizeof size + size;
    return value;
}

static struct journal_row next_journal_row(const struct buffer *topic, size_t *at) {
    struct journal_row row;
    struct bytes body;
    assert_true(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_JOURNAL, 0, next_value(topic, at), &body));
    assert_true(journal_decode(body, &row));
    return row;
}

/* A second run from nothing, by the journal alone; has_versions false: the model never arrives. */
static void follow(const struct live *live, bool has_versions, struct outputs *outputs) {
    const struct buffer *journal = &live->outputs.topic[TOPIC_JOURNAL];
    struct bench bench;
    bench_init(&bench, config, 3);
    size_t position = 0;
    for (size_t at = 0; at < journal->size;) {
        struct journal_row row = next_journal_row(journal, &at);
        assert_int_equal(row.model_count, 2);
        if (has_versions) {
            model_log_deliver(&live->log, &position, row.models[0].version_offset,
                              &bench.pipeline.score);
        }
        struct step step = {
            .tick_ms = row.tick_ms, .fires_at_end = row.fired_at_end, .wall_ms = 77};
        memcpy(step.from, row.from_offset, sizeof step.from);
        memcpy(step.to, row.to_offset, sizeof step.to);
        (void)run_epoch(&bench, live, &step, outputs);
    }
    bench_clean_up(&bench);
}

static bool is_same(const struct outputs *a, const struct outputs *b, enum topic topic) {
    return bytes_equal(buffer_bytes(&a->topic[topic]), buffer_bytes(&b->topic[topic]));
}

/* The same but for the wall clock. */
static void assert_same_journal(const struct buffer *a, const struct buffer *b) {
    size_t at_a = 0, at_b = 0;
    while (at_a < a->size && at_b < b->size) {
        struct journal_row left = next_journal_row(a, &at_a), right = next_journal_row(b, &at_b);
        struct buffer bytes_a = {0}, bytes_b = {0};
        assert_true(left.wall_ms != right.wall_ms);
        left.wall_ms = right.wall_ms = 0;
        journal_encode(&left, &bytes_a);
        journal_encode(&right, &bytes_b);
        assert_true(bytes_equal(buffer_bytes(&bytes_a), buffer_bytes(&bytes_b)));
        buffer_clean_up(&bytes_a);
        buffer_clean_up(&bytes_b);
    }
    assert_true(at_a == a->size && at_b == b->size);
}

/* Without these the test would say little. */
static void assert_all_happened(const struct live *live) {
    assert_true(live->log.count > 5);
    assert_true(live->outputs.count[TOPIC_EXAMPLES] > 300);
    assert_true(live->outputs.count[TOPIC_PROMOTION_PUSHES] > 50);
    assert_true(live->feedback.count > 20);
    assert_true(live->decisions_by[POLICY_RULE] > 0);
    assert_true(live->decisions_by[POLICY_TRIAL] > 10);
    assert_true(live->decisions_by[POLICY_VALUE] > 50);
    assert_true(live->corrections > 20 && live->evicted > 20);
    assert_true(live->closed_early > 10 && live->observations > 20);
}

static void test_who_follows_the_journal_writes_the_same(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct live live;
        struct outputs followed = {0}, untaught = {0};
        run_live(seed, &live);
        assert_all_happened(&live);
        follow(&live, true, &followed);
        for (int topic = 0; topic < TOPIC_COUNT; topic++) {
            if (topic != TOPIC_JOURNAL && !is_same(&live.outputs, &followed, (enum topic)topic)) {
                fail_msg("seed %llu: topic %d differs", (unsigned long long)seed, topic);
            }
        }
        assert_same_journal(&live.outputs.topic[TOPIC_JOURNAL], &followed.topic[TOPIC_JOURNAL]);
        /* And it does hang on the versions. */
        follow(&live, false, &untaught);
        assert_false(is_same(&live.outputs, &untaught, TOPIC_PROMOTION_DECISIONS));
        assert_false(is_same(&live.outputs, &untaught, TOPIC_EXAMPLES));
        outputs_clean_up(&followed);
        outputs_clean_up(&untaught);
        live_clean_up(&live);
    }
}

/* ---- one fixed model ---- */

static void run_frozen(const struct live *live, size_t micro_batch_max, int64_t cut,
                       struct outputs *outputs, struct buffer *state) {
    struct bench bench;
    bench_init(&bench, config, micro_batch_max);
    size_t position = 0;
    model_log_deliver(&live->log, &position, model_log_last(&live->log), &bench.pipeline.score);
    int64_t count = (int64_t)live->clicks.count;
    struct step step = {.tick_ms = TIME_NONE};
    for (int64_t at = 0; at < count; at += cut) {
        step.from[INPUT_CLICKSTREAM] = at;
        step.to[INPUT_CLICKSTREAM] = at + cut < count ? at + cut : count;
        (void)run_epoch(&bench, live, &step, outputs);
    }
    bench_state(&bench, state);
    epoch_clear(&bench.epoch);
    bench_end(&bench, outputs);
    bench_state(&bench, state);
    bench_clean_up(&bench);
}

static void test_with_one_model_batches_change_nothing(void **state) {
    (void)state;
    static const struct {
        size_t micro_batch_max;
        int64_t cut;
    } variants[] = {{64, 6000}, {64, 7}, {3, 1000}, {1, 100000}};
    struct live live;
    struct outputs plain = {0};
    struct buffer plain_state = {0};
    run_live(4, &live);
    run_frozen(&live, 1, 1, &plain, &plain_state);
    assert_true(plain.count[TOPIC_EXAMPLES] > 300);
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        struct outputs outputs = {0};
        struct buffer final = {0};
        run_frozen(&live, variants[v].micro_batch_max, variants[v].cut, &outputs, &final);
        for (size_t i = 0; i < CAUSED; i++) {
            if (!is_same(&plain, &outputs, caused[i])) {
                fail_msg("variant %zu: topic %d differs", v, caused[i]);
            }
        }
        assert_true(bytes_equal(buffer_bytes(&plain_state), buffer_bytes(&final)));
        outputs_clean_up(&outputs);
        buffer_clean_up(&final);
    }
    buffer_clean_up(&plain_state);
    outputs_clean_up(&plain);
    live_clean_up(&live);
}

static int set_up(void **state) {
    (void)state;
    schemas_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_follows_the_journal_writes_the_same),
        cmocka_unit_test(test_with_one_model_batches_change_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
