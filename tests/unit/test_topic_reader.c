/* topic_reader: where a key goes. The expected hashes are those of Kafka's own tests
 * (UtilsTest.testMurmur2), the partitions beyond them are librdkafka's. What it reads is tested on
 * a real Kafka: tests/kafka/test_topic_reader.c. */
#include "broker/topic_reader.h"

#include <librdkafka/rdkafka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_java_values(void **state) {
    (void)state;
    static const struct {
        const char *key;
        int32_t hash;
    } cases[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t wanted = cases[i].hash & INT32_MAX;
        int32_t found = topic_partition_of_key(bytes_of_text(cases[i].key), INT32_MAX);
        assert_int_equal(found, wanted % INT32_MAX);
    }
}

static void test_as_librdkafka(void **state) {
    (void)state;
    char key[64];
    for (int i = 0; i < 5000; i++) {
        int size = snprintf(key, sizeof key, "%.*s\xff-%d", i % 40,
                            "0123456789\xf0\x9f\x98\x80"
                            "abcdefghijklmnopqrstuvwxyz",
                            i);
        for (int32_t partitions = 1; partitions < 20; partitions += 6) {
            assert_int_equal(
                topic_partition_of_key(bytes_of(key, (size_t)size), partitions),
                rd_kafka_msg_partitioner_murmur2(NULL, key, (size_t)size, partitions, NULL, NULL));
        }
    }
    assert_int_equal(topic_partition_of_key(bytes_of(NULL, 0), 7),
                     rd_kafka_msg_partitioner_murmur2(NULL, "", 0, 7, NULL, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_java_values),
        cmocka_unit_test(test_as_librdkafka),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
