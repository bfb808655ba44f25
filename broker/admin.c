#include "broker/admin.h"

#include "broker/access.h"

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

rd_kafka_AdminOptions_t *admin_options(const struct admin *admin, rd_kafka_admin_op_t operation) {
    char text[200];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->client, operation);
    rd_kafka_AdminOptions_set_request_timeout(options, ADMIN_CHANGE_WAIT_MS, text, sizeof text);
    rd_kafka_AdminOptions_set_operation_timeout(options, ADMIN_CHANGE_WAIT_MS, text, sizeof text);
    return options;
}

struct failure admin_answer(struct admin *admin, int wait_ms, const char *what,
                            rd_kafka_event_t **out) {
    *out = rd_kafka_queue_poll(admin->queue, wait_ms);
    if (*out && !rd_kafka_event_error(*out)) {
        return failure_none();
    }
    struct failure failure =
        failure_make(FAILURE_STOP, *out ? rd_kafka_event_error(*out) : 0, "%s: %s", what,
                     *out ? rd_kafka_event_error_string(*out) : "no answer");
    if (*out) {
        rd_kafka_event_destroy(*out);
        *out = NULL;
    }
    return failure;
}

static struct failure create_result(rd_kafka_event_t *event, const struct log_sink *log) {
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        const char *name = rd_kafka_topic_result_name(results[i]);
        /* Another worker that starts at the same moment may be first. */
        if (code && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            const char *text = access_is_refused(code)
                                   ? access_text(code, ACCESS_CREATE)
                                   : rd_kafka_topic_result_error_string(results[i]);
            return failure_make(FAILURE_STOP, code, "creating topic %s: %s", name,
                                text ? text : rd_kafka_err2str(code));
        }
        if (log) {
            log_info(log, "broker", "created topic name=%s", name);
        }
    }
    return failure_none();
}

struct failure admin_create(struct admin *admin, rd_kafka_NewTopic_t **wanted, size_t count,
                            const struct log_sink *log) {
    rd_kafka_AdminOptions_t *options = admin_options(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(admin->client, wanted, count, options, admin->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_event_t *event;
    struct failure failure =
        admin_answer(admin, 2 * ADMIN_CHANGE_WAIT_MS, "creating topics", &event);
    if (!failed(failure)) {
        failure = create_result(event, log);
        rd_kafka_event_destroy(event);
    }
    return failure;
}
