#include "model/rows.h"

#include <math.h>
#include <stdio.h>

#include "base/hash.h"

static void put(struct row_writer *writer, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        writer->data[writer->size++] = (uint8_t)(value >> (8 * i));
    }
}

void row_put_u32(struct row_writer *writer, uint32_t value) {
    put(writer, value, 4);
}

void row_put_u64(struct row_writer *writer, uint64_t value) {
    put(writer, value, 8);
}

void row_put_f32(struct row_writer *writer, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(writer, bits, 4);
}

void row_put_f64(struct row_writer *writer, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(writer, bits, 8);
}

static uint64_t get(struct row_reader *reader, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)reader->left.data[i] << (8 * i);
    }
    reader->left = bytes_of(reader->left.data + bytes, reader->left.size - bytes);
    return value;
}

uint32_t row_get_u32(struct row_reader *reader) {
    return (uint32_t)get(reader, 4);
}

uint64_t row_get_u64(struct row_reader *reader) {
    return get(reader, 8);
}

float row_get_f32(struct row_reader *reader) {
    uint32_t bits = row_get_u32(reader);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double row_get_f64(struct row_reader *reader) {
    uint64_t bits = row_get_u64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

enum learner_verdict row_check_f32(struct bytes values, size_t count) {
    if (values.size != 4 * count) {
        return LEARNER_BAD_SIZE;
    }
    struct row_reader reader = {values};
    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)row_get_f32(&reader)) <= ROW_VALUE_MAX)) {
            return LEARNER_BAD_VALUE;
        }
    }
    return LEARNER_OK;
}

enum learner_verdict row_check_f64(struct bytes values, size_t count) {
    if (values.size != 8 * count) {
        return LEARNER_BAD_SIZE;
    }
    struct row_reader reader = {values};
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(row_get_f64(&reader)) <= ROW_VALUE_MAX)) {
            return LEARNER_BAD_VALUE;
        }
    }
    return LEARNER_OK;
}

bool row_is_count(double number) {
    return number >= 0 && number <= 1e15 && number == floor(number);
}

bool row_has_key(const struct learner_row *row, const char *key) {
    return strcmp(row->key, key) == 0;
}

enum learner_verdict row_check_counts(const struct learner_row *row, size_t count) {
    return row->kind == LEARNER_COUNTERS ? row_check_f64(row->values, count) : LEARNER_BAD_ROW;
}

void row_key(char out[LEARNER_ROW_KEY_MAX], const char *prefix, uint64_t number, int digits) {
    snprintf(out, LEARNER_ROW_KEY_MAX, "%s%0*llx", prefix, digits, (unsigned long long)number);
}

bool row_key_parse(const char *key, const char *prefix, int digits, uint64_t *out) {
    size_t length = strlen(prefix);
    if (strncmp(key, prefix, length) != 0 || strlen(key) != length + (size_t)digits) {
        return false;
    }
    static const char hex[] = "0123456789abcdef";
    uint64_t number = 0;
    for (const char *c = key + length; *c; c++) {
        const char *digit = strchr(hex, *c);
        if (!digit) {
            return false;
        }
        number = number << 4 | (uint64_t)(digit - hex);
    }
    *out = number;
    return true;
}

double row_text_hash(struct bytes text) {
    uint64_t hash = hash64(text, 53) >> 11;
    return hash == 0 ? 1 : (double)hash;
}
