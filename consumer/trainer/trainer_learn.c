/* From examples to versions. */
#include <assert.h>

#include "consumer/trainer/trainer_internal.h"
#include "schemas/schemas.h"

/* ---- examples ---- */

/* A copy: it is learned when its step is full. */
static bool decode(struct trainer_slot *slot, const struct record *record) {
    struct bytes body;
    buffer_clear(&slot->value);
    buffer_append(&slot->value, record->value);
    return wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, buffer_bytes(&slot->value), &body) &&
           example_decode(body, &slot->row);
}

/* People are told; what is learned goes on as it did (METHODS 1.8: never silently reset). */
static void tell_drift(struct trainer *trainer, const struct track_drift *before) {
    struct track_drift now = track_drift_of(trainer->model.track);
    bool is_loss = now.loss_changes > before->loss_changes;
    if (!is_loss && now.residual_changes == before->residual_changes) {
        return;
    }
    metric_add(&trainer->metrics.drifts_total, 1);
    log_warn(trainer->settings.log, ROOM,
             "drift learner=%s signal=%s logloss_before=%.4f logloss=%.4f residual_before=%.4f "
             "residual=%.4f",
             trainer->settings.learner->name, is_loss ? "logloss" : "calibration", before->loss,
             now.loss, before->residual, now.residual);
}

/* One step of what is pending. It is full, or a mini-batch is over: a function of offsets. */
static void learn_pending(struct trainer *trainer) {
    const struct learner_kind *kind = trainer->model.kind;
    enum learner_verdict verdicts[LEARNER_BATCH_MAX];
    size_t count = trainer->pending_count;
    if (count == 0) {
        return;
    }
    if (trainer->model.step_size == 1) {
        verdicts[0] = kind->learn(trainer->model.memory, &trainer->pending[0]);
    } else {
        kind->learn_batch(trainer->model.memory, trainer->pending, count, verdicts, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        bool is_learned = verdicts[i] == LEARNER_OK;
        metric_add(&trainer->metrics.learned_total, is_learned);
        metric_add(&trainer->metrics.poisoned_total, !is_learned);
        metric_add(&trainer->metrics.corrections_total,
                   is_learned && trainer->pending[i].is_correction);
    }
    trainer->pending_count = 0;
}

/* The track goes first: it knows repeats. */
static void learn(struct trainer *trainer, const struct learner_example *example,
                  const struct track_example *track, int64_t offset) {
    struct trainer_metrics *metrics = &trainer->metrics;
    struct track_drift before = track_drift_of(trainer->model.track);
    if (!track_take(trainer->model.track, track)) {
        metric_add(&metrics->repeats_total, 1);
        return;
    }
    tell_drift(trainer, &before);
    trainer->changed_last = offset;
    trainer->pending[trainer->pending_count++] = *example;
    if (trainer->pending_count == trainer->model.step_size) {
        learn_pending(trainer);
    }
}

static void take_example(struct trainer *trainer, const struct record *record) {
    struct trainer_metrics *metrics = &trainer->metrics;
    struct learner_example example;
    struct track_example track;
    struct trainer_slot *slot = &trainer->slots[trainer->pending_count];
    if (!decode(slot, record)) {
        metric_add(&metrics->undecodable_total, 1);
        return;
    }
    switch (model_example(&trainer->model, &slot->row, &example, &track)) {
    case MODEL_EXAMPLE_OK:
        learn(trainer, &example, &track, record->offset);
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

void trainer_take(struct trainer *trainer, const struct record *record) {
    if (record->offset < trainer->next_offset) {
        return;
    }
    trainer_reach(trainer, record->offset);
    metric_add(&trainer->metrics.examples_total, 1);
    take_example(trainer, record);
    trainer->next_offset = record->offset + 1;
}

/* ---- mini-batches ---- */

static int64_t batch_offsets(const struct trainer *trainer) {
    return trainer->settings.config->learn.batch_offsets;
}

struct export {
    struct model_rows *rows;
    int64_t version_offset;
};

static void keep_row(void *context, const struct learner_row *row) {
    struct export *export = context;
    model_rows_put(export->rows, row, export->version_offset, false, false);
}

/* The rows of the mini-batch with the last change, as they are at its end. */
static void end_batch(struct trainer *trainer) {
    int64_t size = batch_offsets(trainer);
    learn_pending(trainer);
    struct export export = {&trainer->unpublished, (trainer->changed_last / size + 1) * size};
    trainer->model.kind->export_rows(trainer->model.memory, false, keep_row, &export);
    track_export_rows(trainer->model.track, false, keep_row, &export);
    trainer->changed_last = -1;
    metric_add(&trainer->metrics.batches_total, 1);
}

void trainer_reach(struct trainer *trainer, int64_t offset) {
    int64_t whole = offset / batch_offsets(trainer) * batch_offsets(trainer);
    if (offset > trainer->next_offset) {
        trainer->next_offset = offset;
    }
    if (whole <= trainer->whole) {
        return;
    }
    if (trainer->changed_last >= 0) {
        end_batch(trainer);
    }
    trainer->whole = whole;
}

/* ---- versions ---- */

static void write_row(struct trainer *trainer, struct epoch *epoch, struct bytes name,
                      struct bytes kind, struct bytes values, int64_t version_offset) {
    const char *learner = trainer->settings.learner->name;
    char key[LEARNER_ROW_KEY_MAX + 64];
    int size = snprintf(key, sizeof key, "%s/%.*s", learner, BYTES_ARG(name));
    assert(size > 0 && (size_t)size < sizeof key);
    struct model_row row = {.learner = bytes_of_text(learner),
                            .row = name,
                            .kind = kind,
                            .values = values,
                            .version_offset = version_offset};
    struct buffer *value =
        epoch_begin(epoch, TOPIC_MODEL, MODEL_PARTITION, bytes_of(key, (size_t)size));
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, value);
    model_row_encode(&row, value);
    epoch_end(epoch);
}

struct failure trainer_publish(struct trainer *trainer) {
    trainer->published_ms = now_ms(trainer);
    if (trainer->whole <= trainer->version) {
        return failure_none();
    }
    struct epoch *epoch = broker_epoch(trainer->broker);
    struct bytes version = bytes_of_text(MODEL_VERSION_ROW);
    const struct model_rows *rows = &trainer->unpublished;
    for (size_t i = 0; i < rows->count; i++) {
        const struct model_rows_item *item = &rows->items[i];
        write_row(trainer, epoch, bytes_of_text(item->key),
                  bytes_of_text(learner_row_kind_names[item->kind]), buffer_bytes(&item->values),
                  item->version_offset);
    }
    write_row(trainer, epoch, version, version, bytes_of(NULL, 0), trainer->whole);
    epoch_offset(epoch, INPUT_EXAMPLES, EXAMPLES_PARTITION, trainer->whole, ++trainer->number);
    metric_add(&trainer->metrics.versions_total, 1);
    metric_add(&trainer->metrics.rows_total, (int64_t)rows->count);
    metric_set(&trainer->metrics.next_offset, trainer->whole);
    trainer->version = trainer->whole;
    model_rows_clear(&trainer->unpublished);
    return broker_submit(trainer->broker, epoch);
}
