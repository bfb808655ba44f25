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
#include "tests/support/kept_compare.h"

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

static bool is_equal(const struct follower *follower, struct buffer *out) {
    const struct kept_topic *committed = follower->log.topics, *found = follower->found.topics;
    bool is_equal = true;
    for (size_t i = 0; i < LENGTH(in_order) && is_equal; i++) {
        enum topic topic = in_order[i];
        is_equal = kept_compare_in_order(topic, &committed[topic], &found[topic], out);
    }
    for (size_t i = 0; i < LENGTH(as_sets) && is_equal; i++) {
        enum topic topic = as_sets[i];
        is_equal = kept_compare_as_sets(topic, &committed[topic], &found[topic], out);
    }
    for (size_t i = 0; i < LENGTH(by_key) && is_equal; i++) {
        enum topic topic = by_key[i];
        is_equal = kept_compare_folded(topic, &committed[topic], &found[topic], out);
    }
    return is_equal;
}

static int compare_topics(const struct follower *follower) {
    struct buffer text = {0};
    int code = is_equal(follower, &text) ? 0 : DIFFERS;
    printf("%.*s", (int)text.size, text.size > 0 ? (const char *)text.data : "");
    buffer_clean_up(&text);
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
