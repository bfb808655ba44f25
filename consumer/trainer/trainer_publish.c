/* Versions: what changed in whole mini-batches, with the offset that it has learned up to. */
#include "consumer/trainer/trainer_internal.h"
#include "schemas/schemas.h"

static void put_record(void *context, struct bytes key, const struct model_row *row) {
    struct epoch *epoch = context;
    struct buffer *value = epoch_begin(epoch, TOPIC_MODEL, MODEL_PARTITION, key);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, value);
    model_row_encode(row, value);
    epoch_end(epoch);
}

struct failure trainer_publish(struct trainer *trainer) {
    trainer->published_ms = now_ms(trainer);
    lesson_tell_drift(&trainer->lesson);
    if (trainer->lesson.whole <= trainer->version) {
        return failure_none();
    }
    struct epoch *epoch = broker_epoch(trainer->broker);
    const struct model_rows *rows = &trainer->lesson.changed;
    model_rows_write_version(rows, trainer->settings.learner->name, trainer->lesson.whole,
                             put_record, epoch);
    epoch_offset(epoch, INPUT_EXAMPLES, EXAMPLES_PARTITION, trainer->lesson.whole,
                 ++trainer->number);
    metric_add(&trainer->metrics.versions_total, 1);
    metric_add(&trainer->metrics.rows_total, (int64_t)rows->count);
    metric_set(&trainer->metrics.next_offset, trainer->lesson.whole);
    trainer->version = trainer->lesson.whole;
    model_rows_clear(&trainer->lesson.changed);
    return broker_submit(trainer->broker, epoch);
}
