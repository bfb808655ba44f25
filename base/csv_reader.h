/* csv_reader: rows of a CSV file (RFC 4180), plain, Zstandard or gzip, from a file or standard
 * input, in bounded memory.
 *
 * The first row is the header; every row must have as many fields. A field may be quoted and then
 * hold separators, doubled quotes and newlines. LF and CRLF end a row; empty lines and a byte order
 * mark are skipped. A quote inside an unquoted field is an ordinary character.
 *
 * Bad rows are verdicts, and reading goes on behind them: a row of more than row_bytes_max is
 * skipped to its end; of a quote that does not close within row_bytes_max only the first line is
 * given up, so that one stray quote costs one row and not the file. One thread. */
#ifndef PROMOSTREAM_BASE_CSV_READER_H
#define PROMOSTREAM_BASE_CSV_READER_H

#include "base/bytes.h"
#include "base/failure.h"

#define CSV_FIELDS_MAX            2048
#define CSV_ROW_BYTES_MAX_DEFAULT ((size_t)64 * 1024)

enum csv_verdict {
    CSV_ROW,         /* out holds a row */
    CSV_END,         /* no more rows */
    CSV_TOO_LONG,    /* row of more than row_bytes_max */
    CSV_BAD_QUOTE,   /* text after a closing quote, or a quote that does not close */
    CSV_FIELD_COUNT, /* not as many fields as the header */
};

struct csv_row {
    const struct bytes *fields; /* unquoted; valid until the next csv_next */
    size_t field_count;
    struct bytes text; /* the row as it stands in the file, for a rejected row its beginning */
    uint64_t line;     /* number of its first line, from 1 */
};

struct csv_config {
    char separator;
    size_t row_bytes_max;
};

struct csv_reader;

/* Opens the file ("-" = standard input) and reads the header. STOP when it cannot be read, is
 * empty, or has no proper header. *out is owned by the caller; config is copied. */
MUST_CHECK struct failure csv_open(const char *path, struct csv_config config,
                                   struct csv_reader **out);
/* The same on an open file, which it takes (also if it fails). name is what errors call it. */
struct input_file;
MUST_CHECK struct failure csv_open_input(struct input_file *input, const char *name,
                                         struct csv_config config, struct csv_reader **out);
/* The columns' names, NUL-terminated; lent. */
size_t csv_columns(const struct csv_reader *reader, const char *const **out_names);
/* Index of a column by its exact name, -1 if there is none; the first of equal names. */
int csv_column(const struct csv_reader *reader, const char *name);
/* The next row. out->line and out->text are set for every verdict but CSV_END. STOP when the file
 * cannot be read on; rows given out before stay true. */
MUST_CHECK struct failure csv_next(struct csv_reader *reader, struct csv_row *out,
                                   enum csv_verdict *out_verdict);
/* Share of the file read, 0..1; negative for a pipe. */
double csv_progress(const struct csv_reader *reader);
void csv_close(struct csv_reader *reader); /* NULL is fine */

#endif
