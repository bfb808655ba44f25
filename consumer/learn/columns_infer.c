#include "consumer/learn/columns_infer.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/parse.h"

#define LABEL_VALUES_MAX 8
#define EXAMPLE_BYTES    24

/* ---- what was asked for ---- */

/* said: which option spoke of each column. */
static struct failure set_type(struct columns *columns, const char **said, const char *option,
                               struct bytes name, enum column_type type) {
    char *text = memory_copy_text(name);
    size_t index = 0;
    struct failure failure = columns_require(columns, text, &index);
    free(text);
    if (failed(failure)) {
        return failure_make(FAILURE_STOP, 0, "--%s: %.200s", option, failure.text);
    }
    if (said[index] && columns->items[index].type != type) {
        return failure_make(FAILURE_STOP, 0, "--%s: found \"%.100s\", which --%s names already",
                            option, columns->items[index].name, said[index]);
    }
    columns->items[index].type = type;
    said[index] = option;
    return failure;
}

static struct failure set_types(struct columns *columns, const char **said, const char *option,
                                const char *list, enum column_type type) {
    for (const char *at = list; at && *at;) {
        size_t size = strcspn(at, ",");
        struct failure failure = set_type(columns, said, option, bytes_of(at, size), type);
        if (failed(failure)) {
            return failure;
        }
        at += size + (at[size] == ',');
    }
    return failure_none();
}

static struct failure set_role(struct columns *columns, const char **said, const char *option,
                               const char *name, enum column_type type) {
    if (!name) {
        return failure_none();
    }
    for (size_t i = 0; i < columns->count; i++) { /* it was another one in the file of types */
        if (columns->items[i].type == type) {
            columns->items[i].type = COLUMN_UNTYPED;
        }
    }
    return set_type(columns, said, option, bytes_of_text(name), type);
}

static struct failure apply_request(struct columns *columns,
                                    const struct columns_request *request) {
    const struct {
        const char *option, *text;
        enum column_type type;
        bool is_list;
    } steps[] = {
        {"numeric", request->numeric, COLUMN_NUMERIC, true},
        {"categorical", request->categorical, COLUMN_CATEGORICAL, true},
        {"ignore", request->ignore, COLUMN_IGNORED, true},
        {"label", request->label, COLUMN_LABEL, false},
        {"weight", request->weight, COLUMN_WEIGHT, false},
        {"time", request->time, COLUMN_TIME, false},
        {"group", request->group, COLUMN_GROUP, false},
    };
    const char **said = memory_new(columns->count + 1, sizeof *said);
    struct failure failure = failure_none();
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !failed(failure); i++) {
        failure = (steps[i].is_list ? set_types : set_role)(columns, said, steps[i].option,
                                                            steps[i].text, steps[i].type);
    }
    free(said);
    if (failed(failure)) {
        return failure;
    }
    for (size_t i = 0; i < request->missing_count && i < COLUMNS_MISSING_MAX; i++) {
        columns->missing[columns->missing_count++] =
            memory_copy_text(bytes_of_text(request->missing[i]));
    }
    return failure_none();
}

static bool has_type(const struct columns *columns, enum column_type type) {
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->items[i].type == type) {
            return true;
        }
    }
    return false;
}

/* ---- the first rows ---- */

/* Hashes of different values, few. */
struct levels {
    uint64_t hashes[COLUMNS_LEVELS_MAX + 1];
};

static void look_at_value(struct column *column, struct levels *levels, struct bytes text,
                          bool is_missing, uint64_t line) {
    struct column_facts *facts = &column->facts;
    double number = 0;
    facts->rows++;
    if (is_missing) {
        facts->missing++;
        return;
    }
    bool is_number = parse_number(text, &number);
    facts->is_numeric = facts->is_numeric && is_number;
    facts->numbers += is_number;
    facts->is_whole = facts->is_whole && is_number && number == floor(number);
    facts->least = is_number ? fmin(facts->least, number) : facts->least;
    facts->most = is_number ? fmax(facts->most, number) : facts->most;
    if (!is_number && !facts->example.data) {
        size_t size = text.size < EXAMPLE_BYTES ? text.size : EXAMPLE_BYTES;
        facts->example = bytes_of(memory_copy_text(bytes_of(text.data, size)), size);
        facts->example_line = line;
    }
    if (facts->levels > COLUMNS_LEVELS_MAX) {
        return;
    }
    uint64_t hash = hash64(text, 0);
    for (int64_t i = 0; i < facts->levels; i++) {
        if (levels->hashes[i] == hash) {
            return;
        }
    }
    levels->hashes[facts->levels++] = hash;
}

static void look(struct columns *columns, const struct source *source) {
    struct levels *levels = memory_new(columns->count + 1, sizeof *levels);
    struct bytes *fields = memory_new(columns->count + 1, sizeof *fields);
    for (size_t i = 0; i < columns->count; i++) {
        columns->items[i].facts = (struct column_facts){.is_numeric = true,
                                                        .is_whole = true,
                                                        .least = (double)INFINITY,
                                                        .most = -(double)INFINITY};
    }
    for (size_t row = 0; row < source_head_count(source); row++) {
        uint64_t line;
        source_head_row(source, row, fields, &line);
        for (size_t i = 0; i < columns->count; i++) {
            bool is_missing = columns_is_missing(columns, fields[i], true);
            look_at_value(&columns->items[i], &levels[i], fields[i], is_missing, line);
        }
    }
    free(fields);
    free(levels);
}

static enum column_type type_of(const struct column_facts *facts) {
    if (facts->missing == facts->rows) {
        return COLUMN_CATEGORICAL; /* nothing but missing values */
    }
    if (facts->is_numeric && facts->least > LEARNER_NUMBER_MAX) {
        return COLUMN_CATEGORICAL; /* numbers that nobody measured: ids */
    }
    bool is_category =
        !facts->is_numeric || (facts->is_whole && facts->levels <= COLUMNS_LEVELS_MAX);
    return is_category ? COLUMN_CATEGORICAL : COLUMN_NUMERIC;
}

/* ---- the label ---- */

struct label_values {
    struct bytes values[LABEL_VALUES_MAX];
    uint64_t lines[LABEL_VALUES_MAX]; /* where each was met first */
    size_t count;                     /* of different ones, up to LABEL_VALUES_MAX */
    bool are_numbers;
};

static void collect_labels(const struct columns *columns, const struct source *source,
                           struct bytes *fields, struct label_values *out) {
    *out = (struct label_values){.are_numbers = true};
    for (size_t row = 0; row < source_head_count(source); row++) {
        uint64_t line;
        double number;
        source_head_row(source, row, fields, &line);
        struct bytes text = fields[columns->label];
        if (columns_is_missing(columns, text, true)) {
            continue;
        }
        out->are_numbers = out->are_numbers && parse_number(text, &number);
        size_t i = 0;
        while (i < out->count && !bytes_equal(out->values[i], text)) {
            i++;
        }
        if (i == out->count && out->count < LABEL_VALUES_MAX) {
            out->lines[out->count] = line;
            out->values[out->count++] = text; /* lives as long as the head */
        }
    }
}

static void set_pair(struct columns *columns, const char *positive, const char *negative) {
    columns->label_rule = LABEL_IS_ONE_OF;
    columns->positive = memory_copy_text(bytes_of_text(positive));
    columns->negative = memory_copy_text(bytes_of_text(negative));
}

/* Is every value one of a pair that everybody reads the same way? */
static bool set_usual_pair(struct columns *columns, const struct label_values *values) {
    static const char *const pairs[][2] = {
        {"1", "0"}, {"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        set_pair(columns, pairs[i][0], pairs[i][1]);
        bool is_each = true;
        for (size_t j = 0; j < values->count; j++) {
            double label;
            is_each = is_each && columns_label(columns, values->values[j], &label);
        }
        if (is_each) {
            return true;
        }
        free(columns->positive);
        free(columns->negative);
        columns->positive = columns->negative = NULL;
    }
    return false;
}

static struct failure refuse_label(const struct columns *columns, const struct source *source,
                                   const struct label_values *values) {
    struct buffer text = {0};
    for (size_t i = 0; i < values->count && i < 4; i++) {
        buffer_format(&text, "%s\"%.*s\"", i ? ", " : "",
                      values->values[i].size > 20 ? 20 : (int)values->values[i].size,
                      (const char *)values->values[i].data);
    }
    buffer_append_byte(&text, 0);
    const char *name = columns->items[columns->label].name;
    const char *more = values->count > 4 ? ", ..." : "", *file = source_name(source);
    unsigned long long line = values->lines[values->count > 2 ? 2 : values->count - 1];
    struct failure failure =
        values->count == 2
            ? failure_make(
                  FAILURE_STOP, 0,
                  "%.60s:%llu: label \"%.40s\": found %s: say with --positive which of them is yes",
                  file, line, name, (const char *)text.data)
            : failure_make(FAILURE_STOP, 0,
                           "%.60s:%llu: label \"%.40s\": found %s%s, expected two values; "
                           "--positive VALUE makes it one against the rest%s",
                           file, line, name, (const char *)text.data, more,
                           values->are_numbers ? ", --task regression takes numbers" : "");
    buffer_clean_up(&text);
    return failure;
}

static struct failure infer_label(struct columns *columns, const struct source *source,
                                  const struct columns_request *request) {
    columns->task = request->task == TASK_REGRESSION ? TASK_REGRESSION : TASK_BINARY;
    if (columns->task == TASK_REGRESSION) {
        columns->label_rule = LABEL_IS_NUMBER;
        return failure_none();
    }
    if (request->positive) {
        columns->label_rule = LABEL_IS_POSITIVE;
        columns->positive = memory_copy_text(bytes_of_text(request->positive));
        return failure_none();
    }
    if (source_format(source) != SOURCE_CSV) {
        set_pair(columns, "1", "0");
        return failure_none();
    }
    struct bytes *fields = memory_new(columns->count, sizeof *fields);
    struct label_values values;
    collect_labels(columns, source, fields, &values);
    free(fields);
    if (values.count == 0) {
        return failure_make(FAILURE_STOP, 0, "label \"%s\": every value is missing",
                            columns->items[columns->label].name);
    }
    return set_usual_pair(columns, &values) ? failure_none()
                                            : refuse_label(columns, source, &values);
}

/* ---- crosses ---- */

static struct failure add_cross(struct columns *columns, const char *text, bool is_open) {
    const char *colon = strchr(text, ':');
    if (!colon || colon == text || !colon[1]) {
        return failure_make(FAILURE_STOP, 0, "--cross: found \"%.60s\", expected two columns, a:b",
                            text);
    }
    struct bytes sides[2] = {bytes_of(text, (size_t)(colon - text)), bytes_of_text(colon + 1)};
    if (columns->cross_count == COLUMNS_CROSSES_MAX ||
        columns->namespace_cross_count == COLUMNS_CROSSES_MAX) {
        return failure_make(FAILURE_STOP, 0, "--cross: more than %d pairs", COLUMNS_CROSSES_MAX);
    }
    for (int side = 0; side < 2; side++) {
        char *name = memory_copy_text(sides[side]);
        if (is_open) {
            columns->namespace_crosses[columns->namespace_cross_count][side] = name;
            continue;
        }
        struct failure failure =
            columns_require(columns, name, &columns->crosses[columns->cross_count][side]);
        free(name);
        if (failed(failure)) {
            return failure_make(FAILURE_STOP, 0, "--cross: %.200s", failure.text);
        }
    }
    columns->namespace_cross_count += is_open;
    columns->cross_count += !is_open;
    return failure_none();
}

struct failure columns_infer(struct columns *columns, const struct source *source,
                             const struct columns_request *request) {
    bool is_open = source_format(source) == SOURCE_VW;
    struct failure failure = apply_request(columns, request);
    if (!failed(failure) && columns->count > 0 && !has_type(columns, COLUMN_LABEL)) {
        columns->items[columns->count - 1].type = COLUMN_LABEL;
    }
    if (failed(failure)) {
        return failure;
    }
    look(columns, source);
    for (size_t i = 0; i < columns->count; i++) {
        struct column *column = &columns->items[i];
        column->type = column->type == COLUMN_UNTYPED ? type_of(&column->facts) : column->type;
        columns->label = column->type == COLUMN_LABEL ? (int)i : columns->label;
    }
    failure = infer_label(columns, source, request);
    for (size_t i = 0; i < request->cross_count && !failed(failure); i++) {
        failure = add_cross(columns, request->crosses[i], is_open);
    }
    return failed(failure) ? failure : columns_arrange(columns, is_open);
}

void columns_bound(struct columns *columns, const struct source *source) {
    size_t count = source_head_count(source);
    struct bytes *fields = memory_new(columns->count + 1, sizeof *fields);
    double *values = memory_new(count + 1, sizeof *values);
    for (size_t i = 0; i < columns->number_count; i++) {
        struct column *column = &columns->items[columns->numbers[i]];
        for (size_t row = 0; row < count; row++) {
            uint64_t line;
            source_head_row(source, row, fields, &line);
            values[row] = (double)NAN;
            (void)parse_number(fields[columns->numbers[i]], &values[row]);
        }
        columns_bounds(values, count, &column->low, &column->high);
    }
    free(values);
    free(fields);
}
