#include "schemas/mapping_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX 40

static size_t skip_digits(struct bytes text, size_t at) {
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at;
}

static size_t skip_sign(struct bytes text, size_t at) {
    return at < text.size && (text.data[at] == '-' || text.data[at] == '+') ? at + 1 : at;
}

static bool is_decimal(struct bytes text) {
    size_t start = skip_sign(text, 0);
    size_t at = skip_digits(text, start);
    size_t digits = at - start;
    if (at < text.size && text.data[at] == '.') {
        size_t end = skip_digits(text, at + 1);
        digits += end - at - 1;
        at = end;
    }
    if (digits > 0 && at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
        size_t exponent = skip_sign(text, at + 1);
        at = skip_digits(text, exponent);
        digits = at > exponent ? digits : 0;
    }
    return digits > 0 && at == text.size;
}

/* Beyond it, 40 digits are nothing or more than a double holds. */
#define EXPONENT_MAX 10000

static int64_t exponent_of(struct bytes text) {
    int64_t exponent;
    if (!mapping_parse_integer(text, &exponent) || exponent > EXPONENT_MAX ||
        exponent < -EXPONENT_MAX) {
        return text.data[0] == '-' ? -EXPONENT_MAX : EXPONENT_MAX;
    }
    return exponent;
}

bool mapping_parse_number(struct bytes text, double *out) {
    char copy[TEXT_BYTES_MAX + sizeof "e-9223372036854775808"];
    size_t size = 0, at = 0;
    int64_t exponent = 0;
    bool is_behind = false;
    if (text.size > TEXT_BYTES_MAX || !is_decimal(text)) {
        return false;
    }
    /* Without its point the text means the same to strtod in every locale. */
    for (; at < text.size && text.data[at] != 'e' && text.data[at] != 'E'; at++) {
        if (text.data[at] == '.') {
            is_behind = true;
        } else {
            copy[size++] = (char)text.data[at];
            exponent -= is_behind;
        }
    }
    if (at < text.size) {
        exponent += exponent_of(bytes_of(text.data + at + 1, text.size - at - 1));
    }
    (void)snprintf(copy + size, sizeof copy - size, "e%lld", (long long)exponent);
    *out = strtod(copy, NULL);
    return isfinite(*out);
}

bool mapping_parse_integer(struct bytes text, int64_t *out) {
    size_t at = skip_sign(text, 0);
    bool is_negative = at > 0 && text.data[0] == '-';
    uint64_t limit = is_negative ? UINT64_C(1) << 63 : INT64_MAX;
    uint64_t value = 0;
    if (at == text.size) {
        return false;
    }
    for (; at < text.size; at++) {
        uint64_t digit = (uint64_t)text.data[at] - '0';
        if (digit > 9 || value > (limit - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = is_negative ? (int64_t)-value : (int64_t)value;
    return true;
}
