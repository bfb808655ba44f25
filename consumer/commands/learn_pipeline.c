#include "consumer/commands/learn_pipeline.h"

#include <math.h>
#include <stdlib.h>

#include "base/slot_index.h"
#include "consumer/commands/model_transfer.h"
#include "consumer/learn/example_file.h"
#include "consumer/trainer/lesson.h"

#define REPORT_EXAMPLES 1024
#define THRESHOLD       0.5

/* ---- promises and what came of them ---- */

/* What was said of a decision before its first label was learned, and the label as it is known now:
 * early labels are taken back by corrections, and a promise is about the last one. */
struct promise {
    double p, label, weight;
};

struct promises {
    struct promise *items;
    size_t count, capacity;
    struct slot_index by_decision; /* hash of the decision's id -> its promise */
};

static void judge(void *context, const struct learner_example *example, double p) {
    struct promises *promises = context;
    uint32_t found = slot_index_peek(&promises->by_decision, example->id);
    if (found != SLOT_NONE) {
        promises->items[found].label = example->label;
    }
    if (found != SLOT_NONE || example->is_correction) {
        return; /* a correction of what stands before the file's beginning has no promise here */
    }
    if (promises->count == promises->capacity) {
        promises->capacity = promises->capacity ? 2 * promises->capacity : 1024;
        promises->items = memory_grow(promises->items, promises->capacity, sizeof *promises->items);
    }
    slot_index_insert(&promises->by_decision, example->id, (uint32_t)promises->count);
    promises->items[promises->count++] = (struct promise){p, example->label, example->weight};
}

static void judge_promises(struct promises *promises, struct judged *out) {
    for (size_t i = 0; i < promises->count; i++) {
        const struct promise *promise = &promises->items[i];
        judged_add(out, promise->p, promise->label, promise->weight, bytes_of(NULL, 0));
    }
    slot_index_clean_up(&promises->by_decision);
    free(promises->items);
}

/* ---- learning ---- */

static bool tell(const struct learn_pipeline *plan, int64_t examples) {
    const struct training_moment moment = {
        .pass = 1, .rows = examples, .loss = (double)NAN, .valid_loss = (double)NAN, .share = -1};
    return !plan->report || plan->report(plan->report_context, &moment);
}

static struct failure learn_all(const struct learn_pipeline *plan, struct example_file *file,
                                struct lesson *lesson, struct learn_pipeline_result *out) {
    struct example_row row;
    struct failure failure = failure_none();
    int64_t whole_examples = 0;
    bool goes_on = true;
    while (goes_on) {
        struct bytes body;
        int64_t offset, whole = lesson->whole;
        failure = example_file_next(file, &row, &body, &offset);
        if (failed(failure) || body.size == 0) {
            break;
        }
        if (offset < lesson->next_offset) {
            return failure_make(FAILURE_STOP, 0, "%s:%lld: offset %lld, expected at least %lld",
                                file->name, (long long)file->record, (long long)offset,
                                (long long)lesson->next_offset);
        }
        lesson_take(lesson, offset, body);
        whole_examples = lesson->whole > whole ? file->record - 1 : whole_examples;
        goes_on = file->record % REPORT_EXAMPLES != 0 || tell(plan, file->record);
    }
    int64_t size = plan->config->learn.batch_offsets;
    int64_t end =
        file->has_offsets ? lesson->next_offset : (lesson->next_offset + size - 1) / size * size;
    whole_examples = end / size * size == end ? file->record : whole_examples;
    lesson_reach(lesson, end);
    out->left = file->record - whole_examples;
    out->has_offsets = file->has_offsets;
    return failure;
}

/* ---- the file ---- */

/* A learner made of the rows alone, as whoever reads them has it: the examples behind the last
 * whole mini-batch are not in it. */
static void model_of_rows(const struct learn_pipeline *plan, const struct lesson *lesson,
                          struct model *out) {
    model_init(out, plan->learner, &plan->config->decide);
    for (size_t i = 0; i < lesson->changed.count; i++) {
        struct learner_row row = model_rows_get(&lesson->changed, i);
        if (!track_owns_row(&row)) {
            out->kind->import_row(out->memory, &row);
        }
    }
    out->version_offset = lesson->whole;
}

static struct failure save(const struct learn_pipeline *plan, const struct lesson *lesson,
                           struct learn_pipeline_result *out) {
    struct model model;
    const char *topic = plan->config->topics.full[TOPIC_EXAMPLES];
    out->version_offset = lesson->whole;
    if (!plan->save) {
        return failure_none();
    }
    if (lesson->changed.count == 0) {
        return failure_make(FAILURE_STOP, 0,
                            "%s: no whole mini-batch of %lld offsets was learned, so there is "
                            "nothing to save: %lld examples, %lld of them of other features than "
                            "this build's",
                            plan->examples, (long long)plan->config->learn.batch_offsets,
                            (long long)metric_get(&out->metrics.examples_total),
                            (long long)metric_get(&out->metrics.foreign_total));
    }
    model_of_rows(plan, lesson, &model);
    struct failure failure =
        model_save(&model, plan->config, out->has_offsets ? topic : NULL, plan->save, &out->rows);
    model_clean_up(&model);
    return failure;
}

/* ---- all of it ---- */

struct failure learn_pipeline_run(const struct learn_pipeline *plan,
                                  struct learn_pipeline_result *out) {
    static const struct log_sink silent = {.out = NULL};
    struct input_file *input = NULL;
    struct example_file file = {0};
    struct lesson lesson;
    struct promises promises = {.count = 0};
    const struct lesson_settings settings = {.config = plan->config,
                                             .learner = plan->learner,
                                             .log = &silent,
                                             .metrics = &out->metrics,
                                             .judge = judge,
                                             .judge_context = &promises};
    *out = (struct learn_pipeline_result){0};
    judged_init(&out->judged, TASK_BINARY, THRESHOLD, false);
    slot_index_init(&promises.by_decision);
    lesson_init(&lesson, &settings);
    struct failure failure = input_file_open(plan->examples, &input);
    if (!failed(failure)) {
        failure = example_file_open(&file, input, plan->examples);
    }
    if (!failed(failure)) {
        failure = learn_all(plan, &file, &lesson, out);
    }
    if (!failed(failure)) {
        failure = save(plan, &lesson, out);
    }
    judge_promises(&promises, &out->judged);
    example_file_close(&file);
    input_file_close(input);
    lesson_clean_up(&lesson);
    return failure;
}
