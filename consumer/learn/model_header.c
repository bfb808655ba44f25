#include "consumer/learn/model_header.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/ops/printable.h"

#define COUNT_MAX 100000

static const char *const rule_names[] = {
    [LABEL_IS_NUMBER] = "number", [LABEL_IS_ONE_OF] = "one_of", [LABEL_IS_POSITIVE] = "positive"};
#define RULE_COUNT (sizeof rule_names / sizeof rule_names[0])

/* ---- writing ---- */

static void put_text(const char *key, const char *text, struct buffer *out) {
    buffer_format(out, "\"%s\":", key);
    if (text) {
        printable_append_json(out, bytes_of_text(text));
    } else {
        buffer_append(out, bytes_of_text("null"));
    }
}

/* All its bits. */
static void put_number(const char *key, double number, struct buffer *out) {
    if (isfinite(number)) {
        buffer_format(out, "\"%s\":%.17g", key, number);
    } else {
        buffer_format(out, "\"%s\":null", key);
    }
}

static void put_options(const struct fitted *fitted, struct buffer *out) {
    buffer_append(out, bytes_of_text("\"options\":{"));
    for (size_t i = 0; i < fitted->kind->option_count; i++) {
        char text[LEARNER_OPTION_TEXT_MAX + 1];
        learner_options_text(&fitted->kind->options[i], fitted->options, text, sizeof text);
        buffer_append(out, bytes_of_text(i ? "," : ""));
        put_text(fitted->kind->options[i].name, text, out);
    }
    buffer_append(out, bytes_of_text("},\n"));
}

static void put_columns(const struct columns *columns, struct buffer *out) {
    buffer_append(out, bytes_of_text("\"columns\":["));
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->items[i];
        buffer_append(out, bytes_of_text(i ? ",\n{" : "{"));
        put_text("name", column->name, out);
        buffer_append_byte(out, ',');
        put_text("type", column_type_names[column->type], out);
        buffer_append_byte(out, ',');
        put_number("low", column->low, out);
        buffer_append_byte(out, ',');
        put_number("high", column->high, out);
        buffer_append_byte(out, '}');
    }
    buffer_append(out, bytes_of_text("],\n\"crosses\":["));
    for (size_t i = 0; i < columns->cross_count; i++) {
        buffer_format(out, "%s[%zu,%zu]", i ? "," : "", columns->crosses[i][0],
                      columns->crosses[i][1]);
    }
    buffer_append(out, bytes_of_text("],\n\"namespace_crosses\":["));
    for (size_t i = 0; i < columns->namespace_cross_count; i++) {
        buffer_append(out, bytes_of_text(i ? ",[" : "["));
        printable_append_json(out, bytes_of_text(columns->namespace_crosses[i][0]));
        buffer_append_byte(out, ',');
        printable_append_json(out, bytes_of_text(columns->namespace_crosses[i][1]));
        buffer_append_byte(out, ']');
    }
    buffer_append(out, bytes_of_text("],\n\"missing\":["));
    for (size_t i = 0; i < columns->missing_count; i++) {
        buffer_append(out, bytes_of_text(i ? "," : ""));
        printable_append_json(out, bytes_of_text(columns->missing[i]));
    }
    buffer_append(out, bytes_of_text("],\n"));
}

void model_header_write(const struct fitted *fitted, const struct model_origin *origin,
                        struct buffer *out) {
    const struct columns *columns = &fitted->columns;
    buffer_append(out, bytes_of_text("{"));
    put_text("promostream", PROMOSTREAM_VERSION, out);
    buffer_append_byte(out, ',');
    put_text("learner", fitted->kind->name, out);
    buffer_append(out, bytes_of_text(",\n"));
    put_options(fitted, out);
    put_text("task", task_names[columns->task], out);
    buffer_append(out, bytes_of_text(",\"label\":{"));
    put_text("rule", rule_names[columns->label_rule], out);
    buffer_append_byte(out, ',');
    put_text("positive", columns->positive, out);
    buffer_append_byte(out, ',');
    put_text("negative", columns->negative, out);
    buffer_append(out, bytes_of_text("},\n"));
    put_columns(columns, out);
    buffer_format(out,
                  "\"seed\":%" PRIu64 ",\"data\":{\"rows\":%" PRId64 ",\"passes\":%" PRId64
                  ",\"fingerprint\":\"%016" PRIx64 "\"}}\n",
                  fitted->seed, origin->rows, origin->passes, origin->data_fingerprint);
}

/* ---- reading ---- */

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static int index_in(const char *const *names, size_t count, const char *text) {
    for (size_t i = 0; text && i < count; i++) {
        if (strcmp(names[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static struct failure missing(const char *what) {
    return failure_make(FAILURE_STOP, 0, "its header has no proper \"%s\"", what);
}

static double bound_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static struct failure read_column_list(const json_t *root, struct columns *columns) {
    const json_t *list = json_object_get(root, "columns");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > COUNT_MAX) {
        return missing("columns");
    }
    const char **names = memory_new(count + 1, sizeof *names);
    bool is_named = true;
    for (size_t i = 0; i < count; i++) {
        names[i] = text_of(json_array_get(list, i), "name");
        is_named = is_named && names[i];
    }
    if (is_named) {
        columns_init(columns, names, count);
    }
    free(names);
    if (!is_named) {
        return missing("columns");
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *from = json_array_get(list, i);
        int type = index_in(column_type_names, COLUMN_TYPE_COUNT, text_of(from, "type"));
        if (type < 0) {
            return missing("type");
        }
        columns->items[i].type = (enum column_type)type;
        columns->items[i].low = bound_of(from, "low");
        columns->items[i].high = bound_of(from, "high");
    }
    return failure_none();
}

static struct failure read_crosses(const json_t *root, struct columns *columns) {
    const json_t *crosses = json_object_get(root, "crosses");
    const json_t *spaces = json_object_get(root, "namespace_crosses");
    if (json_array_size(crosses) > COLUMNS_CROSSES_MAX ||
        json_array_size(spaces) > COLUMNS_CROSSES_MAX) {
        return missing("crosses");
    }
    for (size_t i = 0; i < json_array_size(crosses); i++) {
        for (size_t side = 0; side < 2; side++) {
            json_int_t index = json_integer_value(json_array_get(json_array_get(crosses, i), side));
            if (index < 0 || (size_t)index >= columns->count) {
                return missing("crosses");
            }
            columns->crosses[i][side] = (size_t)index;
        }
        columns->cross_count++;
    }
    for (size_t i = 0; i < json_array_size(spaces); i++) {
        const json_t *pair = json_array_get(spaces, i);
        const char *sides[2] = {json_string_value(json_array_get(pair, 0)),
                                json_string_value(json_array_get(pair, 1))};
        if (!sides[0] || !sides[1]) {
            return missing("namespace_crosses");
        }
        columns->namespace_crosses[i][0] = memory_copy_text(bytes_of_text(sides[0]));
        columns->namespace_crosses[i][1] = memory_copy_text(bytes_of_text(sides[1]));
        columns->namespace_cross_count++;
    }
    return failure_none();
}

static char *copy_of(const char *text) {
    return text ? memory_copy_text(bytes_of_text(text)) : NULL;
}

static struct failure read_label(const json_t *root, struct columns *columns) {
    const json_t *label = json_object_get(root, "label");
    int task = index_in(task_names, TASK_COUNT, text_of(root, "task"));
    int rule = index_in(rule_names, RULE_COUNT, text_of(label, "rule"));
    columns->positive = copy_of(text_of(label, "positive"));
    columns->negative = copy_of(text_of(label, "negative"));
    bool is_whole = rule == LABEL_IS_NUMBER || (columns->positive && rule == LABEL_IS_POSITIVE) ||
                    (columns->positive && columns->negative);
    if (task < 0 || rule < 0 || !is_whole) {
        return missing("label");
    }
    columns->task = (enum task)task;
    columns->label_rule = (enum label_rule)rule;
    return failure_none();
}

static struct failure read_columns(const json_t *root, struct columns *columns) {
    struct failure failure = read_column_list(root, columns);
    if (!failed(failure)) {
        failure = read_crosses(root, columns);
    }
    if (!failed(failure)) {
        failure = read_label(root, columns);
    }
    const json_t *tokens = json_object_get(root, "missing");
    for (size_t i = 0; i < json_array_size(tokens) && i < COLUMNS_MISSING_MAX; i++) {
        const char *token = json_string_value(json_array_get(tokens, i));
        if (token) {
            columns->missing[columns->missing_count++] = copy_of(token);
        }
    }
    return failed(failure) ? failure : columns_arrange(columns, true);
}

static struct failure read_options(const json_t *root, const struct learner_kind *kind,
                                   void *options) {
    json_t *list = json_object_get(root, "options"), *value;
    const char *key;
    learner_options_default(kind, options);
    json_object_foreach(list, key, value) {
        char error[LEARNER_OPTION_TEXT_MAX];
        const char *text = json_string_value(value);
        if (!text || !learner_options_set(kind, options, key, text, error, sizeof error)) {
            return failure_make(FAILURE_STOP, 0, "%s: %s", kind->name,
                                text ? error : "an option that is no text");
        }
    }
    return failure_none();
}

static void read_origin(const json_t *root, struct model_origin *out) {
    const json_t *data = json_object_get(root, "data");
    const char *fingerprint = text_of(data, "fingerprint");
    out->rows = json_integer_value(json_object_get(data, "rows"));
    out->passes = json_integer_value(json_object_get(data, "passes"));
    out->data_fingerprint = fingerprint ? strtoull(fingerprint, NULL, 16) : 0;
}

static struct failure read_root(const json_t *root, struct fitted *out,
                                struct model_origin *out_origin) {
    if (json_object_get(root, "pipeline")) {
        return failure_make(FAILURE_STOP, 0,
                            "is a learner of a pipeline: promostream model import takes it");
    }
    const char *name = text_of(root, "learner");
    const struct learner_kind *kind = name ? learner_kind_find(name) : NULL;
    if (!kind) {
        return failure_make(FAILURE_STOP, 0, "learner \"%.40s\" is not one of this build",
                            name ? name : "");
    }
    struct columns columns = {0};
    void *options = memory_new(1, kind->options_bytes);
    struct failure failure = read_options(root, kind, options);
    if (!failed(failure)) {
        failure = read_columns(root, &columns);
    }
    if (!failed(failure)) {
        failure = fitted_check(kind, &columns, false);
    }
    if (!failed(failure)) {
        failure = fitted_check_memory(kind, options, &columns);
    }
    if (!failed(failure)) {
        uint64_t seed = (uint64_t)json_integer_value(json_object_get(root, "seed"));
        fitted_init(out, kind, options, &columns, seed);
        read_origin(root, out_origin);
    }
    columns_clean_up(&columns);
    free(options);
    return failure;
}

struct failure model_header_read(struct bytes json, struct fitted *out,
                                 struct model_origin *out_origin) {
    json_error_t error;
    json_t *root = json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &error);
    struct failure failure = root ? read_root(root, out, out_origin)
                                  : failure_make(FAILURE_STOP, 0, "its header: %s", error.text);
    json_decref(root);
    return failure;
}
