/* pipeline: the rooms in order, for one worker.
 *
 * The worker gathers an epoch's records, then for each partition calls pipeline_feedback and
 * pipeline_clickstream (all feedback first, then the clickstream, both in offset order), perhaps
 * pipeline_tick, and at the end pipeline_finish, which writes states and journal. Everything is
 * computed in the order of input; decisions wait in a micro-batch so that they can be scored
 * together, and the batch is closed before anything could see that they waited: the result equals
 * handling one event at a time (tests/property/test_pipeline_batch.c). One thread. */
#ifndef PROMOSTREAM_CONSUMER_PIPELINE_H
#define PROMOSTREAM_CONSUMER_PIPELINE_H

#include "consumer/rooms/capture.h"
#include "consumer/rooms/clean.h"
#include "consumer/rooms/decode.h"
#include "consumer/rooms/emit.h"
#include "consumer/rooms/outcomes.h"
#include "consumer/rooms/partition.h"
#include "consumer/rooms/score.h"
#include "consumer/rooms/triggers.h"

struct pipeline_settings {
    const struct decode_config *decode;
    const struct decode_sources *sources; /* NULL = our own event.avsc alone */
    const struct clean_config *clean;
    const struct state_config *state;
    const struct triggers_config *triggers;
    const struct outcomes_config *outcomes;
    const struct learn_config *learn;
    const struct decide_config *decide;
    struct bytes clickstream_name, feedback_name; /* topic names for dead letters */
    struct emit_schema_ids schema_ids;
    size_t micro_batch_max; /* 1 = one decision at a time */
    int32_t partition_count;
    uint64_t config_fingerprint;
};

struct pending {
    struct partition *partition;
    uint32_t slot;
    struct decision decision;
};

struct pipeline {
    struct pipeline_settings settings;
    struct timezone_set *zones; /* borrowed */
    const struct side *side;    /* borrowed */
    struct decode decode;
    struct clean clean;
    struct state_metrics state_metrics;
    struct triggers_metrics triggers_metrics;
    struct outcomes outcomes;
    struct progress progress;
    struct score score;
    struct decide decide;
    struct emit emit;
    struct epoch *epoch;     /* the epoch being filled */
    struct pending *pending; /* the micro-batch */
    size_t pending_count;
    int64_t pending_effect_ms; /* earliest timer that a waiting decision could set */
};

/* side, zones and tally are borrowed and must outlive the pipeline. */
void pipeline_init(struct pipeline *pipeline, const struct pipeline_settings *settings,
                   const struct side *side, struct timezone_set *zones,
                   struct decision_tally *tally);
void pipeline_clean_up(struct pipeline *pipeline);

/* Begins an epoch that goes into `epoch` (empty). Each partition needs partition_begin too. */
void pipeline_begin(struct pipeline *pipeline, struct epoch *epoch);
/* Both consume records of one partition in offset order and move its next_offset. */
void pipeline_feedback(struct pipeline *pipeline, struct partition *partition,
                       const struct record *records, size_t count);
void pipeline_clickstream(struct pipeline *pipeline, struct partition *partition,
                          const struct record *records, size_t count);
/* An idle tick: the watermark rises to watermark_ms and due timers fire. Call only if a timer is
 * due. */
void pipeline_tick(struct pipeline *pipeline, struct partition *partition, int64_t watermark_ms);
/* Is a timer due at until_ms? Drops stale heap entries on the way, which nobody can see. */
bool pipeline_is_due(struct partition *partition, int64_t until_ms);
/* --at-end=fire: fires every timer as if the watermark were +infinity, at most timers_max of them;
 * the stored watermark stays, so that a later run with more input goes on as usual. True when none
 * is left. */
bool pipeline_fire_at_end(struct pipeline *pipeline, struct partition *partition,
                          size_t timers_max);
/* Closes the micro-batch and, if the partition was touched, writes its changed users, its state and
 * its journal row. */
void pipeline_finish(struct pipeline *pipeline, struct partition *partition, int64_t wall_ms);
/* Conservation: asserts that every polled record is accounted for. */
void pipeline_check(const struct pipeline *pipeline);

#endif
