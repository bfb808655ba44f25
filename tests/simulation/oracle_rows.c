/* The rooms on a straight line, one event at a time: with a frozen model from the input alone, with
 * a live one by the journal's ticks, positions and versions. */
#include <stdlib.h>

#include "consumer/rooms/score.h"
#include "schemas/schemas.h"
#include "tests/simulation/oracle.h"
#include "tests/support/kept_compare.h"

struct line { /* of one partition */
    struct world *world;
    const struct kept_log *committed;
    struct kept_log *computed;
    struct timezone_set *zones;
    struct decision_tally *tally;
    struct pipeline pipeline;
    struct partition partition;
    struct side side;
    struct kept_sides sides;
    struct epoch epoch;
};

static void line_init(struct line *line, int32_t number) {
    const struct pipeline_config *config = line->world->config;
    struct pipeline_settings settings = pipeline_config_settings(config, line->world->partitions);
    settings.micro_batch_max = 1;
    line->zones = timezone_set_new(NULL);
    line->tally = memory_new(1, sizeof *line->tally);
    side_init(&line->side, &config->side);
    pipeline_init(&line->pipeline, &settings, &line->side, line->zones, line->tally);
    partition_init(&line->partition, number, (uint32_t)config->state.users_max, line->zones);
    kept_sides_init(&line->sides, line->committed);
    epoch_init(&line->epoch);
}

static void line_clean_up(struct line *line) {
    epoch_clean_up(&line->epoch);
    partition_clean_up(&line->partition);
    pipeline_clean_up(&line->pipeline);
    side_clean_up(&line->side);
    timezone_set_destroy(line->zones);
    free(line->tally);
}

static void begin(struct line *line) {
    epoch_clear(&line->epoch);
    pipeline_begin(&line->pipeline, &line->epoch);
    partition_begin(&line->partition);
}

static void take_rows(struct line *line) {
    for (size_t i = 0; i < line->epoch.record_count; i++) {
        const struct epoch_record *record = &line->epoch.records[i];
        kept_log_add(line->computed, record->topic,
                     &(struct record){.key = epoch_record_key(&line->epoch, i),
                                      .value = record->is_tombstone
                                                   ? bytes_of(NULL, 0)
                                                   : epoch_record_value(&line->epoch, i),
                                      .offset = line->partition.epoch,
                                      .partition = record->partition});
    }
}

static void end(struct line *line, int64_t wall_ms) {
    pipeline_finish(&line->pipeline, &line->partition, wall_ms);
    pipeline_check(&line->pipeline);
    take_rows(line);
}

/* Side topics and models as that row knew them. */
static struct failure know(struct line *line, const struct journal_row *row) {
    const struct pipeline_config *config = line->world->config;
    if (!kept_sides_aim(&line->sides, row)) {
        score_clean_up(&line->pipeline.score);
        score_init(&line->pipeline.score, &config->learn, &config->decide);
        side_clean_up(&line->side);
        side_init(&line->side, &config->side);
        kept_sides_rewind(&line->sides);
    }
    struct failure failure = side_poll(&line->side, &line->sides.broker);
    return failed(failure) ? failure : score_poll(&line->pipeline.score, &line->sides.broker);
}

static const struct record *range(const struct line *line, enum topic topic, int64_t from,
                                  int64_t to, size_t *out_count) {
    return kept_log_range(line->committed, topic, line->partition.number, from, to, out_count);
}

static struct journal_row journal_row_of(const struct record *record) {
    struct journal_row row = {0};
    struct bytes body;
    (void)(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_JOURNAL, 0, record->value, &body) &&
           journal_decode(body, &row)); /* oracle.c has read it before */
    return row;
}

/* ---- the frozen model ---- */

static struct failure run_frozen(struct line *line) {
    size_t feedback, clicks, rows;
    const struct record *journal = range(line, TOPIC_JOURNAL, 0, INT64_MAX, &rows);
    const struct record *letters = range(line, TOPIC_PUSH_FEEDBACK, 0, INT64_MAX, &feedback);
    const struct record *events = range(line, TOPIC_CLICKSTREAM, 0, INT64_MAX, &clicks);
    struct journal_row last = journal_row_of(&journal[rows - 1]);
    struct failure failure = know(line, &last); /* it knew them all, at its first as at its last */
    for (size_t i = 0; i < feedback; i++) {
        begin(line);
        pipeline_feedback(&line->pipeline, &line->partition, &letters[i], 1);
        end(line, 0);
    }
    for (size_t i = 0; i < clicks; i++) {
        begin(line);
        pipeline_clickstream(&line->pipeline, &line->partition, &events[i], 1);
        end(line, 0);
    }
    return failure;
}

/* ---- a live model ---- */

static void run_row(struct line *line, const struct journal_row *row) {
    size_t feedback, clicks;
    const struct record *letters =
        range(line, TOPIC_PUSH_FEEDBACK, row->from_offset[INPUT_FEEDBACK],
              row->to_offset[INPUT_FEEDBACK], &feedback);
    const struct record *events =
        range(line, TOPIC_CLICKSTREAM, row->from_offset[INPUT_CLICKSTREAM],
              row->to_offset[INPUT_CLICKSTREAM], &clicks);
    begin(line);
    for (size_t i = 0; i < feedback; i++) {
        pipeline_feedback(&line->pipeline, &line->partition, &letters[i], 1);
    }
    for (size_t i = 0; i < clicks; i++) {
        pipeline_clickstream(&line->pipeline, &line->partition, &events[i], 1);
    }
    if (row->tick_ms != TIME_NONE) {
        line->world->result->ticks++;
        pipeline_tick(&line->pipeline, &line->partition, row->tick_ms);
    }
    end(line, row->wall_ms);
}

static struct failure run_live(struct line *line) {
    size_t rows;
    const struct record *journal = range(line, TOPIC_JOURNAL, 0, INT64_MAX, &rows);
    struct failure failure = failure_none();
    for (size_t i = 0; i < rows && !failed(failure); i++) {
        struct journal_row row = journal_row_of(&journal[i]);
        failure = know(line, &row);
        if (!failed(failure)) {
            run_row(line, &row);
        }
    }
    return failure;
}

/* ---- comparing ---- */

/* What hangs on where epochs were cut is taken out; letters of one input, then of the other. */
static void add_without_epoch(struct kept_log *out, enum topic topic, const struct record *record) {
    struct partition_state_row row;
    struct bytes body;
    struct buffer value = {0};
    struct record added = *record;
    if (topic == TOPIC_PARTITION_STATE &&
        wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_PARTITION_STATE, 0, record->value, &body) &&
        partition_state_decode(body, &row)) {
        row.epoch = 0;
        partition_state_encode(&row, &value);
        added.value = buffer_bytes(&value);
    }
    kept_log_add(out, topic, &added);
    buffer_clean_up(&value);
}

static bool is_letter_of(const struct world *world, const struct record *record, enum topic topic) {
    struct dead_letter_row row;
    struct bytes body;
    return wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_DEAD_LETTER, 0, record->value, &body) &&
           dead_letter_decode(body, &row) &&
           bytes_equal(row.topic, bytes_of_text(world->config->topics.full[topic]));
}

static struct kept_log without_cuts(const struct world *world, const struct kept_log *log) {
    struct kept_log out = {0};
    const struct kept_topic *letters = &log->topics[TOPIC_DEAD_LETTERS];
    const struct kept_topic *states = &log->topics[TOPIC_PARTITION_STATE];
    static const enum topic inputs[] = {TOPIC_PUSH_FEEDBACK, TOPIC_CLICKSTREAM};
    for (int32_t p = 0; p < world->partitions; p++) {
        for (size_t input = 0; input < INPUT_COUNT; input++) {
            for (size_t i = 0; i < letters->count; i++) {
                if (letters->records[i].partition == p &&
                    is_letter_of(world, &letters->records[i], inputs[input])) {
                    kept_log_add(&out, TOPIC_DEAD_LETTERS, &letters->records[i]);
                }
            }
        }
    }
    for (size_t i = 0; i < states->count; i++) {
        add_without_epoch(&out, TOPIC_PARTITION_STATE, &states->records[i]);
    }
    return out;
}

static void compare(struct world *world, const struct kept_log *committed,
                    const struct kept_log *computed) {
    typedef bool comparison(enum topic, const struct kept_topic *, const struct kept_topic *,
                            struct buffer *);
    static const struct {
        enum topic topic;
        comparison *compare;
        bool has_cuts, only_live;
    } topics[] = {
        {TOPIC_PROMOTION_DECISIONS, kept_compare_in_order, false, false},
        {TOPIC_PROMOTION_PUSHES, kept_compare_in_order, false, false},
        {TOPIC_DEAD_LETTERS, kept_compare_in_order, true, false},
        {TOPIC_EXAMPLES, kept_compare_as_sets, false, false},
        {TOPIC_USER_STATE, kept_compare_folded, false, false},
        {TOPIC_OPEN_DECISIONS, kept_compare_folded, false, false},
        {TOPIC_PARTITION_STATE, kept_compare_folded, true, false},
        {TOPIC_JOURNAL, kept_compare_in_order, false, true},
    };
    bool is_live = world->options.lane == LANE_LIVE;
    struct kept_log a = without_cuts(world, committed), b = without_cuts(world, computed);
    struct buffer text = {0};
    for (size_t i = 0; i < sizeof topics / sizeof *topics && text.size == 0; i++) {
        bool is_cut = topics[i].has_cuts && !is_live;
        enum topic topic = topics[i].topic;
        if (is_live || !topics[i].only_live) {
            (void)topics[i].compare(topic, &(is_cut ? &a : committed)->topics[topic],
                                    &(is_cut ? &b : computed)->topics[topic], &text);
        }
    }
    if (text.size > 0) {
        world_violation(world, "%.*s", (int)text.size, (const char *)text.data);
    }
    buffer_clean_up(&text);
    kept_log_clean_up(&a);
    kept_log_clean_up(&b);
}

void oracle_check_rows(struct world *world, const struct kept_log *committed) {
    struct kept_log computed = {0};
    struct line *line = memory_new(1, sizeof *line);
    for (int32_t p = 0; p < world->partitions; p++) {
        *line = (struct line){.world = world, .committed = committed, .computed = &computed};
        line_init(line, p);
        struct failure failure =
            world->options.lane == LANE_LIVE ? run_live(line) : run_frozen(line);
        if (failed(failure)) {
            world_violation(world, "partition %d cannot be followed: %s", (int)p, failure.text);
        }
        line_clean_up(line);
    }
    free(line);
    compare(world, committed, &computed);
    kept_log_clean_up(&computed);
}
