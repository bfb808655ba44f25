/* Random values of a random schema, straight into Avro's binary form. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "schemas/wire.h"
#include "tests/support/random_schema_internal.h"

#define COUNT(array)     (sizeof(array) / sizeof((array)[0]))
#define VALUES_WANTED    600 /* then arrays are empty and unions null */
#define NEST_MAX         10
#define START_MS         INT64_C(1704067200000) /* 2024-01-01 */
#define YEAR_MS          (366 * INT64_C(86400000))
#define DECIMAL_SIZE_MAX 18
#define TEXT_SIZE_MAX    150

struct value_writer {
    struct rng *rng, *blocks;
    int left; /* values until it is enough */
};

static void write_value(struct value_writer *writer, const struct random_node *node, int depth,
                        struct buffer *out);

/* ---- Leaves ---- */

static void write_text(struct buffer *out, const char *text) {
    wire_write_bytes(out, bytes_of_text(text));
}

static void write_random_text(struct rng *rng, struct buffer *out) {
    static const char *const characters[] = {
        "a", "Z", "7", "-", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9b\x92"};
    uint64_t kinds = chance(rng, 4) ? COUNT(characters) : 4;
    size_t size_max = chance(rng, 30) ? TEXT_SIZE_MAX : 16, count = rng_below(rng, size_max / 4);
    char text[TEXT_SIZE_MAX + 1] = "";
    for (size_t i = 0; i < count; i++) {
        strcat(text, characters[rng_below(rng, kinds)]);
    }
    write_text(out, text);
}

/* Every length of a varint. */
static int64_t random_integer(struct rng *rng, int bits) {
    uint64_t word = rng_u64(rng) >> (64 - bits + 1);
    int64_t value = (int64_t)(word >> rng_below(rng, (uint64_t)bits));
    return chance(rng, 2) ? value : -value - 1;
}

static void write_time_text(struct rng *rng, int64_t ms, struct buffer *out) {
    static const char *const zones[] = {"", "Z", "+01:00", "-09:30", "+00:00"};
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[64];
    gmtime_r(&seconds, &tm);
    size_t size = strftime(text, sizeof(text), "%Y-%m-%d", &tm);
    if (!chance(rng, 6)) {
        size += strftime(text + size, sizeof(text) - size,
                         chance(rng, 4) ? " %H:%M:%S" : "T%H:%M:%S", &tm);
        int digits = chance(rng, 2) ? 3 : (int)rng_below(rng, 10);
        if (digits > 0) {
            char fraction[16];
            snprintf(fraction, sizeof(fraction), "%03d%06d", (int)(ms % 1000),
                     (int)rng_below(rng, 1000000));
            size += (size_t)snprintf(text + size, sizeof(text) - size, ".%.*s", digits, fraction);
        }
        snprintf(text + size, sizeof(text) - size, "%s", zones[rng_below(rng, COUNT(zones))]);
    }
    write_text(out, text);
}

static void write_string(struct rng *rng, const struct random_node *node, struct buffer *out) {
    static const char *const types[] = {
        "view", "product_viewed", "add_to_cart", "order_completed", "purchase", "", "OTHER"};
    static const char *const consents[] = {"granted", "denied", "unknown", "yes", "no", ""};
    char text[40];
    int whole;
    if (node->count > 0) {
        write_text(out, chance(rng, 10) ? "?" : node->names[rng_below(rng, node->count)]);
        return;
    }
    switch (node->kind) {
    case MAPPING_TYPE:
        write_text(out, types[rng_below(rng, COUNT(types))]);
        return;
    case MAPPING_CONSENT:
        write_text(out, consents[rng_below(rng, COUNT(consents))]);
        return;
    case MAPPING_TIME:
        write_time_text(rng, START_MS + (int64_t)rng_below(rng, YEAR_MS), out);
        return;
    case MAPPING_NUMBER:
        whole = (int)rng_below(rng, 2000) - 200;
        snprintf(text, sizeof(text), "%d.%02d", whole, (int)rng_below(rng, 100));
        write_text(out, chance(rng, 20) ? "1.5e3" : text);
        return;
    case MAPPING_COUNT:
        snprintf(text, sizeof(text), "%d", 1 + (int)rng_below(rng, 30));
        write_text(out, text);
        return;
    default:
        write_random_text(rng, out);
    }
}

static int64_t time_of(struct rng *rng, enum writer_logical logical) {
    int64_t ms = START_MS + (int64_t)rng_below(rng, YEAR_MS);
    switch (logical) {
    case LOGICAL_DATE:
        return ms / 86400000;
    case LOGICAL_TIMESTAMP_MICROS:
        return ms * 1000 + (int64_t)rng_below(rng, 1000);
    case LOGICAL_TIMESTAMP_NANOS:
        return ms * 1000000 + (int64_t)rng_below(rng, 1000000);
    default:
        return ms;
    }
}

static int64_t integer_of(struct rng *rng, const struct random_node *node) {
    switch (node->kind) {
    case MAPPING_TIME:
        return time_of(rng, node->logical);
    case MAPPING_TYPE:
    case MAPPING_CONSENT:
        return (int64_t)rng_below(rng, 5);
    case MAPPING_COUNT:
        return 1 + (int64_t)rng_below(rng, chance(rng, 20) ? 100000 : 10);
    case MAPPING_NUMBER:
        if (!chance(rng, 8)) {
            return (int64_t)rng_below(rng, 100000);
        }
        /* fall through */
    default:
        return random_integer(rng, node->type == WRITER_INT ? 32 : 64);
    }
}

static double number_of(struct rng *rng, const struct random_node *node) {
    static const double odd[] = {NAN, 0, -0.0, HUGE_VAL, -HUGE_VAL, 5e-324, 1.7e308, -3.25};
    if (node->kind == MAPPING_COUNT) {
        return (double)(1 + rng_below(rng, 10));
    }
    return chance(rng, 10) ? odd[rng_below(rng, COUNT(odd))] : (double)rng_below(rng, 100000) / 100;
}

/* Big-endian two's complement of size bytes; most numbers are small. */
static void append_decimal(struct rng *rng, size_t size, struct buffer *out) {
    int64_t value = chance(rng, 10) ? random_integer(rng, 64) : (int64_t)rng_below(rng, 100000);
    bool is_wild = chance(rng, 15);
    for (size_t i = size; i-- > 0;) {
        /* The sign fills what is beyond 8 bytes. */
        uint64_t byte = (uint64_t)(i < 8 ? value >> (8 * i) : value >> 63);
        buffer_append_byte(out, (uint8_t)(is_wild ? rng_below(rng, 256) : byte));
    }
}

static void append_random(struct rng *rng, size_t size, struct buffer *out) {
    for (size_t i = 0; i < size; i++) {
        buffer_append_byte(out, (uint8_t)rng_below(rng, 256));
    }
}

static void write_bytes(struct rng *rng, const struct random_node *node, struct buffer *out) {
    if (node->logical == LOGICAL_DECIMAL) {
        size_t size = 1 + rng_below(rng, chance(rng, 10) ? DECIMAL_SIZE_MAX : 4);
        wire_write_long(out, (int64_t)size);
        append_decimal(rng, size, out);
        return;
    }
    size_t size = rng_below(rng, chance(rng, 20) ? 200 : 8);
    wire_write_long(out, (int64_t)size);
    append_random(rng, size, out);
}

/* ---- Blocks ---- */

/* How many of the items go into the next block. */
static size_t block_of(struct value_writer *writer, size_t left) {
    return writer->blocks && chance(writer->blocks, 3) ? 1 + rng_below(writer->blocks, left) : left;
}

/* Keys of a map: some of its own and some of no use, none twice. */
static void write_key(struct rng *rng, const struct random_node *map, size_t index, size_t shift,
                      struct buffer *out) {
    char key[24];
    if (index < map->count && !chance(rng, 4)) {
        write_text(out, map->names[(index + shift) % map->count]);
        return;
    }
    snprintf(key, sizeof(key), "k%zu", index);
    write_text(out, key);
}

static size_t count_of(struct value_writer *writer, const struct random_node *node, int depth) {
    if (writer->left <= 0 || depth >= NEST_MAX) {
        return 0;
    }
    if (chance(writer->rng, 100) && node->children[0]->type <= WRITER_STRING) {
        return 64 + rng_below(writer->rng, 40); /* a count of two bytes */
    }
    return rng_below(writer->rng, chance(writer->rng, 20) ? 12 : 4);
}

static void write_items(struct value_writer *writer, const struct random_node *node, int depth,
                        struct buffer *out) {
    struct rng *rng = writer->rng;
    size_t count = count_of(writer, node, depth), shift = rng_below(rng, node->count);
    for (size_t i = 0; i < count;) {
        size_t block = block_of(writer, count - i);
        bool has_size = writer->blocks && chance(writer->blocks, 3);
        struct buffer sized = {0}, *to = has_size ? &sized : out;
        wire_write_long(out, has_size ? -(int64_t)block : (int64_t)block);
        for (size_t end = i + block; i < end; i++) {
            if (node->type == WRITER_MAP) {
                write_key(rng, node, i, shift, to);
            }
            write_value(writer, node->children[0], depth + 1, to);
        }
        if (has_size) {
            wire_write_bytes(out, buffer_bytes(&sized));
            buffer_clean_up(&sized);
        }
    }
    wire_write_long(out, 0);
}

/* ---- Values ---- */

static size_t branch_of(struct value_writer *writer, const struct random_node *node, int depth) {
    bool is_enough = writer->left <= 0 || depth >= NEST_MAX;
    if (is_enough || chance(writer->rng, 5)) {
        for (size_t i = 0; i < node->count; i++) {
            if (node->children[i]->type == WRITER_NULL) {
                return i;
            }
        }
    }
    return rng_below(writer->rng, node->count);
}

static void write_value(struct value_writer *writer, const struct random_node *node, int depth,
                        struct buffer *out) {
    struct rng *rng = writer->rng;
    size_t branch;
    writer->left--;
    switch (node->type) {
    case WRITER_NULL:
        return;
    case WRITER_BOOLEAN:
        wire_write_boolean(out, chance(rng, 2));
        return;
    case WRITER_INT:
    case WRITER_LONG:
        wire_write_long(out, integer_of(rng, node));
        return;
    case WRITER_FLOAT:
        wire_write_float(out, (float)number_of(rng, node));
        return;
    case WRITER_DOUBLE:
        wire_write_double(out, number_of(rng, node));
        return;
    case WRITER_BYTES:
        write_bytes(rng, node, out);
        return;
    case WRITER_STRING:
        write_string(rng, node, out);
        return;
    case WRITER_FIXED:
        (node->logical == LOGICAL_DECIMAL ? append_decimal : append_random)(rng, node->size, out);
        return;
    case WRITER_ENUM:
        wire_write_long(out, (int64_t)rng_below(rng, node->count));
        return;
    case WRITER_ARRAY:
    case WRITER_MAP:
        write_items(writer, node, depth, out);
        return;
    case WRITER_UNION:
        branch = branch_of(writer, node, depth);
        wire_write_long(out, (int64_t)branch);
        write_value(writer, node->children[branch], depth, out);
        return;
    case WRITER_RECORD:
        for (size_t i = 0; i < node->count; i++) {
            write_value(writer, node->children[i], depth + 1, out);
        }
    }
}

void random_schema_write_value(const struct random_schema *schema, struct rng *values,
                               struct rng *blocks, struct buffer *out) {
    struct value_writer writer = {.rng = values, .blocks = blocks, .left = VALUES_WANTED};
    write_value(&writer, schema->root, 0, out);
}
