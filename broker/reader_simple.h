/* reader_simple: follows one topic, all partitions, read_committed, from its end on; no group, no
 * commits. For clickfeed, which listens to pushes like a sender would. One thread. */
#ifndef PROMOSTREAM_BROKER_READER_SIMPLE_H
#define PROMOSTREAM_BROKER_READER_SIMPLE_H

#include "broker/broker.h"

struct reader_simple;

/* Starts at the end of each partition as it is now: what is produced after the call returned will
 * be seen. STOP when there is no such topic, RETRY when no broker answers. kafka and log are
 * borrowed (both may be NULL). */
MUST_CHECK struct failure reader_simple_open(const char *bootstrap_servers,
                                             const struct config_properties *kafka,
                                             const char *topic, const struct log_sink *log,
                                             struct reader_simple **out);
/* The next record, waiting up to timeout_ms for it; false if none came. out lives until the next
 * call. Errors that heal by themselves (a broker that is away) read as nothing. */
bool reader_simple_next(struct reader_simple *reader, int timeout_ms, struct record *out);
void reader_simple_close(struct reader_simple *reader); /* NULL is fine */

#endif
