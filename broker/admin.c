#include "broker/admin.h"

struct failure admin_open(struct admin *admin, const char *bootstrap_servers,
                          const struct config_properties *kafka, const struct log_sink *log) {
    *admin = (struct admin){.opaque = {.log = log}};
    struct client_config config = {.kind = CLIENT_ADMIN,
                                   .bootstrap_servers = bootstrap_servers,
                                   .kafka = kafka,
                                   .opaque = &admin->opaque};
    struct failure failure = client_new(&config, &admin->client);
    if (!failed(failure)) {
        admin->queue = rd_kafka_queue_new(admin->client);
    }
    return failure;
}

void admin_close(struct admin *admin) {
    if (admin->queue) {
        rd_kafka_queue_destroy(admin->queue);
        admin->queue = NULL;
    }
    if (admin->client) {
        rd_kafka_destroy(admin->client);
        admin->client = NULL;
    }
}

struct failure admin_metadata(struct admin *admin, const struct rd_kafka_metadata **out) {
    struct failure failure = client_metadata(admin->client, ADMIN_WAIT_MS, out);
    if (failed(failure)) {
        failure.action = FAILURE_STOP;
    }
    return failure;
}
