/* cart_abandoned against a brute force that keeps every event of every user and looks at all of
 * them again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/stream.h"

#define USERS     40
#define FOUND_MAX 4000

struct pair { /* without padding: compared as bytes */
    int64_t user;
    int64_t deadline_ms;
};

struct pairs {
    struct pair items[FOUND_MAX];
    size_t count;
};

static void add_pair(struct pairs *pairs, int user, int64_t deadline_ms) {
    assert_true(pairs->count < FOUND_MAX);
    pairs->items[pairs->count++] = (struct pair){user, deadline_ms};
}

struct seen {
    enum event_type type;
    int64_t event_ms;
    int item, quantity;
};

/* One user's events in order: fires between two events if the deadline is not after the later one.
 */
static void brute_force(const struct seen *events, size_t count, int user, int64_t idle_ms,
                        struct pairs *out) {
    int cart[30] = {0};
    bool is_armed = false;
    int64_t last_ms = 0;
    for (size_t i = 0; i <= count; i++) {
        bool is_empty = true;
        for (int item = 0; item < 30; item++) {
            is_empty = is_empty && cart[item] == 0;
        }
        if (is_armed && !is_empty && (i == count || events[i].event_ms >= last_ms + idle_ms)) {
            add_pair(out, user, last_ms + idle_ms);
            is_armed = false;
        }
        if (i == count) {
            return;
        }
        const struct seen *event = &events[i];
        if (event->type == EVENT_ORDER_COMPLETED) {
            memset(cart, 0, sizeof cart);
            is_armed = false;
        } else if (event->type == EVENT_PRODUCT_ADDED) {
            cart[event->item] += event->quantity;
            is_armed = true;
            last_ms = event->event_ms;
        } else if (event->type == EVENT_PRODUCT_REMOVED && !is_empty) {
            cart[event->item] =
                cart[event->item] > event->quantity ? cart[event->item] - event->quantity : 0;
            last_ms = event->event_ms;
            bool is_left = false;
            for (int item = 0; item < 30; item++) {
                is_left = is_left || cart[item] > 0;
            }
            is_armed = is_armed && is_left;
        }
    }
}

/* Times on a grid of 5 minutes, so that events meet deadlines exactly. */
static void make_stream(struct stream *stream, struct seen seen[USERS][1000], size_t counts[USERS],
                        uint64_t seed) {
    static const enum event_type types[] = {EVENT_PRODUCT_ADDED,   EVENT_PRODUCT_ADDED,
                                            EVENT_PRODUCT_REMOVED, EVENT_ORDER_COMPLETED,
                                            EVENT_CART_VIEWED,     EVENT_PRODUCT_VIEWED};
    struct rng rng = rng_make(seed, 4);
    int64_t now_ms = STREAM_START_MS;
    for (int i = 0; i < 5000; i++) {
        now_ms += rng_below(&rng, 10) == 0 ? 300000 : 0;
        int user = (int)rng_below(&rng, USERS);
        struct seen one = {types[rng_below(&rng, 6)], now_ms, (int)rng_below(&rng, 30),
                           1 + (int)rng_below(&rng, 2)};
        char id[16], item[16];
        struct event_line line = {.price = 10, .quantity = one.quantity};
        struct event event;
        event_clear(&event, &line);
        event.type = one.type;
        event.event_ms = one.event_ms;
        event.user_id = bytes_of(id, (size_t)snprintf(id, sizeof id, "u%d", user));
        line.item_id = bytes_of(item, (size_t)snprintf(item, sizeof item, "i%d", one.item));
        line.price = 10;
        line.quantity = one.quantity;
        event.line_count = one.type == EVENT_ORDER_COMPLETED ? 0 : 1;
        stream_add(stream, INPUT_CLICKSTREAM, &event, now_ms);
        seen[user][counts[user]++] = one;
    }
    stream_seal(stream);
}

static int by_pair(const void *left, const void *right) {
    const struct pair *a = left, *b = right;
    if (a->user != b->user) {
        return a->user < b->user ? -1 : 1;
    }
    return (a->deadline_ms > b->deadline_ms) - (a->deadline_ms < b->deadline_ms);
}

static void read_decisions(const struct epoch *epoch, struct pairs *out) {
    for (size_t i = 0; i < epoch->record_count; i++) {
        struct decision_row *row = memory_new(1, sizeof *row);
        struct bytes body;
        if (epoch->records[i].topic == TOPIC_PROMOTION_DECISIONS) {
            assert_true(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_DECISION, 0,
                                     epoch_record_value(epoch, i), &body));
            assert_true(decision_decode(body, row));
            if (row->trigger == TRIGGER_CART_ABANDONED && row->attempt == 0) {
                assert_true(row->reason.size > 0);
                add_pair(out, atoi((const char *)row->user_id.data + 1), row->deadline_ms);
            }
        }
        free(row);
    }
}

static void run_rooms(const struct stream *stream, int idle_min, struct pairs *out) {
    char config[300];
    (void)snprintf(
        config, sizeof config,
        "clean: {lateness: 0ms}\nstate: {bot_events_per_minute: 0, bot_events_per_day: 0}\n"
        "triggers:\n  cart_abandoned: {idle: %dm}\ndecide: {quiet_hours: \"\"}\n",
        idle_min);
    struct bench bench;
    bench_init(&bench, config, 64);
    pipeline_begin(&bench.pipeline, &bench.epoch);
    pipeline_clickstream(&bench.pipeline, &bench.partition, stream->records, stream->count);
    assert_true(pipeline_fire_at_end(&bench.pipeline, &bench.partition, 1000000) ||
                pipeline_fire_at_end(&bench.pipeline, &bench.partition, 1000000));
    pipeline_finish(&bench.pipeline, &bench.partition, 0);
    read_decisions(&bench.epoch, out);
    bench_clean_up(&bench);
}

static void run_seed(uint64_t seed, int idle_min) {
    struct stream stream = {0};
    struct pairs *expected = memory_new(1, sizeof *expected), *found = memory_new(1, sizeof *found);
    struct seen(*seen)[1000] = memory_new(USERS, sizeof *seen);
    size_t counts[USERS] = {0};
    make_stream(&stream, seen, counts, seed);
    for (int user = 0; user < USERS; user++) {
        brute_force(seen[user], counts[user], user, idle_min * 60000, expected);
    }
    run_rooms(&stream, idle_min, found);
    qsort(expected->items, expected->count, sizeof expected->items[0], by_pair);
    qsort(found->items, found->count, sizeof found->items[0], by_pair);
    assert_true(expected->count > 100);
    if (found->count != expected->count ||
        memcmp(found->items, expected->items, found->count * sizeof found->items[0]) != 0) {
        fail_msg("seed %llu, idle %d min: %zu decisions, expected %zu", (unsigned long long)seed,
                 idle_min, found->count, expected->count);
    }
    free(expected);
    free(found);
    free(seen);
    stream_clean_up(&stream);
}

static void test_abandoned_carts_are_exactly_these(void **state) {
    (void)state;
    schemas_init();
    for (uint64_t seed = 1; seed <= 6; seed++) {
        run_seed(seed, 20);
        run_seed(seed, 60);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_abandoned_carts_are_exactly_these)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
