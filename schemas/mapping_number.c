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

struct decimal {
    char digits[TEXT_BYTES_MAX]; /* with a sign, without the point */
    size_t size;
    uint64_t whole; /* the digits as a number, modulo 2^64 */
    int64_t exponent;
};

static struct decimal split(struct bytes text) {
    struct decimal decimal = {0};
    size_t at = 0;
    bool is_behind = false;
    for (; at < text.size && text.data[at] != 'e' && text.data[at] != 'E'; at++) {
        uint8_t c = text.data[at];
        if (c == '.') {
            is_behind = true;
            continue;
        }
        decimal.digits[decimal.size++] = (char)c;
        decimal.whole = c < '0' ? 0 : decimal.whole * 10 + (uint64_t)(c - '0');
        decimal.exponent -= is_behind;
    }
    if (at < text.size) {
        decimal.exponent += exponent_of(bytes_of(text.data + at + 1, text.size - at - 1));
    }
    return decimal;
}

/* One rounding of two exact numbers is the nearest double (Clinger, How to read floating point
 * numbers accurately, 1990). */
static bool is_exact(const struct decimal *decimal, double *out) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (decimal->size > 15 || decimal->exponent > 22 || decimal->exponent < -22) {
        return false;
    }
    double whole = decimal->digits[0] == '-' ? -(double)decimal->whole : (double)decimal->whole;
    *out =
        decimal->exponent < 0 ? whole / tens[-decimal->exponent] : whole * tens[decimal->exponent];
    return true;
}

bool mapping_parse_number(struct bytes text, double *out) {
    if (text.size > TEXT_BYTES_MAX || !is_decimal(text)) {
        return false;
    }
    struct decimal decimal = split(text);
    if (is_exact(&decimal, out)) {
        return true;
    }
    /* Without its point the text means the same to strtod in every locale. */
    char copy[TEXT_BYTES_MAX + sizeof "e-9223372036854775808"];
    (void)snprintf(copy, sizeof copy, "%.*se%lld", (int)decimal.size, decimal.digits,
                   (long long)decimal.exponent);
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
