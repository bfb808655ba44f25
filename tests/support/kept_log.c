#include "tests/support/kept_log.h"

#include <assert.h>
#include <stdlib.h>

#include "consumer/commands/support.h"
#include "schemas/schemas.h"

/* ---- records ---- */

static struct bytes copy(struct bytes bytes) {
    if (!bytes.data) {
        return bytes;
    }
    uint8_t *data = memory_new(bytes.size + 1, 1);
    memcpy(data, bytes.data, bytes.size);
    return bytes_of(data, bytes.size);
}

void kept_log_add(struct kept_log *log, enum topic topic, const struct record *record) {
    struct kept_topic *kept = &log->topics[topic];
    if (kept->count == kept->capacity) {
        kept->capacity = kept->capacity ? kept->capacity * 2 : 1024;
        kept->records = memory_grow(kept->records, kept->capacity, sizeof *kept->records);
    }
    struct record *added = &kept->records[kept->count++];
    *added = *record;
    added->key = copy(record->key);
    added->value = copy(record->value);
}

struct reading {
    struct kept_log *log;
    enum topic topic;
    enum broker_input input;
};

static void visit(void *context, const struct record *record) {
    const struct reading *reading = context;
    struct record added = *record;
    added.input = reading->input;
    kept_log_add(reading->log, reading->topic, &added);
}

struct failure kept_log_read(struct kept_log *log, const struct pipeline_config *config,
                             enum topic topic, enum broker_input input) {
    struct reading reading = {log, topic, input};
    struct topic_read_result result;
    struct failure failure =
        command_read_topic(config, topic, TOPIC_ALL_PARTITIONS, visit, &reading, &result);
    if (!failed(failure) && !result.is_whole) {
        failure = failure_make(FAILURE_STOP, 0, "%s: a transaction is still open",
                               config->topics.full[topic]);
    }
    log->topics[topic].partition_count = result.partition_count;
    return failure;
}

/* The first record at or after this place. */
static size_t place_of(const struct kept_topic *kept, int32_t partition, int64_t offset) {
    size_t low = 0, high = kept->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct record *record = &kept->records[middle];
        bool is_before = record->partition != partition ? record->partition < partition
                                                        : record->offset < offset;
        low = is_before ? middle + 1 : low;
        high = is_before ? high : middle;
    }
    return low;
}

const struct record *kept_log_range(const struct kept_log *log, enum topic topic, int32_t partition,
                                    int64_t from, int64_t to, size_t *out_count) {
    const struct kept_topic *kept = &log->topics[topic];
    size_t first = place_of(kept, partition, from);
    *out_count = place_of(kept, partition, to) - first;
    return kept->records + first;
}

void kept_log_clean_up(struct kept_log *log) {
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        struct kept_topic *kept = &log->topics[topic];
        for (size_t i = 0; i < kept->count; i++) {
            free((void *)(uintptr_t)kept->records[i].key.data);
            free((void *)(uintptr_t)kept->records[i].value.data);
        }
        free(kept->records);
        *kept = (struct kept_topic){0};
    }
}

/* ---- side topics up to a position ---- */

static int64_t wanted_position(const struct journal_row *row, enum topic topic) {
    for (size_t i = 0; i < row->side_count; i++) {
        if (bytes_equal(row->sides[i].topic, bytes_of_text(topic_default_name(topic)))) {
            return row->sides[i].next_offset;
        }
    }
    return 0;
}

/* Several partitions: nothing or everything, else nobody knows how far each was read. Control
 * records make a whole position larger than the number of records, never smaller. */
static bool count_wanted(const struct kept_topic *kept, int64_t position, size_t *out) {
    if (kept->partition_count <= 1) {
        *out = place_of(kept, 0, position);
        return true;
    }
    *out = position > 0 ? kept->count : 0;
    return position == 0 || position >= (int64_t)kept->count;
}

static struct failure poll_side(struct kept_sides *sides, enum topic topic, broker_visit *visited,
                                void *context, int64_t *out_position) {
    const struct kept_topic *kept = &sides->log->topics[topic];
    size_t wanted;
    *out_position = wanted_position(sides->row, topic);
    if (!count_wanted(kept, *out_position, &wanted)) {
        return failure_make(FAILURE_STOP, 0,
                            "%s has %d partitions and was read in part: the journal has only the "
                            "sum %lld of its positions",
                            topic_default_name(topic), (int)kept->partition_count,
                            (long long)*out_position);
    }
    for (; sides->given[topic] < wanted; sides->given[topic]++) {
        visited(context, &kept->records[sides->given[topic]]);
    }
    return failure_none();
}

/* ---- versions ---- */

/* Is it a row of this learner, and if it ends a version, of which offset? Else -1. */
static bool is_row_of(const struct record *record, struct bytes learner, int64_t *out_version) {
    struct model_row row;
    struct bytes body;
    *out_version = -1;
    if (!record->value.data ||
        !wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, record->value, &body) ||
        !model_row_decode(body, &row) || !bytes_equal(row.learner, learner)) {
        return false;
    }
    if (bytes_equal(row.row, bytes_of_text(MODEL_VERSION_ROW))) {
        *out_version = row.version_offset;
    }
    return true;
}

static struct failure give_version(struct kept_sides *sides, size_t learner, broker_visit *visited,
                                   void *context) {
    const struct kept_topic *kept = &sides->log->topics[TOPIC_MODEL];
    const struct model_version *wanted = &sides->row->models[learner];
    size_t *given = &sides->model_given[learner];
    while (sides->versions[learner] < wanted->version_offset && *given < kept->count) {
        const struct record *record = &kept->records[(*given)++];
        int64_t version;
        if (is_row_of(record, wanted->learner, &version)) {
            visited(context, record);
        }
        if (version >= 0) {
            sides->versions[learner] = version;
            sides->version_count++;
        }
    }
    if (sides->versions[learner] != wanted->version_offset) {
        return failure_make(FAILURE_STOP, 0, "version %lld of %.*s is not in the topic model",
                            (long long)wanted->version_offset, BYTES_ARG(wanted->learner));
    }
    return failure_none();
}

static struct failure side_poll_kept(struct broker *broker, enum topic topic, broker_visit *visited,
                                     void *context, int64_t *out_position) {
    struct kept_sides *sides = (struct kept_sides *)broker;
    if (topic != TOPIC_MODEL) {
        return poll_side(sides, topic, visited, context, out_position);
    }
    struct failure failure = failure_none();
    for (size_t i = 0; i < sides->row->model_count && !failed(failure); i++) {
        failure = give_version(sides, i, visited, context);
    }
    *out_position = 0;
    return failure;
}

/* ---- the seam ---- */

static const struct broker_ops ops = {.side_poll = side_poll_kept};

void kept_sides_init(struct kept_sides *sides, const struct kept_log *log) {
    *sides = (struct kept_sides){.broker = {&ops}, .log = log};
}

bool kept_sides_aim(struct kept_sides *sides, const struct journal_row *row) {
    static const enum topic topics[] = {TOPIC_CONTROL, TOPIC_CATALOGUE, TOPIC_PROFILES};
    assert(row->model_count <= ROW_LEARNERS_MAX);
    sides->row = row;
    bool is_behind = false;
    for (size_t i = 0; i < row->model_count; i++) {
        is_behind = is_behind || row->models[i].version_offset < sides->versions[i];
    }
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        size_t wanted;
        bool is_known =
            count_wanted(&sides->log->topics[topics[i]], wanted_position(row, topics[i]), &wanted);
        is_behind = is_behind || (is_known && wanted < sides->given[topics[i]]);
    }
    return !is_behind;
}

void kept_sides_rewind(struct kept_sides *sides) {
    memset(sides->given, 0, sizeof sides->given);
    memset(sides->model_given, 0, sizeof sides->model_given);
    memset(sides->versions, 0, sizeof sides->versions);
}
