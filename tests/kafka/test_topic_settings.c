/* Settings of topics that matter beyond their policy, on a real Kafka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "tests/support/kafka_member.h"

/* A worker that lags must find the rows of a version whole. */
static void test_a_followed_topic_is_not_compacted_at_once(void **state) {
    (void)state;
    struct world world;
    world_open(&world, "lag");
    bool created;
    char other[100];
    char *name = world.topics.full[TOPIC_MODEL];
    snprintf(other, sizeof other, "%sother", world.prefix);
    struct failure failure = producer_simple_create_topic(world.producer, other, 1, 1, &created);
    assert_string_equal(failure.text, "");
    for (int is_other = 0; is_other < 2; is_other++) {
        struct topic_finding findings[2 * TOPIC_COUNT];
        size_t count, warned = 0;
        world.topics.full[TOPIC_MODEL] = is_other ? other : name;
        failure = topics_check(&world.topics, test_kafka_address(), NULL, findings, 2 * TOPIC_COUNT,
                               &count);
        assert_string_equal(failure.text, "");
        for (size_t i = 0; i < count; i++) {
            warned += strstr(findings[i].text, "min.compaction.lag.ms=0 takes rows") != NULL;
        }
        assert_int_equal(warned, is_other);
    }
    world.topics.full[TOPIC_MODEL] = name;
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_followed_topic_is_not_compacted_at_once),
    };
    return test_kafka_address() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
