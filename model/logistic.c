#include "model/logistic.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "model/logistic_internal.h"
#include "model/sigma.h"

/* exp of a tenth of it is infinite already; whoever gets there has lost his state. */
#define LOGIT_MAX 1e6

struct logistic_options logistic_options_default(void) {
    return (struct logistic_options){.bits = 18,
                                     .alpha = 0.01,
                                     .beta = 1,
                                     .l1 = 0,
                                     .l2 = 1,
                                     .prior_p = 0.1,
                                     .effect_sd = 0.35,
                                     .calibration_rate = 0.005};
}

/* ---- memory ---- */

static size_t aligned(size_t bytes) {
    return (bytes + 15) & ~(size_t)15;
}

static size_t slot_count(const struct logistic_options *options) {
    return (size_t)1 << options->bits;
}

static size_t memory_bytes(const void *memory_options, const struct learner_space *space) {
    (void)space;
    const struct logistic_options *options = memory_options;
    return aligned(sizeof(struct logistic)) + aligned(sizeof(struct effects)) +
           aligned(slot_count(options) * sizeof(struct ftrl_slot)) +
           aligned(slot_count(options) / SLOTS_ROW / 8);
}

static uint64_t mix_number(uint64_t hash, double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return hash_combine(hash, bits);
}

static uint64_t mix_text(uint64_t hash, const char *text) {
    return hash_combine(hash, hash64(bytes_of_text(text), 0));
}

static uint64_t mix_role(uint64_t hash, const char *const *texts, int role) {
    return mix_text(hash, role < 0 ? "" : texts[role]);
}

/* Rows of a learner with another fingerprint have other meanings: z at another alpha is another
 * weight, a name of an arm at another place another component. Priors of arms may differ. */
static double fingerprint_of(const struct logistic_options *options,
                             const struct learner_space *space) {
    uint64_t hash = mix_text(0, "logistic 3");
    const double numbers[] = {
        space->feature_version, options->bits,      options->alpha,
        options->beta,          options->l1,        options->l2,
        options->prior_p,       options->effect_sd, options->calibration_rate};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        hash = mix_number(hash, numbers[i]);
    }
    hash = mix_role(hash, space->names, space->origin);
    hash = mix_role(hash, space->numbers, space->cart_value);
    hash = mix_role(hash, space->numbers, space->idle);
    hash = mix_role(hash, space->numbers, space->is_new);
    for (size_t i = 0; i < options->cross_count; i++) {
        hash = mix_role(hash, space->names, options->crosses[i][0]);
        hash = mix_role(hash, space->names, options->crosses[i][1]);
    }
    hash = hash_combine(hash, options->cross_count);
    for (size_t i = 0; i < options->arm_name_count; i++) {
        hash = mix_role(hash, space->names, options->arm_names[i]);
    }
    return row_text_hash(bytes_of(&hash, sizeof hash));
}

static void init(void *memory, const void *memory_options, const struct learner_space *space,
                 const struct learner_arm *arms, size_t arm_count) {
    const struct logistic_options *options = memory_options;
    assert(options->alpha > 0 && options->beta >= 0 && options->l1 >= 0 && options->l2 >= 0);
    assert(options->prior_p > 0 && options->prior_p < 1 && options->calibration_rate >= 0);
    memset(memory, 0, memory_bytes(options, space));
    struct logistic *logistic = memory;
    logistic->options = *options;
    logistic->ftrl = (struct ftrl_params){options->alpha, options->beta, options->l1, options->l2};
    logistic->prior_logit = logit_of(options->prior_p);
    logistic->fingerprint = fingerprint_of(options, space);
    logistic->effects_offset = aligned(sizeof *logistic);
    logistic->table_offset = logistic->effects_offset + aligned(sizeof(struct effects));
    logistic->changed_offset =
        logistic->table_offset + aligned(slot_count(options) * sizeof(struct ftrl_slot));
    slots_init(&logistic->space, options->bits, space, options->cross_count, options->crosses);
    effects_init(logistic_effects_mutable(logistic), space, options->arm_name_count,
                 options->arm_names, options->effect_sd, arms, arm_count);
    calibrator_init(&logistic->calibrator, options->calibration_rate, logistic->prior_logit);
}

/* ---- score ---- */

struct logistic_base logistic_base(const struct logistic *logistic, const struct slots *slots) {
    const struct ftrl_slot *table = logistic_table(logistic);
    struct logistic_base base = {logistic->prior_logit, 0};
    for (size_t i = 0; i < slots->count; i++) {
        const struct ftrl_slot *slot = &table[slots->slots[i].index];
        double x = slots->slots[i].x;
        base.logit += (double)slot->w * x;
        base.variance += x * x / (1 + (double)slot->n); /* sigma_0 = 1 */
    }
    return base;
}

struct bytes logistic_origin(const struct logistic *logistic, const struct learner_input *input) {
    int origin = logistic->space.names.origin;
    return origin < 0 ? bytes_of(NULL, 0) : input->names[origin];
}

static enum learner_verdict score(const void *memory, const struct learner_input *input,
                                  const uint64_t *arms, size_t arm_count,
                                  struct learner_scores *out) {
    const struct logistic *logistic = memory;
    const struct effects *effects = logistic_effects(logistic);
    assert(arm_count <= LEARNER_ARMS_MAX);
    struct slots slots;
    if (!slots_of(&logistic->space, input, &slots)) {
        return LEARNER_BAD_VALUE;
    }
    struct logistic_base base = logistic_base(logistic, &slots);
    struct effects_phi phi = effects_phi(effects, input);
    struct bytes origin = logistic_origin(logistic, input);
    int indices[LEARNER_ARMS_MAX];
    double slope = 1;
    for (size_t i = 0; i < arm_count; i++) {
        indices[i] = effects_find(effects, arms[i]);
        struct calibration map = calibrator_of(&logistic->calibrator, origin, indices[i]);
        struct learner_arm_score *arm = &out->arms[i];
        arm->raw = base.logit + effects_mean(effects, indices[i], &phi);
        arm->mean = map.a * arm->raw + map.b;
        arm->p = sigma(arm->mean);
        slope = map.a; /* of the origin: the same for every arm */
        if (!(fabs(arm->raw) <= LOGIT_MAX) || !isfinite(arm->mean)) {
            return LEARNER_NOT_FINITE;
        }
    }
    effects_covariances(effects, indices, arm_count, &phi, out->covariance);
    for (size_t i = 0; i < arm_count * arm_count; i++) {
        out->covariance[i] = slope * slope * (base.variance + out->covariance[i]);
    }
    return LEARNER_OK;
}

/* ---- learn ---- */

static bool is_example(const struct learner_example *example) {
    return (example->label == 0 || example->label == 1) && example->weight > 0 &&
           example->weight <= LEARNER_WEIGHT_MAX &&
           (isnan(example->p_first) || (example->p_first >= 0 && example->p_first <= 1));
}

/* All slots, or none: what was learned is put back in reverse order, for two slots of one example
 * may collide. */
static bool learn_slots(struct logistic *logistic, const struct slots *slots,
                        const struct ftrl_pull *pull) {
    struct ftrl_slot *table = logistic_table_mutable(logistic), before[SLOTS_MAX];
    uint8_t *changed = logistic_changed(logistic);
    size_t done = 0;
    for (; done < slots->count; done++) {
        const struct slot *slot = &slots->slots[done];
        before[done] = table[slot->index];
        if (!ftrl_slot_learn(&logistic->ftrl, &table[slot->index], pull, slot->x)) {
            break;
        }
    }
    if (done < slots->count) {
        while (done-- > 0) {
            table[slots->slots[done].index] = before[done];
        }
        return false;
    }
    for (size_t i = 0; i < slots->count; i++) {
        uint32_t row = slots->slots[i].index / SLOTS_ROW;
        changed[row / 8] = (uint8_t)(changed[row / 8] | 1u << (row % 8));
    }
    return true;
}

static void learn_effects(struct logistic *logistic, const struct learner_example *example,
                          double p) {
    struct effects *effects = logistic_effects_mutable(logistic);
    int index = effects_admit(effects, example->arm);
    if (index == EFFECTS_UNKNOWN) {
        return; /* more arms than there is room for */
    }
    effects_admit_values(effects, &example->input);
    struct effects_phi phi = effects_phi(effects, &example->input);
    struct effects_outcome outcome = {p, example->label, example->weight, example->is_correction};
    effects_learn(effects, index, &phi, &outcome);
    logistic->is_effects_changed = true;
}

static void learn_calibration(struct logistic *logistic, const struct learner_example *example,
                              double raw) {
    /* What a censored example came to is not this arm's doing: it moves what is common. */
    int index = example->is_censored ? EFFECTS_UNKNOWN
                                     : effects_find(logistic_effects(logistic), example->arm);
    struct calibrator_example seen = {.origin = logistic_origin(logistic, &example->input),
                                      .arm = index,
                                      .raw = raw,
                                      .label = example->label,
                                      .p_first = example->p_first,
                                      .is_correction = example->is_correction};
    calibrator_learn(&logistic->calibrator, &seen);
    logistic->is_calibrator_changed = true;
    logistic->is_effects_changed |= index >= 0; /* arms' parts travel there */
}

static enum learner_verdict learn(void *memory, const struct learner_example *example) {
    struct logistic *logistic = memory;
    const struct effects *effects = logistic_effects(logistic);
    struct slots slots;
    if (!is_example(example) || !slots_of(&logistic->space, &example->input, &slots)) {
        return LEARNER_BAD_VALUE;
    }
    /* An arm or value that is new adds nothing to the logit, so this is the score before learning.
     */
    struct logistic_base base = logistic_base(logistic, &slots);
    struct effects_phi phi = effects_phi(effects, &example->input);
    int index = effects_find(effects, example->arm);
    double raw = base.logit + effects_mean(effects, index, &phi);
    if (!(fabs(raw) <= LOGIT_MAX) || !effects_can_learn(effects, index, &phi)) {
        return LEARNER_NOT_FINITE;
    }
    double p = sigma(raw), p_first = isnan(example->p_first) ? p : example->p_first;
    struct ftrl_pull pull = example->is_correction
                                ? ftrl_pull_correction(p_first, example->label, example->weight)
                                : ftrl_pull_first(p, example->label, example->weight);
    if (!learn_slots(logistic, &slots, &pull)) {
        return LEARNER_NOT_FINITE;
    }
    if (!example->is_censored) {
        learn_effects(logistic, example, p);
    }
    if (logistic->options.calibration_rate > 0) {
        learn_calibration(logistic, example, raw);
    }
    logistic->learned++;
    logistic->corrected += example->is_correction;
    logistic->is_changed = true;
    return LEARNER_OK;
}

#define OPTION(member, kind, text, least, most, words)                                             \
    {                                                                                              \
        .name = #member, .type = LEARNER_OPTION_##kind,                                            \
        .offset = offsetof(struct logistic_options, member), .default_text = text, .min = least,   \
        .max = most, .help = words                                                                 \
    }
static const struct learner_option options_table[] = {
    OPTION(bits, INT, "18", 10, 24, "its table has 2^bits weights"),
    OPTION(alpha, NUMBER, "0.01", 1e-6, 100, "FTRL: size of a step"),
    OPTION(beta, NUMBER, "1", 0, 1000, "FTRL: damps the first steps"),
    OPTION(l1, NUMBER, "0", 0, 1000, "FTRL: weights whose gradients add up to less stay 0"),
    OPTION(l2, NUMBER, "1", 0, 1000, "FTRL: pulls weights to 0"),
    OPTION(prior_p, NUMBER, "0.1", 1e-6, 0.999999, "base rate before any example"),
    OPTION(effect_sd, NUMBER, "0.35", 0, 10,
           "log-odds by which an offer's effect is expected to differ between kinds of users"),
    OPTION(calibration_rate, NUMBER, "0.005", 0, 1, "step of the calibrator; 0 = no calibration"),
};

const struct learner_kind learner_logistic = {.name = "logistic",
                                              .summary = "FTRL over hashed features, effects per "
                                                         "offer, calibrated",
                                              .options_bytes = sizeof(struct logistic_options),
                                              .options = options_table,
                                              .option_count =
                                                  sizeof options_table / sizeof options_table[0],
                                              .memory_bytes = memory_bytes,
                                              .init = init,
                                              .score = score,
                                              .learn = learn,
                                              .export_rows = logistic_export_rows,
                                              .check_row = logistic_check_row,
                                              .import_row = logistic_import_row,
                                              .explain = logistic_explain,
                                              .describe = logistic_describe};
