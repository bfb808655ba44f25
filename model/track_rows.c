/* track: its rows, all of kind counters, in ascending order of their keys. Integers are 64-bit
 * two's complement, all little-endian:
 *
 *     t/day/<place, 2 hex>    day; per origin n, and as float64 sum_p, sum_y, sum_var
 *     t/drift                 the two windows of adwin.h
 *     t/head                  newest_ms, count of arms, 64 x (arm, matured, first_ms)
 *     t/seen/<row, 3 hex>     64 x (tag, revision + 1) */
#include <assert.h>
#include <math.h>

#include "model/rows.h"
#include "model/track_internal.h"

#define SEEN_ROWS   (TRACK_SEEN / TRACK_SEEN_ROW)
#define DAY_BYTES   (8 + TRACK_ORIGINS * 32)
#define DRIFT_BYTES (2 * ADWIN_BYTES)
#define HEAD_BYTES  (16 + TRACK_ARMS * 24)
#define SEEN_BYTES  (TRACK_SEEN_ROW * 16)
_Static_assert(DRIFT_BYTES >= HEAD_BYTES && DRIFT_BYTES >= SEEN_BYTES, "the longest row");

enum family { FAMILY_DAY, FAMILY_DRIFT, FAMILY_HEAD, FAMILY_SEEN, FAMILY_NONE };

static void emit(const char *prefix, uint64_t number, int digits, const struct row_writer *writer,
                 learner_visit_row *visit, void *context) {
    struct learner_row row = {.kind = LEARNER_COUNTERS};
    if (digits > 0) {
        row_key(row.key, prefix, number, digits);
    } else {
        memcpy(row.key, prefix, strlen(prefix) + 1);
    }
    row.values = bytes_of(writer->data, writer->size);
    visit(context, &row);
}

static void put_day(struct row_writer *writer, const struct track_day *day) {
    row_put_u64(writer, (uint64_t)day->day);
    for (int i = 0; i < TRACK_ORIGINS; i++) {
        const struct track_calibration *sums = &day->origins[i];
        row_put_u64(writer, (uint64_t)sums->n);
        row_put_f64(writer, sums->sum_p);
        row_put_f64(writer, sums->sum_y);
        row_put_f64(writer, sums->sum_var);
    }
}

static void put_head(struct row_writer *writer, const struct track *track) {
    row_put_u64(writer, (uint64_t)track->newest_ms);
    row_put_u64(writer, track->arm_count);
    for (int i = 0; i < TRACK_ARMS; i++) {
        row_put_u64(writer, track->arms[i].arm);
        row_put_u64(writer, (uint64_t)track->arms[i].matured);
        row_put_u64(writer, (uint64_t)track->arms[i].first_ms);
    }
}

static bool is_seen_row_used(const struct track *track, size_t row) {
    for (size_t i = row * TRACK_SEEN_ROW; i < (row + 1) * TRACK_SEEN_ROW; i++) {
        if (track->seen[i].next > 0) {
            return true;
        }
    }
    return false;
}

void track_export_rows(void *memory, bool all, learner_visit_row *visit, void *context) {
    struct track *track = memory;
    uint8_t values[DRIFT_BYTES];
    struct row_writer writer = {values, 0};
    for (size_t i = 0; i < TRACK_DAYS; i++) {
        if (all ? track->days[i].day != TRACK_DAY_NONE : track->is_day_changed[i]) {
            writer.size = 0;
            put_day(&writer, &track->days[i]);
            emit("t/day/", i, 2, &writer, visit, context);
        }
        track->is_day_changed[i] = false;
    }
    if (all ? track->loss.ticks > 0 : track->is_drift_changed) {
        writer.size = 0;
        adwin_put(&track->loss, &writer);
        adwin_put(&track->residual, &writer);
        emit("t/drift", 0, 0, &writer, visit, context);
    }
    track->is_drift_changed = false;
    if (all ? track->newest_ms != INT64_MIN : track->is_head_changed) {
        writer.size = 0;
        put_head(&writer, track);
        emit("t/head", 0, 0, &writer, visit, context);
    }
    track->is_head_changed = false;
    for (size_t row = 0; row < SEEN_ROWS; row++) {
        if (all ? is_seen_row_used(track, row) : track->is_seen_changed[row]) {
            writer.size = 0;
            for (size_t i = row * TRACK_SEEN_ROW; i < (row + 1) * TRACK_SEEN_ROW; i++) {
                row_put_u64(&writer, track->seen[i].tag);
                row_put_u64(&writer, (uint64_t)track->seen[i].next);
            }
            emit("t/seen/", row, 3, &writer, visit, context);
        }
        track->is_seen_changed[row] = false;
    }
}

/* ---- import ---- */

bool track_owns_row(const struct learner_row *row) {
    return strncmp(row->key, "t/", 2) == 0;
}

static enum family family_of(const struct learner_row *row, uint64_t *out_number) {
    if (row->kind != LEARNER_COUNTERS) {
        return FAMILY_NONE;
    }
    if (strcmp(row->key, "t/drift") == 0) {
        return FAMILY_DRIFT;
    }
    if (strcmp(row->key, "t/head") == 0) {
        return FAMILY_HEAD;
    }
    if (row_key_parse(row->key, "t/day/", 2, out_number) && *out_number < TRACK_DAYS) {
        return FAMILY_DAY;
    }
    if (row_key_parse(row->key, "t/seen/", 3, out_number) && *out_number < SEEN_ROWS) {
        return FAMILY_SEEN;
    }
    return FAMILY_NONE;
}

static bool is_day_good(struct row_reader reader, uint64_t place) {
    int64_t day = (int64_t)row_get_u64(&reader);
    bool is_good = day == TRACK_DAY_NONE || track_day_place(day) == place;
    for (int i = 0; i < TRACK_ORIGINS; i++) {
        is_good &= (int64_t)row_get_u64(&reader) >= 0;
        for (int sum = 0; sum < 3; sum++) { /* sum_y may be -1: a correction of what was lost */
            is_good &= fabs(row_get_f64(&reader)) <= ROW_VALUE_MAX;
        }
    }
    return is_good;
}

static bool is_head_good(struct row_reader reader) {
    row_get_u64(&reader); /* any time */
    uint64_t count = row_get_u64(&reader);
    bool is_good = count <= TRACK_ARMS;
    for (uint64_t i = 0; i < TRACK_ARMS; i++) {
        row_get_u64(&reader); /* any arm */
        is_good &= (int64_t)row_get_u64(&reader) >= 0;
        row_get_u64(&reader);
    }
    return is_good;
}

static bool is_drift_good(struct row_reader reader) {
    struct adwin loss, residual;
    bool is_good = adwin_get(&loss, &reader);
    return adwin_get(&residual, &reader) && is_good;
}

static bool is_seen_good(struct row_reader reader, uint64_t row) {
    bool is_good = true;
    for (uint64_t i = 0; i < TRACK_SEEN_ROW; i++) {
        uint64_t tag = row_get_u64(&reader);
        int64_t next = (int64_t)row_get_u64(&reader);
        is_good &= next >= 0 && next <= (int64_t)INT32_MAX + 1;
        is_good &= next == 0 || tag % TRACK_SEEN == row * TRACK_SEEN_ROW + i;
    }
    return is_good;
}

enum learner_verdict track_check_row(const void *memory, const struct learner_row *row) {
    static const size_t sizes[FAMILY_NONE] = {DAY_BYTES, DRIFT_BYTES, HEAD_BYTES, SEEN_BYTES};
    (void)memory;
    uint64_t number = 0;
    enum family family = family_of(row, &number);
    if (family == FAMILY_NONE) {
        return LEARNER_BAD_ROW;
    }
    if (row->values.size != sizes[family]) {
        return LEARNER_BAD_SIZE;
    }
    struct row_reader reader = {row->values};
    bool is_good = family == FAMILY_DAY     ? is_day_good(reader, number)
                   : family == FAMILY_DRIFT ? is_drift_good(reader)
                   : family == FAMILY_HEAD  ? is_head_good(reader)
                                            : is_seen_good(reader, number);
    return is_good ? LEARNER_OK : LEARNER_BAD_VALUE;
}

static void get_day(struct row_reader *reader, struct track_day *day) {
    day->day = (int64_t)row_get_u64(reader);
    for (int i = 0; i < TRACK_ORIGINS; i++) {
        struct track_calibration *sums = &day->origins[i];
        sums->n = (int64_t)row_get_u64(reader);
        sums->sum_p = row_get_f64(reader);
        sums->sum_y = row_get_f64(reader);
        sums->sum_var = row_get_f64(reader);
    }
}

static void get_head(struct row_reader *reader, struct track *track) {
    track->newest_ms = (int64_t)row_get_u64(reader);
    track->arm_count = (size_t)row_get_u64(reader);
    for (int i = 0; i < TRACK_ARMS; i++) {
        track->arms[i].arm = row_get_u64(reader);
        track->arms[i].matured = (int64_t)row_get_u64(reader);
        track->arms[i].first_ms = (int64_t)row_get_u64(reader);
    }
}

void track_import_row(void *memory, const struct learner_row *row) {
    assert(track_check_row(memory, row) == LEARNER_OK);
    struct track *track = memory;
    struct row_reader reader = {row->values};
    uint64_t number = 0;
    switch (family_of(row, &number)) {
    case FAMILY_DAY:
        get_day(&reader, &track->days[number]);
        break;
    case FAMILY_DRIFT: {
        bool is_good = adwin_get(&track->loss, &reader) && adwin_get(&track->residual, &reader);
        assert(is_good);
        (void)is_good;
        break;
    }
    case FAMILY_HEAD:
        get_head(&reader, track);
        break;
    default:
        for (size_t i = 0; i < TRACK_SEEN_ROW; i++) {
            struct track_seen *seen = &track->seen[number * TRACK_SEEN_ROW + i];
            seen->tag = row_get_u64(&reader);
            seen->next = (int64_t)row_get_u64(&reader);
        }
    }
}
