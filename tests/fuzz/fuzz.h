/* fuzz: what fuzz targets share. A target is one file, fuzz_NAME.c, with LLVMFuzzerTestOneInput:
 * any bytes, never a crash, a leak, a hang or a read past the end. It runs under libFuzzer (clang)
 * and under replay.c (any compiler), which runs the corpus and seeded mutations of it. */
#ifndef PROMOSTREAM_TESTS_FUZZ_H
#define PROMOSTREAM_TESTS_FUZZ_H

#include <stdio.h>

#include "schemas/event.h"
#include "schemas/mapping.h"
#include "schemas/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with a message; NDEBUG changes nothing. */
#define FUZZ_ASSERT(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fuzz_fail(#condition, __FILE__, __LINE__);                                             \
        }                                                                                          \
    } while (0)
_Noreturn void fuzz_fail(const char *what, const char *file, int line);

/* Reads every byte, so that ASan sees a text that is none of its owner's; and all texts of an
 * event.
 */
void fuzz_touch_bytes(struct bytes text);
void fuzz_touch(const struct event *event);
/* The section `mapping` of a file below the repository's root; lives as long as the process. */
const struct mapping *fuzz_mapping(const char *path);
/* A whole file below the repository's root; ends the process if it is not there. */
struct bytes fuzz_file(const char *path);
/* Remembers memory that lives as long as the process, so that it is no leak; returns it. */
void *fuzz_keep(void *memory);
/* A path under which the bytes can be read as a file until the next call; the file lives in memory.
 */
const char *fuzz_path(struct bytes content);
/* Where errors may be written that nobody reads. */
FILE *fuzz_nowhere(void);
/* A mapping that suggest_write drafts and calls complete must load. */
void fuzz_check_draft(const struct shape *shape);

/* Pieces of an input, from its front; what is missing at its end is 0 or empty. */
struct fuzz_input {
    struct bytes left;
};
uint64_t fuzz_number(struct fuzz_input *input, size_t size); /* size bytes, little-endian */
/* Two bytes of length and so many bytes, in a block of their own size for ASan: owned by the
 * caller, its data never NULL. */
struct bytes fuzz_piece(struct fuzz_input *input);

#endif
