/* outputs: our own output schemas at a schema registry, for consumers that read them from there.
 * The subject is TOPIC-value (the Confluent clients' TopicNameStrategy). Blocks; main thread. */
#ifndef PROMOSTREAM_COMMANDS_OUTPUTS_H
#define PROMOSTREAM_COMMANDS_OUTPUTS_H

#include "consumer/pipeline_config.h"
#include "consumer/rooms/emit.h"

/* Registers the schemas of promotion-pushes and promotion-decisions; the same schema again gets the
 * same id. A registry that does not answer is asked again 60 times, with half a second between
 * (RETRY then); one that refuses, for compatibility, is STOP with its words. */
MUST_CHECK struct failure outputs_register(const struct pipeline_config *config,
                                           const struct log_sink *log, struct emit_schema_ids *out);

#endif
