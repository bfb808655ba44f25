#include "broker/topics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_the_prefix_is_for_default_names_only(void **state) {
    (void)state;
    struct topics topics = {.prefix = "blue.",
                            .name = {[TOPIC_CLICKSTREAM] = "shop.events", [TOPIC_MODEL] = "model"}};
    topics_resolve(&topics);
    assert_string_equal(topics.full[TOPIC_CLICKSTREAM], "shop.events");
    assert_string_equal(topics.full[TOPIC_MODEL], "model");
    assert_string_equal(topics.full[TOPIC_PUSH_FEEDBACK], "blue.push-feedback");
    assert_string_equal(topics.full[TOPIC_PROFILES], "blue.profiles");
    topics.prefix = "";
    topics.name[TOPIC_CLICKSTREAM] = "";
    topics_resolve(&topics);
    assert_string_equal(topics.full[TOPIC_CLICKSTREAM], "clickstream");
    topics_clean_up(&topics);
    assert_null(topics.full[TOPIC_CLICKSTREAM]);
    topics_clean_up(&topics);
}

static void test_names_are_distinct(void **state) {
    (void)state;
    for (int a = 0; a < TOPIC_COUNT; a++) {
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(topic_default_name((enum topic)a),
                                    topic_default_name((enum topic)b));
        }
    }
}

static void test_what_is_kept_how(void **state) {
    (void)state;
    assert_true(topic_is_compacted(TOPIC_USER_STATE));
    assert_true(topic_is_compacted(TOPIC_OPEN_DECISIONS));
    assert_false(topic_is_compacted(TOPIC_CONTROL));
    assert_false(topic_is_compacted(TOPIC_JOURNAL));
    assert_true(topic_is_kept_forever(TOPIC_CLICKSTREAM));
    assert_false(topic_is_kept_forever(TOPIC_PROMOTION_PUSHES));
    assert_int_equal(topic_partitions_of(TOPIC_EXAMPLES), TOPIC_PARTITIONS_ONE);
    assert_int_equal(topic_partitions_of(TOPIC_CATALOGUE), TOPIC_PARTITIONS_FREE);
    assert_int_equal(topic_partitions_of(TOPIC_JOURNAL), TOPIC_PARTITIONS_P);
}

/* One key for each topic, named after it with '_', and each at its own place of struct topics. */
static void test_the_table_has_every_topic(void **state) {
    (void)state;
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        char name[40];
        strncpy(name, topic_default_name((enum topic)topic), sizeof name - 1);
        name[sizeof name - 1] = '\0';
        for (char *c = name; *c; c++) {
            *c = *c == '-' ? '_' : *c;
        }
        int found = 0;
        for (size_t i = 0; i < topics_config.key_count; i++) {
            const struct config_key *key = &topics_config.keys[i];
            if (strcmp(key->name, name) == 0) {
                found++;
                assert_int_equal(key->offset, offsetof(struct topics, name) +
                                                  (size_t)topic * sizeof(const char *));
                assert_string_equal(key->default_text, "");
            }
            assert_non_null(key->help);
        }
        assert_int_equal(found, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_prefix_is_for_default_names_only),
        cmocka_unit_test(test_names_are_distinct),
        cmocka_unit_test(test_what_is_kept_how),
        cmocka_unit_test(test_the_table_has_every_topic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
