/* sheet: one description of a thing, rendered as lines for people or as one JSON object. A group is
 * a line of named values, a list has a line per row; what is missing is left out of the text and
 * null in JSON. Texts of strangers are made printable. Pure: values in, bytes out.
 *
 *     sheet_begin(&sheet, &out, is_json);
 *     sheet_begin_group(&sheet, "session");     "  session     views 3, adds 1"
 *     sheet_integer(&sheet, "views", 0, 3);     "session":{"views":3,"adds":1}
 *     ...
 *
 * Every value takes a width: 0 = "name value", else a column of the value alone, padded to so many
 * characters (negative: to the left), for lists. */
#ifndef PROMOSTREAM_OPS_SHEET_H
#define PROMOSTREAM_OPS_SHEET_H

#include "base/buffer.h"

struct sheet {
    struct buffer *out; /* borrowed */
    bool is_json;
    bool is_first;     /* nothing stands yet in the line, object or array */
    bool is_line_open; /* text: the line is not ended */
    bool is_column;    /* text: the value before was one */
    int depth;         /* of lists */
};

struct sheet sheet_begin(struct buffer *out, bool is_json);
void sheet_end(struct sheet *sheet);

void sheet_begin_group(struct sheet *sheet, const char *title);
void sheet_end_group(struct sheet *sheet);
/* Lists may lie in rows; title is the line above them, or the member's name (its spaces as '_'). */
void sheet_begin_list(struct sheet *sheet, const char *title);
void sheet_end_list(struct sheet *sheet);
void sheet_begin_row(struct sheet *sheet);
void sheet_end_row(struct sheet *sheet);
/* Text: the row goes on in the next line. */
void sheet_break(struct sheet *sheet);

void sheet_text(struct sheet *sheet, const char *name, int width, struct bytes text);
void sheet_integer(struct sheet *sheet, const char *name, int width, int64_t value);
/* decimals: of the text; negative = 4 significant digits. NaN is missing. */
void sheet_number(struct sheet *sheet, const char *name, int width, int decimals, double value);
/* INT64_MIN is missing. */
void sheet_instant(struct sheet *sheet, const char *name, int width, int64_t at_ms);
/* In the text only if true, and then its name alone. */
void sheet_flag(struct sheet *sheet, const char *name, bool is_set);
/* "a b" or ["a","b"]. */
void sheet_words(struct sheet *sheet, const char *name, int width, const struct bytes *words,
                 size_t count);
/* A sentence of its own for people ("" = none); JSON: a member. */
void sheet_note(struct sheet *sheet, const char *name, const char *text);

#endif
