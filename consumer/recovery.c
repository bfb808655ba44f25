#include "consumer/recovery.h"

#include <stdio.h>
#include <stdlib.h>

#include "consumer/side/side_table.h"
#include "schemas/schemas.h"

#define ROOM "recovery"

#define METRICS_ROW_STRUCT struct recovery_metrics
METRICS_TABLE(recovery_metrics, RECOVERY_METRICS)
#undef METRICS_ROW_STRUCT

#define HASHES     64
#define AHEAD_ROW  12
#define AHEAD_USER 4
#define UNNAMED    4 /* a power of two */

/* A user whose row has been read and whose names wait, lent from the record. */
struct unnamed {
    uint32_t slot;
    struct user_row_names row;
};

/* One reading of one topic partition. */
struct reading {
    struct partition *partition;
    struct user_state_names names;
    uint64_t hashes[HASHES]; /* of the keys of the records that are read next */
    size_t hash_next, hash_count;
    struct unnamed unnamed[UNNAMED]; /* rows named..read, each at its number modulo UNNAMED */
    size_t rows_named, rows_read;
    size_t source;   /* being read, of sources */
    bool has_row;    /* of partition-state */
    size_t refused;  /* rows that are not valid */
    size_t overflow; /* rows of users beyond users_max */
};

bool recovery_is_current(const struct partition *partition, const struct assignment *assignment) {
    for (int input = 0; input < INPUT_COUNT; input++) {
        if (assignment->next_offset[input] != partition->next_offset[input]) {
            return false;
        }
    }
    return assignment->epoch == partition->epoch;
}

static void take_partition_state(void *context, const struct record *record) {
    struct reading *reading = context;
    struct partition_state_row row;
    struct bytes body;
    if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_PARTITION_STATE, 0, record->value, &body) ||
        !partition_state_decode(body, &row) || row.partition != reading->partition->number) {
        reading->refused++;
        return;
    }
    partition_from_row(reading->partition, &row);
    reading->has_row = true;
}

static uint64_t next_hash(struct reading *reading, const struct record *record) {
    if (reading->hash_next == reading->hash_count) {
        reading->hash_next = 0;
        reading->hash_count = record->following < HASHES ? record->following + 1 : HASHES;
        for (size_t i = 0; i < reading->hash_count; i++) {
            reading->hashes[i] = hash64(record[i].key, 0);
            slot_index_prefetch(&reading->partition->store.index, reading->hashes[i]);
        }
    }
    return reading->hashes[reading->hash_next++];
}

/* A row behind this one, and the place of a user, are fetched meanwhile. */
static void look_ahead(const struct reading *reading, const struct record *record) {
    const struct user_store *store = &reading->partition->store;
    if (record->following >= AHEAD_ROW) {
        const uint8_t *value = record[AHEAD_ROW].value.data;
        for (size_t i = 0; value && i < record[AHEAD_ROW].value.size; i += 64) {
            __builtin_prefetch(value + i);
        }
    }
    if (reading->hash_next + AHEAD_USER <= reading->hash_count) {
        uint64_t hash = reading->hashes[reading->hash_next + AHEAD_USER - 1];
        user_store_prefetch(store, user_store_peek(store, hash));
    }
}

/* ---- names ---- */

/* The oldest, until no more than `left` wait. */
static void name_users(struct reading *reading, size_t left) {
    struct user_store *store = &reading->partition->store;
    while (reading->rows_read - reading->rows_named > left) {
        const struct unnamed *oldest = &reading->unnamed[reading->rows_named++ % UNNAMED];
        user_state_name(&user_store_get(store, oldest->slot)->state, &oldest->row, &reading->names);
    }
}

/* A user that comes again must have its names first: they are given back. */
static void name_user(struct reading *reading, uint32_t slot) {
    for (size_t i = reading->rows_named; i < reading->rows_read; i++) {
        if (reading->unnamed[i % UNNAMED].slot == slot) {
            name_users(reading, reading->rows_read - i - 1);
            return;
        }
    }
}

/* A row's names have been hashed; two rows later their entries are fetched. */
static void fetch_names(const struct reading *reading) {
    if (reading->rows_read - reading->rows_named >= UNNAMED / 2) {
        const struct unnamed *user = &reading->unnamed[(reading->rows_read - 2) % UNNAMED];
        items_fetch_all(&reading->partition->store.items, user->row.recent_hashes,
                        USER_RECENT_ITEMS);
    }
}

/* ---- rows ---- */

static bool read_user(struct reading *reading, const struct record *record, struct bytes body,
                      struct user_state *out) {
    struct unnamed *unnamed = &reading->unnamed[reading->rows_read % UNNAMED];
    return user_state_read(body, &reading->names, out, &unnamed->row) &&
           bytes_equal(record->key, user_state_id(out));
}

/* An eviction's tombstone comes before the row that took its place, so users_max was larger when
 * these were written. Whom to forget is not recovery's to decide: nobody would write the
 * tombstones. */
static void refuse_user(struct reading *reading, const struct record *record, struct bytes body) {
    struct user_state user;
    if (read_user(reading, record, body, &user)) {
        reading->overflow++;
    } else {
        reading->refused++;
    }
    user_state_clean_up(&user);
}

static void take_row(struct reading *reading, const struct record *record) {
    struct user_store *store = &reading->partition->store;
    uint64_t hash = next_hash(reading, record);
    look_ahead(reading, record);
    uint32_t slot = user_store_find_hashed(store, hash, record->key);
    struct bytes body;
    if (slot != SLOT_NONE) {
        name_user(reading, slot);
    }
    if (!record->value.data) {
        if (slot != SLOT_NONE) {
            user_store_remove(store, slot);
        }
    } else if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_USER_STATE, 0, record->value, &body)) {
        reading->refused++;
    } else if (slot == SLOT_NONE && user_store_is_full(store)) {
        refuse_user(reading, record, body);
    } else {
        slot = user_store_renew(store, slot, hash);
        if (read_user(reading, record, body, &user_store_get(store, slot)->state)) {
            reading->unnamed[reading->rows_read++ % UNNAMED].slot = slot;
            fetch_names(reading);
        } else {
            reading->refused++;
            user_store_remove(store, slot);
        }
    }
}

static void take_user(void *context, const struct record *record) {
    struct reading *reading = context;
    name_users(reading, UNNAMED - 1); /* room for one more */
    take_row(reading, record);
    if (record->following == 0) {
        name_users(reading, 0); /* the records go */
    }
}

static void take_open_decision(void *context, const struct record *record) {
    struct reading *reading = context;
    struct bytes body = bytes_of(NULL, 0);
    struct open_decision_row row;
    if (record->key.size == 0 ||
        (record->value.data &&
         (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_OPEN_DECISION, 0, record->value, &body) ||
          !open_decision_decode(body, &row)))) {
        reading->refused++;
    } else if (!side_table_put(reading->partition->open_rows, record->key, body)) {
        reading->refused++;
    }
}

/* Users and open-decisions speak of the same decisions: they were committed together. */
static struct failure check_open_decisions(const struct reading *reading) {
    const struct user_store *store = &reading->partition->store;
    size_t expected = 0;
    for (uint32_t slot = 0; slot < store->slot_count; slot++) {
        const struct user_slot *tenant = user_store_get(store, slot);
        if (slot + AHEAD_USER < store->slot_count) {
            user_store_prefetch_active(store, slot + AHEAD_USER);
        }
        size_t open_count =
            tenant->is_used && tenant->state.active ? tenant->state.active->open_count : 0;
        for (size_t i = 0; i < open_count; i++) {
            char id[33];
            hash128_format(tenant->state.active->open[i].id, id);
            if (side_table_get(reading->partition->open_rows, bytes_of_text(id)).size == 0) {
                return failure_make(
                    FAILURE_STOP, 0,
                    "partition %d: open decision %s of a user has no row in open-decisions",
                    (int)reading->partition->number, id);
            }
            expected++;
        }
    }
    if (expected != side_table_count(reading->partition->open_rows)) {
        return failure_make(FAILURE_STOP, 0,
                            "partition %d: %zu rows in open-decisions, users hold %zu",
                            (int)reading->partition->number,
                            side_table_count(reading->partition->open_rows), expected);
    }
    return failure_none();
}

/* Where to go on: the group's positions and the state's must be the same; one of them may be
 * missing. */
static struct failure choose_positions(const struct recovery *recovery,
                                       const struct assignment *assignment,
                                       const struct reading *reading, struct partition *partition) {
    if (reading->has_row && assignment->epoch >= 0 && assignment->epoch != partition->epoch) {
        return failure_make(FAILURE_STOP, 0,
                            "partition %d: the group committed epoch %lld, partition-state is of "
                            "%lld: they do not belong together (group id, prefix?)",
                            (int)partition->number, (long long)assignment->epoch,
                            (long long)partition->epoch);
    }
    if (!reading->has_row && partition->store.count > 0) {
        return failure_make(FAILURE_STOP, 0,
                            "partition %d: user-state has users, but partition-state has no row",
                            (int)partition->number);
    }
    for (int input = 0; input < INPUT_COUNT; input++) {
        int64_t committed = assignment->next_offset[input];
        if (reading->has_row && committed >= 0 && committed != partition->next_offset[input]) {
            return failure_make(FAILURE_STOP, 0,
                                "partition %d: the group stands at offset %lld of input %d, "
                                "partition-state at %lld: "
                                "they do not belong together (group id, prefix?)",
                                (int)partition->number, (long long)committed, input,
                                (long long)partition->next_offset[input]);
        }
        if (!reading->has_row && assignment->epoch > 0) {
            return failure_make(FAILURE_STOP, 0,
                                "partition %d: the group committed epoch %lld, but partition-state "
                                "has no row (prefix?)",
                                (int)partition->number, (long long)assignment->epoch);
        }
        if (!reading->has_row) {
            partition->next_offset[input] = committed >= 0 ? committed : 0;
            if (committed < 0 && recovery->starts_latest && input == INPUT_CLICKSTREAM) {
                struct failure failure =
                    broker_log_end(recovery->broker, INPUT_CLICKSTREAM, partition->number,
                                   &partition->next_offset[input]);
                if (failed(failure)) {
                    return failure;
                }
            }
        }
    }
    return failure_none();
}

static const struct source {
    enum topic topic;
    broker_visit *visit;
} sources[] = {
    {TOPIC_PARTITION_STATE, take_partition_state},
    {TOPIC_USER_STATE, take_user},
    {TOPIC_OPEN_DECISIONS, take_open_decision},
};
#define SOURCE_COUNT (sizeof sources / sizeof sources[0])

void recovery_prepare(const struct recovery *recovery, int32_t number) {
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        broker_read_ahead(recovery->broker, sources[i].topic, number);
    }
}

/* ---- progress ---- */

static void show_users(struct recovery *recovery, int64_t now_ns) {
    int64_t users = recovery->partition->store.count;
    int64_t ms = (now_ns - recovery->begun_ns) / 1000000;
    metric_set(&recovery->progress.users, users);
    metric_set(&recovery->progress.users_per_s, users * 1000 / (ms > 0 ? ms : 1));
}

void recovery_show(struct recovery *recovery, const struct broker_reading *reading,
                   int64_t now_ns) {
    struct recovery_metrics *progress = &recovery->progress;
    bool is_time = now_ns - recovery->said_ns >= RECOVERY_SAY_NS;
    recovery->said_ns = is_time ? now_ns : recovery->said_ns;
    if (!recovery->partition) {
        if (is_time) {
            log_info(recovery->log, ROOM, "reading topic=%s partition=%d offsets=%lld of=%lld",
                     topic_default_name(reading->topic), (int)reading->partition,
                     (long long)reading->done, (long long)reading->total);
        }
        return;
    }
    metric_set(&progress->offsets_done, reading->done);
    metric_set(&progress->offsets_total, reading->total);
    show_users(recovery, now_ns);
    if (is_time) {
        log_info(recovery->log, ROOM,
                 "recovering partition=%d topic=%s offsets=%lld of=%lld users=%lld "
                 "users_per_s=%lld partitions_waiting=%lld",
                 (int)reading->partition, topic_default_name(reading->topic),
                 (long long)reading->done, (long long)reading->total,
                 (long long)metric_get(&progress->users),
                 (long long)metric_get(&progress->users_per_s),
                 (long long)metric_get(&progress->partitions_waiting));
    }
}

static void end_progress(struct recovery *recovery, bool is_read) {
    const struct partition *partition = recovery->partition;
    struct recovery_metrics *progress = &recovery->progress;
    int64_t now_ns = clock_monotonic_ns();
    show_users(recovery, now_ns);
    metric_set(&progress->offsets_done, 0);
    metric_set(&progress->offsets_total, 0);
    if (!is_read) {
        return;
    }
    metric_add(&progress->partitions_read_total, 1);
    metric_add(&recovery->metrics->recovered_users_total, partition->store.count);
    log_info(recovery->log, ROOM,
             "recovered partition=%d users=%u open_decisions=%zu epoch=%lld offset=%lld ms=%lld "
             "users_per_s=%lld",
             (int)partition->number, partition->store.count, side_table_count(partition->open_rows),
             (long long)partition->epoch, (long long)partition->next_offset[INPUT_CLICKSTREAM],
             (long long)((now_ns - recovery->begun_ns) / 1000000),
             (long long)metric_get(&progress->users_per_s));
}

/* ---- the whole ---- */

void recovery_begin(struct recovery *recovery, const struct assignment *assignment,
                    struct partition *partition) {
    recovery->partition = partition;
    recovery->assignment = *assignment;
    recovery->begun_ns = recovery->said_ns = clock_monotonic_ns();
    recovery->reading = memory_new(1, sizeof *recovery->reading);
    recovery->reading->partition = partition;
    recovery->reading->names = user_store_names(&partition->store);
}

static void end(struct recovery *recovery, bool is_read) {
    end_progress(recovery, is_read);
    free(recovery->reading);
    recovery->reading = NULL;
    recovery->partition = NULL;
}

void recovery_abandon(struct recovery *recovery) {
    if (recovery->partition) {
        end(recovery, false);
    }
}

/* Everything was read: is it whole, and where does it go on? */
static struct failure finish(const struct recovery *recovery, const struct reading *reading) {
    struct partition *partition = reading->partition;
    if (reading->refused > 0) {
        return failure_make(FAILURE_STOP, 0, "partition %d: %zu rows of its state are not valid",
                            (int)partition->number, reading->refused);
    }
    if (reading->overflow > 0) {
        return failure_make(FAILURE_STOP, 0,
                            "partition %d: user-state holds more users than state.users_max = "
                            "%u: set it to what it was, or higher",
                            (int)partition->number, partition->store.users_max);
    }
    struct failure failure = check_open_decisions(reading);
    if (!failed(failure)) {
        failure = choose_positions(recovery, &recovery->assignment, reading, partition);
    }
    if (!failed(failure)) {
        partition_rebuild_timers(partition);
        partition->open_count = (int64_t)side_table_count(partition->open_rows);
        partition_begin(partition);
    }
    return failure;
}

struct failure recovery_step(struct recovery *recovery, int budget_ms, bool *out_is_done) {
    struct reading *reading = recovery->reading;
    struct failure failure = failure_none();
    *out_is_done = false;
    do {
        const struct source *source = &sources[reading->source];
        bool is_end;
        failure = broker_read_some(recovery->broker, source->topic, recovery->partition->number,
                                   budget_ms, source->visit, reading, &is_end);
        reading->source += !failed(failure) && is_end;
    } while (!failed(failure) && budget_ms < 0 && reading->source < SOURCE_COUNT);
    if (!failed(failure) && reading->source == SOURCE_COUNT) {
        *out_is_done = true;
        failure = finish(recovery, reading);
    }
    if (failed(failure) || *out_is_done) {
        end(recovery, !failed(failure));
    }
    return failure;
}

struct failure recovery_run(struct recovery *recovery, const struct assignment *assignment,
                            struct partition *partition) {
    bool is_done;
    recovery_begin(recovery, assignment, partition);
    return recovery_step(recovery, -1, &is_done);
}
