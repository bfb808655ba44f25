/* sample_file: a shop's own files, for commands that look at them: JSON lines (one message a line)
 * and a schema. Blocks; one thread. */
#ifndef PROMOSTREAM_COMMANDS_SAMPLE_FILE_H
#define PROMOSTREAM_COMMANDS_SAMPLE_FILE_H

#include "base/buffer.h"
#include "base/failure.h"

typedef void sample_file_visit(void *context, struct bytes line);

/* The first lines_max lines that are not blank, without their ends; "-" is standard input. STOP if
 * the file cannot be read. */
MUST_CHECK struct failure sample_file_lines(const char *path, int64_t lines_max,
                                            sample_file_visit *visit, void *context);
/* The whole file, appended to out. STOP if it is longer than size_max. */
MUST_CHECK struct failure sample_file_read(const char *path, size_t size_max, struct buffer *out);

#endif
