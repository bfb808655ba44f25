/* fm: its memory, for its own files.
 *
 * struct fm | table */
#ifndef PROMOSTREAM_MODEL_FM_INTERNAL_H
#define PROMOSTREAM_MODEL_FM_INTERNAL_H

#include "model/base_learner.h"
#include "model/fm.h"
#include "model/table_internal.h"

#define FM_ROW_MAX (2 + FM_K_MAX + 8 + 5 * FM_K_MAX) /* floats */

/* Where the parts of a row begin: w at 0, n (rule 9) at 1. */
struct fm_row {
    size_t v, w_state, v_state, floats;
};

struct fm {
    struct fm_options options;
    struct optimizer w, v;
    struct inputs inputs;
    struct fm_row row;
    size_t k;
    double start;  /* a constant of every logit */
    int64_t steps; /* examples learned */
    bool is_changed;
    size_t table_offset;
};

static inline struct table *fm_table(const struct fm *fm) {
    return (void *)((char *)(uintptr_t)fm + fm->table_offset);
}

/* Room for one example, lent by whoever has a stack for it. */
struct fm_scratch {
    struct input_list list;
    float *x, *w;
    const float **v;
    float *slopes; /* [count][k] */
    float sums[FM_K_MAX];
};
#define FM_BUFFERS(NAME, N)                                                                        \
    struct NAME {                                                                                  \
        struct input_feature features[N];                                                          \
        float x[N], w[N], slopes[(N)*FM_K_MAX];                                                    \
        const float *v[N];                                                                         \
    };
FM_BUFFERS(fm_buffers, INPUTS_SMALL)
FM_BUFFERS(fm_buffers_large, INPUTS_MAX)
#define FM_SCRATCH(BUFFERS)                                                                        \
    {                                                                                              \
        .list = {0, (BUFFERS).features}, .x = (BUFFERS).x, .w = (BUFFERS).w, .v = (BUFFERS).v,     \
        .slopes = (BUFFERS).slopes                                                                 \
    }

void fm_export_rows(void *memory, bool all, learner_visit_row *visit, void *context);
enum learner_verdict fm_check_row(const void *memory, const struct learner_row *row);
void fm_import_row(void *memory, const struct learner_row *row);
size_t fm_explain(const void *memory, const struct learner_input *input, struct learner_term *out);
size_t fm_describe(const void *memory, char *out, size_t size);

#endif
