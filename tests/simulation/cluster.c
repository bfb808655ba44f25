#include "tests/simulation/cluster.h"

#include <assert.h>

#define MARKER_DELAY_US (5 * SIM_MS)

const char *const answer_names[] = {
    [ANSWER_OK] = "ok",
    [ANSWER_CONCURRENT] = "CONCURRENT_TRANSACTIONS",
    [ANSWER_FENCED] = "INVALID_PRODUCER_EPOCH",
    [ANSWER_NO_TRANSACTION] = "INVALID_TXN_STATE",
    [ANSWER_ILLEGAL_GENERATION] = "ILLEGAL_GENERATION",
    [ANSWER_UNKNOWN_MEMBER] = "UNKNOWN_MEMBER_ID",
    [ANSWER_FENCED_INSTANCE] = "FENCED_INSTANCE_ID",
    [ANSWER_REBALANCING] = "REBALANCE_IN_PROGRESS",
};

void cluster_init(struct cluster *cluster, struct schedule *schedule, uint64_t seed,
                  int32_t partitions) {
    assert(partitions > 0 && partitions <= CLUSTER_PARTITIONS_MAX);
    memset(cluster, 0, sizeof *cluster);
    cluster->schedule = schedule;
    cluster->rng = rng_make(seed, 3);
    cluster->marker_delay_us = MARKER_DELAY_US;
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        bool is_p = topic_partitions_of((enum topic)topic) == TOPIC_PARTITIONS_P;
        cluster->partitions[topic] = is_p ? partitions : 1;
    }
}

void cluster_clean_up(struct cluster *cluster) {
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        for (int32_t p = 0; p < CLUSTER_PARTITIONS_MAX; p++) {
            partition_log_clean_up(&cluster->logs[topic][p]);
        }
    }
}

void cluster_advance(struct cluster *cluster) {
    cluster_advance_transactions(cluster);
    cluster_advance_groups(cluster);
}

void cluster_append(struct cluster *cluster, enum topic topic, int32_t partition, struct bytes key,
                    struct bytes value, int64_t timestamp_ms) {
    assert(partition < cluster->partitions[topic]);
    partition_log_append(&cluster->logs[topic][partition], LOG_NO_TRANSACTION, key, value,
                         timestamp_ms, cluster->schedule->now_us);
}

int64_t cluster_end(const struct cluster *cluster, enum topic topic, int32_t partition) {
    return cluster->logs[topic][partition].end;
}

int64_t cluster_stable(const struct cluster *cluster, enum topic topic, int32_t partition) {
    return partition_log_stable(&cluster->logs[topic][partition]);
}

void cluster_compact(struct cluster *cluster, int64_t tail, int64_t lag_us, int64_t keep_us) {
    for (int i = 0; i < TOPIC_COUNT; i++) {
        enum topic topic = (enum topic)i;
        bool is_followed =
            topic == TOPIC_MODEL || topic == TOPIC_CATALOGUE || topic == TOPIC_PROFILES;
        for (int32_t p = 0; topic_is_compacted(topic) && p < cluster->partitions[i]; p++) {
            partition_log_compact(&cluster->logs[i][p], tail, is_followed ? lag_us : 0,
                                  cluster->schedule->now_us, keep_us);
        }
    }
}
