/* Epochs: two buffers, one filled by the worker (W), one in a transaction on the commit thread (C).
 *
 *     W  submit N+1: waits for N ...          N failed: N+1 is thrown away; the next poll says LOST
 *     C  N: begin, produce, offsets, commit - NONE: committed
 *                                           - else maybe abort; a new producer with the same id
 *
 * A producer that was fenced is replaced, however often: it may have been our own transaction that
 * timed out on the broker, or a takeover by mistake. Whether a twin has our name is the group's to
 * say (broker_group.c): two judges could end both.
 *
 * After a failure committed positions are read only when C is idle again: the abort, or
 * init_transactions of the new producer, settles what they are. Where the producer belongs to the
 * assignment (trainers), C only ends a broken one: whoever fenced it may be the new owner, so W
 * opens the next one if the partitions are still ours. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "broker/broker_internal.h"
#include "broker/txn_errors.h"

#define MILLISECOND_NS    1000000
#define RECREATE_WAIT_MS  1000
#define BACK_OFF_FIRST_MS 100
#define BACK_OFF_MAX_MS   5000
#define INIT_ROUND_MS     30000
#define OPEN_ROUND_MS     10000 /* the group's callbacks wait meanwhile */
#define CALL_STUCK_MS     60000
#define LOOK_MS           1000 /* W looks after C so often while it waits for it */

/* ---- waiting; the mutex is held ---- */

static struct timespec timespec_of_ms(int64_t at_ms) {
    return (struct timespec){.tv_sec = (time_t)(at_ms / 1000),
                             .tv_nsec = (long)(at_ms % 1000) * MILLISECOND_NS};
}

static bool wait_until(struct committer *committer, int64_t until_ms) {
    struct timespec until = timespec_of_ms(until_ms);
    return pthread_cond_timedwait(&committer->changed, &committer->mutex, &until) == 0;
}

/* librdkafka's send_offsets_to_transaction was seen to wait for ever, its time-out notwithstanding,
 * when the group's coordinator was cut off (#5456). Nobody can take a thread back from there: the
 * process has to end, and everything is as after a crash. */
static void look_after(struct broker_kafka *broker) {
    struct committer *committer = &broker->committer;
    int64_t since_ms = atomic_load(&committer->call_since_ms);
    int64_t stuck_ms = broker->config->call_stuck_ms;
    int64_t limit_ms = CALL_WAIT_MS + (stuck_ms > 0 ? stuck_ms : CALL_STUCK_MS);
    if (since_ms == 0 || clock_monotonic_ms() - since_ms < limit_ms || failed(committer->stop)) {
        return;
    }
    committer->stop = failure_make(
        FAILURE_STOP, RD_KAFKA_RESP_ERR__TIMED_OUT,
        "a call of librdkafka's has not come back for %lld s, its time-out is %d s: start again",
        (long long)(clock_monotonic_ms() - since_ms) / 1000, CALL_WAIT_MS / 1000);
    committer->is_stuck = committer->is_haunted = true;
    log_error(broker->log, "broker", "stopping: %s", committer->stop.text);
    pthread_cond_broadcast(&committer->changed);
}

/* Waits for C, at most until then. */
static void wait_for_c(struct broker_kafka *broker, int64_t until_ms) {
    int64_t look_ms = clock_monotonic_ms() + LOOK_MS;
    wait_until(&broker->committer, until_ms < look_ms ? until_ms : look_ms);
    look_after(broker);
}

/* Neither lost nor on its way. */
static bool is_settled(const struct committer *committer) {
    return !committer->in_flight || committer->has_failed || failed(committer->stop);
}

static bool is_idle(const struct committer *committer) {
    return !committer->in_flight || failed(committer->stop);
}

static bool wait_for(struct broker_kafka *broker, bool (*is_done)(const struct committer *),
                     int timeout_ms) {
    struct committer *committer = &broker->committer;
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    pthread_mutex_lock(&committer->mutex);
    while (!is_done(committer) && clock_monotonic_ms() < until_ms) {
        wait_for_c(broker, until_ms);
    }
    bool done = is_done(committer);
    pthread_mutex_unlock(&committer->mutex);
    return done;
}

bool commit_wait(struct broker_kafka *broker, int timeout_ms) {
    return wait_for(broker, is_settled, timeout_ms);
}

bool commit_wait_idle(struct broker_kafka *broker, int timeout_ms) {
    return wait_for(broker, is_idle, timeout_ms);
}

bool commit_pause(struct broker_kafka *broker, int wait_ms) {
    struct committer *committer = &broker->committer;
    int64_t until_ms = clock_monotonic_ms() + wait_ms;
    pthread_mutex_lock(&committer->mutex);
    while (!committer->is_closing && clock_monotonic_ms() < until_ms) {
        wait_until(committer, until_ms);
    }
    bool is_closing = committer->is_closing;
    pthread_mutex_unlock(&committer->mutex);
    return is_closing;
}

bool commit_take_failure(struct broker_kafka *broker) {
    struct committer *committer = &broker->committer;
    pthread_mutex_lock(&committer->mutex);
    bool has_failed = committer->has_failed;
    committer->has_failed = false;
    pthread_mutex_unlock(&committer->mutex);
    return has_failed;
}

struct failure commit_stop_reason(struct broker_kafka *broker) {
    struct committer *committer = &broker->committer;
    pthread_mutex_lock(&committer->mutex);
    struct failure stop = committer->stop;
    pthread_mutex_unlock(&committer->mutex);
    return stop;
}

/* ---- the commit thread ---- */

static void set_stop(struct broker_kafka *broker, struct failure failure) {
    struct committer *committer = &broker->committer;
    failure.action = FAILURE_STOP;
    log_error(broker->log, "broker", "stopping: %s", failure.text);
    pthread_mutex_lock(&committer->mutex);
    committer->stop = failure;
    pthread_cond_broadcast(&committer->changed);
    pthread_mutex_unlock(&committer->mutex);
}

/* False, and the process must end, if it does not end. */
static bool close_producer(struct broker_kafka *broker) {
    txn_producer_close(broker);
    if (broker->committer.is_haunted) {
        set_stop(broker, failure_make(FAILURE_STOP, 0, "a Kafka producer does not end"));
    }
    return !broker->committer.is_haunted;
}

/* A new producer with the same transactional.id: its init_transactions settles the old one's
 * transaction. */
static void recreate(struct broker_kafka *broker) {
    metric_add(&broker->metrics.producers_recreated_total, 1);
    if (broker->config->opens_producer_at_assignment) {
        close_producer(broker);
        return;
    }
    do {
        if (!close_producer(broker)) {
            return;
        }
        struct failure failure = txn_producer_open(broker, clock_monotonic_ms() + INIT_ROUND_MS);
        if (!failed(failure)) {
            log_info(broker->log, "broker", "producer recreated worker=%s",
                     broker->config->worker_name);
            return;
        }
        if (failure.action == FAILURE_STOP) {
            set_stop(broker, failure);
            return;
        }
        log_warn(broker->log, "broker", "producer not recreated yet: %s", failure.text);
    } while (!commit_pause(broker, RECREATE_WAIT_MS));
}

static int back_off_ms(int failures_in_row) {
    int wait_ms = BACK_OFF_FIRST_MS;
    for (int i = 1; i < failures_in_row && wait_ms < BACK_OFF_MAX_MS; i++) {
        wait_ms *= 2;
    }
    return wait_ms < BACK_OFF_MAX_MS ? wait_ms : BACK_OFF_MAX_MS;
}

/* The epoch is lost: tell W at once, then make a new producer for the next one, after an abort too.
 * librdkafka's abort throws away records that wait to be sent again, and gives their sequence
 * numbers to the next ones. If the broker has them already, it takes the next ones for them and
 * says that all is well: they are lost, and their transaction commits (2.0.2). */
static void repair(struct broker_kafka *broker, struct failure failure) {
    struct committer *committer = &broker->committer;
    metric_add(&broker->metrics.epochs_aborted_total, 1);
    log_warn(broker->log, "broker", "epoch lost: %s", failure.text);
    pthread_mutex_lock(&committer->mutex);
    committer->has_failed = true;
    pthread_cond_broadcast(&committer->changed);
    pthread_mutex_unlock(&committer->mutex);
    if (failure.action == FAILURE_STOP) {
        set_stop(broker, failure);
        return;
    }
    if (failure.action == FAILURE_ABORT_EPOCH) {
        struct failure aborted = txn_abort(broker);
        if (failed(aborted)) {
            log_warn(broker->log, "broker", "abort failed: %s", aborted.text);
        }
    }
    committer->failures_in_row++;
    commit_pause(broker, back_off_ms(committer->failures_in_row));
    recreate(broker);
}

/* A request that was given up and repeated may arrive late, in the middle of the next transaction,
 * and end it or bring old offsets: only a new producer epoch tells them apart. A producer that
 * belongs to the assignment comes with the next reading of positions. */
static void replace_doubtful(struct broker_kafka *broker) {
    struct committer *committer = &broker->committer;
    log_info(broker->log, "broker", "a call was repeated, replacing the producer worker=%s",
             broker->config->worker_name);
    if (broker->config->opens_producer_at_assignment) {
        pthread_mutex_lock(&committer->mutex);
        committer->has_failed = true;
        pthread_cond_broadcast(&committer->changed);
        pthread_mutex_unlock(&committer->mutex);
    }
    recreate(broker);
}

static void count_committed(struct broker_kafka *broker, const struct epoch *epoch,
                            int64_t started_ns) {
    struct broker_metrics *metrics = &broker->metrics;
    metric_add(&metrics->epochs_committed_total, 1);
    metric_add(&metrics->records_produced_total, (int64_t)epoch->record_count);
    metric_add(&metrics->produced_bytes_total, (int64_t)epoch->data.size);
    metric_set(&metrics->commit_last_us, (clock_monotonic_ns() - started_ns) / 1000);
    broker->committer.failures_in_row = 0;
}

/* The mutex is not held: while in_flight is set, the epoch and what came with it are C's. */
static void commit_one(struct broker_kafka *broker) {
    struct committer *committer = &broker->committer;
    struct epoch *epoch = committer->in_flight;
    int64_t started_ns = clock_monotonic_ns();
    struct failure failure = txn_run(broker, epoch, committer->offsets, committer->member);
    rd_kafka_topic_partition_list_destroy(committer->offsets);
    if (committer->member) {
        rd_kafka_consumer_group_metadata_destroy(committer->member);
    }
    committer->offsets = NULL;
    committer->member = NULL;
    if (failed(failure)) {
        repair(broker, failure);
    } else {
        count_committed(broker, epoch, started_ns);
        if (committer->is_doubtful) {
            replace_doubtful(broker);
        }
    }
    epoch_clear(epoch);
}

static void *commit_thread(void *context) {
    struct broker_kafka *broker = context;
    struct committer *committer = &broker->committer;
    pthread_mutex_lock(&committer->mutex);
    while (!committer->is_closing || committer->in_flight) {
        if (!committer->in_flight) {
            pthread_cond_wait(&committer->changed, &committer->mutex);
            continue;
        }
        pthread_mutex_unlock(&committer->mutex);
        commit_one(broker);
        pthread_mutex_lock(&committer->mutex);
        committer->in_flight = NULL;
        pthread_cond_broadcast(&committer->changed);
    }
    pthread_mutex_unlock(&committer->mutex);
    return NULL;
}

/* ---- the worker's side ---- */

void commit_init(struct broker_kafka *broker) {
    struct committer *committer = &broker->committer;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&committer->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&committer->mutex, NULL);
    epoch_init(&broker->epochs[0]);
    epoch_init(&broker->epochs[1]);
}

void commit_start(struct broker_kafka *broker) {
    int code = pthread_create(&broker->committer.thread, NULL, commit_thread, broker);
    assert(code == 0);
    broker->committer.has_thread = true;
}

void commit_end(struct broker_kafka *broker) {
    struct committer *committer = &broker->committer;
    if (!committer->has_thread) {
        return;
    }
    pthread_mutex_lock(&committer->mutex);
    committer->is_closing = true;
    pthread_cond_broadcast(&committer->changed);
    while (committer->in_flight && !committer->is_stuck) {
        wait_for_c(broker, INT64_MAX);
    }
    bool is_stuck = committer->is_stuck;
    pthread_mutex_unlock(&committer->mutex);
    (void)(is_stuck ? pthread_detach(committer->thread) : pthread_join(committer->thread, NULL));
    committer->has_thread = false;
}

void commit_clean_up(struct broker_kafka *broker) {
    pthread_cond_destroy(&broker->committer.changed);
    pthread_mutex_destroy(&broker->committer.mutex);
    epoch_clean_up(&broker->epochs[0]);
    epoch_clean_up(&broker->epochs[1]);
}

struct failure commit_open_producer(struct broker_kafka *broker) {
    struct committer *committer = &broker->committer;
    if (!broker->config->opens_producer_at_assignment || broker->slot_count == 0) {
        return failure_none();
    }
    if (broker->is_producer_stale && !close_producer(broker)) {
        return commit_stop_reason(broker);
    }
    if (committer->producer) {
        return failure_none();
    }
    if (rd_kafka_assignment_lost(broker->consumer)) {
        return failure_make(FAILURE_RETRY, 0, "the assignment is lost");
    }
    struct failure failure = txn_producer_open(broker, clock_monotonic_ms() + OPEN_ROUND_MS);
    if (!failed(failure)) {
        broker->is_producer_stale = false;
        log_info(broker->log, "broker", "producer opened worker=%s", broker->config->worker_name);
    } else if (failure.action != FAILURE_STOP) {
        log_warn(broker->log, "broker", "producer not opened yet: %s", failure.text);
        failure.action = FAILURE_RETRY;
    }
    return failure;
}

void commit_drop_producer(struct broker_kafka *broker) {
    bool is_orphan = broker->config->opens_producer_at_assignment && broker->is_producer_stale &&
                     broker->ownership == OWNS_NOTHING;
    if (is_orphan && commit_wait_idle(broker, 0) && broker->committer.producer) {
        (void)close_producer(broker);
    }
}

struct epoch *commit_epoch(struct broker *base) {
    struct broker_kafka *broker = kafka_of(base);
    return &broker->epochs[broker->filling];
}

static rd_kafka_topic_partition_list_t *offsets_of(struct broker_kafka *broker,
                                                   const struct epoch *epoch) {
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)epoch->offset_count);
    for (size_t i = 0; i < epoch->offset_count; i++) {
        const struct epoch_offset *offset = &epoch->offsets[i];
        const struct slot *slot = assign_find(broker, offset->partition);
        assert(slot && offset->input >= 0 && offset->input < broker->input_count);
        const char *name = input_name(broker, offset->input);
        rd_kafka_topic_partition_t *element =
            rd_kafka_topic_partition_list_add(list, name, offset->partition);
        element->offset =
            offset->next_offset >= 0 ? offset->next_offset : slot->start[offset->input];
        char text[24 + TRANSACTIONAL_ID_MAX]; /* see assign_note */
        int size = snprintf(text, sizeof text, "%lld %s", (long long)offset->epoch,
                            broker->transactional_id);
        element->metadata = memory_copy_text(bytes_of(text, (size_t)size));
        element->metadata_size = (size_t)size;
    }
    return list;
}

static void hand_to_commit_thread(struct broker_kafka *broker, struct epoch *epoch,
                                  rd_kafka_consumer_group_metadata_t *member) {
    struct committer *committer = &broker->committer;
    rd_kafka_topic_partition_list_t *offsets = offsets_of(broker, epoch);
    pthread_mutex_lock(&committer->mutex);
    assert(!committer->in_flight);
    committer->offsets = offsets;
    committer->member = member;
    committer->in_flight = epoch;
    pthread_cond_broadcast(&committer->changed);
    pthread_mutex_unlock(&committer->mutex);
    broker->filling = 1 - broker->filling;
}

struct failure commit_submit(struct broker *base, struct epoch *epoch) {
    struct broker_kafka *broker = kafka_of(base);
    struct committer *committer = &broker->committer;
    assert(epoch == &broker->epochs[broker->filling]);
    if (epoch->record_count == 0 && epoch->offset_count == 0) {
        epoch_clear(epoch);
        return failure_none();
    }
    /* Now, under the assignment that the epoch was polled in: a later generation must not vouch for
     * it. */
    rd_kafka_consumer_group_metadata_t *member = rd_kafka_consumer_group_metadata(broker->consumer);
    pthread_mutex_lock(&committer->mutex);
    while (!is_settled(committer)) {
        wait_for_c(broker, INT64_MAX);
    }
    struct failure stop = committer->stop;
    bool is_lost = committer->has_failed || !broker->is_reported;
    pthread_mutex_unlock(&committer->mutex);
    if (failed(stop) || is_lost) {
        rd_kafka_consumer_group_metadata_destroy(member);
        epoch_clear(epoch);
        return stop;
    }
    hand_to_commit_thread(broker, epoch, member);
    return failure_none();
}

struct failure commit_drain(struct broker *base, bool *out_committed) {
    struct broker_kafka *broker = kafka_of(base);
    struct committer *committer = &broker->committer;
    pthread_mutex_lock(&committer->mutex);
    while (!is_settled(committer)) {
        wait_for_c(broker, INT64_MAX);
    }
    *out_committed = !committer->has_failed && !failed(committer->stop);
    struct failure stop = committer->stop;
    pthread_mutex_unlock(&committer->mutex);
    return stop;
}
