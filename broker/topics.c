#include "broker/topics.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum policy { DELETE, COMPACT };
enum retention { FOREVER, DEFAULT };

struct topic_row {
    const char *name;
    enum topic_partitions partitions;
    enum policy policy;
    enum retention retention;
};

#define P    TOPIC_PARTITIONS_P
#define ONE  TOPIC_PARTITIONS_ONE
#define FREE TOPIC_PARTITIONS_FREE
#define TOPIC_ROW(id, name, partitions, policy, retention)                                         \
    [id] = {name, partitions, policy, retention},
static const struct topic_row rows[TOPIC_COUNT] = {TOPICS(TOPIC_ROW)};
#undef P
#undef ONE
#undef FREE

#define NAME_KEY(key, topic, help_text)                                                            \
    {                                                                                              \
        .name = (key), .type = CONFIG_TEXT,                                                        \
        .offset = offsetof(struct topics, name) + (topic) * sizeof(const char *),                  \
        .default_text = "", .help = (help_text)                                                    \
    }

static const struct config_key keys[] = {
    {.name = "prefix",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct topics, prefix),
     .default_text = "",
     .help = "put before the name of every topic that is not named below"},
    NAME_KEY("clickstream", TOPIC_CLICKSTREAM, "input: the shop's events, keyed by user"),
    NAME_KEY("push_feedback", TOPIC_PUSH_FEEDBACK, "input: what became of sent pushes"),
    NAME_KEY("promotion_pushes", TOPIC_PROMOTION_PUSHES, "output: pushes to send"),
    NAME_KEY("promotion_decisions", TOPIC_PROMOTION_DECISIONS, "output: every decision, explained"),
    NAME_KEY("user_state", TOPIC_USER_STATE, "state of users, compacted"),
    NAME_KEY("partition_state", TOPIC_PARTITION_STATE, "state of partitions, compacted"),
    NAME_KEY("open_decisions", TOPIC_OPEN_DECISIONS, "decisions awaiting their outcome, compacted"),
    NAME_KEY("journal", TOPIC_JOURNAL, "one row per partition and epoch, for replay"),
    NAME_KEY("dead_letters", TOPIC_DEAD_LETTERS, "input records that could not be decoded"),
    NAME_KEY("examples", TOPIC_EXAMPLES, "labelled decisions, one partition"),
    NAME_KEY("model", TOPIC_MODEL, "learners' rows, compacted, one partition"),
    NAME_KEY("control", TOPIC_CONTROL, "pause, resume and champions, one partition"),
    NAME_KEY("catalogue", TOPIC_CATALOGUE, "input: items with category, brand, price, margin"),
    NAME_KEY("profiles", TOPIC_PROFILES, "input: users' profiles"),
    {.name = "partitions",
     .type = CONFIG_INT,
     .offset = offsetof(struct topics, partitions),
     .default_text = "0",
     .max = 100000,
     .help =
         "partitions of the clickstream for its creation; 0: it must exist, its number is taken"},
    {.name = "replication_factor",
     .type = CONFIG_INT,
     .offset = offsetof(struct topics, replication_factor),
     .default_text = "0",
     .max = 32767,
     .help = "copies of created topics; 0: the broker's default"},
    {.name = "create",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct topics, create),
     .default_text = "true",
     .help = "create missing topics at start"},
};

const struct config_table topics_config = {
    .keys = keys, .key_count = sizeof keys / sizeof keys[0], .struct_size = sizeof(struct topics)};

const char *topic_default_name(enum topic topic) {
    return rows[topic].name;
}

bool topic_is_compacted(enum topic topic) {
    return rows[topic].policy == COMPACT;
}

enum topic_partitions topic_partitions_of(enum topic topic) {
    return rows[topic].partitions;
}

bool topic_is_kept_forever(enum topic topic) {
    return rows[topic].retention == FOREVER;
}

static char *full_name(const struct topics *topics, enum topic topic) {
    const char *name = topics->name[topic];
    if (name && name[0] != '\0') {
        return memory_copy_text(bytes_of_text(name));
    }
    struct buffer text = {0};
    buffer_append(&text, bytes_of_text(topics->prefix));
    buffer_append(&text, bytes_of_text(rows[topic].name));
    char *full = memory_copy_text(buffer_bytes(&text));
    buffer_clean_up(&text);
    return full;
}

void topics_resolve(struct topics *topics) {
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        free(topics->full[topic]);
        topics->full[topic] = full_name(topics, (enum topic)topic);
    }
}

void topics_clean_up(struct topics *topics) {
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        free(topics->full[topic]);
        topics->full[topic] = NULL;
    }
}
