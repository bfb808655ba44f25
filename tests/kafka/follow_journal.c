/* follow_journal: computes again what the workers of a prefix have committed, by their journal
 * alone: the ranges of input, ticks and ends, positions of side topics and the version of every
 * learner that each epoch names. Every output has to be there, byte for byte.
 *
 *     follow_journal CONFIG
 *
 * CONFIG is the workers' own (brokers, prefix and topics stand in it). In order, per partition:
 * promotion-decisions, promotion-pushes, dead-letters, journal. As sets: examples. As final rows:
 * user-state, open-decisions, partition-state. Exit code 0 = equal, 1 = differs (the first
 * difference is printed), 2 = could not be followed. */
#include <stdio.h>
#include <stdlib.h>

#include "consumer/commands/support.h"
#include "consumer/worker.h"
#include "schemas/schemas.h"
#include "tests/support/kept_log.h"

#define DIFFERS 1
#define FAILED  2

static const enum topic in_order[] = {TOPIC_JOURNAL, TOPIC_PROMOTION_DECISIONS,
                                      TOPIC_PROMOTION_PUSHES, TOPIC_DEAD_LETTERS};
static const enum topic as_sets[] = {TOPIC_EXAMPLES};
static const enum topic by_key[] = {TOPIC_OPEN_DECISIONS, TOPIC_PARTITION_STATE, TOPIC_USER_STATE};
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* ---- following ---- */

struct follower {
    struct pipeline_config config;
    struct kept_log log;   /* committed */
    struct kept_log found; /* computed here; a record's offset is its epoch */
    struct timezone_set *zones;
    struct decision_tally *tally;
    int64_t epochs, versions, rewinds, ticks, feedback;
};

/* The rooms of one partition. */
struct place {
    struct follower *follower;
    struct pipeline pipeline;
    struct partition partition;
    struct side side;
    struct kept_sides sides;
    struct epoch epoch;
};

static void place_init(struct place *place, struct follower *follower, int32_t number) {
    const struct pipeline_config *config = &follower->config;
    struct pipeline_settings settings =
        pipeline_config_settings(config, follower->log.topics[TOPIC_CLICKSTREAM].partition_count);
    place->follower = follower;
    side_init(&place->side, &config->side);
    pipeline_init(&place->pipeline, &settings, &place->side, follower->zones, follower->tally);
    partition_init(&place->partition, number, (uint32_t)config->state.users_max, follower->zones);
    kept_sides_init(&place->sides, &follower->log);
    epoch_init(&place->epoch);
}

static void place_clean_up(struct place *place) {
    epoch_clean_up(&place->epoch);
    partition_clean_up(&place->partition);
    pipeline_clean_up(&place->pipeline);
    side_clean_up(&place->side);
}

/* Side topics and models as the epoch knew them. */
static struct failure know(struct place *place, const struct journal_row *row) {
    const struct pipeline_config *config = &place->follower->config;
    if (!kept_sides_aim(&place->sides, row)) {
        score_clean_up(&place->pipeline.score);
        score_init(&place->pipeline.score, &config->learn, &config->decide);
        side_clean_up(&place->side);
        side_init(&place->side, &config->side);
        kept_sides_rewind(&place->sides);
        place->follower->rewinds++;
    }
    struct failure failure = side_poll(&place->side, &place->sides.broker);
    return failed(failure) ? failure : score_poll(&place->pipeline.score, &place->sides.broker);
}

static void take_rows(struct place *place) {
    for (size_t i = 0; i < place->epoch.record_count; i++) {
        const struct epoch_record *record = &place->epoch.records[i];
        kept_log_add(&place->follower->found, record->topic,
                     &(struct record){.key = epoch_record_key(&place->epoch, i),
                                      .value = record->is_tombstone
                                                   ? bytes_of(NULL, 0)
                                                   : epoch_record_value(&place->epoch, i),
                                      .offset = place->partition.epoch,
                                      .partition = record->partition});
    }
}

static void compute(struct place *place, const struct journal_row *row) {
    struct pipeline *pipeline = &place->pipeline;
    struct partition *partition = &place->partition;
    const struct kept_log *log = &place->follower->log;
    size_t feedback_count, click_count;
    const struct record *feedback = kept_log_range(log, TOPIC_PUSH_FEEDBACK, partition->number,
                                                   row->from_offset[INPUT_FEEDBACK],
                                                   row->to_offset[INPUT_FEEDBACK], &feedback_count);
    const struct record *clicks = kept_log_range(log, TOPIC_CLICKSTREAM, partition->number,
                                                 row->from_offset[INPUT_CLICKSTREAM],
                                                 row->to_offset[INPUT_CLICKSTREAM], &click_count);
    epoch_clear(&place->epoch);
    pipeline_begin(pipeline, &place->epoch);
    partition_begin(partition);
    pipeline_feedback(pipeline, partition, feedback, feedback_count);
    pipeline_clickstream(pipeline, partition, clicks, click_count);
    if (row->tick_ms != TIME_NONE) {
        pipeline_tick(pipeline, partition, row->tick_ms);
        place->follower->ticks++;
    }
    if (row->fired_at_end) {
        (void)pipeline_fire_at_end(pipeline, partition, WORKER_FIRED_PER_EPOCH_MAX);
    }
    pipeline_finish(pipeline, partition, row->wall_ms);
    pipeline_check(pipeline);
    place->follower->feedback += (int64_t)feedback_count;
    place->follower->epochs++;
    take_rows(place);
}

/* Does the row follow on the one before it, by the same configuration? */
static struct failure check_row(struct place *place, const struct journal_row *row) {
    struct partition *partition = &place->partition;
    bool is_first = partition->epoch == 0;
    for (int i = 0; i < INPUT_COUNT; i++) {
        if (is_first) {
            partition->next_offset[i] = row->from_offset[i];
        } else if (row->from_offset[i] != partition->next_offset[i]) {
            return failure_make(FAILURE_STOP, 0, "input %d from %lld, after %lld", i,
                                (long long)row->from_offset[i],
                                (long long)partition->next_offset[i]);
        }
    }
    if (row->epoch != partition->epoch + 1) {
        return failure_make(FAILURE_STOP, 0, "after epoch %lld", (long long)partition->epoch);
    }
    if (row->config_fingerprint != place->follower->config.fingerprint ||
        row->model_count != place->pipeline.score.model_count) {
        return failure_make(FAILURE_STOP, 0, "of another configuration");
    }
    return failure_none();
}

static struct failure follow_row(struct place *place, const struct record *record) {
    struct journal_row row;
    struct bytes body;
    if (!wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_JOURNAL, 0, record->value, &body) ||
        !journal_decode(body, &row)) {
        return failure_make(FAILURE_STOP, 0, "the journal's row at offset %lld is not valid",
                            (long long)record->offset);
    }
    struct failure failure = check_row(place, &row);
    if (!failed(failure)) {
        failure = know(place, &row);
    }
    if (failed(failure)) {
        return failure_make(FAILURE_STOP, 0, "partition %d, epoch %lld: %s", (int)row.partition,
                            (long long)row.epoch, failure.text);
    }
    compute(place, &row);
    return failure;
}

static struct failure follow(struct follower *follower, int32_t number) {
    struct place *place = memory_new(1, sizeof *place);
    struct failure failure = failure_none();
    size_t count;
    const struct record *rows =
        kept_log_range(&follower->log, TOPIC_JOURNAL, number, 0, INT64_MAX, &count);
    place_init(place, follower, number);
    for (size_t i = 0; i < count && !failed(failure); i++) {
        failure = follow_row(place, &rows[i]);
    }
    follower->versions += place->sides.version_count;
    place_clean_up(place);
    free(place);
    return failure;
}

/* ---- comparing ---- */

static void print_bytes(const char *name, struct bytes bytes, size_t at) {
    size_t first = at > 8 ? at - 8 : 0;
    printf("  %-9s %zu bytes%s, from byte %zu:", name, bytes.size, bytes.data ? "" : " (tombstone)",
           first);
    for (size_t i = first; i < bytes.size && i < first + 24; i++) {
        printf(" %02x", bytes.data[i]);
    }
    printf("\n");
}

static void print_decision(const char *name, const struct record *record) {
    struct decision_row row;
    struct bytes body;
    if (!record || !wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_DECISION, 0, record->value, &body) ||
        !decision_decode(body, &row)) {
        return;
    }
    char id[33];
    hash128_format(row.decision_id, id);
    printf(
        "  %-9s decision %s attempt %d %s at %lld: %.*s, reason %.*s, policy %.*s, action_p %.17g",
        name, id, (int)row.attempt, trigger_names[row.trigger], (long long)row.decided_ms,
        BYTES_ARG(row.action), BYTES_ARG(row.reason), BYTES_ARG(row.policy), row.action_p);
    for (size_t i = 0; i < row.score_count; i++) {
        printf(", %.*s %lld p %.17g", BYTES_ARG(row.scores[i].learner),
               (long long)row.scores[i].version_offset, row.scores[i].p[0]);
    }
    printf("\n");
}

/* Either may be NULL: it is not there. */
static int print_difference(enum topic topic, size_t index, const struct record *committed,
                            const struct record *followed) {
    const struct record *either = followed ? followed : committed;
    printf("%s differs at row %zu of partition %d, key %.*s", topic_default_name(topic), index,
           (int)either->partition, BYTES_ARG(either->key));
    if (followed) {
        printf(", epoch %lld", (long long)followed->offset);
    }
    struct bytes a = committed ? committed->value : bytes_of(NULL, 0);
    struct bytes b = followed ? followed->value : bytes_of(NULL, 0);
    size_t at = 0;
    while (at < a.size && at < b.size && a.data[at] == b.data[at]) {
        at++;
    }
    printf(": %s\n", !committed ? "not committed" : !followed ? "not followed" : "other bytes");
    print_bytes("committed", a, at);
    print_bytes("followed", b, at);
    if (topic == TOPIC_PROMOTION_DECISIONS) {
        print_decision("committed", committed);
        print_decision("followed", followed);
    }
    return DIFFERS;
}

static bool is_same(const struct record *a, const struct record *b) {
    return a->partition == b->partition && bytes_equal(a->key, b->key) &&
           !a->value.data == !b->value.data && bytes_equal(a->value, b->value);
}

static int compare_rows(enum topic topic, const struct kept_topic *committed,
                        const struct kept_topic *followed) {
    size_t before = 0; /* rows of earlier partitions */
    for (size_t i = 0; i < committed->count || i < followed->count; i++) {
        const struct record *a = i < committed->count ? &committed->records[i] : NULL;
        const struct record *b = i < followed->count ? &followed->records[i] : NULL;
        before = a && i > 0 && a->partition != a[-1].partition ? i : before;
        if (!a || !b || !is_same(a, b)) {
            return print_difference(topic, i - before, a, b);
        }
    }
    return 0;
}

static int by_place(const struct record *a, const struct record *b) {
    int order = (a->partition > b->partition) - (a->partition < b->partition);
    return order ? order : bytes_compare(a->key, b->key);
}

static int by_value(const void *left, const void *right) {
    const struct record *a = left, *b = right;
    int order = by_place(a, b);
    return order ? order : bytes_compare(a->value, b->value);
}

static int by_offset(const void *left, const void *right) {
    const struct record *a = left, *b = right;
    int order = by_place(a, b);
    return order ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static struct record *sorted(const struct kept_topic *kept,
                             int (*order)(const void *, const void *)) {
    struct record *records = memory_new(kept->count + 1, sizeof *records);
    memcpy(records, kept->records, kept->count * sizeof *records);
    qsort(records, kept->count, sizeof *records, order);
    return records;
}

/* The last row of each key; an epoch writes a key of user-state or partition-state once, but may
 * write and close an open decision, so order within an epoch counts too. */
static struct kept_topic folded(const struct kept_topic *kept) {
    struct kept_topic copy = *kept;
    copy.records = memory_new(kept->count + 1, sizeof *copy.records);
    for (size_t i = 0; i < kept->count; i++) {
        copy.records[i] = kept->records[i];
        copy.records[i].offset = (int64_t)i;
    }
    struct kept_topic out = {.records = sorted(&copy, by_offset)};
    for (size_t i = 0; i < kept->count; i++) {
        const struct record *record = &out.records[i];
        bool is_last = i + 1 == kept->count || by_place(record, record + 1) != 0;
        if (is_last && record->value.data) {
            out.records[out.count] = *record;
            out.records[out.count++].offset = kept->records[record->offset].offset;
        }
    }
    free(copy.records);
    return out;
}

static int compare_topics(const struct follower *follower) {
    int code = 0;
    for (size_t i = 0; i < LENGTH(in_order) && !code; i++) {
        code = compare_rows(in_order[i], &follower->log.topics[in_order[i]],
                            &follower->found.topics[in_order[i]]);
    }
    for (size_t i = 0; i < LENGTH(as_sets) && !code; i++) {
        struct kept_topic a = follower->log.topics[as_sets[i]];
        struct kept_topic b = follower->found.topics[as_sets[i]];
        a.records = sorted(&a, by_value);
        b.records = sorted(&b, by_value);
        code = compare_rows(as_sets[i], &a, &b);
        free(a.records);
        free(b.records);
    }
    for (size_t i = 0; i < LENGTH(by_key) && !code; i++) {
        struct kept_topic a = folded(&follower->log.topics[by_key[i]]);
        struct kept_topic b = folded(&follower->found.topics[by_key[i]]);
        code = compare_rows(by_key[i], &a, &b);
        free(a.records);
        free(b.records);
    }
    return code;
}

/* ---- the whole ---- */

static struct failure read_all(struct follower *follower) {
    struct failure failure = failure_none();
    for (int topic = 0; topic < TOPIC_COUNT && !failed(failure); topic++) {
        enum broker_input input = topic == TOPIC_PUSH_FEEDBACK ? INPUT_FEEDBACK : INPUT_CLICKSTREAM;
        failure = kept_log_read(&follower->log, &follower->config, (enum topic)topic, input);
    }
    return failure;
}

static void print_summary(const struct follower *follower) {
    printf("followed partitions=%d epochs=%lld versions=%lld rewinds=%lld ticks=%lld feedback=%lld",
           (int)follower->log.topics[TOPIC_CLICKSTREAM].partition_count,
           (long long)follower->epochs, (long long)follower->versions, (long long)follower->rewinds,
           (long long)follower->ticks, (long long)follower->feedback);
    for (int topic = TOPIC_PROMOTION_PUSHES; topic <= TOPIC_EXAMPLES; topic++) {
        printf(" %s=%zu", topic_default_name((enum topic)topic),
               follower->found.topics[topic].count);
    }
    printf(": equal\n");
}

static int run(struct follower *follower) {
    struct failure failure = read_all(follower);
    for (int32_t p = 0; p < follower->log.topics[TOPIC_CLICKSTREAM].partition_count; p++) {
        failure = failed(failure) ? failure : follow(follower, p);
    }
    if (failed(failure)) {
        fprintf(stderr, "follow_journal: %s\n", failure.text);
        return FAILED;
    }
    int code = compare_topics(follower);
    if (!code) {
        print_summary(follower);
    }
    return code;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: follow_journal CONFIG\n");
        return FAILED;
    }
    struct follower *follower = memory_new(1, sizeof *follower);
    schemas_init();
    if (command_load_config("follow_journal", argv[1], &follower->config) != COMMAND_OK) {
        free(follower);
        return FAILED;
    }
    follower->zones = timezone_set_new(NULL);
    follower->tally = memory_new(1, sizeof *follower->tally);
    int code = run(follower);
    kept_log_clean_up(&follower->log);
    kept_log_clean_up(&follower->found);
    free(follower->tally);
    timezone_set_destroy(follower->zones);
    pipeline_config_clean_up(&follower->config);
    free(follower);
    return code;
}
