#include "consumer/rooms/partition.h"

#include "consumer/side/side_table.h"

void partition_init(struct partition *partition, int32_t number, uint32_t users_max,
                    struct timezone_set *zones) {
    *partition = (struct partition){
        .number = number,
        .event_ms_max = TIME_NONE,
        .watermark_ms = TIME_NONE,
        .watermark_at_receipt_ms = TIME_NONE,
    };
    uint64_t open_max = (uint64_t)users_max * USER_OPEN_MAX;
    partition->open_rows =
        side_table_new(open_max < UINT32_MAX ? (size_t)open_max : UINT32_MAX - 1);
    user_store_init(&partition->store, users_max, zones);
    partition_begin(partition);
}

void partition_clean_up(struct partition *partition) {
    user_store_clean_up(&partition->store);
    timers_clean_up(&partition->timers);
    side_table_destroy(partition->open_rows);
    partition->open_rows = NULL;
}

void partition_begin(struct partition *partition) {
    partition->is_touched = false;
    for (int i = 0; i < INPUT_COUNT; i++) {
        partition->from_offset[i] = partition->next_offset[i];
    }
    partition->watermark_before_ms = partition->watermark_ms;
    partition->tick_ms = TIME_NONE;
    partition->fired_at_end = false;
}

void partition_to_row(const struct partition *partition, struct partition_state_row *out) {
    *out = (struct partition_state_row){
        .partition = partition->number,
        .epoch = partition->epoch,
        .event_ms_max = partition->event_ms_max,
        .watermark_ms = partition->watermark_ms,
        .hour_count = partition->ledger.hour_count,
    };
    for (int i = 0; i < INPUT_COUNT; i++) {
        out->next_offset[i] = partition->next_offset[i];
    }
    memcpy(out->hours, partition->ledger.hours, sizeof out->hours);
}

void partition_from_row(struct partition *partition, const struct partition_state_row *row) {
    partition->epoch = row->epoch;
    partition->event_ms_max = row->event_ms_max;
    partition->watermark_ms = row->watermark_ms;
    partition->ledger.hour_count = row->hour_count;
    memcpy(partition->ledger.hours, row->hours, sizeof row->hours);
    for (int i = 0; i < INPUT_COUNT; i++) {
        partition->next_offset[i] = row->next_offset[i];
    }
}

#define AHEAD 8

void partition_rebuild_timers(struct partition *partition) {
    struct user_store *store = &partition->store;
    user_store_clear_eviction(store);
    timers_clear(&partition->timers);
    for (uint32_t slot = 0; slot < store->slot_count; slot++) {
        struct user_slot *tenant = user_store_get(store, slot);
        if (slot + AHEAD < store->slot_count) {
            user_store_prefetch_active(store, slot + AHEAD);
        }
        if (!tenant->is_used) {
            continue;
        }
        user_store_enter_eviction(store, slot);
        for (uint32_t kind = 0; tenant->state.active && kind < TIMER_KIND_COUNT; kind++) {
            struct timer *timer = &tenant->state.active->timers[kind];
            timer->queued_ms = TIME_NONE;
            if (timer->deadline_ms != TIME_NONE) {
                timers_arm(&partition->timers, timer,
                           (struct timer_entry){timer->deadline_ms, tenant->hash, slot, kind});
            }
        }
    }
}
