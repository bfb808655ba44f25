#include "model/linear.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "model/linear_internal.h"

#define DAY_MS 86400000.0
/* Of a batch: slots are asked for this many examples ahead. */
#define AHEAD 4
/* VW's: keeps coin betting's mean norm above 0. */
#define COIN_NORM_LEAST 1e-6

/* ---- memory ---- */

static size_t aligned(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

/* Floats of a slot, and where the optimizer's state begins. */
static size_t floats_of(const struct linear_options *options, size_t *out_state) {
    struct optimizer optimizer = optimizer_make(&options->optimizer);
    size_t state = optimizer_floats(&optimizer, 1), floats = 2 + state;
    *out_state = 2;
    if (optimizer.rule == OPTIMIZER_FTRL) {
        *out_state = 0;
        floats = 2;
    } else if (optimizer.rule == OPTIMIZER_ADAGRAD || optimizer.rule == OPTIMIZER_ROW_ADAGRAD) {
        *out_state = 1;
        floats = 2;
    }
    return floats + (options->half_life_days > 0);
}

static size_t memory_bytes(const void *memory_options, const struct learner_space *space) {
    (void)space;
    const struct linear_options *options = memory_options;
    size_t state;
    return aligned(sizeof(struct linear)) +
           table_memory_bytes(&options->table, floats_of(options, &state));
}

static void init(void *memory, const void *memory_options, const struct learner_space *space) {
    const struct linear_options *options = memory_options;
    struct linear *linear = memory;
    memset(linear, 0, sizeof *linear);
    linear->options = *options;
    linear->optimizer = optimizer_make(&options->optimizer);
    linear->start = head_start(&options->head);
    linear->half_life_ms = options->half_life_days * DAY_MS;
    linear->floats = floats_of(options, &linear->state);
    linear->table_offset = aligned(sizeof *linear);
    assert(linear->floats <= LINEAR_FLOATS_MAX);
    inputs_init(&linear->inputs, &options->inputs, space);
    size_t score_floats = linear->optimizer.rule == OPTIMIZER_COIN ? linear->floats : 2;
    table_init(linear_table(linear), &options->table, "w", score_floats, linear->floats);
}

static uint64_t fingerprint(const void *memory_options, const struct learner_space *space,
                            uint64_t hash) {
    const struct linear_options *options = memory_options;
    hash = hash_combine(hash, hash64(bytes_of_text("linear 1"), 0));
    hash = inputs_fingerprint(&options->inputs, space, hash);
    hash = optimizer_fingerprint(&options->optimizer, hash);
    hash = table_fingerprint(&options->table, hash);
    return hash_combine(hash, (uint64_t)(options->half_life_days * DAY_MS));
}

/* ---- forward ---- */

/* With an example whose squared norm is this. */
static double coin_norm(const struct linear *linear, double norm) {
    return (linear->coin_norms + norm + COIN_NORM_LEAST) / (linear->coin_weights + 1);
}

double linear_weight(const struct linear *linear, const float *slot, double x) {
    if (!slot) {
        return 0;
    }
    switch (linear->optimizer.rule) {
    case OPTIMIZER_FTRL:
        return ftrl_weight(&linear->optimizer.ftrl, (double)slot[0], (double)slot[1]);
    case OPTIMIZER_COIN:
        return optimizer_coin_weight(slot + linear->state, 1, x);
    default:
        return (double)slot[0];
    }
}

static double coin_share(const struct linear *linear, const float *slot, double x) {
    double most = fmax(slot ? optimizer_coin_largest(slot + linear->state) : 0, fabs(x));
    return most > 0 ? x * x / (most * most) : 0;
}

/* Sums over the list; coin betting's norm of the example goes to out_norm. */
static struct base_output output_of(const struct linear *linear, const struct input_list *list,
                                    double *out_norm) {
    const struct table *table = linear_table(linear);
    struct base_output output = {.logit = 0};
    bool is_coin = linear->optimizer.rule == OPTIMIZER_COIN;
    *out_norm = 0;
    for (size_t i = 0; i < list->count; i++) {
        double x = list->features[i].x;
        const float *slot = table_find(table, list->features[i].key);
        output.logit += linear_weight(linear, slot, x) * x;
        output.variance += x * x / (1 + (slot ? (double)slot[1] : 0)); /* sigma_0 = 1 */
        *out_norm += is_coin ? coin_share(linear, slot, x) : 0;
    }
    output.logit /= is_coin ? coin_norm(linear, *out_norm) : 1;
    output.logit += linear->start;
    return output;
}

double linear_coin_norm_of(const struct linear *linear, const struct input_list *list) {
    double norm;
    output_of(linear, list, &norm);
    return coin_norm(linear, norm);
}

static enum learner_verdict forward_with(const struct linear *linear,
                                         const struct learner_input *input,
                                         struct linear_scratch *scratch, struct base_output *out) {
    if (!inputs_of(&linear->inputs, input, &scratch->list)) {
        return LEARNER_BAD_VALUE;
    }
    if (!linear_is_plain(linear)) {
        double norm;
        *out = output_of(linear, &scratch->list, &norm);
        return LEARNER_OK;
    }
    linear_plain_gather(linear, scratch);
    *out = linear_plain_output(linear, scratch);
    for (size_t i = 0; i < scratch->list.count; i++) {
        double x = (double)scratch->x[i];
        out->variance += x * x / (1 + (double)scratch->n[i]);
    }
    return LEARNER_OK;
}

__attribute__((noinline)) static enum learner_verdict
forward_large(const struct linear *linear, const struct learner_input *input,
              struct base_output *out) {
    struct {
        LINEAR_BUFFERS(INPUTS_MAX)
    } buffers;
    struct linear_scratch scratch = LINEAR_SCRATCH(buffers);
    return forward_with(linear, input, &scratch, out);
}

static enum learner_verdict forward(const void *memory, const struct learner_input *input,
                                    uint64_t dropout_key, struct base_output *out) {
    (void)dropout_key;
    const struct linear *linear = memory;
    if (inputs_most(&linear->inputs, input) > INPUTS_SMALL) {
        return forward_large(linear, input, out);
    }
    struct {
        LINEAR_BUFFERS(INPUTS_SMALL)
    } buffers;
    struct linear_scratch scratch = LINEAR_SCRATCH(buffers);
    return forward_with(linear, input, &scratch, out);
}

/* ---- learn ---- */

/* What the step of one weight is made of. */
struct step {
    const struct linear *linear;
    struct ftrl_pull pull;
    double rate;
    double now; /* half lives since origin_ms */
};

static void forget(const struct step *step, float *slot) {
    const struct linear *linear = step->linear;
    float *met = &slot[linear->floats - 1];
    double gone = step->now - (double)*met;
    bool is_new = slot[0] == 0 && slot[1] == 0;
    if (gone > 0 && !is_new) {
        double keep = fmax(exp2(-gone), 1e-30);
        float w = (float)linear_weight(linear, slot, 0);
        optimizer_forget(&linear->optimizer, keep, &w, slot + linear->state, 1);
        if (linear->state == 2) {
            slot[1] = (float)(keep * (double)slot[1]);
        }
    }
    *met = (float)(is_new ? step->now : fmax(step->now, (double)*met));
}

/* w: FTRL's weight at the prediction. */
static void step_slot(const struct step *step, float *slot, double w, double x) {
    const struct linear *linear = step->linear;
    if (linear->half_life_ms > 0) {
        forget(step, slot);
    }
    if (linear_is_ftrl(linear)) {
        double z = (double)slot[0], n = (double)slot[1];
        ftrl_step(&linear->optimizer.ftrl, w, step->pull.gradient * x, step->pull.square * x * x,
                  &z, &n);
        slot[0] = (float)z;
        slot[1] = (float)n;
        return;
    }
    optimizer_step_weight(&linear->optimizer, step->rate, &slot[0], slot + linear->state,
                          &step->pull, x);
    if (linear->state == 2) {
        slot[1] = (float)((double)slot[1] + step->pull.square * x * x);
    }
}

static bool is_slot_sane(const struct linear *linear, const float *slot) {
    bool is_sane = true;
    for (size_t i = 0; i < linear->floats; i++) {
        is_sane &= fabs((double)slot[i]) <= LINEAR_VALUE_MAX;
    }
    return is_sane;
}

/* Steps copies first: a table forgets nothing that it was asked to take. */
static bool learn_slots(struct linear *linear, struct linear_scratch *scratch,
                        const struct step *step, int64_t time_ms) {
    struct table *table = linear_table(linear);
    const struct input_list *list = &scratch->list;
    double *w = scratch->weights;
    for (size_t i = 0; i < list->count; i++) {
        double x = list->features[i].x;
        const float *slot = table_find(table, list->features[i].key);
        float copy[LINEAR_FLOATS_MAX] = {0};
        if (slot) {
            memcpy(copy, slot, linear->floats * sizeof *slot);
        }
        w[i] = linear_weight(linear, slot, x);
        step_slot(step, copy, w[i], x);
        if (!is_slot_sane(linear, copy)) {
            return false;
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        bool is_new;
        float *slot = table_take(table, list->features[i].key, time_ms, &is_new);
        if (slot) {
            step_slot(step, slot, w[i], list->features[i].x);
        }
    }
    return true;
}

/* Scaled numbers have moved: weights follow, so that no prediction changes. */
static void move_weights(struct linear *linear, const struct inputs_move *moves, size_t count,
                         int64_t time_ms) {
    struct table *table = linear_table(linear);
    const struct optimizer *optimizer = &linear->optimizer;
    bool is_ftrl = linear_is_ftrl(linear);
    for (size_t i = 0; i < count * INPUTS_CLASSES; i++) {
        const struct inputs_move *move = &moves[i / INPUTS_CLASSES];
        int class = (int)(i % INPUTS_CLASSES);
        uint64_t key = inputs_linear_key(&linear->inputs, class, move->number);
        const float *found = table_find(table, key);
        double by = move->now.sd / move->before.sd;
        double shift = (move->now.mean - move->before.mean) / move->before.sd;
        if (!found || !(found[0] != 0 || found[1] != 0)) {
            continue;
        }
        bool is_new;
        float *slot = table_take(table, key, time_ms, &is_new);
        float w = (float)linear_weight(linear, slot, 0);
        double moved = (double)w * shift;
        optimizer_rescale(optimizer, by, is_ftrl ? &w : &slot[0], slot + linear->state);
        if (linear->state == 2) {
            slot[1] = (float)((double)slot[1] / (by * by));
        }
        float *bias = table_take(table, inputs_bias_key(&linear->inputs, class), time_ms, &is_new);
        if (bias) {
            w = (float)linear_weight(linear, bias, 0);
            float *at = is_ftrl ? &w : &bias[0];
            optimizer_set_weight(optimizer, (double)*at + moved, at, bias + linear->state);
        }
    }
}

static double half_lives(const struct linear *linear, int64_t time_ms) {
    return linear->half_life_ms > 0 && linear->origin_ms != 0 && time_ms != 0
               ? (double)(time_ms - linear->origin_ms) / linear->half_life_ms
               : 0;
}

__attribute__((noinline)) static void learn_numbers(struct linear *linear,
                                                    const struct learner_example *example) {
    struct inputs_move moves[INPUTS_NUMBERS_MAX];
    size_t moved = inputs_learn(&linear->inputs, &example->input, moves);
    move_weights(linear, moves, moved, example->time_ms);
}

/* The gradient of all weights is that of the logit times x. */
static struct ftrl_pull clipped(const struct linear *linear, const struct input_list *list,
                                struct ftrl_pull pull) {
    double norm_square = 0;
    for (size_t i = 0; i < list->count; i++) {
        double g = pull.gradient * list->features[i].x;
        norm_square += g * g;
    }
    double scale = optimizer_clip(&linear->optimizer, norm_square);
    return (struct ftrl_pull){scale * pull.gradient, scale * scale * pull.square};
}

static enum learner_verdict learn_with(struct linear *linear, const struct learner_example *example,
                                       size_t i, const struct base_teacher *teacher,
                                       struct linear_scratch *scratch) {
    if (!inputs_of(&linear->inputs, &example->input, &scratch->list)) {
        return LEARNER_BAD_VALUE;
    }
    struct base_output output;
    double norm = 0;
    bool is_plain = linear_is_plain(linear);
    if (is_plain) {
        linear_plain_gather(linear, scratch);
        output = linear_plain_output(linear, scratch);
    } else {
        output = output_of(linear, &scratch->list, &norm);
        output.variance = 0;
    }
    struct step step = {.linear = linear, .now = half_lives(linear, example->time_ms)};
    enum learner_verdict verdict = teacher->pull(teacher->context, i, &output, &step.pull);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    if (linear->optimizer.options.clip > 0) {
        step.pull = clipped(linear, &scratch->list, step.pull);
    }
    step.rate = optimizer_rate(&linear->optimizer, linear->steps + 1);
    if (!(is_plain ? linear_plain_learn(linear, scratch, &step.pull)
                   : learn_slots(linear, scratch, &step, example->time_ms))) {
        teacher->done(teacher->context, i, LEARNER_NOT_FINITE);
        return LEARNER_NOT_FINITE;
    }
    linear->steps++;
    linear->coin_norms += norm * example->weight;
    linear->coin_weights += example->weight;
    linear->is_changed = true;
    if (linear->origin_ms == 0) {
        linear->origin_ms = example->time_ms;
    }
    if (linear->inputs.space.number_count > 0 && !example->is_correction) {
        learn_numbers(linear, example);
    }
    teacher->done(teacher->context, i, LEARNER_OK);
    return LEARNER_OK;
}

__attribute__((noinline)) static enum learner_verdict
learn_large(struct linear *linear, const struct learner_example *example, size_t i,
            const struct base_teacher *teacher) {
    struct {
        LINEAR_BUFFERS(INPUTS_MAX)
    } buffers;
    struct linear_scratch scratch = LINEAR_SCRATCH(buffers);
    return learn_with(linear, example, i, teacher, &scratch);
}

static enum learner_verdict learn_one(struct linear *linear, const struct learner_example *example,
                                      size_t i, const struct base_teacher *teacher) {
    if (inputs_most(&linear->inputs, &example->input) > INPUTS_SMALL) {
        return learn_large(linear, example, i, teacher);
    }
    struct {
        LINEAR_BUFFERS(INPUTS_SMALL)
    } buffers;
    struct linear_scratch scratch = LINEAR_SCRATCH(buffers);
    return learn_with(linear, example, i, teacher, &scratch);
}

static void learn(void *memory, const struct learner_example *examples, size_t count,
                  const struct base_teacher *teacher, enum learner_verdict *out_verdicts) {
    struct linear *linear = memory;
    for (size_t i = 0; i < count && i < AHEAD; i++) {
        linear_prefetch(linear, &examples[i].input);
    }
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count) {
            linear_prefetch(linear, &examples[i + AHEAD].input);
        }
        out_verdicts[i] = learn_one(linear, &examples[i], i, teacher);
    }
}

static size_t batch_size(const void *options) {
    (void)options;
    return 64; /* the bits do not depend on it */
}

static const struct learner_option linear_options[] = {
    HEAD_OPTIONS(struct linear_options),
    INPUTS_OPTIONS(struct linear_options, inputs, "both"),
    OPTIMIZER_OPTIONS_L2(struct linear_options, optimizer, "", "ftrl", "0", "1"),
    TABLE_OPTIONS(struct linear_options, table, "", "hashed", "18", "1"),
    {.name = "half_life_days",
     .type = LEARNER_OPTION_NUMBER,
     .offset = offsetof(struct linear_options, half_life_days),
     .default_text = "0",
     .max = 36500,
     .help = "days of event time in which what was learned counts half; 0 = nothing is forgotten"},
};
const struct base_kind linear_base = {.memory_bytes = memory_bytes,
                                      .init = init,
                                      .fingerprint = fingerprint,
                                      .forward = forward,
                                      .learn = learn,
                                      .export_rows = linear_export_rows,
                                      .check_row = linear_check_row,
                                      .import_row = linear_import_row,
                                      .explain = linear_explain,
                                      .describe = linear_describe};

HEAD_KIND(linear, "a weighted sum, learned by any optimizer", struct linear_options, batch_size);
