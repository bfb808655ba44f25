#include "schemas/mapping_number.h"

#include <math.h>
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

bool mapping_parse_number(struct bytes text, double *out) {
    char copy[TEXT_BYTES_MAX + 1];
    if (text.size > TEXT_BYTES_MAX || !is_decimal(text)) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    *out = strtod(copy, NULL); /* nobody calls setlocale: the point is a point */
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
