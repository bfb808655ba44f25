/* container_reader: reads Avro object container files of our own schemas (Avro 1.11 specification,
 * "Object Container Files"): codecs null, deflate, zstandard. Strict and bounded: made for files of
 * strangers. One thread. */
#ifndef PROMOSTREAM_SCHEMAS_CONTAINER_READER_H
#define PROMOSTREAM_SCHEMAS_CONTAINER_READER_H

#include "base/failure.h"
#include "schemas/schemas.h"

#define CONTAINER_BLOCK_BYTES_MAX ((size_t)64 << 20) /* packed or not */

struct container_reader;
struct input_file;

/* Reads the header. STOP: no container, another schema than one of these as this build has them, an
 * unknown codec. input is borrowed, name is what errors call it. */
MUST_CHECK struct failure container_reader_new(struct input_file *input, const char *name,
                                               const enum schema *schemas, size_t count,
                                               struct container_reader **out);
enum schema container_reader_schema(const struct container_reader *reader); /* the file's */
/* The next block: the bodies of out_count records, one behind the other, lent until the next call;
 * 0 records at the end. STOP: damaged or cut. */
MUST_CHECK struct failure container_next_block(struct container_reader *reader,
                                               struct bytes *out_bodies, int64_t *out_count);
void container_reader_free(struct container_reader *reader); /* NULL is fine */

#endif
