/* logistic: its rows. In ascending order of their keys:
 *
 *     b/options        counters    fingerprint, learned, corrected                     float64
 *     c/whole          calibrator  8 origins, (z, n) of slopes and offsets             float64
 *     d/effects        moments     arms, values that have components, theta, P; of each
 *                                  arm the calibrator's (z, n) of 8 origins            float64
 *     w/<row, 5 hex>   weights     (w, n) of 32 slots: all that f(x) needs to score     float32
 *     z/<row, 5 hex>   optimizer   z of 32 slots: what learning needs beside them       float32
 *
 * They may be imported in any order: a compacted topic keeps none. Hence one row has all that goes
 * by the arms' indices, and no row of an arm outlives it. */
#include "model/logistic_internal.h"

#include <assert.h>

#define ROW_DIGITS             5
#define EFFECTS_AND_ARMS_BYTES (EFFECTS_ROW_BYTES + 8 * LEARNER_ARMS_MAX * CALIBRATOR_ARM_VALUES)

_Static_assert(EFFECTS_AND_ARMS_BYTES <= LEARNER_ROW_BYTES_MAX, "effects fit into a row");

enum row_family {
    FAMILY_OPTIONS,
    FAMILY_CALIBRATOR,
    FAMILY_EFFECTS,
    FAMILY_WEIGHTS,
    FAMILY_OPTIMIZER,
    FAMILY_COUNT
};

/* digits 0: the prefix is the key. */
static const struct {
    const char *prefix;
    int digits;
    enum learner_row_kind kind;
} families[FAMILY_COUNT] = {{"b/options", 0, LEARNER_COUNTERS},
                            {"c/whole", 0, LEARNER_CALIBRATOR},
                            {"d/effects", 0, LEARNER_MOMENTS},
                            {"w/", ROW_DIGITS, LEARNER_WEIGHTS},
                            {"z/", ROW_DIGITS, LEARNER_OPTIMIZER}};

struct export {
    struct logistic *logistic;
    bool all;
    learner_visit_row *visit;
    void *context;
    struct row_writer writer;
};

static void emit(struct export *export, enum row_family family, uint64_t number) {
    struct learner_row row = {.kind = families[family].kind};
    if (families[family].digits == 0) {
        memcpy(row.key, families[family].prefix, strlen(families[family].prefix) + 1);
    } else {
        row_key(row.key, families[family].prefix, number, families[family].digits);
    }
    row.values = bytes_of(export->writer.data, export->writer.size);
    export->visit(export->context, &row);
    export->writer.size = 0;
}

static void export_effects(struct export *export) {
    struct logistic *logistic = export->logistic;
    const struct effects *effects = logistic_effects(logistic);
    if (export->all ? logistic->learned > 0 : logistic->is_effects_changed) {
        effects_write(effects, &export->writer);
        calibrator_write_arms(&logistic->calibrator, effects->arm_count, &export->writer);
        emit(export, FAMILY_EFFECTS, 0);
    }
    logistic->is_effects_changed = false;
}

static void export_options(struct export *export) {
    struct logistic *logistic = export->logistic;
    if (export->all ? logistic->learned > 0 : logistic->is_changed) {
        row_put_f64(&export->writer, logistic->fingerprint);
        row_put_f64(&export->writer, (double)logistic->learned);
        row_put_f64(&export->writer, (double)logistic->corrected);
        emit(export, FAMILY_OPTIONS, 0);
    }
    logistic->is_changed = false;
}

static void export_calibrator(struct export *export) {
    struct logistic *logistic = export->logistic;
    const struct calibrator *calibrator = &logistic->calibrator;
    if (export->all ? calibrator_has_learned(calibrator) : logistic->is_calibrator_changed) {
        calibrator_write(calibrator, &export->writer);
        emit(export, FAMILY_CALIBRATOR, 0);
    }
    logistic->is_calibrator_changed = false;
}

static bool is_row_wanted(const struct export *export, size_t row) {
    if (!export->all) {
        return logistic_changed(export->logistic)[row / 8] >> (row % 8) & 1;
    }
    const struct ftrl_slot *slots = logistic_table(export->logistic) + row * SLOTS_ROW;
    for (size_t i = 0; i < SLOTS_ROW; i++) {
        if (slots[i].n != 0 || slots[i].z != 0 || slots[i].w != 0) {
            return true;
        }
    }
    return false;
}

static void export_table(struct export *export, enum row_family family) {
    const struct ftrl_slot *table = logistic_table(export->logistic);
    size_t count = logistic_row_count(export->logistic);
    for (size_t row = 0; row < count; row++) {
        if (!is_row_wanted(export, row)) {
            continue;
        }
        for (size_t i = row * SLOTS_ROW; i < (row + 1) * SLOTS_ROW; i++) {
            if (family == FAMILY_OPTIMIZER) {
                row_put_f32(&export->writer, table[i].z);
            } else {
                row_put_f32(&export->writer, table[i].w);
                row_put_f32(&export->writer, table[i].n);
            }
        }
        emit(export, family, row);
    }
}

void logistic_export_rows(void *memory, bool all, learner_visit_row *visit, void *context) {
    uint8_t values[EFFECTS_AND_ARMS_BYTES];
    struct logistic *logistic = memory;
    struct export export = {logistic, all, visit, context, {values, 0}};
    export_options(&export);
    export_calibrator(&export);
    export_effects(&export);
    export_table(&export, FAMILY_WEIGHTS);
    export_table(&export, FAMILY_OPTIMIZER);
    memset(logistic_changed(logistic), 0, logistic_row_count(logistic) / 8);
}

/* ---- import ---- */

/* FAMILY_COUNT if there is none of this key and kind. */
static enum row_family family_of(const struct learner_row *row, uint64_t *out_number) {
    enum row_family family = 0;
    for (; family < FAMILY_COUNT; family++) {
        bool is_key = families[family].digits == 0
                          ? strcmp(row->key, families[family].prefix) == 0
                          : row_key_parse(row->key, families[family].prefix,
                                          families[family].digits, out_number);
        if (is_key) {
            break;
        }
    }
    return family < FAMILY_COUNT && families[family].kind == row->kind ? family : FAMILY_COUNT;
}

static enum learner_verdict check_options(const struct logistic *logistic, struct bytes values) {
    enum learner_verdict verdict = row_check_f64(values, 3);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    struct row_reader reader = {values};
    if (row_get_f64(&reader) != logistic->fingerprint) {
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

static enum learner_verdict check_weights(struct bytes values) {
    enum learner_verdict verdict = row_check_f32(values, 2 * SLOTS_ROW);
    if (verdict != LEARNER_OK) {
        return verdict;
    }
    struct row_reader reader = {values};
    for (int i = 0; i < SLOTS_ROW; i++) {
        row_get_f32(&reader);
        if (row_get_f32(&reader) < 0) { /* n is a sum of squares */
            return LEARNER_BAD_VALUE;
        }
    }
    return LEARNER_OK;
}

enum learner_verdict logistic_check_row(const void *memory, const struct learner_row *row) {
    const struct logistic *logistic = memory;
    uint64_t number = 0;
    enum row_family family = family_of(row, &number);
    bool is_in_table = family == FAMILY_WEIGHTS || family == FAMILY_OPTIMIZER;
    if (family == FAMILY_COUNT || (is_in_table && number >= logistic_row_count(logistic))) {
        return LEARNER_BAD_ROW;
    }
    switch (family) {
    case FAMILY_OPTIONS:
        return check_options(logistic, row->values);
    case FAMILY_CALIBRATOR:
        return calibrator_check(row->values);
    case FAMILY_EFFECTS:
        return check_effects(logistic_effects(logistic), row->values);
    case FAMILY_WEIGHTS:
        return check_weights(row->values);
    default:
        return row_check_f32(row->values, SLOTS_ROW);
    }
}

static void import_table(struct logistic *logistic, enum row_family family, size_t row,
                         struct row_reader *reader) {
    struct ftrl_slot *slots = logistic_table_mutable(logistic) + row * SLOTS_ROW;
    for (size_t i = 0; i < SLOTS_ROW; i++) {
        if (family == FAMILY_OPTIMIZER) {
            slots[i].z = row_get_f32(reader);
        } else {
            slots[i].w = row_get_f32(reader);
            slots[i].n = row_get_f32(reader);
        }
    }
}

/* A configured arm that has taken the room of an old one starts uncalibrated, too. */
static void import_effects(struct logistic *logistic, struct bytes values) {
    struct effects *effects = logistic_effects_mutable(logistic);
    size_t arms = effects_row_arms(values), front = effects_row_bytes(effects, arms);
    uint64_t placed = effects_read(effects, bytes_of(values.data, front));
    calibrator_read_arms(&logistic->calibrator, arms,
                         bytes_of(values.data + front, values.size - front));
    for (size_t i = 0; i < effects->arm_count; i++) {
        if (placed >> i & 1) {
            calibrator_forget_arm(&logistic->calibrator, i);
        }
    }
}

void logistic_import_row(void *memory, const struct learner_row *row) {
    assert(logistic_check_row(memory, row) == LEARNER_OK);
    struct logistic *logistic = memory;
    struct row_reader reader = {row->values};
    uint64_t number = 0;
    enum row_family family = family_of(row, &number);
    switch (family) {
    case FAMILY_OPTIONS:
        row_get_f64(&reader);
        logistic->learned = (int64_t)row_get_f64(&reader);
        logistic->corrected = (int64_t)row_get_f64(&reader);
        break;
    case FAMILY_CALIBRATOR:
        calibrator_read(&logistic->calibrator, row->values);
        break;
    case FAMILY_EFFECTS:
        import_effects(logistic, row->values);
        break;
    default:
        import_table(logistic, family, (size_t)number, &reader);
    }
}
