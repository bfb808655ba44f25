#include "consumer/commands/learn_pipeline.h"

#include <math.h>
#include <stdlib.h>

#include "consumer/commands/model_transfer.h"
#include "consumer/learn/example_file.h"
#include "consumer/trainer/lesson.h"

#define REPORT_EXAMPLES 1024
#define THRESHOLD       0.5

static void judge(void *context, const struct learner_example *example, double p) {
    const struct judged_row row = {.p = p,
                                   .label = example->label,
                                   .weight = example->weight,
                                   .decision = example->id,
                                   .is_correction = example->is_correction};
    judged_add(context, &row);
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
    const struct lesson_settings settings = {.config = plan->config,
                                             .learner = plan->learner,
                                             .log = &silent,
                                             .metrics = &out->metrics,
                                             .judge = judge,
                                             .judge_context = &out->judged};
    *out = (struct learn_pipeline_result){0};
    judged_init(&out->judged, TASK_BINARY, THRESHOLD, false);
    lesson_init(&lesson, &settings);
    struct failure failure = input_file_open(plan->examples, &input);
    if (!failed(failure)) {
        failure = example_file_open(&file, input, plan->examples);
    }
    if (!failed(failure)) {
        failure = learn_all(plan, &file, &lesson, out);
    }
    if (!failed(failure) && file.record == 0) {
        failure = failure_make(FAILURE_STOP, 0, "%s: no examples to learn from", plan->examples);
    }
    if (!failed(failure)) {
        failure = save(plan, &lesson, out);
    }
    judged_settle(&out->judged);
    example_file_close(&file);
    input_file_close(input);
    lesson_clean_up(&lesson);
    return failure;
}
