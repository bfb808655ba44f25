/* source_avro: container files of examples, as the topic `examples` has them: the features of this
 * build, what was done, whether it was bought. Later revisions are corrections,
 * or tell of the margin alone. */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "consumer/learn/example_file.h"
#include "consumer/learn/source_internal.h"
#include "consumer/rooms/models.h"

enum { COLUMN_ACTION, COLUMN_OF_WEIGHT, COLUMN_DECIDED, COLUMN_USER, COLUMN_BOUGHT };
static const char *const fixed_names[] = {"action", "weight", "decided", "user_id", "bought"};
static const enum column_type fixed_types[] = {COLUMN_CATEGORICAL, COLUMN_WEIGHT, COLUMN_TIME,
                                               COLUMN_GROUP, COLUMN_LABEL};

struct source_avro {
    struct example_file file;
    struct example_row row;
    /* Where a number or name of the columns stands in the row: of numbers, or of names; the action
     * is model_space.name_count. -1 = nowhere: missing. */
    int *numbers, *names;
};

struct failure source_avro_open(struct source *source, const struct source_config *config) {
    (void)config;
    source->avro = memory_new(1, sizeof *source->avro);
    return example_file_open(&source->avro->file, source->input, source->name);
}

void source_avro_columns(const struct source *source, struct columns *out) {
    (void)source;
    size_t numbers = model_space.number_count, names = model_space.name_count;
    size_t count = numbers + names + COLUMN_BOUGHT + 1;
    const char **texts = memory_new(count, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        texts[i] = i < numbers           ? model_space.numbers[i]
                   : i < numbers + names ? model_space.names[i - numbers]
                                         : fixed_names[i - numbers - names];
    }
    columns_init(out, texts, count);
    for (size_t i = 0; i < count; i++) {
        out->items[i].type = i < numbers           ? COLUMN_NUMERIC
                             : i < numbers + names ? COLUMN_CATEGORICAL
                                                   : fixed_types[i - numbers - names];
    }
    free(texts);
}

static int index_of(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

struct failure source_avro_bind(struct source *source, const char *kept) {
    struct source_avro *avro = source->avro;
    const struct columns *columns = source->columns;
    size_t plain = columns->name_count - columns->cross_count;
    avro->numbers = memory_grow(avro->numbers, columns->number_count + 1, sizeof *avro->numbers);
    avro->names = memory_grow(avro->names, plain + 1, sizeof *avro->names);
    for (size_t i = 0; i < columns->number_count; i++) {
        avro->numbers[i] =
            index_of(model_space.numbers, model_space.number_count, columns->number_texts[i]);
    }
    for (size_t i = 0; i < plain; i++) {
        const char *name = columns->name_texts[i];
        avro->names[i] = strcmp(name, fixed_names[COLUMN_ACTION]) == 0
                             ? (int)model_space.name_count
                             : index_of(model_space.names, model_space.name_count, name);
    }
    for (size_t i = 0; i < columns->number_count + plain; i++) {
        bool is_number = i < columns->number_count;
        if ((is_number ? avro->numbers[i] : avro->names[i - columns->number_count]) < 0) {
            return failure_make(FAILURE_STOP, 0,
                                "%s: examples have no \"%s\", which the model needs", source->name,
                                is_number ? columns->number_texts[i]
                                          : columns->name_texts[i - columns->number_count]);
        }
    }
    return kept ? failure_make(FAILURE_STOP, 0, "%s: examples have no column \"%s\" to show",
                               source->name, kept)
                : failure_none();
}

static void fill_features(struct source *source) {
    struct source_avro *avro = source->avro;
    const struct example_row *row = &avro->row;
    const struct columns *columns = source->columns;
    for (size_t i = 0; i < columns->number_count; i++) {
        int at = avro->numbers[i];
        bool is_there = at >= 0 && (size_t)at < row->number_count;
        source->numbers[i] = is_there ? row->numbers[at] : (double)NAN;
    }
    for (size_t i = 0; i < columns->name_count - columns->cross_count; i++) {
        int at = avro->names[i];
        bool is_action = at == (int)model_space.name_count;
        bool is_there = at >= 0 && (size_t)at < row->name_count;
        source->names[i] = is_action ? row->action : is_there ? row->names[at] : bytes_of(NULL, 0);
    }
    source_cross_names(source);
}

static uint64_t decision_of(const struct example_row *row) {
    uint64_t hash = hash_combine(row->decision_id.high, row->decision_id.low);
    return hash ? hash : 1;
}

/* The row, typed. */
static bool type_row(struct source *source, struct data_row *out, char *error) {
    const struct source_avro *avro = source->avro;
    const struct example_row *row = &avro->row;
    if (row->feature_version != model_space.feature_version) {
        source_complain(error, "feature version %d, expected %d", row->feature_version,
                        model_space.feature_version);
        return false;
    }
    if (!(row->weight > 0 && row->weight <= LEARNER_WEIGHT_MAX)) {
        source_complain(error, "weight: found %g, expected a number above 0, at most %g",
                        row->weight, LEARNER_WEIGHT_MAX);
        return false;
    }
    for (size_t i = 0; i < row->number_count; i++) {
        if (fabs(row->numbers[i]) > LEARNER_NUMBER_MAX) {
            source_complain(error, "number %zu: found %g, expected one up to 1e15", i,
                            row->numbers[i]);
            return false;
        }
    }
    fill_features(source);
    out->has_label = true;
    out->label = row->label == LABEL_BOUGHT;
    out->weight = row->weight;
    out->time_ms = row->decided_ms;
    out->group = hash64(row->user_id, 0);
    out->numbers = source->numbers;
    out->names = source->names;
    out->steps = row->steps;
    out->step_count = row->step_count;
    out->decision = decision_of(row);
    out->is_correction = row->is_retraction;
    out->is_margin_only = row->revision > 0 && !row->is_retraction;
    out->kept = bytes_of(NULL, 0);
    return true;
}

enum row_verdict source_avro_next(struct source *source, struct data_row *out,
                                  char error[ROW_ERROR_BYTES_MAX], struct failure *out_failure) {
    struct source_avro *avro = source->avro;
    struct bytes body;
    int64_t offset;
    struct failure failure = example_file_next(&avro->file, &avro->row, &body, &offset);
    *out = (struct data_row){.line = (uint64_t)avro->file.record};
    if (failed(failure)) {
        *out_failure = failure;
        return ROW_FAILED;
    }
    if (body.size == 0) {
        return ROW_END;
    }
    out->fingerprint = hash64(body, 0);
    return type_row(source, out, error) ? ROW_OK : ROW_BAD;
}

void source_avro_close(struct source_avro *avro) {
    if (avro) {
        example_file_close(&avro->file);
        free(avro->numbers);
        free(avro->names);
        free(avro);
    }
}
