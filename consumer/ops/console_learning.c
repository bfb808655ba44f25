#include "consumer/ops/console_learning.h"

#include <inttypes.h>
#include <math.h>

#include "consumer/ops/console_internal.h"
#include "consumer/ops/printable.h"

#define DECISIONS_MIN 500
#define BOUGHT_MIN    50
#define RATIO_LOW     .98
#define RATIO_HIGH    1.02

const char *const learning_verdict_names[] = {"not enough data", "calibrated", "off", NULL};

enum learning_verdict learning_verdict_of(const struct progress_figures *figures) {
    if (!(figures->n >= DECISIONS_MIN && figures->positives >= BOUGHT_MIN)) {
        return LEARNING_NOT_ENOUGH;
    }
    return figures->ratio_low <= RATIO_HIGH && figures->ratio_high >= RATIO_LOW
               ? LEARNING_CALIBRATED
               : LEARNING_OFF;
}

/* ---- Rows: learner x origin, then the learner's triggers as a whole ---- */

#define ORIGIN_TRIGGERS TRIGGER_COUNT

struct row {
    const char *learner, *origin;
    bool is_champion;
    bool is_sum; /* of other rows */
    struct progress_figures figures;
};

static size_t row_count(const struct console_learning *learning) {
    size_t learners = learning->worker_count > 0 ? learning->progress[0]->learner_count : 0;
    return learners * (TRIGGER_COUNT + 1);
}

/* Workers may differ for an epoch: 1 for whoever decides anywhere. */
static bool is_champion(const struct console_learning *learning, size_t learner) {
    bool is_any = false;
    for (size_t i = 0; i < learning->worker_count; i++) {
        is_any = is_any || metric_get(&learning->scores[i]->champion) == (int64_t)learner;
    }
    return is_any;
}

/* The index-th row; false if nothing was judged in it. */
static bool get_row(const struct console_learning *learning, size_t index, struct row *out) {
    size_t learner = index / (TRIGGER_COUNT + 1), origin = index % (TRIGGER_COUNT + 1);
    struct progress_view view = {0};
    for (size_t i = 0; i < learning->worker_count; i++) {
        const struct progress_cell *cells = learning->progress[i]->cells[learner];
        for (size_t at = 0; at < TRIGGER_COUNT; at++) {
            if (origin == ORIGIN_TRIGGERS ? at != TRIGGER_OBSERVE : at == origin) {
                progress_add(&view, &cells[at]);
            }
        }
    }
    *out = (struct row){
        .learner = learning->progress[0]->learners[learner],
        .origin = origin == ORIGIN_TRIGGERS ? "triggers" : trigger_names[origin],
        .is_champion = is_champion(learning, learner),
        .is_sum = origin == ORIGIN_TRIGGERS,
        .figures = progress_figures(&view),
    };
    return view.n > 0;
}

/* ---- /metrics ---- */

static const struct exposition {
    const char *name, *type, *help;
    size_t offset; /* of the double in struct progress_figures */
} expositions[] = {
#define FIGURE(name, type, member, help)                                                           \
    { name, type, help, offsetof(struct progress_figures, member) }
    FIGURE("decisions_total", "counter", n, "matured decisions that the learner had scored"),
    FIGURE("bought_total", "counter", positives, "of these, those that were followed by an order"),
    FIGURE("logloss", "gauge", logloss, "mean log-loss of the frozen probability, nats"),
    FIGURE("constant_logloss", "gauge", constant_logloss, "log-loss of the constant model"),
    FIGURE("normalised_entropy", "gauge", ne, "logloss / constant_logloss"),
    FIGURE("auc", "gauge", auc, "area under the curve of the frozen probability"),
    FIGURE("calibration_ratio", "gauge", ratio, "bought / promised"),
    FIGURE("calibration_ratio_low", "gauge", ratio_low, "lower end of its 95 % interval"),
    FIGURE("calibration_ratio_high", "gauge", ratio_high, "upper end of its 95 % interval"),
#undef FIGURE
};

static void write_exposition(const struct exposition *exposition, const struct row *row,
                             struct buffer *out) {
    double value;
    memcpy(&value, (const char *)&row->figures + exposition->offset, sizeof value);
    if (!isfinite(value)) {
        return;
    }
    buffer_format(out, "promostream_progress_%s{", exposition->name);
    metrics_append_label(out, "learner", bytes_of_text(row->learner));
    buffer_append_byte(out, ',');
    metrics_append_label(out, "origin", bytes_of_text(row->origin));
    buffer_format(out, "} %.10g\n", value);
}

static void write_champions(const struct console_learning *learning, struct buffer *out) {
    buffer_append(out, bytes_of_text("# HELP promostream_learner_champion 1 while the learner's "
                                     "scores decide\n# TYPE promostream_learner_champion gauge\n"));
    for (size_t i = 0; learning->worker_count > 0 && i < learning->progress[0]->learner_count;
         i++) {
        buffer_append(out, bytes_of_text("promostream_learner_champion{"));
        metrics_append_label(out, "learner", bytes_of_text(learning->progress[0]->learners[i]));
        buffer_format(out, "} %d\n", is_champion(learning, i));
    }
}

/* Of several workers the one that differs most. */
static void write_psi(const struct console_learning *learning, struct buffer *out) {
    buffer_append(out, bytes_of_text("# HELP promostream_learner_psi population stability index of "
                                     "the scores: 0.1 look, 0.25 another population\n"
                                     "# TYPE promostream_learner_psi gauge\n"));
    for (size_t i = 0; learning->worker_count > 0 && i < learning->progress[0]->learner_count;
         i++) {
        int64_t windows = 0, psi_e6 = 0;
        for (size_t at = 0; at < learning->worker_count; at++) {
            int64_t own = metric_get(&learning->progress[at]->psi[i].psi_e6);
            windows += metric_get(&learning->progress[at]->psi[i].windows);
            psi_e6 = own > psi_e6 ? own : psi_e6;
        }
        if (windows > 0) {
            buffer_append(out, bytes_of_text("promostream_learner_psi{"));
            metrics_append_label(out, "learner", bytes_of_text(learning->progress[0]->learners[i]));
            buffer_format(out, "} %.6f\n", (double)psi_e6 / 1e6);
        }
    }
}

void console_write_progress(void *context, struct buffer *out) {
    const struct console_learning *learning = context;
    write_champions(learning, out);
    write_psi(learning, out);
    struct row rows[ROW_LEARNERS_MAX * (TRIGGER_COUNT + 1)];
    size_t count = 0;
    for (size_t i = 0; i < row_count(learning); i++) {
        count += get_row(learning, i, &rows[count]);
    }
    for (size_t i = 0; i < sizeof expositions / sizeof expositions[0]; i++) {
        buffer_format(out, "# HELP promostream_progress_%s %s\n# TYPE promostream_progress_%s %s\n",
                      expositions[i].name, expositions[i].help, expositions[i].name,
                      expositions[i].type);
        bool is_counter = strcmp(expositions[i].type, "counter") == 0;
        for (size_t row = 0; row < count; row++) {
            if (!(is_counter && rows[row].is_sum)) { /* a reader's sum would count twice */
                write_exposition(&expositions[i], &rows[row], out);
            }
        }
    }
}

/* ---- Totals ---- */

typedef void append_counts(struct buffer *, const char *, const struct named_count *, size_t);

static void append_outcomes(const struct console_learning *learning, append_counts *append,
                            struct buffer *out) {
    static const struct {
        const char *name;
        size_t offset;
    } cells[] = {
#define CELL(name, member) {name, offsetof(struct outcomes_metrics, member)}
        CELL("open", open),
        CELL("examples", examples_total),
        CELL("bought", bought_total),
        CELL("corrections", corrections_total),
        CELL("margin_corrections", margin_corrections_total),
        CELL("matured", matured_total),
        CELL("cancelled", cancelled_total),
        CELL("evicted", evicted_total),
        CELL("closed_early", closed_early_total),
        CELL("too_many_open", too_many_open_total),
        CELL("condition_gone", condition_gone_total),
        CELL("bots", bots_total),
#undef CELL
    };
    struct named_count counts[sizeof cells / sizeof cells[0]];
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        counts[i] = (struct named_count){cells[i].name, 0};
        for (size_t worker = 0; worker < learning->worker_count; worker++) {
            const char *base = (const char *)learning->outcomes[worker];
            counts[i].count += metric_get((const struct metric *)(base + cells[i].offset));
        }
    }
    append(out, "outcomes", counts, sizeof cells / sizeof cells[0]);
}

/* Workers may hold different versions for a moment: the one furthest behind is shown. */
static void append_model(const struct console_learning *learning, append_counts *append,
                         struct buffer *out) {
    int64_t version = INT64_MAX, mature = INT64_MAX, alarmed = 0, scored = 0, not_finite = 0;
    for (size_t i = 0; i < learning->worker_count; i++) {
        const struct score_metrics *score = learning->scores[i];
        int64_t offset = metric_get(&score->model_offset), arms = metric_get(&score->arms_mature);
        version = offset < version ? offset : version;
        mature = arms < mature ? arms : mature;
        alarmed += metric_get(&score->alarmed) > 0;
        scored += metric_get(&score->scored_total);
        not_finite += metric_get(&score->not_finite_total);
    }
    const struct named_count counts[] = {
        {"version_offset", version}, {"mature_arms", mature},    {"alarmed_workers", alarmed},
        {"scored", scored},          {"not_finite", not_finite},
    };
    append(out, "model", counts, sizeof counts / sizeof counts[0]);
}

static void append_trainer(const struct console_trainer *trainer, bool is_json,
                           struct buffer *out) {
    const struct named_count counts[] = {
        {"learned", trainer->learned},
        {"corrections", trainer->corrections},
        {"refused", trainer->refused},
        {"versions", trainer->versions},
    };
    size_t count = sizeof counts / sizeof counts[0];
    if (!is_json) {
        char title[40];
        (void)snprintf(title, sizeof title, "trainer %s: ", trainer->learner);
        console_append_counts(out, title, counts, count);
        return;
    }
    buffer_append(out, bytes_of_text("{\"learner\":"));
    printable_append_json(out, bytes_of_text(trainer->learner));
    console_append_counts_json(out, "counts", counts, count);
    buffer_append_byte(out, '}');
}

void console_render_learning_totals(const struct console_learning *learning, bool is_json,
                                    struct buffer *out) {
    append_counts *append = is_json ? console_append_counts_json : console_append_counts;
    if (learning->worker_count > 0) {
        append_outcomes(learning, append, out);
        append_model(learning, append, out);
    }
    if (is_json) {
        buffer_append(out, bytes_of_text(",\"trainers\":["));
    }
    for (size_t i = 0; i < learning->trainer_count; i++) {
        buffer_append(out, bytes_of_text(is_json && i > 0 ? "," : ""));
        append_trainer(&learning->trainers[i], is_json, out);
    }
    buffer_append(out, bytes_of_text(is_json ? "]" : ""));
}

/* ---- The table ---- */

static void append_figure(struct buffer *out, double figure, int width) {
    if (isfinite(figure)) {
        buffer_format(out, " %*.4f", width, figure);
    } else {
        buffer_format(out, " %*s", width, "-");
    }
}

static void append_row(const struct row *row, struct buffer *out) {
    const struct progress_figures *figures = &row->figures;
    buffer_format(out, "%c %-16s %-18s %8.0f %8.0f", row->is_champion ? '*' : ' ', row->learner,
                  row->origin, figures->n, figures->positives);
    append_figure(out, figures->logloss, 9);
    append_figure(out, figures->constant_logloss, 9);
    append_figure(out, figures->ne, 7);
    append_figure(out, figures->auc, 7);
    buffer_format(out, "  %.3f [%.3f, %.3f]  %s\n", figures->ratio, figures->ratio_low,
                  figures->ratio_high, learning_verdict_names[learning_verdict_of(figures)]);
}

static void append_json_figure(struct buffer *out, const char *name, double figure) {
    buffer_format(out, ",\"%s\":", name);
    printable_append_json_number(out, figure);
}

static void append_row_json(const struct row *row, struct buffer *out) {
    const struct progress_figures *figures = &row->figures;
    buffer_append(out, bytes_of_text("{\"learner\":"));
    printable_append_json(out, bytes_of_text(row->learner));
    buffer_format(out, ",\"champion\":%s", row->is_champion ? "true" : "false");
    buffer_format(out, ",\"origin\":\"%s\",\"decisions\":%.0f,\"bought\":%.0f", row->origin,
                  figures->n, figures->positives);
    append_json_figure(out, "logloss", figures->logloss);
    append_json_figure(out, "constant_logloss", figures->constant_logloss);
    append_json_figure(out, "normalised_entropy", figures->ne);
    append_json_figure(out, "auc", figures->auc);
    append_json_figure(out, "calibration_ratio", figures->ratio);
    append_json_figure(out, "calibration_ratio_low", figures->ratio_low);
    append_json_figure(out, "calibration_ratio_high", figures->ratio_high);
    buffer_format(out, ",\"verdict\":\"%s\"}",
                  learning_verdict_names[learning_verdict_of(figures)]);
}

void console_render_learning(const struct console_learning *learning, bool is_json,
                             struct buffer *out) {
    size_t shown = 0;
    buffer_append(out, bytes_of_text(is_json ? ",\"learning\":[" : ""));
    for (size_t i = 0; i < row_count(learning); i++) {
        struct row row;
        if (!get_row(learning, i, &row)) {
            continue;
        }
        if (is_json) {
            buffer_append(out, bytes_of_text(shown > 0 ? "," : ""));
            append_row_json(&row, out);
        } else {
            if (shown == 0) {
                buffer_format(out, "\n  %-16s %-18s %8s %8s %9s %9s %7s %7s  %s\n", "learner",
                              "origin", "matured", "bought", "log-loss", "constant", "NE", "AUC",
                              "bought/promised [95 %]");
            }
            append_row(&row, out);
        }
        shown++;
    }
    if (is_json) {
        buffer_append_byte(out, ']');
    } else if (shown == 0 && learning->worker_count > 0) {
        buffer_append(out, bytes_of_text("\n  (no scored decision has matured)\n"));
    }
}
