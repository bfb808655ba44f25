/* head: its rows, in ascending order of their keys, then those of its base:
 *
 *     b/options   counters    fingerprint, learned, corrected                     float64
 *     c/whole     calibrator  8 origins, (z, n) of slopes and offsets             float64
 *     d/effects   moments     arms, values that have components, theta, P; of each arm
 *                             the calibrator's (z, n) of 8 origins                float64
 *
 * They may be imported in any order. */
#include "model/head_internal.h"

#include <assert.h>

#define EFFECTS_AND_ARMS_BYTES (EFFECTS_ROW_BYTES + 8 * LEARNER_ARMS_MAX * CALIBRATOR_ARM_VALUES)

_Static_assert(EFFECTS_AND_ARMS_BYTES <= LEARNER_ROW_BYTES_MAX, "effects fit into a row");

enum head_row { ROW_OPTIONS, ROW_CALIBRATOR, ROW_EFFECTS, ROW_COUNT };
static const struct {
    const char *key;
    enum learner_row_kind kind;
} rows[ROW_COUNT] = {{"b/options", LEARNER_COUNTERS},
                     {"c/whole", LEARNER_CALIBRATOR},
                     {"d/effects", LEARNER_MOMENTS}};

static void emit(enum head_row which, const struct row_writer *writer, learner_visit_row *visit,
                 void *context) {
    struct learner_row row = {.kind = rows[which].kind,
                              .values = bytes_of(writer->data, writer->size)};
    memcpy(row.key, rows[which].key, strlen(rows[which].key) + 1);
    visit(context, &row);
}

void head_export_rows(void *memory, bool all, learner_visit_row *visit, void *context) {
    uint8_t values[EFFECTS_AND_ARMS_BYTES];
    struct head *head = memory;
    const struct effects *effects = head_effects(head);
    if (all ? head->learned > 0 : head->is_changed) {
        struct row_writer writer = {values, 0};
        row_put_f64(&writer, head->fingerprint);
        row_put_f64(&writer, (double)head->learned);
        row_put_f64(&writer, (double)head->corrected);
        emit(ROW_OPTIONS, &writer, visit, context);
    }
    if (all ? calibrator_has_learned(&head->calibrator) : head->is_calibrator_changed) {
        struct row_writer writer = {values, 0};
        calibrator_write(&head->calibrator, &writer);
        emit(ROW_CALIBRATOR, &writer, visit, context);
    }
    if (all ? head->has_effects && head->learned > 0 : head->is_effects_changed) {
        struct row_writer writer = {values, 0};
        effects_write(effects, &writer);
        calibrator_write_arms(&head->calibrator, effects->arm_count, &writer);
        emit(ROW_EFFECTS, &writer, visit, context);
    }
    head->is_changed = head->is_calibrator_changed = head->is_effects_changed = false;
    head->base->export_rows(head_base_mutable(head), all, visit, context);
}

/* ROW_COUNT if it is not the head's. */
static enum head_row which_of(const struct learner_row *row) {
    enum head_row which = 0;
    while (which < ROW_COUNT && strcmp(rows[which].key, row->key) != 0) {
        which++;
    }
    return which;
}

static enum learner_verdict check_options(const struct head *head, struct bytes values) {
    enum learner_verdict verdict = row_check_f64(values, 3);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    struct row_reader reader = {values};
    if (row_get_f64(&reader) != head->fingerprint) {
        return LEARNER_BAD_SIZE; /* other options */
    }
    double learned = row_get_f64(&reader), corrected = row_get_f64(&reader);
    return row_is_count(learned) && learned >= 1 && row_is_count(corrected) && corrected <= learned
               ? LEARNER_OK
               : LEARNER_BAD_VALUE;
}

static enum learner_verdict check_effects(const struct effects *effects, struct bytes values) {
    size_t arms = effects_row_arms(values);
    size_t front = arms > 0 ? effects_row_bytes(effects, arms) : values.size;
    if (front > values.size) {
        return LEARNER_BAD_SIZE;
    }
    enum learner_verdict verdict = effects_check(effects, bytes_of(values.data, front));
    return verdict != LEARNER_OK
               ? verdict
               : calibrator_check_arms(bytes_of(values.data + front, values.size - front), arms);
}

enum learner_verdict head_check_row(const void *memory, const struct learner_row *row) {
    const struct head *head = memory;
    enum head_row which = which_of(row);
    if (which == ROW_COUNT) {
        return head->base->check_row(head_base(head), row);
    }
    bool is_squared = head->options.loss == HEAD_SQUARED;
    if (row->kind != rows[which].kind || (is_squared && which != ROW_OPTIONS)) {
        return LEARNER_BAD_ROW;
    }
    switch (which) {
    case ROW_OPTIONS:
        return check_options(head, row->values);
    case ROW_CALIBRATOR:
        return calibrator_check(row->values);
    default:
        return check_effects(head_effects(head), row->values);
    }
}

/* A configured arm that has taken the room of an old one starts uncalibrated, too. */
static void import_effects(struct head *head, struct bytes values) {
    struct effects *effects = head_effects_mutable(head);
    size_t arms = effects_row_arms(values), front = effects_row_bytes(effects, arms);
    uint64_t placed = effects_read(effects, bytes_of(values.data, front));
    calibrator_read_arms(&head->calibrator, arms,
                         bytes_of(values.data + front, values.size - front));
    for (size_t i = 0; i < effects->arm_count; i++) {
        if (placed >> i & 1) {
            calibrator_forget_arm(&head->calibrator, i);
        }
    }
    head->has_effects = true;
}

void head_import_row(void *memory, const struct learner_row *row) {
    assert(head_check_row(memory, row) == LEARNER_OK);
    struct head *head = memory;
    struct row_reader reader = {row->values};
    switch (which_of(row)) {
    case ROW_OPTIONS:
        row_get_f64(&reader);
        head->learned = (int64_t)row_get_f64(&reader);
        head->corrected = (int64_t)row_get_f64(&reader);
        break;
    case ROW_CALIBRATOR:
        calibrator_read(&head->calibrator, row->values);
        break;
    case ROW_EFFECTS:
        import_effects(head, row->values);
        break;
    default:
        head->base->import_row(head_base_mutable(head), row);
    }
}
