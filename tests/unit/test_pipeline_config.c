/* pipeline_config: the file in the repository holds, says every key, and its comments tell the
 * truth; what the tables cannot check is checked. Runs from the top of the tree. */
#include "consumer/pipeline_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct failure load(const char *text, struct pipeline_config *config, char **out_errors) {
    size_t size = 0;
    FILE *errors = open_memstream(out_errors, &size);
    struct failure failure =
        pipeline_config_load_text("x.yaml", text, strlen(text), errors, config);
    fclose(errors);
    return failure;
}

static void assert_refused(const char *text, const char *error) {
    struct pipeline_config config;
    char *errors = NULL;
    struct failure failure = load(text, &config, &errors);
    assert_int_equal(failure.action, FAILURE_STOP);
    if (!strstr(errors, error)) {
        fail_msg("'%s' is not in '%s'", error, errors);
    }
    pipeline_config_clean_up(&config); /* of a refused one: no harm */
    free(errors);
}

static void test_defaults(void **state) {
    (void)state;
    struct pipeline_config config;
    char *errors = NULL;
    struct failure failure = load("{}", &config, &errors);
    assert_string_equal(errors, "");
    assert_false(failed(failure));
    assert_string_equal(config.broker.bootstrap_servers, "127.0.0.1:9092");
    assert_string_equal(config.broker.group_id, "promostream");
    assert_string_equal(config.broker.worker_name, "worker-0");
    assert_string_equal(config.broker.auto_offset_reset, "earliest");
    assert_int_equal(config.broker.transaction_timeout_ms, 60000);
    assert_int_equal(config.broker.commit_deadline_ms, 30000);
    assert_int_equal(config.epoch.interval_ms, 250);
    assert_int_equal(config.epoch.events_max, 200000);
    assert_int_equal(config.epoch.bytes_max, 64 << 20);
    assert_int_equal(config.epoch.backlog_interval_ms, 1000);
    assert_int_equal(config.epoch.micro_batch_max, 64);
    assert_true(config.epoch.ticks);
    assert_string_equal(config.ops.http_listen, "127.0.0.1:9464");
    assert_int_equal(config.ops.log_level, LOG_INFO);
    assert_string_equal(config.topics.full[TOPIC_CLICKSTREAM], "clickstream");
    assert_int_equal(config.decide.mode, MODE_APPRENTICE);
    pipeline_config_clean_up(&config);
    pipeline_config_clean_up(&config);
    free(errors);
}

static void test_every_section_arrives(void **state) {
    (void)state;
    struct pipeline_config config;
    char *errors = NULL;
    struct failure failure =
        load("kafka: {auto_offset_reset: latest, properties: {ssl.ca.location: /x}}\n"
             "topics: {prefix: test.}\n"
             "epoch: {ticks: false}\n"
             "side: {framing: bare}\n"
             "decode: {framing: confluent, schema_id: 7}\n"
             "clean: {lateness: 0s}\n"
             "state: {users_max: 5}\n"
             "triggers: {cart_abandoned: {idle: 20m}}\n"
             "decide: {control_share: 0.2}\n"
             "outcomes: {open_max: 9}\n"
             "learn: {batch_offsets: 7, learners: [{name: other, l1: 2}]}\n"
             "ops: {log_format: json}\n",
             &config, &errors);
    assert_string_equal(errors, "");
    assert_false(failed(failure));
    assert_string_equal(config.broker.auto_offset_reset, "latest");
    assert_int_equal(config.broker.kafka.count, 1);
    assert_string_equal(config.broker.kafka.items[0].name, "ssl.ca.location");
    assert_string_equal(config.topics.full[TOPIC_JOURNAL], "test.journal");
    assert_false(config.epoch.ticks);
    assert_int_equal(config.side.framing, WIRE_BARE);
    assert_int_equal(config.decode.framing, WIRE_CONFLUENT);
    assert_int_equal(config.clean.lateness_ms, 0);
    assert_int_equal(config.state.users_max, 5);
    assert_int_equal(config.triggers.cart_abandoned.idle_ms, 20 * 60000);
    assert_true(config.decide.control_share == 0.2);
    assert_int_equal(config.outcomes.open_max, 9);
    assert_int_equal(config.learn.batch_offsets, 7);
    assert_string_equal(((struct learner_config *)config.learn.learners.items)->name, "other");
    assert_int_equal(config.ops.log_format, LOG_JSON);
    pipeline_config_clean_up(&config);
    free(errors);
}

static void test_refusals(void **state) {
    (void)state;
    assert_refused("kafka: {worker_name: 'a b'}\n", "x.yaml: kafka.worker_name: found 'a b'");
    assert_refused("kafka: {group_id: ''}\n", "x.yaml: kafka.group_id: found ''");
    assert_refused("kafka: {bootstrap_servers: ''}\n", "x.yaml: kafka.bootstrap_servers: found ''");
    assert_refused("kafka: {properties: {sasl.pasword: secret}}\n",
                   "x.yaml: kafka: sasl.pasword: librdkafka knows no such property");
    assert_refused("kafka: {properties: {group.id: other}}\n",
                   "x.yaml: kafka: group.id: set by promostream itself");
    assert_refused("kafka: {commit_deadline: 60s}\n", "x.yaml: kafka.commit_deadline: found 60000");
    assert_refused("kafka: {auto_offset_reset: newest}\n", "x.yaml:1: kafka.auto_offset_reset");
    assert_refused("epok: {}\n", "epoch"); /* the nearest known name */
    assert_refused("decide: {rules: [{trigger: cart_abandoned, offer: nothing_known}]}\n",
                   "x.yaml: decide.rules[0].offer: found nothing_known");
}

static void test_missing_file(void **state) {
    (void)state;
    struct pipeline_config config;
    char *text = NULL;
    size_t size = 0;
    FILE *errors = open_memstream(&text, &size);
    struct failure failure = pipeline_config_load("tests/no_such_file.yaml", errors, &config);
    assert_int_equal(failure.action, FAILURE_STOP);
    assert_null(config.owned);
    fclose(errors);
    free(text);
}

/* ---- The file in the repository ---- */

static char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct buffer text = {0};
    size_t size = 0;
    do {
        size = fread(buffer_reserve(&text, 65536), 1, 65536, file);
        text.size += size;
    } while (size > 0);
    fclose(file);
    buffer_append_byte(&text, 0);
    return (char *)text.data;
}

static void test_repository_file(void **state) {
    (void)state;
    struct pipeline_config config;
    struct failure failure = pipeline_config_load("pipeline.yaml", stderr, &config);
    assert_false(failed(failure));
    assert_int_equal(config.decide.offers.count, 3);
    bool has_rule[TRIGGER_COUNT] = {false};
    const struct rule *rules = config.decide.rules.items;
    for (size_t i = 0; i < config.decide.rules.count; i++) {
        has_rule[rules[i].trigger] = true;
    }
    for (size_t i = 0; i < TRIGGER_COUNT; i++) {
        assert_true(has_rule[i] == (i != TRIGGER_OBSERVE)); /* which never sends */
    }
    pipeline_config_clean_up(&config);
}

/* The name of the key that a line of YAML sets, or false. */
static bool key_of_line(const char *line, char *out, size_t out_size) {
    line += strspn(line, " -#");
    size_t size = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");
    if (size == 0 || size >= out_size || line[size] != ':') {
        return false;
    }
    memcpy(out, line, size);
    out[size] = '\0';
    return true;
}

/* Every key that the tables know, those of offers and rules included, stands in the file, so that
 * it is the manual. */
static void test_repository_file_is_whole(void **state) {
    (void)state;
    char *file = read_file("pipeline.yaml");
    char *defaults = NULL;
    size_t size = 0, keys = 0;
    FILE *out = open_memstream(&defaults, &size);
    pipeline_config_write_defaults(out);
    fclose(out);
    char *rest = defaults;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        char key[64], wanted[66];
        if (line[strspn(line, " ")] == '#' || !key_of_line(line, key, sizeof key)) {
            continue;
        }
        snprintf(wanted, sizeof wanted, "%s:", key);
        if (!strstr(file, wanted)) {
            fail_msg("pipeline.yaml does not say %s", wanted);
        }
        keys++;
    }
    assert_true(keys > 50);
    free(defaults);
    free(file);
}

/* Replaces the value of every "key: value # ... (default X)" by X. */
static void append_with_default(struct buffer *out, const char *line) {
    const char *comment = strstr(line, "(default ");
    const char *colon = strchr(line, ':');
    bool is_key = colon && line[strspn(line, " ")] != '#';
    if (!comment || !is_key || strstr(comment, "(default none)")) {
        buffer_format(out, "%s\n", line);
        return;
    }
    comment += strlen("(default ");
    buffer_format(out, "%.*s: %.*s\n", (int)(colon - line), line, (int)strcspn(comment, ")"),
                  comment);
}

/* A default that a comment claims is the default: loading the claims gives what loading nothing
 * gives. */
static void test_repository_file_tells_defaults(void **state) {
    (void)state;
    char *file = read_file("pipeline.yaml");
    struct buffer claims = {0};
    char *rest = file;
    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        append_with_default(&claims, line);
    }
    struct pipeline_config claimed, real;
    struct failure failure = pipeline_config_load_text("claims", (const char *)claims.data,
                                                       claims.size, stderr, &claimed);
    assert_false(failed(failure));
    failure = pipeline_config_load_text("defaults", "{}", 2, stderr, &real);
    assert_false(failed(failure));
    assert_memory_equal(&claimed.epoch, &real.epoch, sizeof real.epoch);
    assert_memory_equal(&claimed.side, &real.side, sizeof real.side);
    assert_int_equal(claimed.decode.format, real.decode.format);
    assert_int_equal(claimed.decode.framing, real.decode.framing);
    assert_int_equal(claimed.decode.feedback_framing, real.decode.feedback_framing);
    assert_int_equal(claimed.decode.schema_id, real.decode.schema_id);
    assert_string_equal(claimed.decode.schema, real.decode.schema);
    assert_false(mapping_is_given(&claimed.mapping) || registry_is_given(&claimed.registry));
    assert_int_equal(claimed.registry.timeout_ms, real.registry.timeout_ms);
    assert_int_equal(claimed.registry.retry_min_ms, real.registry.retry_min_ms);
    assert_int_equal(claimed.registry.retry_max_ms, real.registry.retry_max_ms);
    assert_true(claimed.registry.register_outputs == real.registry.register_outputs);
    assert_memory_equal(&claimed.state, &real.state, sizeof real.state);
    assert_memory_equal(&claimed.triggers, &real.triggers, sizeof real.triggers);
    assert_memory_equal(&claimed.outcomes, &real.outcomes, sizeof real.outcomes);
    assert_int_equal(claimed.clean.lateness_ms, real.clean.lateness_ms);
    assert_int_equal(claimed.clean.max_skew_ms, real.clean.max_skew_ms);
    assert_true(claimed.clean.price_max == real.clean.price_max);
    assert_int_equal(claimed.broker.session_timeout_ms, real.broker.session_timeout_ms);
    assert_int_equal(claimed.broker.transaction_timeout_ms, real.broker.transaction_timeout_ms);
    assert_int_equal(claimed.broker.commit_deadline_ms, real.broker.commit_deadline_ms);
    assert_string_equal(claimed.broker.worker_name, real.broker.worker_name);
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        assert_string_equal(claimed.topics.full[topic], real.topics.full[topic]);
    }
    assert_int_equal(claimed.topics.partitions, real.topics.partitions);
    assert_memory_equal(&claimed.decide.quiet_hours, &real.decide.quiet_hours,
                        sizeof real.decide.quiet_hours);
    assert_true(claimed.decide.control_share == real.decide.control_share);
    assert_true(claimed.decide.none_share == real.decide.none_share);
    assert_true(claimed.decide.trial_share == real.decide.trial_share);
    assert_true(claimed.decide.epsilon == real.decide.epsilon);
    assert_true(claimed.decide.min_gain == real.decide.min_gain);
    assert_true(claimed.decide.contact_cost == real.decide.contact_cost);
    assert_true(claimed.decide.fatigue_cost == real.decide.fatigue_cost);
    assert_int_equal(claimed.decide.cap_per_user_day, real.decide.cap_per_user_day);
    assert_int_equal(claimed.decide.cap_per_user_week, real.decide.cap_per_user_week);
    assert_int_equal(claimed.decide.attribution_window_ms, real.decide.attribution_window_ms);
    assert_string_equal(claimed.decide.explore_salt, real.decide.explore_salt);
    assert_int_equal(claimed.learn.batch_offsets, real.learn.batch_offsets);
    assert_int_equal(claimed.learn.publish_interval_ms, real.learn.publish_interval_ms);
    assert_int_equal(claimed.learn.alarm_decisions_min, real.learn.alarm_decisions_min);
    assert_true(claimed.learn.alarm_ratio == real.learn.alarm_ratio);
    assert_int_equal(claimed.learn.arm_decisions_min, real.learn.arm_decisions_min);
    assert_int_equal(claimed.learn.arm_age_min_ms, real.learn.arm_age_min_ms);
    assert_string_equal(claimed.ops.http_listen, real.ops.http_listen);
    assert_int_equal(claimed.ops.stall_after_ms, real.ops.stall_after_ms);
    assert_int_equal(claimed.ops.pushes_per_second_max, real.ops.pushes_per_second_max);
    pipeline_config_clean_up(&claimed);
    pipeline_config_clean_up(&real);
    buffer_clean_up(&claims);
    free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_section_arrives),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_repository_file),
        cmocka_unit_test(test_repository_file_is_whole),
        cmocka_unit_test(test_repository_file_tells_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
