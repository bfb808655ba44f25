/* mock_cluster: librdkafka's mock cluster with every topic, some input, and members of the seam on
 * it. For cmocka tests that inject errors into the protocol's requests. */
#ifndef PROMOSTREAM_TESTS_SUPPORT_MOCK_CLUSTER_H
#define PROMOSTREAM_TESTS_SUPPORT_MOCK_CLUSTER_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "broker/embedded.h"
#include "tests/support/kafka_member.h"

/* The protocol's numbers. */
#define API_PRODUCE           0
#define API_HEARTBEAT         12
#define API_INIT_PRODUCER_ID  22
#define API_ADD_PARTITIONS    24
#define API_ADD_OFFSETS       25
#define API_END_TXN           26
#define API_TXN_OFFSET_COMMIT 28

#define MOCK_BROKER_ID 1
#define MOCK_RECORDS   25 /* in the input topics */

struct mock_cluster {
    struct embedded *embedded;
    rd_kafka_mock_cluster_t *cluster; /* of it */
    struct world world;
    struct member member;
};

void mock_cluster_open(struct mock_cluster *mock, const char *name);
/* Opens the member w-0; it has joined once it has read its records. */
struct failure mock_cluster_start(struct mock_cluster *mock, int64_t commit_deadline_ms);
void mock_cluster_close(struct mock_cluster *mock);

#endif
