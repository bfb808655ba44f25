/* The calls of one transaction, and the life of the producer. Runs on the commit thread.
 *
 * RETRY repeats the same call until the commit's deadline; everything else goes up to
 * broker_commit.c. */
#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/access.h"
#include "broker/broker_internal.h"
#include "broker/txn_errors.h"

#define RETRY_WAIT_MS       100
#define IN_PROGRESS_WAIT_MS 1000 /* the same call still runs on the broker: do not spin */
#define ABORT_DEADLINE_MS   15000
#define QUEUE_WAIT_MS       10
#define CHUNK_MAX           1000 /* messages handed to librdkafka at once, per topic */
#define CLOSE_WAIT_MS       2000

struct transaction {
    struct broker_kafka *broker;
    const struct epoch *epoch;
    const rd_kafka_topic_partition_list_t *offsets;
    const rd_kafka_consumer_group_metadata_t *member;
    int64_t deadline_ms;
};

static rd_kafka_error_t *call_once(const struct transaction *txn, enum txn_call call) {
    rd_kafka_t *producer = txn->broker->committer.producer;
    int64_t left_ms = txn->deadline_ms - clock_monotonic_ms();
    int wait_ms = left_ms < RETRY_WAIT_MS  ? RETRY_WAIT_MS
                  : left_ms < CALL_WAIT_MS ? (int)left_ms
                                           : CALL_WAIT_MS;
    switch (call) {
    case TXN_INIT:
        return rd_kafka_init_transactions(producer, wait_ms);
    case TXN_BEGIN:
        return rd_kafka_begin_transaction(producer);
    case TXN_SEND_OFFSETS:
        return rd_kafka_send_offsets_to_transaction(producer, txn->offsets, txn->member, wait_ms);
    case TXN_COMMIT:
        return rd_kafka_commit_transaction(producer, wait_ms);
    case TXN_ABORT:
        return rd_kafka_abort_transaction(producer, wait_ms);
    default:
        assert(!"a call without timeout");
        return NULL;
    }
}

static bool is_in_progress(int code) {
    return code == RD_KAFKA_RESP_ERR__CONFLICT || code == RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS;
}

/* Calls until it is done or the deadline has passed. */
static struct failure call(const struct transaction *txn, enum txn_call which) {
    for (;;) {
        struct committer *committer = &txn->broker->committer;
        atomic_store(&committer->call_since_ms, clock_monotonic_ms());
        rd_kafka_error_t *error = call_once(txn, which);
        atomic_store(&committer->call_since_ms, 0);
        struct failure failure = txn_failure(which, error);
        if (failure.action != FAILURE_RETRY) {
            return failure;
        }
        txn->broker->committer.is_doubtful = true;
        int wait_ms = is_in_progress(failure.code) ? IN_PROGRESS_WAIT_MS : RETRY_WAIT_MS;
        if (commit_pause(txn->broker, wait_ms) || clock_monotonic_ms() >= txn->deadline_ms) {
            failure.action = FAILURE_RECREATE;
            return failure;
        }
        log_debug(txn->broker->log, "broker", "repeating %s", failure.text);
    }
}

/* ---- topics ---- */

/* The first produce to a topic not asked for yet would wait a second for librdkafka's scan. */
static void open_topic(struct committer *committer, enum topic topic, const char *name) {
    committer->topics[topic] = rd_kafka_topic_new(committer->producer, name, NULL);
    const struct rd_kafka_metadata *own;
    if (!rd_kafka_metadata(committer->producer, 0, committer->topics[topic], &own, CALL_WAIT_MS)) {
        rd_kafka_metadata_destroy(own);
    }
}

/* Opens the topics [first, last] that there are. */
static struct failure open_topics(struct broker_kafka *broker, enum topic first, enum topic last) {
    struct committer *committer = &broker->committer;
    const struct rd_kafka_metadata *metadata;
    struct failure failure = client_metadata(committer->producer, CALL_WAIT_MS, &metadata);
    if (failed(failure)) {
        return failure;
    }
    for (enum topic topic = first; topic <= last; topic++) {
        const char *name = broker->topics->full[topic];
        if (client_partitions(metadata, name) > 0) {
            open_topic(committer, topic, name);
        }
    }
    rd_kafka_metadata_destroy(metadata);
    return failure_none();
}

/* The brokers of a cluster hear of a new topic one after another: the one that the producer asked
 * first need not have known it. */
static struct failure await_topic(const struct transaction *txn, enum topic topic) {
    struct broker_kafka *broker = txn->broker;
    int64_t until_ms = clock_monotonic_ms() + UNKNOWN_TOPIC_MS;
    while (!broker->committer.topics[topic]) {
        struct failure failure = open_topics(broker, topic, topic);
        if (failed(failure) && failure.action == FAILURE_STOP) {
            return failure;
        }
        if (!broker->committer.topics[topic] &&
            (clock_monotonic_ms() >= until_ms || commit_pause(broker, RETRY_WAIT_MS))) {
            return failed(failure)
                       ? failure_make(FAILURE_RECREATE, failure.code, "%s", failure.text)
                       : failure_make(FAILURE_STOP, 0, "topic %s does not exist",
                                      broker->topics->full[topic]);
        }
    }
    return failure_none();
}

/* ---- output ---- */

/* Delivery reports are served inside our own calls, so on this thread. */
static void on_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    struct committer *committer = &((struct broker_opaque *)opaque)->broker->committer;
    if (message->err && committer->delivery.action != FAILURE_STOP) {
        struct failure failure = txn_failure_of_code(TXN_DELIVERY, message->err);
        if (failure.action == FAILURE_STOP) {
            committer->delivery = failure_make(
                FAILURE_STOP, message->err, "%s [%d]: record of %zu bytes: %s",
                rd_kafka_topic_name(message->rkt), message->partition,
                message->len + message->key_len, access_text(message->err, ACCESS_WRITE));
        }
    }
}

/* Moves the messages that found the queue full to the front, in order; *count becomes their number.
 */
static struct failure keep_refused(const struct transaction *txn, enum topic topic,
                                   rd_kafka_message_t *messages, int *count) {
    int kept = 0;
    for (int i = 0; i < *count; i++) {
        struct failure failure = txn_failure_of_code(TXN_PRODUCE, messages[i].err);
        if (failure.action == FAILURE_RETRY) {
            messages[kept++] = messages[i];
        } else if (failed(failure)) {
            return failure_make(failure.action, failure.code, "%s [%d]: %zu bytes: %s",
                                txn->broker->topics->full[topic], messages[i].partition,
                                messages[i].len + messages[i].key_len, failure.text);
        }
    }
    *count = kept;
    return failure_none();
}

/* Hands messages[0, count) to librdkafka, waiting while its queue is full. */
static struct failure hand_over(const struct transaction *txn, enum topic topic,
                                rd_kafka_message_t *messages, int count) {
    struct committer *committer = &txn->broker->committer;
    struct failure awaited = await_topic(txn, topic);
    if (failed(awaited)) {
        return awaited;
    }
    while (count > 0) {
        /* Payloads stay where they are: the epoch lives until the transaction has ended. */
        rd_kafka_produce_batch(committer->topics[topic], RD_KAFKA_PARTITION_UA,
                               RD_KAFKA_MSG_F_PARTITION, messages, count);
        struct failure failure = keep_refused(txn, topic, messages, &count);
        if (failed(failure)) {
            return failure;
        }
        rd_kafka_poll(committer->producer, count > 0 ? QUEUE_WAIT_MS : 0);
        if (count > 0 && clock_monotonic_ms() >= txn->deadline_ms) {
            return failure_make(FAILURE_RECREATE, RD_KAFKA_RESP_ERR__QUEUE_FULL,
                                "produce: the queue stays full");
        }
    }
    return failure_none();
}

static rd_kafka_message_t message_of(const struct epoch *epoch, size_t index) {
    struct bytes key = epoch_record_key(epoch, index);
    struct bytes value = epoch_record_value(epoch, index);
    return (rd_kafka_message_t){.partition = epoch->records[index].partition,
                                .key = key.size > 0 ? (void *)(uintptr_t)key.data : NULL,
                                .key_len = key.size,
                                .payload = (void *)(uintptr_t)value.data,
                                .len = value.size};
}

/* Chunks per topic; the order within a topic is kept. */
static struct failure produce_all(const struct transaction *txn) {
    const struct epoch *epoch = txn->epoch;
    rd_kafka_message_t *messages = memory_new(CHUNK_MAX, sizeof *messages);
    struct failure failure = failure_none();
    size_t left = epoch->record_count;
    for (int topic = 0; topic < TOPIC_COUNT && left > 0 && !failed(failure); topic++) {
        int count = 0;
        for (size_t i = 0; i < epoch->record_count && !failed(failure); i++) {
            if ((int)epoch->records[i].topic != topic) {
                continue;
            }
            left--;
            messages[count++] = message_of(epoch, i);
            if (count == CHUNK_MAX) {
                failure = hand_over(txn, (enum topic)topic, messages, count);
                count = 0;
            }
        }
        if (count > 0 && !failed(failure)) {
            failure = hand_over(txn, (enum topic)topic, messages, count);
        }
    }
    free(messages);
    return failure;
}

/* A transaction that fails while this call is under way (a record refused, a right missing) makes
 * it say _STATE; asked again, librdkafka gives the reason. */
static struct failure send_offsets(const struct transaction *txn) {
    struct failure failure = call(txn, TXN_SEND_OFFSETS);
    if (failure.code != RD_KAFKA_RESP_ERR__STATE) {
        return failure;
    }
    struct failure reason = call(txn, TXN_SEND_OFFSETS);
    return failed(reason) ? reason : failure;
}

struct failure txn_run(struct broker_kafka *broker, const struct epoch *epoch,
                       const rd_kafka_topic_partition_list_t *offsets,
                       const rd_kafka_consumer_group_metadata_t *member) {
    struct transaction txn = {.broker = broker,
                              .epoch = epoch,
                              .offsets = offsets,
                              .member = member,
                              .deadline_ms =
                                  clock_monotonic_ms() + broker->config->commit_deadline_ms};
    broker->committer.delivery = failure_none();
    struct failure failure = call(&txn, TXN_BEGIN);
    if (!failed(failure)) {
        failure = produce_all(&txn);
    }
    if (!failed(failure) && offsets->cnt > 0) {
        failure = send_offsets(&txn);
    }
    if (!failed(failure)) {
        failure = call(&txn, TXN_COMMIT);
    }
    /* The transaction's own error only says that some record failed; reports may be waiting. */
    rd_kafka_poll(broker->committer.producer, 0);
    bool is_hopeless = failed(failure) && failed(broker->committer.delivery);
    return is_hopeless ? broker->committer.delivery : failure;
}

struct failure txn_abort(struct broker_kafka *broker) {
    struct transaction txn = {.broker = broker,
                              .deadline_ms = clock_monotonic_ms() + ABORT_DEADLINE_MS};
    return call(&txn, TXN_ABORT);
}

/* ---- the producer ---- */

struct failure txn_producer_open(struct broker_kafka *broker, int64_t deadline_ms) {
    char timeout[24];
    snprintf(timeout, sizeof timeout, "%" PRId64, broker->config->transaction_timeout_ms);
    const struct client_setting settings[] = {{"transactional.id", broker->transactional_id},
                                              {"transaction.timeout.ms", timeout}};
    struct client_config config = {.kind = CLIENT_TRANSACTIONAL,
                                   .bootstrap_servers = broker->config->bootstrap_servers,
                                   .kafka = &broker->config->kafka,
                                   .settings = settings,
                                   .setting_count = 2,
                                   .opaque = &broker->opaque.client,
                                   .delivered = on_delivered};
    struct failure failure = client_new(&config, &broker->committer.producer);
    if (failed(failure)) {
        return failure;
    }
    struct transaction txn = {.broker = broker, .deadline_ms = deadline_ms};
    failure = call(&txn, TXN_INIT);
    broker->committer.is_doubtful = false; /* its epoch is new: what is late is refused */
    if (!failed(failure)) {
        failure = open_topics(broker, (enum topic)0, (enum topic)(TOPIC_COUNT - 1));
    }
    if (failed(failure)) {
        txn_producer_close(broker);
    }
    return failure;
}

void txn_producer_close(struct broker_kafka *broker) {
    struct committer *committer = &broker->committer;
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        if (committer->topics[topic]) {
            rd_kafka_topic_destroy(committer->topics[topic]);
            committer->topics[topic] = NULL;
        }
    }
    if (committer->producer) {
        /* Nothing of an unfinished transaction may leave any more. */
        rd_kafka_purge(committer->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        if (!client_destroy(committer->producer, CLOSE_WAIT_MS)) {
            committer->is_haunted = true;
        }
        committer->producer = NULL;
    }
}
