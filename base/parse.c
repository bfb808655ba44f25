#include "base/parse.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_MS          INT64_C(86400000)
#define NUMBER_TEXT_MAX 48

const char *const time_format_names[] = {"ms", "s", "iso", NULL};

/* What is left to read of a text. */
struct cursor {
    const uint8_t *at, *end;
};

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

bool parse_integer(struct bytes text, int64_t *out) {
    bool is_negative = text.size > 0 && text.data[0] == '-';
    size_t at = is_negative ? 1 : 0;
    if (at == text.size || text.size - at > 19) {
        return false;
    }
    uint64_t value = 0; /* 19 digits fit */
    for (; at < text.size; at++) {
        if (!is_digit(text.data[at])) {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[at] - '0');
    }
    if (value > INT64_MAX) {
        return false;
    }
    *out = is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* strtod also takes "inf", "nan(...)" and "0x1p3": only characters of plain decimals may reach it.
 */
static bool is_decimal_text(struct bytes text) {
    bool has_digit = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        has_digit = has_digit || is_digit(c);
        if (!is_digit(c) && !strchr("+-.eE", c)) {
            return false;
        }
    }
    return has_digit && text.size < NUMBER_TEXT_MAX;
}

/* "-12.75": up to 15 digits. Both the digits and the power of
 * ten are exact doubles then, so one division rounds correctly (Clinger 1990). False = ask strtod.
 */
static bool parse_short_number(struct bytes text, double *out) {
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    size_t at = text.size > 0 && text.data[0] == '-' ? 1 : 0;
    size_t begin = at, point = 0, digits = 0;
    uint64_t value = 0;
    if (text.size - at > 16) {
        return false;
    }
    for (; at < text.size; at++) {
        uint8_t c = text.data[at];
        if (is_digit(c)) {
            value = value * 10 + (uint64_t)(c - '0');
            digits++;
        } else if (c == '.' && point == 0) {
            point = at + 1;
        } else {
            return false;
        }
    }
    if (digits == 0 || digits > 15) {
        return false;
    }
    double number = point == 0 ? (double)value : (double)value / powers[text.size - point];
    *out = begin == 1 ? -number : number;
    return true;
}

bool parse_number(struct bytes text, double *out) {
    if (parse_short_number(text, out)) {
        return true;
    }
    if (!is_decimal_text(text)) {
        return false;
    }
    char copy[NUMBER_TEXT_MAX];
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *end = NULL;
    double value = strtod(copy, &end);
    if (end != copy + text.size || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

/* Exactly count digits. */
static bool take_digits(struct cursor *cursor, int count, int *out) {
    int value = 0;
    if (cursor->end - cursor->at < count) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (!is_digit(cursor->at[i])) {
            return false;
        }
        value = value * 10 + (cursor->at[i] - '0');
    }
    cursor->at += count;
    *out = value;
    return true;
}

static bool take_char(struct cursor *cursor, char wanted) {
    if (cursor->at == cursor->end || *cursor->at != (uint8_t)wanted) {
        return false;
    }
    cursor->at++;
    return true;
}

static bool is_leap_year(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01 in the Gregorian calendar; year >= 1970, month 1..12. */
static int64_t days_of_date(int year, int month, int day) {
    int64_t before = year - 1;
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    for (int m = 1; m < month; m++) {
        days += days_of_month(year, m);
    }
    return days + day - 1;
}

static bool take_date(struct cursor *cursor, int64_t *out_days) {
    int year, month, day;
    if (!take_digits(cursor, 4, &year) || !take_char(cursor, '-') ||
        !take_digits(cursor, 2, &month) || !take_char(cursor, '-') ||
        !take_digits(cursor, 2, &day)) {
        return false;
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month)) {
        return false;
    }
    *out_days = days_of_date(year, month, day);
    return true;
}

/* ".123456": at least one digit, cut at the millisecond. */
static bool take_fraction(struct cursor *cursor, int *out_ms) {
    int scale = 100;
    *out_ms = 0;
    if (!take_char(cursor, '.')) {
        return true;
    }
    if (cursor->at == cursor->end || !is_digit(*cursor->at)) {
        return false;
    }
    for (; cursor->at < cursor->end && is_digit(*cursor->at); cursor->at++) {
        *out_ms += (*cursor->at - '0') * scale;
        scale /= 10;
    }
    return true;
}

static bool take_time_of_day(struct cursor *cursor, int64_t *out_ms) {
    int hour, minute, second = 0, fraction_ms = 0;
    if (!take_digits(cursor, 2, &hour) || !take_char(cursor, ':') ||
        !take_digits(cursor, 2, &minute)) {
        return false;
    }
    if (take_char(cursor, ':')) {
        if (!take_digits(cursor, 2, &second) || !take_fraction(cursor, &fraction_ms)) {
            return false;
        }
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *out_ms = ((hour * INT64_C(60) + minute) * 60 + second) * 1000 + fraction_ms;
    return true;
}

/* Milliseconds east of UTC; nothing means UTC. */
static bool take_zone(struct cursor *cursor, int64_t *out_ms) {
    *out_ms = 0;
    while (take_char(cursor, ' ')) {
    }
    if (cursor->at == cursor->end || take_char(cursor, 'Z')) {
        return true;
    }
    if (take_char(cursor, 'U')) {
        return take_char(cursor, 'T') && take_char(cursor, 'C');
    }
    int64_t sign = take_char(cursor, '-') ? -1 : 1;
    int hour, minute;
    if ((sign > 0 && !take_char(cursor, '+')) || !take_digits(cursor, 2, &hour)) {
        return false;
    }
    (void)take_char(cursor, ':');
    if (!take_digits(cursor, 2, &minute) || hour > 14 || minute > 59) {
        return false;
    }
    *out_ms = sign * (hour * 60 + minute) * 60000;
    return true;
}

bool parse_iso_ms(struct bytes text, int64_t *out) {
    struct cursor cursor = {.at = text.data, .end = text.data + text.size};
    int64_t days, day_ms = 0, zone_ms = 0;
    if (text.size == 0 || !take_date(&cursor, &days)) {
        return false;
    }
    if (take_char(&cursor, 'T') || take_char(&cursor, ' ')) {
        if (!take_time_of_day(&cursor, &day_ms) || !take_zone(&cursor, &zone_ms)) {
            return false;
        }
    }
    int64_t time_ms = days * DAY_MS + day_ms - zone_ms;
    if (cursor.at != cursor.end || time_ms < 0) {
        return false;
    }
    *out = time_ms;
    return true;
}

bool parse_time_ms(struct bytes text, enum time_format format, int64_t *out) {
    double seconds;
    switch (format) {
    case TIME_FORMAT_MS:
        return parse_integer(text, out) && *out >= 0 && *out <= PARSE_TIME_MS_MAX;
    case TIME_FORMAT_S:
        if (!parse_number(text, &seconds) || seconds < 0 ||
            seconds > (double)(PARSE_TIME_MS_MAX / 1000)) {
            return false;
        }
        *out = llround(seconds * 1000);
        return true;
    case TIME_FORMAT_ISO:
        return parse_iso_ms(text, out);
    case TIME_FORMAT_COUNT:
        break;
    }
    return false;
}

/* Year, month and day of a day number, by the civil-from-days scheme of Howard Hinnant
 * ("chrono-Compatible Low-Level Date Algorithms"): years start in March, so that the leap day is
 * the last one. */
static void date_of_days(int64_t days, int *year, int *month, int *day) {
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

void parse_format_iso(int64_t time_ms, char out[PARSE_ISO_BYTES_MAX]) {
    if (time_ms < 0 || time_ms > PARSE_TIME_MS_MAX) {
        snprintf(out, PARSE_ISO_BYTES_MAX, "%" PRId64 "ms", time_ms);
        return;
    }
    int year, month, day;
    date_of_days(time_ms / DAY_MS, &year, &month, &day);
    int ms = (int)(time_ms % DAY_MS);
    /* The reductions by % tell the compiler what the calendar already guarantees: the text fits. */
    snprintf(out, PARSE_ISO_BYTES_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year % 10000,
             month % 100, day % 100, ms / 3600000 % 100, ms / 60000 % 60, ms / 1000 % 60,
             ms % 1000);
}
