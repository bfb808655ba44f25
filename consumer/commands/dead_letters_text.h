/* dead_letters_text: dead letters for people and for programs. Pure. */
#ifndef PROMOSTREAM_COMMANDS_DEAD_LETTERS_TEXT_H
#define PROMOSTREAM_COMMANDS_DEAD_LETTERS_TEXT_H

#include "base/buffer.h"
#include "consumer/commands/dead_letters.h"

/* One line: when, where in dead-letters, where from, reason, key, sizes, what became of it, and the
 * first characters of the value, made printable. */
void letter_render_line(const struct letter *letter, enum letter_verdict verdict,
                        struct buffer *out);
/* One JSON object and a newline; keys, values and headers whole, in base64. */
void letter_render_json(const struct letter *letter, enum letter_verdict verdict,
                        struct buffer *out);
/* A line per reason; or one JSON object {"summary": [...]}, with a count of rows that are no
 * letters of this version. */
void letter_render_summary(const struct letter_tally *tally, int64_t unreadable, bool is_json,
                           struct buffer *out);

/* RFC 4648, section 4. */
void letter_append_base64(struct buffer *out, struct bytes bytes);

#endif
