/* sources: what all workers of a process share to understand a shop's own messages: the mapping,
 * the writer schema that a file gives, and the schema registry with its thread. */
#ifndef PROMOSTREAM_CONSUMER_SOURCES_H
#define PROMOSTREAM_CONSUMER_SOURCES_H

#include "consumer/pipeline_config.h"

struct sources {
    struct decode_sources decode; /* views of the below */
    struct mapping *mapping, *own;
    struct writer_schema *schema;
    struct registry *registry;
};

/* Which of format, framing, schema, mapping and registry go together? Lines "decode.framing: found
 * X, expected Y", and those of the mapping's own check; their number. */
size_t sources_check(const struct pipeline_config *config, FILE *errors);

/* config (checked) and log are borrowed. STOP if decode.schema or registry.folder cannot be used. A
 * registry that does not answer is no failure: records wait for it. */
MUST_CHECK struct failure sources_open(const struct pipeline_config *config,
                                       const struct log_sink *log, struct sources *out);
void sources_close(struct sources *sources); /* idempotent; after every decode of them */

/* Waits until the record can be decoded, at most timeout_ms: for commands that look at a sample.
 * False if it cannot. */
bool sources_wait(struct decode *decode, bool is_feedback, struct bytes value, int timeout_ms);

#endif
