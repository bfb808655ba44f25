/* Item ids are held by users alone: after any stream, with evictions, carts that come and go and
 * users read back, every id has as many references as users hold it, and no other id is kept. A
 * reference too many is memory that grows for as long as the shop has new items. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/stream.h"

static const char config[] = "clean: {lateness: 60s}\n"
                             "state: {users_max: 45}\n"
                             "triggers:\n"
                             "  cart_abandoned: {idle: 20m}\n"
                             "decide:\n"
                             "  offers:\n"
                             "    - {id: ten, kind: percent_off, value: 10, title: t, body: b}\n"
                             "  rules:\n"
                             "    - {trigger: cart_abandoned, offer: ten}\n";

/* References of users, by item number. */
static size_t count_held(const struct user_store *store, uint32_t *held) {
    size_t distinct = 0;
    for (uint32_t slot = 0; slot < store->slot_count; slot++) {
        const struct user_slot *tenant = user_store_get(store, slot);
        const struct user_state *user = &tenant->state;
        for (size_t i = 0; tenant->is_used && i < USER_RECENT_ITEMS; i++) {
            distinct += user->recent[i].item != ITEM_NONE && held[user->recent[i].item]++ == 0;
        }
        size_t lines = tenant->is_used && user->active ? user->active->cart_count : 0;
        for (size_t i = 0; i < lines; i++) {
            distinct += held[user->active->cart[i].item]++ == 0;
        }
    }
    return distinct;
}

static void expect_held(const struct user_store *store) {
    uint32_t *held = memory_new(store->items.count, sizeof *held);
    assert_int_equal(count_held(store, held), store->items.index.count);
    for (uint32_t item = 1; item < store->items.count; item++) {
        const struct item_entry *entry = &store->items.chunks[item / 1024][item % 1024];
        assert_int_equal(entry->references, held[item]);
    }
    free(held);
}

static void test_no_reference_is_lost_or_left(void **state) {
    (void)state;
    static const struct stream_options options = {.records = 4000,
                                                  .users = 300,
                                                  .gap_ms_max = 120000,
                                                  .jitter_ms_max = 30000,
                                                  .late_share = 0.02,
                                                  .duplicate_share = 0.02,
                                                  .has_ids = true};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct stream stream = {0};
        struct bench bench;
        stream_random(&stream, seed, &options);
        bench_init(&bench, config, 64);
        for (size_t i = 0; i < stream.count; i += 100) {
            bench_epoch(&bench, &stream.records[i], 100, NULL);
            expect_held(&bench.partition.store);
        }
        assert_true(metric_get(&bench.pipeline.state_metrics.evictions_total) > 100);
        bench_end(&bench, NULL);
        expect_held(&bench.partition.store);
        bench_clean_up(&bench);
        stream_clean_up(&stream);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_reference_is_lost_or_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
