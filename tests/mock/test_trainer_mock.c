/* The trainer on librdkafka's mock cluster, with errors injected into its transactions: it loses
 * the version, ends or keeps its producer, reads the model back and goes on; what is in `model` in
 * the end is what a trainer on the simulated seam leaves. (The mock keeps no offsets and hides
 * nothing of aborted transactions; exactly-once is proven on a real Kafka: chaos/trainer_rounds.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "broker/producer_simple.h"
#include "broker/topic_reader.h"
#include "consumer/trainer/trainer.h"
#include "schemas/schemas.h"
#include "tests/support/c11_threads.h"
#include "tests/support/examples.h"

#define API_ADD_OFFSETS       25
#define API_END_TXN           26
#define API_TXN_OFFSET_COMMIT 28
#define WAIT_MS               30000

struct fixture {
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster;
    struct pipeline_config config;
    const struct learner_config *learner;
    struct log_sink log;
    struct sim_trainer_log sim; /* the same examples, for comparison */
    struct producer_simple *producer;
    size_t sent;
};

static void load_config(struct fixture *fixture) {
    static const char text[] = "learn: {publish_interval: 10ms, learners: [{name: sums}]}\n"
                               "topics: {partitions: 1}\n";
    struct failure failure =
        pipeline_config_load_text("mock.yaml", text, strlen(text), stderr, &fixture->config);
    assert_false(failed(failure));
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    assert_int_equal(learn_config_list(&fixture->config.learn, learners), 1);
    fixture->learner = learners[0];
    fixture->config.broker.is_embedded = true;
    fixture->config.broker.bootstrap_servers = rd_kafka_mock_cluster_bootstraps(fixture->cluster);
}

static int set_up(void **state) {
    char text[200];
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    c11_threads_use();
    bool is_loud = getenv("PROMOSTREAM_TEST_LOG") != NULL;
    fixture->log = log_to(is_loud ? stderr : NULL, LOG_DEBUG, LOG_TEXT, clock_system());
    fixture->host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof text);
    fixture->cluster = rd_kafka_mock_cluster_new(fixture->host, 1);
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        assert_int_equal(rd_kafka_mock_topic_create(fixture->cluster,
                                                    topic_default_name((enum topic)topic), 1, 1),
                         0);
    }
    load_config(fixture);
    sim_trainer_log_init(&fixture->sim);
    struct failure failure =
        producer_simple_open(fixture->config.broker.bootstrap_servers, NULL, &fixture->producer);
    assert_string_equal(failure.text, "");
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    producer_simple_close(fixture->producer);
    sim_trainer_log_clean_up(&fixture->sim);
    pipeline_config_clean_up(&fixture->config);
    rd_kafka_mock_cluster_destroy(fixture->cluster);
    rd_kafka_destroy(fixture->host);
    free(fixture);
    return 0;
}

/* To the mock and to the log of the simulated seam. */
static void feed_examples(struct fixture *fixture, size_t count) {
    static const struct example_mix mix = {.correction = 0.06, .garbage = 0.02, .poisoned = 0.02};
    examples_append(&fixture->sim.examples, 12, "sums", &mix, count);
    for (; fixture->sent < fixture->sim.examples.count; fixture->sent++) {
        const struct sim_record *record = &fixture->sim.examples.records[fixture->sent];
        struct failure failure =
            producer_simple_send(fixture->producer, topic_default_name(TOPIC_EXAMPLES), 0,
                                 record->key, record->value, EXAMPLES_START_MS);
        assert_string_equal(failure.text, "");
    }
    struct failure failure = producer_simple_flush(fixture->producer, WAIT_MS);
    assert_string_equal(failure.text, "");
}

/* ---- stages: asked by the trainer in every round, on its own thread ---- */

struct stage {
    size_t examples;
    int16_t api; /* whose next answer is an error; 0 = none */
    rd_kafka_resp_err_t error;
    int64_t recoveries, recreated; /* so far, when its last version is there */
};
static const struct stage stages[] = {
    {320, 0, RD_KAFKA_RESP_ERR_NO_ERROR, 1, 0},
    /* The version is aborted, and its producer is not used again. */
    {320, API_TXN_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, 2, 1},
    /* Fenced, as by a takeover: the producer ends, and while the assignment is ours a new one is
     * made. A worker would see a twin in the second one within a minute. */
    {160, API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, 3, 2},
    {160, API_ADD_OFFSETS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, 4, 3},
    {160, 0, RD_KAFKA_RESP_ERR_NO_ERROR, 4, 3},
};
#define STAGES (sizeof stages / sizeof stages[0])

static struct fixture *running;
static const struct trainer *trainer_at_work;
static size_t stage_next;

static int64_t recreated(void) {
    return metric_get(&trainer_broker_metrics(trainer_at_work)->producers_recreated_total);
}

static bool is_stage_done(void) {
    const struct trainer_metrics *metrics = trainer_metrics(trainer_at_work);
    const struct stage *stage = &stages[stage_next - 1];
    return metric_get(&metrics->next_offset) == (int64_t)running->sent &&
           metric_get(&metrics->active) == 1 &&
           metric_get(&metrics->recoveries_total) >= stage->recoveries;
}

static bool next_stage(void) {
    if (stage_next > 0 && !is_stage_done()) {
        return false;
    }
    if (stage_next > 0) {
        assert_int_equal(metric_get(&trainer_metrics(trainer_at_work)->recoveries_total),
                         stages[stage_next - 1].recoveries);
        assert_int_equal(recreated(), stages[stage_next - 1].recreated);
    }
    if (stage_next == STAGES) {
        return true;
    }
    const struct stage *stage = &stages[stage_next++];
    if (stage->api != 0) {
        rd_kafka_mock_push_request_errors(running->cluster, stage->api, 1, stage->error);
    }
    feed_examples(running, stage->examples);
    return false;
}

static struct failure live(struct fixture *fixture, struct trainer_settings settings,
                           struct broker *broker) {
    struct health health;
    struct trainer *trainer = NULL;
    struct failure failure = failure_none();
    settings.config = &fixture->config;
    settings.learner = fixture->learner;
    settings.worker_name = "w-0";
    settings.clock = clock_system();
    settings.log = &fixture->log;
    settings.kind = &sim_learner;
    health_init(&health, "w-0", 0);
    if (broker) {
        trainer = trainer_new_on(&settings, broker, &health);
    } else {
        failure = trainer_new(&settings, &health, &trainer);
    }
    trainer_at_work = trainer;
    failure = failed(failure) ? failure : trainer_run(trainer);
    trainer_destroy(trainer);
    return failure;
}

static bool never(void) {
    return false;
}

/* ---- the rows ---- */

#define KEYS_MAX 1200

struct fold {
    struct sim_record rows[KEYS_MAX]; /* copies, the newest of each key */
    size_t count;
};

static void fold_take(struct fold *fold, struct bytes key, struct bytes value) {
    size_t at = 0;
    while (at < fold->count && !bytes_equal(fold->rows[at].key, key)) {
        at++;
    }
    assert_true(at < KEYS_MAX);
    if (at == fold->count) {
        fold->rows[fold->count++].key = bytes_of(memory_copy_text(key), key.size);
    } else {
        free((void *)(uintptr_t)fold->rows[at].value.data);
    }
    uint8_t *data = memory_new(value.size + 1, 1);
    memcpy(data, value.data, value.size);
    fold->rows[at].value = bytes_of(data, value.size);
}

static void fold_visit(void *context, const struct record *record) {
    fold_take(context, record->key, record->value);
}

static void fold_destroy(struct fold *fold) {
    for (size_t i = 0; i < fold->count; i++) {
        free((void *)(uintptr_t)fold->rows[i].key.data);
        free((void *)(uintptr_t)fold->rows[i].value.data);
    }
    free(fold);
}

static int by_key(const void *a, const void *b) {
    return bytes_compare(((const struct sim_record *)a)->key, ((const struct sim_record *)b)->key);
}

static void expect_rows_of_sim(struct fixture *fixture) {
    struct fold *found = memory_new(1, sizeof *found), *expected = memory_new(1, sizeof *expected);
    struct topic_read_request request = {.bootstrap_servers =
                                             fixture->config.broker.bootstrap_servers,
                                         .topic = topic_default_name(TOPIC_MODEL),
                                         .partition = 0,
                                         .stuck_max_ms = WAIT_MS,
                                         .log = &fixture->log};
    struct topic_read_result result;
    struct failure failure = topic_read(&request, fold_visit, found, &result);
    assert_string_equal(failure.text, "");
    for (size_t i = 0; i < fixture->sim.model.count; i++) {
        const struct sim_record *record = &fixture->sim.model.records[i];
        if (record->key.data) {
            fold_take(expected, record->key, record->value);
        }
    }
    qsort(found->rows, found->count, sizeof found->rows[0], by_key);
    qsort(expected->rows, expected->count, sizeof expected->rows[0], by_key);
    assert_true(expected->count > 20);
    assert_int_equal(found->count, expected->count);
    for (size_t i = 0; i < expected->count; i++) {
        assert_true(bytes_equal(found->rows[i].key, expected->rows[i].key));
        assert_true(bytes_equal(found->rows[i].value, expected->rows[i].value));
    }
    fold_destroy(found);
    fold_destroy(expected);
}

/* ---- tests ---- */

static void test_learns_loses_and_goes_on(void **state) {
    struct fixture *fixture = *state;
    running = fixture;
    struct failure failure =
        live(fixture, (struct trainer_settings){.should_stop = next_stage}, NULL);
    assert_string_equal(failure.text, "");
    assert_int_equal(stage_next, STAGES);

    struct sim_trainer_options options = {.seed = 1};
    failure = live(fixture, (struct trainer_settings){.should_stop = never, .until_end = true},
                   sim_trainer_new(&fixture->sim, &options));
    assert_string_equal(failure.text, "");
    expect_rows_of_sim(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_learns_loses_and_goes_on, set_up, tear_down),
    };
    schemas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
