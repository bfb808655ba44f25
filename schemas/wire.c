#include "schemas/wire.h"

#include <assert.h>
#include <endian.h>

#include "schemas/wire_fast.h"

void wire_write_long_slow(struct buffer *out, int64_t value) {
    uint8_t *end = wire_reserve(out, WIRE_LONG_BYTES_MAX);
    uint64_t zigzag = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
    size_t size = 0;
    while (zigzag >= 0x80) {
        end[size++] = (uint8_t)(zigzag | 0x80);
        zigzag >>= 7;
    }
    end[size++] = (uint8_t)zigzag;
    out->size += size;
}

void wire_write_float(struct buffer *out, float value) {
    uint32_t word;
    memcpy(&word, &value, sizeof(word));
    word = htole32(word);
    memcpy(wire_reserve(out, sizeof(word)), &word, sizeof(word));
    out->size += sizeof(word);
}

void wire_write_double(struct buffer *out, double value) {
    uint64_t word;
    memcpy(&word, &value, sizeof(word));
    word = htole64(word);
    memcpy(wire_reserve(out, sizeof(word)), &word, sizeof(word));
    out->size += sizeof(word);
}

void wire_write_boolean(struct buffer *out, bool value) {
    buffer_append_byte(out, value);
}

void wire_write_bytes(struct buffer *out, struct bytes bytes) {
    assert(bytes.size <= INT64_MAX);
    wire_write_long(out, (int64_t)bytes.size);
    if (bytes.size > 0) {
        memcpy(wire_reserve(out, bytes.size), bytes.data, bytes.size);
        out->size += bytes.size;
    }
}

void wire_fail(struct wire_reader *reader, enum wire_verdict verdict) {
    if (reader->verdict == WIRE_OK) {
        reader->verdict = verdict;
    }
    reader->cursor = reader->end;
}

enum wire_verdict wire_finish(struct wire_reader *reader) {
    if (reader->cursor != reader->end) {
        wire_fail(reader, WIRE_TRAILING_BYTES);
    }
    return reader->verdict;
}

int64_t wire_read_long_slow(struct wire_reader *reader) {
    const uint8_t *cursor = reader->cursor;
    uint64_t zigzag = 0;
    size_t size;
    if (wire_left(reader) >= sizeof(zigzag) &&
        wire_varint_of(wire_load_word(cursor), &zigzag, &size)) {
        reader->cursor += size;
        return (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
    }
    zigzag = 0;
    for (unsigned shift = 0; cursor < reader->end; shift += 7) {
        uint8_t byte = *cursor++;
        /* The tenth byte holds the 64th bit and nothing else. */
        if (shift == 63 && byte > 1) {
            wire_fail(reader, WIRE_BAD_VALUE);
            return 0;
        }
        zigzag |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            reader->cursor = cursor;
            return (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
        }
    }
    wire_fail(reader, WIRE_TRUNCATED);
    return 0;
}

double wire_read_double(struct wire_reader *reader) {
    uint64_t word;
    double value;
    if (wire_left(reader) < sizeof(word)) {
        wire_fail(reader, WIRE_TRUNCATED);
        return 0;
    }
    memcpy(&word, reader->cursor, sizeof(word));
    word = le64toh(word);
    reader->cursor += sizeof(word);
    memcpy(&value, &word, sizeof(value));
    return value;
}

bool wire_read_boolean(struct wire_reader *reader) {
    if (reader->cursor == reader->end) {
        wire_fail(reader, WIRE_TRUNCATED);
        return false;
    }
    if (*reader->cursor > 1) {
        wire_fail(reader, WIRE_BAD_VALUE);
        return false;
    }
    return *reader->cursor++;
}

struct bytes wire_read_bytes(struct wire_reader *reader, size_t size_max) {
    int64_t size = wire_read_long(reader);
    if (size < 0) {
        wire_fail(reader, WIRE_BAD_VALUE);
    } else if ((uint64_t)size > size_max) {
        wire_fail(reader, WIRE_TEXT_TOO_LONG);
    } else if ((uint64_t)size > wire_left(reader)) {
        wire_fail(reader, WIRE_TRUNCATED);
    } else {
        struct bytes bytes = bytes_of(reader->cursor, (size_t)size);
        reader->cursor += size;
        return bytes;
    }
    return (struct bytes){0};
}

struct bytes wire_read_text(struct wire_reader *reader, size_t size_max) {
    struct bytes text = wire_read_bytes(reader, size_max);
    if (!wire_is_utf8(text)) {
        wire_fail(reader, WIRE_BAD_UTF8);
        return (struct bytes){0};
    }
    return text;
}

/* Reads the head of the next block. False at the end of the array or on a bad head. */
static bool next_block(struct wire_reader *reader, struct wire_array *array) {
    if (array->block_end && reader->cursor != array->block_end) {
        wire_fail(reader, WIRE_BAD_VALUE);
        return false;
    }
    array->block_end = NULL;
    int64_t count = wire_read_long(reader);
    /* Negated as unsigned, so that INT64_MIN becomes a count over every bound. */
    uint64_t items = count < 0 ? -(uint64_t)count : (uint64_t)count;
    if (items > array->count_max - array->count) {
        wire_fail(reader, WIRE_BAD_VALUE);
    } else if (count < 0) {
        int64_t size = wire_read_long(reader);
        if (size < 0) {
            wire_fail(reader, WIRE_BAD_VALUE);
        } else if ((uint64_t)size > wire_left(reader)) {
            wire_fail(reader, WIRE_TRUNCATED);
        } else {
            array->block_end = reader->cursor + size;
        }
    }
    array->left = (size_t)items;
    return items > 0 && reader->verdict == WIRE_OK;
}

bool wire_array_next(struct wire_reader *reader, struct wire_array *array) {
    if (reader->verdict != WIRE_OK || (array->left == 0 && !next_block(reader, array))) {
        return false;
    }
    array->left--;
    array->count++;
    return true;
}

/* Length of the well-formed sequence at text[0], 0 if there is none; size >= 1. Table 3-7 of the
 * Unicode Standard. */
static size_t utf8_sequence(const uint8_t *text, size_t size) {
    uint8_t first = text[0];
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length > size) {
        return 0;
    }
    uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < least || text[1] > most) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf) {
            return 0;
        }
    }
    return length;
}

bool wire_is_utf8(struct bytes text) {
    size_t i = 0;
    while (i < text.size) {
        uint64_t word;
        /* Nearly all texts are ASCII: eight bytes at a time while they are. */
        while (text.size - i >= sizeof(word)) {
            memcpy(&word, text.data + i, sizeof(word));
            if (word & UINT64_C(0x8080808080808080)) {
                break;
            }
            i += sizeof(word);
        }
        if (i == text.size) {
            break;
        }
        size_t length = utf8_sequence(text.data + i, text.size - i);
        if (length == 0) {
            return false;
        }
        i += length;
    }
    return true;
}
