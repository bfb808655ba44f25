#include "consumer/worker_internal.h"

#include <stdlib.h>

#define RECOVERY_TRIES_MAX 20 /* each waits for the broker as long as the seam's own time-outs */
/* Together several heartbeats of the group. */
#define ASK_POLLS   30
#define ASK_POLL_MS 100
#define ARRIVE_MS   20 /* of reading back between two polls: the partitions that run wait for it */

void owned_drop_memory(struct owned *owned) {
    if (owned->has_memory) {
        partition_clean_up(&owned->partition);
        owned->has_memory = false;
    }
}

void worker_forget_gathered(struct worker *worker) {
    for (int32_t p = 0; p < worker->partition_count; p++) {
        for (int input = 0; input < INPUT_COUNT; input++) {
            worker->owned[p].gathered_count[input] = 0;
        }
    }
    worker->gathered = worker->gathered_bytes = 0;
    worker->hold_since_ns = 0;
    broker_release(worker->broker);
}

static void keep_record(struct worker *worker, const struct record *record) {
    struct owned *owned = &worker->owned[record->partition];
    if (!owned->is_running || record->offset < owned->partition.next_offset[record->input]) {
        return; /* not ours any more, or from before the position: it is or will be read elsewhere
                 */
    }
    size_t *count = &owned->gathered_count[record->input];
    size_t *capacity = &owned->gathered_capacity[record->input];
    if (*count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 1024;
        owned->gathered[record->input] =
            memory_grow(owned->gathered[record->input], *capacity, sizeof *record);
    }
    owned->gathered[record->input][(*count)++] = *record;
    worker->gathered++;
    worker->gathered_bytes += record->key.size + record->value.size;
}

static void stop_partitions(struct worker *worker, bool keeps_memory) {
    worker_forget_gathered(worker);
    recovery_abandon(&worker->recovery);
    for (size_t i = 0; i < worker->arriving_count; i++) {
        owned_drop_memory(&worker->owned[worker->arriving[i].partition]);
    }
    worker->arriving_count = 0;
    for (int32_t p = 0; p < worker->partition_count; p++) {
        worker->owned[p].is_running = false;
        if (!keeps_memory) {
            owned_drop_memory(&worker->owned[p]);
        }
    }
    worker->is_assigned = false;
}

/* ---- partitions come ---- */

/* A partition whose memory is current. */
static struct failure start_one(struct worker *worker, int32_t number) {
    struct owned *owned = &worker->owned[number];
    int64_t positions[INPUT_COUNT];
    memcpy(positions, owned->partition.next_offset, sizeof positions);
    struct failure failure = broker_start(worker->broker, number, positions);
    for (int tries = 1; failure.action == FAILURE_RETRY && tries < RECOVERY_TRIES_MAX; tries++) {
        log_warn(worker->settings.log, ROOM, "start again partition=%d: %s", (int)number,
                 failure.text);
        failure = broker_start(worker->broker, number, positions);
    }
    owned->is_running = true;
    owned->partition.receipt_wall_ms = now_ms(worker);
    owned->partition.watermark_at_receipt_ms = owned->partition.watermark_ms;
    health_beat(worker->health, now_ms(worker));
    return failure;
}

/* What runs can be computed from now on. */
static void go_on(struct worker *worker) {
    worker->is_assigned = worker->is_fresh = true;
    worker->heartbeat_wall_ms = now_ms(worker);
    health_enter(worker->health, WORKER_RUNNING, now_ms(worker));
}

/* Everything that was assigned is recovered. */
static struct failure start_arrived(struct worker *worker, size_t assigned) {
    for (size_t i = 0; i < worker->arriving_count; i++) {
        struct failure failure = start_one(worker, worker->arriving[i].partition);
        if (failed(failure)) {
            return failure;
        }
    }
    worker->arriving_count = 0;
    go_on(worker);
    log_info(worker->settings.log, ROOM, "assigned worker=%s partitions=%zu recovery_ms=%lld",
             worker->settings.name, assigned,
             (long long)((clock_monotonic_ns() - worker->assigned_ns) / 1000000));
    return failure_none();
}

static size_t running_count(const struct worker *worker) {
    size_t count = 0;
    for (int32_t p = 0; p < worker->partition_count; p++) {
        count += worker->owned[p].is_running;
    }
    return count;
}

/* Reads on, for about budget_ms (below 0 = one partition whole); the next one's topics are fetched
 * meanwhile. */
static struct failure arrive(struct worker *worker, int budget_ms) {
    struct recovery *recovery = &worker->recovery;
    const struct assignment *assignment = &worker->arriving[worker->arrived];
    struct owned *owned = &worker->owned[assignment->partition];
    while (worker->prepared < worker->arriving_count && worker->prepared < worker->arrived + 2) {
        recovery_prepare(recovery, worker->arriving[worker->prepared++].partition);
    }
    if (!recovery->partition) {
        owned_drop_memory(owned);
        partition_init(&owned->partition, assignment->partition,
                       (uint32_t)worker->settings.config->state.users_max, worker->zones);
        owned->has_memory = true;
        recovery_begin(recovery, assignment, &owned->partition);
    }
    bool is_done = false;
    struct failure failure = recovery_step(recovery, budget_ms, &is_done);
    if (failure.action == FAILURE_RETRY && ++worker->arriving_tries < RECOVERY_TRIES_MAX) {
        log_warn(worker->settings.log, ROOM, "recovery again partition=%d: %s",
                 (int)assignment->partition, failure.text);
        return failure_none();
    }
    if (is_done) {
        worker->arrived++;
        worker->arriving_tries = 0;
        health_beat(worker->health, now_ms(worker));
    }
    metric_set(&recovery->progress.partitions_waiting,
               (int64_t)(worker->arriving_count - worker->arrived));
    return failed(failure) || worker->arrived < worker->arriving_count
               ? failure
               : start_arrived(worker, running_count(worker) + worker->arriving_count);
}

/* Splits what was assigned: what has its memory runs at once, the rest arrives. */
static struct failure split(struct worker *worker, const struct broker_event *event) {
    struct failure failure = failure_none();
    worker->arriving_count = worker->arrived = worker->prepared = 0;
    worker->arriving_tries = 0;
    for (size_t i = 0; i < event->assignment_count && !failed(failure); i++) {
        const struct assignment *assignment = &event->assignments[i];
        if (assignment->partition >= worker->partition_count) {
            failure = failure_make(FAILURE_STOP, 0,
                                   "partition %d was assigned, the clickstream had %d at the "
                                   "start: partitions must not be added",
                                   (int)assignment->partition, (int)worker->partition_count);
        } else if (worker->owned[assignment->partition].has_memory &&
                   recovery_is_current(&worker->owned[assignment->partition].partition,
                                       assignment)) {
            failure = start_one(worker, assignment->partition);
            metric_add(&worker->recovery.progress.partitions_kept_total, 1);
        } else {
            worker->arriving[worker->arriving_count++] = *assignment;
        }
    }
    return failure;
}

/* What was kept for a return and did not return is dropped: somebody else may have written on. */
static void drop_strangers(struct worker *worker) {
    for (int32_t p = 0; p < worker->partition_count; p++) {
        if (!worker->owned[p].is_running) {
            owned_drop_memory(&worker->owned[p]);
        }
    }
}

/* Partitions that stay do not wait for those that come: these are read back between the epochs of
 * the others (worker_gather). Where nothing stays they are read at once. */
static struct failure take_assignments(struct worker *worker, const struct broker_event *event) {
    worker->assigned_ns = clock_monotonic_ns();
    health_enter(worker->health, WORKER_RECOVERING, now_ms(worker));
    struct failure failure = split(worker, event);
    if (failed(failure)) {
        return failure;
    }
    drop_strangers(worker);
    size_t kept = event->assignment_count - worker->arriving_count;
    if (worker->arriving_count == 0) {
        metric_set(&worker->recovery.progress.partitions_waiting, 0);
        return start_arrived(worker, kept);
    }
    if (kept > 0) {
        log_info(worker->settings.log, ROOM, "goes on worker=%s partitions=%zu arriving=%zu",
                 worker->settings.name, kept, worker->arriving_count);
        go_on(worker);
    }
    while (kept == 0 && worker->arriving_count > 0 && !failed(failure)) {
        failure = arrive(worker, -1);
    }
    return failure;
}

static struct failure take_event(struct worker *worker, const struct broker_event *event);

/* Who stood still while others took over has read what they wrote since, and it contradicts the
 * positions that were given before. Then the group takes the partitions away, and nothing is wrong:
 * it is asked for a while before the contradiction is believed. */
static struct failure ask_group(struct worker *worker, struct failure failure) {
    log_warn(worker->settings.log, ROOM, "recovery failed, asking the group worker=%s: %s",
             worker->settings.name, failure.text);
    failure.action = FAILURE_STOP; /* nobody would assign it once more */
    stop_partitions(worker, false);
    for (int i = 0; i < ASK_POLLS; i++) {
        struct broker_event event;
        struct failure polled = broker_poll(worker->broker, ASK_POLL_MS, 1, &event);
        if (failed(polled) && polled.action != FAILURE_RETRY) {
            return polled;
        }
        if (!failed(polled) && (event.kind == BROKER_LOST || event.kind == BROKER_REVOKED)) {
            return take_event(worker, &event);
        }
    }
    return failure;
}

static struct failure take_event(struct worker *worker, const struct broker_event *event) {
    struct failure failure = failure_none();
    switch (event->kind) {
    case BROKER_NOTHING:
        break;
    case BROKER_RECORDS:
        for (size_t i = 0; i < event->record_count; i++) {
            keep_record(worker, &event->records[i]);
        }
        break;
    case BROKER_ASSIGNED:
        failure = take_assignments(worker, event);
        return failed(failure) ? ask_group(worker, failure) : failure;
    case BROKER_REVOKED:
    case BROKER_LOST:
        log_info(worker->settings.log, ROOM, "%s worker=%s",
                 event->kind == BROKER_LOST ? "lost" : "revoked", worker->settings.name);
        stop_partitions(worker, event->kind == BROKER_REVOKED);
        break;
    }
    return failure;
}

#define BACKLOG_RECORDS 1000

/* The first epoch of an assignment closes so soon after its first records, which have waited for
 * longer than that: long enough for those of all partitions to come. */
#define RESUME_MS 10

/* When does the epoch close that is open for open_ms and was to close at close_ms? */
static int64_t close_at(struct worker *worker, int64_t close_ms, int64_t open_ms) {
    bool resumes = worker->is_fresh && worker->gathered > 0;
    worker->is_fresh = worker->is_fresh && !resumes;
    return resumes && open_ms + RESUME_MS < close_ms ? open_ms + RESUME_MS : close_ms;
}

/* A poll that brings so many did not wait for them. */
static bool is_backlog(const struct epoch_config *config, int64_t open_ms, size_t polled) {
    return polled >= BACKLOG_RECORDS && open_ms < config->backlog_interval_ms;
}

struct failure worker_gather(struct worker *worker) {
    const struct epoch_config *config = &worker->settings.config->epoch;
    int64_t begin_ns = clock_monotonic_ns(), open_ms = 0, close_ms = config->interval_ms;
    size_t records_max = (size_t)config->events_max;
    struct broker_event event;
    do {
        size_t room = worker->gathered < records_max ? records_max - worker->gathered : 1;
        int64_t left_ms =
            close_ms > open_ms && worker->arriving_count == 0 ? close_ms - open_ms : 0;
        struct failure failure = broker_poll(worker->broker, (int)left_ms, room, &event);
        if (!failed(failure)) {
            failure = take_event(worker, &event);
        }
        if (!failed(failure) && worker->arriving_count > 0) {
            failure = arrive(worker, ARRIVE_MS);
            failure = failed(failure) ? ask_group(worker, failure) : failure;
        }
        if (failed(failure) && failure.action != FAILURE_RETRY) {
            return failure;
        }
        health_beat(worker->health, now_ms(worker));
        open_ms = (clock_monotonic_ns() - begin_ns) / 1000000;
        close_ms = close_at(worker, close_ms, open_ms);
    } while (worker->gathered < records_max && worker->gathered_bytes < (size_t)config->bytes_max &&
             (open_ms < close_ms || is_backlog(config, open_ms, event.record_count)) &&
             !worker->settings.should_stop());
    return failure_none();
}
