#include "tests/support/mock_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

void mock_cluster_open(struct mock_cluster *mock, const char *name) {
    *mock = (struct mock_cluster){0};
    struct topics topics = {.partitions = PARTITIONS};
    topics_resolve(&topics);
    struct failure failure = embedded_start(&topics, &mock->embedded);
    assert_string_equal(failure.text, "");
    topics_clean_up(&topics);
    mock->cluster = embedded_cluster(mock->embedded);
    world_open_at(&mock->world, embedded_bootstrap_servers(mock->embedded), name);
    feed(&mock->world, TOPIC_CLICKSTREAM, 0, 10);
    feed(&mock->world, TOPIC_CLICKSTREAM, 1, 10);
    feed(&mock->world, TOPIC_PUSH_FEEDBACK, 1, 5);
}

struct failure mock_cluster_start(struct mock_cluster *mock, int64_t commit_deadline_ms) {
    struct member *member = &mock->member;
    member_configure(member, &mock->world, "w-0");
    member->config.is_embedded = true;
    member->config.commit_deadline_ms = commit_deadline_ms;
    return broker_kafka_open(&member->config, &mock->world.topics, &mock->world.log,
                             &member->broker);
}

void mock_cluster_close(struct mock_cluster *mock) {
    if (mock->member.broker) {
        broker_release(mock->member.broker);
        broker_close(mock->member.broker);
    }
    world_close(&mock->world);
    embedded_stop(mock->embedded);
}
