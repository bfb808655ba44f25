/* example_file: examples in an Avro container file, one after the other: as `promostream examples`
 * writes them, with their offsets (logged_example.avsc), or without (example.avsc), as other
 * programs may. Main thread. */
#ifndef PROMOSTREAM_LEARN_EXAMPLE_FILE_H
#define PROMOSTREAM_LEARN_EXAMPLE_FILE_H

#include "base/failure.h"
#include "base/input_file.h"
#include "schemas/container.h"
#include "schemas/container_reader.h"
#include "schemas/rows.h"

struct example_file {
    struct container_reader *reader;
    const char *name;    /* borrowed */
    bool has_offsets;    /* those of the topic */
    struct bytes bodies; /* left of the block */
    int64_t left;        /* records of it */
    int64_t record;      /* number of the last one given, from 1 */
};

/* STOP: no container, of another schema. input and name are borrowed. */
MUST_CHECK struct failure example_file_open(struct example_file *file, struct input_file *input,
                                            const char *name);
/* The next example: its Avro body (of example.avsc) and what it says, lent until the next call, and
 * its offset: without offsets the number of the record, from 0. *out_body empty = the end. STOP:
 * damaged, with the record's number. */
MUST_CHECK struct failure example_file_next(struct example_file *file, struct example_row *out,
                                            struct bytes *out_body, int64_t *out_offset);
void example_file_close(struct example_file *file); /* idempotent; a zeroed one is fine */

/* An example's body with its offset, to a container of SCHEMA_LOGGED_EXAMPLE; record is the
 * caller's, for reuse. */
MUST_CHECK struct failure example_file_write(struct container_writer *writer, struct bytes body,
                                             int64_t offset, struct buffer *record);

#endif
