#include "tests/support/kafka_member.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "base/buffer.h"
#include "tests/support/c11_threads.h"

const char *test_kafka_address(void) {
    return getenv("PROMOSTREAM_KAFKA");
}

int64_t test_now_ms(void) {
    return clock_monotonic_ns() / 1000000;
}

/* ---- a world of topics, and members in it ---- */

static void world_name(struct world *world, const char *bootstrap_servers, const char *name) {
    c11_threads_use();
    *world = (struct world){.bootstrap_servers = bootstrap_servers};
    int64_t now_ms = clock_now_ms(clock_system());
    snprintf(world->prefix, sizeof world->prefix, "t%lld-%s-", (long long)now_ms, name);
    snprintf(world->group, sizeof world->group, "%sgroup", world->prefix);
    bool is_loud = getenv("PROMOSTREAM_TEST_LOG") != NULL;
    world->log = log_to(is_loud ? stderr : NULL, LOG_DEBUG, LOG_TEXT, clock_system());
}

static void world_connect(struct world *world) {
    struct failure failure = producer_simple_open(world->bootstrap_servers, NULL, &world->producer);
    assert_string_equal(failure.text, "");
}

void world_open(struct world *world, const char *name) {
    world_open_on(world, test_kafka_address(), name);
}

void world_open_on(struct world *world, const char *bootstrap_servers, const char *name) {
    world_name(world, bootstrap_servers, name);
    world->topics =
        (struct topics){.prefix = world->prefix, .partitions = PARTITIONS, .create = true};
    topics_resolve(&world->topics);
    struct failure failure =
        topics_create(&world->topics, world->bootstrap_servers, NULL, &world->log);
    assert_string_equal(failure.text, "");
    world_connect(world);
}

void world_open_at(struct world *world, const char *bootstrap_servers, const char *name) {
    world_name(world, bootstrap_servers, name);
    world->topics = (struct topics){.partitions = PARTITIONS};
    topics_resolve(&world->topics);
    world_connect(world);
}

void world_close(struct world *world) {
    producer_simple_close(world->producer);
    topics_clean_up(&world->topics);
}

void feed(struct world *world, enum topic topic, int32_t partition, int count) {
    for (int i = 0; i < count; i++) {
        char text[20];
        int size = snprintf(text, sizeof text, "%d", i);
        struct failure failure = producer_simple_send(
            world->producer, world->topics.full[topic], partition, bytes_of("user", 4),
            bytes_of(text, (size_t)size), 1573000000000 + i);
        assert_string_equal(failure.text, "");
    }
    struct failure failure = producer_simple_flush(world->producer, PATIENCE_S * 1000);
    assert_string_equal(failure.text, "");
}

void member_configure(struct member *member, struct world *world, const char *name) {
    *member = (struct member){.world = world};
    member->config = (struct broker_config){.bootstrap_servers = world->bootstrap_servers,
                                            .group_id = world->group,
                                            .worker_name = name,
                                            .auto_offset_reset = "earliest",
                                            .session_timeout_ms = 10000,
                                            .transaction_timeout_ms = 60000,
                                            .commit_deadline_ms = 30000};
}

struct failure member_try_open(struct member *member, struct world *world, const char *name) {
    member_configure(member, world, name);
    return broker_kafka_open(&member->config, &world->topics, &world->log, &member->broker);
}

void member_open(struct member *member, struct world *world, const char *name) {
    struct failure failure = member_try_open(member, world, name);
    assert_string_equal(failure.text, "");
}

static void take_assigned(struct member *member, const struct broker_event *event) {
    member->assigned++;
    member->owned_count = event->assignment_count;
    for (size_t i = 0; i < event->assignment_count; i++) {
        const struct assignment *assignment = &event->assignments[i];
        member->owned[i] = assignment->partition;
        member->committed_epoch[assignment->partition] = assignment->epoch;
        for (int input = 0; input < INPUT_COUNT; input++) {
            member->next[assignment->partition][input] = assignment->next_offset[input];
        }
    }
    /* The event's array is gone after a poll, not after a start. */
    for (size_t i = 0; i < event->assignment_count; i++) {
        struct failure failure = broker_start(member->broker, event->assignments[i].partition,
                                              event->assignments[i].next_offset);
        assert_string_equal(failure.text, "");
    }
}

/* One poll, handled; its failure goes to the caller. */
struct failure member_step(struct member *member, int timeout_ms) {
    struct broker_event event;
    struct failure failure = broker_poll(member->broker, timeout_ms, 1000, &event);
    if (failed(failure)) {
        return failure;
    }
    switch (event.kind) {
    case BROKER_NOTHING:
        break;
    case BROKER_ASSIGNED:
        take_assigned(member, &event);
        break;
    case BROKER_REVOKED:
    case BROKER_LOST:
        member->revoked += event.kind == BROKER_REVOKED;
        member->lost += event.kind == BROKER_LOST;
        member->owned_count = 0;
        break;
    case BROKER_RECORDS:
        for (size_t i = 0; i < event.record_count; i++) {
            const struct record *record = &event.records[i];
            int64_t *next = &member->next[record->partition][record->input];
            assert_true(record->offset >= *next);
            *next = record->offset + 1;
            member->records++;
            if (member->on_record) {
                member->on_record(member->context, record);
            }
        }
        break;
    }
    return failure_none();
}

void member_poll(struct member *member) {
    struct failure failure = member_step(member, POLL_MS);
    assert_string_equal(failure.text, "");
}

struct failure member_await_stop(struct member *member, struct failure failure) {
    int64_t until_ms = test_now_ms() + PATIENCE_S * 1000;
    while (!failed(failure) && test_now_ms() < until_ms) {
        failure = member_step(member, POLL_MS);
    }
    assert_int_equal(failure.action, FAILURE_STOP);
    return failure;
}

rd_kafka_t *open_transactional(const char *bootstrap_servers, const char *id) {
    char text[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap_servers, text, sizeof text);
    rd_kafka_conf_set(conf, "transactional.id", id, text, sizeof text);
    rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    assert_non_null(producer);
    assert_null(rd_kafka_init_transactions(producer, 20000));
    return producer;
}

void add_text(struct epoch *epoch, enum topic topic, int32_t partition, const char *key,
              const char *value) {
    struct buffer *out = epoch_begin(epoch, topic, partition, bytes_of_text(key));
    buffer_append(out, bytes_of_text(value));
    epoch_end(epoch);
}

void member_add_offsets(struct member *member, struct epoch *epoch, int64_t number) {
    for (size_t i = 0; i < member->owned_count; i++) {
        for (int input = 0; input < INPUT_COUNT; input++) {
            epoch_offset(epoch, input, member->owned[i], member->next[member->owned[i]][input],
                         number);
        }
    }
}

/* Submits an epoch with one user-state record and all offsets. */
void member_submit(struct member *member, const char *key, const char *value, int64_t number) {
    struct epoch *epoch = broker_epoch(member->broker);
    add_text(epoch, TOPIC_USER_STATE, 0, key, value);
    member_add_offsets(member, epoch, number);
    struct failure failure = broker_submit(member->broker, epoch);
    assert_string_equal(failure.text, "");
}

bool member_drain(struct member *member) {
    bool committed;
    struct failure failure = broker_drain(member->broker, &committed);
    assert_string_equal(failure.text, "");
    broker_release(member->broker);
    return committed;
}

void see(void *context, const struct record *record) {
    struct seen *seen = context;
    seen->count++;
    seen->tombstones += record->value.data == NULL;
    snprintf(seen->last_key, sizeof seen->last_key, "%.*s", BYTES_ARG(record->key));
    snprintf(seen->last_value, sizeof seen->last_value, "%.*s", BYTES_ARG(record->value));
}

struct seen member_read_state(struct member *member) {
    struct seen seen = {0};
    struct failure failure = broker_read_to_end(member->broker, TOPIC_USER_STATE, 0, see, &seen);
    assert_string_equal(failure.text, "");
    return seen;
}
