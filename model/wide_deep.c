#include "model/wide_deep.h"

#include <stdio.h>

#include "model/linear.h"

/* struct wide_deep | wide | deep */
struct wide_deep {
    size_t wide_at, deep_at;
};

static void *wide_of(const void *memory) {
    return (char *)(uintptr_t)memory + ((const struct wide_deep *)memory)->wide_at;
}
static struct net *deep_of(const void *memory) {
    return (void *)((char *)(uintptr_t)memory + ((const struct wide_deep *)memory)->deep_at);
}

static struct linear_options wide_options(const struct wide_deep_options *options) {
    struct linear_options wide;
    learner_options_default(&learner_linear, &wide);
    wide.head = options->head;
    wide.inputs = options->net.inputs;
    wide.inputs.numbers = INPUTS_BUCKET; /* moments are the network's */
    wide.table.bits = options->wide_bits;
    wide.optimizer.lr = options->wide_lr;
    wide.optimizer.l1 = options->wide_l1;
    wide.optimizer.l2 = options->wide_l2;
    return wide;
}

static size_t aligned(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

static size_t wide_bytes(const struct wide_deep_options *options,
                         const struct learner_space *space) {
    struct linear_options wide = wide_options(options);
    return aligned(linear_base.memory_bytes(&wide, space));
}

static size_t memory_bytes(const void *memory_options, const struct learner_space *space) {
    const struct wide_deep_options *options = memory_options;
    return aligned(sizeof(struct wide_deep)) + wide_bytes(options, space) +
           net_memory_bytes(&options->net, space);
}

static void init(void *memory, const void *memory_options, const struct learner_space *space) {
    const struct wide_deep_options *options = memory_options;
    struct linear_options wide = wide_options(options);
    struct wide_deep *both = memory;
    both->wide_at = aligned(sizeof *both);
    both->deep_at = both->wide_at + wide_bytes(options, space);
    linear_base.init(wide_of(memory), &wide, space);
    net_init(deep_of(memory), &options->net, space, 0, options->head.loss == HEAD_SQUARED);
}

static uint64_t fingerprint(const void *memory_options, const struct learner_space *space,
                            uint64_t hash) {
    const struct wide_deep_options *options = memory_options;
    struct linear_options wide = wide_options(options);
    hash = linear_base.fingerprint(&wide, space, hash);
    return net_fingerprint(&options->net, space, hash);
}

static enum learner_verdict add_wide(const void *memory, const struct learner_input *input,
                                     struct base_output *deep) {
    struct base_output wide;
    enum learner_verdict verdict = linear_base.forward(wide_of(memory), input, 0, &wide);
    if (verdict == LEARNER_OK) {
        deep->logit += wide.logit;
        deep->scored += wide.logit;
        deep->variance += wide.variance;
    }
    return verdict;
}

static enum learner_verdict forward(const void *memory, const struct learner_input *input,
                                    uint64_t dropout_key, struct base_output *out) {
    enum learner_verdict verdict = net_forward(deep_of(memory), input, dropout_key, out);
    return verdict == LEARNER_OK ? add_wide(memory, input, out) : verdict;
}

static void forward_batch(const void *memory, const struct learner_input *inputs, size_t count,
                          struct base_output *out, enum learner_verdict *out_verdicts) {
    net_forward_batch(deep_of(memory), inputs, count, out, out_verdicts);
    for (size_t i = 0; i < count; i++) {
        if (out_verdicts[i] == LEARNER_OK) {
            out_verdicts[i] = add_wide(memory, &inputs[i], &out[i]);
        }
    }
}

/* ---- learn ---- */

/* The network's step asks, and the wide part learns what was answered. */
struct lesson {
    void *memory;
    const struct learner_example *examples;
    const struct base_teacher *teacher;
    struct ftrl_pull pulls[LEARNER_BATCH_MAX];
};

static enum learner_verdict pull(void *context, size_t i, const struct base_output *output,
                                 struct ftrl_pull *out) {
    struct lesson *lesson = context;
    struct base_output both = *output;
    enum learner_verdict verdict = add_wide(lesson->memory, &lesson->examples[i].input, &both);
    both.variance = 0;
    if (verdict == LEARNER_OK) {
        verdict = lesson->teacher->pull(lesson->teacher->context, i, &both, out);
    }
    lesson->pulls[i] = *out;
    return verdict;
}

struct answer {
    struct ftrl_pull pull;
};

static enum learner_verdict answered(void *context, size_t i, const struct base_output *output,
                                     struct ftrl_pull *out) {
    (void)i;
    (void)output;
    *out = ((const struct answer *)context)->pull;
    return LEARNER_OK;
}

static void nothing(void *context, size_t i, enum learner_verdict verdict) {
    (void)context;
    (void)i;
    (void)verdict;
}

/* A slot that would not be finite keeps what it was; the network has learned the example. */
static void done(void *context, size_t i, enum learner_verdict verdict) {
    struct lesson *lesson = context;
    if (verdict == LEARNER_OK) {
        struct answer answer = {lesson->pulls[i]};
        struct base_teacher teacher = {answered, nothing, &answer};
        enum learner_verdict of_wide;
        linear_base.learn(wide_of(lesson->memory), &lesson->examples[i], 1, &teacher, &of_wide);
    }
    lesson->teacher->done(lesson->teacher->context, i, verdict);
}

static void learn(void *memory, const struct learner_example *examples, size_t count,
                  const struct base_teacher *teacher, enum learner_verdict *out_verdicts) {
    struct lesson lesson; /* pulls are filled by pull */
    lesson.memory = memory;
    lesson.examples = examples;
    lesson.teacher = teacher;
    struct base_teacher asking = {pull, done, &lesson};
    net_learn(deep_of(memory), examples, count, &asking, out_verdicts);
}

/* ---- rows ---- */

static void export_rows(void *memory, bool all, learner_visit_row *visit, void *context) {
    linear_base.export_rows(wide_of(memory), all, visit, context);
    net_export_rows(deep_of(memory), all, visit, context);
}

/* The wide part has no moments: m/ is the network's. */
static bool is_wide(const void *memory, const struct learner_row *row) {
    return row->kind != LEARNER_MOMENTS &&
           linear_base.check_row(wide_of(memory), row) != LEARNER_BAD_ROW;
}

static enum learner_verdict check_row(const void *memory, const struct learner_row *row) {
    return is_wide(memory, row) ? linear_base.check_row(wide_of(memory), row)
                                : net_check_row(deep_of(memory), row);
}

static void import_row(void *memory, const struct learner_row *row) {
    if (is_wide(memory, row)) {
        linear_base.import_row(wide_of(memory), row);
    } else {
        net_import_row(deep_of(memory), row);
    }
}

/* ---- in words ---- */

/* Of the wide part what it says, but its tail; the network as a sum. */
static size_t explain(const void *memory, const struct learner_input *input,
                      struct learner_term *out) {
    struct base_output deep;
    size_t count = linear_base.explain(wide_of(memory), input, out);
    if (count == BASE_TERMS_MAX) {
        snprintf(out[count - 2].name, sizeof out[0].name, "(others)");
        out[count - 2].value += out[count - 1].value;
        count--;
    }
    bool is_fine = net_forward(deep_of(memory), input, 0, &deep) == LEARNER_OK;
    snprintf(out[count].name, sizeof out[0].name, "network");
    out[count++].value = is_fine ? deep.logit : 0;
    return count;
}

static size_t describe(const void *memory, char *out, size_t size) {
    size_t used = linear_base.describe(wide_of(memory), out, size);
    return used >= size ? used : used + net_describe(deep_of(memory), out + used, size - used);
}

static size_t batch_size(const void *options) {
    return (size_t)((const struct wide_deep_options *)options)->net.batch;
}

#define WIDE_OPTION(NAME, KIND, TEXT, LEAST, MOST, HELP)                                           \
    {                                                                                              \
        .name = #NAME, .type = LEARNER_OPTION_##KIND,                                              \
        .offset = offsetof(struct wide_deep_options, NAME), .default_text = TEXT, .min = LEAST,    \
        .max = MOST, .help = HELP                                                                  \
    }
static const struct learner_option wide_deep_options[] = {
    HEAD_OPTIONS(struct wide_deep_options),
    NET_OPTIONS(struct wide_deep_options, net,
                "embedding:8 dropout:0.2 dense:128:relu dropout:0.2 dense:1"),
    WIDE_OPTION(wide_bits, INT, "18", 6, 26, "the wide part's table has 2^wide_bits slots"),
    WIDE_OPTION(wide_lr, NUMBER, "0.1", 1e-6, 100, "wide part: alpha of FTRL"),
    WIDE_OPTION(wide_l1, NUMBER, "0", 0, 1000, "wide part: pulls weights to exactly 0"),
    WIDE_OPTION(wide_l2, NUMBER, "1", 0, 1000, "wide part: pulls weights towards 0"),
};
static const struct base_kind wide_deep_base = {.memory_bytes = memory_bytes,
                                                .init = init,
                                                .fingerprint = fingerprint,
                                                .forward = forward,
                                                .forward_batch = forward_batch,
                                                .learn = learn,
                                                .is_batch_a_step = true,
                                                .export_rows = export_rows,
                                                .check_row = check_row,
                                                .import_row = import_row,
                                                .explain = explain,
                                                .describe = describe};

HEAD_KIND(wide_deep, "FTRL over crosses and a network, one logit", struct wide_deep_options,
          batch_size);
