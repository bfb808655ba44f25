#include "broker/producer_txn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "broker/client.h"
#include "broker/txn_errors.h"

#define CALL_WAIT_MS   5000
#define RETRY_WAIT_MS  100
#define DEADLINE_MS    60000 /* of one call with its repetitions */
#define QUEUE_WAIT_MS  100
#define ABORT_WAIT_MS  5000
#define CLOSE_WAIT_MS  5000
#define MILLISECOND_NS 1000000

struct producer_txn {
    struct client_opaque opaque;
    rd_kafka_t *client;
    int call_wait_ms;
    bool is_open;            /* a transaction */
    bool is_doubtful;        /* a commit was repeated: its first request may arrive late */
    struct failure delivery; /* the first delivery error */
};

/* Called from within our own calls: the same thread. */
static void on_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    struct producer_txn *producer = opaque;
    if (message->err && !failed(producer->delivery)) {
        struct failure failure = txn_failure_of_code(TXN_DELIVERY, message->err);
        producer->delivery =
            failure_make(failure.action, failure.code, "%s [%d]: record of %zu bytes: %s",
                         rd_kafka_topic_name(message->rkt), message->partition,
                         message->len + message->key_len, failure.text);
    }
}

static rd_kafka_error_t *call_once(struct producer_txn *producer, enum txn_call call) {
    switch (call) {
    case TXN_INIT:
        return rd_kafka_init_transactions(producer->client, producer->call_wait_ms);
    case TXN_BEGIN:
        return rd_kafka_begin_transaction(producer->client);
    default:
        return rd_kafka_commit_transaction(producer->client, producer->call_wait_ms);
    }
}

/* Repeats what may be repeated, within the deadline. */
static struct failure call(struct producer_txn *producer, enum txn_call which,
                           int64_t deadline_ms) {
    int64_t until_ns = clock_monotonic_ns() + deadline_ms * MILLISECOND_NS;
    struct failure failure = txn_failure(which, call_once(producer, which));
    while (failure.action == FAILURE_RETRY && clock_monotonic_ns() < until_ns) {
        producer->is_doubtful = producer->is_doubtful || which == TXN_COMMIT;
        rd_kafka_poll(producer->client, RETRY_WAIT_MS);
        failure = txn_failure(which, call_once(producer, which));
    }
    return failure;
}

struct failure producer_txn_open(const struct producer_txn_config *config,
                                 struct producer_txn **out) {
    char timeout[24];
    snprintf(timeout, sizeof timeout, "%" PRId64, config->transaction_timeout_ms);
    const struct client_setting settings[] = {
        {"transactional.id", config->transactional_id},
        {"transaction.timeout.ms", timeout},
    };
    struct producer_txn *producer = memory_new(1, sizeof *producer);
    producer->opaque.log = config->log;
    producer->call_wait_ms = config->call_wait_ms > 0 ? config->call_wait_ms : CALL_WAIT_MS;
    const struct client_config client = {.kind = CLIENT_TRANSACTIONAL,
                                         .bootstrap_servers = config->bootstrap_servers,
                                         .kafka = config->kafka,
                                         .settings = settings,
                                         .setting_count = sizeof settings / sizeof settings[0],
                                         .opaque = &producer->opaque,
                                         .delivered = on_delivered};
    struct failure failure = client_new(&client, &producer->client);
    if (!failed(failure)) {
        failure =
            call(producer, TXN_INIT, config->open_wait_ms > 0 ? config->open_wait_ms : DEADLINE_MS);
    }
    *out = producer;
    if (failed(failure)) {
        producer_txn_close(producer);
        *out = NULL;
    }
    return failure;
}

static rd_kafka_headers_t *headers_of(const struct producer_record *record) {
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        const struct record_header *header = &record->headers[i];
        rd_kafka_header_add(headers, header->key.data ? (const char *)header->key.data : "",
                            (ssize_t)header->key.size, header->value.data,
                            (ssize_t)header->value.size);
    }
    return headers;
}

static rd_kafka_resp_err_t produce(struct producer_txn *producer,
                                   const struct producer_record *record) {
    rd_kafka_headers_t *headers = headers_of(record);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer->client, RD_KAFKA_V_TOPIC(record->topic), RD_KAFKA_V_PARTITION(record->partition),
        RD_KAFKA_V_KEY((void *)(uintptr_t)record->key.data, record->key.size),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.data, record->value.size),
        RD_KAFKA_V_TIMESTAMP(record->timestamp_ms >= 0 ? record->timestamp_ms : 0),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (code) {
        rd_kafka_headers_destroy(headers); /* else they are librdkafka's now */
    }
    return code;
}

struct failure producer_txn_send(struct producer_txn *producer,
                                 const struct producer_record *record) {
    if (!producer->is_open && producer->is_doubtful) {
        return failure_make(FAILURE_RETRY, RD_KAFKA_RESP_ERR__TIMED_OUT,
                            "Kafka answered a commit too late; it is done: start again to go on");
    }
    struct failure failure =
        producer->is_open ? failure_none() : call(producer, TXN_BEGIN, DEADLINE_MS);
    producer->is_open = producer->is_open || !failed(failure);
    int64_t until_ns = clock_monotonic_ns() + (int64_t)DEADLINE_MS * MILLISECOND_NS;
    while (!failed(failure)) {
        rd_kafka_resp_err_t code = produce(producer, record);
        bool is_full = code == RD_KAFKA_RESP_ERR__QUEUE_FULL;
        rd_kafka_poll(producer->client, is_full ? QUEUE_WAIT_MS : 0);
        failure = producer->delivery;
        if (failed(failure) || !code) {
            break;
        }
        if (!is_full || clock_monotonic_ns() >= until_ns) {
            failure = failure_make(FAILURE_STOP, code, "topic %s: %s", record->topic,
                                   rd_kafka_err2str(code));
        }
    }
    return failure;
}

struct failure producer_txn_commit(struct producer_txn *producer) {
    if (!producer->is_open) {
        return failure_none();
    }
    struct failure failure = call(producer, TXN_COMMIT, DEADLINE_MS);
    producer->is_open = failed(failure);
    /* The transaction's own error only says that some record failed. */
    return failed(failure) && failed(producer->delivery) ? producer->delivery : failure;
}

void producer_txn_close(struct producer_txn *producer) {
    if (!producer) {
        return;
    }
    if (producer->is_open) {
        rd_kafka_error_t *error = rd_kafka_abort_transaction(producer->client, ABORT_WAIT_MS);
        if (error) {
            rd_kafka_error_destroy(error); /* the next one with this id, or the broker, ends it */
        }
    }
    if (producer->client) {
        rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    }
    if (client_destroy(producer->client, CLOSE_WAIT_MS)) {
        free(producer);
    }
}
