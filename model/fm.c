#include "model/fm.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "model/fm_internal.h"
#include "model/fm_math.h"

#define AHEAD 4
/* States beyond it are refused, as in linear. */
#define VALUE_MAX 1e26

/* ---- memory ---- */

static size_t aligned(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

/* A row: w, n, v[k] | state of w, state of v. */
static struct fm_row row_of(const struct fm_options *options) {
    struct optimizer w = optimizer_make(&options->optimizer), v = optimizer_make(&options->pairs);
    size_t k = (size_t)options->k;
    struct fm_row row = {.v = 2, .w_state = 2 + k};
    row.v_state = row.w_state + optimizer_floats(&w, 1);
    row.floats = row.v_state + optimizer_floats(&v, k);
    return row;
}

static size_t memory_bytes(const void *memory_options, const struct learner_space *space) {
    (void)space;
    const struct fm_options *options = memory_options;
    return aligned(sizeof(struct fm)) + table_memory_bytes(&options->table, row_of(options).floats);
}

static void init(void *memory, const void *memory_options, const struct learner_space *space) {
    const struct fm_options *options = memory_options;
    assert(options->k >= 1 && options->k <= FM_K_MAX && options->init > 0);
    struct fm *fm = memory;
    memset(fm, 0, sizeof *fm);
    fm->options = *options;
    fm->w = optimizer_make(&options->optimizer);
    fm->v = optimizer_make(&options->pairs);
    fm->k = (size_t)options->k;
    fm->start = head_start(&options->head);
    fm->row = row_of(options);
    fm->table_offset = aligned(sizeof *fm);
    assert(fm->row.floats <= FM_ROW_MAX);
    inputs_init(&fm->inputs, &options->inputs, space);
    table_init(fm_table(fm), &options->table, "w", fm->row.w_state, fm->row.floats);
}

static uint64_t fingerprint(const void *memory_options, const struct learner_space *space,
                            uint64_t hash) {
    const struct fm_options *options = memory_options;
    hash = hash_combine(hash, hash64(bytes_of_text("fm 1"), 0));
    hash = inputs_fingerprint(&options->inputs, space, hash);
    hash = optimizer_fingerprint(&options->optimizer, hash);
    hash = optimizer_fingerprint(&options->pairs, hash);
    hash = table_fingerprint(&options->table, hash);
    hash = hash_combine(hash, (uint64_t)options->k);
    return hash_combine(hash, (uint64_t)(options->init * 1e9));
}

/* ---- forward ---- */

static void gather(const struct fm *fm, struct fm_scratch *scratch) {
    const struct table *table = fm_table(fm);
    for (size_t i = 0; i < scratch->list.count; i++) {
        const float *row = table_find(table, scratch->list.features[i].key);
        scratch->x[i] = (float)scratch->list.features[i].x;
        scratch->w[i] = row ? row[0] : 0;
        scratch->v[i] = row ? row + fm->row.v : NULL;
    }
}

static struct base_output output_of(const struct fm *fm, struct fm_scratch *scratch) {
    gather(fm, scratch);
    float sum =
        fm_forward(scratch->list.count, fm->k, scratch->x, scratch->w, scratch->v, scratch->sums);
    struct base_output output = {.logit = fm->start + (double)sum};
    for (size_t i = 0; i < scratch->list.count; i++) {
        double x = (double)scratch->x[i];
        double n = scratch->v[i] ? (double)scratch->v[i][-1] : 0; /* beside w */
        output.variance += x * x / (1 + n);
    }
    return output;
}

__attribute__((noinline)) static enum learner_verdict
forward_large(const struct fm *fm, const struct learner_input *input, struct base_output *out) {
    struct fm_buffers_large buffers;
    struct fm_scratch scratch = FM_SCRATCH(buffers);
    if (!inputs_of(&fm->inputs, input, &scratch.list)) {
        return LEARNER_BAD_VALUE;
    }
    *out = output_of(fm, &scratch);
    return LEARNER_OK;
}

static enum learner_verdict forward(const void *memory, const struct learner_input *input,
                                    uint64_t dropout_key, struct base_output *out) {
    (void)dropout_key;
    const struct fm *fm = memory;
    if (inputs_most(&fm->inputs, input) > INPUTS_SMALL) {
        return forward_large(fm, input, out);
    }
    struct fm_buffers buffers;
    struct fm_scratch scratch = FM_SCRATCH(buffers);
    if (!inputs_of(&fm->inputs, input, &scratch.list)) {
        return LEARNER_BAD_VALUE;
    }
    *out = output_of(fm, &scratch);
    return LEARNER_OK;
}

/* ---- learn ---- */

struct step {
    const struct fm *fm;
    struct ftrl_pull pull;
    double w_rate, v_rate, w_scale, scale; /* what clipping leaves of w's gradient, of v's */
};

/* slope[k]: of the logit, at the prediction. */
static void step_row(const struct step *step, float *row, double x, const float *slope) {
    const struct fm *fm = step->fm;
    float g[FM_K_MAX], square[FM_K_MAX];
    struct ftrl_pull pull = {step->w_scale * step->pull.gradient,
                             step->w_scale * step->w_scale * step->pull.square};
    optimizer_step_weight(&fm->w, step->w_rate, &row[0], row + fm->row.w_state, &pull, x);
    row[1] = (float)((double)row[1] + step->pull.square * x * x);
    if (slope) {
        float gradient = (float)(step->pull.gradient * step->scale);
        float grown = (float)(step->pull.square * step->scale * step->scale);
        for (size_t f = 0; f < fm->k; f++) {
            g[f] = gradient * slope[f];
            square[f] = grown * slope[f] * slope[f];
        }
        optimizer_step(&fm->v, step->v_rate, row + fm->row.v, row + fm->row.v_state, g, square,
                       fm->k);
    }
}

static void fill(const struct fm *fm, uint64_t key, float *row) {
    double width = fm->options.init * sqrt(3) * 2;
    for (size_t f = 0; f < fm->k; f++) {
        double u = (double)(hash_combine(key, f + 1) >> 11) * 0x1p-53;
        row[fm->row.v + f] = (float)((u - 0.5) * width);
    }
}

/* Slope of feature i, NULL for the bias. */
static const float *slope_of(const struct fm *fm, const struct fm_scratch *scratch, size_t i,
                             float *out) {
    if (i == 0) {
        return NULL;
    }
    fm_slope(fm->k, scratch->x[i], scratch->v[i], scratch->sums, out);
    return out;
}

static double slope_norm(const struct fm *fm, const struct fm_scratch *scratch) {
    double sum = 0;
    float slope[FM_K_MAX];
    for (size_t i = 1; i < scratch->list.count; i++) {
        slope_of(fm, scratch, i, slope);
        for (size_t f = 0; f < fm->k; f++) {
            sum += (double)slope[f] * (double)slope[f];
        }
    }
    return sum;
}

/* Would every row's step be sane? Steps copies: a table forgets nothing that it was asked to take.
 */
static bool can_step(const struct step *step, const struct fm_scratch *scratch) {
    const struct fm *fm = step->fm;
    float copy[FM_ROW_MAX], slope[FM_K_MAX];
    bool is_sane = true;
    for (size_t i = 0; i < scratch->list.count; i++) {
        memset(copy, 0, fm->row.floats * sizeof *copy);
        if (scratch->v[i]) {
            memcpy(copy, scratch->v[i] - fm->row.v, fm->row.floats * sizeof *copy);
        }
        step_row(step, copy, scratch->list.features[i].x, slope_of(fm, scratch, i, slope));
        for (size_t j = 0; j < fm->row.floats; j++) {
            is_sane &= fabsf(copy[j]) <= (float)VALUE_MAX;
        }
    }
    return is_sane;
}

/* Slopes are those of the prediction: all are taken before any row moves. */
static void step_all(struct fm *fm, const struct step *step, struct fm_scratch *scratch,
                     int64_t time_ms) {
    size_t count = scratch->list.count;
    for (size_t i = 1; i < count; i++) {
        slope_of(fm, scratch, i, scratch->slopes + i * fm->k);
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t key = scratch->list.features[i].key;
        bool is_new;
        float *row = table_take(fm_table(fm), key, time_ms, &is_new);
        if (!row) {
            continue;
        }
        if (is_new) {
            fill(fm, key, row);
        }
        step_row(step, row, scratch->list.features[i].x,
                 i > 0 ? scratch->slopes + i * fm->k : NULL);
    }
}

/* Scaled numbers have moved. */
static void move_rows(struct fm *fm, const struct learner_example *example) {
    struct inputs_move moves[INPUTS_NUMBERS_MAX];
    size_t count = inputs_learn(&fm->inputs, &example->input, moves);
    struct table *table = fm_table(fm);
    for (size_t i = 0; i < count * INPUTS_CLASSES; i++) {
        const struct inputs_move *move = &moves[i / INPUTS_CLASSES];
        int class = (int)(i % INPUTS_CLASSES);
        uint64_t key = inputs_linear_key(&fm->inputs, class, move->number);
        double by = move->now.sd / move->before.sd;
        bool is_new;
        if (!table_find(table, key)) {
            continue;
        }
        float *row = table_take(table, key, example->time_ms, &is_new);
        double shift = (double)row[0] * (move->now.mean - move->before.mean) / move->before.sd;
        optimizer_rescale(&fm->w, by, &row[0], row + fm->row.w_state);
        row[1] = (float)((double)row[1] / (by * by));
        for (size_t f = 0; f < fm->k; f++) {
            row[fm->row.v + f] = (float)((double)row[fm->row.v + f] * by);
        }
        key = inputs_bias_key(&fm->inputs, class);
        float *bias = table_take(table, key, example->time_ms, &is_new);
        if (bias) {
            optimizer_set_weight(&fm->w, (double)bias[0] + shift, &bias[0], bias + fm->row.w_state);
        }
    }
}

static enum learner_verdict learn_with(struct fm *fm, const struct learner_example *example,
                                       size_t i, const struct base_teacher *teacher,
                                       struct fm_scratch *scratch) {
    if (!inputs_of(&fm->inputs, &example->input, &scratch->list)) {
        return LEARNER_BAD_VALUE;
    }
    struct base_output output = output_of(fm, scratch);
    output.variance = 0;
    struct step step = {.fm = fm,
                        .w_rate = optimizer_rate(&fm->w, fm->steps + 1),
                        .v_rate = optimizer_rate(&fm->v, fm->steps + 1),
                        .w_scale = 1,
                        .scale = 1};
    enum learner_verdict verdict = teacher->pull(teacher->context, i, &output, &step.pull);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    if (fm->options.optimizer.clip > 0) {
        double sum = 0;
        for (size_t j = 0; j < scratch->list.count; j++) {
            sum += scratch->list.features[j].x * scratch->list.features[j].x;
        }
        step.w_scale = optimizer_clip(&fm->w, step.pull.gradient * step.pull.gradient * sum);
    }
    if (fm->options.pairs.clip > 0) {
        double gradient = step.pull.gradient;
        step.scale = optimizer_clip(&fm->v, gradient * gradient * slope_norm(fm, scratch));
    }
    if (!can_step(&step, scratch)) { /* NaN from clip, too */
        teacher->done(teacher->context, i, LEARNER_NOT_FINITE);
        return LEARNER_NOT_FINITE;
    }
    step_all(fm, &step, scratch, example->time_ms);
    fm->steps++;
    fm->is_changed = true;
    if (fm->inputs.space.number_count > 0 && !example->is_correction) {
        move_rows(fm, example);
    }
    teacher->done(teacher->context, i, LEARNER_OK);
    return LEARNER_OK;
}

__attribute__((noinline)) static enum learner_verdict
learn_large(struct fm *fm, const struct learner_example *example, size_t i,
            const struct base_teacher *teacher) {
    struct fm_buffers_large buffers;
    struct fm_scratch scratch = FM_SCRATCH(buffers);
    return learn_with(fm, example, i, teacher, &scratch);
}

static void prefetch(const struct fm *fm, const struct learner_input *input) {
    for (size_t i = 0; i < input->feature_count; i++) {
        table_prefetch(fm_table(fm), input->features[i].key);
    }
}

static void learn(void *memory, const struct learner_example *examples, size_t count,
                  const struct base_teacher *teacher, enum learner_verdict *out_verdicts) {
    struct fm *fm = memory;
    struct fm_buffers buffers;
    struct fm_scratch scratch = FM_SCRATCH(buffers);
    for (size_t i = 0; i < count && i < AHEAD; i++) {
        prefetch(fm, &examples[i].input);
    }
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            prefetch(fm, &examples[i + AHEAD].input);
        }
        bool is_large = inputs_most(&fm->inputs, &examples[i].input) > INPUTS_SMALL;
        out_verdicts[i] = is_large ? learn_large(fm, &examples[i], i, teacher)
                                   : learn_with(fm, &examples[i], i, teacher, &scratch);
    }
}

static size_t batch_size(const void *options) {
    (void)options;
    return 64; /* the bits do not depend on it */
}

static const struct learner_option fm_options[] = {
    HEAD_OPTIONS(struct fm_options),
    INPUTS_OPTIONS(struct fm_options, inputs, "both"),
    OPTIMIZER_OPTIONS_L2(struct fm_options, optimizer, "", "ftrl", "0", "1"),
    OPTIMIZER_OPTIONS_L2(struct fm_options, pairs, "pairs_", "ftrl", "0.05", "1"),
    TABLE_OPTIONS(struct fm_options, table, "", "hashed", "18", "1"),
    {.name = "k",
     .type = LEARNER_OPTION_INT,
     .offset = offsetof(struct fm_options, k),
     .default_text = "8",
     .min = 1,
     .max = FM_K_MAX,
     .help = "numbers by which a value's pairs are described"},
    {.name = "init",
     .type = LEARNER_OPTION_NUMBER,
     .offset = offsetof(struct fm_options, init),
     .default_text = "0.05",
     .min = 1e-6,
     .max = 1,
     .help = "standard deviation of these numbers before any example"},
};
static const struct base_kind fm_base = {.memory_bytes = memory_bytes,
                                         .init = init,
                                         .fingerprint = fingerprint,
                                         .forward = forward,
                                         .learn = learn,
                                         .export_rows = fm_export_rows,
                                         .check_row = fm_check_row,
                                         .import_row = fm_import_row,
                                         .explain = fm_explain,
                                         .describe = fm_describe};

HEAD_KIND(fm, "factorisation machine: weights and pairs of features", struct fm_options,
          batch_size);
