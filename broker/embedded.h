/* embedded: librdkafka's mock cluster inside our process, on loopback, for the demo and injected
 * errors only. It proves nothing about exactly-once: no isolation, no fencing, transactional
 * offsets are discarded, 5 MiB a partition. */
#ifndef PROMOSTREAM_BROKER_EMBEDDED_H
#define PROMOSTREAM_BROKER_EMBEDDED_H

#include "base/failure.h"
#include "broker/topics.h"

struct embedded;
/* Starts one broker and creates every topic (P partitions from topics->partitions). */
MUST_CHECK struct failure embedded_start(const struct topics *topics, struct embedded **out);
const char *embedded_bootstrap_servers(const struct embedded *embedded);
/* librdkafka's handle of it, to inject errors. */
struct rd_kafka_mock_cluster_s *embedded_cluster(const struct embedded *embedded);
void embedded_stop(struct embedded *embedded);

#endif
