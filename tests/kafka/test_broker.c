/* The seam on a real Kafka. Each test has its own topics (prefix) and group. Address: PROMOSTREAM_KAFKA. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "broker/broker.h"
#include "broker/producer_simple.h"

#define POLL_MS    200
#define PATIENCE_S 60
#define PARTITIONS 2

static const char *address(void) {
    return getenv("PROMOSTREAM_KAFKA");
}

static int64_t now_ms(void) {
    return clock_monotonic_ns() / 1000000;
}

/* ---- a world of topics, and members in it ---- */

struct world {
    struct topics topics;
    struct log_sink log;
    char prefix[60], group[70];
    struct producer_simple *producer;
};

static void world_open(struct world *world, const char *name) {
    *world = (struct world){0};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(world->prefix, sizeof world->prefix, "t%lld-%s-", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000,
             name);
    snprintf(world->group, sizeof world->group, "%sgroup", world->prefix);
    bool is_loud = getenv("PROMOSTREAM_TEST_LOG") != NULL;
    world->log = log_to(is_loud ? stderr : NULL, LOG_DEBUG, LOG_TEXT, clock_system());
    world->topics = (struct topics){.prefix = world->prefix, .partitions = PARTITIONS, .create = true};
    topics_resolve(&world->topics);
    struct failure failure = topics_create(&world->topics, address(), NULL, &world->log);
    assert_string_equal(failure.text, "");
    failure = producer_simple_open(address(), NULL, &world->producer);
    assert_string_equal(failure.text, "");
}

static void world_close(struct world *world) {
    producer_simple_close(world->producer);
    topics_clean_up(&world->topics);
}

static void feed(struct world *world, enum topic topic, int32_t partition, int count) {
    for (int i = 0; i < count; i++) {
        char text[20];
        int size = snprintf(text, sizeof text, "%d", i);
        struct failure failure =
            producer_simple_send(world->producer, world->topics.full[topic], partition, bytes_of("user", 4),
                                 bytes_of(text, (size_t)size), 1573000000000 + i);
        assert_string_equal(failure.text, "");
    }
    struct failure failure = producer_simple_flush(world->producer, 10000);
    assert_string_equal(failure.text, "");
}

struct member {
    struct world *world;
    struct broker_config config;
    struct broker *broker;
    int32_t owned[PARTITIONS];
    size_t owned_count;
    int64_t next[PARTITIONS][INPUT_COUNT];
    int64_t committed_epoch[PARTITIONS];
    int64_t records;
    int assigned, revoked, lost;
};

static struct failure member_try_open(struct member *member, struct world *world, const char *name) {
    *member = (struct member){.world = world};
    member->config = (struct broker_config){.bootstrap_servers = address(),
                                            .group_id = world->group,
                                            .worker_name = name,
                                            .auto_offset_reset = "earliest",
                                            .session_timeout_ms = 10000,
                                            .transaction_timeout_ms = 60000,
                                            .commit_deadline_ms = 30000};
    return broker_kafka_open(&member->config, &world->topics, &world->log, &member->broker);
}

static void member_open(struct member *member, struct world *world, const char *name) {
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
        struct failure failure =
            broker_start(member->broker, event->assignments[i].partition, event->assignments[i].next_offset);
        assert_string_equal(failure.text, "");
    }
}

/* One poll, handled; its failure goes to the caller. */
static struct failure member_step(struct member *member, int timeout_ms) {
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
        }
        break;
    }
    return failure_none();
}

static void member_poll(struct member *member) {
    struct failure failure = member_step(member, POLL_MS);
    assert_string_equal(failure.text, "");
}

#define POLL_UNTIL(member, condition)                                                              \
    do {                                                                                           \
        int64_t until = now_ms() + PATIENCE_S * 1000;                                              \
        while (!(condition) && now_ms() < until) {                                                 \
            member_poll(member);                                                                   \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

static void add_text(struct epoch *epoch, enum topic topic, int32_t partition, const char *key, const char *value) {
    struct buffer *out = epoch_begin(epoch, topic, partition, bytes_of_text(key));
    buffer_append(out, bytes_of_text(value));
    epoch_end(epoch);
}

static void add_offsets(struct member *member, struct epoch *epoch, int64_t number) {
    for (size_t i = 0; i < member->owned_count; i++) {
        for (int input = 0; input < INPUT_COUNT; input++) {
            epoch_offset(epoch, input, member->owned[i], member->next[member->owned[i]][input], number);
        }
    }
}

/* Submits an epoch with one user-state record and all offsets. */
static void member_submit(struct member *member, const char *key, const char *value, int64_t number) {
    struct epoch *epoch = broker_epoch(member->broker);
    add_text(epoch, TOPIC_USER_STATE, 0, key, value);
    add_offsets(member, epoch, number);
    struct failure failure = broker_submit(member->broker, epoch);
    assert_string_equal(failure.text, "");
}

static bool member_drain(struct member *member) {
    bool committed;
    struct failure failure = broker_drain(member->broker, &committed);
    assert_string_equal(failure.text, "");
    broker_release(member->broker);
    return committed;
}

struct seen {
    int count, tombstones;
    char last_key[20], last_value[20];
};

static void see(void *context, const struct record *record) {
    struct seen *seen = context;
    seen->count++;
    seen->tombstones += record->value.data == NULL;
    snprintf(seen->last_key, sizeof seen->last_key, "%.*s", BYTES_ARG(record->key));
    snprintf(seen->last_value, sizeof seen->last_value, "%.*s", BYTES_ARG(record->value));
}

static struct seen read_state(struct member *member) {
    struct seen seen = {0};
    struct failure failure = broker_read_to_end(member->broker, TOPIC_USER_STATE, 0, see, &seen);
    assert_string_equal(failure.text, "");
    return seen;
}

/* ---- tests ---- */

static void test_topics_created_pass_the_check(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "check");
    struct topic_finding findings[2 * TOPIC_COUNT];
    size_t count;
    struct failure failure =
        topics_check(&world.topics, address(), NULL, findings, 2 * TOPIC_COUNT, &count);
    assert_string_equal(failure.text, "");
    assert_int_equal(count, TOPIC_COUNT);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(findings[i].level, FINDING_OK);
    }
    world.topics.partitions = PARTITIONS + 1;
    failure = topics_create(&world.topics, address(), NULL, &world.log);
    assert_int_equal(failure.action, FAILURE_STOP);
    failure = topics_check(&world.topics, address(), NULL, findings, 2 * TOPIC_COUNT, &count);
    assert_string_equal(failure.text, "");
    assert_int_equal(findings[0].level, FINDING_ERROR);
    world.topics.partitions = PARTITIONS;

    /* Somebody made the inputs with a broker's defaults. */
    bool created;
    char *name = world.topics.full[TOPIC_CONTROL];
    world.topics.full[TOPIC_CONTROL] = "absent";
    failure = topics_check(&world.topics, address(), NULL, findings, 2 * TOPIC_COUNT, &count);
    assert_string_equal(failure.text, "");
    assert_int_equal(findings[TOPIC_CONTROL].level, FINDING_ERROR);
    world.topics.full[TOPIC_CONTROL] = name;
    char other[100];
    snprintf(other, sizeof other, "%sother", world.prefix);
    failure = producer_simple_create_topic(world.producer, other, 3, 1, &created);
    assert_string_equal(failure.text, "");
    assert_true(created);
    failure = producer_simple_create_topic(world.producer, other, 3, 1, &created);
    assert_string_equal(failure.text, "");
    assert_false(created);
    world_close(&world);
}

static void test_round_trip(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "round");
    feed(&world, TOPIC_CLICKSTREAM, 0, 100);
    feed(&world, TOPIC_CLICKSTREAM, 1, 50);
    feed(&world, TOPIC_PUSH_FEEDBACK, 1, 7);
    struct member member;
    member_open(&member, &world, "w-0");
    POLL_UNTIL(&member, member.records == 157);
    assert_int_equal(member.assigned, 1);
    assert_int_equal(member.owned_count, PARTITIONS);
    assert_int_equal(member.committed_epoch[0], -1);
    member_submit(&member, "u1", "v1", 41);
    assert_true(member_drain(&member));
    struct epoch *epoch = broker_epoch(member.broker);
    add_text(epoch, TOPIC_USER_STATE, 0, "u2", "");
    epoch_tombstone(epoch, TOPIC_USER_STATE, 0, bytes_of_text("u1"));
    add_offsets(&member, epoch, 42);
    struct failure failure = broker_submit(member.broker, epoch);
    assert_string_equal(failure.text, "");
    assert_true(member_drain(&member));

    struct seen seen = read_state(&member);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.tombstones, 1);
    /* The same partition again: an old position must not end the read before it began. */
    seen = read_state(&member);
    assert_int_equal(seen.count, 3);
    int64_t end, position;
    failure = broker_log_end(member.broker, INPUT_CLICKSTREAM, 0, &end);
    assert_string_equal(failure.text, "");
    failure = broker_position(member.broker, INPUT_CLICKSTREAM, 0, &position);
    assert_string_equal(failure.text, "");
    assert_int_equal(end, 100);
    assert_int_equal(position, 100);
    assert_int_equal(metric_get(&broker_metrics_of(member.broker)->epochs_committed_total), 2);
    broker_close(member.broker);

    /* Restart in place: nothing is read again, and the epoch's number comes back. */
    struct member again;
    member_open(&again, &world, "w-0");
    POLL_UNTIL(&again, again.assigned == 1);
    assert_int_equal(again.next[0][INPUT_CLICKSTREAM], 100);
    assert_int_equal(again.next[1][INPUT_CLICKSTREAM], 50);
    assert_int_equal(again.next[1][INPUT_FEEDBACK], 7);
    assert_int_equal(again.next[0][INPUT_FEEDBACK], 0); /* resolved at the first start */
    assert_int_equal(again.committed_epoch[0], 42);
    feed(&world, TOPIC_CLICKSTREAM, 0, 3);
    POLL_UNTIL(&again, again.records == 3);
    broker_release(again.broker);
    broker_close(again.broker);
    world_close(&world);
}

int main(void) {
    if (!address()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics_created_pass_the_check),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
