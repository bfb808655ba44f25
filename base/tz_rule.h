/* tz_rule: the POSIX TZ rule at the end of a TZif file, which holds beyond the file's last
 * transition: std offset [dst [offset],start[/time],end[/time]], as in "CET-1CEST,M3.5.0,M10.5.0/3"
 * or "<-03>3". With RFC 9636's extension: times of a change from -167 to 167 hours. All pure
 * functions. */
#ifndef PROMOSTREAM_BASE_TZ_RULE_H
#define PROMOSTREAM_BASE_TZ_RULE_H

#include "base/bytes.h"

enum tz_date_form {
    TZ_DATE_MONTH_WEEK_DAY, /* Mm.w.d: weekday d (0 = Sunday) of week w of month m, week 5 = the
                               last */
    TZ_DATE_JULIAN,         /* Jn: day 1 to 365, 29 February is never counted */
    TZ_DATE_DAY,            /* n: day 0 to 365, 29 February is counted */
};

struct tz_date {
    enum tz_date_form form;
    int month, week, day; /* month and week only for MONTH_WEEK_DAY */
    int time_s;           /* local seconds since the day's midnight, may be negative */
};

struct tz_rule {
    int standard_offset_s, dst_offset_s; /* east of UTC */
    bool has_dst;
    struct tz_date dst_start, dst_end;
};

/* False if the text is not wholly such a rule (a rule with a dst name must have its dates). */
bool tz_rule_parse(struct bytes text, struct tz_rule *out);
/* Seconds east of UTC at the UTC second. */
int tz_rule_offset_s(const struct tz_rule *rule, int64_t at_s);
/* The first change after at_s, INT64_MAX if there is none. */
int64_t tz_rule_next_s(const struct tz_rule *rule, int64_t at_s);

#endif
