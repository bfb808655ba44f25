#include "consumer/rooms/models.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/rooms/features.h"
#include "model/learner_options.h"
#include "schemas/schemas.h"

#define NAME_SEED      72
#define ALARM_DAYS_MAX 14
#define TIME_FIRST_MS  631152000000  /* 1990-01-01 */
#define TIME_LAST_MS   7258118400000 /* 2200-01-01 */
#define ORIGIN_OBSERVE 0             /* of track.h; a trigger is its number + 1 */

#define METRICS_ROW_STRUCT struct model_metrics
METRICS_TABLE(model_metrics, MODEL_METRICS)
#undef METRICS_ROW_STRUCT

_Static_assert(FEATURE_NUMBER_COUNT <= ROW_NUMBERS_MAX && FEATURE_NAME_COUNT <= ROW_NAMES_MAX,
               "an example holds every feature");
_Static_assert(TRIGGER_COUNT < TRACK_ORIGINS, "every origin has an index");
_Static_assert(OFFERS_MAX < LEARNER_ARMS_MAX, "every offer and none are arms");

/* ---- the space of this build's features ---- */

#define NUMBER_NAME(id, name, unit, help) name,
#define NAME_NAME(id, name, help)         name,
static const char *const number_names[] = {FEATURE_NUMBERS(NUMBER_NAME)};
static const char *const name_names[] = {FEATURE_NAMES(NAME_NAME)};

const struct learner_space model_space = {
    .feature_version = FEATURE_VERSION,
    .number_count = FEATURE_NUMBER_COUNT,
    .name_count = FEATURE_NAME_COUNT,
    .numbers = number_names,
    .names = name_names,
    .origin = FEATURE_ORIGIN,
    .cart_value = FEATURE_CART_VALUE,
    .idle = FEATURE_CART_IDLE_H,
    .is_new = FEATURE_IS_NEW,
};

/* METHODS 0, rule 2: log-odds effects before any data. */
static const double prior_mean_of[] = {[OFFER_PERCENT_OFF] = 0.35,
                                       [OFFER_AMOUNT_OFF] = 0.35,
                                       [OFFER_FREE_SHIPPING] = 0.25,
                                       [OFFER_REMINDER] = 0.10};
static const double prior_sd_of[] = {[OFFER_PERCENT_OFF] = 0.35,
                                     [OFFER_AMOUNT_OFF] = 0.35,
                                     [OFFER_FREE_SHIPPING] = 0.3,
                                     [OFFER_REMINDER] = 0.2};

size_t model_arms(const struct decide_config *decide, struct learner_arm out[OFFERS_MAX]) {
    for (size_t i = 0; i < decide->offers.count; i++) {
        const struct offer *offer = offers_get(decide, (int)i);
        bool is_given = offer->prior_effect_sd > 0;
        out[i] = (struct learner_arm){
            .key = learner_arm_key(bytes_of_text(offer->id)),
            .prior_mean = is_given ? offer->prior_effect : prior_mean_of[offer->kind],
            .prior_sd = is_given ? offer->prior_effect_sd : prior_sd_of[offer->kind],
        };
    }
    return decide->offers.count;
}

/* ---- life ---- */

void model_init_kind(struct model *model, const struct learner_config *config,
                     const struct decide_config *decide, const struct learner_kind *kind,
                     const void *options) {
    struct learner_arm arms[OFFERS_MAX];
    size_t arm_count = model_arms(decide, arms);
    *model = (struct model){.config = config, .kind = kind, .waiting_offset = -1};
    model->step_size = learner_step_size(kind, options);
    model->memory = memory_new(1, kind->memory_bytes(options, &model_space));
    kind->init(model->memory, options, &model_space, arms, arm_count);
    model->track = memory_new(1, track_memory_bytes());
    track_init(model->track);
    model_rows_init(&model->staged);
    model_rows_init(&model->waiting);
}

void model_clean_up(struct model *model) {
    if (model->memory) {
        model_rows_clean_up(&model->staged);
        model_rows_clean_up(&model->waiting);
    }
    free(model->memory);
    free(model->track);
    *model = (struct model){0};
}

/* ---- rows ---- */

static enum learner_verdict check(const struct model *model, const struct learner_row *row) {
    return track_owns_row(row) ? track_check_row(model->track, row)
                               : model->kind->check_row(model->memory, row);
}

static bool is_alarm(const struct model *model, const struct learn_config *learn,
                     int64_t window_ms) {
    struct track_calibration sums =
        track_calibration_of(model->track, -1, window_ms, ALARM_DAYS_MAX);
    double ratio, low, high;
    if (learn->alarm_ratio <= 0 || sums.n < learn->alarm_decisions_min) {
        return false;
    }
    track_ratio(&sums, &ratio, &low, &high);
    return low > learn->alarm_ratio || high < 1 / learn->alarm_ratio;
}

/* Imports what waits, unless a row of it was refused. */
static void apply(struct model *model, const struct learn_config *learn, int64_t window_ms,
                  struct model_metrics *metrics) {
    if (model->waiting.refused_count > 0) {
        metric_add(&metrics->versions_refused_total, 1);
        return;
    }
    for (size_t i = 0; i < model->waiting.count; i++) {
        struct learner_row row = model_rows_get(&model->waiting, i);
        if (model->waiting.items[i].is_gone) {
            continue;
        }
        if (track_owns_row(&row)) {
            track_import_row(model->track, &row);
        } else {
            model->kind->import_row(model->memory, &row);
        }
    }
    model_rows_clear(&model->waiting);
    model->version_offset = model->waiting_offset;
    model->waiting_offset = -1;
    model->is_alarmed = is_alarm(model, learn, window_ms);
    metric_add(&metrics->versions_total, 1);
}

/* A name that is too long for a row of ours still has to spoil its version: by its hash. */
static void copy_key(char out[LEARNER_ROW_KEY_MAX], struct bytes name) {
    bool is_usable = name.size < LEARNER_ROW_KEY_MAX && !memchr(name.data, 0, name.size);
    if (is_usable) {
        memcpy(out, name.data, name.size);
        out[name.size] = '\0';
    } else {
        (void)snprintf(out, LEARNER_ROW_KEY_MAX, "?%016llx",
                       (unsigned long long)hash64(name, NAME_SEED));
    }
}

static bool decode(const struct model *model, struct bytes name, struct bytes value,
                   struct model_row *out) {
    struct bytes body;
    return wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, value, &body) &&
           model_row_decode(body, out) && bytes_equal(out->row, name) &&
           bytes_equal(out->learner, bytes_of_text(model->config->name));
}

static void take_version(struct model *model, const struct learn_config *learn, int64_t window_ms,
                         struct bytes value, struct model_metrics *metrics) {
    struct bytes name = bytes_of_text(MODEL_VERSION_ROW);
    struct model_row row;
    if (!decode(model, name, value, &row) || !bytes_equal(row.kind, name) ||
        row.version_offset < 0) {
        metric_add(&metrics->rows_refused_total, 1);
        return;
    }
    model_rows_merge(&model->waiting, &model->staged);
    model->waiting_offset = row.version_offset;
    if (model->is_warm) {
        apply(model, learn, window_ms, metrics);
    }
}

static void take_row(struct model *model, struct bytes name, struct bytes value,
                     struct model_metrics *metrics) {
    struct learner_row row = {0};
    struct model_row read = {0};
    bool is_gone = !value.data;
    copy_key(row.key, name);
    bool is_refused = !is_gone && (!decode(model, name, value, &read) ||
                                   !learner_row_kind_find(read.kind, &row.kind));
    row.values = read.values;
    is_refused = is_refused || (!is_gone && check(model, &row) != LEARNER_OK);
    if (is_refused) {
        row.values = bytes_of(NULL, 0);
        metric_add(&metrics->rows_refused_total, 1);
    }
    model_rows_put(&model->staged, &row, read.version_offset, is_refused, is_gone);
}

bool model_take_record(struct model *model, const struct learn_config *learn, int64_t window_ms,
                       struct bytes key, struct bytes value, struct model_metrics *metrics) {
    struct bytes learner = bytes_of_text(model->config->name);
    if (key.size <= learner.size || key.data[learner.size] != '/' ||
        !bytes_equal(bytes_of(key.data, learner.size), learner)) {
        return false;
    }
    struct bytes name = bytes_of(key.data + learner.size + 1, key.size - learner.size - 1);
    metric_add(&metrics->rows_total, 1);
    if (!bytes_equal(name, bytes_of_text(MODEL_VERSION_ROW))) {
        take_row(model, name, value, metrics);
    } else if (value.data) {
        take_version(model, learn, window_ms, value, metrics);
    }
    return true;
}

void model_take_end(struct model *model, const struct learn_config *learn, int64_t window_ms,
                    struct model_metrics *metrics) {
    if (!model->is_warm) {
        model->is_warm = true;
        if (model->waiting_offset >= 0) {
            apply(model, learn, window_ms, metrics);
        }
    }
}

/* ---- examples ---- */

static int origin_of(struct bytes name) {
    for (int trigger = 0; trigger < TRIGGER_COUNT; trigger++) {
        if (bytes_equal(name, bytes_of_text(trigger_names[trigger]))) {
            return trigger == TRIGGER_OBSERVE ? ORIGIN_OBSERVE : trigger + 1;
        }
    }
    return -1;
}

/* What this learner promised for the action that was taken; NaN if it was not asked. */
static double first_p(const struct model *model, const struct example_row *row) {
    for (size_t s = 0; s < row->score_count; s++) {
        const struct learner_score_row *score = &row->scores[s];
        if (!bytes_equal(score->learner, bytes_of_text(model->config->name))) {
            continue;
        }
        for (size_t i = 0; i < row->action_count && i < score->p_count; i++) {
            if (bytes_equal(row->actions[i].action, row->action)) {
                return score->p[i];
            }
        }
    }
    return NAN;
}

static bool is_time(int64_t at_ms) {
    return at_ms >= TIME_FIRST_MS && at_ms <= TIME_LAST_MS;
}

static bool is_poisoned(const struct example_row *row, double p_first) {
    for (size_t i = 0; i < row->number_count; i++) {
        if (fabs(row->numbers[i]) > LEARNER_NUMBER_MAX) {
            return true;
        }
    }
    return !(row->weight > 0 && row->weight <= LEARNER_WEIGHT_MAX) || p_first < 0 || p_first > 1 ||
           row->revision < 0 || (row->revision == 0 && row->is_retraction) ||
           !is_time(row->decided_ms) || !is_time(row->labelled_ms);
}

enum model_example model_example(const struct model *model, const struct example_row *row,
                                 struct learner_example *out, struct track_example *out_track) {
    int origin = origin_of(row->origin);
    if (row->feature_version != FEATURE_VERSION || row->number_count != FEATURE_NUMBER_COUNT ||
        row->name_count != FEATURE_NAME_COUNT || origin < 0) {
        return MODEL_EXAMPLE_FOREIGN;
    }
    double p_first = first_p(model, row);
    if (is_poisoned(row, p_first)) {
        return MODEL_EXAMPLE_POISONED;
    }
    if (row->revision > 0 && !row->is_retraction) {
        return MODEL_EXAMPLE_MARGIN_ONLY;
    }
    *out = (struct learner_example){
        .input = {.numbers = row->numbers,
                  .names = row->names,
                  .steps = row->steps,
                  .step_count = row->step_count},
        .arm = learner_arm_key(row->action),
        .label = row->label == LABEL_BOUGHT ? 1 : 0,
        .is_correction = row->is_retraction,
        .p_first = p_first,
        .time_ms = row->decided_ms,
        .id = hash_combine(row->decision_id.high, row->decision_id.low),
        .weight = row->weight,
        .is_censored = row->is_censored_by_push,
    };
    *out_track = (struct track_example){
        .id_high = row->decision_id.high,
        .id_low = row->decision_id.low,
        .revision = row->revision,
        .origin = origin,
        .arm = out->arm,
        .decided_ms = row->decided_ms,
        .labelled_ms = row->labelled_ms,
        .label = out->label,
        .is_correction = out->is_correction,
        .p_first = p_first,
    };
    return MODEL_EXAMPLE_OK;
}
