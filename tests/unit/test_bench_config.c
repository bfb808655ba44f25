/* bench_config: the run under measurement writes to its own topics, whatever the file names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "consumer/bench/bench_config.h"
#include "schemas/schemas.h"

static struct pipeline_config load(struct bytes text) {
    struct pipeline_config config;
    struct failure failure =
        pipeline_config_load_text("test.yaml", (const char *)text.data, text.size, stderr, &config);
    assert_false(failed(failure));
    return config;
}

/* Loads the text with another prefix; every topic must stand behind it. */
static struct pipeline_config load_with_prefix(const char *text) {
    struct buffer made = {0};
    bench_config_with_prefix(bytes_of_text(text), "bench-abc-", 3, &made);
    struct pipeline_config config = load(buffer_bytes(&made));
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        assert_memory_equal(config.topics.full[topic], "bench-abc-", 10);
    }
    assert_int_equal(config.topics.replication_factor, 3);
    assert_int_equal(config.topics.partitions, 0);
    assert_true(config.topics.create);
    buffer_clean_up(&made);
    return config;
}

static void no_topic_of_the_file_is_left(void **state) {
    (void)state;
    struct pipeline_config config =
        load_with_prefix("topics:\n  prefix: live-\n\n# of the shop\n  clickstream: shop.clicks\n"
                         "  partitions: 4\n  create: false\n"
                         "epoch:\n  interval: 100ms\n");
    assert_int_equal(config.epoch.interval_ms, 100);
    pipeline_config_clean_up(&config);
}

static void forms_of_a_section(void **state) {
    (void)state;
    const char *const texts[] = {
        "",
        "topics: {clickstream: shop.clicks}",
        "epoch: {interval: 100ms}\ntopics:\n  clickstream: shop.clicks",
        "topics: # ours\n  user_state: shop.users\nepoch: {interval: 100ms}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pipeline_config config = load_with_prefix(texts[i]);
        assert_int_equal(config.epoch.interval_ms, i >= 2 ? 100 : 250);
        pipeline_config_clean_up(&config);
    }
}

static void only_our_own_events_are_measured(void **state) {
    (void)state;
    const struct {
        const char *text;
        bool is_good;
    } cases[] = {
        {"epoch: {interval: 100ms}", true},
        {"decode: {framing: confluent}", false},
        {"decode: {framing: bare}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pipeline_config config = load(bytes_of_text(cases[i].text));
        assert_int_equal(failed(bench_config_check(&config)), !cases[i].is_good);
        pipeline_config_clean_up(&config);
    }
}

int main(void) {
    schemas_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_topic_of_the_file_is_left),
        cmocka_unit_test(forms_of_a_section),
        cmocka_unit_test(only_our_own_events_are_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
