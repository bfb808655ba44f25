#include "tests/support/kind_scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "model/sigma.h"

static const char *const number_names[KIND_NUMBERS] = {"price", "rate", "balance"};
static const char *const name_names[KIND_NAMES] = {"city", "device", "brand"};
const struct learner_space kind_space = {.feature_version = 1,
                                         .number_count = KIND_NUMBERS,
                                         .name_count = KIND_NAMES,
                                         .numbers = number_names,
                                         .names = name_names,
                                         .origin = -1,
                                         .cart_value = -1,
                                         .idle = -1,
                                         .is_new = -1};

struct kind_learner kind_learner_new(const char *name, const char *settings,
                                     const struct learner_space *space) {
    const struct learner_kind *kind = learner_kind_find(name);
    assert_non_null(kind);
    struct kind_learner learner = {.kind = kind, .options = memory_new(1, kind->options_bytes)};
    learner_options_default(kind, learner.options);
    char text[300], error[300], *position = NULL;
    snprintf(text, sizeof text, "%s", settings);
    for (char *pair = strtok_r(text, ",", &position); pair; pair = strtok_r(NULL, ",", &position)) {
        char *equals = strchr(pair, '=');
        assert_non_null(equals);
        *equals = '\0';
        if (!learner_options_set(kind, learner.options, pair, equals + 1, error, sizeof error)) {
            fail_msg("%s", error);
        }
    }
    learner.bytes = kind->memory_bytes(learner.options, space);
    learner.memory = memory_new(1, learner.bytes);
    kind->init(learner.memory, learner.options, space, NULL, 0);
    return learner;
}

void kind_learner_free(struct kind_learner *learner) {
    free(learner->options);
    free(learner->memory);
}

enum learner_verdict kind_learn(struct kind_learner *learner,
                                const struct learner_example *example) {
    return learner->kind->learn(learner->memory, example);
}

struct learner_arm_score kind_score(const struct kind_learner *learner,
                                    const struct learner_input *input) {
    struct learner_scores scores;
    uint64_t none = LEARNER_ARM_NONE;
    assert_int_equal(learner->kind->score(learner->memory, input, &none, 1, &scores), LEARNER_OK);
    return scores.arms[0];
}

static void add_term(void *sum, const struct learner_term *term) {
    *(double *)sum += term->value;
    assert_true(strlen(term->name) > 0);
}

void kind_expect_terms(const struct kind_learner *learner, const struct learner_input *input) {
    double sum = 0, raw = kind_score(learner, input).raw;
    learner->kind->explain(learner->memory, input, LEARNER_ARM_NONE, add_term, &sum);
    assert_true(fabs(sum - raw) < 1e-5 * (1 + fabs(raw)));
}

void kind_expect_description(const struct kind_learner *learner, int examples) {
    char text[2000], small[20], learned[60];
    learner->kind->describe(learner->memory, text, sizeof text);
    learner->kind->describe(learner->memory, small, sizeof small);
    (void)snprintf(learned, sizeof learned, "learned %d examples", examples);
    assert_non_null(strstr(text, learned));
    assert_int_equal(strlen(small), sizeof small - 1);
}

static int by_p(const void *left, const void *right) {
    const struct kind_judged *a = left, *b = right;
    return (a->p > b->p) - (a->p < b->p);
}

double kind_area(struct kind_judged *judged, size_t count) {
    qsort(judged, count, sizeof *judged, by_p);
    double positives = 0, others = 0, sum = 0;
    for (size_t i = 0; i < count;) {
        double ties[2] = {0, 0};
        size_t j = i;
        for (; j < count && judged[j].p == judged[i].p; j++) {
            ties[judged[j].label > 0.5]++;
        }
        sum += ties[1] * (others + 0.5 * ties[0]);
        positives += ties[1];
        others += ties[0];
        i = j;
    }
    return sum / (positives * others);
}

/* Between -1 and 1, the same for the same key. */
static double hidden(uint64_t key) {
    return 2 * ((double)(hash_combine(key, 4711) >> 11) * 0x1p-53) - 1;
}

void kind_example_draw(struct rng *rng, uint64_t values, struct kind_example *out) {
    *out = (struct kind_example){.logit = -0.5};
    out->numbers[0] = rng_lognormal(rng, 40, 1);
    out->numbers[1] = 0.2 * rng_unit(rng);
    out->numbers[2] = 100 * rng_normal(rng);
    out->logit += 0.8 * (log(out->numbers[0]) - log(40)) + 10 * (out->numbers[1] - 0.1) +
                  (out->numbers[2] > 0 ? 0.5 : -0.5);
    for (int i = 0; i < KIND_NUMBERS; i++) {
        out->numbers[i] = rng_below(rng, 20) == 0 ? (double)NAN : out->numbers[i];
    }
    for (uint64_t i = 0; i < KIND_NAMES; i++) {
        uint64_t value = rng_below(rng, values);
        int length = snprintf(out->texts[i], sizeof out->texts[0], "v%u", (unsigned)value);
        out->names[i] = bytes_of((uint8_t *)out->texts[i], (size_t)length);
        out->logit += hidden(hash_combine(i, value));
    }
    for (uint64_t i = 0; i < KIND_FEATURES; i++) {
        uint64_t key = hash_combine(i + 100, rng_below(rng, values));
        out->features[i] = (struct learner_feature){key, i == 0 ? 0.5 + rng_unit(rng) : 1};
        out->logit += hidden(key) * out->features[i].value;
    }
    out->example = (struct learner_example){.input = {.numbers = out->numbers,
                                                      .names = out->names,
                                                      .features = out->features,
                                                      .feature_count = KIND_FEATURES},
                                            .label = rng_unit(rng) < sigma(out->logit),
                                            .id = rng_u64(rng) | 1,
                                            .p_first = (double)NAN,
                                            .weight = 1};
}
