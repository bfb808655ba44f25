/* Creation of topics.
 *
 * Retention follows the record's timestamp, and imports carry event times of years ago: with the
 * broker's default of seven days such a topic is emptied within minutes (KAFKA.md 9). So retention
 * is always stated. */
#include "broker/topics.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>

#include "base/clock.h"
#include "broker/admin.h"

#define VISIBLE_WAIT_STEP_MS 50
#define FREE_PARTITIONS      1
#define RETENTION_FOREVER    "-1"
#define RETENTION_DEFAULT    "2592000000" /* 30 days */
#define MILLISECOND_NS       1000000

struct setting {
    const char *name, *value;
};

/* State topics are read back whole at every recovery: small segments are compacted soon, and their
 * open tail, which compaction never touches, stays short. */
static const struct setting compaction[] = {
    {"segment.bytes", "67108864"},
    {"segment.ms", "21600000"},
    {"min.cleanable.dirty.ratio", "0.2"},
    {"max.compaction.lag.ms", "86400000"},
};

/* Who follows a topic as it grows and lags must not find the first rows of a version gone because
 * newer ones, which it has not come to yet, have taken their place. */
static bool is_followed(enum topic topic) {
    return topic == TOPIC_MODEL || topic == TOPIC_CATALOGUE || topic == TOPIC_PROFILES;
}

static void set_topic(rd_kafka_NewTopic_t *created, const char *name, const char *value) {
    rd_kafka_resp_err_t code = rd_kafka_NewTopic_set_config(created, name, value);
    assert(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    (void)code;
}

static struct failure plan(const struct topics *topics, enum topic topic, int32_t partitions,
                           rd_kafka_NewTopic_t **out) {
    char text[200];
    int replicas = topics->replication_factor > 0 ? (int)topics->replication_factor : -1;
    *out = rd_kafka_NewTopic_new(topics->full[topic], partitions, replicas, text, sizeof text);
    if (!*out) {
        return failure_make(FAILURE_STOP, 0, "topic %s: %s", topics->full[topic], text);
    }
    bool is_compacted = topic_is_compacted(topic);
    set_topic(*out, "cleanup.policy", is_compacted ? "compact" : "delete");
    set_topic(*out, "retention.ms",
              topic_is_kept_forever(topic) ? RETENTION_FOREVER : RETENTION_DEFAULT);
    set_topic(*out, "message.timestamp.type", "CreateTime");
    for (size_t i = 0; is_compacted && i < sizeof compaction / sizeof compaction[0]; i++) {
        set_topic(*out, compaction[i].name, compaction[i].value);
    }
    if (is_followed(topic)) {
        set_topic(*out, "min.compaction.lag.ms", TOPIC_COMPACTION_LAG_MS);
    }
    return failure_none();
}

/* P is the clickstream's number where it exists; a different configured number is a changed P. */
static struct failure find_p(const struct topics *topics, const struct rd_kafka_metadata *metadata,
                             int32_t *out) {
    const char *name = topics->full[TOPIC_CLICKSTREAM];
    int32_t existing = client_partitions(metadata, name);
    if (existing == 0 && topics->partitions == 0) {
        return failure_make(FAILURE_STOP, 0,
                            "topic %s does not exist, and topics.partitions is not set", name);
    }
    if (existing > 0 && topics->partitions > 0 && existing != topics->partitions) {
        return failure_make(FAILURE_STOP, 0,
                            "topic %s has %d partitions, topics.partitions says %lld", name,
                            existing, (long long)topics->partitions);
    }
    *out = existing > 0 ? existing : (int32_t)topics->partitions;
    return failure_none();
}

static int32_t partitions_wanted(enum topic topic, int32_t p) {
    switch (topic_partitions_of(topic)) {
    case TOPIC_PARTITIONS_P:
        return p;
    case TOPIC_PARTITIONS_ONE:
        return 1;
    case TOPIC_PARTITIONS_FREE:
        return FREE_PARTITIONS;
    }
    assert(!"a kind of topic");
    return 0;
}

static bool all_exist(const struct topics *topics, const struct rd_kafka_metadata *metadata) {
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        if (client_partitions(metadata, topics->full[topic]) == 0) {
            return false;
        }
    }
    return true;
}

/* The controller has answered; the broker that we ask may learn of it a moment later. */
static struct failure wait_visible(struct admin *admin, const struct topics *topics) {
    int64_t until_ns = clock_monotonic_ns() + (int64_t)ADMIN_WAIT_MS * MILLISECOND_NS;
    while (clock_monotonic_ns() < until_ns) {
        const struct rd_kafka_metadata *metadata;
        struct failure failure = admin_metadata(admin, &metadata);
        if (failed(failure)) {
            return failure;
        }
        bool done = all_exist(topics, metadata);
        rd_kafka_metadata_destroy(metadata);
        if (done) {
            return failure_none();
        }
        rd_kafka_poll(admin->client, VISIBLE_WAIT_STEP_MS);
    }
    return failure_make(FAILURE_STOP, 0, "created topics do not appear");
}

static struct failure create_missing(struct admin *admin, const struct topics *topics,
                                     const struct rd_kafka_metadata *metadata,
                                     const struct log_sink *log) {
    rd_kafka_NewTopic_t *wanted[TOPIC_COUNT];
    size_t count = 0;
    int32_t p = 0;
    struct failure failure = find_p(topics, metadata, &p);
    for (int topic = 0; topic < TOPIC_COUNT && !failed(failure); topic++) {
        if (client_partitions(metadata, topics->full[topic]) == 0) {
            failure = plan(topics, (enum topic)topic, partitions_wanted((enum topic)topic, p),
                           &wanted[count]);
            count += failed(failure) ? 0 : 1;
        }
    }
    if (!failed(failure) && count > 0) {
        failure = admin_create(admin, wanted, count, log);
        if (!failed(failure)) {
            failure = wait_visible(admin, topics);
        }
    }
    rd_kafka_NewTopic_destroy_array(wanted, count);
    return failure;
}

struct failure topics_create(const struct topics *topics, const char *bootstrap_servers,
                             const struct config_properties *kafka, const struct log_sink *log) {
    struct admin admin;
    struct failure failure = admin_open(&admin, bootstrap_servers, kafka, log);
    const struct rd_kafka_metadata *metadata;
    if (!failed(failure)) {
        failure = admin_metadata(&admin, &metadata);
    }
    if (!failed(failure)) {
        failure = create_missing(&admin, topics, metadata, log);
        rd_kafka_metadata_destroy(metadata);
    }
    admin_close(&admin);
    return failure;
}
