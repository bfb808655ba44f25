/* txn_errors: the one table of what to do about librdkafka's errors (measured: KAFKA.md 1 and 6).
 * Pure: an error is its code and three flags; nothing is sent or logged here. Private to broker/.
 */
#ifndef PROMOSTREAM_BROKER_TXN_ERRORS_H
#define PROMOSTREAM_BROKER_TXN_ERRORS_H

#include <librdkafka/rdkafka.h>

#include "base/failure.h"

enum txn_call {
    TXN_INIT,         /* init_transactions */
    TXN_BEGIN,        /* begin_transaction */
    TXN_PRODUCE,      /* produce_batch, per message */
    TXN_DELIVERY,     /* delivery report */
    TXN_SEND_OFFSETS, /* send_offsets_to_transaction */
    TXN_COMMIT,       /* commit_transaction */
    TXN_ABORT,        /* abort_transaction */
    TXN_CALL_COUNT,
};

struct txn_error {
    rd_kafka_resp_err_t code;
    bool is_fatal, is_retriable, requires_abort;
};

const char *txn_call_name(enum txn_call call);

/* RETRY: repeat the same call. ABORT_EPOCH: abort_transaction, then as RECREATE: a new producer
 * with the same transactional.id. STOP: no repetition can help (rights, sizes, versions). NONE for
 * NO_ERROR. */
enum failure_action txn_error_action(enum txn_call call, struct txn_error error);

/* The same for an error that a call returned; takes the error (NULL = success = NONE). */
MUST_CHECK struct failure txn_failure(enum txn_call call, rd_kafka_error_t *error);
/* The same for a bare code (produce, delivery reports). */
MUST_CHECK struct failure txn_failure_of_code(enum txn_call call, rd_kafka_resp_err_t code);

/* Errors that a consumer's poll delivers: NONE = it heals by itself (log it), STOP otherwise. */
enum failure_action consumer_error_action(rd_kafka_resp_err_t code);

/* A cluster's brokers hear of a new topic one after another: whoever misses one asks for so long.
 */
#define UNKNOWN_TOPIC_MS 10000

/* Whether it says that a topic or partition is not there (yet, or any more). */
bool consumer_error_is_unknown_topic(rd_kafka_resp_err_t code);

/* Whether it says that another producer or member has taken our name. */
bool txn_error_is_fenced(int code);

#endif
