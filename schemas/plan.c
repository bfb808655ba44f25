#include "schemas/plan.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "schemas/user_state.h"
#include "schemas/wire_fast.h"

/* Offsets come from offsetof on the struct that the caller passes, so alignment holds. */
#define FIELD(type, record, op) (*(type *)(void *)((uint8_t *)(record) + (op)->offset))
#define CONST_FIELD(type, record, op)                                                              \
    (*(const type *)(const void *)((const uint8_t *)(record) + (op)->offset))

static struct bytes chars_of(const char *chars, size_t size) {
    size_t length = strnlen(chars, size);
    assert(length < size);
    return bytes_of(chars, length);
}

static bool is_missing(const struct plan_op *op, const void *record) {
    if (op->nullable & PLAN_KEEPS_EMPTY) {
        return CONST_FIELD(struct bytes, record, op).data == NULL;
    }
    switch ((enum plan_code)op->code) {
    case PLAN_TEXT:
    case PLAN_BYTES:
        return CONST_FIELD(struct bytes, record, op).size == 0;
    case PLAN_CHARS:
        return CONST_FIELD(char, record, op) == '\0';
    case PLAN_LONG:
        return CONST_FIELD(int64_t, record, op) == TIME_NONE;
    case PLAN_DOUBLE:
        return isnan(CONST_FIELD(double, record, op));
    case PLAN_HASH:
        return hash128_equal(CONST_FIELD(struct hash128, record, op), (struct hash128){0});
    default:
        assert(!"a field of this kind is never null");
        return false;
    }
}

static void encode_hash(struct hash128 hash, struct buffer *out) {
    char digits[33];
    hash128_format(hash, digits);
    wire_write_bytes(out, bytes_of(digits, 32));
}

static void encode_array(const struct plan_op *op, const void *record, struct buffer *out) {
    const struct plan_array *array = op->array;
    const uint8_t *item = (const uint8_t *)record + op->offset;
    size_t count;
    memcpy(&count, (const uint8_t *)record + array->count_offset, sizeof(count));
    assert(count <= op->bound);
    if (array->is_pointer) {
        memcpy(&item, item, sizeof(item));
    }
    if (count > 0) {
        wire_write_long(out, (int64_t)count);
    }
    for (size_t i = 0; i < count; i++) {
        plan_encode(array->ops, item + i * array->item_size, out);
    }
    wire_write_long(out, 0);
}

static void encode_enum(const struct plan_op *op, int value, struct buffer *out) {
    assert(value >= 0 && (uint32_t)value < op->bound);
    wire_write_long(out, value);
}

static void encode_field(const struct plan_op *op, const void *record, struct buffer *out) {
    switch ((enum plan_code)op->code) {
    case PLAN_TEXT:
    case PLAN_BYTES:
        wire_write_bytes(out, CONST_FIELD(struct bytes, record, op));
        break;
    case PLAN_CHARS:
        wire_write_bytes(out, chars_of(&CONST_FIELD(char, record, op), op->bound));
        break;
    case PLAN_LONG:
        wire_write_long(out, CONST_FIELD(int64_t, record, op));
        break;
    case PLAN_INT:
        wire_write_long(out, CONST_FIELD(int32_t, record, op));
        break;
    case PLAN_BYTE:
        assert(CONST_FIELD(uint8_t, record, op) <= op->bound);
        wire_write_long(out, CONST_FIELD(uint8_t, record, op));
        break;
    case PLAN_WORD:
        wire_write_long(out, (int64_t)CONST_FIELD(uint64_t, record, op));
        break;
    case PLAN_DOUBLE:
        wire_write_double(out, CONST_FIELD(double, record, op));
        break;
    case PLAN_BOOLEAN:
        wire_write_boolean(out, CONST_FIELD(bool, record, op));
        break;
    case PLAN_ENUM:
        encode_enum(op, CONST_FIELD(int, record, op), out);
        break;
    case PLAN_HASH:
        encode_hash(CONST_FIELD(struct hash128, record, op), out);
        break;
    case PLAN_ARRAY:
        encode_array(op, record, out);
        break;
    case PLAN_END:
        assert(!"the end is no field");
    }
}

void plan_encode(const struct plan_op *ops, const void *record, struct buffer *out) {
    for (const struct plan_op *op = ops; op->code != PLAN_END; op++) {
        if (op->nullable & PLAN_NULLABLE) {
            bool is_null = is_missing(op, record);
            wire_write_long(out, is_null ? 0 : 1);
            if (is_null) {
                continue;
            }
        }
        encode_field(op, record, out);
    }
}

static void set_missing(const struct plan_op *op, void *record) {
    switch ((enum plan_code)op->code) {
    case PLAN_TEXT:
    case PLAN_BYTES:
        FIELD(struct bytes, record, op) = (struct bytes){0};
        break;
    case PLAN_CHARS:
        memset(&FIELD(char, record, op), 0, op->bound);
        break;
    case PLAN_LONG:
        FIELD(int64_t, record, op) = TIME_NONE;
        break;
    case PLAN_DOUBLE:
        FIELD(double, record, op) = (double)NAN;
        break;
    case PLAN_HASH:
        FIELD(struct hash128, record, op) = (struct hash128){0};
        break;
    default:
        assert(!"a field of this kind is never null");
    }
}

static void decode_chars(const struct plan_op *op, struct wire_reader *reader, char *out) {
    struct bytes text = wire_read_text(reader, op->bound - 1);
    memset(out, 0, op->bound);
    if (text.size > 0) {
        /* A NUL inside would make a shorter text of it, and another row. */
        if (memchr(text.data, 0, text.size)) {
            wire_fail(reader, WIRE_BAD_VALUE);
            return;
        }
        memcpy(out, text.data, text.size);
    }
}

static struct hash128 decode_hash(struct wire_reader *reader) {
    struct hash128 hash = {0};
    struct bytes text = wire_read_bytes(reader, 32);
    if (!hash128_parse(text, &hash)) {
        wire_fail(reader, WIRE_BAD_VALUE);
    }
    return hash;
}

/* A number that is one, or null where that may be. */
static const uint8_t *decode_short_double(const struct plan_op *op, const uint8_t *cursor,
                                          const uint8_t *end, double *out) {
    if (op->nullable & PLAN_NULLABLE) {
        if (cursor == end || (*cursor != 0 && *cursor != 2)) {
            return NULL;
        }
        if (*cursor++ == 0) {
            *out = (double)NAN;
            return cursor;
        }
    }
    if ((size_t)(end - cursor) < sizeof(double)) {
        return NULL;
    }
    uint64_t word = wire_load_word(cursor);
    double value;
    memcpy(&value, &word, sizeof(value));
    if (!isfinite(value)) {
        return NULL;
    }
    *out = value;
    return cursor + sizeof(value);
}

/* Items that are a number each, one after the other: the features of a decision are many. Returns
 * how many of `left` were read; then comes one that takes the long way. */
static size_t decode_numbers(const struct plan_array *plan, struct wire_reader *reader,
                             uint8_t *items, size_t left) {
    const uint8_t *cursor = reader->cursor;
    size_t done = 0;
    for (; done < left; done++, items += plan->item_size) {
        cursor =
            decode_short_double(plan->ops, cursor, reader->end, &FIELD(double, items, plan->ops));
        if (!cursor) {
            break;
        }
        reader->cursor = cursor;
    }
    return done;
}

static void decode_array(const struct plan_op *op, struct wire_reader *reader, void *record) {
    const struct plan_array *plan = op->array;
    uint8_t *items = (uint8_t *)record + op->offset;
    if (plan->is_pointer) {
        memcpy(&items, items, sizeof(items));
    }
    bool is_numbers = plan->ops[0].code == PLAN_DOUBLE && plan->ops[1].code == PLAN_END;
    struct wire_array array = wire_array_of(op->bound);
    while (wire_array_next(reader, &array)) {
        uint8_t *item = items + (array.count - 1) * plan->item_size;
        size_t done = is_numbers ? decode_numbers(plan, reader, item, array.left + 1) : 0;
        if (done > 0) {
            array.left -= done - 1;
            array.count += done - 1;
        } else {
            plan_decode(plan->ops, reader, item);
        }
    }
    memcpy((uint8_t *)record + plan->count_offset, &array.count, sizeof(array.count));
}

/* Any field but a null one, at full length. Not inlined: plan_decode's registers are for its own
 * path. */
static __attribute__((noinline)) void decode_field(const struct plan_op *op,
                                                   struct wire_reader *reader, void *record) {
    switch ((enum plan_code)op->code) {
    case PLAN_TEXT:
        FIELD(struct bytes, record, op) = wire_read_text(reader, op->bound);
        break;
    case PLAN_BYTES:
        FIELD(struct bytes, record, op) = wire_read_bytes(reader, op->bound);
        break;
    case PLAN_CHARS:
        decode_chars(op, reader, &FIELD(char, record, op));
        break;
    case PLAN_LONG:
        FIELD(int64_t, record, op) = wire_read_long(reader);
        break;
    case PLAN_INT:
        FIELD(int32_t, record, op) = (int32_t)wire_read_range(reader, INT32_MIN, INT32_MAX);
        break;
    case PLAN_BYTE:
        FIELD(uint8_t, record, op) = (uint8_t)wire_read_range(reader, 0, op->bound);
        break;
    case PLAN_WORD:
        FIELD(uint64_t, record, op) = (uint64_t)wire_read_long(reader);
        break;
    case PLAN_DOUBLE:
        FIELD(double, record, op) = wire_read_double(reader);
        if ((op->nullable & PLAN_FINITE) && !isfinite(FIELD(double, record, op))) {
            wire_fail(reader, WIRE_BAD_VALUE);
        }
        break;
    case PLAN_BOOLEAN:
        FIELD(bool, record, op) = wire_read_boolean(reader);
        break;
    case PLAN_ENUM:
        FIELD(int, record, op) = (int)wire_read_range(reader, 0, (int64_t)op->bound - 1);
        break;
    case PLAN_HASH:
        FIELD(struct hash128, record, op) = decode_hash(reader);
        break;
    case PLAN_ARRAY:
        decode_array(op, reader, record);
        break;
    case PLAN_END:
        break;
    }
}

/* The common texts: null, or less than 64 bytes (one byte of length) and ASCII. Returns where the
 * next field begins; NULL if the text is another, or bad. */
static inline const uint8_t *decode_short_text(const struct plan_op *op, const uint8_t *cursor,
                                               const uint8_t *end, struct bytes *out) {
    return op->nullable ? wire_short_optional_text(cursor, end, op->bound, out)
                        : wire_short_text(cursor, end, op->bound, out);
}

/* Nearly all fields of an event are null, a short text, an enum, a number or a recent time: those
 * are read here, with the cursor in a register. All others, and every doubt, take the long way. */
void plan_decode(const struct plan_op *ops, struct wire_reader *reader, void *out_record) {
    const uint8_t *cursor = reader->cursor;
    const uint8_t *end = reader->end;
    for (const struct plan_op *op = ops; op->code != PLAN_END; op++) {
        const uint8_t *next = NULL;
        if (op->code == PLAN_TEXT) {
            next = decode_short_text(op, cursor, end, &FIELD(struct bytes, out_record, op));
        } else if (op->code == PLAN_ENUM) {
            next = wire_short_enum(cursor, end, op->bound, &FIELD(int, out_record, op));
        } else if (op->code == PLAN_LONG && !op->nullable) {
            next = wire_short_time(cursor, end, &FIELD(int64_t, out_record, op));
        } else if (op->code == PLAN_DOUBLE) {
            next = decode_short_double(op, cursor, end, &FIELD(double, out_record, op));
        }
        if (next) {
            cursor = next;
            continue;
        }
        reader->cursor = cursor;
        if (!(op->nullable & PLAN_NULLABLE) || wire_read_present(reader)) {
            decode_field(op, reader, out_record);
        } else {
            set_missing(op, out_record);
        }
        cursor = reader->cursor;
    }
    reader->cursor = cursor;
}

enum wire_verdict plan_decode_body(const struct plan_op *ops, struct bytes body, void *out_record) {
    struct wire_reader reader = wire_reader_of(body);
    plan_decode(ops, &reader, out_record);
    return wire_finish(&reader);
}
