#include "base/config_internal.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* A unit that may follow an integer, largest first. */
struct unit {
    const char *name;
    int64_t factor;
};
static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit size_units[] = {
    {"G", (int64_t)1 << 30}, {"M", (int64_t)1 << 20}, {"K", (int64_t)1 << 10}, {"", 1}};
#define UNIT_COUNT(units) (sizeof units / sizeof units[0])

/* ---- reading ---- */

/* digits and one of the units, nothing else; false beyond int64_t too. */
static bool parse_with_unit(const char *text, const struct unit *units, size_t unit_count,
                            int64_t *out) {
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    errno = 0;
    char *end;
    long long count = strtoll(text, &end, 10);
    if (errno) {
        return false;
    }
    for (size_t i = 0; i < unit_count; i++) {
        int64_t value;
        if (strcmp(end, units[i].name) == 0 &&
            !__builtin_mul_overflow(count, units[i].factor, &value)) {
            *out = value;
            return true;
        }
    }
    return false;
}

bool config_parse_duration_ms(const char *text, int64_t *out) {
    return parse_with_unit(text, duration_units, UNIT_COUNT(duration_units), out);
}

bool config_parse_size_bytes(const char *text, int64_t *out) {
    return parse_with_unit(text, size_units, UNIT_COUNT(size_units), out);
}

static bool parse_int(const char *text, int64_t *out) {
    if (!isdigit((unsigned char)text[text[0] == '-'])) {
        return false;
    }
    errno = 0;
    char *end;
    long long value = strtoll(text, &end, 10);
    if (errno || *end) {
        return false;
    }
    *out = value;
    return true;
}

/* Decimal digits only: strtod alone would take nan, inf and hexadecimal. */
static bool parse_number(const char *text, double *out) {
    if (text[strspn(text, "0123456789+-.eE")] || !text[0]) {
        return false;
    }
    char *end;
    double value = strtod(text, &end);
    if (*end || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

static bool parse_bool(const char *text, bool *out) {
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0) {
        return false;
    }
    *out = is_true;
    return true;
}

static bool parse_choice(const char *text, const char *const *choices, int *out) {
    for (int i = 0; choices[i]; i++) {
        if (strcmp(text, choices[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Reads exactly `digits` digits; *text moves past them. */
static bool read_digits(const char **text, int digits, int64_t *out) {
    int64_t value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*text)[i];
        if (!isdigit((unsigned char)c)) {
            return false;
        }
        value = 10 * value + (c - '0');
    }
    *text += digits;
    *out = value;
    return true;
}

static bool read_byte(const char **text, char byte) {
    if (**text != byte) {
        return false;
    }
    (*text)++;
    return true;
}

static bool read_minute_of_day(const char **text, int *out) {
    int64_t hour, minute;
    if (!read_digits(text, 2, &hour) || !read_byte(text, ':') || !read_digits(text, 2, &minute) ||
        hour > 23 || minute > 59) {
        return false;
    }
    *out = (int)(60 * hour + minute);
    return true;
}

static bool parse_time_range(const char *text, struct config_time_range *out) {
    struct config_time_range range = {0};
    if (text[0]) {
        if (!read_minute_of_day(&text, &range.start_minute) || !read_byte(&text, '-') ||
            !read_minute_of_day(&text, &range.end_minute) || *text) {
            return false;
        }
    }
    *out = range;
    return true;
}

/* Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March, so that
 * the leap day is the last of its year (Hinnant, "chrono-compatible low-level date algorithms",
 * days_from_civil). */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static bool read_date(const char **text, int64_t *out_days) {
    int64_t year, month, day;
    if (!read_digits(text, 4, &year) || !read_byte(text, '-') || !read_digits(text, 2, &month) ||
        !read_byte(text, '-') || !read_digits(text, 2, &day)) {
        return false;
    }
    if (year < 1 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    int64_t next_month =
        month == 12 ? days_of_date(year + 1, 1, 1) : days_of_date(year, month + 1, 1);
    *out_days = days_of_date(year, month, day);
    return *out_days < next_month;
}

/* hh:mm:ss, optionally .mmm, then Z */
static bool read_time_of_day(const char **text, int64_t *out_ms) {
    int minute;
    int64_t second, ms = 0;
    if (!read_minute_of_day(text, &minute) || !read_byte(text, ':') ||
        !read_digits(text, 2, &second) || second > 59) {
        return false;
    }
    if (read_byte(text, '.') && !read_digits(text, 3, &ms)) {
        return false;
    }
    *out_ms = (int64_t)minute * 60000 + second * 1000 + ms;
    return read_byte(text, 'Z');
}

bool config_parse_instant_ms(const char *text, int64_t *out) {
    int64_t days, time_ms = 0;
    if (!read_date(&text, &days)) {
        return false;
    }
    if (*text && (!read_byte(&text, 'T') || !read_time_of_day(&text, &time_ms) || *text)) {
        return false;
    }
    *out = days * 86400000 + time_ms;
    return true;
}

/* ---- ranges ---- */

/* max 0 above a min that is not negative says that there is no upper bound. */
static bool is_open_above(const struct config_key *key) {
    return key->max == 0 && key->min >= 0;
}

static bool is_in_range(const struct config_key *key, double value) {
    return value >= key->min && (is_open_above(key) || value <= key->max);
}

bool config_value_parse(const struct config_key *key, const char *text, void *field) {
    int64_t whole = 0;
    double number = 0;
    switch (key->type) {
    case CONFIG_BOOL:
        return parse_bool(text, field);
    case CONFIG_CHOICE:
        return parse_choice(text, key->choices, field);
    case CONFIG_TIME_RANGE:
        return parse_time_range(text, field);
    case CONFIG_NUMBER:
        if (!parse_number(text, &number) || !is_in_range(key, number)) {
            return false;
        }
        *(double *)field = number;
        return true;
    case CONFIG_INSTANT_MS:
        whole = INT64_MIN;
        if (text[0] && !config_parse_instant_ms(text, &whole)) {
            return false;
        }
        break;
    case CONFIG_INT:
        if (!parse_int(text, &whole) || !is_in_range(key, (double)whole)) {
            return false;
        }
        break;
    case CONFIG_DURATION_MS:
        if (!config_parse_duration_ms(text, &whole) || !is_in_range(key, (double)whole)) {
            return false;
        }
        break;
    case CONFIG_SIZE_BYTES:
        if (!config_parse_size_bytes(text, &whole) || !is_in_range(key, (double)whole)) {
            return false;
        }
        break;
    case CONFIG_TEXT:
    case CONFIG_PROPERTIES:
    case CONFIG_LIST:
    case CONFIG_SECTION:
    case CONFIG_TEXT_LIST:
        assert(!"not a scalar of fixed size");
    }
    *(int64_t *)field = whole;
    return true;
}

/* ---- saying what is expected ---- */

void config_value_print_number(const struct config_key *key, double number, struct buffer *out) {
    const struct unit *units = duration_units;
    size_t unit_count = UNIT_COUNT(duration_units);
    if (key->type == CONFIG_SIZE_BYTES) {
        units = size_units;
        unit_count = UNIT_COUNT(size_units);
    } else if (key->type != CONFIG_DURATION_MS) {
        buffer_format(out, "%.15g", number);
        return;
    }
    int64_t value = (int64_t)number;
    size_t i = 0;
    while (i + 1 < unit_count && value % units[i].factor != 0) {
        i++;
    }
    if (value == 0) {
        buffer_format(out, key->type == CONFIG_DURATION_MS ? "0s" : "0");
        return;
    }
    buffer_format(out, "%lld%s", (long long)(value / units[i].factor), units[i].name);
}

static void print_range(const struct config_key *key, struct buffer *out) {
    if (!is_open_above(key)) {
        buffer_format(out, " from ");
        config_value_print_number(key, key->min, out);
        buffer_format(out, " to ");
        config_value_print_number(key, key->max, out);
        return;
    }
    buffer_format(out, " of at least ");
    config_value_print_number(key, key->min, out);
}

static void print_choices(const struct config_key *key, struct buffer *out) {
    buffer_format(out, "one of ");
    for (size_t i = 0; key->choices[i]; i++) {
        buffer_format(out, "%s%s", i > 0 ? ", " : "", key->choices[i]);
    }
}

void config_value_expected(const struct config_key *key, struct buffer *out) {
    static const char *const phrases[] = {
        [CONFIG_BOOL] = "true or false",
        [CONFIG_INT] = "an integer",
        [CONFIG_NUMBER] = "a number",
        [CONFIG_DURATION_MS] = "a duration (250ms, 5s, 30m, 24h, 7d)",
        [CONFIG_SIZE_BYTES] = "a size (4096, 64K, 64M, 2G)",
        [CONFIG_TEXT] = "text",
        [CONFIG_TIME_RANGE] = "a time range (22:00-08:00; \"\" is none)",
        [CONFIG_INSTANT_MS] = "an instant (2026-11-01, 2026-11-01T08:00:00Z; \"\" is none)",
        [CONFIG_PROPERTIES] = "a section of names with a text each",
        [CONFIG_LIST] = "a list",
        [CONFIG_SECTION] = "a section",
        [CONFIG_TEXT_LIST] = "a list of texts",
    };
    if (key->type == CONFIG_CHOICE) {
        print_choices(key, out);
        return;
    }
    buffer_format(out, "%s", phrases[key->type]);
    if (key->type == CONFIG_INT || key->type == CONFIG_NUMBER || key->type == CONFIG_DURATION_MS ||
        key->type == CONFIG_SIZE_BYTES) {
        print_range(key, out);
    }
}
