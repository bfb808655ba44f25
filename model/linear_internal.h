/* linear: its memory, for its own files.
 *
 * struct linear | table */
#ifndef PROMOSTREAM_MODEL_LINEAR_INTERNAL_H
#define PROMOSTREAM_MODEL_LINEAR_INTERNAL_H

#include "model/base_learner.h"
#include "model/linear.h"
#include "model/table_internal.h"

#define LINEAR_FLOATS_MAX 8 /* of a slot */
/* States beyond it are refused: no honest one comes near, and sums of 4096 of them travel. */
#define LINEAR_VALUE_MAX 1e26

struct linear {
    struct linear_options options;
    struct optimizer optimizer;
    struct inputs inputs;
    double start;         /* a constant of every logit */
    int64_t steps;        /* examples learned */
    int64_t origin_ms;    /* of the times in slots; 0 = no example had a time yet */
    double half_life_ms;  /* 0 = never */
    double coin_norms;    /* coin betting: sum of weight x sum of (x / largest x)^2 */
    double coin_weights;  /* sum of weights */
    size_t floats, state; /* of a slot; where its optimizer's state begins */
    bool is_changed;
    size_t table_offset;
};

static inline struct table *linear_table(const struct linear *linear) {
    return (void *)((char *)(uintptr_t)linear + linear->table_offset);
}
static inline bool linear_is_ftrl(const struct linear *linear) {
    return linear->optimizer.rule == OPTIMIZER_FTRL;
}
/* The common case: everything is a fixed table of (z, n). */
static inline bool linear_is_plain(const struct linear *linear) {
    return linear_is_ftrl(linear) && linear->half_life_ms == 0 &&
           linear->options.table.table == TABLE_HASHED;
}

/* Weight of a slot as it scores, for a feature of size x; NULL = 0. coin: not divided by the norm.
 */
double linear_weight(const struct linear *linear, const float *slot, double x);
/* What coin betting divides the weights of this example by. */
double linear_coin_norm_of(const struct linear *linear, const struct input_list *list);

/* Room for one example, lent by whoever has a stack for it. */
struct linear_scratch {
    struct input_list list;
    float *x, *z, *n, *root, *w, *dz, *dn; /* linear_plain.c: of each feature */
    float **slots;
    double *weights; /* linear.c: at the prediction */
};
#define LINEAR_BUFFERS(N)                                                                          \
    struct input_feature features[N];                                                              \
    float floats[7][N];                                                                            \
    float *slots[N];                                                                               \
    double weights[N];
#define LINEAR_SCRATCH(BUFFERS)                                                                    \
    {                                                                                              \
        .list = {0, (BUFFERS).features}, .x = (BUFFERS).floats[0], .z = (BUFFERS).floats[1],       \
        .n = (BUFFERS).floats[2], .root = (BUFFERS).floats[3], .w = (BUFFERS).floats[4],           \
        .dz = (BUFFERS).floats[5], .dn = (BUFFERS).floats[6], .slots = (BUFFERS).slots,            \
        .weights = (BUFFERS).weights                                                               \
    }

/* linear_plain.c: the plain case, for a list of features. */
void linear_plain_gather(const struct linear *linear, struct linear_scratch *scratch);
struct base_output linear_plain_output(const struct linear *linear,
                                       const struct linear_scratch *scratch);
/* False: the result would not be finite, and nothing was changed. */
bool linear_plain_learn(struct linear *linear, struct linear_scratch *scratch,
                        const struct ftrl_pull *pull);
void linear_prefetch(const struct linear *linear, const struct learner_input *input);

/* linear_rows.c */
void linear_export_rows(void *memory, bool all, learner_visit_row *visit, void *context);
enum learner_verdict linear_check_row(const void *memory, const struct learner_row *row);
void linear_import_row(void *memory, const struct learner_row *row);
size_t linear_explain(const void *memory, const struct learner_input *input,
                      struct learner_term *out);
size_t linear_describe(const void *memory, char *out, size_t size);

#endif
