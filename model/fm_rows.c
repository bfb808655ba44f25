/* fm: its rows, what a logit consists of, and what the learner is, in words.
 *
 *     l/counts      counters   steps       float64
 *     m/numbers     moments    inputs.h
 *     w/ wz/ wf/ wn            table.h: w, n, v[k] | the optimizers' states */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/fm_internal.h"
#include "model/slots.h"

static const char counts_key[] = "l/counts";

void fm_export_rows(void *memory, bool all, learner_visit_row *visit, void *context) {
    struct fm *fm = memory;
    if (all ? fm->steps > 0 : fm->is_changed) {
        uint8_t values[8];
        struct row_writer writer = {values, 0};
        row_put_f64(&writer, (double)fm->steps);
        struct learner_row row = {.kind = LEARNER_COUNTERS,
                                  .values = bytes_of(values, writer.size)};
        memcpy(row.key, counts_key, sizeof counts_key);
        visit(context, &row);
    }
    fm->is_changed = false;
    inputs_export_rows(&fm->inputs, all, visit, context);
    table_export_rows(fm_table(fm), all, visit, context);
}

static enum learner_verdict check_counts(const struct learner_row *row) {
    enum learner_verdict verdict = row_check_counts(row, 1);
    struct row_reader reader = {row->values};
    double steps = verdict == LEARNER_OK ? row_get_f64(&reader) : 0;
    bool is_count = row_is_count(steps) && steps >= 1;
    return verdict != LEARNER_OK || is_count ? verdict : LEARNER_BAD_VALUE;
}

enum learner_verdict fm_check_row(const void *memory, const struct learner_row *row) {
    const struct fm *fm = memory;
    if (row_has_key(row, counts_key)) {
        return check_counts(row);
    }
    enum learner_verdict verdict = inputs_check_row(&fm->inputs, row);
    return verdict != LEARNER_BAD_ROW ? verdict : table_check_row(fm_table(fm), row);
}

void fm_import_row(void *memory, const struct learner_row *row) {
    struct fm *fm = memory;
    struct row_reader reader = {row->values};
    if (row_has_key(row, counts_key)) {
        fm->steps = (int64_t)row_get_f64(&reader);
    } else if (inputs_check_row(&fm->inputs, row) == LEARNER_OK) {
        inputs_import_row(&fm->inputs, row);
    } else {
        table_import_row(fm_table(fm), row);
    }
}

/* ---- in words ---- */

/* The largest terms so far, the smallest of them first to go into the others. */
struct terms {
    struct learner_term *out;
    size_t count;
    double others;
};

/* Does the term have a place? NULL: it was added to the others. */
static struct learner_term *place(struct terms *terms, double value) {
    if (terms->count < BASE_TERMS_MAX - 1) {
        return &terms->out[terms->count++];
    }
    size_t least = 0;
    for (size_t i = 1; i < terms->count; i++) {
        least = fabs(terms->out[i].value) < fabs(terms->out[least].value) ? i : least;
    }
    if (fabs(terms->out[least].value) >= fabs(value)) {
        terms->others += value;
        return NULL;
    }
    terms->others += terms->out[least].value;
    return &terms->out[least];
}

static double pair_value(const struct fm *fm, const float *a, const float *b, double xx) {
    double sum = 0;
    for (size_t f = 0; f < fm->k; f++) {
        sum += (double)a[fm->row.v + f] * (double)b[fm->row.v + f];
    }
    return sum * xx;
}

static void add_pairs(const struct fm *fm, const struct learner_input *input,
                      const struct input_list *list, size_t i, struct terms *terms) {
    const struct table *table = fm_table(fm);
    const float *row = table_find(table, list->features[i].key);
    for (size_t j = 1; j < i && row; j++) {
        const float *other = table_find(table, list->features[j].key);
        double xx = list->features[i].x * list->features[j].x;
        double value = other ? pair_value(fm, row, other, xx) : 0;
        struct learner_term *term = value != 0 ? place(terms, value) : NULL;
        if (term) {
            char sides[2][30];
            inputs_name(&fm->inputs, input, &list->features[j], sides[0], sizeof sides[0]);
            inputs_name(&fm->inputs, input, &list->features[i], sides[1], sizeof sides[1]);
            snprintf(term->name, sizeof term->name, "%s x %s", sides[0], sides[1]);
            term->value = value;
        }
    }
}

size_t fm_explain(const void *memory, const struct learner_input *input, struct learner_term *out) {
    const struct fm *fm = memory;
    struct input_feature features[INPUTS_MAX];
    struct input_list list = {0, features};
    struct terms terms = {.out = out};
    if (!inputs_of(&fm->inputs, input, &list)) {
        return 0;
    }
    struct learner_term *start = place(&terms, fm->start);
    snprintf(start->name, sizeof start->name, "base rate before any data");
    start->value = fm->start;
    for (size_t i = 0; i < list.count; i++) {
        const float *row = table_find(fm_table(fm), features[i].key);
        double value = row ? (double)row[0] * features[i].x : 0;
        struct learner_term *term = place(&terms, value);
        if (term) {
            inputs_name(&fm->inputs, input, &features[i], term->name, sizeof term->name);
            term->value = value;
        }
        if (i > 0) {
            add_pairs(fm, input, &list, i, &terms);
        }
    }
    if (terms.others != 0) {
        snprintf(out[terms.count].name, sizeof out[0].name, "(others)");
        out[terms.count++].value = terms.others;
    }
    return terms.count;
}

size_t fm_describe(const void *memory, char *out, size_t size) {
    const struct fm *fm = memory;
    struct table_counts counts = table_count(fm_table(fm));
    int length = snprintf(
        out, size,
        "%s table of %lld rows, %.1f %% used, k %zu\n"
        "optimizer %s lr %g l1 %g l2 %g, of pairs %s lr %g l2 %g\n"
        "features of version %d: %zu numbers (%s), %zu names, %zu crosses\n",
        table_kind_names[fm->options.table.table], (long long)counts.rows,
        100 * (double)counts.used / (double)counts.rows, fm->k, optimizer_rule_names[fm->w.rule],
        fm->w.options.lr, fm->w.options.l1, fm->w.options.l2, optimizer_rule_names[fm->v.rule],
        fm->v.options.lr, fm->v.options.l2, fm->inputs.space.feature_version,
        fm->inputs.space.number_count, inputs_numbers_names[fm->options.inputs.numbers],
        fm->inputs.space.name_count, fm->inputs.cross_count);
    return length < 0 ? 0 : (size_t)length;
}
