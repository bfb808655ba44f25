/* wire: Avro's binary primitives (Avro 1.11 specification, "Binary Encoding"), to a buffer and from
 * bytes of strangers.
 *
 * The reader never reads past its end, never allocates, and keeps its first verdict: after a
 * failure every read returns zero or empty, so a decoder may look at the verdict once, at the end
 * of a record or of an array's item. No thread of its own; a reader and a buffer belong to their
 * caller. */
#ifndef PROMOSTREAM_SCHEMAS_WIRE_H
#define PROMOSTREAM_SCHEMAS_WIRE_H

#include <endian.h>

#include "base/buffer.h"

enum wire_verdict {
    WIRE_OK,
    WIRE_TRUNCATED,      /* the bytes end inside a value */
    WIRE_TRAILING_BYTES, /* more bytes than the record */
    WIRE_BAD_VALUE,      /* out of range, negative length, count over its bound */
    WIRE_TEXT_TOO_LONG,
    WIRE_BAD_UTF8
};

/* ---- writing: appends, cannot fail ---- */

#define WIRE_LONG_BYTES_MAX 10

/* Room for size more bytes at the returned place; buffer_reserve without a call while there is
 * some. */
static inline uint8_t *wire_reserve(struct buffer *out, size_t size) {
    return out->capacity - out->size >= size && out->data ? out->data + out->size
                                                          : buffer_reserve(out, size);
}

void wire_write_long_slow(struct buffer *out, int64_t value);
/* Also Avro's int, enum and union branch. */
static inline void wire_write_long(struct buffer *out, int64_t value) {
    if (value >= 0 && value < 64) {
        *wire_reserve(out, 1) = (uint8_t)(value << 1);
        out->size++;
        return;
    }
    wire_write_long_slow(out, value);
}
void wire_write_float(struct buffer *out, float value);
void wire_write_double(struct buffer *out, double value);
void wire_write_boolean(struct buffer *out, bool value);
void wire_write_bytes(struct buffer *out, struct bytes bytes); /* bytes or string */

/* ---- reading ---- */

struct wire_reader {
    const uint8_t *cursor, *end;
    enum wire_verdict verdict;
};

static inline struct wire_reader wire_reader_of(struct bytes body) {
    const uint8_t *end = body.size > 0 ? body.data + body.size : body.data;
    return (struct wire_reader){.cursor = body.data, .end = end};
}

static inline size_t wire_left(const struct wire_reader *reader) {
    return (size_t)(reader->end - reader->cursor);
}

/* Keeps the first verdict and leaves nothing to read. */
void wire_fail(struct wire_reader *reader, enum wire_verdict verdict);
/* The verdict on the whole body: WIRE_TRAILING_BYTES if all was well but something is left. */
enum wire_verdict wire_finish(struct wire_reader *reader);

int64_t wire_read_long_slow(struct wire_reader *reader);
/* WIRE_BAD_VALUE for a varint of more than 64 bits. */
static inline int64_t wire_read_long(struct wire_reader *reader) {
    if (reader->cursor < reader->end && *reader->cursor < 0x80) {
        uint8_t byte = *reader->cursor++;
        return (byte >> 1) ^ -(byte & 1);
    }
    return wire_read_long_slow(reader);
}

/* WIRE_BAD_VALUE outside [least, most]; then returns least. */
static inline int64_t wire_read_range(struct wire_reader *reader, int64_t least, int64_t most) {
    int64_t value = wire_read_long(reader);
    if (value < least || value > most) {
        wire_fail(reader, WIRE_BAD_VALUE);
        return least;
    }
    return value;
}

static inline float wire_read_float(struct wire_reader *reader) {
    uint32_t word;
    float value;
    if (wire_left(reader) < sizeof(word)) {
        wire_fail(reader, WIRE_TRUNCATED);
        return 0;
    }
    memcpy(&word, reader->cursor, sizeof(word));
    word = le32toh(word);
    reader->cursor += sizeof(word);
    memcpy(&value, &word, sizeof(value));
    return value;
}
double wire_read_double(struct wire_reader *reader);
bool wire_read_boolean(struct wire_reader *reader);
/* Lends out of the body. WIRE_TEXT_TOO_LONG above size_max. */
struct bytes wire_read_bytes(struct wire_reader *reader, size_t size_max);
/* The same and WIRE_BAD_UTF8 unless it is valid UTF-8. */
struct bytes wire_read_text(struct wire_reader *reader, size_t size_max);
/* Branch of a union ["null", T]: true if T follows. */
static inline bool wire_read_present(struct wire_reader *reader) {
    return wire_read_range(reader, 0, 1) == 1;
}

/* Arrays (and maps) come in blocks, with or without their size in bytes:
 *     struct wire_array array = wire_array_of(count_max);
 *     while (wire_array_next(&reader, &array)) { read one item, number array.count - 1 }
 * Ends at the last item, or at the first bad one. */
struct wire_array {
    size_t left; /* items left in the block */
    size_t count, count_max;
    const uint8_t *block_end; /* NULL where the block does not say */
};

static inline struct wire_array wire_array_of(size_t count_max) {
    return (struct wire_array){.count_max = count_max};
}
bool wire_array_next(struct wire_reader *reader, struct wire_array *array);

/* Well-formed UTF-8 of Unicode scalar values (RFC 3629: no overlong forms, no surrogates, up to
 * U+10FFFF). */
bool wire_is_utf8(struct bytes text);

#endif
