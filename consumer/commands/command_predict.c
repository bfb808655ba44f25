/* predict: scores the rows of a file by a saved model. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/commands/support.h"
#include "consumer/learn/model_file.h"
#include "consumer/learn/row_copy.h"
#include "consumer/learn/source.h"

#define TERMS_SHOWN 10

struct predict_options {
    const char *load, *id, *out, *delimiter;
    int format;
    int64_t row_bytes;
    bool explain, skip_bad;
};

static const struct option_row rows[] = {
    {.name = "load",
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = offsetof(struct predict_options, load),
     .is_required = true,
     .help = "A model of promostream learn --save."},
    {.name = "id",
     .argument = "COL",
     .type = OPTION_TEXT,
     .offset = offsetof(struct predict_options, id),
     .help = "Column that names the rows in the output; without it their number, from 1. VW text: "
             "its tags where there are any."},
    {.name = "explain",
     .type = OPTION_FLAG,
     .offset = offsetof(struct predict_options, explain),
     .help = "Add the largest summands of each logit (of each value, with regression)."},
    {.name = "out",
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = offsetof(struct predict_options, out),
     .help = "Write there, not to standard output."},
    {.name = "delimiter",
     .argument = "C",
     .type = OPTION_TEXT,
     .offset = offsetof(struct predict_options, delimiter),
     .help = "Between the fields of a CSV, as in promostream learn."},
    {.name = "format",
     .argument = "FORMAT",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct predict_options, format),
     .default_text = "auto",
     .choices = source_format_names,
     .help = "csv, vw or avro; auto looks at the first bytes."},
    {.name = "row-bytes-max",
     .argument = "SIZE",
     .type = OPTION_SIZE_BYTES,
     .offset = offsetof(struct predict_options, row_bytes),
     .default_text = "1M",
     .min = 64,
     .max = 1 << 30,
     .help = "Longer rows are bad."},
    {.name = "skip-bad",
     .type = OPTION_FLAG,
     .offset = offsetof(struct predict_options, skip_bad),
     .help = "Give rows that cannot be read an empty prediction; otherwise the first ends it."},
};

static const struct option_page page = {
    .name = "promostream predict",
    .summary = "score the rows of a file by a saved model",
    .synopsis = "FILE --load MODEL [OPTION]...",
    .description =
        "Writes a CSV with a row for each row of FILE, in its order: the id and the probability, "
        "or "
        "the value that a regression predicts. FILE needs the columns that the model was trained "
        "with, in any order; its label may be missing.",
    .exit_status = " 0  done\n 1  failed: standard error says where and why\n 2  wrong usage",
    .examples = " promostream predict new.csv --load m.psm --id user --out scores.csv",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

/* A row that waits for its score. */
struct waiting {
    struct row_copy copy;
    int64_t number;
    bool is_bad;
};

struct predicting {
    const struct predict_options *options;
    struct fitted fitted;
    struct source *source;
    FILE *out;
    struct waiting waiting[LEARNER_BATCH_MAX];
    size_t waiting_count;
    struct learner_input inputs[LEARNER_BATCH_MAX]; /* of those that are not bad, in order */
    size_t input_count;
    struct buffer line;
    int64_t bad, refused;
};

/* Quoted where it must be. */
static void append_field(struct buffer *out, struct bytes text) {
    bool is_quoted = false;
    for (size_t i = 0; i < text.size; i++) {
        is_quoted = is_quoted || strchr(",\"\n\r", text.data[i]) != NULL;
    }
    if (!is_quoted) {
        buffer_append(out, text);
        return;
    }
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        buffer_append(out, bytes_of_text(text.data[i] == '"' ? "\"" : ""));
        buffer_append_byte(out, text.data[i]);
    }
    buffer_append_byte(out, '"');
}

static void append_term(void *context, const struct learner_term *term) {
    struct buffer *out = context;
    buffer_format(out, "%s%s %+.4f", out->size ? "; " : "", term->name, term->value);
}

struct explaining {
    struct buffer text;
    int shown;
    double left;
};

static void take_term(void *context, const struct learner_term *term) {
    struct explaining *explaining = context;
    if (explaining->shown++ < TERMS_SHOWN) {
        append_term(&explaining->text, term);
    } else {
        explaining->left += term->value;
    }
}

static void append_explanation(struct predicting *predicting, const struct learner_input *input) {
    struct explaining explaining = {0};
    predicting->fitted.kind->explain(predicting->fitted.memory, input, LEARNER_ARM_NONE, take_term,
                                     &explaining);
    if (explaining.shown > TERMS_SHOWN) {
        struct learner_term left = {.name = "(others)", .value = explaining.left};
        append_term(&explaining.text, &left);
    }
    buffer_append_byte(&predicting->line, ',');
    append_field(&predicting->line, buffer_bytes(&explaining.text));
    buffer_clean_up(&explaining.text);
}

static void append_id(struct predicting *predicting, const struct waiting *row) {
    if (row->copy.kept.size > 0 || predicting->options->id) {
        append_field(&predicting->line, buffer_bytes(&row->copy.kept));
    } else {
        buffer_format(&predicting->line, "%lld", (long long)row->number);
    }
    buffer_append_byte(&predicting->line, ',');
}

static void append_score(struct predicting *predicting, enum learner_verdict verdict, double p,
                         const struct learner_input *input) {
    if (verdict != LEARNER_OK) {
        predicting->refused++;
        buffer_append(&predicting->line, bytes_of_text(predicting->options->explain ? "," : ""));
        return;
    }
    buffer_format(&predicting->line, "%.10g", p);
    if (predicting->options->explain) {
        append_explanation(predicting, input);
    }
}

/* Scores what waits, and writes it in its order. */
static void flush(struct predicting *predicting) {
    double p[LEARNER_BATCH_MAX];
    enum learner_verdict verdicts[LEARNER_BATCH_MAX];
    fitted_score_batch(&predicting->fitted, predicting->inputs, predicting->input_count, p,
                       verdicts);
    buffer_clear(&predicting->line);
    for (size_t i = 0, scored = 0; i < predicting->waiting_count; i++) {
        const struct waiting *row = &predicting->waiting[i];
        if (row->is_bad) {
            buffer_format(&predicting->line, "%lld,%s", (long long)row->number,
                          predicting->options->explain ? "," : "");
        } else {
            append_id(predicting, row);
            append_score(predicting, verdicts[scored], p[scored], &predicting->inputs[scored]);
            scored++;
        }
        buffer_append_byte(&predicting->line, '\n');
    }
    fwrite(predicting->line.data, 1, predicting->line.size, predicting->out);
    predicting->waiting_count = predicting->input_count = 0;
}

static void add(struct predicting *predicting, const struct data_row *row, int64_t number,
                bool is_bad) {
    struct waiting *waiting = &predicting->waiting[predicting->waiting_count++];
    waiting->number = number;
    waiting->is_bad = is_bad;
    predicting->bad += is_bad;
    if (!is_bad) {
        predicting->inputs[predicting->input_count++] =
            row_copy_input(&waiting->copy, &predicting->fitted, row);
    }
    if (predicting->waiting_count == LEARNER_BATCH_MAX) {
        flush(predicting);
    }
}

static void write_header(struct predicting *predicting) {
    const struct predict_options *options = predicting->options;
    append_field(&predicting->line, bytes_of_text(options->id ? options->id : "row"));
    bool is_binary = predicting->fitted.columns.task == TASK_BINARY;
    buffer_format(&predicting->line, ",%s%s\n", is_binary ? "p" : "value",
                  options->explain ? ",explanation" : "");
    fwrite(predicting->line.data, 1, predicting->line.size, predicting->out);
}

static struct failure score_rows(struct predicting *predicting) {
    struct failure failure = failure_none();
    for (int64_t number = 1; !failed(failure) && !stop_requested; number++) {
        struct data_row row;
        char error[ROW_ERROR_BYTES_MAX];
        enum row_verdict verdict = source_next(predicting->source, &row, error, &failure);
        if (verdict == ROW_FAILED || verdict == ROW_END) {
            break;
        }
        if (verdict == ROW_BAD && !predicting->options->skip_bad) {
            failure =
                failure_make(FAILURE_STOP, 0, "%.60s:%llu: %.160s", source_name(predicting->source),
                             (unsigned long long)row.line, error);
        } else {
            add(predicting, &row, number, verdict == ROW_BAD);
        }
    }
    flush(predicting);
    return failed(failure) || !stop_requested
               ? failure
               : failure_make(FAILURE_STOP, 0,
                              "%.60s: stopped by a signal, the scores are not whole",
                              source_name(predicting->source));
}

static struct failure predict(struct predicting *predicting, const char *path) {
    const struct predict_options *options = predicting->options;
    struct model_origin origin;
    const char *separator = options->delimiter;
    struct source_config config = {.path = path,
                                   .format = (enum source_format)options->format,
                                   .separator = !separator                      ? 0
                                                : strcmp(separator, "tab") == 0 ? '\t'
                                                                                : *separator,
                                   .row_bytes_max = (size_t)options->row_bytes};
    struct failure failure = command_check_output("out", options->out, false, path);
    if (!failed(failure)) {
        failure = command_check_output("out", options->out, false, options->load);
    }
    if (!failed(failure)) {
        failure = model_file_load(options->load, &predicting->fitted, &origin);
    }
    if (!failed(failure)) {
        failure = source_open(&config, &predicting->source);
    }
    if (!failed(failure)) {
        failure = source_bind(predicting->source, &predicting->fitted.columns, options->id, false);
    }
    if (!failed(failure) && options->out) {
        predicting->out = fopen(options->out, "w");
        if (!predicting->out) {
            failure = failure_make(FAILURE_STOP, errno, "%s: %s", options->out, strerror(errno));
        }
    }
    if (failed(failure)) {
        return failure;
    }
    for (size_t i = 0; i < LEARNER_BATCH_MAX; i++) {
        row_copy_init(&predicting->waiting[i].copy, &predicting->fitted.columns);
    }
    write_header(predicting);
    return score_rows(predicting);
}

static struct failure close_output(struct predicting *predicting) {
    if (!predicting->out || predicting->out == stdout) {
        return failure_none(); /* main looks at standard output */
    }
    bool has_error = ferror(predicting->out) != 0;
    return fclose(predicting->out) != 0 || has_error
               ? failure_make(FAILURE_STOP, errno, "%s: %s", predicting->options->out,
                              strerror(errno))
               : failure_none();
}

int command_predict(int argc, char **argv) {
    struct predict_options options = {0};
    const char *path;
    int code = COMMAND_OK;
    if (!command_options_of(&page, argc, argv, &options, &path, &code)) {
        return code;
    }
    struct predicting predicting = {.options = &options, .out = stdout};
    struct failure failure = predict(&predicting, path);
    struct failure closed = close_output(&predicting);
    if (failed(failure) || failed(closed)) {
        code = command_failed(page.name, failed(failure) ? failure : closed);
    }
    if (predicting.bad + predicting.refused > 0) {
        fprintf(stderr, "%s: %lld bad rows, %lld that cannot be scored: no prediction\n", page.name,
                (long long)predicting.bad, (long long)predicting.refused);
    }
    for (size_t i = 0; i < LEARNER_BATCH_MAX; i++) {
        row_copy_clean_up(&predicting.waiting[i].copy);
    }
    source_close(predicting.source);
    fitted_clean_up(&predicting.fitted);
    buffer_clean_up(&predicting.line);
    return code;
}
