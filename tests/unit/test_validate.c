/* validate, its pure parts: detectable effect, capacity, findings, the sample's verdicts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "consumer/commands/capacity.h"
#include "consumer/commands/commands.h"
#include "consumer/commands/power.h"
#include "consumer/commands/sample_check.h"
#include "consumer/side/side_table.h"
#include "schemas/schemas.h"
#include "tests/support/stream.h"
#include "tests/support/temp_file.h"

static void assert_has(struct buffer *out, const char *wanted) {
    buffer_append_byte(out, 0);
    out->size--;
    if (!strstr((const char *)out->data, wanted)) {
        fail_msg("'%s' is not in:\n%s", wanted, (const char *)out->data);
    }
}

static json_t *parse(const struct buffer *out) {
    json_t *value = json_loadb((const char *)out->data, out->size, 0, NULL);
    assert_non_null(value);
    return value;
}

/* ---- Detectable effect ---- */

/* Textbook sizes per group at alpha .05 and power .80, equal groups, no continuity correction: .10
 * against .20 needs 199, .05 against .10 needs 435, .50 against .60 needs 388. */
static void test_power_of_tables(void **state) {
    (void)state;
    const struct {
        double p0, p1, size;
    } rows[] = {{0.10, 0.20, 199}, {0.05, 0.10, 435}, {0.50, 0.60, 388}};
    for (size_t i = 0; i < 3; i++) {
        struct power_plan plan = {
            .users = 2 * rows[i].size, .control_share = 0.5, .base_rate = rows[i].p0};
        assert_true(fabs(power_detectable(&plan) - (rows[i].p1 - rows[i].p0)) < 0.0003);
    }
}

static void test_power_moves(void **state) {
    (void)state;
    struct power_plan plan = {.users = 100000, .control_share = 0.1, .base_rate = 0.05};
    double rise = power_detectable(&plan);
    assert_true(rise > 0.006 && rise < 0.0075);
    plan.control_share = 0.05; /* the smaller group decides */
    assert_true(power_detectable(&plan) > 1.3 * rise);
    plan.control_share = 0.1;
    plan.users = 400000;
    assert_true(fabs(power_detectable(&plan) / rise - 0.5) < 0.02);
}

static void test_power_of_nothing(void **state) {
    (void)state;
    struct power_plan plan = {.users = 100000, .control_share = 0, .base_rate = 0.05};
    assert_true(isnan(power_detectable(&plan)));
    plan.control_share = 0.1;
    plan.users = 99; /* nine users in the control group */
    assert_true(isnan(power_detectable(&plan)));
    struct buffer out = {0};
    power_write(&plan, &out);
    assert_has(&out, "no difference can be shown");
    buffer_clear(&out);
    power_write_json(&plan, &out);
    json_t *value = parse(&out);
    assert_true(json_is_null(json_object_get(value, "detectable_rise")));
    json_decref(value);
    buffer_clean_up(&out);
}

/* ---- Capacity ---- */

static void test_capacity(void **state) {
    (void)state;
    struct learner_config learner = {
        .name = "logistic", .kind = "logistic", .bits = 18, .alpha = 0.01, .prior_p = 0.1};
    struct pipeline_config config = {
        .learn.learners = {&learner, 1},
        .state.users_max = 1000000,
        .epoch.events_max = 20000,
        .side.catalogue_rows_max = 1000,
        .outcomes.open_max = 200000,
    };
    struct capacity one = capacity_plan(&config, 1);
    struct capacity eight = capacity_plan(&config, 8);
    assert_true(one.user_bytes > sizeof(struct user_state) && one.user_bytes < 1200);
    assert_true(fabs(eight.users_bytes / one.users_bytes - 8) < 1e-9);
    assert_true(eight.side_bytes == one.side_bytes);
    assert_true(fabs(eight.open_bytes / one.open_bytes - 8) < 1e-9);
    assert_true(eight.learner_bytes == one.learner_bytes);
    assert_true(one.learner_bytes > 4.0 * (1 << 18) * 8); /* weights and n of the default table */
    config.state.users_max = 1000;                        /* then no more than 4,000 can be open */
    assert_true(fabs(one.open_bytes / capacity_plan(&config, 1).open_bytes - 50) < 1e-9);
    config.state.users_max = 1000000;
    assert_true(capacity_plan(&config, 0).partitions == 1);
    struct buffer out = {0};
    capacity_write(&eight, &config, &out);
    assert_has(&out, "capacity: 8 partitions x 1,000,000 users x ");
    buffer_clear(&out);
    capacity_write_json(&eight, &out);
    json_t *value = parse(&out);
    assert_int_equal(json_integer_value(json_object_get(value, "partitions")), 8);
    static const char *const parts[] = {"users_bytes", "open_bytes",  "learner_bytes",
                                        "side_bytes",  "epoch_bytes", "queue_bytes"};
    double sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        sum += json_number_value(json_object_get(value, parts[i]));
    }
    assert_true(fabs(sum - json_number_value(json_object_get(value, "total_bytes"))) < 10);
    json_decref(value);
    buffer_clean_up(&out);
}

/* Each learner by the memory of its own kind and options: here tables of 2^20 rows of 16 floats. */
static void test_capacity_knows_kinds(void **state) {
    (void)state;
    static const char text[] =
        "learn:\n"
        "  learners:\n"
        "    - {name: small, bits: 10}\n"
        "    - {name: pairs, kind: fm, role: challenger, options: {bits: 20, k: 16}}\n"
        "    - {name: net, kind: dnn, role: challenger,\n"
        "       options: {embedding_bits: 20, layers: 'embedding:16 dense:64:relu dense:1'}}\n";
    struct pipeline_config config;
    assert_false(
        failed(pipeline_config_load_text("capacity.yaml", text, strlen(text), stderr, &config)));
    double rows = (double)(1 << 20) * 16 * sizeof(float);
    double all = capacity_plan(&config, 1).learner_bytes;
    config.learn.learners.count = 2; /* without the net */
    double two = capacity_plan(&config, 1).learner_bytes;
    config.learn.learners.count = 1;
    double one = capacity_plan(&config, 1).learner_bytes;
    config.learn.learners.count = 3;
    assert_true(two - one > 4 * rows && all - two > 4 * rows && one < rows);
    pipeline_config_clean_up(&config);
}

/* The plan's open decision is not smaller than real ones of two learners and three offers. */
static void test_open_decisions_fit_the_plan(void **state) {
    (void)state;
    static const struct stream_options options = {
        .records = 3000, .users = 300, .gap_ms_max = 10000, .has_ids = true};
    struct stream stream = {0};
    struct bench bench;
    schemas_init();
    stream_random(&stream, 1, &options);
    bench_init(&bench,
               "learn: {learners: [{name: one, bits: 10},\n"
               "                   {name: two, bits: 10, role: challenger}]}\n"
               "triggers: {cart_abandoned: {idle: 10m}}\n"
               "decide:\n"
               "  mode: live\n"
               "  offers: [{id: ten, kind: percent_off, value: 10, title: t, body: b},\n"
               "           {id: free, kind: free_shipping, title: t, body: b},\n"
               "           {id: rem, kind: reminder, title: t, body: b}]\n",
               64);
    bench_epoch(&bench, stream.records, stream.count, NULL);
    double rows = (double)side_table_count(bench.partition.open_rows);
    bench.config->state.users_max = 1000;
    double planned = capacity_plan(bench.config, 1).open_bytes / (USER_OPEN_MAX * 1000);
    assert_true(rows > 100);
    double bytes = (double)side_table_memory_bytes(bench.partition.open_rows) / rows;
    print_message("an open decision: %.0f bytes, planned %.0f\n", bytes, planned);
    assert_true(bytes <= planned && bytes > planned / 4);
    bench_clean_up(&bench);
    stream_clean_up(&stream);
}

/* ---- Findings ---- */

static void test_findings(void **state) {
    (void)state;
    struct findings findings = {0};
    findings_add(&findings, FINDING_ERROR, "topic a", "is %s", "missing");
    for (int i = 0; i < 40; i++) {
        findings_add(&findings, FINDING_OK, "topic b", "row %d", i);
    }
    findings_add(&findings, FINDING_WARNING, "topic c", "odd\x1b[0m \"name\"");
    assert_int_equal(findings_count(&findings, FINDING_ERROR), 1);
    assert_int_equal(findings_count(&findings, FINDING_OK), 40);
    struct buffer out = {0};
    findings_write(&findings, &out);
    assert_has(&out, "ok: topic b: row 39\nwarning: topic c: odd\\x1b[0m \"name\"\n"
                     "error: topic a: is missing\n"); /* errors last */
    buffer_clear(&out);
    findings_write_json(&findings, &out);
    json_t *value = parse(&out);
    assert_int_equal(json_array_size(value), 42);
    json_decref(value);
    buffer_clean_up(&out);
    findings_clean_up(&findings);
    findings_clean_up(&findings);
}

/* ---- Sample ---- */

#define NOW_MS 1793520000000

struct sample_fixture {
    struct pipeline_config config;
    struct sample_check check;
    struct findings findings;
};

static int set_up(void **state) {
    schemas_init();
    struct sample_fixture *fixture = memory_new(1, sizeof *fixture);
    fixture->config.topics.full[TOPIC_CLICKSTREAM] = memory_copy_text(bytes_of_text("clickstream"));
    fixture->config.clean.max_skew_ms = 300000;
    sample_check_init(&fixture->check, &fixture->config, NULL, SAMPLE_TOPIC, "clickstream");
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct sample_fixture *fixture = *state;
    sample_check_clean_up(&fixture->check);
    findings_clean_up(&fixture->findings);
    free(fixture->config.topics.full[TOPIC_CLICKSTREAM]);
    free(fixture);
    return 0;
}

static void add_event(struct sample_fixture *fixture, const char *key, const char *user,
                      enum event_type type, int64_t event_ms) {
    struct event_line lines[EVENT_LINES_MAX];
    struct event event = {0};
    event_clear(&event, lines);
    event.type = type;
    event.event_ms = event_ms;
    event.user_id = bytes_of_text(user);
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EVENT, 0, &value);
    event_encode(&event, &value);
    sample_check_add(&fixture->check, &(struct record){.key = bytes_of_text(key),
                                                       .value = buffer_bytes(&value),
                                                       .timestamp_ms = NOW_MS});
    buffer_clean_up(&value);
}

static void add_bytes(struct sample_fixture *fixture, const char *value) {
    sample_check_add(&fixture->check, &(struct record){.key = bytes_of_text("u"),
                                                       .value = bytes_of_text(value),
                                                       .timestamp_ms = NOW_MS});
}

static size_t errors_with(struct sample_fixture *fixture, bool allow_unkeyed) {
    findings_clean_up(&fixture->findings);
    sample_check_findings(&fixture->check, false, allow_unkeyed, &fixture->findings);
    return findings_count(&fixture->findings, FINDING_ERROR);
}

static void test_good_sample(void **state) {
    struct sample_fixture *fixture = *state;
    add_event(fixture, "u1", "u1", EVENT_PRODUCT_VIEWED, NOW_MS - 5000);
    add_event(fixture, "u2", "", EVENT_PRODUCT_ADDED, NOW_MS); /* the key fills the user in */
    assert_int_equal(errors_with(fixture, false), 0);
    assert_int_equal(findings_count(&fixture->findings, FINDING_WARNING), 0);
    assert_int_equal(fixture->check.first_ms, NOW_MS - 5000);
    assert_int_equal(fixture->check.last_ms, NOW_MS);
    struct buffer out = {0};
    findings_write(&fixture->findings, &out);
    assert_has(&out, "2 events decoded, 2026-11-01T07:59:55Z to 2026-11-01T08:00:00Z, "
                     "product_viewed 1, product_added 1");
    assert_has(&out, "CreateTime");
    buffer_clean_up(&out);
}

static void test_unkeyed(void **state) {
    struct sample_fixture *fixture = *state;
    add_event(fixture, "u1", "u1", EVENT_PRODUCT_VIEWED, NOW_MS);
    add_event(fixture, "session-9", "u2", EVENT_PRODUCT_VIEWED, NOW_MS);
    add_event(fixture, "", "u3", EVENT_PRODUCT_VIEWED, NOW_MS);
    add_event(fixture, "", "", EVENT_PRODUCT_VIEWED, NOW_MS);
    assert_int_equal(errors_with(fixture, false), 1);
    struct buffer out = {0};
    findings_write(&fixture->findings, &out);
    assert_has(&out, "key_mismatch: in 2 of 4 events (50.0 %)");
    buffer_clean_up(&out);
    assert_int_equal(errors_with(fixture, true), 0);
    assert_int_equal(findings_count(&fixture->findings, FINDING_WARNING), 2);
}

static void test_undecodable(void **state) {
    struct sample_fixture *fixture = *state;
    add_bytes(fixture, "{\"json\": true}");
    add_bytes(fixture, "");
    assert_int_equal(errors_with(fixture, false), 2); /* nothing at all can be read */
    add_event(fixture, "u1", "u1", EVENT_PRODUCT_VIEWED, NOW_MS);
    assert_int_equal(errors_with(fixture, false), 0); /* some rubbish is life */
    assert_int_equal(findings_count(&fixture->findings, FINDING_WARNING), 2);
    assert_int_equal(fixture->check.verdicts[EVENT_BAD_FRAMING], 1);
    assert_int_equal(fixture->check.verdicts[EVENT_EMPTY], 1);
    struct buffer out = {0};
    sample_check_write_json(&fixture->check, &out);
    json_t *value = parse(&out);
    assert_int_equal(json_integer_value(json_object_get(value, "records")), 3);
    json_decref(value);
    buffer_clean_up(&out);
}

static void test_what_clean_would_refuse(void **state) {
    struct sample_fixture *fixture = *state;
    add_event(fixture, "u1", "u1", EVENT_PRODUCT_VIEWED, NOW_MS + 300001);
    add_event(fixture, "u1", "u1", EVENT_PRODUCT_VIEWED, NOW_MS + 300000);
    add_event(fixture, "u1", "u1", EVENT_PUSH_OPENED, NOW_MS);
    assert_int_equal(errors_with(fixture, false), 0);
    assert_int_equal(fixture->check.future, 1);
    assert_int_equal(fixture->check.feedback, 1);
    assert_int_equal(findings_count(&fixture->findings, FINDING_WARNING), 2);
}

/* JSON lines through a mapping: no keys are missed, and what the mapping finds is shown. */
static void test_json_lines(void **state) {
    struct sample_fixture *fixture = *state;
    static const char section_text[] = "mapping:\n"
                                       "  type: {path: e, values: {v: product_viewed}}\n"
                                       "  event_ms: {path: t}\n"
                                       "  user_id: {path: u}\n"
                                       "  coupon: {path: deal.code}\n";
    struct mapping_config section;
    const struct config_room room = {"mapping", &mapping_config_table, &section};
    struct config *config = NULL;
    struct failure failure =
        config_load_text("test", section_text, sizeof section_text - 1, &room, 1, stderr, &config);
    assert_false(failed(failure));
    struct mapping *mapping = mapping_new(&section, stderr);
    assert_non_null(mapping);
    const struct decode_sources sources = {.mapping = mapping};
    sample_check_clean_up(&fixture->check);
    sample_check_init(&fixture->check, &fixture->config, &sources, SAMPLE_JSON_LINES, "a file");
    static const char *const lines[] = {"{\"e\":\"v\",\"t\":1793520000000,\"u\":\"mia\"}",
                                        "{\"e\":\"v\",\"t\":1793520000000}", "{\"e\":\"v\"}",
                                        "not json"};
    for (size_t i = 0; i < 4; i++) {
        sample_check_add_line(&fixture->check, bytes_of_text(lines[i]));
    }
    assert_int_equal(fixture->check.verdicts[EVENT_OK], 2);
    assert_int_equal(fixture->check.verdicts[EVENT_MISSING_FIELD], 1);
    assert_int_equal(fixture->check.verdicts[EVENT_BAD_JSON], 1);
    assert_int_equal(errors_with(fixture, false), 0);
    struct buffer out = {0};
    findings_write(&fixture->findings, &out);
    assert_has(&out, "sample of a file: 1 events have no user id");
    assert_has(&out, "mapping.coupon: no value in any of 2 events at deal.code");
    assert_has(&out, "the mapping finds no type or no time in them");
    buffer_clear(&out);
    sample_check_write_json(&fixture->check, &out);
    json_t *value = parse(&out);
    json_t *coverage = json_object_get(value, "coverage");
    assert_int_equal(json_array_size(json_object_get(coverage, "fields")), 4);
    json_decref(value);
    buffer_clean_up(&out);
    sample_check_clean_up(&fixture->check);
    mapping_destroy(mapping);
    config_destroy(config);
}

static void test_empty_topic(void **state) {
    struct sample_fixture *fixture = *state;
    assert_int_equal(errors_with(fixture, false), 0);
    assert_int_equal(findings_count(&fixture->findings, FINDING_WARNING), 1);
}

/* ---- The schema that is a file ---- */

static int validate(const char *sections) {
    struct temp_file file = temp_file_of_text(sections);
    char *arguments[] = {"validate", "--config", file.path, NULL};
    int code = command_validate(3, arguments);
    temp_file_remove(&file);
    return code;
}

/* A start would refuse it, or make a dead letter of every record: not only then. */
static void test_schema_file(void **state) {
    (void)state;
    assert_int_equal(validate("decode: {framing: bare, schema: tests/data/strangers/nested.avsc}\n"
                              "mapping: {type: {path: action}, event_ms: {path: meta.occurred}}\n"),
                     COMMAND_OK);
    assert_int_equal(validate("decode: {framing: bare, schema: tests/data/strangers/nested.avsc}\n"
                              "mapping: {type: {path: action}, event_ms: {path: elsewhere}}\n"),
                     COMMAND_FAILED);
    assert_int_equal(validate("decode: {framing: bare, schema: /nowhere/x.avsc}\n"
                              "mapping: {type: {path: action}, event_ms: {path: meta.occurred}}\n"),
                     COMMAND_FAILED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_of_tables),
        cmocka_unit_test(test_power_moves),
        cmocka_unit_test(test_power_of_nothing),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_capacity_knows_kinds),
        cmocka_unit_test(test_open_decisions_fit_the_plan),
        cmocka_unit_test(test_findings),
        TEST(test_good_sample),
        TEST(test_unkeyed),
        TEST(test_undecodable),
        TEST(test_what_clean_would_refuse),
        TEST(test_json_lines),
        TEST(test_empty_topic),
        cmocka_unit_test(test_schema_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
