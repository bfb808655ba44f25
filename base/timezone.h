/* timezone: offsets of IANA zones from the system's zoneinfo files, without touching TZ or libc's
 * state. A set interns zone names, so that a user's state holds two bytes; the numbers depend on
 * the order of finding, so what leaves the process carries the name. One thread per set. On a
 * machine without zoneinfo every zone is NONE: find "UTC" at start to know. */
#ifndef PROMOSTREAM_BASE_TIMEZONE_H
#define PROMOSTREAM_BASE_TIMEZONE_H

#include "base/bytes.h"

#define TIMEZONE_NONE 0 /* unknown zone */

struct timezone_set;
/* folder: NULL for /usr/share/zoneinfo. */
struct timezone_set *timezone_set_new(const char *folder);
void timezone_set_destroy(struct timezone_set *set);
/* Interns and loads a zone; TIMEZONE_NONE for names that are not zones (bad names never reach the
 * file system: letters, digits, _+-/ only, no "..", at most 40 bytes; nor does "localtime", which
 * is another zone on another machine). Zones with leap seconds (right/) are none either. At most
 * 1000 zones; then TIMEZONE_NONE. */
uint16_t timezone_find(struct timezone_set *set, struct bytes name);
/* Name as interned; empty for TIMEZONE_NONE. */
struct bytes timezone_name(const struct timezone_set *set, uint16_t zone);
/* Seconds east of UTC at the instant, by the file's transitions and its POSIX footer rule beyond
 * them. 0 for NONE. */
int timezone_offset_s(const struct timezone_set *set, uint16_t zone, int64_t at_ms);
/* If the local time of at_ms lies in [start_minute, end_minute) (wrapping past midnight; equal =
 * never), returns the UTC instant at which that stretch ends in local time (DST-safe: the first
 * instant whose local minute is outside); otherwise returns at_ms itself. Minutes are 0 to 1440;
 * the whole day, [0, 1440), ends at the next local midnight. */
int64_t timezone_quiet_end_ms(const struct timezone_set *set, uint16_t zone, int64_t at_ms,
                              int start_minute, int end_minute);

#endif
