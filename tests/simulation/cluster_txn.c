/* The coordinator of transactions. One transaction per transactional.id at a time:
 *
 *     EMPTY -add partition, send offsets-> OPEN -end, timeout, init-> ENDING -all markers-> EMPTY
 *
 * The end is decided at once; its markers reach each partition, and the group's offsets, on their
 * own, and until all are written the next transaction of that id is refused as concurrent. */
#include "tests/simulation/cluster.h"

#include <assert.h>
#include <stdio.h>

static int64_t now_us(const struct cluster *cluster) {
    return cluster->schedule->now_us;
}

static struct cluster_producer *find(struct cluster *cluster, const char *id) {
    for (size_t i = 0; i < cluster->producer_count; i++) {
        if (strcmp(cluster->producers[i].id, id) == 0) {
            return &cluster->producers[i];
        }
    }
    assert(cluster->producer_count < CLUSTER_PRODUCERS_MAX);
    struct cluster_producer *producer = &cluster->producers[cluster->producer_count++];
    (void)snprintf(producer->id, sizeof producer->id, "%s", id);
    producer->epoch = -1;
    producer->transaction = LOG_NO_TRANSACTION;
    return producer;
}

static void begin_end(struct cluster *cluster, struct cluster_producer *producer, bool commits) {
    producer->state = PRODUCER_ENDING;
    producer->commits = commits;
    *(commits ? &cluster->commits : &cluster->aborts) += 1;
    for (size_t i = 0; i < producer->marker_count; i++) {
        int64_t delay_us =
            (int64_t)rng_below(&cluster->rng, (uint64_t)cluster->marker_delay_us + 1);
        producer->markers[i].due_us = now_us(cluster) + delay_us;
    }
}

void cluster_expire(struct cluster *cluster, struct cluster_producer *producer) {
    if (producer->state == PRODUCER_OPEN) {
        producer->epoch++; /* whoever holds the old one is fenced by it */
        producer->has_ended = false;
        cluster->expired++;
        begin_end(cluster, producer, false);
    }
}

enum answer cluster_init_producer(struct cluster *cluster, const char *id, int64_t timeout_us,
                                  struct cluster_producer **out, int32_t *out_epoch) {
    struct cluster_producer *producer = find(cluster, id);
    if (producer->state == PRODUCER_OPEN) {
        producer->epoch++;
        producer->has_ended = false;
        cluster->fencings++;
        begin_end(cluster, producer, false);
    }
    if (producer->state == PRODUCER_ENDING) {
        return ANSWER_CONCURRENT;
    }
    producer->epoch++;
    producer->has_ended = false;
    producer->timeout_us = timeout_us;
    *out = producer;
    *out_epoch = producer->epoch;
    return ANSWER_OK;
}

static bool is_fenced(const struct cluster *cluster, const struct cluster_producer *producer,
                      int32_t epoch) {
    return epoch != producer->epoch && !cluster->is_lax;
}

static enum answer check(const struct cluster *cluster, const struct cluster_producer *producer,
                         int32_t epoch) {
    if (is_fenced(cluster, producer, epoch)) {
        return ANSWER_FENCED;
    }
    return producer->state == PRODUCER_ENDING ? ANSWER_CONCURRENT : ANSWER_OK;
}

static void open(struct cluster *cluster, struct cluster_producer *producer) {
    if (producer->state == PRODUCER_EMPTY) {
        producer->state = PRODUCER_OPEN;
        producer->has_ended = false;
        producer->transaction = cluster->next_transaction++;
        producer->started_us = now_us(cluster);
        producer->marker_count = 0;
        producer->group = NULL;
    }
}

static bool has_marker(const struct cluster_producer *producer, bool is_offsets, enum topic topic,
                       int32_t partition) {
    for (size_t i = 0; i < producer->marker_count; i++) {
        const struct marker *marker = &producer->markers[i];
        if (marker->is_offsets == is_offsets && marker->topic == topic &&
            marker->partition == partition) {
            return true;
        }
    }
    return false;
}

static void add_marker(struct cluster_producer *producer, bool is_offsets, enum topic topic,
                       int32_t partition) {
    if (!has_marker(producer, is_offsets, topic, partition)) {
        producer->markers[producer->marker_count++] =
            (struct marker){.topic = topic, .partition = partition, .is_offsets = is_offsets};
    }
}

enum answer cluster_add_partition(struct cluster *cluster, struct cluster_producer *producer,
                                  int32_t epoch, enum topic topic, int32_t partition) {
    enum answer answer = check(cluster, producer, epoch);
    if (answer == ANSWER_OK) {
        open(cluster, producer);
        add_marker(producer, false, topic, partition);
    }
    return answer;
}

enum answer cluster_produce(struct cluster *cluster, struct cluster_producer *producer,
                            int32_t epoch, enum topic topic, int32_t partition, struct bytes key,
                            struct bytes value, int64_t timestamp_ms) {
    if (is_fenced(cluster, producer, epoch)) {
        return ANSWER_FENCED;
    }
    if (producer->state != PRODUCER_OPEN || !has_marker(producer, false, topic, partition)) {
        return ANSWER_NO_TRANSACTION;
    }
    partition_log_append(&cluster->logs[topic][partition], producer->transaction, key, value,
                         timestamp_ms, now_us(cluster));
    return ANSWER_OK;
}

enum answer cluster_send_offsets(struct cluster *cluster, struct cluster_producer *producer,
                                 int32_t epoch, struct cluster_group *group, const char *instance,
                                 int64_t member, int64_t generation,
                                 const struct epoch_offset *offsets, size_t count) {
    enum answer answer = check(cluster, producer, epoch);
    if (answer != ANSWER_OK) {
        return answer;
    }
    open(cluster, producer);
    add_marker(producer, true, TOPIC_CLICKSTREAM, 0);
    producer->group = group;
    answer = cluster_check_member(cluster, group, instance, member, generation);
    for (size_t i = 0; i < count && answer == ANSWER_OK; i++) {
        struct committed *committed = &group->committed[offsets[i].input][offsets[i].partition];
        assert(cluster->is_lax || cluster->is_read_early ||
               committed->transaction == LOG_NO_TRANSACTION ||
               committed->transaction == producer->transaction);
        committed->pending = offsets[i].next_offset;
        committed->pending_epoch = offsets[i].epoch;
        committed->pending_writer = producer;
        committed->transaction = producer->transaction;
    }
    return answer;
}

enum answer cluster_end_transaction(struct cluster *cluster, struct cluster_producer *producer,
                                    int32_t epoch, bool commits) {
    if (is_fenced(cluster, producer, epoch)) {
        return ANSWER_FENCED;
    }
    if (producer->state == PRODUCER_OPEN) {
        producer->has_ended = true;
        begin_end(cluster, producer, commits);
        return ANSWER_OK;
    }
    if (producer->has_ended && producer->commits == commits) {
        return producer->state == PRODUCER_ENDING ? ANSWER_CONCURRENT : ANSWER_OK;
    }
    return ANSWER_NO_TRANSACTION;
}

/* ---- what happens by itself ---- */

static void settle_offsets(struct cluster_producer *producer) {
    struct cluster_group *group = producer->group;
    for (int input = 0; group && input < group->input_count; input++) {
        for (int32_t p = 0; p < CLUSTER_PARTITIONS_MAX; p++) {
            struct committed *committed = &group->committed[input][p];
            if (committed->transaction != producer->transaction) {
                continue;
            }
            if (producer->commits) {
                committed->offset = committed->pending;
                committed->epoch = committed->pending_epoch;
                committed->writer = committed->pending_writer;
            }
            committed->transaction = LOG_NO_TRANSACTION;
        }
    }
}

static void write_markers(struct cluster *cluster, struct cluster_producer *producer) {
    bool is_done = true;
    for (size_t i = 0; i < producer->marker_count; i++) {
        struct marker *marker = &producer->markers[i];
        if (!marker->is_written && marker->due_us <= now_us(cluster)) {
            marker->is_written = true;
            if (marker->is_offsets) {
                settle_offsets(producer);
            } else {
                partition_log_mark(&cluster->logs[marker->topic][marker->partition],
                                   producer->transaction, producer->commits, now_us(cluster));
            }
        }
        is_done = is_done && marker->is_written;
    }
    if (is_done) {
        producer->state = PRODUCER_EMPTY;
    }
}

void cluster_add_late(struct cluster *cluster, const struct late_request *request) {
    for (size_t i = 0; i < CLUSTER_LATE_MAX; i++) {
        if (!cluster->late[i].producer) {
            cluster->late[i] = *request;
            return;
        }
    }
}

/* Only the producer's epoch tells that it is of another transaction. */
static void arrive(struct cluster *cluster, struct late_request *late) {
    if (late->is_offsets && late->producer->state == PRODUCER_OPEN) {
        (void)cluster_send_offsets(cluster, late->producer, late->epoch, late->group,
                                   late->instance, late->member, late->generation, late->offsets,
                                   late->offset_count);
    } else if (!late->is_offsets) {
        (void)cluster_end_transaction(cluster, late->producer, late->epoch, late->commits);
    }
    late->producer = NULL;
}

void cluster_advance_transactions(struct cluster *cluster) {
    for (size_t i = 0; i < CLUSTER_LATE_MAX; i++) {
        if (cluster->late[i].producer && cluster->late[i].due_us <= now_us(cluster)) {
            arrive(cluster, &cluster->late[i]);
        }
    }
    for (size_t i = 0; i < cluster->producer_count; i++) {
        struct cluster_producer *producer = &cluster->producers[i];
        if (producer->state == PRODUCER_OPEN &&
            now_us(cluster) - producer->started_us > producer->timeout_us) {
            cluster_expire(cluster, producer);
        }
        if (producer->state == PRODUCER_ENDING) {
            write_markers(cluster, producer);
        }
    }
}
