#include "consumer/trainer/lesson.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define ROOM "trainer"

/* ---- life ---- */

void lesson_init(struct lesson *lesson, const struct lesson_settings *settings) {
    const struct decide_config *decide = &settings->config->decide;
    *lesson = (struct lesson){.settings = *settings, .changed_last = -1};
    if (settings->kind) {
        model_init_kind(&lesson->model, settings->learner, decide, settings->kind,
                        settings->kind_options);
    } else {
        model_init(&lesson->model, settings->learner, decide);
    }
    model_rows_init(&lesson->changed);
    lesson->slots = memory_new(lesson->model.step_size, sizeof *lesson->slots);
    lesson->pending = memory_new(lesson->model.step_size, sizeof *lesson->pending);
}

void lesson_clean_up(struct lesson *lesson) {
    if (lesson->slots) {
        for (size_t i = 0; i < lesson->model.step_size; i++) {
            buffer_clean_up(&lesson->slots[i].body);
        }
        free(lesson->slots);
        free(lesson->pending);
        model_clean_up(&lesson->model);
        model_rows_clean_up(&lesson->changed);
    }
    *lesson = (struct lesson){0};
}

void lesson_begin(struct lesson *lesson, int64_t offset) {
    lesson->next_offset = lesson->whole = offset;
    lesson->changed_last = -1;
}

/* ---- steps ---- */

static int64_t changes_of(const struct track_drift *drift) {
    return drift->loss_changes + drift->residual_changes;
}

static void note_drift(struct lesson *lesson, const struct track_drift *before) {
    struct track_drift now = track_drift_of(lesson->model.track);
    int64_t found = changes_of(&now) - changes_of(before);
    if (found > 0) {
        lesson->before = lesson->has_drifted ? lesson->before : *before;
        lesson->has_drifted = true;
        metric_add(&lesson->settings.metrics->drifts_total, found);
    }
}

void lesson_tell_drift(struct lesson *lesson) {
    if (!lesson->has_drifted) {
        return;
    }
    const struct track_drift *before = &lesson->before;
    struct track_drift now = track_drift_of(lesson->model.track);
    lesson->has_drifted = false;
    log_warn(lesson->settings.log, ROOM,
             "drift learner=%s logloss_changes=%lld logloss_before=%.4f logloss=%.4f "
             "calibration_changes=%lld residual_before=%.4f residual=%.4f",
             lesson->settings.learner->name, (long long)(now.loss_changes - before->loss_changes),
             before->loss, now.loss, (long long)(now.residual_changes - before->residual_changes),
             before->residual, now.residual);
}

static double p_of(const struct model *model, const struct learner_example *example) {
    struct learner_scores scores;
    return model->kind->score(model->memory, &example->input, &example->arm, 1, &scores) ==
                   LEARNER_OK
               ? scores.arms[0].p
               : (double)NAN;
}

/* One step of what is pending. It is full, or a mini-batch is over: a function of offsets. */
static void learn_pending(struct lesson *lesson) {
    const struct learner_kind *kind = lesson->model.kind;
    const struct lesson_settings *settings = &lesson->settings;
    enum learner_verdict verdicts[LEARNER_BATCH_MAX];
    double p[LEARNER_BATCH_MAX];
    size_t count = lesson->pending_count;
    if (count == 0) {
        return;
    }
    if (lesson->model.step_size == 1) {
        p[0] = settings->judge ? p_of(&lesson->model, &lesson->pending[0]) : (double)NAN;
        verdicts[0] = kind->learn(lesson->model.memory, &lesson->pending[0]);
    } else {
        kind->learn_batch(lesson->model.memory, lesson->pending, count, verdicts,
                          settings->judge ? p : NULL);
    }
    for (size_t i = 0; i < count; i++) {
        const struct learner_example *example = &lesson->pending[i];
        bool is_learned = verdicts[i] == LEARNER_OK;
        metric_add(&settings->metrics->learned_total, is_learned);
        metric_add(&settings->metrics->poisoned_total, !is_learned);
        metric_add(&settings->metrics->corrections_total, is_learned && example->is_correction);
        if (settings->judge && is_learned) {
            settings->judge(settings->judge_context, example, p[i]);
        }
    }
    lesson->pending_count = 0;
}

/* ---- examples ---- */

/* The track goes first: it knows repeats. */
static void learn(struct lesson *lesson, const struct learner_example *example,
                  const struct track_example *track, int64_t offset) {
    struct track_drift before = track_drift_of(lesson->model.track);
    if (!track_take(lesson->model.track, track)) {
        metric_add(&lesson->settings.metrics->repeats_total, 1);
        return;
    }
    note_drift(lesson, &before);
    lesson->changed_last = offset;
    lesson->pending[lesson->pending_count++] = *example;
    if (lesson->pending_count == lesson->model.step_size) {
        learn_pending(lesson);
    }
}

/* The body is copied: it is learned when its step is full. */
static void take_body(struct lesson *lesson, int64_t offset, struct bytes body) {
    struct trainer_metrics *metrics = lesson->settings.metrics;
    struct learner_example example;
    struct track_example track;
    struct lesson_slot *slot = &lesson->slots[lesson->pending_count];
    buffer_clear(&slot->body);
    buffer_append(&slot->body, body);
    if (!example_decode(buffer_bytes(&slot->body), &slot->row)) {
        metric_add(&metrics->undecodable_total, 1);
        return;
    }
    switch (model_example(&lesson->model, &slot->row, &example, &track)) {
    case MODEL_EXAMPLE_OK:
        learn(lesson, &example, &track, offset);
        break;
    case MODEL_EXAMPLE_MARGIN_ONLY:
        metric_add(&metrics->margin_only_total, 1);
        break;
    case MODEL_EXAMPLE_FOREIGN:
        metric_add(&metrics->foreign_total, 1);
        break;
    case MODEL_EXAMPLE_POISONED:
        metric_add(&metrics->poisoned_total, 1);
        break;
    case MODEL_EXAMPLE_COUNT:
        assert(!"a verdict");
    }
}

void lesson_take(struct lesson *lesson, int64_t offset, struct bytes body) {
    if (offset < lesson->next_offset) {
        return;
    }
    lesson_reach(lesson, offset);
    metric_add(&lesson->settings.metrics->examples_total, 1);
    take_body(lesson, offset, body);
    lesson->next_offset = offset + 1;
}

/* ---- mini-batches ---- */

struct keeping {
    struct model_rows *rows;
    int64_t version_offset;
};

static void keep_row(void *context, const struct learner_row *row) {
    struct keeping *keeping = context;
    model_rows_put(keeping->rows, row, keeping->version_offset, false, false);
}

/* The rows of the mini-batch with the last change, as they are at its end. */
static void end_batch(struct lesson *lesson, int64_t size) {
    learn_pending(lesson);
    struct keeping keeping = {&lesson->changed, (lesson->changed_last / size + 1) * size};
    lesson->model.kind->export_rows(lesson->model.memory, false, keep_row, &keeping);
    track_export_rows(lesson->model.track, false, keep_row, &keeping);
    lesson->changed_last = -1;
    metric_add(&lesson->settings.metrics->batches_total, 1);
}

void lesson_reach(struct lesson *lesson, int64_t offset) {
    int64_t size = lesson->settings.config->learn.batch_offsets;
    int64_t whole = offset / size * size;
    if (offset > lesson->next_offset) {
        lesson->next_offset = offset;
    }
    if (whole <= lesson->whole) {
        return;
    }
    if (lesson->changed_last >= 0) {
        end_batch(lesson, size);
    }
    lesson->whole = whole;
}
