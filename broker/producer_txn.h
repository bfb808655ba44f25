/* producer_txn: a transactional producer without a group: what it sends between two commits becomes
 * visible together or not at all. For commands that put records back exactly once: what was done
 * before is itself a record of the same transaction, read after the producer was opened. Blocks its
 * one thread; nobody repairs: after a failure close it and start anew. */
#ifndef PROMOSTREAM_BROKER_PRODUCER_TXN_H
#define PROMOSTREAM_BROKER_PRODUCER_TXN_H

#include "broker/broker.h"

struct producer_txn_config {
    const char *bootstrap_servers;
    const struct config_properties *kafka; /* NULL = none */
    const char *transactional_id;
    int64_t transaction_timeout_ms; /* the broker aborts what is open for longer */
    int call_wait_ms;               /* for the answer to one call, then it is repeated; 0 = 5 s */
    int64_t open_wait_ms;           /* for a broker's answer at opening; 0 = 60 s */
    const struct log_sink *log;     /* NULL = none */
};

/* A record to send; everything is copied. */
struct producer_record {
    const char *topic;
    int32_t partition;
    struct bytes key, value;             /* data NULL = null, empty is not null */
    int64_t timestamp_ms;                /* negative = now */
    const struct record_header *headers; /* keys without NUL */
    size_t header_count;
};

struct producer_txn;
/* Fences whoever has this transactional_id and waits until its transaction, if one is open, has
 * ended: from then on nothing of a predecessor becomes visible any more. RETRY if no broker
 * answers. */
MUST_CHECK struct failure producer_txn_open(const struct producer_txn_config *config,
                                            struct producer_txn **out);
/* Begins a transaction if none is open. RETRY if the last one's commit had to be repeated: it is
 * done, but the first request may still be under way and would commit a part of the next one. Only
 * a new producer's epoch keeps it out, and whoever opens one reads again what was done before. */
MUST_CHECK struct failure producer_txn_send(struct producer_txn *producer,
                                            const struct producer_record *record);
/* NONE: everything since the last commit is visible. Otherwise it is not, or nobody can tell yet:
 * the next producer_txn_open settles it. Nothing sent: nothing happens. */
MUST_CHECK struct failure producer_txn_commit(struct producer_txn *producer);
/* Aborts what is open. NULL is fine. */
void producer_txn_close(struct producer_txn *producer);

#endif
