/* partition: everything that one partition of the clickstream owns: users, timers, ledger,
 * positions, watermark. It is dropped and read back as a whole; there is no other recovery. One
 * thread. */
#ifndef PROMOSTREAM_ROOMS_PARTITION_H
#define PROMOSTREAM_ROOMS_PARTITION_H

#include "broker/broker.h"
#include "consumer/rooms/decide.h"
#include "consumer/rooms/state.h"

struct side_table;

struct partition {
    int32_t number;
    struct user_store store;
    struct timers timers;
    struct ledger ledger;
    int64_t epoch;                      /* number of the last computed epoch; 0 before the first */
    int64_t next_offset[INPUT_COUNT];   /* next record to process */
    int64_t event_ms_max, watermark_ms; /* TIME_NONE before the first event */

    struct side_table *open_rows; /* frozen rows of open decisions, by id, as on open-decisions */
    int64_t open_count;           /* open decisions, those in the micro-batch included */

    /* This epoch */
    bool is_touched; /* had input or fired a timer: it gets a journal row, an epoch number, a state
                        row */
    int64_t from_offset[INPUT_COUNT];
    int64_t watermark_before_ms, tick_ms;
    bool fired_at_end;

    /* For idle ticks: wall time of the last record's receipt, or of the end of recovery */
    int64_t receipt_wall_ms;
    int64_t watermark_at_receipt_ms;
};

void partition_init(struct partition *partition, int32_t number, uint32_t users_max,
                    struct timezone_set *zones);
void partition_clean_up(struct partition *partition);
/* Start of an epoch: remembers where it began. */
void partition_begin(struct partition *partition);

/* partition-state as a row, and back. */
void partition_to_row(const struct partition *partition, struct partition_state_row *out);
void partition_from_row(struct partition *partition, const struct partition_state_row *row);
/* Recovery: rebuilds the heaps of timers and of eviction from the users. */
void partition_rebuild_timers(struct partition *partition);

#endif
