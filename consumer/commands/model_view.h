/* model_view: what the topics model and control say of every learner, for people. Rows in, text or
 * JSON out; reads no topic itself. One thread. */
#ifndef PROMOSTREAM_COMMANDS_MODEL_VIEW_H
#define PROMOSTREAM_COMMANDS_MODEL_VIEW_H

#include "broker/broker.h"
#include "consumer/pipeline_config.h"
#include "consumer/side/side_table.h"

#define MODEL_VIEW_CALIBRATION_DAYS 14

struct model_view_learner {
    struct model model;                 /* as the last whole version left it */
    int64_t record_count, record_bytes; /* read of it, compacted or not */
    int64_t published_ms; /* record timestamp of the last version, INT64_MIN = there is none */
};

/* A promotion, as it stands in control. */
struct model_view_champion {
    char name[SIDE_NAME_BYTES_MAX + 1]; /* "" = the configured one */
    char by[64], why[256];
    int64_t changed_ms;
};

struct model_view {
    const struct pipeline_config *config;                 /* borrowed */
    struct model_view_learner learners[ROW_LEARNERS_MAX]; /* the configured champion first */
    size_t learner_count;
    struct model_metrics metrics;
    struct model_view_champion *champions; /* of control, in their order */
    size_t champion_count, champion_capacity;
};

void model_view_init(struct model_view *view, const struct pipeline_config *config);
void model_view_clean_up(struct model_view *view);
/* Records of the topics, in their order; then the end, once. */
void model_view_take_model(struct model_view *view, const struct record *record);
void model_view_take_control(struct model_view *view, const struct record *record);
void model_view_take_end(struct model_view *view);

/* Index of the learner of that name; learner_count if there is none. */
size_t model_view_find(const struct model_view *view, const char *name);
/* Who decides now: what control named last, if it is configured; else the configured champion. */
size_t model_view_champion(const struct model_view *view);
/* Whom a rollback makes champion again: the last one before the present one that was another; ""
 * = the configured one. False if there is nothing to take back. */
bool model_view_before(const struct model_view *view, const char **out);

/* Is there a whole version of it, all of whose rows fit the configuration? After the end. */
bool model_view_is_known(const struct model_view *view, size_t learner);
/* METHODS 0, rule 11: may this learner decide? "calibrated", or what keeps it from it. */
const char *model_view_verdict(const struct model_view *view, size_t learner, bool *out_is_ready);

/* A line for each learner, the champion marked; or an array of objects. */
void model_view_list(const struct model_view *view, bool is_json, struct buffer *out);
/* All of one: what it says of itself, its offers, its calibration by origin. */
void model_view_show(const struct model_view *view, size_t learner, bool is_json,
                     struct buffer *out);

#endif
