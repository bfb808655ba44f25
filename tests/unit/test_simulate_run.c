/* simulate_run: the shop's messages reach their sinks: sides first, times in order, keys right, the
 * same bytes on every run, no more than asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "producer/simulate_run.h"

/* Checks each record and chains a hash over all. */
struct checking_sink {
    struct sink head;
    enum shop_stream stream;
    const struct checking_sink *before; /* must have been flushed when this one is sent to */
    bool is_flushed;
    int64_t last_ms;
    uint64_t hash;
};

static struct failure check(struct sink *sink, const struct sink_record *record) {
    struct checking_sink *checking = (struct checking_sink *)sink;
    assert_true(!checking->before || checking->before->is_flushed);
    assert_true(record->timestamp_ms >= checking->last_ms);
    assert_int_equal(record->partition, -1);
    assert_true(record->key.size > 0);
    checking->last_ms = record->timestamp_ms;
    checking->hash = hash_combine(checking->hash, hash64(record->key, 0));
    checking->hash = hash_combine(checking->hash, hash64(record->body, 1));
    checking->hash = hash_combine(checking->hash, (uint64_t)record->timestamp_ms);
    if (checking->stream == SHOP_CLICKSTREAM) {
        struct event_line lines[EVENT_LINES_MAX];
        struct event event = {.lines = lines};
        assert_int_equal(event_decode(record->body, &event), EVENT_OK);
        assert_true(bytes_equal(event.user_id, record->key));
    }
    return failure_none();
}

static struct failure flush(struct sink *sink) {
    ((struct checking_sink *)sink)->is_flushed = true;
    return failure_none();
}

static const struct sink_ops checking_ops = {.send = check, .flush = flush};

struct fixture {
    struct checking_sink events, catalogue, profiles;
    volatile sig_atomic_t stop;
    struct simulate_plan plan;
    struct simulate_run run;
};

static void run_shop(struct fixture *fixture, int64_t count_max, bool has_sides) {
    volatile sig_atomic_t stop = fixture->stop;
    *fixture = (struct fixture){.stop = stop};
    fixture->events = (struct checking_sink){.head = {.ops = &checking_ops}};
    fixture->catalogue =
        (struct checking_sink){.head = {.ops = &checking_ops}, .stream = SHOP_CATALOGUE};
    fixture->profiles = (struct checking_sink){
        .head = {.ops = &checking_ops}, .stream = SHOP_CATALOGUE, .before = &fixture->catalogue};
    struct shop_options options = shop_options_default();
    options.users = 3000;
    options.days = 2;
    options.with_catalogue_changes = has_sides;
    struct shop *shop;
    struct failure failure = shop_new(&options, stderr, &shop);
    assert_false(failed(failure));
    fixture->plan = (struct simulate_plan){
        .name = "simulate",
        .shop = shop,
        .events = &fixture->events.head,
        .catalogue = has_sides ? &fixture->catalogue.head : NULL,
        .profiles = has_sides ? &fixture->profiles.head : NULL,
        .start_ms = options.start_ms,
        .days = options.days,
        .count_max = count_max,
        .stop = &fixture->stop,
    };
    if (has_sides) {
        fixture->events.before = &fixture->profiles;
    }
    simulate_run_init(&fixture->run, &fixture->plan);
    failure = simulate_run_all(&fixture->run);
    assert_false(failed(failure));
    simulate_run_clean_up(&fixture->run);
    failure = shop_finish(shop);
    assert_false(failed(failure));
    shop_destroy(shop);
}

static void sides_stand_before_the_first_event(void **state) {
    (void)state;
    struct fixture fixture = {0};
    run_shop(&fixture, 0, true);
    const struct simulate_counts *counts = &fixture.run.counts;
    assert_true(counts->events > 500);
    assert_int_equal(counts->events, fixture.events.head.sent);
    assert_int_equal(counts->profiles, 3000);
    assert_int_equal(counts->profiles, fixture.profiles.head.sent);
    assert_int_equal(counts->catalogue, fixture.catalogue.head.sent);
    assert_true(counts->catalogue > 2000); /* items, and changes of two days */
    assert_int_equal(counts->last_ms, fixture.events.last_ms);
    assert_true(counts->first_ms >= SHOP_START_MS_DEFAULT && counts->first_ms < counts->last_ms);
}

static void the_same_options_give_the_same_bytes(void **state) {
    (void)state;
    struct fixture once = {0}, again = {0}, sides = {0};
    run_shop(&once, 0, false);
    run_shop(&again, 0, false);
    run_shop(&sides, 0, true);
    assert_true(once.events.hash == again.events.hash);
    assert_int_equal(once.run.counts.catalogue, 0);
    assert_true(once.events.hash == sides.events.hash);
}

static void a_count_ends_it(void **state) {
    (void)state;
    struct fixture fixture = {0};
    run_shop(&fixture, 100, false);
    assert_int_equal(fixture.run.counts.events, 100);
    assert_int_equal(fixture.events.head.sent, 100);
}

static void a_stop_ends_it(void **state) {
    (void)state;
    struct fixture fixture = {.stop = 1};
    run_shop(&fixture, 0, true);
    assert_int_equal(fixture.run.counts.events, 0);
    assert_int_equal(fixture.catalogue.head.sent, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sides_stand_before_the_first_event),
        cmocka_unit_test(the_same_options_give_the_same_bytes),
        cmocka_unit_test(a_count_ends_it),
        cmocka_unit_test(a_stop_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
