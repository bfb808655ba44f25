/* source_csv: rows of a CSV by the columns. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/csv_reader.h"
#include "base/hash.h"
#include "base/parse.h"
#include "consumer/learn/source_internal.h"
#include "consumer/ops/printable.h"
#include "schemas/wire.h"

struct head_row {
    uint64_t line, fingerprint;
    size_t first; /* of fields */
    char *error;  /* NULL = a good row; owned */
};

struct source_csv {
    struct csv_reader *reader;
    const char *const *names;
    size_t count; /* of the file's columns */

    /* The first rows: their fields lie in text, field i is [ends[i - 1], ends[i]). */
    struct buffer text;
    size_t *ends, end_count, end_capacity;
    struct head_row *rows;
    size_t row_count, row_capacity, row_at;
    struct bytes *fields; /* [count] of the row that is out */

    int *at; /* [columns->count]: where a column of ours stands in the file, -1 = nowhere */
    int kept;
};

/* ---- the header ---- */

/* The separator that stands most often in the first line, outside quotes. */
static char guess_separator(struct bytes begin) {
    static const char known[] = ",\t;|";
    size_t counts[sizeof known - 1] = {0}, best = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < begin.size && (is_quoted || begin.data[i] != '\n'); i++) {
        const char *found = memchr(known, begin.data[i], sizeof known - 1);
        is_quoted ^= begin.data[i] == '"';
        counts[found ? found - known : 0] += found && !is_quoted;
    }
    for (size_t i = 1; i < sizeof known - 1; i++) {
        best = counts[i] > counts[best] ? i : best;
    }
    return known[best];
}

/* Models and files of types are UTF-8 and name the columns. */
static struct failure check_header(const struct source *source) {
    const struct source_csv *csv = source->csv;
    for (size_t i = 0; i < csv->count; i++) {
        if (!wire_is_utf8(bytes_of_text(csv->names[i]))) {
            struct buffer shown = {0};
            printable_append(&shown, bytes_of_text(csv->names[i]), 40);
            struct failure failure = failure_make(
                FAILURE_STOP, 0, "%s:1: column %zu: found \"%.*s\", expected a name in UTF-8",
                source->name, i + 1, BYTES_ARG(buffer_bytes(&shown)));
            buffer_clean_up(&shown);
            return failure;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(csv->names[i], csv->names[j]) == 0) {
                return failure_make(FAILURE_STOP, 0, "%s:1: two columns are called \"%s\"",
                                    source->name, csv->names[i]);
            }
        }
    }
    return failure_none();
}

/* ---- one row as text ---- */

static const char *const verdict_texts[] = {
    [CSV_TOO_LONG] = "the row is longer than --row-bytes-max",
    [CSV_BAD_QUOTE] = "text behind a closing quote, or a quote that does not close",
};

/* Reads on. fields are lent by the reader. */
static enum row_verdict read_row(struct source *source, struct csv_row *row,
                                 char error[ROW_ERROR_BYTES_MAX], struct failure *out_failure) {
    enum csv_verdict verdict;
    struct failure failure = csv_next(source->csv->reader, row, &verdict);
    if (failed(failure)) {
        *out_failure = failure;
        return ROW_FAILED;
    }
    switch (verdict) {
    case CSV_ROW:
        if (memchr(row->text.data, 0, row->text.size)) {
            source_complain(error, "found a NUL byte, expected text");
            return ROW_BAD;
        }
        return ROW_OK;
    case CSV_END:
        return ROW_END;
    case CSV_FIELD_COUNT:
        source_complain(error, "found %zu fields, expected %zu as in the header", row->field_count,
                        source->csv->count);
        return ROW_BAD;
    default:
        source_complain(error, "%s", verdict_texts[verdict]);
        return ROW_BAD;
    }
}

/* ---- the first rows ---- */

static void keep_head(struct source_csv *csv, const struct csv_row *row, const char *error) {
    if (csv->row_count == csv->row_capacity) {
        csv->row_capacity = csv->row_capacity ? 2 * csv->row_capacity : 256;
        csv->rows = memory_grow(csv->rows, csv->row_capacity, sizeof *csv->rows);
    }
    struct head_row *kept = &csv->rows[csv->row_count++];
    *kept = (struct head_row){row->line, hash64(row->text, 0), csv->end_count, NULL};
    if (error) {
        kept->error = memory_copy_text(bytes_of_text(error));
        return;
    }
    if (csv->end_count + csv->count > csv->end_capacity) {
        csv->end_capacity = 2 * csv->end_capacity + csv->count;
        csv->ends = memory_grow(csv->ends, csv->end_capacity, sizeof *csv->ends);
    }
    for (size_t i = 0; i < csv->count; i++) {
        buffer_append(&csv->text, row->fields[i]);
        csv->ends[csv->end_count++] = csv->text.size;
    }
}

static struct failure read_head(struct source *source) {
    struct source_csv *csv = source->csv;
    while (csv->row_count < SOURCE_HEAD_ROWS && csv->text.size < SOURCE_HEAD_BYTES) {
        struct csv_row row;
        char error[ROW_ERROR_BYTES_MAX];
        struct failure failure;
        enum row_verdict verdict = read_row(source, &row, error, &failure);
        if (verdict == ROW_FAILED) {
            return failure;
        }
        if (verdict == ROW_END) {
            break;
        }
        keep_head(csv, &row, verdict == ROW_BAD ? error : NULL);
    }
    return failure_none();
}

static void head_fields(const struct source_csv *csv, const struct head_row *row,
                        struct bytes *out) {
    for (size_t i = 0; i < csv->count; i++) {
        size_t field = row->first + i;
        size_t begin = field == 0 ? 0 : csv->ends[field - 1];
        out[i] = bytes_of(csv->text.data + begin, csv->ends[field] - begin);
    }
}

struct failure source_csv_open(struct source *source, struct input_file *input,
                               const struct source_config *config) {
    struct source_csv *csv = source->csv = memory_new(1, sizeof *csv);
    struct bytes begin;
    struct failure failure = input_file_peek(input, INPUT_FILE_PEEK_MAX, &begin.data, &begin.size);
    if (failed(failure)) {
        input_file_close(input);
        return failure;
    }
    struct csv_config csv_config = {.separator = config->separator ? config->separator
                                                                   : guess_separator(begin),
                                    .row_bytes_max = config->row_bytes_max};
    failure = csv_open_input(input, source->name, csv_config, &csv->reader);
    if (failed(failure)) {
        return failure;
    }
    csv->count = csv_columns(csv->reader, &csv->names);
    csv->fields = memory_new(csv->count, sizeof *csv->fields);
    (void)buffer_reserve(&csv->text, 1); /* all fields may be empty: their texts lie somewhere */
    failure = check_header(source);
    if (!failed(failure)) {
        failure = read_head(source);
    }
    if (!failed(failure) && csv->row_count == 0) {
        failure = failure_make(FAILURE_STOP, 0, "%s: no rows behind the header", source->name);
    }
    return failure;
}

void source_columns(const struct source *source, struct columns *out) {
    if (source->csv) {
        columns_init(out, source->csv->names, source->csv->count);
    } else if (source->avro) {
        source_avro_columns(source, out);
    } else {
        columns_init(out, NULL, 0);
    }
}

size_t source_head_count(const struct source *source) {
    return source->csv ? source->csv->row_count : 0;
}

void source_head_row(const struct source *source, size_t index, struct bytes *out_fields,
                     uint64_t *out_line) {
    const struct head_row *row = &source->csv->rows[index];
    *out_line = row->line;
    if (row->error) {
        memset(out_fields, 0, source->csv->count * sizeof *out_fields);
    } else {
        head_fields(source->csv, row, out_fields);
    }
}

/* ---- typed ---- */

struct failure source_csv_bind(struct source *source, const char *kept) {
    struct source_csv *csv = source->csv;
    const struct columns *columns = source->columns;
    csv->at = memory_grow(csv->at, columns->count + 1, sizeof *csv->at);
    for (size_t i = 0; i < columns->count; i++) {
        enum column_type type = columns->items[i].type;
        bool is_needed = type == COLUMN_NUMERIC || type == COLUMN_CATEGORICAL ||
                         (type == COLUMN_LABEL && source->needs_label);
        csv->at[i] = csv_column(csv->reader, columns->items[i].name);
        if (csv->at[i] < 0 && is_needed) {
            return failure_make(FAILURE_STOP, 0, "%s: no column \"%s\", which the model needs",
                                source->name, columns->items[i].name);
        }
    }
    csv->kept = kept ? csv_column(csv->reader, kept) : -1;
    return kept && csv->kept < 0
               ? failure_make(FAILURE_STOP, 0, "%s: no column \"%s\"", source->name, kept)
               : failure_none();
}

static bool number_of(const struct source *source, size_t column, double *out, char *error) {
    const struct source_csv *csv = source->csv;
    struct bytes text = csv->fields[csv->at[column]];
    if (parse_number(text, out) && fabs(*out) <= LEARNER_NUMBER_MAX) {
        return true;
    }
    if (columns_is_missing(source->columns, text, true)) {
        *out = (double)NAN;
        return true;
    }
    char shown[SOURCE_SHOWN_BYTES];
    source_show(text, shown);
    source_complain(error, "column %s: found \"%s\", expected a number up to 1e15",
                    source->columns->items[column].name, shown);
    return false;
}

static bool take_label(const struct source *source, struct data_row *out, char *error) {
    const struct columns *columns = source->columns;
    const struct source_csv *csv = source->csv;
    int at = columns->label >= 0 ? csv->at[columns->label] : -1;
    out->has_label = false;
    if (at < 0) {
        return !source->needs_label;
    }
    struct bytes text = csv->fields[at];
    out->has_label = columns_label(columns, text, &out->label);
    if (out->has_label || !source->needs_label) {
        return true;
    }
    char shown[SOURCE_SHOWN_BYTES];
    source_show(text, shown);
    const char *name = columns->items[columns->label].name;
    if (columns->label_rule == LABEL_IS_ONE_OF) {
        source_complain(error, "label %s: found \"%s\", expected %s or %s", name, shown,
                        columns->positive, columns->negative);
    } else {
        source_complain(error, "label %s: found \"%s\", expected %s", name, shown,
                        columns->label_rule == LABEL_IS_NUMBER ? "a number" : "a value");
    }
    return false;
}

static bool take_weight(const struct source *source, struct data_row *out, char *error) {
    const struct columns *columns = source->columns;
    out->weight = 1;
    if (columns->weight < 0 || source->csv->at[columns->weight] < 0) {
        return true;
    }
    if (!number_of(source, (size_t)columns->weight, &out->weight, error)) {
        return false;
    }
    if (!(out->weight > 0 && out->weight <= LEARNER_WEIGHT_MAX)) {
        source_complain(error, "weight %s: found %g, expected a number above 0, at most %g",
                        columns->items[columns->weight].name, out->weight, LEARNER_WEIGHT_MAX);
        return false;
    }
    return true;
}

/* ISO 8601, or seconds or milliseconds since 1970: what is beyond 1e11 is milliseconds. */
static bool time_of(struct bytes text, int64_t *out) {
    double number;
    if (parse_number(text, &number)) {
        return parse_time_ms(text, fabs(number) > 1e11 ? TIME_FORMAT_MS : TIME_FORMAT_S, out);
    }
    return parse_iso_ms(text, out);
}

static bool take_time(const struct source *source, struct data_row *out, char *error) {
    const struct columns *columns = source->columns;
    out->time_ms = 0;
    if (columns->time < 0 || source->csv->at[columns->time] < 0) {
        return true;
    }
    struct bytes text = source->csv->fields[source->csv->at[columns->time]];
    if (time_of(text, &out->time_ms)) {
        return true;
    }
    char shown[SOURCE_SHOWN_BYTES];
    source_show(text, shown);
    source_complain(error,
                    "time %s: found \"%s\", expected a time as 2026-11-01T08:00:00Z or "
                    "seconds or milliseconds since 1970",
                    columns->items[columns->time].name, shown);
    return false;
}

/* csv->fields to out. */
static bool type_row(struct source *source, struct data_row *out, char *error) {
    const struct columns *columns = source->columns;
    const struct source_csv *csv = source->csv;
    for (size_t i = 0; i < columns->number_count; i++) {
        if (!number_of(source, columns->numbers[i], &source->numbers[i], error)) {
            return false;
        }
    }
    for (size_t i = 0; i < columns->name_count - columns->cross_count; i++) {
        struct bytes text = csv->fields[csv->at[columns->names[i]]];
        bool is_missing = columns_is_missing(columns, text, false);
        source->names[i] = is_missing ? bytes_of(NULL, 0) : text;
    }
    source_cross_names(source);
    out->steps = NULL;
    out->step_count = 0;
    out->decision = 0;
    out->is_correction = out->is_margin_only = false;
    out->numbers = source->numbers;
    out->names = source->names;
    out->features = NULL;
    out->feature_count = 0;
    out->kept = csv->kept >= 0 ? csv->fields[csv->kept] : bytes_of(NULL, 0);
    int group = columns->group >= 0 ? csv->at[columns->group] : -1;
    out->group = group >= 0 ? hash64(csv->fields[group], 0) : out->line;
    return take_label(source, out, error) && take_weight(source, out, error) &&
           take_time(source, out, error);
}

enum row_verdict source_csv_next(struct source *source, struct data_row *out,
                                 char error[ROW_ERROR_BYTES_MAX], struct failure *out_failure) {
    struct source_csv *csv = source->csv;
    if (csv->row_at < csv->row_count) {
        struct head_row *row = &csv->rows[csv->row_at++];
        out->line = row->line;
        out->fingerprint = row->fingerprint;
        if (row->error) {
            source_complain(error, "%s", row->error);
            return ROW_BAD;
        }
        head_fields(csv, row, csv->fields);
    } else {
        struct csv_row row;
        enum row_verdict verdict = read_row(source, &row, error, out_failure);
        out->line = row.line;
        if (verdict != ROW_OK) {
            return verdict;
        }
        out->fingerprint = hash64(row.text, 0);
        memcpy(csv->fields, row.fields, csv->count * sizeof *csv->fields);
    }
    return type_row(source, out, error) ? ROW_OK : ROW_BAD;
}

double source_csv_progress(const struct source *source) {
    return csv_progress(source->csv->reader);
}

void source_csv_close(struct source_csv *csv) {
    if (!csv) {
        return;
    }
    for (size_t i = 0; i < csv->row_count; i++) {
        free(csv->rows[i].error);
    }
    csv_close(csv->reader);
    buffer_clean_up(&csv->text);
    free(csv->ends);
    free(csv->rows);
    free(csv->fields);
    free(csv->at);
    free(csv);
}
