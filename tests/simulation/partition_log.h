/* partition_log: one partition of a simulated Kafka topic. Every record and every control record
 * has an offset; a record of a transaction is open until the transaction's marker has reached this
 * partition, and readers of committed records stop before the first open one (the last stable
 * offset). Compaction leaves holes; what it dropped is kept for the checks. */
#ifndef PROMOSTREAM_TESTS_SIMULATION_PARTITION_LOG_H
#define PROMOSTREAM_TESTS_SIMULATION_PARTITION_LOG_H

#include <stdint.h>

#include "base/buffer.h"

#define LOG_NO_TRANSACTION (-1)

enum entry_state { ENTRY_OPEN, ENTRY_COMMITTED, ENTRY_ABORTED, ENTRY_CONTROL };

struct log_entry {           /* its offset is its index */
    struct bytes key, value; /* owned; value.data NULL = tombstone */
    int64_t timestamp_ms, transaction;
    int64_t appended_us;
    enum entry_state state;
    bool is_compacted; /* gone for readers */
};

struct open_transaction {
    int64_t transaction, first_offset;
};

struct partition_log {
    struct log_entry *entries;
    int64_t end; /* their number: the high watermark */
    size_t capacity;
    struct open_transaction *open;
    size_t open_count, open_capacity;
};

void partition_log_clean_up(struct partition_log *log);
/* Copies. transaction LOG_NO_TRANSACTION = a plain record. */
void partition_log_append(struct partition_log *log, int64_t transaction, struct bytes key,
                          struct bytes value, int64_t timestamp_ms, int64_t now_us);
/* The transaction's end arrives: its records here are settled and a control record follows. */
void partition_log_mark(struct partition_log *log, int64_t transaction, bool commits,
                        int64_t now_us);
int64_t partition_log_stable(const struct partition_log *log);
/* Whether a reader of committed records gets the entry; offset below the last stable one. */
bool partition_log_is_visible(const struct partition_log *log, int64_t offset);
/* Of each key, older versions below the last stable offset vanish, and so do tombstones that are
 * older than keep_us; the newest tail entries stay as they are, like an active segment, and so does
 * what is younger than lag_us (min.compaction.lag.ms). */
void partition_log_compact(struct partition_log *log, int64_t tail, int64_t lag_us, int64_t now_us,
                           int64_t keep_us);

#endif
