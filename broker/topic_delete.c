#include "broker/topic_delete.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "broker/admin.h"

static struct failure delete_result(rd_kafka_event_t *event) {
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            return failure_make(FAILURE_STOP, code, "deleting topic %s: %s",
                                rd_kafka_topic_result_name(results[i]), rd_kafka_err2str(code));
        }
    }
    return failure_none();
}

static struct failure delete_all(struct admin *admin, rd_kafka_DeleteTopic_t **topics,
                                 size_t count) {
    rd_kafka_AdminOptions_t *options = admin_options(admin, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_DeleteTopics(admin->client, topics, count, options, admin->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_event_t *event;
    struct failure failure =
        admin_answer(admin, 2 * ADMIN_CHANGE_WAIT_MS, "deleting topics", &event);
    if (!failed(failure)) {
        failure = delete_result(event);
        rd_kafka_event_destroy(event);
    }
    return failure;
}

struct failure topic_delete_prefix(const char *bootstrap_servers,
                                   const struct config_properties *kafka, const char *prefix,
                                   size_t *out_count) {
    assert(strlen(prefix) >= TOPIC_DELETE_PREFIX_MIN);
    *out_count = 0;
    struct admin admin = {0};
    const struct rd_kafka_metadata *metadata = NULL;
    struct failure failure = admin_open(&admin, bootstrap_servers, kafka, NULL);
    if (!failed(failure)) {
        failure = admin_metadata(&admin, &metadata);
    }
    if (failed(failure)) {
        admin_close(&admin);
        return failure;
    }
    rd_kafka_DeleteTopic_t **topics =
        memory_new((size_t)metadata->topic_cnt + 1, sizeof(rd_kafka_DeleteTopic_t *));
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (strncmp(metadata->topics[i].topic, prefix, strlen(prefix)) == 0) {
            topics[(*out_count)++] = rd_kafka_DeleteTopic_new(metadata->topics[i].topic);
        }
    }
    rd_kafka_metadata_destroy(metadata);
    if (*out_count > 0) {
        failure = delete_all(&admin, topics, *out_count);
    }
    rd_kafka_DeleteTopic_destroy_array(topics, *out_count);
    free(topics);
    admin_close(&admin);
    return failure;
}
