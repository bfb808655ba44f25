/* report: the end summary of a command, as a list of named values that is written as text for
 * people or as one JSON object for scripts. Names are literals in snake_case; groups are one level
 * deep. One thread. */
#ifndef PROMOSTREAM_PRODUCER_REPORT_H
#define PROMOSTREAM_PRODUCER_REPORT_H

#include <stdio.h>

#include "base/buffer.h"

enum report_form { REPORT_TEXT, REPORT_JSON };

struct report {
    enum report_form form;
    struct buffer out;
    bool is_in_group, has_members;
};

void report_init(struct report *report, enum report_form form);
void report_clean_up(struct report *report);

void report_text(struct report *report, const char *name, const char *text);
void report_integer(struct report *report, const char *name, int64_t value);
void report_number(struct report *report, const char *name, double value); /* one decimal */
void report_flag(struct report *report, const char *name, bool value);
/* A time as ISO 8601; INT64_MIN = none (JSON: null). */
void report_time(struct report *report, const char *name, int64_t time_ms);
/* A member that is JSON already (JSON form only; otherwise nothing). */
void report_json(struct report *report, const char *name, struct bytes json);
void report_begin_group(struct report *report, const char *name);
void report_end_group(struct report *report);

/* Ends the report and writes it. False if the stream failed. */
bool report_write(struct report *report, FILE *out);

typedef void report_fill(struct report *report, const void *context);
/* The end summary of a command: to standard output in the form, and as JSON to path unless that is
 * NULL. False, after a line on standard error, if either could not be written. */
bool report_deliver(report_fill *fill, const void *context, enum report_form form,
                    const char *path);

#endif
