/* A commit that is answered too late is repeated: no transaction follows it in the same epoch. */
#include "broker/producer_txn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#define API_END_TXN  26
#define CALL_WAIT_MS 300
#define LATE_MS      500

static void after_a_repeated_commit(void **state) {
    (void)state;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, 1);
    rd_kafka_mock_topic_create(cluster, "letters", 1, 1);
    const struct producer_txn_config config = {.bootstrap_servers =
                                                   rd_kafka_mock_cluster_bootstraps(cluster),
                                               .transactional_id = "replay",
                                               .transaction_timeout_ms = 60000,
                                               .call_wait_ms = CALL_WAIT_MS};
    const struct producer_record record = {.topic = "letters", .value = bytes_of_text("v")};
    struct producer_txn *producer;
    assert_string_equal(producer_txn_open(&config, &producer).text, "");
    rd_kafka_mock_broker_push_request_error_rtts(cluster, 1, API_END_TXN, 1,
                                                 RD_KAFKA_RESP_ERR_NO_ERROR, LATE_MS);
    assert_string_equal(producer_txn_send(producer, &record).text, "");
    assert_string_equal(producer_txn_commit(producer).text, "");
    struct failure failure = producer_txn_send(producer, &record);
    assert_int_equal(failure.action, FAILURE_RETRY);
    assert_non_null(strstr(failure.text, "it is done: start again"));
    producer_txn_close(producer);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(after_a_repeated_commit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
