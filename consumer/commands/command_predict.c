/* predict: scores the rows of a file by a saved model. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/commands/support.h"
#include "consumer/learn/model_file.h"
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

struct predicting {
    const struct predict_options *options;
    struct fitted fitted;
    struct source *source;
    FILE *out;
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

static void append_id(struct predicting *predicting, const struct data_row *row, int64_t number) {
    if (row->kept.size > 0 || predicting->options->id) {
        append_field(&predicting->line, row->kept);
    } else {
        buffer_format(&predicting->line, "%lld", (long long)number);
    }
    buffer_append_byte(&predicting->line, ',');
}

static void score_row(struct predicting *predicting, struct data_row *row, int64_t number) {
    double p;
    append_id(predicting, row, number);
    struct learner_input input = fitted_input(&predicting->fitted, row);
    if (fitted_score(&predicting->fitted, &input, &p) == LEARNER_OK) {
        buffer_format(&predicting->line, "%.10g", p);
        if (predicting->options->explain) {
            append_explanation(predicting, &input);
        }
    } else {
        predicting->refused++;
        buffer_append(&predicting->line, bytes_of_text(predicting->options->explain ? "," : ""));
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
    write_header(predicting);
    for (int64_t number = 1; !stop_requested; number++) {
        struct data_row row;
        char error[ROW_ERROR_BYTES_MAX];
        struct failure failure = failure_none();
        enum row_verdict verdict = source_next(predicting->source, &row, error, &failure);
        if (verdict == ROW_FAILED || verdict == ROW_END) {
            return failure;
        }
        buffer_clear(&predicting->line);
        if (verdict == ROW_OK) {
            score_row(predicting, &row, number);
        } else if (predicting->options->skip_bad) {
            predicting->bad++;
            buffer_format(&predicting->line, "%lld,%s", (long long)number,
                          predicting->options->explain ? "," : "");
        } else {
            return failure_make(FAILURE_STOP, 0, "%.60s:%llu: %.160s",
                                source_name(predicting->source), (unsigned long long)row.line,
                                error);
        }
        buffer_append_byte(&predicting->line, '\n');
        fwrite(predicting->line.data, 1, predicting->line.size, predicting->out);
    }
    return failure_none();
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
    struct failure failure = model_file_load(options->load, &predicting->fitted, &origin);
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
    return failed(failure) ? failure : score_rows(predicting);
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
    source_close(predicting.source);
    fitted_clean_up(&predicting.fitted);
    buffer_clean_up(&predicting.line);
    return code;
}
