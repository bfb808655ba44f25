#include "base/tz_rule.h"

#define DAY_S ((int64_t)86400)

/* Changes of the years around an instant: its own year and two on either side, because a change may
 * be written up to 167 hours into the neighbouring year. */
#define YEARS_AROUND  2
#define CHANGES_COUNT (2 * (2 * YEARS_AROUND + 1))

struct change {
    int64_t at_s;
    bool is_to_dst;
};

/* ---- Parsing: each piece takes what is its own from the front of the text, or says false ---- */

static bool take_char(struct bytes *text, char c) {
    if (text->size == 0 || text->data[0] != (uint8_t)c) {
        return false;
    }
    text->data++;
    text->size--;
    return true;
}

static bool take_number(struct bytes *text, int min, int max, int *out) {
    int number = 0;
    size_t digits = 0;
    while (digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9') {
        number = number * 10 + (text->data[digits] - '0');
        digits++;
        if (number > max) {
            return false;
        }
    }
    text->data += digits;
    text->size -= digits;
    *out = number;
    return digits > 0 && number >= min;
}

static bool is_letter(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_quotable(uint8_t c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-';
}

/* The name itself is of no use here. */
static bool take_name(struct bytes *text) {
    bool is_quoted = take_char(text, '<');
    size_t size = 0;
    while (size < text->size &&
           (is_quoted ? is_quotable(text->data[size]) : is_letter(text->data[size]))) {
        size++;
    }
    text->data += size;
    text->size -= size;
    return size >= 3 && (!is_quoted || take_char(text, '>'));
}

static bool take_time(struct bytes *text, int hours_max, int *out_s) {
    bool is_negative = take_char(text, '-');
    if (!is_negative) {
        (void)take_char(text, '+');
    }
    int hours, minutes = 0, seconds = 0;
    if (!take_number(text, 0, hours_max, &hours)) {
        return false;
    }
    if (take_char(text, ':')) {
        if (!take_number(text, 0, 59, &minutes)) {
            return false;
        }
        if (take_char(text, ':') && !take_number(text, 0, 59, &seconds)) {
            return false;
        }
    }
    int total_s = hours * 3600 + minutes * 60 + seconds;
    *out_s = is_negative ? -total_s : total_s;
    return true;
}

/* POSIX counts offsets to the west; we count to the east. */
static bool take_offset(struct bytes *text, int *out_s) {
    int west_s;
    if (!take_time(text, 24, &west_s)) {
        return false;
    }
    *out_s = -west_s;
    return true;
}

static bool take_day(struct bytes *text, struct tz_date *out) {
    if (take_char(text, 'M')) {
        out->form = TZ_DATE_MONTH_WEEK_DAY;
        return take_number(text, 1, 12, &out->month) && take_char(text, '.') &&
               take_number(text, 1, 5, &out->week) && take_char(text, '.') &&
               take_number(text, 0, 6, &out->day);
    }
    if (take_char(text, 'J')) {
        out->form = TZ_DATE_JULIAN;
        return take_number(text, 1, 365, &out->day);
    }
    out->form = TZ_DATE_DAY;
    return take_number(text, 0, 365, &out->day);
}

static bool take_date(struct bytes *text, struct tz_date *out) {
    *out = (struct tz_date){.time_s = 2 * 3600};
    if (!take_char(text, ',') || !take_day(text, out)) {
        return false;
    }
    return !take_char(text, '/') || take_time(text, 167, &out->time_s);
}

bool tz_rule_parse(struct bytes text, struct tz_rule *out) {
    struct tz_rule rule = {0};
    if (!take_name(&text) || !take_offset(&text, &rule.standard_offset_s)) {
        return false;
    }
    if (text.size > 0) {
        rule.has_dst = true;
        rule.dst_offset_s = rule.standard_offset_s + 3600;
        if (!take_name(&text)) {
            return false;
        }
        bool has_offset = text.size > 0 && text.data[0] != ',';
        if (has_offset && !take_offset(&text, &rule.dst_offset_s)) {
            return false;
        }
        if (!take_date(&text, &rule.dst_start) || !take_date(&text, &rule.dst_end)) {
            return false;
        }
    }
    if (text.size > 0) {
        return false;
    }
    *out = rule;
    return true;
}

/* ---- The calendar ---- */

static int64_t floor_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01 of the first day of March of the year; a year that starts in March has its
 * leap day at the end, so months before March belong to the year before. */
static int64_t march_first_days(int64_t year) {
    /* 719468 days lie between 0000-03-01 and 1970-01-01. */
    return year * 365 + floor_divide(year, 4) - floor_divide(year, 100) + floor_divide(year, 400) -
           719468;
}

static bool is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t january_first_days(int64_t year) {
    return march_first_days(year) - 59 - is_leap(year);
}

static int64_t year_of(int64_t at_s) {
    int64_t days = floor_divide(at_s, DAY_S);
    /* 146097 days are 400 years; the guess is off by one at most. */
    int64_t year = 1970 + floor_divide(days * 400, 146097);
    while (january_first_days(year + 1) <= days) {
        year++;
    }
    while (january_first_days(year) > days) {
        year--;
    }
    return year;
}

/* Day of the year (0 = 1 January) on which the month (1 to 12, 13 = next year) begins. */
static int month_first_day(int64_t year, int month) {
    static const int first_days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return first_days[month - 1] + (month > 2 && is_leap(year));
}

static int64_t month_week_day(int64_t year, const struct tz_date *date) {
    int64_t january = january_first_days(year);
    int64_t first = january + month_first_day(year, date->month);
    int64_t end = january + month_first_day(year, date->month + 1);
    /* 1970-01-01 was a Thursday. */
    int64_t weekday = ((first + 4) % 7 + 7) % 7;
    int64_t day = first + (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
    return day < end ? day : day - 7;
}

/* UTC seconds of the date in the year, where offset_s holds just before the change. */
static int64_t change_s(int64_t year, const struct tz_date *date, int offset_s) {
    int64_t day = 0;
    switch (date->form) {
    case TZ_DATE_MONTH_WEEK_DAY:
        day = month_week_day(year, date);
        break;
    case TZ_DATE_JULIAN:
        day = january_first_days(year) + date->day - 1 + (date->day > 59 && is_leap(year));
        break;
    case TZ_DATE_DAY:
        day = january_first_days(year) + date->day;
        break;
    }
    return day * DAY_S + date->time_s - offset_s;
}

static void changes_around(const struct tz_rule *rule, int64_t at_s,
                           struct change out[CHANGES_COUNT]) {
    int64_t year = year_of(at_s) - YEARS_AROUND;
    for (size_t i = 0; i < CHANGES_COUNT; i += 2, year++) {
        struct change start = {change_s(year, &rule->dst_start, rule->standard_offset_s), true};
        struct change end = {change_s(year, &rule->dst_end, rule->dst_offset_s), false};
        bool is_start_first = start.at_s <= end.at_s;
        out[i] = is_start_first ? start : end;
        out[i + 1] = is_start_first ? end : start;
    }
}

int tz_rule_offset_s(const struct tz_rule *rule, int64_t at_s) {
    if (!rule->has_dst) {
        return rule->standard_offset_s;
    }
    struct change changes[CHANGES_COUNT];
    changes_around(rule, at_s, changes);
    struct change last = {INT64_MIN, false};
    for (size_t i = 0; i < CHANGES_COUNT; i++) {
        /* Of two changes at one instant the later in the list counts: summer time all year is
         * written as an end that coincides with the next year's start. */
        if (changes[i].at_s <= at_s && changes[i].at_s >= last.at_s) {
            last = changes[i];
        }
    }
    return last.is_to_dst ? rule->dst_offset_s : rule->standard_offset_s;
}

int64_t tz_rule_next_s(const struct tz_rule *rule, int64_t at_s) {
    if (!rule->has_dst) {
        return INT64_MAX;
    }
    struct change changes[CHANGES_COUNT];
    changes_around(rule, at_s, changes);
    int64_t next_s = INT64_MAX;
    for (size_t i = 0; i < CHANGES_COUNT; i++) {
        if (changes[i].at_s > at_s && changes[i].at_s < next_s) {
            next_s = changes[i].at_s;
        }
    }
    return next_s;
}
