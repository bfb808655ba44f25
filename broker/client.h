/* client: how every librdkafka handle of ours is configured, made and ended. Private to broker/.
 *
 * Order of settings: ours for the kind of client, then the user's `kafka:` properties, then those
 * that correctness depends on; a user's property that would override one of the last is refused by
 * name. */
#ifndef PROMOSTREAM_BROKER_CLIENT_H
#define PROMOSTREAM_BROKER_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "base/config.h"
#include "base/failure.h"
#include "base/log.h"

enum client_kind {
    CLIENT_MEMBER,        /* the consumer in the group */
    CLIENT_TRANSACTIONAL, /* the producer of epochs */
    CLIENT_IDEMPOTENT,    /* a producer without transactions */
    CLIENT_RESTORE,       /* reads topics to their end, read_committed */
    CLIENT_SIDE,          /* follows side topics, read_committed */
    CLIENT_ENDS,          /* asks for log ends and metadata, read_uncommitted */
    CLIENT_ADMIN,
};

struct client_setting {
    const char *name, *value;
};

/* What the opaque of every client begins with; it must outlive the client. */
struct client_opaque {
    const struct log_sink *log;     /* NULL drops librdkafka's log */
    atomic_bool is_session_expired; /* set when the group's member heard nothing for a session */
    atomic_int access_trouble;      /* enum access_trouble: why a broker did not let us in, last */
    atomic_llong trouble_logged_ms; /* monotonic; 0 = never */
};

struct client_config {
    enum client_kind kind;
    const char *bootstrap_servers;
    const struct config_properties *kafka; /* NULL = none */
    const struct client_setting *settings; /* of this one client, not to be overridden */
    size_t setting_count;
    struct client_opaque *opaque;
    void (*rebalance)(rd_kafka_t *client, rd_kafka_resp_err_t code,
                      rd_kafka_topic_partition_list_t *partitions, void *opaque);
    void (*delivered)(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque);
};

/* No network is touched. STOP naming a property that librdkafka refuses or that promostream sets
 * itself. */
MUST_CHECK struct failure client_new(const struct client_config *config, rd_kafka_t **out);

/* The user's properties alone, before any client is made: the same STOP. */
MUST_CHECK struct failure client_check_properties(const struct config_properties *kafka);

/* Destroys the client without closing a consumer. One that hangs is left behind after wait_ms, in
 * tenths of a second, with a warning: false, and its opaque must then never be freed. Time in which
 * this process is stopped does not count. NULL is fine. */
bool client_destroy(rd_kafka_t *client, int wait_ms);

/* All topics of the cluster, asked in a way that creates none; one that we may not describe is not
 * among them. RETRY if no broker answers in time; STOP, sooner, if one answers that it does not let
 * us in (login, certificate): the text says what to do. Not for the group's member. */
MUST_CHECK struct failure client_metadata(rd_kafka_t *client, int timeout_ms,
                                          const struct rd_kafka_metadata **out);
/* Partitions of a topic in it; 0 = there is no such topic. */
int32_t client_partitions(const struct rd_kafka_metadata *metadata, const char *topic);

/* Takes what is there, up to messages_max; if nothing is, waits up to timeout_ms for the first.
 * librdkafka's own batch call would wait for a full batch. */
size_t client_take(rd_kafka_queue_t *queue, int timeout_ms, rd_kafka_message_t **messages,
                   size_t messages_max);

#endif
