/* sink_file: records to an Avro object container file. The file holds bodies only: keys stand in
 * them anyway (user_id), timestamps and partitions are dropped. */
#ifndef PROMOSTREAM_PRODUCER_SINK_FILE_H
#define PROMOSTREAM_PRODUCER_SINK_FILE_H

#include "producer/sink.h"
#include "schemas/schemas.h"

/* STOP if the file cannot be created. sink_finish writes the last block and closes the file. */
MUST_CHECK struct failure sink_file_open(const char *path, enum schema schema, struct sink **out);

#endif
