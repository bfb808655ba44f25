#include "consumer/learn/export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/slot_index.h"
#include "consumer/ops/printable.h"

#define ROOT_HALF   0.70710678118654752440
#define BUCKET_TEXT 24

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
    double bias;
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

static struct learner_arm_score ask(const struct export *export,
                                    const struct learner_feature *feature) {
    const struct fitted *fitted = export->fitted;
    struct learner_input input = {.numbers = export->numbers,
                                  .names = export->names,
                                  .features = feature,
                                  .feature_count = feature != NULL};
    struct learner_scores scores = {0};
    const uint64_t none = LEARNER_ARM_NONE;
    (void)fitted->kind->score(fitted->memory, &input, &none, 1, &scores);
    return scores.arms[0];
}

static double effect_of_number(struct export *export, size_t number, double value) {
    export->numbers[number] = value;
    double effect = ask(export, NULL).raw - export->bias;
    export->numbers[number] = (double)NAN;
    return effect;
}

static double effect_of_flag(struct export *export, size_t number, bool is_high) {
    const struct columns *columns = &export->fitted->columns;
    struct learner_feature feature = {
        fitted_flag_key(&columns->items[columns->numbers[number]], is_high), 1};
    return ask(export, &feature).raw - export->bias;
}

/* Two numbers of one half octave: what lies between them is the slope. */
static double slope_of(struct export *export, size_t number) {
    double left = 1.05, right = 1.35;
    return (effect_of_number(export, number, right) - effect_of_number(export, number, left)) /
           (log1p(right) - log1p(left));
}

/* ---- writing ---- */

static void put_number(const char *key, double number, struct buffer *out) {
    if (isfinite(number)) {
        buffer_format(out, "\"%s\":%.17g", key, number);
    } else {
        buffer_format(out, "\"%s\":null", key);
    }
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

static void put_numeric(struct export *export, size_t number, struct buffer *out) {
    const struct columns *columns = &export->fitted->columns;
    const struct column *column = &columns->items[columns->numbers[number]];
    const struct seen *seen = &export->seen[number];
    double slope = slope_of(export, number);
    buffer_append(out, bytes_of_text("{\"name\":"));
    printable_append_json(out, bytes_of_text(column->name));
    buffer_append(out, bytes_of_text(",\"type\":\"numeric\","));
    put_number("low", column->low, out);
    buffer_append_byte(out, ',');
    put_number("high", column->high, out);
    buffer_append_byte(out, ',');
    put_number("low_flag", effect_of_flag(export, number, false), out);
    buffer_append_byte(out, ',');
    put_number("high_flag", effect_of_flag(export, number, true), out);
    buffer_append_byte(out, ',');
    put_number("slope", slope, out);
    buffer_append(out, bytes_of_text(",\"buckets\":{"));
    for (size_t i = 0; i < seen->count; i++) {
        double value = inside(seen->texts[i]);
        double effect =
            effect_of_number(export, number, value) - slope * copysign(log1p(fabs(value)), value);
        buffer_append(out, bytes_of_text(i ? "," : ""));
        put_number(seen->texts[i], effect, out);
    }
    buffer_append(out, bytes_of_text("}}"));
}

static void put_categorical(struct export *export, size_t name, struct buffer *out) {
    const struct columns *columns = &export->fitted->columns;
    const struct seen *seen = &export->seen[columns->number_count + name];
    buffer_append(out, bytes_of_text("{\"name\":"));
    printable_append_json(out, bytes_of_text(columns->name_texts[name]));
    buffer_append(out, bytes_of_text(",\"type\":\"categorical\",\"effects\":{"));
    for (size_t i = 0; i < seen->count; i++) {
        export->names[name] = bytes_of_text(seen->texts[i]);
        buffer_append(out, bytes_of_text(i ? "," : ""));
        printable_append_json(out, bytes_of_text(seen->texts[i]));
        buffer_format(out, ":%.17g", ask(export, NULL).raw - export->bias);
    }
    export->names[name] = bytes_of(NULL, 0);
    buffer_append(out, bytes_of_text("}}"));
}

static void put_all(struct export *export, struct buffer *out) {
    const struct columns *columns = &export->fitted->columns;
    struct learner_arm_score base = ask(export, NULL);
    export->bias = base.raw;
    /* The calibrator is a line. It is asked where it stands, and where another logit is. */
    double slope = 1, offset = base.mean - base.raw;
    for (size_t i = 0; i < columns->number_count; i++) {
        export->numbers[i] = 1;
        struct learner_arm_score other = ask(export, NULL);
        export->numbers[i] = (double)NAN;
        if (fabs(other.raw - base.raw) > 1e-3) {
            slope = (other.mean - base.mean) / (other.raw - base.raw);
            offset = base.mean - slope * base.raw;
            break;
        }
    }
    buffer_append(out, bytes_of_text("{\"learner\":\"linear\","));
    buffer_format(out, "\"task\":\"%s\",", task_names[columns->task]);
    put_number("bias", base.raw, out);
    buffer_append_byte(out, ',');
    put_number("slope", slope, out);
    buffer_append_byte(out, ',');
    put_number("offset", offset, out);
    buffer_append(out, bytes_of_text(",\"columns\":["));
    for (size_t i = 0; i < columns->number_count; i++) {
        buffer_append(out, bytes_of_text(i ? ",\n" : "\n"));
        put_numeric(export, i, out);
    }
    for (size_t i = 0; i < columns->name_count; i++) {
        buffer_append(out, bytes_of_text(i + columns->number_count ? ",\n" : "\n"));
        put_categorical(export, i, out);
    }
    buffer_append(out, bytes_of_text("]}\n"));
}

struct failure export_json(struct fitted *fitted, struct source *source, struct buffer *out) {
    const struct columns *columns = &fitted->columns;
    if (strcmp(fitted->kind->name, "linear") != 0 || source_format(source) == SOURCE_VW) {
        return failure_make(
            FAILURE_STOP, 0, "--export-json: found %s%s, expected linear over columns",
            fitted->kind->name, source_format(source) == SOURCE_VW ? " over VW text" : "");
    }
    size_t count = columns->number_count + columns->name_count;
    struct export export = {.fitted = fitted,
                            .seen = memory_new(count + 1, sizeof *export.seen),
                            .numbers =
                                memory_new(columns->number_count + 1, sizeof *export.numbers),
                            .names = memory_new(columns->name_count + 1, sizeof *export.names)};
    for (size_t i = 0; i < columns->number_count; i++) {
        export.numbers[i] = (double)NAN;
    }
    for (size_t i = 0; i < count; i++) {
        slot_index_init(&export.seen[i].index);
    }
    struct failure failure = note_rows(&export, source);
    if (!failed(failure)) {
        put_all(&export, out);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < export.seen[i].count; j++) {
            free(export.seen[i].texts[j]);
        }
        free(export.seen[i].texts);
        slot_index_clean_up(&export.seen[i].index);
    }
    free(export.seen);
    free(export.numbers);
    free(export.names);
    return failure;
}
