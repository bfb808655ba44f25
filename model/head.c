#include "model/head.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "model/head_internal.h"
#include "model/sigma.h"

/* exp of a tenth of it is infinite already; whoever gets there has lost his state. */
#define LOGIT_MAX 1e6
/* Nor is that a prediction of a number up to LEARNER_NUMBER_MAX. */
#define PREDICTION_MAX 1e18

const char *const head_loss_names[] = {"logistic", "squared", NULL};

/* ---- memory ---- */

static size_t aligned(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

size_t head_memory_bytes(const struct base_kind *base, const void *options,
                         const struct learner_space *space) {
    return aligned(sizeof(struct head)) + aligned(sizeof(struct effects)) +
           aligned(base->memory_bytes(options, space));
}

double head_start(const struct head_options *options) {
    return options->loss == HEAD_SQUARED ? 0 : logit_of(options->prior_p);
}

static uint64_t mix_number(uint64_t hash, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return hash_combine(hash, bits);
}

static uint64_t mix_role(uint64_t hash, const char *const *texts, int role) {
    return hash_combine(hash, hash64(bytes_of_text(role < 0 ? "" : texts[role]), 0));
}

uint64_t head_fingerprint(const struct head_options *options, const struct learner_space *space,
                          uint64_t hash) {
    const double numbers[] = {space->feature_version, options->loss, options->prior_p,
                              options->effect_sd, options->calibration_rate};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        hash = mix_number(hash, numbers[i]);
    }
    hash = mix_role(hash, space->names, space->origin);
    hash = mix_role(hash, space->numbers, space->cart_value);
    hash = mix_role(hash, space->numbers, space->idle);
    hash = mix_role(hash, space->numbers, space->is_new);
    for (size_t i = 0; i < options->arm_name_count; i++) {
        hash = mix_role(hash, space->names, options->arm_names[i]);
    }
    return hash;
}

void head_init(const struct base_kind *base, void *memory, const void *memory_options,
               const struct learner_space *space, const struct learner_arm *arms,
               size_t arm_count) {
    const struct head_options *options = memory_options;
    assert(options->prior_p > 0 && options->prior_p < 1 && options->calibration_rate >= 0);
    struct head *head = memory;
    bool is_squared = options->loss == HEAD_SQUARED;
    memset(memory, 0, aligned(sizeof *head) + aligned(sizeof(struct effects)));
    head->base = base;
    head->options = *options;
    head->space = *space;
    head->effects_offset = aligned(sizeof *head);
    head->base_offset = head->effects_offset + aligned(sizeof(struct effects));
    head->has_effects = (arm_count > 0 || base->has_level) && !is_squared;
    uint64_t hash = base->fingerprint(memory_options, space, head_fingerprint(options, space, 0));
    head->fingerprint = row_text_hash(bytes_of(&hash, sizeof hash));
    effects_init(head_effects_mutable(head), space, options->arm_name_count, options->arm_names,
                 options->effect_sd, arms, arm_count);
    calibrator_init(&head->calibrator, is_squared ? 0 : options->calibration_rate,
                    head_start(options));
    base->init(head_base_mutable(head), memory_options, space);
}

const void *head_base(const void *memory) {
    const struct head *head = memory;
    return (const char *)head + head->base_offset;
}

/* ---- score ---- */

static struct bytes origin_of(const struct head *head, const struct learner_input *input) {
    return head->space.origin < 0 ? bytes_of(NULL, 0) : input->names[head->space.origin];
}

/* Index of the arm as the calibrator and the effects know it. */
static int index_of(const struct head *head, uint64_t arm) {
    return head->has_effects ? effects_find(head_effects(head), arm) : EFFECTS_UNKNOWN;
}

static struct effects_phi phi_of(const struct head *head, const struct learner_input *input) {
    struct effects_phi none = {0};
    return head->has_effects ? effects_phi(head_effects(head), input) : none;
}

static double mean_of(const struct head *head, int index, const struct effects_phi *phi) {
    return head->has_effects ? effects_mean(head_effects(head), index, phi) : 0;
}

static bool is_sane(const struct head *head, double raw) {
    return fabs(raw) <= (head->options.loss == HEAD_SQUARED ? PREDICTION_MAX : LOGIT_MAX);
}

static bool score_arm(const struct head *head, double raw, const struct calibration *map,
                      struct learner_arm_score *out) {
    out->raw = raw;
    out->mean = map->a * raw + map->b;
    out->p = head->options.loss == HEAD_SQUARED ? out->mean : sigma(out->mean);
    return is_sane(head, raw) && isfinite(out->mean);
}

enum learner_verdict head_score(const void *memory, const struct learner_input *input,
                                const uint64_t *arms, size_t arm_count,
                                struct learner_scores *out) {
    const struct head *head = memory;
    assert(arm_count <= LEARNER_ARMS_MAX);
    struct base_output base;
    enum learner_verdict verdict = head->base->forward(head_base(head), input, 0, &base);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    struct effects_phi phi = phi_of(head, input);
    struct bytes origin = origin_of(head, input);
    int indices[LEARNER_ARMS_MAX];
    double slope = 1;
    for (size_t i = 0; i < arm_count; i++) {
        indices[i] = index_of(head, arms[i]);
        struct calibration map = calibrator_of(&head->calibrator, origin, indices[i]);
        slope = map.a; /* of the origin: the same for every arm */
        if (!score_arm(head, base.logit + mean_of(head, indices[i], &phi), &map, &out->arms[i])) {
            return LEARNER_NOT_FINITE;
        }
    }
    memset(out->covariance, 0, arm_count * arm_count * sizeof out->covariance[0]);
    if (head->has_effects) {
        effects_covariances(head_effects(head), indices, arm_count, &phi, out->covariance);
    }
    for (size_t i = 0; i < arm_count * arm_count; i++) {
        out->covariance[i] = slope * slope * (base.variance + out->covariance[i]);
    }
    return LEARNER_OK;
}

void head_score_batch(const void *memory, const struct learner_input *inputs, size_t count,
                      struct learner_arm_score *out, enum learner_verdict *out_verdicts) {
    const struct head *head = memory;
    struct base_output outputs[LEARNER_BATCH_MAX];
    assert(count <= LEARNER_BATCH_MAX);
    if (head->base->forward_batch) {
        head->base->forward_batch(head_base(head), inputs, count, outputs, out_verdicts);
    }
    for (size_t i = 0; i < count; i++) {
        if (!head->base->forward_batch) {
            out_verdicts[i] = head->base->forward(head_base(head), &inputs[i], 0, &outputs[i]);
        }
        if (out_verdicts[i] != LEARNER_OK) {
            continue;
        }
        struct effects_phi phi = phi_of(head, &inputs[i]);
        int none = index_of(head, LEARNER_ARM_NONE);
        struct calibration map =
            calibrator_of(&head->calibrator, origin_of(head, &inputs[i]), none);
        double raw = outputs[i].logit + mean_of(head, none, &phi);
        out_verdicts[i] = score_arm(head, raw, &map, &out[i]) ? LEARNER_OK : LEARNER_NOT_FINITE;
    }
}

/* ---- learn ---- */

/* A batch between the head's answer to the base and what the head learns itself. */
struct lesson {
    struct head *head;
    const struct learner_example *examples;
    struct {
        double raw, p; /* as scored, before learning and calibration */
    } before[LEARNER_BATCH_MAX];
    double *out_p; /* calibrated; NULL = nobody asked */
};

static bool is_example(const struct head *head, const struct learner_example *example) {
    bool is_squared = head->options.loss == HEAD_SQUARED;
    bool is_label = is_squared ? fabs(example->label) <= LEARNER_NUMBER_MAX
                               : example->label == 0 || example->label == 1;
    bool is_p =
        isnan(example->p_first) ||
        (is_squared ? isfinite(example->p_first) : example->p_first >= 0 && example->p_first <= 1);
    return is_label && is_p && example->weight > 0 && example->weight <= LEARNER_WEIGHT_MAX &&
           !(is_squared && example->is_correction); /* the label of before is not known */
}

static struct ftrl_pull pull_of(const struct head *head, const struct learner_example *example,
                                double raw) {
    if (head->options.loss == HEAD_SQUARED) {
        double gradient = 2 * (raw - example->label) * example->weight;
        return (struct ftrl_pull){gradient, gradient * gradient};
    }
    double p = sigma(raw);
    double p_first = isnan(example->p_first) ? p : example->p_first;
    return example->is_correction ? ftrl_pull_correction(p_first, example->label, example->weight)
                                  : ftrl_pull_first(p, example->label, example->weight);
}

/* What score would have said. */
static double served(const struct head *head, const struct learner_example *example, int index,
                     double raw) {
    if (head->options.loss == HEAD_SQUARED) {
        return raw;
    }
    struct bytes origin = origin_of(head, &example->input);
    struct calibration map = calibrator_of(&head->calibrator, origin, index);
    return sigma(map.a * raw + map.b);
}

static enum learner_verdict pull(void *context, size_t i, const struct base_output *output,
                                 struct ftrl_pull *out) {
    struct lesson *lesson = context;
    const struct head *head = lesson->head;
    const struct learner_example *example = &lesson->examples[i];
    if (!is_example(head, example)) {
        return LEARNER_BAD_VALUE;
    }
    struct effects_phi phi = phi_of(head, &example->input);
    int index = index_of(head, example->arm);
    double added = mean_of(head, index, &phi), logit = output->logit;
    *out = pull_of(head, example, logit + added);
    if (head->base->is_batch_a_step) {
        logit = output->scored; /* what the head learns from has no dropout */
    }
    double raw = lesson->before[i].raw = logit + added;
    lesson->before[i].p = sigma(raw);
    if (lesson->out_p) {
        lesson->out_p[i] = served(head, example, index, raw);
    }
    if (!is_sane(head, raw) || !is_sane(head, output->logit + added) ||
        (head->has_effects && !effects_can_learn(head_effects(head), index, &phi))) {
        return LEARNER_NOT_FINITE;
    }
    return LEARNER_OK;
}

static void learn_effects(struct head *head, const struct learner_example *example, double p) {
    struct effects *effects = head_effects_mutable(head);
    int index = effects_admit(effects, example->arm);
    if (index == EFFECTS_UNKNOWN) {
        return; /* more arms than there is room for */
    }
    effects_admit_values(effects, &example->input);
    struct effects_phi phi = effects_phi(effects, &example->input);
    struct effects_outcome outcome = {p, example->label, example->weight, example->is_correction};
    effects_learn(effects, index, &phi, &outcome);
    head->is_effects_changed = true;
}

static void learn_calibration(struct head *head, const struct learner_example *example,
                              double raw) {
    /* What a censored example came to is not this arm's doing: it moves what is common. */
    int index = example->is_censored ? EFFECTS_UNKNOWN : index_of(head, example->arm);
    struct calibrator_example seen = {.origin = origin_of(head, &example->input),
                                      .arm = index,
                                      .raw = raw,
                                      .label = example->label,
                                      .p_first = example->p_first,
                                      .is_correction = example->is_correction};
    calibrator_learn(&head->calibrator, &seen);
    head->is_calibrator_changed = true;
    head->is_effects_changed |= index >= 0; /* arms' parts travel there */
}

static void done(void *context, size_t i, enum learner_verdict verdict) {
    struct lesson *lesson = context;
    struct head *head = lesson->head;
    const struct learner_example *example = &lesson->examples[i];
    if (verdict != LEARNER_OK) {
        return;
    }
    if (head->has_effects && !example->is_censored) {
        learn_effects(head, example, lesson->before[i].p);
    }
    if (head->options.calibration_rate > 0 && head->options.loss == HEAD_LOGISTIC) {
        learn_calibration(head, example, lesson->before[i].raw);
    }
    head->learned++;
    head->corrected += example->is_correction;
    head->is_changed = true;
}

void head_learn_batch(void *memory, const struct learner_example *examples, size_t count,
                      enum learner_verdict *out_verdicts, double *out_p) {
    struct head *head = memory;
    assert(count >= 1 && count <= LEARNER_BATCH_MAX);
    struct lesson lesson; /* before[] is filled by pull */
    lesson.head = head;
    lesson.examples = examples;
    lesson.out_p = out_p;
    struct base_teacher teacher = {pull, done, &lesson};
    head->base->learn(head_base_mutable(head), examples, count, &teacher, out_verdicts);
}

enum learner_verdict head_learn(void *memory, const struct learner_example *example) {
    enum learner_verdict verdict;
    head_learn_batch(memory, example, 1, &verdict, NULL);
    return verdict;
}

size_t head_rank(const void *memory, const struct learner_input *user, const uint64_t *candidates,
                 size_t count, size_t k, uint32_t *out) {
    const struct head *head = memory;
    assert(head->base->rank);
    return head->base->rank(head_base(head), user, candidates, count, k, out);
}

/* ---- in words ---- */

static int by_size(const void *left, const void *right) {
    const struct learner_term *a = left, *b = right;
    double x = fabs(a->value), y = fabs(b->value);
    return x != y ? (x < y) - (x > y) : strcmp(a->name, b->name);
}

void head_explain(const void *memory, const struct learner_input *input, uint64_t arm,
                  learner_visit_term *visit, void *context) {
    const struct head *head = memory;
    struct learner_term terms[BASE_TERMS_MAX + EFFECTS_TERMS_MAX];
    size_t count = head->base->explain(head_base(head), input, terms);
    assert(count <= BASE_TERMS_MAX);
    if (head->has_effects) {
        struct effects_phi phi = phi_of(head, input);
        count += effects_terms(head_effects(head), input, index_of(head, arm), &phi, terms + count);
    }
    qsort(terms, count, sizeof terms[0], by_size);
    if (count > BASE_TERMS_MAX) {
        struct learner_term others = {.name = "(others)"};
        for (size_t i = BASE_TERMS_MAX - 1; i < count; i++) {
            others.value += terms[i].value;
        }
        terms[BASE_TERMS_MAX - 1] = others;
        count = BASE_TERMS_MAX;
    }
    for (size_t i = 0; i < count; i++) {
        visit(context, &terms[i]);
    }
}

void head_describe(const void *memory, char *out, size_t size) {
    const struct head *head = memory;
    const struct effects *effects = head_effects(head);
    size_t used = head->base->describe(head_base(head), out, size);
    if (used >= size) {
        return;
    }
    snprintf(out + used, size - used,
             "loss %s, base rate %g before any data\n"
             "arms %zu of at most %d, sd %g between kinds of users\n"
             "calibration rate %g\n"
             "learned %lld examples, %lld of them corrections\n",
             head_loss_names[head->options.loss], head->options.prior_p,
             head->has_effects ? effects->arm_count - 1 : 0, LEARNER_ARMS_MAX - 1,
             head->options.effect_sd, head->options.calibration_rate, (long long)head->learned,
             (long long)head->corrected);
}
