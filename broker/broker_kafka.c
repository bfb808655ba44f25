/* The seam's Kafka implementation: opening and closing; the map of the other files is in
 * broker_internal.h.
 *
 * Order at open (KAFKA.md 1): init_transactions settles a predecessor's transaction before anybody
 * asks for committed positions. Topics are checked before subscribing: an unknown one is reported
 * once and then never again. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/broker_internal.h"
#include "broker/txn_errors.h"

#define OPEN_WAIT_MS    10000
#define INIT_WAIT_MS    60000
#define TOPIC_STEP_MS   50
#define DESTROY_WAIT_MS 1000

const char *input_name(const struct broker_kafka *broker, int input) {
    assert(input >= 0 && input < broker->input_count);
    return broker->topics->full[broker->inputs[input]];
}

bool transactional_id_of(const struct broker_kafka *broker, const char *worker_name,
                         char out[TRANSACTIONAL_ID_MAX]) {
    const struct broker_config *config = broker->config;
    int size = config->transactional_id
                   ? snprintf(out, TRANSACTIONAL_ID_MAX, "%s", config->transactional_id)
                   : snprintf(out, TRANSACTIONAL_ID_MAX, "%s-%s", config->group_id, worker_name);
    return size < TRANSACTIONAL_ID_MAX;
}

static void set_inputs(struct broker_kafka *broker) {
    static const enum topic of_worker[INPUT_COUNT] = {TOPIC_CLICKSTREAM, TOPIC_PUSH_FEEDBACK};
    bool is_worker = broker->config->input_count == 0;
    broker->input_count = is_worker ? INPUT_COUNT : broker->config->input_count;
    for (int input = 0; input < broker->input_count; input++) {
        broker->inputs[input] = is_worker ? of_worker[input] : broker->config->inputs[input];
    }
}

struct failure client_of_broker(struct broker_kafka *broker, enum client_kind kind,
                                const struct client_setting *settings, size_t count,
                                rd_kafka_t **out) {
    struct client_config config = {
        .kind = kind,
        .bootstrap_servers = broker->config->bootstrap_servers,
        .kafka = &broker->config->kafka,
        .settings = settings,
        .setting_count = count,
        .opaque = &broker->opaque.client,
        .rebalance = kind == CLIENT_MEMBER ? assign_on_rebalance : NULL,
    };
    return client_new(&config, out);
}

/* ---- open ---- */

static struct failure judge_topics(const struct broker_kafka *broker,
                                   const struct rd_kafka_metadata *metadata, bool *out_missing) {
    bool is_worker = broker->config->input_count == 0;
    int32_t p = client_partitions(metadata, broker->topics->full[TOPIC_CLICKSTREAM]);
    *out_missing = false;
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        enum topic_partitions kind = topic_partitions_of((enum topic)topic);
        const char *name = broker->topics->full[topic];
        int32_t count = client_partitions(metadata, name);
        int32_t wanted = kind == TOPIC_PARTITIONS_P ? p : 1;
        if (kind == TOPIC_PARTITIONS_FREE || (kind == TOPIC_PARTITIONS_P && !is_worker)) {
            continue;
        }
        if (count == 0 || wanted == 0) {
            *out_missing = true;
            return failure_make(FAILURE_STOP, 0, "topic %s does not exist",
                                count == 0 ? name : broker->topics->full[TOPIC_CLICKSTREAM]);
        }
        if (count != wanted) {
            return failure_make(FAILURE_STOP, 0, "topic %s has %d partitions, must have %d", name,
                                count, wanted);
        }
    }
    return failure_none();
}

/* The brokers of a cluster hear of new topics one after another: those that were created a moment
 * ago are there, whatever the broker says that was asked. */
static struct failure check_topics(struct broker_kafka *broker) {
    int64_t until_ms = clock_monotonic_ms() + OPEN_WAIT_MS;
    for (;;) {
        const struct rd_kafka_metadata *metadata;
        struct failure failure = client_metadata(broker->ends, OPEN_WAIT_MS, &metadata);
        if (failed(failure)) {
            return failure;
        }
        bool is_missing;
        failure = judge_topics(broker, metadata, &is_missing);
        rd_kafka_metadata_destroy(metadata);
        if (!is_missing || !broker->topics->create || clock_monotonic_ms() >= until_ms) {
            return failure;
        }
        rd_kafka_poll(broker->ends, TOPIC_STEP_MS);
    }
}

static struct failure open_all(struct broker_kafka *broker) {
    if (!transactional_id_of(broker, broker->config->worker_name, broker->transactional_id)) {
        return failure_make(FAILURE_STOP, 0, "group id and worker name: longer than %d bytes",
                            TRANSACTIONAL_ID_MAX - 1);
    }
    /* It asks for the group's offsets, too, but never joins. */
    const struct client_setting group = {"group.id", broker->config->group_id};
    struct failure failure = client_of_broker(broker, CLIENT_ENDS, &group, 1, &broker->ends);
    if (!failed(failure)) {
        failure = check_topics(broker);
    }
    if (!failed(failure) && !broker->config->opens_producer_at_assignment) {
        failure = txn_producer_open(broker, clock_monotonic_ms() + INIT_WAIT_MS);
    }
    if (!failed(failure)) {
        failure = group_open(broker);
    }
    if (!failed(failure)) {
        commit_start(broker);
    } else if (failure.action != FAILURE_STOP) {
        failure.action = FAILURE_RETRY;
    }
    return failure;
}

/* ---- close ---- */

static void close_kafka(struct broker *base) {
    struct broker_kafka *broker = kafka_of(base);
    commit_end(broker);
    poll_release(base);
    bool is_gone = group_close(broker, broker->config->leave_group_at_close);
    read_clean_up(broker);
    if (!broker->committer.is_stuck) {
        txn_producer_close(broker);
    }
    read_restore_close(broker);
    is_gone = client_destroy(broker->side, DESTROY_WAIT_MS) && is_gone;
    is_gone = client_destroy(broker->ends, DESTROY_WAIT_MS) && is_gone;
    poll_clean_up(broker);
    if (!is_gone || broker->committer.is_haunted) {
        return; /* a client that did not end may still touch this memory; the process is about to
                   end */
    }
    commit_clean_up(broker);
    free(broker->slots);
    free(broker->assignments);
    free(broker);
}

static const struct broker_metrics *metrics_of(const struct broker *broker) {
    return &((const struct broker_kafka *)broker)->metrics;
}

static const struct broker_ops ops = {
    .poll = poll_event,
    .release = poll_release,
    .start = assign_start,
    .epoch = commit_epoch,
    .submit = commit_submit,
    .drain = commit_drain,
    .log_end = read_log_end,
    .position = assign_position,
    .partition_count = read_partition_count,
    .read_to_end = read_to_end,
    .read_some = read_some,
    .read_ahead = read_ahead,
    .side_poll = read_side,
    .lag = assign_lag,
    .watch_reading = read_watch,
    .metrics = metrics_of,
    .close = close_kafka,
};

struct failure broker_kafka_open(const struct broker_config *config, const struct topics *topics,
                                 const struct log_sink *log, struct broker **out) {
    struct broker_kafka *broker = memory_new(1, sizeof *broker);
    *broker = (struct broker_kafka){
        .broker = {.ops = &ops}, .own_config = *config, .topics = topics, .log = log};
    broker->config = &broker->own_config;
    set_inputs(broker);
    broker->opaque = (struct broker_opaque){.client = {.log = log}, .broker = broker};
    commit_init(broker);
    struct failure failure = open_all(broker);
    if (failed(failure)) {
        close_kafka(&broker->broker);
        *out = NULL;
        return failure;
    }
    *out = &broker->broker;
    return failure_none();
}
