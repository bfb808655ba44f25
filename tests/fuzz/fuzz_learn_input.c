/* What `promostream learn` reads beside containers: CSV and VW text, and a file of columns' types.
 * Three bytes of options, then types.yaml, options of the command line and a second file, each with
 * its length, then the file. Good rows hold what rows.h promises, come back from a dataset as they
 * were, and can be scored; types that are saved load as the same. */
#include "consumer/learn/columns_infer.h"
#include "consumer/learn/columns_yaml.h"
#include "consumer/learn/dataset.h"
#include "consumer/learn/fitted.h"
#include "consumer/learn/source.h"
#include "model/linear.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <stdlib.h>

#define TEXTS 10 /* options of the command line, divided by newlines */

/* ---- rows ---- */

static void check_row(const struct columns *columns, const struct data_row *row) {
    FUZZ_ASSERT(row->weight > 0 && row->weight <= LEARNER_WEIGHT_MAX);
    FUZZ_ASSERT(!row->has_label || isfinite(row->label));
    for (size_t i = 0; i < columns->number_count; i++) {
        FUZZ_ASSERT(isnan(row->numbers[i]) || fabs(row->numbers[i]) <= LEARNER_NUMBER_MAX);
    }
    for (size_t i = 0; i < columns->name_count; i++) {
        fuzz_touch_bytes(row->names[i]);
    }
    for (size_t i = 0; i < row->feature_count; i++) {
        FUZZ_ASSERT(isfinite(row->features[i].value));
    }
    fuzz_touch_bytes(row->kept);
}

static void check_kept(struct dataset *data, const struct columns *columns,
                       const struct data_row *row) {
    struct data_row kept;
    FUZZ_ASSERT(dataset_add(data, row));
    dataset_get(data, data->count - 1, &kept);
    FUZZ_ASSERT(kept.line == row->line && kept.fingerprint == row->fingerprint &&
                kept.feature_count == row->feature_count);
    FUZZ_ASSERT(columns->number_count == 0 ||
                memcmp(kept.numbers, row->numbers, columns->number_count * sizeof *kept.numbers) ==
                    0);
    for (size_t i = 0; i < columns->name_count; i++) {
        FUZZ_ASSERT(bytes_equal(kept.names[i], row->names[i]));
    }
    for (size_t i = 0; i < row->feature_count; i++) {
        FUZZ_ASSERT(kept.features[i].key == row->features[i].key &&
                    kept.features[i].value == row->features[i].value);
    }
}

static void read_rows(struct source *source, struct fitted *fitted) {
    struct dataset data;
    struct failure failure = failure_none();
    enum row_verdict verdict = ROW_OK;
    dataset_init(&data, &fitted->columns, (size_t)1 << 30);
    while (verdict == ROW_OK || verdict == ROW_BAD) {
        struct data_row row;
        char error[ROW_ERROR_BYTES_MAX];
        verdict = source_next(source, &row, error, &failure);
        FUZZ_ASSERT(verdict != ROW_BAD || memchr(error, 0, sizeof error));
        if (verdict == ROW_OK) {
            double p;
            check_row(&fitted->columns, &row);
            check_kept(&data, &fitted->columns, &row);
            struct learner_input input = fitted_input(fitted, &row);
            struct learner_example example = fitted_example(fitted, &input, &row, 1, data.count);
            (void)fitted->kind->learn(fitted->memory, &example);
            FUZZ_ASSERT(fitted_score(fitted, &input, &p) != LEARNER_OK || isfinite(p));
        }
    }
    FUZZ_ASSERT(failed(failure) == (verdict == ROW_FAILED));
    dataset_clean_up(&data);
}

/* ---- columns ---- */

/* Complaints about the file go to standard error. */
static struct failure load_types(struct bytes yaml, struct columns *columns) {
    FILE *errors = stderr;
    stderr = fuzz_nowhere();
    struct failure failure = columns_yaml_load(fuzz_path(yaml), columns);
    stderr = errors;
    return failure;
}

static void check_types(const struct columns *columns, const struct source *source) {
    struct columns again;
    const char *path = fuzz_path(bytes_of(NULL, 0));
    source_columns(source, &again);
    FUZZ_ASSERT(again.count == columns->count);
    FUZZ_ASSERT(!failed(columns_yaml_save(path, columns)));
    FUZZ_ASSERT(!failed(columns_yaml_load(path, &again)));
    for (size_t i = 0; i < again.count; i++) {
        FUZZ_ASSERT(again.items[i].type == columns->items[i].type);
    }
    columns_clean_up(&again);
}

/* Lines of text become options, empty ones none; text is cut in place. */
static struct columns_request request_of(char *text, unsigned flags, const char **crosses,
                                         const char **missing) {
    const char *lines[TEXTS] = {0};
    for (size_t i = 0; i < TEXTS && text; i++) {
        char *end = strchr(text, '\n');
        if (end) {
            *end = '\0';
        }
        lines[i] = *text ? text : NULL;
        text = end ? end + 1 : NULL;
    }
    *crosses = lines[8];
    *missing = lines[9];
    return (struct columns_request){.label = lines[0],
                                    .positive = lines[1],
                                    .weight = lines[2],
                                    .time = lines[3],
                                    .group = lines[4],
                                    .numeric = lines[5],
                                    .categorical = lines[6],
                                    .ignore = lines[7],
                                    .crosses = crosses,
                                    .cross_count = lines[8] != NULL,
                                    .missing = missing,
                                    .missing_count = lines[9] != NULL,
                                    .task = (int)(flags / 4 % 3) - 1};
}

static struct failure type_columns(const struct source *source, struct bytes yaml,
                                   struct bytes options, unsigned flags, struct columns *out) {
    char *text = memory_copy_text(options);
    const char *crosses, *missing;
    struct columns_request request = request_of(text, flags, &crosses, &missing);
    struct failure failure = failure_none();
    source_columns(source, out);
    if (yaml.size > 0) {
        failure = load_types(yaml, out);
    }
    if (!failed(failure)) {
        failure = columns_infer(out, source, &request);
    }
    if (!failed(failure)) {
        struct buffer shown = {0};
        columns_bound(out, source);
        columns_write(out, &shown);
        check_types(out, source);
        buffer_clean_up(&shown);
    }
    free(text);
    return failure;
}

/* ---- files ---- */

static struct failure fit(struct source *source, struct columns *columns, struct fitted *out) {
    bool is_open = source_format(source) == SOURCE_VW;
    struct failure failure = fitted_check(&learner_linear, columns, is_open);
    if (!failed(failure)) {
        void *options = memory_new(1, learner_linear.options_bytes);
        char error[LEARNER_OPTION_TEXT_MAX];
        learner_options_default(&learner_linear, options);
        FUZZ_ASSERT(
            learner_options_set(&learner_linear, options, "bits", "8", error, sizeof error));
        fitted_init(out, &learner_linear, options, columns, 1);
        free(options);
    }
    return failure;
}

static void read_file(const struct source_config *config, struct bytes content,
                      struct fitted *fitted, bool needs_label) {
    struct source_config used = *config;
    struct source *source;
    used.path = fuzz_path(content);
    struct failure failure = source_open(&used, &source);
    if (!failed(failure)) {
        const char *kept = fitted->columns.count > 0 ? fitted->columns.items[0].name : NULL;
        failure = source_bind(source, &fitted->columns, kept, needs_label);
    }
    if (!failed(failure)) {
        read_rows(source, fitted);
    }
    source_close(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {bytes_of(data, size)};
    unsigned flags = (unsigned)fuzz_number(&input, 1);
    char separator = (char)fuzz_number(&input, 1); /* the command line takes no other */
    struct source_config config = {.format = (enum source_format)(flags % 3), /* auto, csv, vw */
                                   .separator =
                                       separator && !strchr("\"\r\n", separator) ? separator : 0,
                                   .row_bytes_max = 16 + 16 * (size_t)fuzz_number(&input, 1)};
    struct bytes yaml = fuzz_piece(&input), options = fuzz_piece(&input);
    struct bytes second = fuzz_piece(&input);
    struct source *source;
    struct columns columns = {0};
    struct fitted fitted = {0};
    config.path = fuzz_path(input.left);
    struct failure failure = source_open(&config, &source);
    if (!failed(failure)) {
        failure = type_columns(source, yaml, options, flags, &columns);
    }
    if (!failed(failure)) {
        failure = fit(source, &columns, &fitted);
    }
    source_close(source);
    if (!failed(failure)) {
        read_file(&config, input.left, &fitted, true);
        read_file(&config, second, &fitted, false);
    }
    fitted_clean_up(&fitted);
    columns_clean_up(&columns);
    free((void *)(uintptr_t)yaml.data);
    free((void *)(uintptr_t)options.data);
    free((void *)(uintptr_t)second.data);
    return 0;
}
