/* models: section `learn` of pipeline.yaml, and one learner's memory with its track record as it
 * travels over the topic `model`. Workers hold one for scoring, the trainer holds one for learning;
 * both fill it the same way: rows are staged, and a whole version is applied at once, or refused at
 * once.
 *
 * Rows: key learner/row. A version ends with the row "version", whose version_offset is the next
 * example offset; nothing else tells where it ends. One thread each. */
#ifndef PROMOSTREAM_ROOMS_MODELS_H
#define PROMOSTREAM_ROOMS_MODELS_H

#include "base/config.h"
#include "base/metrics.h"
#include "consumer/rooms/decide.h"
#include "model/learner.h"
#include "model/track.h"
#include "schemas/rows.h"

enum learner_role { ROLE_CHAMPION, ROLE_CHALLENGER };
extern const char *const learner_role_names[]; /* "champion", "challenger", NULL */
extern const char *const learner_kind_names[]; /* "logistic", NULL */

struct learner_config { /* one of `learn.learners` */
    const char *name;   /* letters, digits, '_', '-', '.', at most 23; "logistic" by default */
    int kind;           /* index into learner_kind_names */
    int role;           /* enum learner_role; exactly one champion */
    int64_t bits;
    double alpha, beta, l1, l2, prior_p, effect_sd, calibration_rate;
    struct config_text_list crosses;      /* "age_band:gender" */
    struct config_text_list arm_features; /* names of FEATURE_NAMES whose values move effects */
};

struct learn_config {            /* section `learn` */
    struct config_list learners; /* struct learner_config; empty = one logistic champion */
    int64_t batch_offsets;       /* a mini-batch ends at each multiple of this offset of examples */
    int64_t publish_interval_ms; /* changed rows go to `model` about this often; 1s */
    double alarm_ratio;          /* calibration alarm: the 95 % interval of bought / promised lies
                                    outside [1 / alarm_ratio, alarm_ratio]; 0 = off */
    int64_t alarm_decisions_min; /* ... over at least so many matured decisions */
    int64_t arm_decisions_min;   /* an arm is an apprentice until so many decisions matured: 500 */
    int64_t arm_age_min_ms;      /* ... and until its first one is so old: 7d */
};
extern const struct config_table learn_config_table;
/* What the table cannot check: names, exactly one champion, features that exist. One line per
 * error; returns their number. */
size_t learn_config_check(const struct learn_config *config, FILE *errors);
/* The learners in force: the configured ones, the champion first, or the default one.
 * out[ROW_LEARNERS_MAX]; returns how many. */
size_t learn_config_list(const struct learn_config *config,
                         const struct learner_config *out[ROW_LEARNERS_MAX]);

#define MODEL_METRICS(X)                                                                           \
    X(rows_total, COUNTER, "rows of learners read from model")                                     \
    X(rows_refused_total, COUNTER, "rows of learners that are not valid, or of another size")      \
    X(versions_total, COUNTER, "whole versions applied")                                           \
    X(versions_refused_total, COUNTER, "versions left out because one of their rows was refused")
METRICS_STRUCT(model_metrics, MODEL_METRICS)

struct model {
    const struct learner_config *config; /* borrowed */
    const struct learner_kind *kind;
    void *memory;           /* of kind */
    void *track;            /* track.h */
    int64_t version_offset; /* next example offset that memory has learned; 0 = nothing */
    bool is_alarmed;        /* by the last applied version: champion must not decide */

    /* rows of a version that is not whole yet */
    struct buffer staged;
    size_t staged_count;
    bool is_spoilt; /* one of them was refused: the version will be */
};

/* config, decide (offers give the arms and their priors) are borrowed. */
void model_init(struct model *model, const struct learner_config *config,
                const struct decide_config *decide);
void model_clean_up(struct model *model); /* idempotent */

/* Takes a record of `model` (framed value; NULL value = tombstone, dropped). Rows of other learners
 * are left alone: false. Row "version" applies what was staged. */
bool model_take_record(struct model *model, const struct learn_config *learn, int64_t window_ms,
                       struct bytes key, struct bytes value, struct model_metrics *metrics);
/* A cold reader is at the true end taken at start: what is staged is a whole version whose own
 * version row came before (compaction moves rows behind it). Applies it. */
void model_take_end(struct model *model, const struct learn_config *learn, int64_t window_ms,
                    struct model_metrics *metrics);

/* The space of this build's features, and the arms of the offers. */
extern const struct learner_space model_space;
size_t model_arms(const struct decide_config *decide, struct learner_arm out[OFFERS_MAX]);

/* What one example says to a learner. False: another feature version or counts (refuse it). Borrows
 * from row. */
bool model_example(const struct model *model, const struct example_row *row,
                   struct learner_example *out, struct track_example *out_track);

#endif
