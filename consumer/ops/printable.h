/* printable: texts of strangers (user ids, titles, item names) on their way to a terminal or into
 * JSON. Pure; anything that is not valid UTF-8 or could drive a terminal is made visible. */
#ifndef PROMOSTREAM_OPS_PRINTABLE_H
#define PROMOSTREAM_OPS_PRINTABLE_H

#include "base/buffer.h"

/* Control characters (C0, DEL, C1) and bytes that are not UTF-8 become \xNN; a backslash stays. At
 * most columns_max characters, then "..."; 0 = no bound. */
void printable_append(struct buffer *out, struct bytes text, size_t columns_max);
/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void printable_append_json(struct buffer *out, struct bytes text);
/* A JSON number, null if it is not finite. */
void printable_append_json_number(struct buffer *out, double number);
/* 1234567 as 1,234,567. */
void printable_append_count(struct buffer *out, int64_t count);
/* 2026-11-01T08:00:00Z; "-" for INT64_MIN. */
void printable_append_instant(struct buffer *out, int64_t at_ms);

#endif
