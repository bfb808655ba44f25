/* wire_fast: the commonest values of Avro's binary encoding, read and written with the cursor in a
 * register. Private to wire.c and the loops of plan.c, event_fast.c, avro_plan*.c,
 * user_state_fast.c and user_state_encode.c.
 *
 * Each function reads one value at cursor, never at or beyond end, and returns where the next one
 * begins; NULL, with nothing read, for every value that is not common or not good: the caller then
 * asks wire_reader, which knows the verdict.
 *
 * The wire_put functions write at `at`, where the caller has reserved room: for a number
 * WIRE_PUT_BYTES_MAX bytes whatever it is, of which those after the value may be overwritten too.
 * They return where the next value goes. */
#ifndef PROMOSTREAM_SCHEMAS_WIRE_FAST_H
#define PROMOSTREAM_SCHEMAS_WIRE_FAST_H

#include <endian.h>

#include "schemas/wire.h"

static inline uint64_t wire_load_word(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

/* The same of at most eight bytes; zeros fill it up. */
static inline uint64_t wire_load_short(const uint8_t *at, size_t size) {
    uint32_t first, last;
    if (size >= 4) {
        memcpy(&first, at, sizeof(first));
        memcpy(&last, at + size - sizeof(last), sizeof(last));
        return le32toh(first) | (uint64_t)le32toh(last) << (8 * size - 32);
    }
    /* Of one byte all three are the same. */
    return size == 0 ? 0
                     : at[0] | (uint64_t)at[size / 2] << (8 * (size / 2)) |
                           (uint64_t)at[size - 1] << (8 * size - 8);
}

/* UTF-8? Nearly all texts are ASCII, and short: eight bytes at a time, the last eight perhaps in
 * part a second time. */
static inline bool wire_is_plain(const uint8_t *text, size_t size) {
    uint64_t word;
    if (size <= 8) {
        word = wire_load_short(text, size);
    } else {
        word = wire_load_word(text + size - 8);
        for (size_t i = 0; i < size - 8; i += 8) {
            word |= wire_load_word(text + i);
        }
    }
    return (word & UINT64_C(0x8080808080808080)) == 0 || wire_is_utf8(bytes_of(text, size));
}

/* A length of less than 64 and as many bytes, of any content. */
static inline const uint8_t *wire_short_bytes(const uint8_t *cursor, const uint8_t *end,
                                              struct bytes *out) {
    if (cursor == end) {
        return NULL;
    }
    size_t size = *cursor++ >> 1;
    /* 0x80: a longer length; 0x01: a negative one. */
    if ((cursor[-1] & 0x81) || size > (size_t)(end - cursor)) {
        return NULL;
    }
    *out = bytes_of(cursor, size);
    return cursor + size;
}

/* A text of less than 64 bytes and of at most size_max. */
static inline const uint8_t *wire_short_text(const uint8_t *cursor, const uint8_t *end,
                                             size_t size_max, struct bytes *out) {
    struct bytes text;
    const uint8_t *next = wire_short_bytes(cursor, end, &text);
    if (!next || text.size > size_max || !wire_is_plain(text.data, text.size)) {
        return NULL;
    }
    *out = text;
    return next;
}

/* The same of a union [null, string]; *out is empty for null. */
static inline const uint8_t *wire_short_optional_text(const uint8_t *cursor, const uint8_t *end,
                                                      size_t size_max, struct bytes *out) {
    if (cursor == end) {
        return NULL;
    }
    if (*cursor == 0) {
        *out = (struct bytes){0};
        return cursor + 1;
    }
    return *cursor == 2 ? wire_short_text(cursor + 1, end, size_max, out) : NULL;
}

/* One byte, for an enum of count symbols. */
static inline const uint8_t *wire_short_enum(const uint8_t *cursor, const uint8_t *end,
                                             uint32_t count, int *out) {
    if (cursor == end || (*cursor & 0x81) || (*cursor >> 1) >= count) {
        return NULL;
    }
    *out = *cursor >> 1;
    return cursor + 1;
}

/* A timestamp of today in milliseconds: six bytes. */
static inline const uint8_t *wire_short_time(const uint8_t *cursor, const uint8_t *end,
                                             int64_t *out) {
    if (end - cursor < 8) {
        return NULL;
    }
    uint64_t word = wire_load_word(cursor);
    if ((word & UINT64_C(0x808080808080)) != UINT64_C(0x8080808080)) {
        return NULL;
    }
    uint64_t zigzag = (word & 0x7f) | (word >> 1 & 0x3f80) | (word >> 2 & 0x1fc000) |
                      (word >> 3 & 0xfe00000) | (word >> 4 & UINT64_C(0x7f0000000)) |
                      (word >> 5 & UINT64_C(0x3f800000000));
    *out = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
    return cursor + 6;
}

#define WIRE_TOP_BITS UINT64_C(0x8080808080808080)

/* A varint of at most eight bytes out of the word in which it begins; false if it is longer. */
static inline bool wire_varint_of(uint64_t word, uint64_t *out, size_t *out_size) {
    uint64_t ends = ~word & WIRE_TOP_BITS;
    if (ends == 0) {
        return false;
    }
    uint64_t last = ends & -ends; /* the top bit of its last byte; what follows is cut off */
    word &= (last - 1) & ~WIRE_TOP_BITS;
    word = (word & UINT64_C(0x7f007f007f007f)) | (word & UINT64_C(0x7f007f007f007f00)) >> 1;
    word = (word & UINT64_C(0x3fff00003fff)) | (word & UINT64_C(0x3fff00003fff0000)) >> 2;
    *out = (word & UINT64_C(0xfffffff)) | (word & UINT64_C(0xfffffff00000000)) >> 4;
    *out_size = (size_t)__builtin_ctzll(last) / 8 + 1;
    return true;
}

/* A number from least to most, most often of `usual` bytes (1 to 8): then the next value need not
 * wait until the length of this one is known. */
static inline const uint8_t *wire_short_range(const uint8_t *cursor, const uint8_t *end,
                                              unsigned usual, int64_t least, int64_t most,
                                              int64_t *out) {
    if (end - cursor < 8) {
        return NULL;
    }
    uint64_t word = wire_load_word(cursor), zigzag;
    size_t size;
    if (!wire_varint_of(word, &zigzag, &size)) {
        return NULL;
    }
    int64_t value = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
    if (value < least || value > most) {
        return NULL;
    }
    *out = value;
    uint64_t tops = WIRE_TOP_BITS >> (64 - 8 * usual);
    bool is_usual = (word & tops) == (tops & ~(UINT64_C(0x80) << (8 * usual - 8)));
    return is_usual ? cursor + usual : cursor + size;
}

#define WIRE_PUT_BYTES_MAX 10

static inline void wire_store_word(uint8_t *at, uint64_t word) {
    word = htole64(word);
    memcpy(at, &word, sizeof(word));
}

/* Seven bits to a byte, without a branch on how many: lengths change from value to value. Of 56
 * bits at most. */
static inline uint8_t *wire_put_varint(uint8_t *at, uint64_t zigzag) {
    uint64_t word = (zigzag & UINT64_C(0xfffffff)) | (zigzag & UINT64_C(0xfffffff0000000)) << 4;
    word = (word & UINT64_C(0x3fff00003fff)) | (word & UINT64_C(0xfffc0000fffc000)) << 2;
    word = (word & UINT64_C(0x7f007f007f007f)) | (word & UINT64_C(0x3f803f803f803f80)) << 1;
    unsigned last = (unsigned)(63 - __builtin_clzll(word | 1)) / 8; /* index of the last byte */
    uint64_t goes_on = UINT64_C(0x8080808080808080) & ((UINT64_C(1) << 8 * last) - 1);
    wire_store_word(at, word | goes_on);
    return at + last + 1;
}

static inline uint8_t *wire_put_long(uint8_t *at, int64_t value) {
    uint64_t zigzag = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
    if (zigzag < 0x80) {
        *at = (uint8_t)zigzag;
        return at + 1;
    }
    if (zigzag < UINT64_C(1) << 56) {
        return wire_put_varint(at, zigzag);
    }
    for (; zigzag >= 0x80; zigzag >>= 7) {
        *at++ = (uint8_t)(zigzag | 0x80);
    }
    *at = (uint8_t)zigzag;
    return at + 1;
}

static inline uint8_t *wire_put_float(uint8_t *at, float value) {
    uint32_t word;
    memcpy(&word, &value, sizeof(word));
    word = htole32(word);
    memcpy(at, &word, sizeof(word));
    return at + sizeof(word);
}

static inline uint8_t *wire_put_bytes(uint8_t *at, struct bytes bytes) {
    at = wire_put_long(at, (int64_t)bytes.size);
    if (bytes.size > 0) {
        memcpy(at, bytes.data, bytes.size);
    }
    return at + bytes.size;
}

#endif
