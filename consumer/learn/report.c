#include "consumer/learn/report.h"

#include <math.h>
#include <stddef.h>

#include "consumer/ops/printable.h"

#define SLICE_COLUMNS 32

const char *const report_part_names[] = {"progressive", "train", "valid", "test", NULL};

/* X(field of struct figures, what people read, tasks that have it: b, r or both) */
#define FIGURES(X)                                                                                 \
    X(logloss, "log-loss", "b")                                                                    \
    X(constant_logloss, "  constant model", "b")                                                   \
    X(ne, "normalised entropy", "b")                                                               \
    X(auc, "AUC", "b")                                                                             \
    X(pr_auc, "PR-AUC", "b")                                                                       \
    X(accuracy, "accuracy", "b")                                                                   \
    X(majority_accuracy, "  always the majority", "b")                                             \
    X(precision, "precision", "b")                                                                 \
    X(recall, "recall", "b")                                                                       \
    X(f1, "F1", "b")                                                                               \
    X(calibration_ratio, "calibration ratio", "b")                                                 \
    X(calibration_low, "  95 % from", "b")                                                         \
    X(calibration_high, "  95 % to", "b")                                                          \
    X(ece, "ECE, 20 bins", "b")                                                                    \
    X(ece_floor, "  of a perfect model", "b")                                                      \
    X(rmse, "RMSE", "r")                                                                           \
    X(constant_rmse, "  constant model", "r")

struct figure_row {
    const char *key, *text, *tasks;
    size_t offset;
};
#define FIGURE_ROW(field, text, tasks) {#field, text, tasks, offsetof(struct figures, field)},
static const struct figure_row figure_rows[] = {FIGURES(FIGURE_ROW)};
#define FIGURE_COUNT (sizeof figure_rows / sizeof figure_rows[0])

static double figure_of(const struct figures *figures, const struct figure_row *row) {
    double value;
    memcpy(&value, (const char *)figures + row->offset, sizeof value);
    return value;
}

static bool is_shown(const struct figures *figures, const struct figure_row *row) {
    return (row->tasks[0] == 'r') == (figures->task == TASK_REGRESSION);
}

/* ---- for people ---- */

static void write_number(double value, struct buffer *out) {
    if (isnan(value)) {
        buffer_format(out, "%13s", "-");
    } else {
        buffer_format(out, "%13.5g", value);
    }
}

/* A value of somebody's file, in SLICE_COLUMNS. */
static void write_name(const char *name, struct buffer *out) {
    size_t begin = out->size, columns = 0;
    printable_append(out, bytes_of_text(name), SLICE_COLUMNS - 4);
    for (size_t i = begin; i < out->size; i++) {
        columns += (out->data[i] & 0xC0) != 0x80; /* a byte that begins a character */
    }
    buffer_format(out, "%*s", columns < SLICE_COLUMNS ? (int)(SLICE_COLUMNS - columns) : 1, "");
}

static void write_heading(const struct report *report, struct buffer *out) {
    double rate = report->seconds > 0 ? (double)report->learned / report->seconds : 0;
    buffer_format(out, "%s: %s, %lld rows, %lld pass%s, %.3g s, %.3g rows/s\n", report->input,
                  report->learner, (long long)report->rows, (long long)report->passes,
                  report->passes == 1 ? "" : "es", report->seconds, rate);
    if (report->is_stopped) {
        buffer_format(out, "stopped by a signal in pass %lld, after %lld rows in all\n",
                      (long long)report->passes, (long long)report->learned);
    }
    if (report->passes > 1 && report->best_pass != report->passes) {
        buffer_format(out, "the model is that of pass %lld, the best on the validation rows\n",
                      (long long)report->best_pass);
    }
    const struct {
        int64_t count;
        const char *text;
    } notes[] = {
        {report->corrections,
         "of them are corrections of earlier labels; figures are by the last label"},
        {report->margin_only, "revisions of the margin only: nothing to learn"},
        {report->bad, "bad rows were skipped"},
        {report->duplicates, "duplicates were left out"},
        {report->in_gap, "rows lie in the gap before held-out ones"},
        {report->of_known_groups,
         "rows are of groups that were there before after:TIME: neither learned nor judged"},
        {report->refused, "rows were refused: learning from them would not end finite"}};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (notes[i].count > 0) {
            buffer_format(out, "%lld %s\n", (long long)notes[i].count, notes[i].text);
        }
    }
    for (size_t i = 0; i < report->leak_count; i++) {
        buffer_append(out, bytes_of_text("warning: column \""));
        printable_append(out, bytes_of_text(report->leaks[i].column), 80);
        buffer_format(out, "\" alone predicts the label (AUC %.4f): does it know the future?\n",
                      report->leaks[i].auc);
    }
}

/* A column for each set of figures. */
static void write_table(const struct figures *const *columns, const char *const *names,
                        size_t count, struct buffer *out) {
    buffer_format(out, "\n%-24s", "");
    for (size_t i = 0; i < count; i++) {
        buffer_format(out, "%13.12s", names[i]);
    }
    buffer_format(out, "\n%-24s", "rows");
    for (size_t i = 0; i < count; i++) {
        buffer_format(out, "%13lld", (long long)columns[i]->n);
    }
    if (columns[0]->task == TASK_BINARY) {
        buffer_format(out, "\n%-24s", "positives");
        for (size_t i = 0; i < count; i++) {
            buffer_format(out, "%13lld", (long long)columns[i]->positives);
        }
    }
    for (size_t row = 0; row < FIGURE_COUNT; row++) {
        if (!is_shown(columns[0], &figure_rows[row])) {
            continue;
        }
        buffer_format(out, "\n%-24s", figure_rows[row].text);
        for (size_t i = 0; i < count; i++) {
            write_number(figure_of(columns[i], &figure_rows[row]), out);
        }
    }
    buffer_append_byte(out, '\n');
    if (columns[0]->task == TASK_BINARY) {
        buffer_format(out, "accuracy, precision, recall and F1 at threshold %g\n",
                      columns[0]->threshold);
    }
}

static void write_slices(const char *name, struct judged *judged, uint64_t seed,
                         struct buffer *out) {
    buffer_format(out, "\n%s by slice\n", name);
    bool is_binary = judged->whole.task == TASK_BINARY;
    buffer_format(out, "%-*s%13s%13s%13s%13s\n", SLICE_COLUMNS, "", "rows",
                  is_binary ? "log-loss" : "RMSE", is_binary ? "AUC" : "constant",
                  is_binary ? "calibration" : "");
    for (size_t i = 0; i < judged->slice_count; i++) {
        struct figures figures = evaluation_figures(&judged->slices[i].evaluation, seed);
        write_name(judged->slices[i].value, out);
        buffer_format(out, "%13lld", (long long)figures.n);
        write_number(is_binary ? figures.logloss : figures.rmse, out);
        write_number(is_binary ? figures.auc : figures.constant_rmse, out);
        if (is_binary) {
            write_number(figures.calibration_ratio, out);
        }
        buffer_append_byte(out, '\n');
    }
}

void report_write_text(const struct report *report, struct buffer *out) {
    struct figures figures[REPORT_PARTS];
    const struct figures *columns[REPORT_PARTS];
    const char *names[REPORT_PARTS];
    size_t count = 0;
    write_heading(report, out);
    for (int part = 0; part < REPORT_PARTS; part++) {
        if (report->parts[part]) {
            figures[count] = evaluation_figures(&report->parts[part]->whole, report->seed);
            columns[count] = &figures[count];
            names[count++] = report_part_names[part];
        }
    }
    if (count > 0) {
        write_table(columns, names, count, out);
    }
    for (int part = 0; part < REPORT_PARTS; part++) {
        if (report->parts[part] && report->parts[part]->has_slices) {
            write_slices(report_part_names[part], report->parts[part], report->seed, out);
        }
    }
}

/* ---- for programs ---- */

static void json_number(double value, struct buffer *out) {
    if (isfinite(value)) {
        buffer_format(out, "%.17g", value);
    } else {
        buffer_append(out, bytes_of_text("null"));
    }
}

static void json_figures(const struct figures *figures, struct buffer *out) {
    buffer_format(out, "{\"n\":%lld,\"positives\":", (long long)figures->n);
    bool is_binary = figures->task == TASK_BINARY;
    json_number(is_binary ? (double)figures->positives : (double)NAN, out);
    buffer_append(out, bytes_of_text(",\"threshold\":"));
    json_number(is_binary ? figures->threshold : (double)NAN, out);
    for (size_t row = 0; row < FIGURE_COUNT; row++) {
        buffer_format(out, ",\"%s\":", figure_rows[row].key);
        json_number(figure_of(figures, &figure_rows[row]), out);
    }
}

static void json_part(struct judged *judged, uint64_t seed, struct buffer *out) {
    struct figures figures = evaluation_figures(&judged->whole, seed);
    json_figures(&figures, out);
    if (judged->has_slices) {
        buffer_append(out, bytes_of_text(",\"slices\":{"));
        for (size_t i = 0; i < judged->slice_count; i++) {
            figures = evaluation_figures(&judged->slices[i].evaluation, seed);
            buffer_append(out, bytes_of_text(i ? "," : ""));
            printable_append_json(out, bytes_of_text(judged->slices[i].value));
            buffer_append_byte(out, ':');
            json_figures(&figures, out);
            buffer_append_byte(out, '}');
        }
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, '}');
}

static void json_leaks(const struct report *report, struct buffer *out) {
    buffer_append(out, bytes_of_text(",\"leaks\":["));
    for (size_t i = 0; i < report->leak_count; i++) {
        buffer_append(out, bytes_of_text(i ? ",{\"column\":" : "{\"column\":"));
        printable_append_json(out, bytes_of_text(report->leaks[i].column));
        buffer_append(out, bytes_of_text(",\"auc\":"));
        json_number(report->leaks[i].auc, out);
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
}

void report_write_json(const struct report *report, struct buffer *out) {
    double rate = report->seconds > 0 ? (double)report->learned / report->seconds : (double)NAN;
    buffer_format(out,
                  "{\"schema_version\":%d,\"examples\":%lld,\"passes\":%lld,\"best_pass\":%lld,",
                  REPORT_SCHEMA_VERSION, (long long)report->rows, (long long)report->passes,
                  (long long)report->best_pass);
    buffer_format(out, "\"is_stopped\":%s,\"skipped\":%lld,\"duplicates\":%lld,\"refused\":%lld,",
                  report->is_stopped ? "true" : "false", (long long)report->bad,
                  (long long)report->duplicates, (long long)report->refused);
    buffer_append(out, bytes_of_text("\"learner\":"));
    printable_append_json(out, bytes_of_text(report->learner));
    buffer_append(out, bytes_of_text(",\"seconds\":"));
    json_number(report->seconds, out);
    buffer_append(out, bytes_of_text(",\"examples_per_second\":"));
    json_number(rate, out);
    json_leaks(report, out);
    for (int part = 0; part < REPORT_PARTS; part++) {
        buffer_format(out, ",\"%s\":", report_part_names[part]);
        if (report->parts[part]) {
            json_part(report->parts[part], report->seed, out);
        } else {
            buffer_append(out, bytes_of_text("null"));
        }
    }
    buffer_append(out, bytes_of_text("}\n"));
}
