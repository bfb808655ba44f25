#include "broker/txn_errors.h"

#include <stddef.h>

#include "broker/access.h"

#define ANY TXN_CALL_COUNT

struct row {
    enum txn_call call; /* ANY = every call */
    rd_kafka_resp_err_t code;
    enum failure_action action;
};

/* What the class of an error alone would decide wrongly. The first matching row wins. */
static const struct row exceptions[] = {
    /* Waiting is all that helps, whatever the flags say. */
    {TXN_PRODUCE, RD_KAFKA_RESP_ERR__QUEUE_FULL, FAILURE_RETRY},
    {TXN_ABORT, RD_KAFKA_RESP_ERR__CONFLICT, FAILURE_RETRY}, /* the previous abort still runs */
    {ANY, RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS, FAILURE_RETRY},
    {TXN_INIT, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, FAILURE_RETRY},

    /* A record that can never be delivered would come back after every recovery. */
    {ANY, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR_INVALID_RECORD, FAILURE_STOP},
    {TXN_PRODUCE, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, FAILURE_STOP},
    {TXN_PRODUCE, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, FAILURE_STOP},
    {TXN_DELIVERY, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, FAILURE_STOP},
    {TXN_DELIVERY, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, FAILURE_STOP},

    /* Rights, versions and settings: for people. */
    {ANY, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, FAILURE_STOP},
    {ANY, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, FAILURE_STOP},
    {TXN_INIT, RD_KAFKA_RESP_ERR__NOT_CONFIGURED, FAILURE_STOP},

    /* Delivery reports carry no flags. The transaction that they belong to will say whether the
     * producer survives; its records are gone in any case. */
    {TXN_DELIVERY, RD_KAFKA_RESP_ERR__FATAL, FAILURE_RECREATE},
    {TXN_DELIVERY, RD_KAFKA_RESP_ERR__FENCED, FAILURE_RECREATE},
    {TXN_DELIVERY, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, FAILURE_RECREATE},
    {TXN_DELIVERY, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, FAILURE_RECREATE},
};

const char *txn_call_name(enum txn_call call) {
    static const char *const names[] = {
        [TXN_INIT] = "init_transactions",
        [TXN_BEGIN] = "begin_transaction",
        [TXN_PRODUCE] = "produce",
        [TXN_DELIVERY] = "delivery",
        [TXN_SEND_OFFSETS] = "send_offsets_to_transaction",
        [TXN_COMMIT] = "commit_transaction",
        [TXN_ABORT] = "abort_transaction",
        [TXN_CALL_COUNT] = "?",
    };
    return names[call];
}

/* Fatal is asked first: librdkafka sets it alone, and no other flag may soften it. Neither
 * retriable nor abortable counts as fatal (librdkafka's INTRODUCTION): the producer is replaced,
 * not repaired. */
static enum failure_action action_of_class(enum txn_call call, struct txn_error error) {
    if (error.is_fatal) {
        return FAILURE_RECREATE;
    }
    if (error.is_retriable) {
        return FAILURE_RETRY;
    }
    if (call == TXN_DELIVERY) {
        return FAILURE_ABORT_EPOCH;
    }
    /* An abort that asks for an abort leads nowhere. */
    if (error.requires_abort && call != TXN_ABORT && call != TXN_INIT) {
        return FAILURE_ABORT_EPOCH;
    }
    return FAILURE_RECREATE;
}

enum failure_action txn_error_action(enum txn_call call, struct txn_error error) {
    if (error.code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return FAILURE_NONE;
    }
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        const struct row *row = &exceptions[i];
        if (row->code == error.code && (row->call == call || row->call == ANY)) {
            return row->action;
        }
    }
    return action_of_class(call, error);
}

struct failure txn_failure(enum txn_call call, rd_kafka_error_t *error) {
    if (!error) {
        return failure_none();
    }
    struct txn_error flags = {.code = rd_kafka_error_code(error),
                              .is_fatal = rd_kafka_error_is_fatal(error),
                              .is_retriable = rd_kafka_error_is_retriable(error),
                              .requires_abort = rd_kafka_error_txn_requires_abort(error)};
    enum failure_action action = txn_error_action(call, flags);
    const char *text = access_is_refused(flags.code)
                           ? access_text(flags.code, ACCESS_WRITE_TRANSACTION)
                           : rd_kafka_error_string(error);
    struct failure failure = failure_make(action, flags.code, "%s: %s: %s", txn_call_name(call),
                                          rd_kafka_error_name(error), text);
    rd_kafka_error_destroy(error);
    return failure;
}

struct failure txn_failure_of_code(enum txn_call call, rd_kafka_resp_err_t code) {
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return failure_none();
    }
    return failure_make(txn_error_action(call, (struct txn_error){.code = code}), code,
                        "%s: %s: %s", txn_call_name(call), rd_kafka_err2name(code),
                        access_text(code, ACCESS_WRITE_TRANSACTION));
}

enum failure_action consumer_error_action(rd_kafka_resp_err_t code) {
    switch (code) {
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT: /* repeats every few seconds, never heals */
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    case RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__BAD_MSG: /* a bad checksum or compression: going on would skip records
                                      */
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
        return FAILURE_STOP;
    default:
        return FAILURE_NONE;
    }
}

bool consumer_error_is_unknown_topic(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

bool txn_error_is_fenced(int code) {
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
           code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
           code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}
