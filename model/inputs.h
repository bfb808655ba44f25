/* inputs: from a learner's input to features (key, x), for every kind but logistic (slots.h), by
 * one rule (METHODS 0, rules 1 and 10).
 *
 * - a bias; the origin's slot is that of its name;
 * - each number, as `numbers` says. bucket: a slot for its half octave and sign (0 has its own),
 *   and a linear term sgn(v) log1p(|v|) / 14; idle time has its buckets per origin. scale: the
 *   linear term is (u - mean) / sd instead, u = sgn(v) log1p(|v|), and there are no buckets. both:
 *   buckets and scale. A missing number is a slot;
 * - each name: a slot per value, the empty one (missing) too; crosses: a slot per pair of values;
 * - features of an open vocabulary: as they are.
 *
 * All but the last are keyed by the class of the origin too, `observe` or a trigger.
 *
 * Moments are learned from the examples and belong to the learner. Those in use change when the
 * count of examples has doubled (inputs_moved says how), and whoever has weights on scaled numbers
 * changes them so that no prediction changes. */
#ifndef PROMOSTREAM_MODEL_INPUTS_H
#define PROMOSTREAM_MODEL_INPUTS_H

#include "model/learner.h"
#include "model/rows.h"

#define INPUTS_CLASSES      2 /* observe, a trigger or no origin */
#define INPUTS_NUMBERS_MAX  256
#define INPUTS_NAMES_MAX    256
#define INPUTS_FEATURES_MAX 4096 /* of an open vocabulary; more are refused */
#define INPUTS_FIXED_MAX    (2 + 2 * INPUTS_NUMBERS_MAX + INPUTS_NAMES_MAX + LEARNER_CROSSES_MAX)
#define INPUTS_SMALL        256
#define INPUTS_MAX          (INPUTS_FIXED_MAX + INPUTS_FEATURES_MAX)

enum inputs_numbers { INPUTS_BUCKET, INPUTS_SCALE, INPUTS_BOTH };

struct inputs_options {
    int numbers;                         /* enum inputs_numbers */
    char cross[LEARNER_OPTION_TEXT_MAX]; /* "city:device,city:hour": pairs of names */
};
extern const char *const inputs_numbers_names[]; /* ended by NULL */
/* Is it a list of pairs? Names are looked up by inputs_init: pairs of unknown names cross nothing.
 */
bool inputs_check_cross(const char *text, char *error, size_t size);

/* Rows of a table of options, as OPTIMIZER_OPTIONS. */
#define INPUTS_OPTIONS(TYPE, AT, NUMBERS)                                                          \
    {.name = "numbers",                                                                            \
     .type = LEARNER_OPTION_CHOICE,                                                                \
     .offset = offsetof(TYPE, AT.numbers),                                                         \
     .default_text = NUMBERS,                                                                      \
     .choices = inputs_numbers_names,                                                              \
     .help = "numbers as buckets and a fixed scale, scaled by running moments, or both"},          \
    {                                                                                              \
        .name = "cross", .type = LEARNER_OPTION_TEXT, .offset = offsetof(TYPE, AT.cross),          \
        .default_text = "", .check_text = inputs_check_cross,                                      \
        .help = "pairs of names whose values count together, \"city:device,city:hour\""            \
    }

enum inputs_part {
    INPUTS_BIAS,
    INPUTS_MISSING, /* of a number */
    INPUTS_IN_BUCKET,
    INPUTS_LINEAR, /* x is the scaled value */
    INPUTS_NAME,
    INPUTS_CROSS,
    INPUTS_FEATURE
};
struct input_feature {
    uint64_t key; /* uniform in 64 bits */
    double x;
    uint16_t part, of; /* of: which number, name, cross (feature: 0) */
    int bucket;        /* of INPUTS_IN_BUCKET: inputs_bucket */
};
/* The caller lends room: inputs_most of them. Few inputs have more than INPUTS_SMALL; a buffer of
 * INPUTS_MAX on the stack costs more than the learning of such a one. */
struct input_list {
    size_t count;
    struct input_feature *features;
};

struct inputs_moments {
    double mean, sd; /* in use: of u; 0 and 1 before any */
};
/* Plain data; texts of space stay borrowed. */
struct inputs {
    struct inputs_options options;
    struct learner_space space;
    size_t cross_count;
    int crosses[LEARNER_CROSSES_MAX][2];
    uint64_t seeds[INPUTS_CLASSES];
    uint64_t number_hash[INPUTS_CLASSES][INPUTS_NUMBERS_MAX];
    uint64_t name_hash[INPUTS_CLASSES][INPUTS_NAMES_MAX];
    struct inputs_moments moments[INPUTS_NUMBERS_MAX];
    /* Welford over all examples: count, mean, sum of squares. */
    double counts[INPUTS_NUMBERS_MAX], means[INPUTS_NUMBERS_MAX], squares[INPUTS_NUMBERS_MAX];
    bool is_changed;
};

/* Asserts that the counts of space fit and that its roles are indices. */
void inputs_init(struct inputs *inputs, const struct inputs_options *options,
                 const struct learner_space *space);
uint64_t inputs_fingerprint(const struct inputs_options *options, const struct learner_space *space,
                            uint64_t hash);

/* At most how many features an input has: <= INPUTS_MAX if inputs_of takes it. */
size_t inputs_most(const struct inputs *inputs, const struct learner_input *input);
/* False if a number is infinite or beyond LEARNER_NUMBER_MAX, or if there are too many. The order
 * is fixed: features[0] is the bias. */
bool inputs_of(const struct inputs *inputs, const struct learner_input *input,
               struct input_list *out);
/* One number as it is scaled with the moments in use; 0 if it is missing. */
double inputs_scaled(const struct inputs *inputs, size_t number, double value);
/* Class of the input's origin, and keys in that class: of the bias, of a number's linear term. */
int inputs_class(const struct inputs *inputs, const struct learner_input *input);
uint64_t inputs_bias_key(const struct inputs *inputs, int class);
uint64_t inputs_linear_key(const struct inputs *inputs, int class, size_t number);
/* Half octave and sign: 0 for 0, 1 below 2^-20.5, ... */
int inputs_bucket(double value);
/* Readable: "price in [64, 90.5)", "brand = acme", cut at size. */
void inputs_name(const struct inputs *inputs, const struct learner_input *input,
                 const struct input_feature *feature, char *out, size_t size);

/* Number i was (u - before.mean) / before.sd and is now (u - now.mean) / now.sd. With w the weight
 * of it and b that of the bias: w' = w now.sd / before.sd,  b' = b + w (now.mean - before.mean) /
 * before.sd. */
struct inputs_move {
    size_t number;
    struct inputs_moments before, now;
};
/* Learns the moments of an example's numbers; returns how many of those in use moved:
 * out[INPUTS_NUMBERS_MAX]. Call it for examples that are learned, after learning from them. */
size_t inputs_learn(struct inputs *inputs, const struct learner_input *input,
                    struct inputs_move *out);

/* Moments travel as one row of kind moments, m/numbers. */
void inputs_export_rows(struct inputs *inputs, bool all, learner_visit_row *visit, void *context);
/* BAD_ROW: another key or kind. */
enum learner_verdict inputs_check_row(const struct inputs *inputs, const struct learner_row *row);
void inputs_import_row(struct inputs *inputs, const struct learner_row *row);

#endif
