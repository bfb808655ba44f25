/* optimizer: from gradients to steps, by one interface for dense tensors and for rows of a table.
 *
 * A row is what steps together: an embedding, one weight of a hashed table, or a whole dense
 * tensor: n weights w and optimizer_floats(optimizer, n) floats of state, all 0 before the first
 * step, weight by weight within a kind of state: z[n], n[n]. g is the gradient of the loss at w.
 *
 *     sgd          w -= r g
 *     momentum     v = momentum v + g;  w -= r v                        (as PyTorch's SGD)
 *     adagrad      n += g^2;  w -= r g / (sqrt n + epsilon)
 *     adam         m, v: moving means of g and g^2;  t: steps of this row (lazy: a row that is not
 *                  touched does not move)
 *                  w -= r m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *     ftrl         FTRL-proximal, ftrl.h; r is its alpha; w is derived from (z, n)
 *     row_adagrad  n += mean of g^2 over the row;  w -= r g / (sqrt n + epsilon)
 *     coin         coin betting, parameter-free (Orabona and Pal 2016; the same steps as VW's
 *                  --coin); r does not matter
 *
 * l2 is added to the gradient as l2 w and l1 shrinks w by r l1 after the step, where the row is
 * touched; in ftrl both are FTRL's own; coin has neither. ftrl's rate and that of coin are those of
 * each weight: neither has a schedule. All go on from the w that they find at the first step. */
#ifndef PROMOSTREAM_MODEL_OPTIMIZER_H
#define PROMOSTREAM_MODEL_OPTIMIZER_H

#include "model/ftrl.h"
#include "model/learner.h"

enum optimizer_rule {
    OPTIMIZER_SGD,
    OPTIMIZER_MOMENTUM,
    OPTIMIZER_ADAGRAD,
    OPTIMIZER_ADAM,
    OPTIMIZER_FTRL,
    OPTIMIZER_ROW_ADAGRAD,
    OPTIMIZER_COIN,
    OPTIMIZER_RULES
};
extern const char *const optimizer_rule_names[]; /* ended by NULL */

enum optimizer_schedule {
    OPTIMIZER_CONSTANT,
    OPTIMIZER_INV_SQRT, /* 1 / sqrt(step / decay_steps) from step decay_steps on */
    OPTIMIZER_INV,      /* 1 / (1 + step / decay_steps) */
    OPTIMIZER_COSINE,   /* half a cosine from 1 to 0.01 at step decay_steps */
    OPTIMIZER_SCHEDULES
};
extern const char *const optimizer_schedule_names[];

/* A kind's struct of options has one of these (or two: OPTIMIZER_OPTIONS gives names a prefix). */
struct optimizer_options {
    int optimizer, schedule; /* enum optimizer_rule, optimizer_schedule */
    double lr;               /* 0 = optimizer_usual_lr of the rule; ftrl: alpha */
    double momentum, beta1, beta2, epsilon;
    double ftrl_beta;
    double l1, l2;
    double warmup_steps, decay_steps; /* of batches */
    double clip;                      /* global norm of a step's gradient, 0 = never */
};

/* Rows of a table of options, for a struct TYPE whose member AT is a struct optimizer_options.
 * PREFIX: "" or "deep_"; RULE, LR, L2: defaults as text. */
#define OPTIMIZER_OPTION(TYPE, AT, PREFIX, NAME, KIND, TEXT, LEAST, MOST, HELP)                    \
    {                                                                                              \
        .name = PREFIX #NAME, .type = LEARNER_OPTION_##KIND, .offset = offsetof(TYPE, AT.NAME),    \
        .default_text = TEXT, .min = LEAST, .max = MOST, .help = HELP                              \
    }
#define OPTIMIZER_OPTIONS(TYPE, AT, PREFIX, RULE, LR)                                              \
    OPTIMIZER_OPTIONS_L2(TYPE, AT, PREFIX, RULE, LR, "0")
#define OPTIMIZER_OPTIONS_L2(TYPE, AT, PREFIX, RULE, LR, L2)                                       \
    {.name = PREFIX "optimizer",                                                                   \
     .type = LEARNER_OPTION_CHOICE,                                                                \
     .offset = offsetof(TYPE, AT.optimizer),                                                       \
     .default_text = RULE,                                                                         \
     .choices = optimizer_rule_names,                                                              \
     .help = "how gradients become steps"},                                                        \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, lr, NUMBER, LR, 0, 1000,                                \
                         "size of a step (ftrl: alpha); 0 = the usual one of the optimizer"),      \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, momentum, NUMBER, "0.9", 0, 0.9999,                     \
                         "momentum: how much of a step's speed is kept"),                          \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, beta1, NUMBER, "0.9", 0, 0.9999,                        \
                         "adam: how much of the mean of gradients is kept"),                       \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, beta2, NUMBER, "0.999", 0, 0.999999,                    \
                         "adam: how much of the mean of squares is kept"),                         \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, epsilon, NUMBER, "1e-8", 0, 1,                          \
                         "adagrad, row_adagrad, adam: added to the root that divides"),            \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, ftrl_beta, NUMBER, "1", 0, 1000,                        \
                         "ftrl: damps the first steps"),                                           \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, l1, NUMBER, "0", 0, 1000,                               \
                         "pulls weights to exactly 0"),                                            \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, l2, NUMBER, L2, 0, 1000, "pulls weights towards 0"),    \
        {.name = PREFIX "schedule",                                                                \
         .type = LEARNER_OPTION_CHOICE,                                                            \
         .offset = offsetof(TYPE, AT.schedule),                                                    \
         .default_text = "constant",                                                               \
         .choices = optimizer_schedule_names,                                                      \
         .help = "how lr changes with the number of steps"},                                       \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, warmup_steps, NUMBER, "0", 0, 1e9,                      \
                         "steps over which lr grows from 0"),                                      \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, decay_steps, NUMBER, "10000", 1, 1e12,                  \
                         "steps after which the schedule bites"),                                  \
        OPTIMIZER_OPTION(TYPE, AT, PREFIX, clip, NUMBER, "0", 0, 1e9,                              \
                         "norm at which the gradient of a step is cut, 0 = never")

double optimizer_usual_lr(enum optimizer_rule rule);

/* Plain data. */
struct optimizer {
    enum optimizer_rule rule;
    struct optimizer_options options; /* lr is resolved */
    struct ftrl_params ftrl;
};
struct optimizer optimizer_make(const struct optimizer_options *options);
/* Mixes all options that give a state its meaning into the hash. */
uint64_t optimizer_fingerprint(const struct optimizer_options *options, uint64_t hash);

/* Floats of state of a row of n weights: those of each weight, then the row's own. */
size_t optimizer_floats(const struct optimizer *optimizer, size_t n);
/* r of step 1, 2, ...: lr with warm-up and schedule. */
double optimizer_rate(const struct optimizer *optimizer, int64_t step);
/* What to multiply a batch's gradients with; NaN if norm_square is not finite: reject the batch. */
double optimizer_clip(const struct optimizer *optimizer, double norm_square);

/* One step of a row. square[n]: what adagrad and ftrl add to n instead of g^2 (METHODS 0, rule 5:
 * less where a label is taken back; adagrad adds l2's part, and g^2 where n is 0), NULL = g^2. w
 * and state float32 [n], [optimizer_floats]. */
void optimizer_step(const struct optimizer *optimizer, double rate, float *w, float *state,
                    const float *g, const float *square, size_t n);

/* The same for one weight whose gradient is that of the logit times x, in double; coin betting
 * wants to know x. state: optimizer_floats(optimizer, 1). The weight of the prediction is *w. */
void optimizer_step_weight(const struct optimizer *optimizer, double rate, float *w, float *state,
                           const struct ftrl_pull *pull, double x);

/* Coin betting: the weight for a feature of size |x|, which may be the largest so far. The state of
 * weight i of a row of n: state + i, stride n. */
double optimizer_coin_weight(const float *state, size_t stride, double x);
/* The largest |x| so far, of a row of one weight. */
double optimizer_coin_largest(const float *state);

/* Gives a weight another value; what was summed up stays (ftrl's z and coin's sum are derived). */
void optimizer_set_weight(const struct optimizer *optimizer, double value, float *w, float *state);
/* The weight's x is divided by `by` from now on: w, and what was summed up, for the same product.
 */
void optimizer_rescale(const struct optimizer *optimizer, double by, float *w, float *state);

/* Exponential forgetting (METHODS 1.2): what is summed up in the state (n of adagrad, row_adagrad
 * and ftrl, gradients of coin) is multiplied by keep, 0 < keep <= 1. The weight stays: ftrl's z is
 * derived again; that of coin only nearly, for nobody may bet more than he has. */
void optimizer_forget(const struct optimizer *optimizer, double keep, const float *w, float *state,
                      size_t n);

#endif
