/* parse: values as they stand in other people's text files: times and numbers. Strict: the
 * whole text is the value or there is none. No locale, no libc time zone. Any thread. */
#ifndef PROMOSTREAM_BASE_PARSE_H
#define PROMOSTREAM_BASE_PARSE_H

#include "base/bytes.h"

/* The largest time that is accepted: the end of the year 9999, UTC. */
#define PARSE_TIME_MS_MAX INT64_C(253402300799999)

enum time_format {
    TIME_FORMAT_MS,  /* milliseconds since 1970 UTC, a whole number */
    TIME_FORMAT_S,   /* seconds since 1970 UTC, a fraction is allowed */
    TIME_FORMAT_ISO, /* see parse_iso_ms */
    TIME_FORMAT_COUNT
};
extern const char *const time_format_names[]; /* "ms", "s", "iso", NULL */

/* Decimal digits with an optional '-'. False if anything else stands there, or beyond int64. */
bool parse_integer(struct bytes text, int64_t *out);
/* Decimal with optional sign, point and exponent; never nan, inf or hexadecimal, always finite. */
bool parse_number(struct bytes text, double *out);
/* "2019-10-01", then optionally 'T' or ' ' and "HH:MM", ":SS", a fraction (cut at the millisecond),
 * then "Z", " UTC", "+HH:MM" or "+HHMM". UTC where no zone is given. 1970..9999 only. */
bool parse_iso_ms(struct bytes text, int64_t *out);
/* A time in one of the formats, 0..PARSE_TIME_MS_MAX. */
bool parse_time_ms(struct bytes text, enum time_format format, int64_t *out);

/* "2019-10-01T00:00:00.000Z" */
#define PARSE_ISO_BYTES_MAX 32
void parse_format_iso(int64_t time_ms, char out[PARSE_ISO_BYTES_MAX]);

#endif
