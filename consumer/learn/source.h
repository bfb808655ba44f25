/* source: reads a data file row by row: CSV with a header, VW text or an Avro container of
 * examples, plain, Zstandard or gzip, or standard input. One thread.
 *
 *     source_open -> [columns_infer] -> source_bind -> source_next ... -> source_close
 *
 * Opening reads the first rows of a CSV (SOURCE_HEAD_ROWS at most), so that columns can be typed
 * from them; source_next gives them out again. */
#ifndef PROMOSTREAM_LEARN_SOURCE_H
#define PROMOSTREAM_LEARN_SOURCE_H

#include "consumer/learn/rows.h"

#define SOURCE_HEAD_ROWS  10000
#define SOURCE_HEAD_BYTES ((size_t)32 << 20)

enum source_format { SOURCE_AUTO, SOURCE_CSV, SOURCE_VW, SOURCE_AVRO, SOURCE_FORMATS };
extern const char *const source_format_names[]; /* "auto", "csv", "vw", "avro", NULL */

struct source_config {
    const char *path; /* "-" = standard input */
    enum source_format format;
    char separator; /* 0 = what stands most often in the header of , tab ; | */
    size_t row_bytes_max;
};

struct source;

/* STOP when the file cannot be read or is empty; format is told by its first bytes. *out is owned
 * by the caller. */
MUST_CHECK struct failure source_open(const struct source_config *config, struct source **out);
enum source_format source_format(const struct source *source);
/* For messages: the path, or its end, in at most SOURCE_NAME_BYTES. */
#define SOURCE_NAME_BYTES 60
const char *source_name(const struct source *source);
/* Columns of the file, all untyped (those of examples typed). Owned by the caller. */
void source_columns(const struct source *source, struct columns *out);
/* The first rows of a CSV: fields in the order of the file's columns, lent. */
size_t source_head_count(const struct source *source);
void source_head_row(const struct source *source, size_t index, struct bytes *out_fields,
                     uint64_t *out_line);

/* Says what the rows are to be typed as; columns is borrowed for the source's life and arranged.
 * kept: name of a column whose text comes with each row, NULL = none. STOP: a column is not there;
 * that of the label may be missing unless needs_label. */
MUST_CHECK struct failure source_bind(struct source *source, const struct columns *columns,
                                      const char *kept, bool needs_label);
/* ROW_BAD: error says why, with column, what was found and what was expected; reading goes on
 * behind the row. *out_failure is set with ROW_FAILED alone. */
MUST_CHECK enum row_verdict source_next(struct source *source, struct data_row *out,
                                        char error[ROW_ERROR_BYTES_MAX],
                                        struct failure *out_failure);
double source_progress(const struct source *source); /* 0..1; negative = unknown */
void source_close(struct source *source);            /* NULL is fine */

#endif
