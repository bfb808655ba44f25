/* input_file: the bytes of a file or of standard input, decompressed when they are Zstandard or
 * gzip. Which it is its first bytes tell (28 B5 2F FD; 1F 8B 08), not its name, so a pipe works
 * too. One thread. */
#ifndef PROMOSTREAM_BASE_INPUT_FILE_H
#define PROMOSTREAM_BASE_INPUT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"

struct input_file;

/* path "-" is standard input. STOP when it cannot be opened or read. *out is owned by the caller.
 */
MUST_CHECK struct failure input_file_open(const char *path, struct input_file **out);
/* Reads at least one byte unless the end is reached (*out_size 0); returns what is there, without
 * waiting for more. STOP on a read error, damaged compressed data, or a file that ends inside a
 * Zstandard frame or a gzip member. */
MUST_CHECK struct failure input_file_read(struct input_file *input, uint8_t *out, size_t capacity,
                                          size_t *out_size);
/* The first bytes of what is still unread, at most capacity of them; they stay unread. Lent until
 * the next call. Fewer only at the end. capacity <= INPUT_FILE_PEEK_MAX. */
#define INPUT_FILE_PEEK_MAX 65536
MUST_CHECK struct failure input_file_peek(struct input_file *input, size_t capacity,
                                          const uint8_t **out, size_t *out_size);
/* Bytes on disk read so far, and in all (-1 for a pipe): for progress only. */
int64_t input_file_position(const struct input_file *input);
int64_t input_file_size(const struct input_file *input);
void input_file_close(struct input_file *input); /* NULL is fine */

#endif
