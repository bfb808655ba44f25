/* topic_delete: deletes topics. For benchmarks, which take away what they made; nothing else of the
 * product deletes a topic. Blocks its thread. */
#ifndef PROMOSTREAM_BROKER_TOPIC_DELETE_H
#define PROMOSTREAM_BROKER_TOPIC_DELETE_H

#include <stddef.h>

#include "base/config.h"
#include "base/failure.h"

/* Every topic that is there whose name starts with prefix, at least TOPIC_DELETE_PREFIX_MIN bytes
 * of it. STOP if the broker does not answer or refuses. kafka may be NULL. */
MUST_CHECK struct failure topic_delete_prefix(const char *bootstrap_servers,
                                              const struct config_properties *kafka,
                                              const char *prefix, size_t *out_count);

#define TOPIC_DELETE_PREFIX_MIN 8 /* whoever deletes by prefix means his own topics */

#endif
