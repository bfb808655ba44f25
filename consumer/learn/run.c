#include "consumer/learn/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/slot_index.h"
#include "consumer/learn/columns_yaml.h"
#include "consumer/learn/leak.h"

#define REPORT_ROWS 8192

/* What one run works with. */
struct work {
    const struct learn_plan *plan;
    const struct run_listener *listener;
    struct learn_run *run;
    struct source *source;
    struct split split;
    struct dataset data;
    uint32_t *rows[PART_COUNT]; /* indices into data */
    size_t counts[PART_COUNT], capacities[PART_COUNT];
    struct slot_index seen; /* fingerprints of training rows, for duplicates */
    struct leak_watch leaks;
    uint64_t index; /* of the next good row */
    double label_least, label_most, label_sum;
    int64_t label_count;
    int64_t begin_ns;
};

/* ---- rows ---- */

/* The next good row. False at the end, or on a failure, which is set then alone. */
static bool next_row(struct work *work, struct source *source, struct data_row *row,
                     struct failure *failure) {
    for (;;) {
        char error[ROW_ERROR_BYTES_MAX];
        enum row_verdict verdict = source_next(source, row, error, failure);
        if (verdict == ROW_FAILED || verdict == ROW_END) {
            return false;
        }
        if (verdict == ROW_OK && row->is_margin_only) {
            work->run->report.margin_only++;
            continue;
        }
        if (verdict == ROW_OK) {
            return true;
        }
        if (!work->plan->skips_bad) {
            *failure = failure_make(FAILURE_STOP, 0, "%.60s:%llu: %.160s", source_name(source),
                                    (unsigned long long)row->line, error);
            return false;
        }
        work->run->report.bad++;
    }
}

/* Is it a training row like one before? */
static bool is_duplicate(struct work *work, const struct data_row *row) {
    if (!work->plan->drops_duplicates) {
        return false;
    }
    if (slot_index_peek(&work->seen, row->fingerprint) != SLOT_NONE) {
        work->run->report.duplicates++;
        return true;
    }
    slot_index_insert(&work->seen, row->fingerprint, 0);
    return false;
}

/* What every row passes, in the order of the file. */
static void note_row(struct work *work, const struct data_row *row) {
    work->index++;
    work->run->data_fingerprint = hash_combine(work->run->data_fingerprint, row->fingerprint);
}

static void note_label(struct work *work, const struct data_row *row) {
    leak_watch_add(&work->leaks, row);
    work->run->report.corrections += row->is_correction;
    work->label_least = fmin(work->label_least, row->label);
    work->label_most = fmax(work->label_most, row->label);
    work->label_sum += row->label;
    work->label_count++;
}

static struct failure check_labels(const struct work *work) {
    const struct columns *columns = &work->run->fitted.columns;
    const char *name = columns->label >= 0 ? columns->items[columns->label].name : "";
    if (work->label_count == 0) {
        return failure_make(FAILURE_STOP, 0, "%.100s: no rows to learn from",
                            work->plan->source.path);
    }
    if (columns->label_rule == LABEL_IS_POSITIVE && work->label_most == 0) {
        return failure_make(
            FAILURE_STOP, 0, "%.100s: label %.60s is \"%.40s\" in none of %lld rows",
            work->plan->source.path, name, columns->positive, (long long)work->label_count);
    }
    return work->label_least < work->label_most
               ? failure_none()
               : failure_make(FAILURE_STOP, 0,
                              "%.100s: label%s%.60s is %g in all %lld rows: nothing to learn",
                              work->plan->source.path, *name ? " " : "", name, work->label_least,
                              (long long)work->label_count);
}

/* ---- in one pass ---- */

/* Whose predictions are written out. */
static enum report_part predicted_part(const struct work *work) {
    return work->plan->is_progressive            ? REPORT_PROGRESSIVE
           : work->split.test.kind != SPLIT_NONE ? REPORT_TEST
                                                 : REPORT_VALID;
}

static struct judged *begin_part(struct work *work, enum report_part part) {
    struct judged *judged = &work->run->parts[part];
    judged_init(judged, work->run->fitted.columns.task, work->plan->threshold,
                work->plan->slice != NULL);
    work->run->report.parts[part] = judged;
    if (part == predicted_part(work)) {
        judged->predictions = work->plan->predictions;
    }
    return judged;
}

static bool tell_stream(struct work *work, struct batch *batch) {
    struct batch_counts *counts = &batch->counts;
    double loss =
        counts->recent_weight > 0 ? counts->recent_loss / counts->recent_weight : (double)NAN;
    struct training_moment moment = {1, counts->learned, loss, (double)NAN,
                                     source_progress(work->source)};
    counts->recent_loss = counts->recent_weight = 0;
    return work->listener->on_moment(work->listener->context, &moment);
}

static struct failure learn_stream(struct work *work) {
    struct learn_run *run = work->run;
    struct batch batch;
    struct data_row row;
    struct failure failure = failure_none();
    batch_init(&batch, &run->fitted,
               work->plan->is_progressive ? begin_part(work, REPORT_PROGRESSIVE) : NULL);
    while (next_row(work, work->source, &row, &failure)) {
        uint64_t index = work->index;
        note_row(work, &row);
        if (is_duplicate(work, &row)) {
            continue;
        }
        note_label(work, &row);
        batch_add(&batch, &row, 1, index);
        if (index % REPORT_ROWS == REPORT_ROWS - 1 && !tell_stream(work, &batch)) {
            run->report.is_stopped = true;
            break;
        }
    }
    batch_flush(&batch);
    judged_settle(&run->parts[REPORT_PROGRESSIVE]);
    run->report.rows = run->report.learned = batch.counts.learned;
    run->report.refused = batch.counts.refused;
    run->report.passes = run->report.best_pass = 1;
    batch_clean_up(&batch);
    return failure;
}

/* ---- in memory ---- */

static struct failure keep_row(struct work *work, enum part part, const struct data_row *row) {
    if (work->data.count == UINT32_MAX || !dataset_add(&work->data, row)) {
        return failure_make(
            FAILURE_STOP, 0,
            "%.60s: rows take more than %zu KiB of memory (--memory-max); one pass without "
            "held-out rows needs none",
            source_name(work->source), work->plan->memory_max >> 10);
    }
    if (work->counts[part] == work->capacities[part]) {
        work->capacities[part] = work->capacities[part] ? 2 * work->capacities[part] : 1024;
        work->rows[part] =
            memory_grow(work->rows[part], work->capacities[part], sizeof *work->rows[part]);
    }
    work->rows[part][work->counts[part]++] = (uint32_t)(work->data.count - 1);
    return failure_none();
}

static struct failure read_rows(struct work *work) {
    struct data_row row;
    struct failure failure = failure_none();
    while (next_row(work, work->source, &row, &failure)) {
        enum part part = split_of(&work->split, work->index, &row);
        note_row(work, &row);
        if (part == PART_GAP) {
            work->run->report.in_gap++;
            continue;
        }
        if (part == PART_TRAIN && is_duplicate(work, &row)) {
            continue;
        }
        if (part == PART_TRAIN) {
            note_label(work, &row);
        }
        failure = keep_row(work, part, &row);
        if (failed(failure)) {
            return failure;
        }
    }
    return failure;
}

/* All rows of another file become part. */
static struct failure read_part(struct work *work, const char *path, enum part part) {
    struct source_config config = work->plan->source;
    config.path = path;
    struct source *source;
    struct data_row row;
    struct failure failure = source_open(&config, &source);
    if (failed(failure)) {
        return failure;
    }
    failure = source_bind(source, &work->run->fitted.columns, work->plan->slice, true);
    while (!failed(failure) && next_row(work, source, &row, &failure)) {
        failure = keep_row(work, part, &row);
    }
    source_close(source);
    return failure;
}

/* Bounds of outliers, from the training rows. */
static void fit_bounds(struct work *work) {
    struct columns *columns = &work->run->fitted.columns;
    size_t count = work->counts[PART_TRAIN];
    double *values = memory_new(count + 1, sizeof *values);
    for (size_t i = 0; i < columns->number_count; i++) {
        struct column *column = &columns->items[columns->numbers[i]];
        for (size_t row = 0; row < count; row++) {
            struct data_row out;
            dataset_get(&work->data, work->rows[PART_TRAIN][row], &out);
            values[row] = out.numbers[i];
        }
        columns_bounds(values, count, &column->low, &column->high);
    }
    free(values);
}

static void judge_part(struct work *work, enum part part, enum report_part as) {
    if (work->counts[part] > 0) {
        struct judged *judged = begin_part(work, as);
        work->run->report.refused += training_judge(&work->run->fitted, &work->data,
                                                    work->rows[part], work->counts[part], judged);
    }
}

static bool is_shuffled(const struct learn_plan *plan, const struct columns *columns) {
    bool is_free = plan->passes > 1 && columns->time < 0 && !plan->is_progressive;
    return plan->shuffle == SHUFFLE_YES || (plan->shuffle == SHUFFLE_AUTO && is_free);
}

static void train(struct work *work) {
    struct learn_run *run = work->run;
    const struct learn_plan *plan = work->plan;
    struct training_settings settings = {
        .passes = plan->passes,
        .patience = plan->patience,
        .is_shuffled = is_shuffled(plan, &run->fitted.columns),
        .progressive = plan->is_progressive ? begin_part(work, REPORT_PROGRESSIVE) : NULL};
    struct training_result result =
        training_run(&run->fitted, &settings, &work->data, work->rows[PART_TRAIN],
                     work->counts[PART_TRAIN], work->rows[PART_VALID], work->counts[PART_VALID],
                     work->listener->on_moment, work->listener->context);
    judged_settle(&run->parts[REPORT_PROGRESSIVE]);
    run->report.rows = (int64_t)work->counts[PART_TRAIN];
    run->report.learned = result.learned;
    run->report.refused = result.refused;
    run->report.passes = result.passes;
    run->report.best_pass = result.best_pass;
    run->report.is_stopped = result.is_stopped;
}

static void set_prior(struct work *work);

static struct failure learn_in_memory(struct work *work) {
    struct failure failure = read_rows(work);
    /* Groups of a container are there unasked: of users, who come back. */
    if (work->plan->columns.group || source_format(work->source) != SOURCE_AVRO) {
        work->run->report.of_known_groups =
            split_strangers(&work->split, &work->data, work->rows, work->counts);
    }
    if (!failed(failure) && work->split.valid.kind == SPLIT_FILE) {
        failure = read_part(work, work->split.valid.path, PART_VALID);
    }
    if (!failed(failure)) {
        failure = check_labels(work);
    }
    if (failed(failure)) {
        return failure;
    }
    if (work->split.valid.kind != SPLIT_NONE && work->counts[PART_VALID] == 0) {
        return failure_make(FAILURE_STOP, 0, "--valid %s holds no rows", work->plan->valid);
    }
    if (work->split.test.kind != SPLIT_NONE && work->split.test.kind != SPLIT_FILE &&
        work->counts[PART_TEST] == 0) {
        return failure_make(FAILURE_STOP, 0, "--test %s holds no rows", work->plan->test);
    }
    if (!work->plan->keeps_outliers) {
        fit_bounds(work);
    }
    set_prior(work);
    train(work);
    judge_part(work, PART_TRAIN, REPORT_TRAIN);
    judge_part(work, PART_VALID, REPORT_VALID);
    judge_part(work, PART_TEST, REPORT_TEST);
    return failure;
}

/* A net or a table begins at the base rate, where the rows that it may know tell it. */
static void set_prior(struct work *work) {
    struct fitted *fitted = &work->run->fitted;
    double rate = work->label_sum / (double)work->label_count;
    char text[40], error[LEARNER_OPTION_TEXT_MAX];
    if (work->plan->is_prior_set || work->plan->is_progressive ||
        fitted->columns.task != TASK_BINARY) {
        return;
    }
    snprintf(text, sizeof text, "%.6f", fmin(fmax(rate, 1e-4), 1 - 1e-4));
    if (learner_options_set(fitted->kind, fitted->options, "prior_p", text, error, sizeof error)) {
        fitted->kind->init(fitted->memory, fitted->options, &fitted->space, NULL, 0);
    }
}

/* ---- the run ---- */

/* A test file is judged row by row. */
static struct failure judge_file(struct work *work) {
    struct source_config config = work->plan->source;
    config.path = work->split.test.path;
    struct source *source;
    struct data_row row;
    struct failure failure = source_open(&config, &source);
    if (failed(failure)) {
        return failure;
    }
    failure = source_bind(source, &work->run->fitted.columns, work->plan->slice, true);
    struct judged *judged = begin_part(work, REPORT_TEST);
    while (!failed(failure) && next_row(work, source, &row, &failure)) {
        work->run->report.refused += !training_judge_row(&work->run->fitted, &row, judged);
    }
    judged_settle(judged);
    source_close(source);
    return failure;
}

static struct failure type_columns(struct work *work) {
    const struct learn_plan *plan = work->plan;
    struct columns columns;
    source_columns(work->source, &columns);
    struct failure failure = failure_none();
    if (plan->types_path) {
        failure = columns_yaml_load(plan->types_path, &columns);
    }
    if (!failed(failure)) {
        failure = columns_infer(&columns, work->source, &plan->columns);
    }
    if (!failed(failure) && !plan->keeps_outliers) {
        columns_bound(&columns, work->source);
    }
    if (!failed(failure) && plan->save_types_path) {
        failure = columns_yaml_save(plan->save_types_path, &columns);
    }
    if (!failed(failure)) {
        failure = fitted_check(plan->kind, &columns, source_format(work->source) == SOURCE_VW);
    }
    if (!failed(failure)) {
        failure = fitted_check_memory(plan->kind, plan->options, &columns);
    }
    if (failed(failure)) {
        columns_clean_up(&columns);
        return failure;
    }
    fitted_init(&work->run->fitted, plan->kind, plan->options, &columns, plan->seed);
    return failure;
}

static struct failure set_split(struct work *work) {
    const struct learn_plan *plan = work->plan;
    struct split *split = &work->split;
    struct failure failure = split_rule_parse("valid", plan->valid, &split->valid);
    if (!failed(failure)) {
        failure = split_rule_parse("test", plan->test, &split->test);
    }
    if (failed(failure)) {
        return failure;
    }
    split->gap_ms = plan->gap_ms;
    split->seed = plan->seed;
    split->has_groups = work->run->fitted.columns.group >= 0;
    bool needs_time = split->valid.kind == SPLIT_AFTER || split->test.kind == SPLIT_AFTER;
    if (needs_time && work->run->fitted.columns.time < 0) {
        return failure_make(FAILURE_STOP, 0, "after: needs to know the column of time (--time)");
    }
    if (plan->gap_ms > 0 && !needs_time) {
        return failure_make(FAILURE_STOP, 0,
                            "--gap: lies before after:TIME, found no such --valid or --test");
    }
    return split_init(split);
}

static bool needs_memory(const struct work *work) {
    enum split_kind test = work->split.test.kind;
    return work->plan->passes > 1 || work->split.valid.kind != SPLIT_NONE ||
           test == SPLIT_FRACTION || test == SPLIT_AFTER;
}

static struct failure begin(struct work *work) {
    struct learn_run *run = work->run;
    run->is_usage = false;
    struct failure failure = source_open(&work->plan->source, &work->source);
    if (failed(failure)) {
        return failure;
    }
    run->is_usage = true; /* what follows is about columns and options */
    if (!run->fitted.kind) {
        failure = type_columns(work);
    }
    if (!failed(failure)) {
        failure = source_bind(work->source, &run->fitted.columns, work->plan->slice, true);
    }
    return failed(failure) ? failure : set_split(work);
}

static struct failure work_through(struct work *work) {
    struct learn_run *run = work->run;
    struct failure failure = begin(work);
    if (failed(failure)) {
        return failure;
    }
    run->is_usage = false;
    bool is_standard_input = strcmp(work->plan->source.path, "-") == 0;
    run->report.input = is_standard_input ? "standard input" : work->plan->source.path;
    run->report.learner = run->fitted.kind->name;
    run->report.seed = run->fitted.seed;
    work->listener->on_columns(work->listener->context, &run->fitted.columns);
    dataset_init(&work->data, &run->fitted.columns, work->plan->memory_max);
    slot_index_init(&work->seen);
    leak_watch_init(&work->leaks, &run->fitted.columns);
    failure = needs_memory(work) ? learn_in_memory(work) : learn_stream(work);
    if (!failed(failure)) {
        failure = check_labels(work);
    }
    run->report.leak_count = leak_watch_find(&work->leaks, run->report.leaks);
    if (!failed(failure) && work->split.test.kind == SPLIT_FILE) {
        failure = judge_file(work);
    }
    return failure;
}

struct failure learn_run(const struct learn_plan *plan, const struct run_listener *listener,
                         struct learn_run *run) {
    struct work work = {.plan = plan,
                        .listener = listener,
                        .run = run,
                        .label_least = (double)INFINITY,
                        .label_most = -(double)INFINITY,
                        .begin_ns = clock_monotonic_ns()};
    struct failure failure = work_through(&work);
    run->report.seconds = (double)(clock_monotonic_ns() - work.begin_ns) / 1e9;
    slot_index_clean_up(&work.seen);
    leak_watch_clean_up(&work.leaks);
    dataset_clean_up(&work.data);
    for (int part = 0; part < PART_COUNT; part++) {
        free(work.rows[part]);
    }
    source_close(work.source);
    return failure;
}

void learn_run_clean_up(struct learn_run *run) {
    fitted_clean_up(&run->fitted);
    for (int part = 0; part < REPORT_PARTS; part++) {
        judged_clean_up(&run->parts[part]);
        run->report.parts[part] = NULL;
    }
}
