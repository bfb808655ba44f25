/* Checks of existing topics: what `validate --against-broker` reports and a start warns about. */
#include "broker/topics.h"

#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "broker/admin.h"

#define VALUE_MAX 40

/* What a topic looks like on the broker. */
struct facts {
    int32_t partitions; /* 0 = absent */
    bool is_described;
    char policy[VALUE_MAX], retention_ms[VALUE_MAX], retention_bytes[VALUE_MAX];
    char compaction_lag_ms[VALUE_MAX];
    rd_kafka_resp_err_t describe_error;
};

struct report {
    const struct topics *topics;
    struct topic_finding *findings;
    size_t max, count;
};

__attribute__((format(printf, 4, 5))) static void report(struct report *report, enum topic topic,
                                                         enum topic_finding_level level,
                                                         const char *format, ...) {
    if (report->count == report->max) {
        return;
    }
    struct topic_finding *finding = &report->findings[report->count++];
    *finding = (struct topic_finding){.topic = topic, .level = level};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

/* ---- asking ---- */

static void copy_value(char out[VALUE_MAX], const char *value) {
    snprintf(out, VALUE_MAX, "%s", value ? value : "");
}

static void take_configs(struct facts *facts, const rd_kafka_ConfigResource_t *resource) {
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    facts->describe_error = rd_kafka_ConfigResource_error(resource);
    facts->is_described = !facts->describe_error;
    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]);
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (strcmp(name, "cleanup.policy") == 0) {
            copy_value(facts->policy, value);
        } else if (strcmp(name, "retention.ms") == 0) {
            copy_value(facts->retention_ms, value);
        } else if (strcmp(name, "retention.bytes") == 0) {
            copy_value(facts->retention_bytes, value);
        } else if (strcmp(name, "min.compaction.lag.ms") == 0) {
            copy_value(facts->compaction_lag_ms, value);
        }
    }
}

static void take_description(const struct topics *topics, struct facts facts[TOPIC_COUNT],
                             rd_kafka_event_t *event) {
    size_t count;
    const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        for (int topic = 0; topic < TOPIC_COUNT; topic++) {
            if (strcmp(rd_kafka_ConfigResource_name(resources[i]), topics->full[topic]) == 0) {
                take_configs(&facts[topic], resources[i]);
            }
        }
    }
}

static struct failure describe(struct admin *admin, const struct topics *topics,
                               struct facts facts[TOPIC_COUNT]) {
    rd_kafka_ConfigResource_t *resources[TOPIC_COUNT];
    size_t count = 0;
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        if (facts[topic].partitions > 0) {
            resources[count++] =
                rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics->full[topic]);
        }
    }
    if (count == 0) {
        return failure_none();
    }
    char text[200];
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(admin->client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_AdminOptions_set_request_timeout(options, ADMIN_WAIT_MS, text, sizeof text);
    rd_kafka_DescribeConfigs(admin->client, resources, count, options, admin->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy_array(resources, count);
    rd_kafka_event_t *event;
    struct failure failure = admin_answer(admin, 2 * ADMIN_WAIT_MS, "describing topics", &event);
    if (!failed(failure)) {
        take_description(topics, facts, event);
        rd_kafka_event_destroy(event);
    }
    return failure;
}

static struct failure gather(const struct topics *topics, const char *bootstrap_servers,
                             const struct config_properties *kafka,
                             struct facts facts[TOPIC_COUNT]) {
    struct admin admin;
    struct failure failure = admin_open(&admin, bootstrap_servers, kafka, NULL);
    const struct rd_kafka_metadata *metadata;
    if (!failed(failure)) {
        failure = admin_metadata(&admin, &metadata);
    }
    if (!failed(failure)) {
        for (int topic = 0; topic < TOPIC_COUNT; topic++) {
            facts[topic] =
                (struct facts){.partitions = client_partitions(metadata, topics->full[topic])};
        }
        rd_kafka_metadata_destroy(metadata);
        failure = describe(&admin, topics, facts);
    }
    admin_close(&admin);
    return failure;
}

/* ---- judging ---- */

static void judge_partitions(struct report *out, enum topic topic, const struct facts *facts,
                             int32_t p) {
    enum topic_partitions kind = topic_partitions_of(topic);
    int32_t wanted = kind == TOPIC_PARTITIONS_ONE ? 1 : p;
    if (kind != TOPIC_PARTITIONS_FREE && wanted > 0 && facts->partitions != wanted) {
        report(out, topic, FINDING_ERROR, "%s has %d partitions, must have %d%s",
               out->topics->full[topic], facts->partitions, wanted,
               kind == TOPIC_PARTITIONS_P ? " as the clickstream" : "");
    }
}

static void judge_policy(struct report *out, enum topic topic, const struct facts *facts) {
    bool compacts = strstr(facts->policy, "compact") != NULL;
    bool deletes = strstr(facts->policy, "delete") != NULL;
    const char *name = out->topics->full[topic];
    if (topic_is_compacted(topic) && deletes) {
        report(out, topic, FINDING_ERROR, "%s: cleanup.policy=%s loses state, must be compact",
               name, facts->policy);
    } else if (topic_is_compacted(topic) && !compacts) {
        report(out, topic, FINDING_ERROR, "%s: cleanup.policy=%s, must be compact", name,
               facts->policy);
    } else if (!topic_is_compacted(topic) && compacts) {
        report(out, topic, FINDING_ERROR, "%s: cleanup.policy=%s drops records, must be delete",
               name, facts->policy);
    }
}

/* A finite retention may be the owner's choice, but old event times make it bite at once. */
static void judge_retention(struct report *out, enum topic topic, const struct facts *facts) {
    const char *name = out->topics->full[topic];
    if (topic_is_compacted(topic) || !topic_is_kept_forever(topic)) {
        return;
    }
    if (strcmp(facts->retention_ms, "-1") != 0) {
        report(out, topic, FINDING_WARNING,
               "%s: retention.ms=%s deletes by event time, imports of old events at once; -1 keeps "
               "them",
               name, facts->retention_ms);
    }
    if (strcmp(facts->retention_bytes, "-1") != 0) {
        report(out, topic, FINDING_WARNING, "%s: retention.bytes=%s deletes the oldest records",
               name, facts->retention_bytes);
    }
}

/* A worker that stood still could meet half a version: compaction takes its rows one by one. */
static void judge_compaction(struct report *out, enum topic topic, const struct facts *facts) {
    if (topic == TOPIC_MODEL &&
        strtoll(facts->compaction_lag_ms, NULL, 10) < strtoll(TOPIC_COMPACTION_LAG_MS, NULL, 10)) {
        report(out, topic, FINDING_WARNING,
               "%s: min.compaction.lag.ms=%s takes rows that a lagging worker has not read; %s "
               "keeps them",
               out->topics->full[topic], facts->compaction_lag_ms, TOPIC_COMPACTION_LAG_MS);
    }
}

static void judge(struct report *out, enum topic topic, const struct facts *facts, int32_t p) {
    const char *name = out->topics->full[topic];
    size_t before = out->count;
    if (facts->partitions == 0) {
        bool is_free = topic_partitions_of(topic) == TOPIC_PARTITIONS_FREE;
        report(out, topic, is_free ? FINDING_WARNING : FINDING_ERROR, "%s does not exist", name);
        if (out->count > before) {
            out->findings[before].is_absent = true;
        }
        return;
    }
    judge_partitions(out, topic, facts, p);
    if (!facts->is_described) {
        report(out, topic, FINDING_WARNING, "%s: its settings cannot be read: %s", name,
               rd_kafka_err2str(facts->describe_error));
        return;
    }
    judge_policy(out, topic, facts);
    judge_retention(out, topic, facts);
    judge_compaction(out, topic, facts);
    if (out->count == before) {
        report(out, topic, FINDING_OK, "%s: %d partitions, %s, retention.ms=%s", name,
               facts->partitions, facts->policy, facts->retention_ms);
    }
}

struct failure topics_check(const struct topics *topics, const char *bootstrap_servers,
                            const struct config_properties *kafka, struct topic_finding *findings,
                            size_t findings_max, size_t *out_count) {
    *out_count = 0;
    struct facts facts[TOPIC_COUNT] = {0};
    struct failure failure = gather(topics, bootstrap_servers, kafka, facts);
    if (failed(failure)) {
        return failure;
    }
    struct report out = {.topics = topics, .findings = findings, .max = findings_max};
    int32_t existing = facts[TOPIC_CLICKSTREAM].partitions;
    int32_t p = topics->partitions > 0 ? (int32_t)topics->partitions : existing;
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        judge(&out, (enum topic)topic, &facts[topic], p);
    }
    *out_count = out.count;
    return failure_none();
}
