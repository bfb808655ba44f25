/* import_rows: converts the rows of a small CSV text with one format and writes what came of them,
 * one line a row: a verdict's name, or time, type, user and every field of the event that is not
 * empty. */
#ifndef PROMOSTREAM_TESTS_IMPORT_ROWS_H
#define PROMOSTREAM_TESTS_IMPORT_ROWS_H

#include "producer/import.h"

/* The result is the caller's to free. "unbound: TEXT" when the header does not do. */
char *import_rows(const struct import_format *format, const struct import_settings *settings,
                  const char *csv);

#endif
