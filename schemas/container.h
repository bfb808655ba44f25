/* container: Avro object container files of events (Avro-C writes and reads them; deflate off, null
 * codec). */
#ifndef PROMOSTREAM_SCHEMAS_CONTAINER_H
#define PROMOSTREAM_SCHEMAS_CONTAINER_H

#include "base/failure.h"
#include "schemas/schemas.h"

struct container_writer;
MUST_CHECK struct failure container_writer_new(const char *path, enum schema schema,
                                               struct container_writer **out);
/* body is an Avro body of the schema. */
MUST_CHECK struct failure container_write(struct container_writer *writer, struct bytes body);
MUST_CHECK struct failure container_writer_close(struct container_writer *writer); /* frees it */

#endif
