#include "consumer/learn/export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/slot_index.h"
#include "consumer/ops/printable.h"
#include "model/dnn.h"
#include "model/linear.h"

#define ROOT_HALF   0.70710678118654752440
#define BUCKET_TEXT 24
#define FLUSH_BYTES 65536
#define UNKNOWN     "\x01" /* a value that no file has */

/* What a column was met with: values as text, or buckets of a number. */
struct seen {
    struct slot_index index; /* by hash of the text */
    char **texts;
    size_t count, capacity;
};

struct export {
    struct fitted *fitted;
    struct seen *seen; /* [numbers, then names] */
    double *numbers;   /* the probe: everything missing but what is set */
    struct bytes *names;
    bool is_net;
    struct net_view net;
    size_t width;        /* of the first vector */
    float *x;            /* [width]; of a net */
    double *input;       /* [width], everything missing */
    double *asked, *own; /* [width]: what was asked last, and a slope */
    struct buffer out;
    FILE *file;
};

/* Where in the first vector something lies. */
struct part {
    size_t at, width;
};

/* ---- what there is ---- */

static void bucket_text(double value, char out[BUCKET_TEXT]) {
    int exponent;
    double part = frexp(fabs(value), &exponent);
    if (value == 0) {
        snprintf(out, BUCKET_TEXT, "0");
    } else {
        snprintf(out, BUCKET_TEXT, "%c%d", value < 0 ? 'n' : 'p',
                 2 * exponent + (part >= ROOT_HALF));
    }
}

static void note(struct seen *seen, struct bytes text) {
    uint64_t hash = hash64(text, 0);
    if (slot_index_peek(&seen->index, hash) != SLOT_NONE) {
        return;
    }
    if (seen->count == seen->capacity) {
        seen->capacity = seen->capacity ? 2 * seen->capacity : 16;
        seen->texts = memory_grow(seen->texts, seen->capacity, sizeof *seen->texts);
    }
    slot_index_insert(&seen->index, hash, (uint32_t)seen->count);
    seen->texts[seen->count++] = memory_copy_text(text);
}

static void note_row(struct export *export, struct data_row *row) {
    const struct columns *columns = &export->fitted->columns;
    (void)fitted_input(export->fitted, row); /* cuts outliers */
    for (size_t i = 0; i < columns->number_count; i++) {
        char text[BUCKET_TEXT];
        if (!isnan(row->numbers[i])) {
            bucket_text(row->numbers[i], text);
            note(&export->seen[i], bytes_of_text(text));
        }
    }
    for (size_t i = 0; i < columns->name_count; i++) {
        if (row->names[i].size > 0) {
            note(&export->seen[columns->number_count + i], row->names[i]);
        }
    }
}

static struct failure note_rows(struct export *export, struct source *source) {
    for (;;) {
        struct data_row row;
        char error[ROW_ERROR_BYTES_MAX];
        struct failure failure = failure_none();
        enum row_verdict verdict = source_next(source, &row, error, &failure);
        if (verdict == ROW_FAILED || verdict == ROW_END) {
            return failure;
        }
        if (verdict == ROW_OK) {
            note_row(export, &row);
        }
    }
}

/* ---- asking ---- */

static struct learner_input probe_of(const struct export *export,
                                     const struct learner_feature *feature) {
    return (struct learner_input){.numbers = export->numbers,
                                  .names = export->names,
                                  .features = feature,
                                  .feature_count = feature != NULL};
}

static struct learner_arm_score score_of(const struct export *export,
                                         const struct learner_input *input) {
    struct learner_scores scores = {0};
    const uint64_t none = LEARNER_ARM_NONE;
    (void)export->fitted->kind->score(export->fitted->memory, input, &none, 1, &scores);
    return scores.arms[0];
}

/* The first vector of the probe: of a linear learner its raw score. */
static void ask(const struct export *export, const struct learner_feature *feature, double *out) {
    const struct learner_input input = probe_of(export, feature);
    if (export->is_net) {
        (void)net_input(net_base_of(export->fitted->memory), &input, export->x);
        for (size_t i = 0; i < export->width; i++) {
            out[i] = (double)export->x[i];
        }
    } else {
        out[0] = score_of(export, &input).raw;
    }
}

/* What the probe adds to the vector where everything is missing, to export->asked. */
static void ask_effect(const struct export *export, const struct learner_feature *feature) {
    ask(export, feature, export->asked);
    for (size_t i = 0; i < export->width; i++) {
        export->asked[i] -= export->input[i];
    }
}

static void ask_number(const struct export *export, size_t number, double value) {
    export->numbers[number] = value;
    ask_effect(export, NULL);
    export->numbers[number] = (double)NAN;
}

static struct part part_of_number(const struct export *export, size_t number) {
    const struct net_view *net = &export->net;
    return export->is_net ? (struct part){number * net->number_width, net->number_width}
                          : (struct part){0, 1};
}

static struct part part_of_name(const struct export *export, size_t name) {
    const struct net_view *net = &export->net;
    return export->is_net ? (struct part){net->names_at + name * net->dim, net->dim}
                          : (struct part){0, 1};
}

static struct part part_of_flags(const struct export *export) {
    return export->is_net ? (struct part){export->net.features_at, export->net.dim}
                          : (struct part){0, 1};
}

/* What one more u adds, to export->own. Of a linear learner two numbers of one half octave tell it;
 * of a net any two, for only the first place of the number is not its bucket's. */
static void ask_slope(const struct export *export, size_t number) {
    struct part part = part_of_number(export, number);
    double left = export->is_net ? 0 : 1.05, right = export->is_net ? 1e6 : 1.35;
    memset(export->own, 0, export->width * sizeof(double));
    ask_number(export, number, left);
    export->own[part.at] = export->asked[part.at];
    ask_number(export, number, right);
    export->own[part.at] =
        (export->asked[part.at] - export->own[part.at]) / (log1p(right) - log1p(left));
}

/* ---- writing ---- */

static void flush(struct export *export) {
    fwrite(export->out.data, 1, export->out.size, export->file);
    buffer_clear(&export->out);
}

static void put_text(struct export *export, const char *text) {
    buffer_append(&export->out, bytes_of_text(text));
}

static void put_number(struct export *export, const char *key, double number) {
    buffer_format(&export->out, "\"%s\":", key);
    printable_append_json_number(&export->out, number);
}

static void put_vector(struct export *export, struct part part, const double *values) {
    put_text(export, part.width == 1 ? "" : "[");
    for (size_t i = 0; i < part.width; i++) {
        put_text(export, i ? "," : "");
        printable_append_json_number(&export->out, values[part.at + i]);
    }
    put_text(export, part.width == 1 ? "" : "]");
}

static void put_floats(struct export *export, const char *key, const float *values, size_t count) {
    buffer_format(&export->out, "%s%s%s[", key ? "\"" : "", key ? key : "", key ? "\":" : "");
    for (size_t i = 0; i < count; i++) {
        buffer_format(&export->out, "%s%.9g", i ? "," : "", (double)values[i]);
    }
    put_text(export, "]");
}

/* A number in the middle of the half octave that the text names. */
static double inside(const char *text) {
    if (text[0] == '0') {
        return 0;
    }
    int half = atoi(text + 1), exponent = (half - (half & 1)) / 2;
    double value = ldexp((half & 1) ? 0.85 : 0.6, exponent);
    return text[0] == 'n' ? -value : value;
}

static void put_flag(struct export *export, const char *key, const struct column *column,
                     bool is_high) {
    const struct learner_feature feature = {fitted_flag_key(column, is_high), 1};
    ask_effect(export, &feature);
    buffer_format(&export->out, ",\"%s\":", key);
    put_vector(export, part_of_flags(export), export->asked);
}

static void put_numeric(struct export *export, size_t number) {
    const struct columns *columns = &export->fitted->columns;
    const struct column *column = &columns->items[columns->numbers[number]];
    const struct seen *seen = &export->seen[number];
    struct part part = part_of_number(export, number);
    put_text(export, "{\"name\":");
    printable_append_json(&export->out, bytes_of_text(column->name));
    buffer_format(&export->out, ",\"type\":\"numeric\",\"at\":%zu,\"flag_at\":%zu,", part.at,
                  part_of_flags(export).at);
    put_number(export, "low", column->low);
    put_text(export, ",");
    put_number(export, "high", column->high);
    put_flag(export, "low_flag", column, false);
    put_flag(export, "high_flag", column, true);
    ask_slope(export, number);
    put_text(export, ",\"slope\":");
    put_vector(export, part, export->own);
    put_text(export, ",\"buckets\":{");
    for (size_t i = 0; i < seen->count; i++) {
        double value = inside(seen->texts[i]), u = copysign(log1p(fabs(value)), value);
        ask_number(export, number, value);
        for (size_t j = 0; j < part.width; j++) {
            export->asked[part.at + j] -= export->own[part.at + j] * u;
        }
        buffer_format(&export->out, "%s\"%s\":", i ? "," : "", seen->texts[i]);
        put_vector(export, part, export->asked);
    }
    put_text(export, "}}");
    flush(export);
}

static void put_value(struct export *export, size_t name, struct bytes value) {
    export->names[name] = value;
    ask_effect(export, NULL);
    export->names[name] = bytes_of(NULL, 0);
    put_vector(export, part_of_name(export, name), export->asked);
}

static void put_categorical(struct export *export, size_t name) {
    const struct columns *columns = &export->fitted->columns;
    const struct seen *seen = &export->seen[columns->number_count + name];
    put_text(export, "{\"name\":");
    printable_append_json(&export->out, bytes_of_text(columns->name_texts[name]));
    buffer_format(&export->out, ",\"type\":\"categorical\",\"at\":%zu,\"unknown\":",
                  part_of_name(export, name).at);
    put_value(export, name, bytes_of_text(UNKNOWN));
    put_text(export, ",\"effects\":{");
    for (size_t i = 0; i < seen->count; i++) {
        put_text(export, i ? "," : "");
        printable_append_json(&export->out, bytes_of_text(seen->texts[i]));
        put_text(export, ":");
        put_value(export, name, bytes_of_text(seen->texts[i]));
        if (export->out.size > FLUSH_BYTES) {
            flush(export);
        }
    }
    put_text(export, "}}");
    flush(export);
}

static void put_layer(struct export *export, const struct layer *layer) {
    const float *params = export->net.params + layer->params_at;
    if (layer->kind == LAYER_NORM) {
        put_text(export, "{\"kind\":\"norm\",");
        put_number(export, "least", LAYERS_NORM_LEAST);
        put_text(export, ",");
        put_floats(export, "gain", params, layer->in);
        put_text(export, ",");
        put_floats(export, "bias", params + layer->in, layer->in);
    } else {
        buffer_format(&export->out, "{\"kind\":\"dense\",\"activation\":\"%s\",\"weights\":[",
                      layer_activation_names[layer->activation]);
        for (size_t i = 0; i < layer->in; i++) {
            put_text(export, i ? ",\n" : "\n");
            put_floats(export, NULL, params + i * layer->out, layer->out);
            flush(export);
        }
        put_text(export, "],");
        put_floats(export, "bias", params + layer->in * layer->out, layer->out);
    }
    put_text(export, "}");
}

static void put_layers(struct export *export) {
    const struct layers *layers = export->net.layers;
    put_text(export, "\"layers\":[");
    bool is_first = true;
    for (size_t i = 0; export->is_net && i < layers->count; i++) {
        if (layers->items[i].kind != LAYER_DROPOUT) { /* in learning only */
            put_text(export, is_first ? "\n" : ",\n");
            put_layer(export, &layers->items[i]);
            is_first = false;
        }
    }
    put_text(export, "],");
}

/* The calibrator is a line: asked where everything is missing, and where another score is. */
static void put_calibration(struct export *export) {
    const struct learner_input input = probe_of(export, NULL); /* it sees what numbers are now */
    struct learner_arm_score base = score_of(export, &input);
    double slope = 1, offset = base.mean - base.raw;
    for (size_t i = 0; i < export->fitted->columns.number_count; i++) {
        export->numbers[i] = 1;
        struct learner_arm_score other = score_of(export, &input);
        export->numbers[i] = (double)NAN;
        if (fabs(other.raw - base.raw) > 1e-3) {
            slope = (other.mean - base.mean) / (other.raw - base.raw);
            offset = base.mean - slope * base.raw;
            break;
        }
    }
    put_number(export, "slope", slope);
    put_text(export, ",");
    put_number(export, "offset", offset);
    put_text(export, ",");
}

static void put_all(struct export *export) {
    const struct columns *columns = &export->fitted->columns;
    ask(export, NULL, export->input);
    buffer_format(&export->out, "{\"learner\":\"%s\",\"task\":\"%s\",", export->fitted->kind->name,
                  task_names[columns->task]);
    put_number(export, "start", export->is_net ? export->net.start : 0);
    put_text(export, ",");
    put_number(export, "scale", export->is_net ? export->net.scale : 1);
    put_text(export, ",");
    put_calibration(export);
    put_text(export, "\"missing\":[");
    for (size_t i = 0; i < columns->missing_count; i++) {
        put_text(export, i ? "," : "");
        printable_append_json(&export->out, bytes_of_text(columns->missing[i]));
    }
    put_text(export, "],\"input\":");
    put_vector(export, (struct part){0, export->width}, export->input);
    put_text(export, ",");
    put_layers(export);
    put_text(export, "\"columns\":[");
    for (size_t i = 0; i < columns->number_count; i++) {
        put_text(export, i ? ",\n" : "\n");
        put_numeric(export, i);
    }
    for (size_t i = 0; i < columns->name_count; i++) {
        put_text(export, i + columns->number_count ? ",\n" : "\n");
        put_categorical(export, i);
    }
    put_text(export, "]}\n");
    flush(export);
}

/* ---- the export ---- */

/* Pairs by the option add to no single column. */
static bool has_option_crosses(const struct fitted *fitted) {
    for (size_t i = 0; i < fitted->kind->option_count; i++) {
        char text[LEARNER_OPTION_TEXT_MAX];
        learner_options_text(&fitted->kind->options[i], fitted->options, text, sizeof text);
        if (strcmp(fitted->kind->options[i].name, "cross") == 0 && *text) {
            return true;
        }
    }
    return false;
}

struct failure export_check(const struct learner_kind *kind) {
    return kind == &learner_linear || kind == &learner_dnn
               ? failure_none()
               : failure_make(FAILURE_STOP, 0, "--export-json: found %s, expected linear or dnn",
                              kind->name);
}

static struct failure check(const struct fitted *fitted, const struct source *source) {
    struct failure failure = export_check(fitted->kind);
    if (failed(failure)) {
        return failure;
    }
    if (source_format(source) == SOURCE_VW) {
        return failure_make(FAILURE_STOP, 0, "--export-json: found VW text, expected columns");
    }
    return has_option_crosses(fitted)
               ? failure_make(FAILURE_STOP, 0,
                              "--export-json: found crosses by --set cross, expected --cross")
               : failure_none();
}

static void init(struct export *export, struct fitted *fitted, FILE *file) {
    const struct columns *columns = &fitted->columns;
    size_t count = columns->number_count + columns->name_count;
    *export =
        (struct export){.fitted = fitted, .is_net = fitted->kind == &learner_dnn, .file = file};
    if (export->is_net) {
        export->net = net_view(net_base_of(fitted->memory));
    }
    export->width = export->is_net ? export->net.layers->in : 1;
    export->seen = memory_new(count + 1, sizeof *export->seen);
    export->numbers = memory_new(columns->number_count + 1, sizeof *export->numbers);
    export->names = memory_new(columns->name_count + 1, sizeof *export->names);
    export->x = memory_new(export->width, sizeof *export->x);
    export->input = memory_new(export->width, sizeof(double));
    export->asked = memory_new(export->width, sizeof(double));
    export->own = memory_new(export->width, sizeof(double));
    for (size_t i = 0; i < columns->number_count; i++) {
        export->numbers[i] = (double)NAN;
    }
    for (size_t i = 0; i < count; i++) {
        slot_index_init(&export->seen[i].index);
    }
}

static void clean_up(struct export *export) {
    const struct columns *columns = &export->fitted->columns;
    for (size_t i = 0; i < columns->number_count + columns->name_count; i++) {
        for (size_t j = 0; j < export->seen[i].count; j++) {
            free(export->seen[i].texts[j]);
        }
        free(export->seen[i].texts);
        slot_index_clean_up(&export->seen[i].index);
    }
    free(export->seen);
    free(export->numbers);
    free(export->names);
    free(export->x);
    free(export->input);
    free(export->asked);
    free(export->own);
    buffer_clean_up(&export->out);
}

struct failure export_json(struct fitted *fitted, struct source *source, FILE *file) {
    struct export export;
    struct failure failure = check(fitted, source);
    if (failed(failure)) {
        return failure;
    }
    init(&export, fitted, file);
    failure = note_rows(&export, source);
    if (!failed(failure)) {
        put_all(&export);
    }
    clean_up(&export);
    return failure;
}
