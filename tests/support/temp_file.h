/* temp_file: a file of given bytes for one test, removed with it. */
#ifndef PROMOSTREAM_TESTS_TEMP_FILE_H
#define PROMOSTREAM_TESTS_TEMP_FILE_H

#include "base/bytes.h"

struct temp_file {
    char path[64];
};

/* In /tmp; a failure ends the process. */
struct temp_file temp_file_make(struct bytes content);
struct temp_file temp_file_of_text(const char *text);
/* The same bytes as one Zstandard frame. */
struct temp_file temp_file_make_zstd(struct bytes content);
/* The same bytes as one gzip member. */
struct temp_file temp_file_make_gzip(struct bytes content);
void temp_file_remove(const struct temp_file *file);

#endif
