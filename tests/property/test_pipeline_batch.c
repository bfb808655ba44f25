/* Handling decisions in micro-batches and cutting epochs anywhere changes nothing: the same rows in
 * the same order as one decision, one record at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "../support/stream.h"

/* Small caps and stores, so that partition-wide order, evictions and too many open decisions all
 * happen, per user and per partition. Windows longer and shorter than a night. */
#define CONFIG(mode, window, valid, outcomes)                                                      \
    "clean: {lateness: 60s}\n"                                                                     \
    "state: {users_max: 45}\n"                                                                     \
    "triggers:\n"                                                                                  \
    "  cart_abandoned: {idle: 20m}\n"                                                              \
    "  checkout_abandoned: {idle: 10m}\n"                                                          \
    "  browse_abandoned: {idle: 15m, views_min: 2}\n"                                              \
    "  observe: {share: 0.3, within: 10m}\n"                                                       \
    "outcomes: {" outcomes "}\n"                                                                   \
    "decide:\n"                                                                                    \
    "  mode: " mode "\n"                                                                           \
    "  cap_per_hour: 2\n"                                                                          \
    "  cap_per_user_day: 2\n"                                                                      \
    "  cap_per_user_week: 6\n"                                                                     \
    "  attribution_window: " window "\n"                                                           \
    "  offers:\n"                                                                                  \
    "    - {id: ten, kind: percent_off, value: 10, valid: " valid ", title: t,\n"                  \
    "       body: \"{items} {cart_value}\"}\n"                                                     \
    "    - {id: rem, kind: reminder, valid: " valid ", title: t, body: b}\n"                       \
    "  rules:\n"                                                                                   \
    "    - {trigger: cart_abandoned, offer: ten, basket_min: 40}\n"                                \
    "    - {trigger: cart_abandoned, offer: rem}\n"                                                \
    "    - {trigger: checkout_abandoned, offer: rem}\n"                                            \
    "    - {trigger: browse_abandoned, offer: rem}\n"
static const char *const configs[] = {
    CONFIG("apprentice", "2d", "12h",
           "open_max: 60, trigger_window: 6h, cancel_window: 6h, return_window: 3d"),
    CONFIG("apprentice", "1h", "30m",
           "open_max: 60, observe_window: 10m, trigger_window: 20m, cancel_window: 2h, "
           "return_window: 4h"),
    CONFIG("live", "1d", "12h", "open_max: 14, trigger_window: 6h, return_window: 2d")};
#define CONFIGS (sizeof configs / sizeof configs[0])

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

static void run(const struct stream *stream, const char *config, size_t micro_batch_max, size_t cut,
                struct outputs *outputs, struct buffer *state) {
    struct bench bench;
    bench_init(&bench, config, micro_batch_max);
    for (size_t at = 0; at < stream->count; at += cut) {
        size_t left = stream->count - at;
        bench_epoch(&bench, &stream->records[at], left < cut ? left : cut, outputs);
    }
    bench_state(&bench,
                state); /* before the end, while users still have timers and open decisions */
    bench_end(&bench, outputs);
    bench_state(&bench, state);
    bench_clean_up(&bench);
}

static void assert_same(const struct buffer *a, const struct buffer *b, const char *what,
                        uint64_t seed) {
    if (!bytes_equal(buffer_bytes(a), buffer_bytes(b))) {
        fail_msg("seed %llu: %s differ (%zu and %zu bytes)", (unsigned long long)seed, what,
                 a->size, b->size);
    }
}

/* Every way of batching against one decision, one record at a time, whose rows go to *plain. */
static void check(const struct stream *stream, const char *config, uint64_t seed,
                  struct outputs *plain) {
    static const struct {
        size_t micro_batch_max, cut;
    } variants[] = {{64, 6000}, {64, 7}, {3, 1000}, {1, 100000}};
    static const enum topic ordered[] = {TOPIC_PROMOTION_DECISIONS, TOPIC_PROMOTION_PUSHES,
                                         TOPIC_OPEN_DECISIONS, TOPIC_EXAMPLES, TOPIC_DEAD_LETTERS};
    static const char *const topic_names[TOPIC_COUNT] = {[TOPIC_PROMOTION_DECISIONS] = "decisions",
                                                         [TOPIC_PROMOTION_PUSHES] = "pushes",
                                                         [TOPIC_OPEN_DECISIONS] = "open decisions",
                                                         [TOPIC_EXAMPLES] = "examples",
                                                         [TOPIC_DEAD_LETTERS] = "dead letters"};
    struct buffer plain_state = {0};
    run(stream, config, 1, 1, plain, &plain_state);
    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        struct outputs outputs = {0};
        struct buffer state = {0};
        run(stream, config, variants[v].micro_batch_max, variants[v].cut, &outputs, &state);
        for (size_t i = 0; i < sizeof ordered / sizeof ordered[0]; i++) {
            assert_same(&plain->topic[ordered[i]], &outputs.topic[ordered[i]],
                        topic_names[ordered[i]], seed);
        }
        assert_same(&plain_state, &state, "final states", seed);
        outputs_clean_up(&outputs);
        buffer_clean_up(&state);
    }
    buffer_clean_up(&plain_state);
}

static void test_batches_change_nothing(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 2 * CONFIGS; seed++) {
        struct stream stream = {0};
        struct outputs plain = {0};
        stream_random(&stream, seed, &options);
        check(&stream, configs[seed % CONFIGS], seed, &plain);
        assert_true(plain.count[TOPIC_PROMOTION_DECISIONS] > 300);
        assert_true(plain.count[TOPIC_PROMOTION_PUSHES] > 20);
        assert_true(plain.count[TOPIC_EXAMPLES] >
                    (seed % CONFIGS == 2 ? 40 : 300)); /* few places */
        assert_true(plain.count[TOPIC_DEAD_LETTERS] > 20);
        outputs_clean_up(&plain);
        stream_clean_up(&stream);
    }
}

/* Nobody knows whether anna said yes, so her decision of the night does not wait for the morning:
 * it closes before dora's is taken, and may not wait in the batch for it. */
static void test_a_window_shorter_than_the_night(void **state) {
    (void)state;
    static const struct {
        const char *user;
        int minute;
        enum event_type type;
    } events[] = {{"anna", 0, EVENT_PRODUCT_ADDED},
                  {"carl", 30, EVENT_PRODUCT_VIEWED},
                  {"dora", 65, EVENT_PRODUCT_ADDED},
                  {"carl", 200, EVENT_PRODUCT_VIEWED}};
    struct stream stream = {0};
    struct outputs plain = {0};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct event_line line = {.item_id = bytes_of_text("shoe"), .price = 50, .quantity = 1};
        struct event event;
        event_clear(&event, &line);
        event.user_id = bytes_of_text(events[i].user);
        event.type = events[i].type;
        event.event_ms = STREAM_START_MS + events[i].minute * 60000;
        event.timezone = bytes_of_text("UTC");
        event.line_count = 1;
        stream_add(&stream, INPUT_CLICKSTREAM, &event, event.event_ms);
    }
    stream_seal(&stream);
    check(&stream, configs[1], 0, &plain);
    /* Anna's, dora's and a sampled observation: three rows, three tombstones. */
    assert_int_equal(plain.count[TOPIC_OPEN_DECISIONS], 6);
    outputs_clean_up(&plain);
    stream_clean_up(&stream);
}

static int set_up(void **state) {
    (void)state;
    schemas_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_batches_change_nothing),
                                       cmocka_unit_test(test_a_window_shorter_than_the_night)};
    return cmocka_run_group_tests(tests, set_up, NULL);
}
