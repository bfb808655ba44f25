/* admin: a short-lived client for creating and checking topics. Private to broker/; one thread. */
#ifndef PROMOSTREAM_BROKER_ADMIN_H
#define PROMOSTREAM_BROKER_ADMIN_H

#include "broker/client.h"

#define ADMIN_WAIT_MS        10000
#define ADMIN_CHANGE_WAIT_MS 30000 /* of a request that creates or deletes */

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
/* Options of a request that creates or deletes, with its time-outs; destroyed by the caller. */
rd_kafka_AdminOptions_t *admin_options(const struct admin *admin, rd_kafka_admin_op_t operation);
/* The answer to the request that was sent last, destroyed by the caller. STOP, *out NULL, if none
 * comes within wait_ms or it is an error as a whole: "WHAT: no answer". */
MUST_CHECK struct failure admin_answer(struct admin *admin, int wait_ms, const char *what,
                                       rd_kafka_event_t **out);
/* Creates topics; one that exists already is no failure. log may be NULL. */
MUST_CHECK struct failure admin_create(struct admin *admin, rd_kafka_NewTopic_t **wanted,
                                       size_t count, const struct log_sink *log);

#endif
