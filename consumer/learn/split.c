#include "consumer/learn/split.h"

#include <math.h>
#include <unistd.h>

#include "base/config.h"
#include "base/parse.h"
#include "base/slot_index.h"

struct failure split_rule_parse(const char *option, const char *text, struct split_rule *out) {
    *out = (struct split_rule){.kind = SPLIT_NONE};
    if (!text) {
        return failure_none();
    }
    if (strncmp(text, "after:", 6) == 0) {
        out->kind = SPLIT_AFTER;
        return config_parse_instant_ms(text + 6, &out->after_ms)
                   ? failure_none()
                   : failure_make(FAILURE_STOP, 0,
                                  "--%s: found \"%.60s\", expected after:2026-11-01 or "
                                  "after:2026-11-01T08:00:00Z",
                                  option, text);
    }
    if (parse_number(bytes_of_text(text), &out->fraction) && access(text, F_OK) != 0) {
        out->kind = SPLIT_FRACTION;
        return out->fraction > 0 && out->fraction < 1
                   ? failure_none()
                   : failure_make(FAILURE_STOP, 0,
                                  "--%s: found %s, expected a fraction between 0 and 1", option,
                                  text);
    }
    out->kind = SPLIT_FILE;
    out->path = text;
    return failure_none();
}

static bool is_whole(double value) {
    return fabs(value - round(value)) < 1e-6;
}

struct failure split_init(struct split *split) {
    double valid = split->valid.kind == SPLIT_FRACTION ? split->valid.fraction : 0;
    double test = split->test.kind == SPLIT_FRACTION ? split->test.fraction : 0;
    if (valid + test > 1 - 1e-9) {
        return failure_make(FAILURE_STOP, 0, "--valid %g and --test %g leave nothing to learn from",
                            valid, test);
    }
    for (double m = 10; m <= 10000; m *= 10) {
        if (is_whole(m * valid) && is_whole(m * test)) {
            split->modulus = (uint64_t)m;
            split->test_below = (uint64_t)round(m * test);
            split->valid_below = split->test_below + (uint64_t)round(m * valid);
            return failure_none();
        }
    }
    return failure_make(FAILURE_STOP, 0, "--valid, --test: expected at most 4 digits");
}

/* Steele, Lea, Flood 2014. */
static uint64_t splitmix64(uint64_t x) {
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* -1: before the gap, 0: in the gap, 1: behind it. */
static int side_of(const struct split_rule *rule, int64_t gap_ms, int64_t time_ms) {
    return time_ms >= rule->after_ms ? 1 : time_ms >= rule->after_ms - gap_ms ? 0 : -1;
}

enum part split_of(const struct split *split, uint64_t index, const struct data_row *row) {
    uint64_t key = split->has_groups ? row->group : row->decision ? row->decision : index;
    uint64_t residue = splitmix64(key ^ split->seed) % split->modulus;
    if (residue < split->test_below) {
        return PART_TEST;
    }
    int test =
        split->test.kind == SPLIT_AFTER ? side_of(&split->test, split->gap_ms, row->time_ms) : -1;
    if (test >= 0) {
        return test > 0 ? PART_TEST : PART_GAP;
    }
    if (residue < split->valid_below) {
        return PART_VALID;
    }
    int valid =
        split->valid.kind == SPLIT_AFTER ? side_of(&split->valid, split->gap_ms, row->time_ms) : -1;
    return valid < 0 ? PART_TRAIN : valid > 0 ? PART_VALID : PART_GAP;
}

/* Keeps, in order, the rows of groups that are not known; then they are. */
static size_t keep_strangers(struct dataset *data, uint32_t *rows, size_t count, bool is_after,
                             struct slot_index *known) {
    struct data_row row;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        dataset_get(data, rows[i], &row);
        if (!is_after || slot_index_peek(known, row.group) == SLOT_NONE) {
            rows[kept++] = rows[i];
        }
    }
    for (size_t i = 0; i < kept; i++) {
        dataset_get(data, rows[i], &row);
        if (slot_index_peek(known, row.group) == SLOT_NONE) {
            slot_index_insert(known, row.group, 0);
        }
    }
    return kept;
}

int64_t split_strangers(const struct split *split, struct dataset *data,
                        uint32_t *const rows[PART_COUNT], size_t counts[PART_COUNT]) {
    const bool is_after[] = {[PART_TRAIN] = false,
                             [PART_VALID] = split->valid.kind == SPLIT_AFTER,
                             [PART_TEST] = split->test.kind == SPLIT_AFTER};
    if (!split->has_groups || (!is_after[PART_VALID] && !is_after[PART_TEST])) {
        return 0;
    }
    struct slot_index known;
    slot_index_init(&known);
    int64_t left_out = 0;
    for (int part = PART_TRAIN; part <= PART_TEST; part++) {
        size_t count = counts[part];
        counts[part] = keep_strangers(data, rows[part], count, is_after[part], &known);
        left_out += (int64_t)(count - counts[part]);
    }
    slot_index_clean_up(&known);
    return left_out;
}
