#include "base/tzif.h"

#include <stdlib.h>

#include "base/buffer.h"

#define HEADER_BYTES 44

/* RFC 9636, 3.2: offsets lie strictly between -25 and 26 hours. */
#define OFFSET_MIN_S (-25 * 3600 + 1)
#define OFFSET_MAX_S (26 * 3600 - 1)

/* The six counts of a header, in the file's order. */
struct counts {
    size_t ut_flags, standard_flags, leaps, transitions, types, name_bytes;
};

static uint64_t read_big_endian(const uint8_t *data, int size) {
    uint64_t value = 0;
    for (int i = 0; i < size; i++) {
        value = value << 8 | data[i];
    }
    return value;
}

/* Takes a header off the front. */
static bool take_header(struct bytes *file, struct counts *out) {
    if (file->size < HEADER_BYTES || memcmp(file->data, "TZif", 4) != 0 || file->data[4] < '2') {
        return false;
    }
    const uint8_t *counts = file->data + 20;
    *out = (struct counts){
        .ut_flags = (size_t)read_big_endian(counts, 4),
        .standard_flags = (size_t)read_big_endian(counts + 4, 4),
        .leaps = (size_t)read_big_endian(counts + 8, 4),
        .transitions = (size_t)read_big_endian(counts + 12, 4),
        .types = (size_t)read_big_endian(counts + 16, 4),
        .name_bytes = (size_t)read_big_endian(counts + 20, 4),
    };
    file->data += HEADER_BYTES;
    file->size -= HEADER_BYTES;
    return true;
}

/* Takes a data block with times of time_bytes (4 or 8) off the front. 32-bit counts cannot overflow
 * the sum. */
static bool take_block(struct bytes *file, const struct counts *counts, uint64_t time_bytes,
                       struct bytes *out) {
    uint64_t size = counts->transitions * (time_bytes + 1) + counts->types * UINT64_C(6) +
                    counts->name_bytes + counts->leaps * (time_bytes + 4) + counts->standard_flags +
                    counts->ut_flags;
    if (size > file->size) {
        return false;
    }
    *out = bytes_of(file->data, (size_t)size);
    file->data += size;
    file->size -= (size_t)size;
    return true;
}

/* Type: offset (4 bytes), is-DST flag, index of its name. */
static bool read_type(const uint8_t *type, const struct counts *counts, int32_t *out_offset_s) {
    int32_t offset_s = (int32_t)(uint32_t)read_big_endian(type, 4);
    *out_offset_s = offset_s;
    return offset_s >= OFFSET_MIN_S && offset_s <= OFFSET_MAX_S && type[4] <= 1 &&
           type[5] < counts->name_bytes;
}

static bool are_types_good(const uint8_t *types, const struct counts *counts) {
    if (counts->types == 0 || counts->types > 256 || counts->name_bytes == 0) {
        return false;
    }
    for (size_t i = 0; i < counts->types; i++) {
        int32_t offset_s;
        if (!read_type(types + i * 6, counts, &offset_s)) {
            return false;
        }
    }
    return true;
}

/* Block: times (8 bytes each), types of the transitions (1 byte each), the types, and more we do
 * not need. */
static bool parse_block(struct bytes block, const struct counts *counts, struct tzif *out) {
    const uint8_t *times = block.data;
    const uint8_t *indexes = times + counts->transitions * 8;
    const uint8_t *types = indexes + counts->transitions;
    /* Files with leap seconds count another time than event_ms does. */
    if (counts->leaps > 0 || !are_types_good(types, counts)) {
        return false;
    }
    (void)read_type(types, counts, &out->first_offset_s);
    out->transition_count = counts->transitions;
    out->transitions = memory_new(counts->transitions, sizeof *out->transitions);
    for (size_t i = 0; i < counts->transitions; i++) {
        struct tzif_transition *transition = &out->transitions[i];
        transition->at_s = (int64_t)read_big_endian(times + i * 8, 8);
        bool is_later = i == 0 || transition->at_s > transition[-1].at_s;
        if (!is_later || indexes[i] >= counts->types) {
            return false;
        }
        (void)read_type(types + indexes[i] * (size_t)6, counts, &transition->offset_s);
    }
    return true;
}

/* Footer: newline, rule or nothing, newline; the end of the file. */
static bool parse_footer(struct bytes footer, struct tzif *out) {
    if (footer.size < 2 || footer.data[0] != '\n' || footer.data[footer.size - 1] != '\n') {
        return false;
    }
    struct bytes text = bytes_of(footer.data + 1, footer.size - 2);
    out->has_rule = text.size > 0;
    return !out->has_rule || tz_rule_parse(text, &out->rule);
}

bool tzif_parse(struct bytes file, struct tzif *out) {
    struct counts counts;
    struct bytes block;
    /* The first header and block are for readers of 32-bit times. */
    if (!take_header(&file, &counts) || !take_block(&file, &counts, 4, &block) ||
        !take_header(&file, &counts) || !take_block(&file, &counts, 8, &block)) {
        return false;
    }
    struct tzif tzif = {0};
    if (!parse_block(block, &counts, &tzif) || !parse_footer(file, &tzif)) {
        tzif_clean_up(&tzif);
        return false;
    }
    *out = tzif;
    return true;
}

void tzif_clean_up(struct tzif *tzif) {
    if (!tzif) {
        return;
    }
    free(tzif->transitions);
    *tzif = (struct tzif){0};
}

/* Number of transitions at or before at_s. */
static size_t transitions_until(const struct tzif *tzif, int64_t at_s) {
    size_t low = 0, high = tzif->transition_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tzif->transitions[middle].at_s <= at_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int tzif_offset_s(const struct tzif *tzif, int64_t at_s) {
    size_t count = transitions_until(tzif, at_s);
    if (count == tzif->transition_count && tzif->has_rule) {
        return tz_rule_offset_s(&tzif->rule, at_s);
    }
    return count == 0 ? tzif->first_offset_s : tzif->transitions[count - 1].offset_s;
}

int64_t tzif_next_s(const struct tzif *tzif, int64_t at_s) {
    size_t count = transitions_until(tzif, at_s);
    if (count < tzif->transition_count) {
        return tzif->transitions[count].at_s;
    }
    return tzif->has_rule ? tz_rule_next_s(&tzif->rule, at_s) : INT64_MAX;
}
