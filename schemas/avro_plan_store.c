/* The long way of a value into the event, and of a value past it. */
#include "schemas/avro_plan_internal.h"

#include <assert.h>
#include <math.h>

/* ---- One value ---- */

static enum event_verdict text_of(struct bytes text, struct mapped *out) {
    out->kind = MAPPED_TEXT;
    out->text = text;
    return wire_is_utf8(text) ? EVENT_OK : EVENT_BAD_UTF8;
}

static struct bytes read_fixed(struct wire_reader *reader, size_t size) {
    if (wire_left(reader) < size) {
        wire_fail(reader, WIRE_TRUNCATED);
        return (struct bytes){0};
    }
    struct bytes bytes = bytes_of(reader->cursor, size);
    reader->cursor += size;
    return bytes;
}

/* Big-endian two's complement of any length, of which 128 bits count: exactly rounded up to 2^53
 * and 22 places, within two units in the last place beyond, infinite beyond all doubles. */
static enum event_verdict decimal_of(struct bytes digits, double divisor, struct mapped *out) {
    unsigned __int128 value = 0;
    size_t at = 0;
    if (digits.size == 0) {
        return EVENT_BAD_VALUE;
    }
    uint8_t sign = digits.data[0] & 0x80 ? 0xff : 0;
    while (at < digits.size && digits.data[at] == sign) {
        at++;
    }
    /* The byte before may hold nothing but the sign. */
    at -= at > 0;
    size_t end = digits.size - at > sizeof(value) ? at + sizeof(value) : digits.size;
    value = sign ? ~value : value;
    for (; at < end; at++) {
        value = value << 8 | digits.data[at];
    }
    size_t spare = digits.size - end;
    out->kind = MAPPED_DOUBLE;
    out->number = ldexp((double)(__int128)value, spare > 1024 ? 8192 : 8 * (int)spare) / divisor;
    return EVENT_OK;
}

/* 16 bytes as 8-4-4-4-12 hex digits. */
static enum event_verdict uuid_of(struct avro_run *run, struct bytes bytes, struct mapped *out) {
    static const char hex[] = "0123456789abcdef";
    struct mapping_scratch *scratch = run->scratch;
    if (bytes.size != 16 || sizeof(scratch->bytes) - scratch->size < 36) {
        return EVENT_TEXT_TOO_LONG;
    }
    char *text = scratch->bytes + scratch->size;
    size_t size = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[size++] = '-';
        }
        text[size++] = hex[bytes.data[i] >> 4];
        text[size++] = hex[bytes.data[i] & 15];
    }
    scratch->size += size;
    out->kind = MAPPED_TEXT;
    out->text = bytes_of(text, size);
    return EVENT_OK;
}

static enum event_verdict read_bytes(struct avro_run *run, const struct avro_leaf *leaf,
                                     bool is_wanted, struct mapped *out) {
    struct bytes bytes = leaf->type == WRITER_FIXED ? read_fixed(&run->reader, leaf->size)
                                                    : wire_read_bytes(&run->reader, SIZE_MAX);
    if (!is_wanted || run->reader.verdict != WIRE_OK) {
        return EVENT_OK;
    }
    if (leaf->logical == LOGICAL_DECIMAL) {
        return decimal_of(bytes, leaf->divisor, out);
    }
    if (leaf->type == WRITER_FIXED && leaf->logical == LOGICAL_UUID) {
        return uuid_of(run, bytes, out);
    }
    return text_of(bytes, out);
}

static void read_integer(struct wire_reader *reader, const struct avro_leaf *leaf,
                         struct mapped *out) {
    static const enum mapping_unit units[] = {
        [LOGICAL_TIMESTAMP_MILLIS] = UNIT_MS,
        [LOGICAL_TIMESTAMP_MICROS] = UNIT_US,
        [LOGICAL_TIMESTAMP_NANOS] = UNIT_NS,
        [LOGICAL_UUID] = UNIT_AUTO,
    };
    out->kind = MAPPED_LONG;
    out->integer = leaf->type == WRITER_INT ? wire_read_range(reader, INT32_MIN, INT32_MAX)
                                            : wire_read_long(reader);
    out->unit = units[leaf->logical];
    if (leaf->logical == LOGICAL_DATE && leaf->field->kind == MAPPING_TIME) {
        out->integer *= INT64_C(86400000);
        out->unit = UNIT_MS;
    }
}

/* The reader has the verdict on the wire; the one returned is on what the value is. */
static enum event_verdict read_value(struct avro_run *run, const struct avro_leaf *leaf,
                                     bool is_wanted, struct mapped *out) {
    struct wire_reader *reader = &run->reader;
    switch ((enum writer_type)leaf->type) {
    case WRITER_NULL: /* STEP_BRANCH */
        return text_of(leaf->symbols[0], out);
    case WRITER_BOOLEAN:
        out->kind = MAPPED_BOOLEAN;
        out->boolean = wire_read_boolean(reader);
        return EVENT_OK;
    case WRITER_INT:
    case WRITER_LONG:
        read_integer(reader, leaf, out);
        return EVENT_OK;
    case WRITER_FLOAT:
        out->kind = MAPPED_DOUBLE;
        out->number = (double)wire_read_float(reader);
        return EVENT_OK;
    case WRITER_DOUBLE:
        out->kind = MAPPED_DOUBLE;
        out->number = wire_read_double(reader);
        return EVENT_OK;
    case WRITER_STRING:
    case WRITER_BYTES:
    case WRITER_FIXED:
        return read_bytes(run, leaf, is_wanted, out);
    case WRITER_ENUM:
        return text_of(leaf->symbols[wire_read_range(reader, 0, (int64_t)leaf->symbol_count - 1)],
                       out);
    default:
        assert(!"no leaf is of this type");
        return EVENT_BAD_VALUE;
    }
}

void avro_run_store(struct avro_run *run, const struct avro_leaf *leaf) {
    struct mapped value = {.unit = UNIT_AUTO};
    bool has_slot = leaf->slot != AVRO_SLOT_NONE;
    bool is_wanted = !has_slot || run->ranks[leaf->slot] > leaf->rank;
    bool is_present = true;
    enum event_verdict verdict = read_value(run, leaf, is_wanted, &value);
    if (!is_wanted || run->reader.verdict != WIRE_OK) {
        return;
    }
    if (verdict == EVENT_OK) {
        verdict =
            mapping_store(leaf->field, value, run->scratch, run->records[leaf->scope], &is_present);
    }
    if (!has_slot) {
        run->verdict = verdict;
    } else if (is_present || verdict != EVENT_OK) {
        run->ranks[leaf->slot] = leaf->rank;
        run->errors[leaf->slot] = (uint8_t)verdict;
        run->has_errors |= verdict != EVENT_OK;
    }
}

/* ---- Skips ---- */

/* More of them than bytes are left are no count that a message can hold. */
#define EMPTY_ITEMS_MAX 1000000

static void skip_some(struct wire_reader *reader, enum avro_code code, uint64_t number) {
    if (code == OP_SKIP_BYTES) {
        if (number > wire_left(reader)) {
            wire_fail(reader, WIRE_TRUNCATED);
        } else {
            reader->cursor += number;
        }
        return;
    }
    for (uint64_t i = 0; i < number && reader->verdict == WIRE_OK; i++) {
        if (code == OP_SKIP_VARINTS) {
            (void)wire_read_long(reader);
        } else if (code == OP_SKIP_LENGTHS) {
            (void)wire_read_bytes(reader, SIZE_MAX);
        } else {
            (void)wire_read_boolean(reader);
        }
    }
}

uint64_t avro_next_block(struct wire_reader *reader) {
    while (reader->verdict == WIRE_OK) {
        int64_t count = wire_read_long(reader);
        if (count >= 0) {
            return (uint64_t)count;
        }
        (void)wire_read_bytes(reader, SIZE_MAX);
    }
    return 0;
}

/* A block of items that are each `number` values or bytes. */
static void skip_items(struct wire_reader *reader, enum avro_code code, uint64_t number) {
    uint64_t count;
    while ((count = avro_next_block(reader)) > 0) {
        /* An item takes at least a byte, and a run of bytes all of them. */
        if (count > wire_left(reader)) {
            wire_fail(reader, WIRE_TRUNCATED);
        } else {
            skip_some(reader, code, count * number);
        }
    }
}

static void skip_empty_items(struct wire_reader *reader) {
    uint64_t sum = 0;
    int64_t count = 0;
    do {
        count = wire_read_long(reader);
        if (count < 0 && wire_read_long(reader) != 0) {
            wire_fail(reader, WIRE_BAD_VALUE);
        }
        uint64_t items = count < 0 ? -(uint64_t)count : (uint64_t)count;
        if (items > EMPTY_ITEMS_MAX - sum) {
            wire_fail(reader, WIRE_BAD_VALUE);
        }
        sum += items;
    } while (count != 0 && reader->verdict == WIRE_OK);
}

void avro_run_skip(struct wire_reader *reader, const struct avro_op *op) {
    switch ((enum avro_code)op->code) {
    case OP_SKIP_ENUM:
        (void)wire_read_range(reader, 0, (int64_t)op->number - 1);
        break;
    case OP_SKIP_ITEMS:
        skip_items(reader, (enum avro_code)op->scope, op->number);
        break;
    case OP_SKIP_EMPTY_ITEMS:
        skip_empty_items(reader);
        break;
    default:
        skip_some(reader, (enum avro_code)op->code, op->number);
    }
}
