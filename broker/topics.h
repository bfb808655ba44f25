/* topics: every topic of DESIGN 4 with its name, partitions and retention; created and checked
 * here. */
#ifndef PROMOSTREAM_BROKER_TOPICS_H
#define PROMOSTREAM_BROKER_TOPICS_H

#include <stdio.h>

#include "base/config.h"
#include "base/failure.h"
#include "base/log.h"

/* X(enumerator, default name, partitions P|1|FREE, cleanup policy, retention: forever|default) */
#define TOPICS(X)                                                                                  \
    X(TOPIC_CLICKSTREAM, "clickstream", P, DELETE, FOREVER)                                        \
    X(TOPIC_PUSH_FEEDBACK, "push-feedback", P, DELETE, FOREVER)                                    \
    X(TOPIC_PROMOTION_PUSHES, "promotion-pushes", P, DELETE, DEFAULT)                              \
    X(TOPIC_PROMOTION_DECISIONS, "promotion-decisions", P, DELETE, FOREVER)                        \
    X(TOPIC_USER_STATE, "user-state", P, COMPACT, FOREVER)                                         \
    X(TOPIC_PARTITION_STATE, "partition-state", P, COMPACT, FOREVER)                               \
    X(TOPIC_OPEN_DECISIONS, "open-decisions", P, COMPACT, FOREVER)                                 \
    X(TOPIC_JOURNAL, "journal", P, DELETE, FOREVER)                                                \
    X(TOPIC_DEAD_LETTERS, "dead-letters", P, DELETE, DEFAULT)                                      \
    X(TOPIC_EXAMPLES, "examples", ONE, DELETE, FOREVER)                                            \
    X(TOPIC_MODEL, "model", ONE, COMPACT, FOREVER)                                                 \
    X(TOPIC_CONTROL, "control", ONE, DELETE, FOREVER)                                              \
    X(TOPIC_CATALOGUE, "catalogue", FREE, COMPACT, FOREVER)                                        \
    X(TOPIC_PROFILES, "profiles", FREE, COMPACT, FOREVER)

/* min.compaction.lag.ms of what workers follow (model, catalogue, profiles), or more: one that lags
 * by less reads every version whole. */
#define TOPIC_COMPACTION_LAG_MS "3600000"

#define TOPIC_ENUM(id, name, partitions, policy, retention) id,
enum topic { TOPICS(TOPIC_ENUM) TOPIC_COUNT };

enum topic_partitions { TOPIC_PARTITIONS_P, TOPIC_PARTITIONS_ONE, TOPIC_PARTITIONS_FREE };

/* Names in force; filled from the configuration's section `topics`. A zeroed struct means the
 * defaults. */
struct topics {
    const char *prefix;
    const char *name[TOPIC_COUNT]; /* configured, without prefix; "" or NULL = the default */
    char *full[TOPIC_COUNT];       /* in force; owned by topics */
    int64_t partitions;            /* P for creation; 0 = take the clickstream's */
    int64_t replication_factor;    /* 0 = the broker's default */
    bool create;                   /* create what is missing at start */
};
extern const struct config_table
    topics_config; /* section "topics"; key per topic with '-' as '_' */

/* Computes full names: the prefix applies to every topic that is left at its default name; a topic
 * named in the configuration is taken as it stands there. */
void topics_resolve(struct topics *topics);
void topics_clean_up(struct topics *topics);

const char *topic_default_name(enum topic topic);
bool topic_is_compacted(enum topic topic);
enum topic_partitions topic_partitions_of(enum topic topic);
bool topic_is_kept_forever(enum topic topic);

/* Creates missing topics with the right partitions, cleanup policy and retention (KAFKA.md 9). */
MUST_CHECK struct failure topics_create(const struct topics *topics, const char *bootstrap_servers,
                                        const struct config_properties *kafka,
                                        const struct log_sink *log);

enum topic_finding_level { FINDING_OK, FINDING_WARNING, FINDING_ERROR };
struct topic_finding {
    enum topic topic;
    enum topic_finding_level level;
    bool is_absent; /* there is no such topic */
    char text[200];
};
/* Compares existing topics with what they must be: present, partition count (P, 1), cleanup policy,
 * retention. At most findings_max findings; *out_count are written. STOP if the broker does not
 * answer within 10 s. */
MUST_CHECK struct failure topics_check(const struct topics *topics, const char *bootstrap_servers,
                                       const struct config_properties *kafka,
                                       struct topic_finding *findings, size_t findings_max,
                                       size_t *out_count);

#endif
