/* net: its rows, what a logit consists of, and what the network is, in words.
 *
 *     n/counts   counters   steps, rejected, moments of labels (5)   float64
 *     m/numbers  moments    inputs.h
 *     p/ pz/                4096 values of weights, of states        float32
 *     e/ ez/ ef/ en         table.h */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/net_internal.h"

#define COUNTS 7
#define DIGITS 7
static const char counts_key[] = "n/counts";
static const char *const prefixes[2] = {"p/", "pz/"};

/* ---- export ---- */

static void export_counts(const struct net *net, learner_visit_row *visit, void *context) {
    uint8_t values[8 * COUNTS];
    struct row_writer writer = {values, 0};
    const struct net_labels *labels = &net->labels;
    const double counts[COUNTS] = {(double)net->steps, (double)net->rejected, labels->count,
                                   labels->mean,       labels->squares,       labels->used_mean,
                                   labels->used_sd};
    for (size_t i = 0; i < COUNTS; i++) {
        row_put_f64(&writer, counts[i]);
    }
    struct learner_row row = {.kind = LEARNER_COUNTERS, .values = bytes_of(values, writer.size)};
    memcpy(row.key, counts_key, sizeof counts_key);
    visit(context, &row);
}

static size_t block_size(const struct net *net, int which) {
    return which == 0 ? net->weights : net->states;
}

static float *block_of(const struct net *net, int which) {
    return which == 0 ? net_weights(net) : net_states(net);
}

static size_t chunk_size(const struct net *net, int which, size_t chunk) {
    size_t left = block_size(net, which) - chunk * NET_CHUNK;
    return left < NET_CHUNK ? left : NET_CHUNK;
}

static void export_block(const struct net *net, int which, learner_visit_row *visit,
                         void *context) {
    uint8_t values[4 * NET_CHUNK];
    for (size_t chunk = 0; chunk * NET_CHUNK < block_size(net, which); chunk++) {
        const float *from = block_of(net, which) + chunk * NET_CHUNK;
        struct row_writer writer = {values, 0};
        for (size_t i = 0; i < chunk_size(net, which, chunk); i++) {
            row_put_f32(&writer, from[i]);
        }
        struct learner_row row = {.kind = which == 0 ? LEARNER_WEIGHTS : LEARNER_OPTIMIZER,
                                  .values = bytes_of(values, writer.size)};
        row_key(row.key, prefixes[which], chunk, DIGITS);
        visit(context, &row);
    }
}

/* A step changes every weight. */
void net_export_rows(struct net *net, bool all, learner_visit_row *visit, void *context) {
    bool is_any = all ? net->steps + net->rejected > 0 : net->is_changed;
    net->is_changed = false;
    if (is_any) {
        export_counts(net, visit, context);
        export_block(net, 0, visit, context);
        export_block(net, 1, visit, context);
    }
    inputs_export_rows(&net->inputs, all, visit, context);
    table_export_rows(net_table(net), all, visit, context);
}

/* ---- import ---- */

/* 0, 1, or -1: not of a block. */
static int block_named(const struct net *net, const struct learner_row *row, size_t *out_chunk) {
    for (int which = 0; which < 2; which++) {
        uint64_t chunk;
        if (row_key_parse(row->key, prefixes[which], DIGITS, &chunk) &&
            chunk * NET_CHUNK < block_size(net, which) &&
            row->kind == (which == 0 ? LEARNER_WEIGHTS : LEARNER_OPTIMIZER)) {
            *out_chunk = (size_t)chunk;
            return which;
        }
    }
    return -1;
}

static enum learner_verdict check_counts(const struct learner_row *row) {
    enum learner_verdict verdict = row_check_counts(row, COUNTS);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    struct row_reader reader = {row->values};
    double counts[COUNTS];
    for (size_t i = 0; i < COUNTS; i++) {
        counts[i] = row_get_f64(&reader);
    }
    bool are_counts =
        row_is_count(counts[0]) && row_is_count(counts[1]) && counts[0] + counts[1] >= 1;
    return are_counts && counts[2] >= 0 && counts[4] >= 0 && counts[6] > 0 ? LEARNER_OK
                                                                           : LEARNER_BAD_VALUE;
}

/* Sums of squares are not negative: those of the last layer score. */
static enum learner_verdict check_chunk(const struct net *net, const struct learner_row *row,
                                        int which, size_t chunk) {
    size_t count = chunk_size(net, which, chunk);
    enum learner_verdict verdict = row_check_f32(row->values, count);
    struct row_reader reader = {row->values};
    for (size_t i = 0; i < count && verdict == LEARNER_OK; i++) {
        bool is_square = which == 0 && chunk * NET_CHUNK + i >= net->params;
        if (row_get_f32(&reader) < 0 && is_square) {
            verdict = LEARNER_BAD_VALUE;
        }
    }
    return verdict;
}

enum learner_verdict net_check_row(const struct net *net, const struct learner_row *row) {
    size_t chunk;
    int which = block_named(net, row, &chunk);
    if (row_has_key(row, counts_key)) {
        return check_counts(row);
    }
    if (which >= 0) {
        return check_chunk(net, row, which, chunk);
    }
    enum learner_verdict verdict = inputs_check_row(&net->inputs, row);
    return verdict != LEARNER_BAD_ROW ? verdict : table_check_row(net_table(net), row);
}

void net_import_row(struct net *net, const struct learner_row *row) {
    size_t chunk;
    int which = block_named(net, row, &chunk);
    struct row_reader reader = {row->values};
    if (row_has_key(row, counts_key)) {
        net->steps = (int64_t)row_get_f64(&reader);
        net->rejected = (int64_t)row_get_f64(&reader);
        net->labels.count = row_get_f64(&reader);
        net->labels.mean = row_get_f64(&reader);
        net->labels.squares = row_get_f64(&reader);
        net->labels.used_mean = row_get_f64(&reader);
        net->labels.used_sd = row_get_f64(&reader);
    } else if (which >= 0) {
        float *to = block_of(net, which) + chunk * NET_CHUNK;
        for (size_t i = 0; i < chunk_size(net, which, chunk); i++) {
            to[i] = row_get_f32(&reader);
        }
    } else if (inputs_check_row(&net->inputs, row) == LEARNER_OK) {
        inputs_import_row(&net->inputs, row);
    } else {
        table_import_row(net_table(net), row);
    }
}

/* ---- in words ---- */

/* The input without one part: numbers, names are made missing; of the others, how many there are.
 */
struct without {
    double numbers[INPUTS_NUMBERS_MAX];
    struct bytes names[INPUTS_NAMES_MAX];
};

static double logit_of_input(const struct net *net, const struct learner_input *input) {
    struct base_output output;
    return net_forward(net, input, 0, &output) == LEARNER_OK ? output.logit : 0;
}

static size_t add_term(struct learner_term *out, size_t count, double value, const char *name,
                       const char *sign, struct bytes text) {
    if (count == BASE_TERMS_MAX - 2) { /* two are kept: the base rate, and together */
        snprintf(out[count - 1].name, sizeof out[0].name, "(others)");
        out[count - 1].value += value;
        return count;
    }
    snprintf(out[count].name, sizeof out[0].name, "%.40s%s%.*s", name, sign,
             (int)(text.size < 20 ? text.size : 20), text.size > 0 ? (const char *)text.data : "");
    out[count].value = value;
    return count + 1;
}

size_t net_explain(const struct net *net, const struct learner_input *input,
                   struct learner_term *out) {
    struct without without;
    const struct learner_space *space = &net->inputs.space;
    double whole = logit_of_input(net, input), sum = 0;
    size_t count = 0;
    struct learner_input less = *input;
    for (size_t i = 0; i < space->number_count; i++) {
        without.numbers[i] = input->numbers[i];
    }
    for (size_t i = 0; i < space->name_count; i++) {
        without.names[i] = input->names[i];
    }
    less.numbers = without.numbers;
    less.names = without.names;
    for (size_t i = 0; i < space->number_count; i++) {
        char value[24];
        without.numbers[i] = (double)NAN;
        snprintf(value, sizeof value, "%.6g", input->numbers[i]);
        double lost = whole - logit_of_input(net, &less);
        count = add_term(out, count, lost, space->numbers[i], " = ", bytes_of_text(value));
        without.numbers[i] = input->numbers[i];
        sum += lost;
    }
    for (size_t i = 0; i < space->name_count; i++) {
        without.names[i] = bytes_of(NULL, 0);
        double lost = whole - logit_of_input(net, &less);
        count = add_term(out, count, lost, space->names[i], " = ", input->names[i]);
        without.names[i] = input->names[i];
        sum += lost;
    }
    if (input->feature_count > 0) {
        less.feature_count = 0;
        double lost = whole - logit_of_input(net, &less);
        count = add_term(out, count, lost, "features", "", bytes_of_text(""));
        less.feature_count = input->feature_count;
        sum += lost;
    }
    if (net_steps_of(net, input) > 0) {
        less.step_count = 0;
        double lost = whole - logit_of_input(net, &less);
        count = add_term(out, count, lost, "last steps", "", bytes_of_text(""));
        sum += lost;
    }
    double start = net->start + net->labels.used_mean;
    snprintf(out[count].name, sizeof out[0].name, "base rate before any data");
    out[count++].value = start;
    snprintf(out[count].name, sizeof out[0].name, "(together)");
    out[count++].value = whole - start - sum;
    return count;
}

size_t net_describe(const struct net *net, char *out, size_t size) {
    const struct optimizer_options *optimizer = &net->optimizer.options;
    struct table_counts counts = table_count(net_table(net));
    int length = snprintf(
        out, size,
        "layers %s: %zu inputs, %zu parameters\n"
        "%s table of %lld embeddings, %.1f %% used\n"
        "optimizer %s lr %g, batches of %d, norm of gradients cut at %g\n"
        "%lld steps, %lld batches rejected\n"
        "features of version %d: %zu numbers (%s), %zu names, %zu crosses\n",
        net->options.layers, net->layers.in, net->params,
        table_kind_names[net->options.table.table], (long long)counts.rows,
        100 * (double)counts.used / (double)counts.rows, optimizer_rule_names[net->optimizer.rule],
        optimizer->lr, net->options.batch, optimizer->clip, (long long)net->steps,
        (long long)net->rejected, net->inputs.space.feature_version, net->inputs.space.number_count,
        inputs_numbers_names[net->options.inputs.numbers], net->inputs.space.name_count,
        net->inputs.cross_count);
    return length < 0 ? 0 : (size_t)length;
}
