#include "broker/embedded.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buffer.h"

#define PARTITIONS_DEFAULT 4

struct embedded {
    rd_kafka_t *host; /* the mock lives in the threads of some client */
    rd_kafka_mock_cluster_t *cluster;
};

struct creation {
    pthread_t thread;
    rd_kafka_mock_cluster_t *cluster;
    const char *name;
    int partitions;
    rd_kafka_resp_err_t code;
};

static void *create_topic(void *context) {
    struct creation *creation = context;
    creation->code =
        rd_kafka_mock_topic_create(creation->cluster, creation->name, creation->partitions, 1);
    return NULL;
}

/* The mock looks at what it is asked for four times a second: all topics are asked for at once. */
static struct failure create_topics(struct embedded *embedded, const struct topics *topics) {
    int p = topics->partitions > 0 ? (int)topics->partitions : PARTITIONS_DEFAULT;
    struct creation creations[TOPIC_COUNT];
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        bool is_p = topic_partitions_of((enum topic)topic) == TOPIC_PARTITIONS_P;
        creations[topic] = (struct creation){
            .cluster = embedded->cluster, .name = topics->full[topic], .partitions = is_p ? p : 1};
        int code = pthread_create(&creations[topic].thread, NULL, create_topic, &creations[topic]);
        assert(code == 0);
    }
    struct failure failure = failure_none();
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        pthread_join(creations[topic].thread, NULL);
        if (creations[topic].code) {
            failure =
                failure_make(FAILURE_STOP, creations[topic].code, "embedded broker: topic %s: %s",
                             creations[topic].name, rd_kafka_err2str(creations[topic].code));
        }
    }
    return failure;
}

struct failure embedded_start(const struct topics *topics, struct embedded **out) {
    char text[200] = "";
    struct embedded *embedded = memory_new(1, sizeof *embedded);
    *out = NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL); /* it would warn that it has no broker to connect to */
    embedded->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!embedded->host) {
        rd_kafka_conf_destroy(conf);
        free(embedded);
        return failure_make(FAILURE_STOP, 0, "embedded broker: %s", text);
    }
    embedded->cluster = rd_kafka_mock_cluster_new(embedded->host, 1);
    struct failure failure =
        embedded->cluster ? create_topics(embedded, topics)
                          : failure_make(FAILURE_STOP, 0, "embedded broker: it does not start");
    if (failed(failure)) {
        embedded_stop(embedded);
        return failure;
    }
    *out = embedded;
    return failure_none();
}

const char *embedded_bootstrap_servers(const struct embedded *embedded) {
    return rd_kafka_mock_cluster_bootstraps(embedded->cluster);
}

struct rd_kafka_mock_cluster_s *embedded_cluster(const struct embedded *embedded) {
    return embedded->cluster;
}

void embedded_stop(struct embedded *embedded) {
    if (!embedded) {
        return;
    }
    if (embedded->cluster) {
        rd_kafka_mock_cluster_destroy(embedded->cluster);
    }
    rd_kafka_destroy(embedded->host);
    free(embedded);
}
