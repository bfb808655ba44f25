/* linear: its rows, what a logit consists of, and what the learner is, in words.
 *
 *     l/counts      counters   steps, origin_ms, coin_norms, coin_weights   float64
 *     m/numbers     moments    inputs.h
 *     w/ wz/ wf/ wn            table.h */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/linear_internal.h"

#define COUNTS 4
static const char counts_key[] = "l/counts";

void linear_export_rows(void *memory, bool all, learner_visit_row *visit, void *context) {
    struct linear *linear = memory;
    if (all ? linear->steps > 0 : linear->is_changed) {
        uint8_t values[8 * COUNTS];
        struct row_writer writer = {values, 0};
        row_put_f64(&writer, (double)linear->steps);
        row_put_f64(&writer, (double)linear->origin_ms);
        row_put_f64(&writer, linear->coin_norms);
        row_put_f64(&writer, linear->coin_weights);
        struct learner_row row = {.kind = LEARNER_COUNTERS,
                                  .values = bytes_of(values, writer.size)};
        memcpy(row.key, counts_key, sizeof counts_key);
        visit(context, &row);
    }
    linear->is_changed = false;
    inputs_export_rows(&linear->inputs, all, visit, context);
    table_export_rows(linear_table(linear), all, visit, context);
}

static enum learner_verdict check_counts(const struct learner_row *row) {
    enum learner_verdict verdict = row_check_counts(row, COUNTS);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    struct row_reader reader = {row->values};
    double steps = row_get_f64(&reader), origin_ms = row_get_f64(&reader);
    bool are_sums = row_get_f64(&reader) >= 0 && row_get_f64(&reader) >= 0;
    return row_is_count(steps) && steps >= 1 && row_is_count(fabs(origin_ms)) && are_sums
               ? LEARNER_OK
               : LEARNER_BAD_VALUE;
}

enum learner_verdict linear_check_row(const void *memory, const struct learner_row *row) {
    const struct linear *linear = memory;
    if (row_has_key(row, counts_key)) {
        return check_counts(row);
    }
    enum learner_verdict verdict = inputs_check_row(&linear->inputs, row);
    return verdict != LEARNER_BAD_ROW ? verdict : table_check_row(linear_table(linear), row);
}

void linear_import_row(void *memory, const struct learner_row *row) {
    struct linear *linear = memory;
    struct row_reader reader = {row->values};
    if (row_has_key(row, counts_key)) {
        linear->steps = (int64_t)row_get_f64(&reader);
        linear->origin_ms = (int64_t)row_get_f64(&reader);
        linear->coin_norms = row_get_f64(&reader);
        linear->coin_weights = row_get_f64(&reader);
    } else if (inputs_check_row(&linear->inputs, row) == LEARNER_OK) {
        inputs_import_row(&linear->inputs, row);
    } else {
        table_import_row(linear_table(linear), row);
    }
}

/* ---- in words ---- */

size_t linear_explain(const void *memory, const struct learner_input *input,
                      struct learner_term *out) {
    const struct linear *linear = memory;
    struct input_feature features[INPUTS_MAX];
    struct input_list list = {0, features};
    if (!inputs_of(&linear->inputs, input, &list)) {
        return 0;
    }
    double norm = 1;
    if (linear->optimizer.rule == OPTIMIZER_COIN) {
        norm = linear_coin_norm_of(linear, &list);
    }
    size_t count = 0;
    snprintf(out[count].name, sizeof out[0].name, "base rate before any data");
    out[count++].value = linear->start;
    for (size_t i = 0; i < list.count; i++) {
        const struct input_feature *feature = &list.features[i];
        const float *slot = table_find(linear_table(linear), feature->key);
        double value = linear_weight(linear, slot, feature->x) * feature->x / norm;
        if (count == BASE_TERMS_MAX) { /* the last one becomes the sum of what is beyond */
            snprintf(out[count - 1].name, sizeof out[0].name, "(others)");
            out[count - 1].value += value;
            continue;
        }
        inputs_name(&linear->inputs, input, feature, out[count].name, sizeof out[0].name);
        out[count++].value = value;
    }
    return count;
}

size_t linear_describe(const void *memory, char *out, size_t size) {
    const struct linear *linear = memory;
    const struct optimizer_options *optimizer = &linear->optimizer.options;
    struct table_counts counts = table_count(linear_table(linear));
    int length = snprintf(out, size,
                          "%s table of %lld weights, %.1f %% used\n"
                          "optimizer %s lr %g l1 %g l2 %g, half life %g days\n"
                          "features of version %d: %zu numbers (%s), %zu names, %zu crosses\n",
                          table_kind_names[linear->options.table.table], (long long)counts.rows,
                          100 * (double)counts.used / (double)counts.rows,
                          optimizer_rule_names[linear->optimizer.rule], optimizer->lr,
                          optimizer->l1, optimizer->l2, linear->options.half_life_days,
                          linear->inputs.space.feature_version, linear->inputs.space.number_count,
                          inputs_numbers_names[linear->options.inputs.numbers],
                          linear->inputs.space.name_count, linear->inputs.cross_count);
    return length < 0 ? 0 : (size_t)length;
}
