#include "tests/simulation/partition_log.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"

void partition_log_clean_up(struct partition_log *log) {
    for (int64_t i = 0; i < log->end; i++) {
        free((void *)(uintptr_t)log->entries[i].key.data); /* the value lies behind it */
    }
    free(log->entries);
    free(log->open);
    *log = (struct partition_log){0};
}

static struct log_entry *add(struct partition_log *log) {
    if ((size_t)log->end == log->capacity) {
        log->capacity = log->capacity ? 2 * log->capacity : 64;
        log->entries = memory_grow(log->entries, log->capacity, sizeof *log->entries);
    }
    return &log->entries[log->end++];
}

static void open_for(struct partition_log *log, int64_t transaction) {
    for (size_t i = 0; i < log->open_count; i++) {
        if (log->open[i].transaction == transaction) {
            return;
        }
    }
    if (log->open_count == log->open_capacity) {
        log->open_capacity = log->open_capacity ? 2 * log->open_capacity : 4;
        log->open = memory_grow(log->open, log->open_capacity, sizeof *log->open);
    }
    log->open[log->open_count++] = (struct open_transaction){transaction, log->end};
}

void partition_log_append(struct partition_log *log, int64_t transaction, struct bytes key,
                          struct bytes value, int64_t timestamp_ms, int64_t now_us) {
    if (transaction != LOG_NO_TRANSACTION) {
        open_for(log, transaction);
    }
    uint8_t *data = memory_new(key.size + value.size + 1, 1);
    if (key.size > 0) {
        memcpy(data, key.data, key.size);
    }
    if (value.size > 0) {
        memcpy(data + key.size, value.data, value.size);
    }
    *add(log) = (struct log_entry){
        .key = bytes_of(data, key.size),
        .value = bytes_of(value.data ? data + key.size : NULL, value.size),
        .timestamp_ms = timestamp_ms,
        .transaction = transaction,
        .appended_us = now_us,
        .state = transaction == LOG_NO_TRANSACTION ? ENTRY_COMMITTED : ENTRY_OPEN,
    };
}

void partition_log_mark(struct partition_log *log, int64_t transaction, bool commits,
                        int64_t now_us) {
    for (size_t i = 0; i < log->open_count; i++) {
        if (log->open[i].transaction != transaction) {
            continue;
        }
        for (int64_t at = log->open[i].first_offset; at < log->end; at++) {
            struct log_entry *entry = &log->entries[at];
            if (entry->transaction == transaction && entry->state == ENTRY_OPEN) {
                entry->state = commits ? ENTRY_COMMITTED : ENTRY_ABORTED;
            }
        }
        log->open[i] = log->open[--log->open_count];
        break;
    }
    *add(log) = (struct log_entry){
        .transaction = transaction, .appended_us = now_us, .state = ENTRY_CONTROL};
}

int64_t partition_log_stable(const struct partition_log *log) {
    int64_t stable = log->end;
    for (size_t i = 0; i < log->open_count; i++) {
        stable = log->open[i].first_offset < stable ? log->open[i].first_offset : stable;
    }
    return stable;
}

bool partition_log_is_visible(const struct partition_log *log, int64_t offset) {
    const struct log_entry *entry = &log->entries[offset];
    return entry->state == ENTRY_COMMITTED && !entry->is_compacted;
}

/* ---- compaction ---- */

struct place {
    uint64_t hash;
    int64_t offset; /* of the newest version; -1 = free */
};

static struct place *find(struct place *places, size_t mask, const struct partition_log *log,
                          struct bytes key) {
    uint64_t hash = hash64(key, 0);
    size_t at = (size_t)hash & mask;
    while (places[at].offset >= 0 &&
           (places[at].hash != hash || !bytes_equal(log->entries[places[at].offset].key, key))) {
        at = (at + 1) & mask;
    }
    places[at].hash = hash;
    return &places[at];
}

void partition_log_compact(struct partition_log *log, int64_t tail, int64_t lag_us, int64_t now_us,
                           int64_t keep_us) {
    int64_t stable = partition_log_stable(log);
    int64_t until = log->end - tail < stable ? log->end - tail : stable;
    while (until > 0 && now_us - log->entries[until - 1].appended_us < lag_us) {
        until--;
    }
    if (until <= 0) {
        return;
    }
    size_t mask = 16;
    while (mask < (size_t)until * 2) {
        mask *= 2;
    }
    struct place *places = memory_new(mask, sizeof *places);
    for (size_t i = 0; i < mask; i++) {
        places[i].offset = -1;
    }
    for (int64_t at = until - 1; at >= 0; at--) {
        struct log_entry *entry = &log->entries[at];
        if (entry->state != ENTRY_COMMITTED || entry->is_compacted) {
            continue;
        }
        struct place *place = find(places, mask - 1, log, entry->key);
        bool is_newest = place->offset < 0;
        place->offset = is_newest ? at : place->offset;
        bool is_old_tombstone = !entry->value.data && now_us - entry->appended_us > keep_us;
        entry->is_compacted = !is_newest || is_old_tombstone;
    }
    free(places);
}
