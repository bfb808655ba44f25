#include "consumer/ops/printable.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

/* Bytes of the UTF-8 character that the text begins with, 0 if it is none (RFC 3629: no overlong
 * forms, no surrogates, nothing beyond U+10FFFF). */
static size_t character_size(struct bytes text) {
    uint8_t first = text.data[0];
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (size == 0 || first > 0xf4 || size > text.size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    uint8_t second = size > 1 ? text.data[1] : 0;
    bool is_bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                  (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return is_bad ? 0 : size;
}

static struct bytes rest_of(struct bytes text, size_t at) {
    return bytes_of(text.data + at, text.size - at);
}

static bool is_control(struct bytes character) {
    uint8_t first = character.data[0];
    return first < 0x20 || first == 0x7f ||
           (character.size == 2 && first == 0xc2 && character.data[1] < 0xa0);
}

void printable_append(struct buffer *out, struct bytes text, size_t columns_max) {
    size_t columns = 0;
    for (size_t i = 0; i < text.size;) {
        if (columns_max > 0 && columns++ == columns_max) {
            buffer_append(out, bytes_of_text("..."));
            return;
        }
        struct bytes rest = rest_of(text, i);
        size_t size = character_size(rest);
        struct bytes character = bytes_of(rest.data, size ? size : 1);
        if (size == 0 || is_control(character)) {
            for (size_t j = 0; j < character.size; j++) {
                buffer_format(out, "\\x%02x", character.data[j]);
            }
        } else {
            buffer_append(out, character);
        }
        i += character.size;
    }
}

static void append_json_character(struct buffer *out, struct bytes character) {
    uint8_t first = character.data[0];
    if (is_control(character)) {
        buffer_format(out, "\\u%04x", character.size == 1 ? first : character.data[1]);
        return;
    }
    if (first == '"' || first == '\\') {
        buffer_append_byte(out, '\\');
    }
    buffer_append(out, character);
}

void printable_append_json(struct buffer *out, struct bytes text) {
    buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.size;) {
        struct bytes rest = rest_of(text, i);
        size_t size = character_size(rest);
        if (size == 0) {
            buffer_append(out, bytes_of_text("\\ufffd"));
            i++;
            continue;
        }
        append_json_character(out, bytes_of(rest.data, size));
        i += size;
    }
    buffer_append_byte(out, '"');
}

void printable_append_json_number(struct buffer *out, double number) {
    if (isfinite(number)) {
        buffer_format(out, "%.15g", number);
    } else {
        buffer_append(out, bytes_of_text("null"));
    }
}

void printable_append_count(struct buffer *out, int64_t count) {
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRId64, count);
    for (int i = 0; i < size; i++) {
        buffer_append_byte(out, (uint8_t)digits[i]);
        int left = size - 1 - i;
        if (left > 0 && left % 3 == 0 && digits[i] != '-') {
            buffer_append_byte(out, ',');
        }
    }
}

void printable_append_instant(struct buffer *out, int64_t at_ms) {
    if (at_ms == INT64_MIN) {
        buffer_append_byte(out, '-');
        return;
    }
    time_t seconds = (time_t)(at_ms >= 0 ? at_ms / 1000 : (at_ms - 999) / 1000);
    struct tm parts;
    if (!gmtime_r(&seconds, &parts)) {
        buffer_append_byte(out, '-');
        return;
    }
    buffer_format(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}
