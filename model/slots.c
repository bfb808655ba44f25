#include "model/slots.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/hash.h"

#define SLOPE_SCALE  (1 / 14.0) /* log1p(1e6) = 13.8: about 0..1 */
#define PART_MISSING SLOTS_BUCKETS
#define PART_SLOPE   (SLOTS_BUCKETS + 1)

/* expm1(k log1p(1e6) / 15), k = 1..15, written out: the same bits whatever libm says. */
static const double edges[SLOTS_BUCKETS - 1] = {1.511887, 5.309574, 14.84894, 38.81073, 99.00003,
                                                250.1887, 629.9576, 1583.894, 3980.074, 9999.007,
                                                25117.88, 63094.78, 158488.5, 398106.5, 1e6};

int slots_bucket(double value) {
    int bucket = 0;
    for (int i = 0; i < SLOTS_BUCKETS - 1; i++) {
        bucket += value >= edges[i];
    }
    return bucket;
}

static uint64_t text_hash(const char *text) {
    return hash64(bytes_of_text(text), 0);
}

static uint32_t index_of(const struct slot_space *space, uint64_t hash) {
    return (uint32_t)(hash >> (64 - space->bits));
}

static uint32_t row_of(const struct slot_space *space, uint64_t hash) {
    return index_of(space, hash) & ~(uint32_t)(SLOTS_ROW - 1);
}

static bool is_index(int index, size_t count) {
    return index >= 0 && (size_t)index < count;
}

static void check_space(const struct learner_space *names) {
    assert(names->number_count <= SLOTS_NUMBERS_MAX && names->name_count <= SLOTS_NAMES_MAX);
    assert(names->origin == -1 || is_index(names->origin, names->name_count));
    assert(names->cart_value == -1 || is_index(names->cart_value, names->number_count));
    assert(names->idle == -1 || is_index(names->idle, names->number_count));
    assert(names->is_new == -1 || is_index(names->is_new, names->number_count));
}

static void hash_class(struct slot_space *space, int class) {
    static const char *const class_names[SLOTS_CLASSES] = {"observe", "trigger"};
    const struct learner_space *names = &space->names;
    uint64_t seed = text_hash(class_names[class]);
    space->bias[class] = index_of(space, hash_combine(seed, text_hash("bias")));
    /* The kinds have seeds of their own: a number and a name may be called the same. */
    uint64_t number_seed = hash_combine(seed, text_hash("number"));
    for (size_t i = 0; i < names->number_count; i++) {
        uint64_t hash = hash_combine(number_seed, text_hash(names->numbers[i]));
        space->number_row[class][i] = row_of(space, hash);
    }
    uint64_t name_seed = hash_combine(seed, text_hash("name"));
    for (size_t i = 0; i < names->name_count; i++) {
        space->name_hash[class][i] = hash_combine(name_seed, text_hash(names->names[i]));
    }
    for (size_t i = 0; i < space->cross_count; i++) {
        const int *pair = space->crosses[i];
        space->cross_hash[class][i] =
            hash_combine(space->name_hash[class][pair[0]], space->name_hash[class][pair[1]]);
    }
}

void slots_init(struct slot_space *space, int bits, const struct learner_space *names,
                size_t cross_count, const int (*crosses)[2]) {
    assert(bits >= 10 && bits <= 24 && cross_count <= LEARNER_CROSSES_MAX);
    check_space(names);
    *space = (struct slot_space){.bits = bits, .names = *names, .cross_count = cross_count};
    for (size_t i = 0; i < cross_count; i++) {
        for (int side = 0; side < 2; side++) {
            assert(is_index(crosses[i][side], names->name_count));
            space->crosses[i][side] = crosses[i][side];
        }
    }
    for (int class = 0; class < SLOTS_CLASSES; class ++) {
        hash_class(space, class);
    }
}

/* ---- an input ---- */

static void add(struct slots *out, uint32_t index, enum slot_source source, size_t of, int part,
                double x) {
    out->slots[out->count++] = (struct slot){index, (uint16_t)source, (uint16_t)of, part, x};
}

static void add_number(struct slots *out, uint32_t row, size_t number, double value) {
    if (isnan(value)) {
        add(out, row + PART_MISSING, SLOT_NUMBER, number, PART_MISSING, 1);
        return;
    }
    int bucket = slots_bucket(value);
    add(out, row + (uint32_t)bucket, SLOT_NUMBER, number, bucket, 1);
    if (value > 0) {
        add(out, row + PART_SLOPE, SLOT_NUMBER, number, PART_SLOPE, log1p(value) * SLOPE_SCALE);
    }
}

static struct bytes origin_of(const struct slot_space *space, const struct learner_input *input) {
    return space->names.origin < 0 ? bytes_of(NULL, 0) : input->names[space->names.origin];
}

bool slots_of(const struct slot_space *space, const struct learner_input *input,
              struct slots *out) {
    const struct learner_space *names = &space->names;
    struct bytes origin = origin_of(space, input);
    int class = bytes_equal(origin, bytes_of_text("observe")) ? 0 : 1;
    out->count = 0;
    add(out, space->bias[class], SLOT_BIAS, 0, 0, 1);
    for (size_t i = 0; i < names->number_count; i++) {
        double value = input->numbers[i];
        if (fabs(value) > LEARNER_NUMBER_MAX) {
            return false;
        }
        uint32_t row = space->number_row[class][i];
        if ((int)i == names->idle) {
            row = row_of(space, hash_combine(space->number_row[class][i], hash64(origin, 0)));
        }
        add_number(out, row, i, value);
    }
    uint64_t values[SLOTS_NAMES_MAX];
    for (size_t i = 0; i < names->name_count; i++) {
        values[i] = hash64(input->names[i], 0); /* the origin's slot is bias x origin */
        uint64_t hash = hash_combine(space->name_hash[class][i], values[i]);
        add(out, index_of(space, hash), SLOT_NAME, i, 0, 1);
    }
    for (size_t i = 0; i < space->cross_count; i++) {
        const int *pair = space->crosses[i];
        uint64_t both = hash_combine(values[pair[0]], values[pair[1]]);
        uint64_t hash = hash_combine(space->cross_hash[class][i], both);
        add(out, index_of(space, hash), SLOT_CROSS, i, 0, 1);
    }
    return true;
}

/* ---- readable ---- */

/* Not a limit that is cut in the middle of a character (RFC 3629). */
void slots_trim_text(char *text) {
    size_t length = strlen(text), tail = 0;
    while (tail < 3 && tail < length && ((uint8_t)text[length - 1 - tail] & 0xc0) == 0x80) {
        tail++;
    }
    if (tail == length) {
        return;
    }
    uint8_t lead = (uint8_t)text[length - 1 - tail];
    size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (tail < wanted) {
        text[length - 1 - tail] = '\0';
    }
}

static void number_name(const char *name, int part, char *out, size_t size) {
    if (part == PART_MISSING) {
        snprintf(out, size, "%s missing", name);
    } else if (part == PART_SLOPE) {
        snprintf(out, size, "%s, slope", name);
    } else if (part == 0) {
        snprintf(out, size, "%s below %.3g", name, edges[0]);
    } else if (part == SLOTS_BUCKETS - 1) {
        snprintf(out, size, "%s from %.3g", name, edges[part - 1]);
    } else {
        snprintf(out, size, "%s in [%.3g, %.3g)", name, edges[part - 1], edges[part]);
    }
}

static void name_name(const struct slot_space *space, const struct learner_input *input, int name,
                      char *out, size_t size) {
    struct bytes value = input->names[name];
    if (value.size == 0) {
        snprintf(out, size, "%s missing", space->names.names[name]);
    } else {
        snprintf(out, size, "%s = %.*s", space->names.names[name], BYTES_ARG(value));
    }
}

void slots_name(const struct slot_space *space, const struct learner_input *input,
                const struct slot *slot, char *out, size_t size) {
    switch (slot->source) {
    case SLOT_BIAS:
        snprintf(out, size, "bias");
        break;
    case SLOT_NUMBER:
        number_name(space->names.numbers[slot->of], slot->part, out, size);
        break;
    case SLOT_NAME:
        name_name(space, input, slot->of, out, size);
        break;
    default: {
        char sides[2][48];
        for (int side = 0; side < 2; side++) {
            name_name(space, input, space->crosses[slot->of][side], sides[side], sizeof sides[0]);
            slots_trim_text(sides[side]);
        }
        snprintf(out, size, "%.*s x %s", (int)size / 2 - 2, sides[0], sides[1]);
    }
    }
    slots_trim_text(out);
}
