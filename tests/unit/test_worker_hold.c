/* The worker and a schema registry that is slow, away, or asked in vain: what waits is not given up
 * too early, and nothing passes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "base/clock.h"
#include "consumer/sources.h"
#include "consumer/worker_internal.h"
#include "tests/support/registry_server.h"
#include "tests/support/sim_broker.h"
#include "tests/support/stream.h"

#define NOON_MS     (STREAM_START_MS + INT64_C(12) * 3600000)
#define HOUR_MS     3600000
#define SECOND_NS   INT64_C(1000000000)
#define DEADLINE_NS (30 * SECOND_NS)
#define OUTAGE_NS   (SECOND_NS * 5 / 2) /* more than a registry that answers is given */
#define STRANGERS   80
#define HOSTILE     2000 /* more than a registry is asked for within the deadline */

struct scene {
    struct stream stream, feedback;
    struct sim_log log;
    struct registry_server *server;
    struct pipeline_config config;
    struct sources sources;
    struct decode_metrics seen; /* of the worker that has run */
    bool until_end;
    const char *timeout; /* of a request */
};

/* should_stop has no context. */
static struct scene *running;
static int64_t started_ns, wall_ms;

/* Ends the outage after a while. */
static bool return_later(void) {
    int64_t passed_ns = clock_monotonic_ns() - started_ns;
    if (passed_ns > OUTAGE_NS) {
        registry_server_set_mode(running->server, SERVER_ANSWERS);
    }
    return passed_ns > DEADLINE_NS;
}

/* Once the outage is known an hour passes, and somebody stops us. */
static bool stop_in_outage(void) {
    char trouble[100];
    registry_trouble(running->sources.registry, trouble, sizeof trouble);
    if (trouble[0] != '\0') {
        wall_ms += HOUR_MS;
    }
    return trouble[0] != '\0' || clock_monotonic_ns() - started_ns > DEADLINE_NS;
}

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    sim_log_init(&scene->log);
    scene->server = registry_server_start(0, NULL, NULL, NULL, NULL);
    registry_server_set_schema(scene->server, 1, schema_text_of(schema_name(SCHEMA_EVENT)));
    scene->until_end = true;
    scene->timeout = "100ms";
    wall_ms = NOON_MS;
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    registry_server_stop(scene->server);
    sim_log_clean_up(&scene->log);
    stream_clean_up(&scene->stream);
    stream_clean_up(&scene->feedback);
    free(scene);
    return 0;
}

/* An event of anna's under a schema id. */
static void add(struct stream *stream, enum broker_input input, uint32_t id, enum event_type type,
                int64_t event_ms) {
    struct event_line line = {.item_id = bytes_of_text("shoe"), .price = 50, .quantity = 1};
    struct event event;
    struct buffer value = {0};
    event_clear(&event, &line);
    event.user_id = bytes_of_text("anna");
    event.type = type;
    event.event_ms = event_ms;
    event.line_count = 1;
    wire_frame(WIRE_CONFLUENT, SCHEMA_EVENT, id, &value);
    event_encode(&event, &value);
    stream_add_bytes(stream, input, event.user_id, buffer_bytes(&value), event_ms);
    buffer_clean_up(&value);
}

static struct worker *open_worker(struct scene *scene, const char *decode,
                                  const struct worker_settings *stopping, struct health *health) {
    static struct log_sink silent = {.out = NULL};
    char yaml[600];
    snprintf(yaml, sizeof yaml,
             "%s\n"
             "registry: {url: 'http://localhost:%u', timeout: %s, retry_min: 10ms, retry_max: "
             "2s}\n"
             "epoch: {idle_after: 2s}\n"
             "triggers: {cart_abandoned: {idle: 20m}}\n"
             "decide: {quiet_hours: \"\"}\n",
             decode, (unsigned)registry_server_port(scene->server), scene->timeout);
    struct failure failure =
        pipeline_config_load_text("hold.yaml", yaml, strlen(yaml), stderr, &scene->config);
    assert_false(failed(failure));
    scene->config.epoch.interval_ms = 0; /* one poll an epoch */
    failure = sources_open(&scene->config, &silent, &scene->sources);
    assert_false(failed(failure));
    struct worker_settings settings = *stopping;
    settings.config = &scene->config;
    settings.sources = &scene->sources.decode;
    settings.name = "sim";
    settings.until_end = scene->until_end;
    settings.clock = clock_fake(&wall_ms);
    settings.log = &silent;
    const struct sim_options options = {.clicks = scene->stream.records,
                                        .click_count = scene->stream.count,
                                        .feedback = scene->feedback.records,
                                        .feedback_count = scene->feedback.count,
                                        .seed = 1};
    struct worker *worker;
    health_init(health, "sim", wall_ms);
    failure = worker_new_on(&settings, sim_broker_new(&scene->log, &options), health, &worker);
    assert_false(failed(failure));
    return worker;
}

static void close_worker(struct scene *scene, struct worker *worker) {
    worker_destroy(worker);
    sources_close(&scene->sources);
    pipeline_config_clean_up(&scene->config);
}

static void run(struct scene *scene, const char *decode, bool (*should_stop)(void)) {
    struct health health;
    const struct worker_settings stopping = {.should_stop = should_stop};
    stream_seal(&scene->stream);
    stream_seal(&scene->feedback);
    struct worker *worker = open_worker(scene, decode, &stopping, &health);
    running = scene;
    started_ns = clock_monotonic_ns();
    struct failure failure = worker_run(worker);
    assert_false(failed(failure));
    scene->seen = worker_pipeline(worker)->decode.metrics;
    close_worker(scene, worker);
}

static size_t count_of(const struct scene *scene, enum topic topic) {
    size_t count = 0;
    for (size_t i = 0; i < scene->log.count; i++) {
        count += scene->log.rows[i].topic == topic;
    }
    return count;
}

static const char avro[] = "decode: {framing: confluent}";

static void test_a_slow_answer_is_awaited(void **state) {
    struct scene *scene = *state;
    add(&scene->stream, INPUT_CLICKSTREAM, 1, EVENT_PRODUCT_VIEWED, NOON_MS);
    registry_server_set_mode(scene->server, SERVER_HANGS);
    scene->timeout = "10s";
    run(scene, avro, return_later);
    assert_int_equal(metric_get(&scene->seen.ok_total), 1);
    assert_int_equal(count_of(scene, TOPIC_DEAD_LETTERS), 0);
    assert_int_equal(scene->log.next_offset[INPUT_CLICKSTREAM], 1);
}

/* Ids that nobody has registered stop nobody for long, however many there are. */
static void test_made_up_ids_are_given_up(void **state) {
    struct scene *scene = *state;
    for (uint32_t i = 0; i < HOSTILE; i++) {
        add(&scene->stream, INPUT_CLICKSTREAM, 1000 + i, EVENT_PRODUCT_VIEWED, NOON_MS);
    }
    scene->timeout = "60s";
    run(scene, avro, return_later);
    assert_true(clock_monotonic_ns() - started_ns < 3 * OUTAGE_NS);
    assert_int_equal(metric_get(&scene->seen.unknown_schema_total), HOSTILE);
}

/* The first answer after an outage is not the last: what is asked behind others has its time. */
static void test_after_an_outage_all_are_fetched(void **state) {
    struct scene *scene = *state;
    for (uint32_t i = 0; i < STRANGERS; i++) {
        add(&scene->stream, INPUT_CLICKSTREAM, 1000 + i, EVENT_PRODUCT_VIEWED, NOON_MS);
    }
    add(&scene->stream, INPUT_CLICKSTREAM, 1, EVENT_PRODUCT_VIEWED, NOON_MS);
    registry_server_set_mode(scene->server, SERVER_FAILS);
    run(scene, avro, return_later);
    assert_int_equal(metric_get(&scene->seen.ok_total), 1);
    assert_int_equal(metric_get(&scene->seen.unknown_schema_total), STRANGERS);
    assert_int_equal(scene->log.next_offset[INPUT_CLICKSTREAM], STRANGERS + 1);
}

/* Partitions that come back after they waited elsewhere have all their time. */
static void test_time_begins_anew_with_an_assignment(void **state) {
    struct scene *scene = *state;
    struct health health;
    const struct worker_settings stopping = {.should_stop = return_later};
    struct worker *worker = open_worker(scene, avro, &stopping, &health);
    worker->hold_since_ns = 1;
    worker_forget_gathered(worker);
    assert_int_equal(worker->hold_since_ns, 0);
    close_worker(scene, worker);
}

/* What timers would do depends on the records that wait. */
static void test_a_stop_fires_nothing_past_what_waits(void **state) {
    struct scene *scene = *state;
    add(&scene->stream, INPUT_CLICKSTREAM, 1, EVENT_PRODUCT_ADDED, NOON_MS);
    run(scene, avro, return_later);
    assert_int_equal(metric_get(&scene->seen.ok_total), 1);
    assert_int_equal(scene->log.next_offset[INPUT_CLICKSTREAM], 1);
    stream_clean_up(&scene->stream);
    add(&scene->stream, INPUT_CLICKSTREAM, 1, EVENT_PRODUCT_ADDED, NOON_MS);
    add(&scene->stream, INPUT_CLICKSTREAM, 1, EVENT_ORDER_COMPLETED, NOON_MS + 60000);
    registry_server_set_mode(scene->server, SERVER_FAILS);
    scene->until_end = false;
    run(scene, avro, stop_in_outage);
    assert_int_equal(count_of(scene, TOPIC_PROMOTION_DECISIONS), 0);
    assert_int_equal(scene->log.next_offset[INPUT_CLICKSTREAM], 1);
}

/* Feedback is Avro also beside a clickstream of JSON. */
static void test_feedback_beside_json_waits_too(void **state) {
    struct scene *scene = *state;
    add(&scene->feedback, INPUT_FEEDBACK, 1, EVENT_PUSH_OPENED, NOON_MS);
    run(scene,
        "decode: {format: json, framing: bare, feedback_framing: confluent}\n"
        "mapping: {type: {path: t}, event_ms: {path: m}}",
        return_later);
    assert_int_equal(metric_get(&scene->seen.unknown_schema_total), 0);
    assert_int_equal(metric_get(&scene->seen.ok_total), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_slow_answer_is_awaited),
        TEST(test_made_up_ids_are_given_up),
        TEST(test_after_an_outage_all_are_fetched),
        TEST(test_time_begins_anew_with_an_assignment),
        TEST(test_a_stop_fires_nothing_past_what_waits),
        TEST(test_feedback_beside_json_waits_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
