/* learner: what trains on examples. A learner is a table of functions over one block of memory that
 * somebody else owns: no I/O, no clock, no log, no globals, no allocation; libm only.
 *
 *     memory_bytes -> init -> { score, learn, export, check_row + import_row, explain, describe }
 *
 * The same examples in the same order give the same bits. What score needs and what learn needs
 * travel as rows (key, kind, little-endian values); rows exported by one learner and imported by a
 * fresh one of the same options give the same bits in every later score and learn.
 *
 * Scores know the action (METHODS 0, rule 2): logit(x, a) = f(x) + theta_a . phi(x), `none`
 * without effects. Calibration is a map on the logit per origin and arm (METHODS 1.7). */
#ifndef PROMOSTREAM_MODEL_LEARNER_H
#define PROMOSTREAM_MODEL_LEARNER_H

#include <stdbool.h>

#include "base/behaviour.h"
#include "base/bytes.h"

#define LEARNER_ARMS_MAX      33 /* none and 32 offers */
#define LEARNER_ARM_NONE      UINT64_C(0)
#define LEARNER_ROW_KEY_MAX   32 /* bytes of a row's key, NUL included */
#define LEARNER_ROW_BYTES_MAX 131072
/* What learners take of an example: beyond it is a poisoned number. */
#define LEARNER_NUMBER_MAX    1e15
#define LEARNER_WEIGHT_MAX    1e4
#define LEARNER_CROSSES_MAX   16
#define LEARNER_ARM_NAMES_MAX 6
#define LEARNER_BATCH_MAX     256

/* What an input looks like: fixed for a feature version, borrowed for the learner's life. The roles
 * are indices into numbers or names; -1 = there is none. */
struct learner_space {
    int32_t feature_version;
    size_t number_count, name_count;
    const char *const *numbers, *const *names; /* their names */
    int origin;                                /* of names: observe, cart_abandoned, ... */
    int cart_value;                            /* of numbers, currency */
    int idle;                                  /* of numbers: how long the cart has been quiet */
    int is_new;                                /* of numbers: 0 or 1 */
};

/* A feature of an open vocabulary: the hash of its name, and its value (1 for a plain word). */
struct learner_feature {
    uint64_t key;
    double value;
};

/* Raw, frozen features (METHODS 0, rule 10): NaN and the empty text are missing. A kind that has no
 * use for features or steps leaves them alone. */
struct learner_input {
    const double *numbers;                  /* [number_count] */
    const struct bytes *names;              /* [name_count] */
    const struct learner_feature *features; /* NULL if there are none */
    size_t feature_count;
    const struct behaviour_step *steps; /* oldest first, NULL if there are none */
    size_t step_count;
};

/* An arm that is configured now. Arms of old examples that are not configured any more have the
 * prior 0 +- 0.3. */
struct learner_arm {
    uint64_t key;                /* learner_arm_key of the offer's id, never LEARNER_ARM_NONE */
    double prior_mean, prior_sd; /* log-odds effect of the arm before any data */
};
/* Hash of an offer's id; LEARNER_ARM_NONE for "none". */
uint64_t learner_arm_key(struct bytes id);

/* Of one arm. mean is the calibrated logit; p = sigma(mean). */
struct learner_arm_score {
    double mean;
    double p;
    double raw; /* logit before calibration */
};
struct learner_scores {
    struct learner_arm_score arms[LEARNER_ARMS_MAX];
    /* Covariance of the arms' means, row by row, arm_count x arm_count: what all share (who buys)
     * and what only an offer is uncertain about. */
    double covariance[LEARNER_ARMS_MAX * LEARNER_ARMS_MAX];
};

struct learner_example {
    struct learner_input input;
    uint64_t arm;       /* of the action that was taken */
    double label;       /* 0 or 1: the outcome as it is known now; any number up to
                           LEARNER_NUMBER_MAX for a kind whose option loss is squared */
    int64_t time_ms;    /* event time of the decision, for forgetting and expiry; 0 = unknown */
    uint64_t id;        /* hash of the decision's id: the key of its draws (dropout masks) */
    bool is_correction; /* the opposite label was learned before with this input: take it back
                           (METHODS 0, rule 5; 1.6) */
    double p_first;     /* probability of this learner for this action, frozen at the decision; NaN
                           = it was not scored */
    double weight;      /* 1 / sampling rate */
    bool is_censored;   /* a later offer came before this label: it tells who buys, not what this
                           offer did (METHODS 0, rule 3) */
    uint64_t target;    /* hash of the item that came next, for kinds that rank; 0 = none */
};

enum learner_verdict {
    LEARNER_OK,
    LEARNER_BAD_VALUE,  /* a number that is not finite or beyond 1e15, a weight or label out of
                           range:  nothing was changed */
    LEARNER_NOT_FINITE, /* the result would not be finite: nothing was changed */
    LEARNER_BAD_ROW,    /* unknown key or kind */
    LEARNER_BAD_SIZE,   /* a row of another size: other options, another build */
};
const char *learner_verdict_name(enum learner_verdict verdict);

/* "weights", "optimizer", "moments", "calibrator", "counters": as in model_row.avsc. */
enum learner_row_kind {
    LEARNER_WEIGHTS,
    LEARNER_OPTIMIZER,
    LEARNER_MOMENTS,
    LEARNER_CALIBRATOR,
    LEARNER_COUNTERS,
    LEARNER_ROW_KINDS
};
extern const char *const learner_row_kind_names[]; /* ended by NULL */
/* False if no kind has that name. */
bool learner_row_kind_find(struct bytes name, enum learner_row_kind *out);

struct learner_row {
    char key[LEARNER_ROW_KEY_MAX]; /* NUL-terminated */
    enum learner_row_kind kind;
    struct bytes values; /* lent for the call */
};
typedef void learner_visit_row(void *context, const struct learner_row *row);

/* One summand of a logit, readable. Contributions add up to raw. */
struct learner_term {
    char name[64]; /* "cart_value in [38.8, 99)", "origin = cart_abandoned", "ten_percent x new" */
    double value;  /* contribution to the logit */
};
typedef void learner_visit_term(void *context, const struct learner_term *term);

/* An option of a kind, as a row of a table: command lines, help and pipeline.yaml read it. */
enum learner_option_type {
    LEARNER_OPTION_INT,    /* int */
    LEARNER_OPTION_NUMBER, /* double */
    LEARNER_OPTION_CHOICE, /* int: index into choices */
    LEARNER_OPTION_TEXT,   /* char[LEARNER_OPTION_TEXT_MAX], NUL-terminated */
};
#define LEARNER_OPTION_TEXT_MAX 256
struct learner_option {
    const char *name;
    enum learner_option_type type;
    size_t offset;              /* in the kind's options */
    const char *default_text;   /* as it would be typed */
    double min, max;            /* INT, NUMBER: inclusive */
    const char *const *choices; /* ended by NULL */
    const char *help;           /* one sentence with the unit */
    /* TEXT: NULL, or whether the text is one; why not goes to error, NUL-terminated. */
    bool (*check_text)(const char *text, char *error, size_t size);
};

struct learner_kind {
    const char *name;     /* "logistic" */
    const char *summary;  /* half a sentence for help and documents */
    size_t options_bytes; /* of its struct of options, plain values without ownership */
    const struct learner_option *options; /* those that a user may set */
    size_t option_count;
    /* Options are a struct of the kind's own header; space and arms are copied where needed, but
     * the texts of space stay borrowed. */
    size_t (*memory_bytes)(const void *options, const struct learner_space *space);
    void (*init)(void *memory, const void *options, const struct learner_space *space,
                 const struct learner_arm *arms, size_t arm_count);
    /* Reads only. arms[0] may be LEARNER_ARM_NONE; out->arms in their order. NOT_FINITE and
     * BAD_VALUE leave out unspecified: whoever decides must fall back. */
    enum learner_verdict (*score)(const void *memory, const struct learner_input *input,
                                  const uint64_t *arms, size_t arm_count,
                                  struct learner_scores *out);
    /* Without an offer, of up to LEARNER_BATCH_MAX inputs: the bits of score's arms[0] for
     * LEARNER_ARM_NONE, and no covariance. NULL: score, one by one. */
    void (*score_batch)(const void *memory, const struct learner_input *inputs, size_t count,
                        struct learner_arm_score *out, enum learner_verdict *out_verdicts);
    enum learner_verdict (*learn)(void *memory, const struct learner_example *example);
    /* Visits the rows that changed since the last export (all: every row that is not as after
     * init), in a fixed order, and forgets that they changed. */
    void (*export_rows)(void *memory, bool all, learner_visit_row *visit, void *context);
    /* Would import_row take it? Changes nothing. */
    enum learner_verdict (*check_row)(const void *memory, const struct learner_row *row);
    /* The row must have passed check_row. Not marked as changed. */
    void (*import_row)(void *memory, const struct learner_row *row);
    /* Every summand of raw for this arm, largest absolute value first, at most 256; what is left
     * out is summed up in a last term "(others)". */
    void (*explain)(const void *memory, const struct learner_input *input, uint64_t arm,
                    learner_visit_term *visit, void *context);
    /* One readable line per option and fact ("slots 262144, 3.1 % used"), NUL-terminated, cut at
     * size. */
    void (*describe)(const void *memory, char *out, size_t size);
    /* How many examples a batch should have, and learning from up to LEARNER_BATCH_MAX at once,
     * out_verdicts[count]. Where one step is made of a batch, its borders change the result: let
     * them be a function of offsets (DESIGN: learning is a topic away). Otherwise the bits are
     * those of learn, one by one, and only faster. out_p[count], or NULL: what score would have
     * said of the example's arm (p) before it was learned, in a batch that is one step before the
     * batch; only where the verdict is OK. NULL: 1, and learn. */
    size_t (*batch_size)(const void *options);
    void (*learn_batch)(void *memory, const struct learner_example *examples, size_t count,
                        enum learner_verdict *out_verdicts, double *out_p);
    /* Indices of the best k of the candidates (items) for a user, best first; returns how many.
     * NULL: the kind does not rank. */
    size_t (*rank)(const void *memory, const struct learner_input *user, const uint64_t *candidates,
                   size_t count, size_t k, uint32_t *out);
};

#endif
