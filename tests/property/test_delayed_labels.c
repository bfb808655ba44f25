/* Delayed labels (METHODS 0 rule 5; 1.6): on streams whose purchases come late, taking labels back
 * must cost little against knowing them at once, and far less than dropping what comes after the
 * window.
 *
 * 40 days of decisions at even distances, 16 categorical fields, a purchase by a logistic rule
 * whose weights stand still or turn slowly, its delay the simulator's mixture: 60 % lognormal of
 * median 25 min, s .9; 40 % of median 30 h, s 1.0; cut at 7 d. Every decision is predicted by the
 * model as it is at that time; log-loss over the last 30 days; all policies see the same draws.
 *
 * PROMOSTREAM_TESTS=full: eight times as many decisions, and the nets. Arguments: these kinds
 * alone, as many decisions of each as in full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/rng.h"
#include "model/sigma.h"
#include "tests/support/kind_scene.h"

#define FIELDS     16
#define STEPS      4 /* the last fields, one after the other, are what the user did last */
#define VALUES_MAX 32
#define DAYS       40
#define BURN_DAYS  10
#define MINUTE_MS  INT64_C(60000)
#define DAY_MS     (1440 * MINUTE_MS)
#define WINDOW_MS  (30 * MINUTE_MS)
#define GATE       0.08 /* rule 5 */

enum policy { KNOWN_AT_ONCE, LATE_DROPPED, RETRACT, POLICIES };
static const char *const policy_names[POLICIES] = {"known at once", "30 min, late dropped",
                                                   "retract"};

struct cell {
    const char *name;
    double intercept, wanted_rate;
    bool has_drift;
};
static const struct cell cells[] = {{"5 %, static", -3.42, 0.05, false},
                                    {"5 %, drift", -3.42, 0.05, true},
                                    {"22 %, static", -1.55, 0.22, false},
                                    {"22 %, drift", -1.55, 0.22, true}};

struct decision {
    int64_t at_ms, delay_ms; /* delay of the purchase */
    uint8_t values[FIELDS];
    bool is_bought;
};

enum what { AT_DECISION, AT_WINDOW, AT_PURCHASE };
struct moment {
    int64_t at_ms;
    uint32_t decision, what;
};

struct stream {
    size_t count, moment_count;
    struct decision *decisions;
    struct moment *moments; /* in order of time */
};

/* ---- the stream ---- */

/* Field 0 has 2 values, the last VALUES_MAX; small values are frequent. */
static uint8_t draw_value(struct rng *rng, int field) {
    double count = 2 + (VALUES_MAX - 2) * field / (FIELDS - 1.0);
    double u = rng_unit(rng);
    return (uint8_t)(count * u * u);
}

static int64_t draw_delay(struct rng *rng) {
    for (;;) {
        double minutes =
            rng_unit(rng) < 0.6 ? rng_lognormal(rng, 25, 0.9) : rng_lognormal(rng, 30 * 60, 1.0);
        if (minutes < 7 * 1440) {
            return (int64_t)(minutes * (double)MINUTE_MS);
        }
    }
}

static int by_time(const void *left, const void *right) {
    const struct moment *a = left, *b = right;
    if (a->at_ms != b->at_ms) {
        return a->at_ms < b->at_ms ? -1 : 1;
    }
    return a->decision != b->decision ? (a->decision < b->decision ? -1 : 1)
                                      : (int)a->what - (int)b->what;
}

static void add_moment(struct stream *stream, int64_t at_ms, size_t decision, enum what what) {
    stream->moments[stream->moment_count++] = (struct moment){at_ms, (uint32_t)decision, what};
}

static struct stream stream_new(const struct cell *cell, size_t count) {
    static const double turn = 2 * 3.14159265358979323846 / 60; /* once in 60 days */
    struct rng rng = rng_make(2026, 1);
    double still[FIELDS][VALUES_MAX], turning[FIELDS][VALUES_MAX];
    for (int field = 0; field < FIELDS; field++) {
        for (int value = 0; value < VALUES_MAX; value++) {
            still[field][value] = 0.25 * rng_normal(&rng);
            turning[field][value] = 0.25 * rng_normal(&rng);
        }
    }
    struct stream stream = {.count = count};
    stream.decisions = memory_new(count, sizeof *stream.decisions);
    stream.moments = memory_new(3 * count, sizeof *stream.moments);
    for (size_t i = 0; i < count; i++) {
        struct decision *decision = &stream.decisions[i];
        decision->at_ms = (int64_t)i * DAYS * DAY_MS / (int64_t)count;
        double angle = cell->has_drift ? turn * (double)decision->at_ms / (double)DAY_MS : 0;
        double logit = cell->intercept;
        for (int field = 0; field < FIELDS; field++) {
            uint8_t value = decision->values[field] = draw_value(&rng, field);
            logit += cos(angle) * still[field][value] + sin(angle) * turning[field][value];
        }
        decision->is_bought = rng_unit(&rng) < sigma(logit);
        decision->delay_ms = draw_delay(&rng);
        add_moment(&stream, decision->at_ms, i, AT_DECISION);
        add_moment(&stream, decision->at_ms + WINDOW_MS, i, AT_WINDOW);
        if (decision->is_bought && decision->delay_ms > WINDOW_MS) {
            add_moment(&stream, decision->at_ms + decision->delay_ms, i, AT_PURCHASE);
        }
    }
    qsort(stream.moments, stream.moment_count, sizeof *stream.moments, by_time);
    return stream;
}

static void stream_clean_up(struct stream *stream) {
    free(stream->decisions);
    free(stream->moments);
}

/* ---- one policy over it ---- */

struct shop {
    char texts[VALUES_MAX][8];
    const char *fields[FIELDS];
    struct learner_space space;
    const char *kind; /* of the learner */
};

static void shop_init(struct shop *shop, const char *kind) {
    shop->kind = kind;
    for (int value = 0; value < VALUES_MAX; value++) {
        snprintf(shop->texts[value], sizeof shop->texts[0], "v%d", value);
    }
    for (int field = 0; field < FIELDS; field++) {
        shop->fields[field] = shop->texts[field];
    }
    shop->space = (struct learner_space){.feature_version = 1,
                                         .name_count = FIELDS,
                                         .names = shop->fields,
                                         .origin = -1,
                                         .cart_value = -1,
                                         .idle = -1,
                                         .is_new = -1};
}

struct result {
    double log_loss, ratio; /* mean p / mean label */
};

/* What a learner sees of a decision. */
struct sight {
    struct bytes names[FIELDS];
    struct behaviour_step steps[STEPS];
};

static struct learner_input see(const struct shop *shop, const struct decision *decision,
                                struct sight *sight) {
    for (int field = 0; field < FIELDS; field++) {
        sight->names[field] = bytes_of_text(shop->texts[decision->values[field]]);
    }
    for (int step = 0; step < STEPS; step++) {
        uint8_t value = decision->values[FIELDS - STEPS + step];
        sight->steps[step] =
            (struct behaviour_step){.item = value + 1U, .kind = value % 8, .gap_s = 60};
    }
    return (struct learner_input){
        .names = sight->names, .steps = sight->steps, .step_count = STEPS};
}

static void learn(const struct shop *shop, struct kind_learner *learner,
                  const struct decision *decision, bool label, double p_first, bool is_correction) {
    struct sight sight;
    struct learner_example example = {.input = see(shop, decision, &sight),
                                      .label = label,
                                      .is_correction = is_correction,
                                      .p_first = p_first,
                                      .id = (uint64_t)decision->at_ms + 1, /* of its mask */
                                      .weight = 1};
    assert_int_equal(kind_learn(learner, &example), LEARNER_OK);
}

static double predict(const struct shop *shop, const struct kind_learner *learner,
                      const struct decision *decision) {
    struct sight sight;
    struct learner_input input = see(shop, decision, &sight);
    return kind_score(learner, &input).p;
}

static struct result run(const struct shop *shop, const struct stream *stream, enum policy policy) {
    static const char *const nets[] = {"dnn", "wide_deep", "gru"};
    bool has_bits = true;
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        has_bits &= strcmp(shop->kind, nets[i]) != 0;
    }
    const char *settings = has_bits ? "bits=16,calibration_rate=0" : "calibration_rate=0";
    struct kind_learner learner = kind_learner_new(shop->kind, settings, &shop->space);
    double *p_first = memory_new(stream->count, sizeof *p_first);
    double loss = 0, sum_p = 0, sum_y = 0, n = 0;
    for (size_t i = 0; i < stream->moment_count; i++) {
        size_t which = stream->moments[i].decision;
        const struct decision *decision = &stream->decisions[which];
        enum what what = stream->moments[i].what;
        if (what == AT_DECISION) {
            double p = p_first[which] = predict(shop, &learner, decision);
            if (decision->at_ms >= BURN_DAYS * DAY_MS) {
                loss -= log(decision->is_bought ? p : 1 - p);
                sum_p += p;
                sum_y += decision->is_bought;
                n++;
            }
            if (policy == KNOWN_AT_ONCE) {
                learn(shop, &learner, decision, decision->is_bought, p, false);
            }
        } else if (what == AT_WINDOW && policy != KNOWN_AT_ONCE) {
            bool label = decision->is_bought && decision->delay_ms <= WINDOW_MS;
            learn(shop, &learner, decision, label, p_first[which], false);
        } else if (what == AT_PURCHASE && policy == RETRACT) {
            learn(shop, &learner, decision, true, p_first[which], true);
        }
    }
    free(p_first);
    kind_learner_free(&learner);
    return (struct result){loss / n, sum_p / sum_y};
}

static void expect_retracting_costs_little(const char *kind, size_t count) {
    struct shop shop;
    shop_init(&shop, kind);
    printf("%-14s", kind);
    for (int policy = 0; policy < POLICIES; policy++) {
        printf("  %22s", policy_names[policy]);
    }
    printf("  share of the loss\n");
    double worst = 0;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        struct stream stream = stream_new(&cells[i], count);
        struct result results[POLICIES];
        printf("%-14s", cells[i].name);
        for (enum policy policy = 0; policy < POLICIES; policy++) {
            results[policy] = run(&shop, &stream, policy);
            printf("         %.5f (%.3f)", results[policy].log_loss, results[policy].ratio);
        }
        double known = results[KNOWN_AT_ONCE].log_loss;
        double dropped = results[LATE_DROPPED].log_loss - known;
        double share = (results[RETRACT].log_loss - known) / dropped;
        printf("  %.1f %%\n", 100 * share);
        assert_true(dropped > 0); /* or there would be nothing to win */
        worst = fmax(worst, share);
        /* Under drift every policy lags; retracting must not add to it. */
        assert_true(fabs(results[RETRACT].ratio / results[KNOWN_AT_ONCE].ratio - 1) < 0.03);
        stream_clean_up(&stream);
    }
    assert_true(worst <= GATE);
}

/* Decisions of each kind: the faster it is, the more. */
static const struct {
    const char *kind;
    size_t count;
    bool is_net;
} runs[] = {{"logistic", 200000, false}, {"linear", 100000, false},  {"fm", 50000, false},
            {"dnn", 10000, true},        {"wide_deep", 10000, true}, {"gru", 20000, true}};

static void retracting_costs_little(void **state) {
    const char *const *wanted = *state;
    const char *mode = getenv("PROMOSTREAM_TESTS");
    bool is_full = wanted[0] || (mode && strcmp(mode, "full") == 0);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        bool is_wanted = !wanted[0] && (is_full || !runs[i].is_net);
        for (size_t j = 0; wanted[j]; j++) {
            is_wanted |= strcmp(wanted[j], runs[i].kind) == 0;
        }
        if (is_wanted) {
            expect_retracting_costs_little(runs[i].kind, (is_full ? 8 : 1) * runs[i].count);
        }
    }
}

int main(int argc, char **argv) {
    (void)argc;
    char **kinds = argv + 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(retracting_costs_little, kinds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
