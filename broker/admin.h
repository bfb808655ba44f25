/* admin: a short-lived client for creating and checking topics. Private to broker/; one thread. */
#ifndef PROMOSTREAM_BROKER_ADMIN_H
#define PROMOSTREAM_BROKER_ADMIN_H

#include "broker/client.h"

#define ADMIN_WAIT_MS 10000

struct admin {
    struct client_opaque opaque;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue; /* answers */
};

MUST_CHECK struct failure admin_open(struct admin *admin, const char *bootstrap_servers,
                                     const struct config_properties *kafka,
                                     const struct log_sink *log);
/* The struct must stay where it is between open and close. Idempotent. */
void admin_close(struct admin *admin);
/* client_metadata, but STOP without an answer: admin commands are for people or for a start. */
MUST_CHECK struct failure admin_metadata(struct admin *admin, const struct rd_kafka_metadata **out);
/* Creates topics; one that exists already is no failure. log may be NULL. */
MUST_CHECK struct failure admin_create(struct admin *admin, rd_kafka_NewTopic_t **wanted,
                                       size_t count, const struct log_sink *log);

#endif
