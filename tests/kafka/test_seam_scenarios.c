/* The simulator's scenarios on a real broker: they must end the same way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>

#include "tests/simulation/scenarios.h"
#include "tests/support/kafka_member.h"

#define WAIT_MS 20000

struct kafka_stage {
    struct stage stage;
    struct world world;
    struct member members[8]; /* their configurations: one of each opening */
    size_t member_count;
    rd_kafka_t *open;
};

static struct kafka_stage *of(struct stage *stage) {
    return (struct kafka_stage *)stage;
}

static struct failure open_member(struct stage *stage, const char *worker, struct broker **out) {
    struct kafka_stage *kafka = of(stage);
    struct member *member = &kafka->members[kafka->member_count++];
    member_configure(member, &kafka->world, worker);
    return broker_kafka_open(&member->config, &kafka->world.topics, &kafka->world.log, out);
}

/* A producer of its own, with a transaction begun. */
static rd_kafka_t *begin(const struct kafka_stage *kafka, const char *id) {
    rd_kafka_t *producer = open_transactional(kafka->world.bootstrap_servers, id);
    assert_null(rd_kafka_begin_transaction(producer));
    return producer;
}

static void produce(const struct kafka_stage *kafka, rd_kafka_t *producer, enum topic topic,
                    int32_t partition, const char *text) {
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(kafka->world.topics.full[topic]),
                                       RD_KAFKA_V_PARTITION(partition),
                                       RD_KAFKA_V_KEY(text, strlen(text)),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t)text, strlen(text)),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     0);
}

static void feed_stage(struct stage *stage, enum topic topic, int32_t partition, int count,
                       enum feed_manner manner) {
    struct kafka_stage *kafka = of(stage);
    if (manner == FEED_PLAIN) {
        feed(&kafka->world, topic, partition, count);
        return;
    }
    rd_kafka_t *shop = begin(kafka, kafka->world.prefix);
    for (int i = 0; i < count; i++) {
        produce(kafka, shop, topic, partition, "record");
    }
    assert_int_equal(rd_kafka_flush(shop, WAIT_MS), 0);
    assert_null(manner == FEED_COMMITTED ? rd_kafka_commit_transaction(shop, WAIT_MS)
                                         : rd_kafka_abort_transaction(shop, WAIT_MS));
    rd_kafka_destroy(shop);
}

static void id_of(const struct kafka_stage *kafka, const char *worker, char *out, size_t size) {
    (void)snprintf(out, size, "%s-%s", kafka->world.group, worker);
}

static void leave_open(struct stage *stage, const char *worker) {
    struct kafka_stage *kafka = of(stage);
    char id[160];
    id_of(kafka, worker, id, sizeof id);
    kafka->open = begin(kafka, id);
    produce(kafka, kafka->open, TOPIC_USER_STATE, 0, "ghost");
    assert_int_equal(rd_kafka_flush(kafka->open, WAIT_MS), 0);
}

static void end_open(struct stage *stage, bool commits) {
    struct kafka_stage *kafka = of(stage);
    assert_null(commits ? rd_kafka_commit_transaction(kafka->open, WAIT_MS)
                        : rd_kafka_abort_transaction(kafka->open, WAIT_MS));
}

static void fence(struct stage *stage, const char *worker) {
    struct kafka_stage *kafka = of(stage);
    char id[160];
    id_of(kafka, worker, id, sizeof id);
    rd_kafka_destroy(begin(kafka, id)); /* what is begun and empty was never told to the broker */
}

static int64_t now_ms(struct stage *stage) {
    (void)stage;
    return test_now_ms();
}

static void run(scenario *scenario_run, const char *name) {
    struct kafka_stage kafka = {.stage = {.open = open_member,
                                          .feed = feed_stage,
                                          .leave_open = leave_open,
                                          .end_open = end_open,
                                          .fence = fence,
                                          .now_ms = now_ms}};
    world_open(&kafka.world, name);
    scenario_run(&kafka.stage);
    assert_string_equal(kafka.stage.trouble, "");
    if (kafka.open) {
        rd_kafka_destroy(kafka.open);
    }
    world_close(&kafka.world);
}

#define SCENARIO_TEST(function, text)                                                              \
    static void test_##function(void **state) {                                                    \
        (void)state;                                                                               \
        run(function, #function + sizeof "scenario");                                              \
    }
SCENARIOS(SCENARIO_TEST)

#define SCENARIO_ENTRY(function, text) cmocka_unit_test(test_##function),
int main(void) {
    const struct CMUnitTest tests[] = {SCENARIOS(SCENARIO_ENTRY)};
    return test_kafka_address() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
