/* head: what a learner has around its f(x): the loss, what offers do (effects.h), calibration
 * (calibrator.h), checks of examples, and the rows of all that. It makes a struct learner_kind of
 * any struct base_kind.
 *
 *     raw(x, a)  = f(x) + effects(x, a);  mean(x, a) = slope(origin) raw + offset(origin, a)
 *     p = sigma(mean)
 *
 * Without offers (unless the base has a level of its own), or with squared loss, there are no
 * effects; with calibration_rate 0, or with squared loss, no calibration. With squared loss raw =
 * mean = p = f(x), the label may be any number up to LEARNER_NUMBER_MAX, and the loss is (f(x) -
 * label)^2: gradient 2 (f(x) - label).
 *
 * Rows, beside those of the base: b/options, c/whole and d/effects (head_rows.c). Those
 * of a learner with other options, roles or feature version are refused (BAD_SIZE by b/options):
 * the same bytes would mean other weights.
 *
 *     struct head | effects | base */
#ifndef PROMOSTREAM_MODEL_HEAD_H
#define PROMOSTREAM_MODEL_HEAD_H

#include "model/base_learner.h"
#include "model/learner_options.h"

enum head_loss { HEAD_LOGISTIC, HEAD_SQUARED };
extern const char *const head_loss_names[]; /* ended by NULL */

/* The FIRST member of the options of every kind that has a head. */
struct head_options {
    int loss;         /* enum head_loss; a kind may leave it logistic */
    double prior_p;   /* base rate before any example: where the base starts its bias */
    double effect_sd; /* prior deviation of an arm's effect between kinds of users, log-odds */
    double calibration_rate; /* step of the calibrator; 0 = no calibration */
    size_t arm_name_count;   /* names whose values move arms' effects: 7 values each, in order of
                                appearance, the others count as none; not in the table of options */
    int arm_names[LEARNER_ARM_NAMES_MAX];
};

#define HEAD_OPTION(TYPE, NAME, KIND, TEXT, LEAST, MOST, HELP)                                     \
    {                                                                                              \
        .name = #NAME, .type = LEARNER_OPTION_##KIND, .offset = offsetof(TYPE, head.NAME),         \
        .default_text = TEXT, .min = LEAST, .max = MOST, .help = HELP                              \
    }
/* Rows of a table of options for a struct TYPE whose first member is struct head_options head. */
#define HEAD_OPTIONS(TYPE)                                                                         \
    {.name = "loss",                                                                               \
     .type = LEARNER_OPTION_CHOICE,                                                                \
     .offset = offsetof(TYPE, head.loss),                                                          \
     .default_text = "logistic",                                                                   \
     .choices = head_loss_names,                                                                   \
     .help = "logistic: labels 0 and 1; squared: labels are numbers"},                             \
        HEAD_LOGISTIC_OPTIONS(TYPE)
/* The same of a kind whose loss is always logistic. */
#define HEAD_LOGISTIC_OPTIONS(TYPE)                                                                \
    HEAD_OPTION(TYPE, prior_p, NUMBER, "0.1", 1e-6, 0.999999, "base rate before any example"),     \
        HEAD_OPTION(TYPE, effect_sd, NUMBER, "0.35", 0, 10,                                        \
                    "log-odds by which an offer's effect is expected to differ between kinds of "  \
                    "users"),                                                                      \
        HEAD_OPTION(TYPE, calibration_rate, NUMBER, "0.005", 0, 1,                                 \
                    "step of the calibrator; 0 = no calibration")

/* logit(prior_p), or 0 with squared loss: what the base adds to every logit. */
double head_start(const struct head_options *options);
/* Chained into hash: options of the head and the roles and version of the space; for a base's
 * fingerprint. */
uint64_t head_fingerprint(const struct head_options *options, const struct learner_space *space,
                          uint64_t hash);

/* The functions of a kind; memory_bytes and init need to know the base (HEAD_KIND). */
size_t head_memory_bytes(const struct base_kind *base, const void *options,
                         const struct learner_space *space);
void head_init(const struct base_kind *base, void *memory, const void *options,
               const struct learner_space *space, const struct learner_arm *arms, size_t arm_count);
enum learner_verdict head_score(const void *memory, const struct learner_input *input,
                                const uint64_t *arms, size_t arm_count, struct learner_scores *out);
void head_score_batch(const void *memory, const struct learner_input *inputs, size_t count,
                      struct learner_arm_score *out, enum learner_verdict *out_verdicts);
enum learner_verdict head_learn(void *memory, const struct learner_example *example);
void head_learn_batch(void *memory, const struct learner_example *examples, size_t count,
                      enum learner_verdict *out_verdicts, double *out_p);
void head_export_rows(void *memory, bool all, learner_visit_row *visit, void *context);
enum learner_verdict head_check_row(const void *memory, const struct learner_row *row);
void head_import_row(void *memory, const struct learner_row *row);
void head_explain(const void *memory, const struct learner_input *input, uint64_t arm,
                  learner_visit_term *visit, void *context);
void head_describe(const void *memory, char *out, size_t size);
size_t head_rank(const void *memory, const struct learner_input *user, const uint64_t *candidates,
                 size_t count, size_t k, uint32_t *out);

/* The base's memory in a learner's: for tests and for exports of weights. */
const void *head_base(const void *memory);

/* Defines learner_NAME of the static tables NAME_base (struct base_kind) and NAME_options (struct
 * learner_option []) and the struct OPTIONS; BATCH: a function as learner_kind.batch_size or NULL.
 */
#define HEAD_KIND(NAME, SUMMARY, OPTIONS, BATCH)                                                   \
    static size_t NAME##_memory_bytes(const void *options, const struct learner_space *space) {    \
        return head_memory_bytes(&NAME##_base, options, space);                                    \
    }                                                                                              \
    static void NAME##_init(void *memory, const void *options, const struct learner_space *space,  \
                            const struct learner_arm *arms, size_t arm_count) {                    \
        head_init(&NAME##_base, memory, options, space, arms, arm_count);                          \
    }                                                                                              \
    const struct learner_kind learner_##NAME = {.name = #NAME,                                     \
                                                .summary = SUMMARY,                                \
                                                .options_bytes = sizeof(OPTIONS),                  \
                                                .options = NAME##_options,                         \
                                                .option_count = sizeof NAME##_options /            \
                                                                sizeof NAME##_options[0],          \
                                                .memory_bytes = NAME##_memory_bytes,               \
                                                .init = NAME##_init,                               \
                                                .score = head_score,                               \
                                                .score_batch = head_score_batch,                   \
                                                .learn = head_learn,                               \
                                                .export_rows = head_export_rows,                   \
                                                .check_row = head_check_row,                       \
                                                .import_row = head_import_row,                     \
                                                .explain = head_explain,                           \
                                                .describe = head_describe,                         \
                                                .batch_size = BATCH,                               \
                                                .learn_batch = head_learn_batch,                   \
                                                .rank = NULL}

#endif
