/* Log ends of a partition whose leader dies: the client goes on knowing the dead one. */
#include "broker/log_ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <librdkafka/rdkafka_mock.h>
#include <unistd.h>

#include "broker/client.h"
#include "tests/support/kafka_member.h"

#define TOPIC            "journal"
#define RECORDS          7
#define API_LIST_OFFSETS 2
#define HANGS_S          60 /* a call that forgets its time-out ends the test */

struct scene {
    rd_kafka_t *host, *client;
    rd_kafka_mock_cluster_t *cluster;
    struct client_opaque opaque;
};

static void set_leader(struct scene *scene, int32_t broker) {
    assert_int_equal(rd_kafka_mock_partition_set_leader(scene->cluster, TOPIC, 0, broker), 0);
}

static void send_records(struct scene *scene) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(scene->cluster),
                      NULL, 0);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    for (int i = 0; i < RECORDS; i++) {
        assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(TOPIC),
                                           RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_VALUE("v", 1),
                                           RD_KAFKA_V_END),
                         0);
    }
    assert_int_equal(rd_kafka_flush(producer, 10000), 0);
    rd_kafka_destroy(producer);
}

/* Three brokers, the first leads; the client has asked it once. */
static void open_scene(struct scene *scene) {
    *scene = (struct scene){0};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    scene->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
    scene->cluster = rd_kafka_mock_cluster_new(scene->host, 3);
    assert_int_equal(rd_kafka_mock_topic_create(scene->cluster, TOPIC, 1, 3), 0);
    set_leader(scene, 1);
    send_records(scene);
    const struct client_config config = {.kind = CLIENT_ENDS,
                                         .bootstrap_servers =
                                             rd_kafka_mock_cluster_bootstraps(scene->cluster),
                                         .opaque = &scene->opaque};
    struct failure failure = client_new(&config, &scene->client);
    assert_string_equal(failure.text, "");
    struct log_span span;
    failure = log_ends_ask(scene->client, TOPIC, 0, 10000, &span);
    assert_string_equal(failure.text, "");
    assert_int_equal(span.low, 0);
    assert_int_equal(span.high, RECORDS);
    alarm(HANGS_S);
}

static void close_scene(struct scene *scene) {
    alarm(0);
    assert_true(client_destroy(scene->client, 10000));
    rd_kafka_mock_cluster_destroy(scene->cluster);
    rd_kafka_destroy(scene->host);
}

static void a_dead_leader_is_not_waited_for(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    assert_int_equal(rd_kafka_mock_broker_set_down(scene.cluster, 1), 0);
    int64_t end, before_ms = test_now_ms();
    struct failure failure = log_ends_ask_high(scene.client, TOPIC, 0, 0, &end);
    assert_int_equal(failure.action, FAILURE_RETRY);
    assert_true(test_now_ms() - before_ms < 10000);
    close_scene(&scene);
}

static void its_successor_is_found(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    assert_int_equal(rd_kafka_mock_broker_set_down(scene.cluster, 1), 0);
    set_leader(&scene, 2);
    struct log_span span;
    struct failure failure = log_ends_ask(scene.client, TOPIC, 0, 30000, &span);
    assert_string_equal(failure.text, "");
    assert_int_equal(span.low, 0);
    assert_int_equal(span.high, RECORDS);
    close_scene(&scene);
}

static void a_new_topic_is_asked_for_again(void **state) {
    (void)state;
    struct scene scene;
    open_scene(&scene);
    rd_kafka_mock_push_request_errors(scene.cluster, API_LIST_OFFSETS, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    int64_t end;
    struct failure failure = log_ends_ask_high(scene.client, TOPIC, 0, 0, &end);
    assert_string_equal(failure.text, "");
    assert_int_equal(end, RECORDS);
    rd_kafka_mock_push_request_errors(scene.cluster, API_LIST_OFFSETS, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    failure = log_ends_ask_high(scene.client, TOPIC, 0, 10000, &end);
    assert_int_equal(failure.action, FAILURE_STOP);
    close_scene(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_leader_is_not_waited_for),
        cmocka_unit_test(its_successor_is_found),
        cmocka_unit_test(a_new_topic_is_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
