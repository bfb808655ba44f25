#include "model/net_base.h"

#include "model/head_internal.h"

static size_t memory_bytes(const void *options, const struct learner_space *space) {
    return net_memory_bytes(&((const struct net_learner_options *)options)->net, space);
}

static void init(void *memory, const void *memory_options, const struct learner_space *space) {
    const struct net_learner_options *options = memory_options;
    net_init(memory, &options->net, space, head_start(&options->head),
             options->head.loss == HEAD_SQUARED);
}

static uint64_t fingerprint(const void *options, const struct learner_space *space, uint64_t hash) {
    return net_fingerprint(&((const struct net_learner_options *)options)->net, space, hash);
}

static enum learner_verdict forward(const void *memory, const struct learner_input *input,
                                    uint64_t dropout_key, struct base_output *out) {
    return net_forward(memory, input, dropout_key, out);
}

static void forward_batch(const void *memory, const struct learner_input *inputs, size_t count,
                          struct base_output *out, enum learner_verdict *out_verdicts) {
    net_forward_batch(memory, inputs, count, out, out_verdicts);
}

static void learn(void *memory, const struct learner_example *examples, size_t count,
                  const struct base_teacher *teacher, enum learner_verdict *out_verdicts) {
    net_learn(memory, examples, count, teacher, out_verdicts);
}

static void export_rows(void *memory, bool all, learner_visit_row *visit, void *context) {
    net_export_rows(memory, all, visit, context);
}

static enum learner_verdict check_row(const void *memory, const struct learner_row *row) {
    return net_check_row(memory, row);
}

static void import_row(void *memory, const struct learner_row *row) {
    net_import_row(memory, row);
}

static size_t explain(const void *memory, const struct learner_input *input,
                      struct learner_term *out) {
    return net_explain(memory, input, out);
}

static size_t describe(const void *memory, char *out, size_t size) {
    return net_describe(memory, out, size);
}

const struct net *net_base_of(const void *memory) {
    const struct head *head = memory;
    return (const void *)((const char *)memory + head->base_offset);
}

size_t net_batch_size(const void *options) {
    return (size_t)((const struct net_learner_options *)options)->net.batch;
}

const struct base_kind net_base = {.memory_bytes = memory_bytes,
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
