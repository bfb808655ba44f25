#include "consumer/learn/fitted.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "model/inputs.h"
#include "model/slots.h"

#define LARGE_PAGE ((size_t)2 << 20)
#define OUTLIER_SEED                                                                               \
    UINT64_C(0x6f75746c696572) /* of the flags' keys: no feature of a file has it */

struct failure fitted_check(const struct learner_kind *kind, const struct columns *columns,
                            bool has_open_vocabulary) {
    bool is_logistic = strcmp(kind->name, "logistic") == 0; /* its own slots; others share inputs */
    size_t numbers = is_logistic ? SLOTS_NUMBERS_MAX : INPUTS_NUMBERS_MAX;
    size_t names = is_logistic ? SLOTS_NAMES_MAX : INPUTS_NAMES_MAX;
    if (has_open_vocabulary && is_logistic) {
        return failure_make(FAILURE_STOP, 0,
                            "logistic learns from columns, not from VW text: "
                            "--learner linear does");
    }
    if (columns->number_count > numbers || columns->name_count > names) {
        return failure_make(FAILURE_STOP, 0,
                            "found %zu numeric and %zu categorical columns, %s takes %zu and %zu: "
                            "--ignore some, or use VW text",
                            columns->number_count, columns->name_count, kind->name, numbers, names);
    }
    return failure_none();
}

struct failure fitted_check_memory(const struct learner_kind *kind, const void *options,
                                   const struct columns *columns) {
    struct learner_space space = columns_space(columns);
    size_t bytes = kind->memory_bytes(options, &space);
    size_t machine = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    size_t most = machine < FITTED_BYTES_MAX ? machine : FITTED_BYTES_MAX;
    return bytes <= most
               ? failure_none()
               : failure_make(FAILURE_STOP, 0,
                              "options and columns of %s ask for %zu MiB of memory, expected at "
                              "most %zu MiB",
                              kind->name, bytes >> 20, most >> 20);
}

/* On large pages where they are worth it: a table is met at random. */
static void *memory_for(size_t bytes) {
    size_t alignment = bytes >= LARGE_PAGE ? LARGE_PAGE : 64;
    void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (!memory) {
        abort();
    }
    if (alignment == LARGE_PAGE) {
        (void)madvise(memory, bytes, MADV_HUGEPAGE); /* a kernel without them does without */
    }
    return memory;
}

void fitted_init(struct fitted *fitted, const struct learner_kind *kind, const void *options,
                 struct columns *columns, uint64_t seed) {
    *fitted = (struct fitted){.kind = kind, .columns = *columns, .seed = seed};
    *columns = (struct columns){0};
    fitted->options = memory_new(1, kind->options_bytes);
    memcpy(fitted->options, options, kind->options_bytes);
    fitted->space = columns_space(&fitted->columns);
    fitted->memory_bytes = kind->memory_bytes(options, &fitted->space);
    fitted->memory = memory_for(fitted->memory_bytes);
    kind->init(fitted->memory, options, &fitted->space, NULL, 0);
}

void fitted_clean_up(struct fitted *fitted) {
    free(fitted->options);
    free(fitted->memory);
    free(fitted->features);
    columns_clean_up(&fitted->columns);
    *fitted = (struct fitted){0};
}

/* ---- inputs ---- */

static struct learner_feature *room_for(struct fitted *fitted, size_t count) {
    if (count > fitted->feature_capacity) {
        fitted->feature_capacity = 2 * count;
        fitted->features =
            memory_grow(fitted->features, fitted->feature_capacity, sizeof *fitted->features);
    }
    return fitted->features;
}

uint64_t fitted_flag_key(const struct column *column, bool is_high) {
    return hash64(bytes_of_text(column->name), OUTLIER_SEED + is_high);
}

static void flag(struct fitted *fitted, struct learner_input *input, const struct column *column,
                 bool is_high) {
    bool is_ours = fitted->features && input->features == fitted->features;
    struct learner_feature *out = room_for(fitted, input->feature_count + 1);
    if (!is_ours && input->feature_count > 0) {
        memcpy(out, input->features, input->feature_count * sizeof *out);
    }
    out[input->feature_count++] = (struct learner_feature){fitted_flag_key(column, is_high), 1};
    input->features = out;
}

struct learner_input fitted_input(struct fitted *fitted, struct data_row *row) {
    const struct columns *columns = &fitted->columns;
    struct learner_input input = {.numbers = row->numbers,
                                  .names = row->names,
                                  .features = row->features,
                                  .feature_count = row->feature_count,
                                  .steps = row->steps,
                                  .step_count = row->step_count};
    for (size_t i = 0; i < columns->number_count; i++) {
        const struct column *column = &columns->items[columns->numbers[i]];
        double value = row->numbers[i];
        if (value < column->low || value > column->high) { /* never with NaN */
            bool is_high = value > column->high;
            row->numbers[i] = is_high ? column->high : column->low;
            flag(fitted, &input, column, is_high);
        }
    }
    return input;
}

static double prediction(const struct fitted *fitted, const struct learner_arm_score *score) {
    bool is_binary = fitted->columns.task == TASK_BINARY; /* squared loss may leave [0, 1] */
    return is_binary ? fmin(fmax(score->p, 0), 1) : score->p;
}

enum learner_verdict fitted_score(const struct fitted *fitted, const struct learner_input *input,
                                  double *out) {
    struct learner_scores scores;
    const uint64_t none = LEARNER_ARM_NONE;
    enum learner_verdict verdict = fitted->kind->score(fitted->memory, input, &none, 1, &scores);
    if (verdict == LEARNER_OK) {
        *out = prediction(fitted, &scores.arms[0]);
    }
    return verdict;
}

void fitted_score_batch(const struct fitted *fitted, const struct learner_input *inputs,
                        size_t count, double *out, enum learner_verdict *out_verdicts) {
    struct learner_arm_score scores[LEARNER_BATCH_MAX];
    assert(count <= LEARNER_BATCH_MAX);
    if (fitted->kind->score_batch) {
        fitted->kind->score_batch(fitted->memory, inputs, count, scores, out_verdicts);
    }
    for (size_t i = 0; i < count; i++) {
        if (!fitted->kind->score_batch) {
            out_verdicts[i] = fitted_score(fitted, &inputs[i], &out[i]);
        } else if (out_verdicts[i] == LEARNER_OK) {
            out[i] = prediction(fitted, &scores[i]);
        }
    }
}

struct learner_example fitted_example(const struct fitted *fitted,
                                      const struct learner_input *input, const struct data_row *row,
                                      uint64_t pass, uint64_t index) {
    uint64_t id = hash_combine(hash_combine(fitted->seed, pass), index);
    return (struct learner_example){.input = *input,
                                    .arm = LEARNER_ARM_NONE,
                                    .label = row->label,
                                    .time_ms = row->time_ms,
                                    .id = id ? id : 1,
                                    .is_correction = row->is_correction,
                                    .p_first = (double)NAN,
                                    .weight = row->weight};
}
