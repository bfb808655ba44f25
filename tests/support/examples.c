#include "tests/support/examples.h"

#include <math.h>
#include <stdlib.h>

#include "consumer/rooms/features.h"
#include "schemas/schemas.h"

static const char *const offers[] = {"none", "reminder", "free_ship", "ten_percent"};
#define OFFERS (sizeof offers / sizeof offers[0])

static void make_features(struct rng *rng, struct example_row *row) {
    static const char *const bands[] = {"18-24", "25-34", "35-44", ""};
    row->feature_version = FEATURE_VERSION;
    row->number_count = FEATURE_NUMBER_COUNT;
    for (size_t i = 0; i < row->number_count; i++) {
        row->numbers[i] = rng_unit(rng) < 0.1 ? NAN : expm1(6 * rng_unit(rng));
    }
    row->numbers[FEATURE_IS_NEW] = (double)rng_below(rng, 2);
    row->name_count = FEATURE_NAME_COUNT;
    row->names[FEATURE_ORIGIN] = row->origin;
    row->names[FEATURE_AGE_BAND] = bytes_of_text(bands[rng_below(rng, 4)]);
    row->names[FEATURE_GENDER] = bytes_of_text(rng_below(rng, 2) ? "f" : "m");
    row->names[FEATURE_REGION] = bytes_of_text(rng_below(rng, 2) ? "north" : "south");
}

static void make_scores(struct rng *rng, const char *learner, struct example_row *row) {
    row->action_count = OFFERS;
    size_t taken = (size_t)rng_below(rng, OFFERS);
    for (size_t i = 0; i < OFFERS; i++) {
        row->actions[i] =
            (struct action_probability){bytes_of_text(offers[i]), 1.0 / (double)OFFERS, NAN};
    }
    row->action = row->actions[taken].action;
    row->action_p = 1.0 / (double)OFFERS;
    if (!learner) {
        return;
    }
    row->score_count = 1;
    row->scores[0] =
        (struct learner_score_row){.learner = bytes_of_text(learner), .p_count = OFFERS};
    for (size_t i = 0; i < OFFERS; i++) {
        row->scores[0].p[i] = 0.05 + 0.4 * rng_unit(rng);
    }
}

void example_make(uint64_t seed, size_t n, const char *learner, struct example_row *out) {
    struct rng rng = rng_make(seed, 1000 + n);
    *out = (struct example_row){
        .decision_id = {hash_combine(seed, n), hash_combine(n, seed + 1)},
        .user_id = bytes_of_text("user"),
        .origin = bytes_of_text(rng_unit(&rng) < 0.3 ? "observe" : "cart_abandoned"),
        .decided_ms = EXAMPLES_START_MS + (int64_t)n * 60000,
        .bucket = bytes_of_text("policy"),
        .net_margin = NAN,
        .weight = rng_unit(&rng) < 0.2 ? 20 : 1,
    };
    out->labelled_ms = out->decided_ms + 1800000;
    make_features(&rng, out);
    make_scores(&rng, learner, out);
    double p = 0.15 + 0.2 * out->numbers[FEATURE_IS_NEW];
    out->label = rng_unit(&rng) < p ? LABEL_BOUGHT : LABEL_NOT_BOUGHT;
}

void example_write(const struct example_row *row, struct buffer *out) {
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, out);
    example_encode(row, out);
}

static void add_row(struct sim_topic *topic, const struct example_row *row) {
    char id[33];
    struct buffer value = {0};
    hash128_format(row->decision_id, id);
    example_write(row, &value);
    sim_topic_add(topic, bytes_of_text(id), buffer_bytes(&value));
    buffer_clean_up(&value);
}

static void add_bad(struct sim_topic *topic, const struct example_row *row, bool leaves_out) {
    if (leaves_out) {
        sim_topic_skip(topic, 1);
    } else {
        add_row(topic, row);
    }
}

static void poison(struct rng *rng, struct example_row *row) {
    switch (rng_below(rng, 5)) {
    case 0:
        row->numbers[3] = 1e30;
        break;
    case 1:
        row->numbers[5] = -INFINITY; /* undecodable, as NaN written out is */
        break;
    case 2:
        row->weight = -1;
        break;
    case 3:
        row->labelled_ms = INT64_MAX;
        break;
    default:
        row->scores[0].p[0] = row->scores[0].p[1] = row->scores[0].p[2] = row->scores[0].p[3] = 7;
        row->weight = row->score_count ? 1 : 1e9;
        break;
    }
}

static void flip(struct example_row *row) {
    row->label = row->label == LABEL_BOUGHT ? LABEL_CANCELLED : LABEL_BOUGHT;
    row->labelled_ms += 3600000;
    row->revision = 1;
    row->is_retraction = true;
}

/* first: number of some example that was written before; each is corrected at most once. */
static void append_one(struct sim_topic *topic, uint64_t seed, const char *learner,
                       const struct example_mix *mix) {
    size_t n = topic->count;
    struct rng rng = rng_make(seed, 2000000 + n);
    struct example_row row;
    double draw = rng_unit(&rng);
    bool is_out = mix->leaves_bad_out;
    example_make(seed, n, learner, &row);
    if ((draw -= mix->control) < 0) {
        sim_topic_skip(topic, 1);
    } else if ((draw -= mix->garbage) < 0) {
        if (is_out) {
            sim_topic_skip(topic, 1);
        } else {
            sim_topic_add(topic, bytes_of_text("?"), bytes_of("\xc3\x01garbage", 9));
        }
    } else if ((draw -= mix->foreign) < 0) {
        row.feature_version = FEATURE_VERSION + 1;
        add_bad(topic, &row, is_out);
    } else if ((draw -= mix->poisoned) < 0) {
        poison(&rng, &row);
        add_bad(topic, &row, is_out);
    } else if (n % 10 == 9 && n >= 10 && (draw -= 10 * mix->correction) < 0) {
        example_make(seed, n - 9, learner, &row); /* n - 9 is never a correction itself */
        flip(&row);
        add_row(topic, &row);
    } else if (n % 10 == 8 && n >= 10 && (draw -= 10 * mix->margin_only) < 0) {
        example_make(seed, n - 8, learner, &row);
        row.revision = 1;
        row.net_margin = 3.5;
        add_row(topic, &row);
    } else if (n % 10 == 7 && n >= 10 && (draw -= 10 * mix->repeat) < 0) {
        /* Every number before it that could be repeated; a bad one's repeat would be a first one.
         */
        bool is_known = topic->records[n - 1].value.size > 40;
        if (is_known && !is_out) {
            sim_topic_add(topic, topic->records[n - 1].key, topic->records[n - 1].value);
        } else {
            sim_topic_skip(topic, 1);
        }
    } else {
        add_row(topic, &row);
    }
}

void examples_append(struct sim_topic *topic, uint64_t seed, const char *learner,
                     const struct example_mix *mix, size_t count) {
    for (size_t i = 0; i < count; i++) {
        append_one(topic, seed, learner, mix);
    }
}
