#include "consumer/rooms/partition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

static int set_up(void **state) {
    struct partition *partition = memory_new(1, sizeof *partition);
    partition_init(partition, 3, 10, timezone_set_new(NULL));
    *state = partition;
    return 0;
}

static int tear_down(void **state) {
    struct partition *partition = *state;
    timezone_set_destroy(partition->store.zones);
    partition_clean_up(partition);
    free(partition);
    return 0;
}

static void test_a_new_one_knows_no_time(void **state) {
    struct partition *partition = *state;
    assert_int_equal(partition->number, 3);
    assert_int_equal(partition->epoch, 0);
    assert_int_equal(partition->watermark_ms, TIME_NONE);
    assert_int_equal(partition->event_ms_max, TIME_NONE);
    assert_int_equal(partition->watermark_at_receipt_ms, TIME_NONE);
    assert_int_equal(partition->tick_ms, TIME_NONE);
    assert_false(partition->is_touched);
}

static void test_begin_remembers_where_the_epoch_began(void **state) {
    struct partition *partition = *state;
    partition->next_offset[INPUT_CLICKSTREAM] = 7;
    partition->next_offset[INPUT_FEEDBACK] = 2;
    partition->watermark_ms = 90;
    partition->tick_ms = 90;
    partition->is_touched = partition->fired_at_end = true;
    partition_begin(partition);
    assert_int_equal(partition->from_offset[INPUT_CLICKSTREAM], 7);
    assert_int_equal(partition->from_offset[INPUT_FEEDBACK], 2);
    assert_int_equal(partition->watermark_before_ms, 90);
    assert_int_equal(partition->tick_ms, TIME_NONE);
    assert_false(partition->is_touched || partition->fired_at_end);
}

static void test_row_and_back(void **state) {
    struct partition *partition = *state;
    struct partition_state_row row, again;
    partition->epoch = 12;
    partition->next_offset[INPUT_CLICKSTREAM] = 7;
    partition->next_offset[INPUT_FEEDBACK] = 2;
    partition->event_ms_max = 100;
    partition->watermark_ms = 95;
    ledger_take(&partition->ledger, 4);
    ledger_take(&partition->ledger, 4);
    ledger_take(&partition->ledger, 6);
    partition_to_row(partition, &row);
    struct partition other;
    partition_init(&other, 3, 10, partition->store.zones);
    partition_from_row(&other, &row);
    partition_to_row(&other, &again);
    struct buffer left = {0}, right = {0};
    partition_state_encode(&row, &left);
    partition_state_encode(&again, &right);
    assert_true(bytes_equal(buffer_bytes(&left), buffer_bytes(&right)));
    assert_int_equal(other.epoch, 12);
    assert_int_equal(other.next_offset[INPUT_FEEDBACK], 2);
    assert_int_equal(other.watermark_ms, 95);
    assert_int_equal(other.ledger.hour_count, 2);
    assert_int_equal(other.ledger.hours[0].used, 2);
    partition_clean_up(&other);
    buffer_clean_up(&left);
    buffer_clean_up(&right);
}

/* The heap holds one entry for each armed timer, whatever it held before. */
static void test_timers_are_rebuilt_from_users(void **state) {
    struct partition *partition = *state;
    uint32_t anna = user_store_add(&partition->store, bytes_of_text("anna"), 5);
    uint32_t bert = user_store_add(&partition->store, bytes_of_text("bert"), 6);
    uint32_t gone = user_store_add(&partition->store, bytes_of_text("gone"), 7);
    state_active(&user_store_get(&partition->store, gone)->state)->timers[TIMER_CART].deadline_ms =
        30;
    user_store_remove(&partition->store, gone);
    struct user_active *active = state_active(&user_store_get(&partition->store, anna)->state);
    active->timers[TIMER_CART] = (struct timer){.deadline_ms = 50, .queued_ms = 20, .anchor = 9};
    active->timers[TIMER_DECISIONS] = (struct timer){.deadline_ms = 40, .queued_ms = TIME_NONE};
    struct timer stale = {.queued_ms = TIME_NONE};
    timers_arm(&partition->timers, &stale, (struct timer_entry){.deadline_ms = 1});
    partition_rebuild_timers(partition);
    assert_int_equal(partition->timers.count, 2);
    const struct timer_entry *first = timers_peek(&partition->timers, 40);
    assert_non_null(first);
    assert_int_equal(first->slot, anna);
    assert_int_equal(first->kind, TIMER_DECISIONS);
    assert_int_equal(first->user_hash, user_store_get(&partition->store, anna)->hash);
    assert_true(timers_take(&partition->timers, &active->timers[TIMER_DECISIONS]));
    assert_true(timers_take(&partition->timers, &active->timers[TIMER_CART]));
    assert_int_equal(active->timers[TIMER_CART].anchor, 9);
    assert_int_equal(partition->store.eviction.count, 2);
    assert_int_equal(user_store_oldest(&partition->store), anna);
    user_store_get(&partition->store, anna)->state.last_event_ms = 8;
    assert_int_equal(user_store_oldest(&partition->store), bert);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_one_knows_no_time),
        TEST(test_begin_remembers_where_the_epoch_began),
        TEST(test_row_and_back),
        TEST(test_timers_are_rebuilt_from_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
