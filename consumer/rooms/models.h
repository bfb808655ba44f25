/* models: section `learn` of pipeline.yaml, and one learner's memory with its track record as it
 * travels over the topic `model`. Workers hold one for scoring, the trainer holds one for learning;
 * both fill it the same way: rows are staged, and a whole version is applied at once, or not at
 * all.
 *
 * Rows: key learner/row. A version ends with the row "version", whose version_offset is the next
 * example offset; nothing else tells where it ends. Rows that came after the last version row
 * belong to a version that is still on its way (a transaction may straddle the end of a read).
 *
 * A version with a refused row is not applied, and its rows wait: a version carries only what
 * changed, so the next one is applied together with them, once the refused rows have been replaced.
 * A cold reader waits in the same way until the end of its read, for compaction leaves old versions
 * with holes. One thread each. */
#ifndef PROMOSTREAM_ROOMS_MODELS_H
#define PROMOSTREAM_ROOMS_MODELS_H

#include "base/config.h"
#include "base/metrics.h"
#include "consumer/rooms/decide.h"
#include "consumer/rooms/model_rows.h"
#include "model/learner.h"
#include "model/track.h"
#include "schemas/rows.h"

enum learner_role { ROLE_CHAMPION, ROLE_CHALLENGER };
extern const char *const learner_role_names[]; /* "champion", "challenger", NULL */

struct learner_config { /* one of `learn.learners` */
    const char *name;   /* letters, digits, '_', '-', '.', at most 23; "logistic" by default */
    const char *kind;   /* name of one of learner_kinds */
    int role;           /* enum learner_role; exactly one champion */
    int64_t bits;       /* these to l2, and crosses, are those of the kind logistic */
    double alpha, beta, l1, l2, prior_p, effect_sd, calibration_rate;
    struct config_properties options;     /* of every other kind: its own, by their names */
    struct config_text_list crosses;      /* "age_band:gender" */
    struct config_text_list arm_features; /* names of FEATURE_NAMES whose values move effects */
};

struct learn_config {            /* section `learn` */
    struct config_list learners; /* struct learner_config; left out = one logistic champion */
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
/* The learners in force, the champion first.
 * out[ROW_LEARNERS_MAX]; returns how many. */
size_t learn_config_list(const struct learn_config *config,
                         const struct learner_config *out[ROW_LEARNERS_MAX]);

/* The kind of a checked configuration, and its options, which the caller frees. */
const struct learner_kind *learner_config_kind(const struct learner_config *config);
void *learner_config_options(const struct learner_config *config);

#define MODEL_METRICS(X)                                                                           \
    X(rows_total, COUNTER, "rows of learners read from model")                                     \
    X(rows_refused_total, COUNTER, "rows of learners that are not valid, or of another size")      \
    X(versions_total, COUNTER, "whole versions applied")                                           \
    X(versions_refused_total, COUNTER, "versions left out because one of their rows was refused")
METRICS_STRUCT(model_metrics, MODEL_METRICS)

struct model {
    const struct learner_config *config; /* borrowed */
    const struct learner_kind *kind;
    size_t step_size;       /* examples that its learner makes one step of: 1 for most kinds */
    void *memory;           /* of kind */
    void *track;            /* track.h */
    int64_t version_offset; /* next example offset that memory has learned; 0 = nothing */
    bool is_alarmed;        /* by the last applied version: champion must not decide */

    struct model_rows staged;  /* since the last version row */
    struct model_rows waiting; /* of whole versions that are not applied yet */
    int64_t waiting_offset;    /* of the newest of them; -1 = none */
    bool is_warm;              /* a cold read has come to its end */
};

/* config, decide (offers give the arms and their priors) are borrowed. */
void model_init(struct model *model, const struct learner_config *config,
                const struct decide_config *decide);
/* The same for a kind of the caller's with its own options (tests). */
void model_init_kind(struct model *model, const struct learner_config *config,
                     const struct decide_config *decide, const struct learner_kind *kind,
                     const void *options);
void model_clean_up(struct model *model); /* idempotent */

/* Takes a record of `model` (framed value; NULL value = tombstone: the row is not imported, what is
 * imported already stays). Records of other learners are left alone: false. Row "version" makes
 * what was staged whole, and applies it if the reader is warm. */
bool model_take_record(struct model *model, const struct learn_config *learn, int64_t window_ms,
                       struct bytes key, struct bytes value, struct model_metrics *metrics);
/* A cold reader is at the true end taken at start: applies what is whole. Later calls change
 * nothing. */
void model_take_end(struct model *model, const struct learn_config *learn, int64_t window_ms,
                    struct model_metrics *metrics);

/* The space of this build's features, and the arms of the offers. */
extern const struct learner_space model_space;
size_t model_arms(const struct decide_config *decide, struct learner_arm out[OFFERS_MAX]);

/* X(enumerator, name): what an example is to a learner of this build. */
#define MODEL_EXAMPLES(X)                                                                          \
    X(MODEL_EXAMPLE_OK, "ok")                                                                      \
    X(MODEL_EXAMPLE_MARGIN_ONLY,                                                                   \
      "margin_only")                      /* a revision of the same label: not to be learned */    \
    X(MODEL_EXAMPLE_FOREIGN, "foreign")   /* another feature version, counts or origin */          \
    X(MODEL_EXAMPLE_POISONED, "poisoned") /* a number that no honest row has */
#define MODEL_EXAMPLE_ENUM(id, name) id,
enum model_example { MODEL_EXAMPLES(MODEL_EXAMPLE_ENUM) MODEL_EXAMPLE_COUNT };

/* What one example says to a learner and to its track; filled only for MODEL_EXAMPLE_OK. Borrows
 * from row. */
enum model_example model_example(const struct model *model, const struct example_row *row,
                                 struct learner_example *out, struct track_example *out_track);

#endif
