/* Times as texts. */
#include "schemas/mapping.h"

struct scanner {
    const uint8_t *at, *end;
};

/* Exactly count digits. */
static bool take_digits(struct scanner *scanner, int count, int *out) {
    int value = 0;
    if (scanner->end - scanner->at < count) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        int digit = scanner->at[i] - '0';
        if (digit < 0 || digit > 9) {
            return false;
        }
        value = value * 10 + digit;
    }
    scanner->at += count;
    *out = value;
    return true;
}

static bool take_char(struct scanner *scanner, char c) {
    if (scanner->at < scanner->end && *scanner->at == (uint8_t)c) {
        scanner->at++;
        return true;
    }
    return false;
}

static bool take_any(struct scanner *scanner, const char *chars) {
    for (; *chars; chars++) {
        if (take_char(scanner, *chars)) {
            return true;
        }
    }
    return false;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar: years begin in March, so that the leap
 * day is the last one. */
static int64_t days_of_date(int year, int month, int day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool take_date(struct scanner *scanner, int64_t *out_days) {
    int year, month, day;
    if (!take_digits(scanner, 4, &year) || !take_char(scanner, '-') ||
        !take_digits(scanner, 2, &month) || !take_char(scanner, '-') ||
        !take_digits(scanner, 2, &day) || year < 1 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month)) {
        return false;
    }
    *out_days = days_of_date(year, month, day);
    return true;
}

/* One to nine digits after the point, cut to milliseconds. */
static bool take_fraction(struct scanner *scanner, int *out_ms) {
    int count = 0, ms = 0, digit;
    while (count < 9 && take_digits(scanner, 1, &digit)) {
        ms = count < 3 ? ms * 10 + digit : ms;
        count++;
    }
    for (int i = count; i < 3; i++) {
        ms *= 10;
    }
    *out_ms = ms;
    return count > 0;
}

/* HH:MM, HH:MM:SS or HH:MM:SS.fff; a leap second counts as the next minute's first. */
static bool take_clock(struct scanner *scanner, int64_t *out_ms) {
    int hour, minute, second = 0, ms = 0;
    if (!take_digits(scanner, 2, &hour) || !take_char(scanner, ':') ||
        !take_digits(scanner, 2, &minute)) {
        return false;
    }
    if (take_char(scanner, ':') && (!take_digits(scanner, 2, &second) ||
                                    (take_any(scanner, ".,") && !take_fraction(scanner, &ms)))) {
        return false;
    }
    *out_ms = ((hour * INT64_C(60) + minute) * 60 + second) * 1000 + ms;
    return hour < 24 && minute < 60 && second <= 60;
}

/* Nothing, Z, +01:00, +0100 or +01. */
static bool take_zone(struct scanner *scanner, int64_t *out_ms) {
    int hours, minutes = 0;
    *out_ms = 0;
    if (scanner->at == scanner->end || take_any(scanner, "Zz")) {
        return true;
    }
    int64_t sign = *scanner->at == '-' ? -1 : 1;
    if (!take_any(scanner, "+-") || !take_digits(scanner, 2, &hours)) {
        return false;
    }
    bool has_colon = take_char(scanner, ':');
    if ((has_colon || scanner->at < scanner->end) && !take_digits(scanner, 2, &minutes)) {
        return false;
    }
    *out_ms = sign * (hours * INT64_C(60) + minutes) * 60000;
    return hours < 24 && minutes < 60;
}

bool mapping_parse_time(struct bytes text, int64_t *out_ms) {
    struct scanner scanner = {text.data, text.size ? text.data + text.size : text.data};
    int64_t days, clock_ms = 0, zone_ms = 0;
    if (!take_date(&scanner, &days)) {
        return false;
    }
    if (scanner.at < scanner.end) {
        if (!take_any(&scanner, "Tt ") || !take_clock(&scanner, &clock_ms)) {
            return false;
        }
        (void)take_char(&scanner, ' '); /* 2019-10-01 00:00:00 UTC, as some logs have it */
        if (scanner.end - scanner.at == 3 && memcmp(scanner.at, "UTC", 3) == 0) {
            scanner.at = scanner.end;
        }
        if (!take_zone(&scanner, &zone_ms) || scanner.at != scanner.end) {
            return false;
        }
    }
    *out_ms = days * 86400000 + clock_ms - zone_ms;
    return true;
}
