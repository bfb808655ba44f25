/* bench_config: which configurations can be measured, and the one that a run under measurement
 * gets. */
#ifndef PROMOSTREAM_BENCH_CONFIG_H
#define PROMOSTREAM_BENCH_CONFIG_H

#include "consumer/pipeline_config.h"

/* STOP for a configuration that does not read the stream's messages: our own event.avsc in
 * single-object encoding. */
MUST_CHECK struct failure bench_config_check(const struct pipeline_config *config);

/* The text of a configuration with another section `topics`: every topic has its default name
 * behind the prefix, whatever the file names, so that nothing of the shop's is touched. */
void bench_config_with_prefix(struct bytes text, const char *prefix, int64_t replication_factor,
                              struct buffer *out);

#endif
