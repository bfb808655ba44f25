/* The trainer over a simulated seam: mini-batches end at fixed offsets, and neither the time of
 * publishing nor any fault changes one bit of what is in `model` in the end. */
#include "consumer/trainer/trainer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/fm.h"
#include "model/gru.h"
#include "model/linear.h"
#include "schemas/schemas.h"
#include "tests/support/examples.h"
#include "tests/support/sim_trainer.h"

#define BATCH   32
#define OFFSETS 2000

static const char config_text[] = "learn:\n"
                                  "  batch_offsets: 32\n"
                                  "  publish_interval: 1s\n"
                                  "  learners: [{name: sums, bits: 12}]\n"
                                  "decide:\n"
                                  "  offers:\n"
                                  "    - {id: reminder, kind: reminder}\n"
                                  "    - {id: ten_percent, kind: percent_off, value: 10}\n";

static const struct example_mix honest = {.correction = 0.06, .margin_only = 0.03, .control = 0.03};
static const struct example_mix dirty = {.correction = 0.06,
                                         .margin_only = 0.03,
                                         .control = 0.03,
                                         .repeat = 0.04,
                                         .garbage = 0.02,
                                         .foreign = 0.02,
                                         .poisoned = 0.03};

static int64_t wall_ms;
static const void *kind_options;

static bool never(void) {
    return false;
}

static int rounds_left;
static bool after_rounds(void) {
    return rounds_left-- <= 0;
}

/* One trainer's life; out_metrics and out_health may be NULL. */
static struct failure live(struct sim_trainer_log *log, const struct sim_trainer_options *options,
                           const struct learner_kind *kind, bool (*should_stop)(void),
                           struct trainer_metrics *out_metrics, struct health *health) {
    struct pipeline_config config;
    struct failure failure = pipeline_config_load_text("trainer.yaml", config_text,
                                                       strlen(config_text), stderr, &config);
    assert_false(failed(failure));
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    assert_int_equal(learn_config_list(&config.learn, learners), 1);
    struct log_sink silent = {.out = NULL};
    struct health own;
    health = health ? health : &own;
    health_init(health, "sim", wall_ms);
    struct trainer_settings settings = {.config = &config,
                                        .learner = learners[0],
                                        .worker_name = "sim",
                                        .until_end = true,
                                        .clock = clock_fake(&wall_ms),
                                        .log = &silent,
                                        .should_stop = should_stop,
                                        .kind = kind,
                                        .kind_options = kind_options};
    struct trainer *trainer = trainer_new_on(&settings, sim_trainer_new(log, options), health);
    failure = trainer_run(trainer);
    if (out_metrics) {
        memcpy(out_metrics, trainer_metrics(trainer), sizeof *out_metrics);
    }
    trainer_destroy(trainer);
    pipeline_config_clean_up(&config);
    return failure;
}

/* Lives until one of them reaches the end. */
static void run(struct sim_trainer_log *log, struct sim_trainer_options options,
                const struct learner_kind *kind) {
    struct failure failure;
    do {
        options.seed++;
        failure = live(log, &options, kind, never, NULL, NULL);
    } while (failed(failure) && strcmp(failure.text, "death") == 0);
    assert_string_equal(failure.text, "");
}

struct place_of_key {
    struct bytes key;
    size_t at;
};

static int by_key(const void *a, const void *b) {
    const struct place_of_key *left = a, *right = b;
    int order = bytes_compare(left->key, right->key);
    return order ? order : (left->at > right->at) - (left->at < right->at);
}

/* The last value of every key, in the order of the keys. */
static void fold(const struct sim_trainer_log *log, struct buffer *out) {
    struct place_of_key *places = memory_new(log->model.count + 1, sizeof *places);
    size_t count = 0;
    for (size_t i = 0; i < log->model.count; i++) {
        if (log->model.records[i].key.data) {
            places[count++] = (struct place_of_key){log->model.records[i].key, i};
        }
    }
    qsort(places, count, sizeof *places, by_key);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count || !bytes_equal(places[i].key, places[i + 1].key)) {
            buffer_append(out, places[i].key);
            buffer_append(out, log->model.records[places[i].at].value);
        }
    }
    free(places);
}

static void expect_same_rows(const struct sim_trainer_log *log, const struct buffer *expected) {
    struct buffer found = {0};
    fold(log, &found);
    assert_int_equal(found.size, expected->size);
    assert_memory_equal(found.data, expected->data, expected->size);
    buffer_clean_up(&found);
}

static void undisturbed(uint64_t seed, const struct example_mix *mix,
                        const struct learner_kind *kind, struct buffer *out) {
    struct sim_trainer_log log;
    sim_trainer_log_init(&log);
    examples_append(&log.examples, seed, "sums", mix, OFFSETS);
    run(&log, (struct sim_trainer_options){.seed = seed}, kind);
    assert_int_equal(log.commits, 1);
    fold(&log, out);
    assert_true(out->size > 1000);
    sim_trainer_log_clean_up(&log);
}

static struct model_row model_row_of(const struct sim_record *record) {
    struct bytes body;
    struct model_row row;
    assert_true(wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, record->value, &body));
    assert_true(model_row_decode(body, &row));
    return row;
}

static void test_versions_end_at_fixed_offsets(void **state) {
    (void)state;
    struct sim_trainer_log log;
    struct sim_trainer_options options = {.seed = 3, .wall_ms = &wall_ms, .wall_step_ms = 700};
    struct trainer_metrics metrics;
    int64_t version = 0, versions = 0;
    sim_trainer_log_init(&log);
    examples_append(&log.examples, 3, "sums", &honest, OFFSETS);
    assert_false(failed(live(&log, &options, &sim_learner, never, &metrics, NULL)));
    for (size_t i = 0; i < log.model.count; i++) {
        if (!log.model.records[i].key.data) {
            continue;
        }
        struct model_row row = model_row_of(&log.model.records[i]);
        assert_int_equal(row.version_offset % BATCH, 0);
        if (bytes_equal(row.row, bytes_of_text("version"))) {
            assert_true(row.version_offset > version);
            assert_null(log.model.records[i + 1].key.data); /* last of its transaction */
            version = row.version_offset;
            versions++;
        } else {
            assert_true(row.version_offset > 0);
        }
    }
    assert_true(versions > 15);
    assert_int_equal(version, OFFSETS / BATCH * BATCH);
    assert_int_equal(log.committed, version);
    assert_int_equal(log.epoch, versions - 1);
    assert_int_equal(metric_get(&metrics.versions_total), versions);
    assert_int_equal(metric_get(&metrics.next_offset), version);
    assert_int_equal(metric_get(&metrics.active), 1);
    sim_trainer_log_clean_up(&log);
}

static void expect_nothing_changes(const struct learner_kind *kind, uint64_t seed) {
    struct buffer expected = {0};
    undisturbed(seed, &dirty, kind, &expected);
    size_t losses = 0, deaths = 0;
    for (uint64_t i = 0; i < 8; i++) {
        struct sim_trainer_log log;
        struct sim_trainer_options options = {.seed = 1000 * i,
                                              .wall_ms = &wall_ms,
                                              .wall_step_ms = (int64_t)(i % 4) * 1000,
                                              .loss_share = i < 2 ? 0 : 0.2,
                                              .revoke_share = i < 4 ? 0 : 0.02,
                                              .death_share = i < 5 ? 0 : 0.02};
        sim_trainer_log_init(&log);
        examples_append(&log.examples, seed, "sums", &dirty, OFFSETS);
        run(&log, options, kind);
        expect_same_rows(&log, &expected);
        losses += log.losses;
        deaths += log.deaths;
        sim_trainer_log_clean_up(&log);
    }
    assert_true(losses > 10 && deaths > 3);
    buffer_clean_up(&expected);
}

static void test_neither_time_nor_faults_change_sums(void **state) {
    (void)state;
    expect_nothing_changes(&sim_learner, 4);
}

static void test_neither_time_nor_faults_change_the_logistic_learner(void **state) {
    (void)state;
    expect_nothing_changes(NULL, 5);
}

/* Tables that admit, expire and evict, moments that move, weights that forget. */
static void test_neither_time_nor_faults_change_linear_and_fm(void **state) {
    (void)state;
    static const char *const linear[][2] = {
        {"bits", "8"},        {"numbers", "both"},  {"table", "collisionless"},
        {"admit_after", "2"}, {"expire_days", "1"}, {"half_life_days", "1"}};
    static const char *const fm[][2] = {{"bits", "10"}, {"k", "2"}, {"pairs_optimizer", "adam"}};
    struct linear_options linear_options;
    struct fm_options fm_options;
    char error[200];
    learner_options_default(&learner_linear, &linear_options);
    for (size_t i = 0; i < sizeof linear / sizeof linear[0]; i++) {
        assert_true(learner_options_set(&learner_linear, &linear_options, linear[i][0],
                                        linear[i][1], error, sizeof error));
    }
    learner_options_default(&learner_fm, &fm_options);
    for (size_t i = 0; i < sizeof fm / sizeof fm[0]; i++) {
        assert_true(
            learner_options_set(&learner_fm, &fm_options, fm[i][0], fm[i][1], error, sizeof error));
    }
    kind_options = &linear_options;
    expect_nothing_changes(&learner_linear, 61);
    kind_options = &fm_options;
    expect_nothing_changes(&learner_fm, 62);
    kind_options = NULL;
}

/* Steps of 5 in mini-batches of 32: a mini-batch's end ends a step too. */
static void test_neither_time_nor_faults_change_a_network(void **state) {
    (void)state;
    struct net_learner_options options;
    char error[200];
    learner_options_default(&learner_gru, &options);
    assert_true(learner_options_set(&learner_gru, &options, "batch", "5", error, sizeof error));
    assert_true(learner_options_set(&learner_gru, &options, "layers",
                                    "embedding:2 dropout:0.2 dense:4:relu dense:1", error,
                                    sizeof error));
    assert_true(
        learner_options_set(&learner_gru, &options, "embedding_bits", "8", error, sizeof error));
    assert_true(learner_options_set(&learner_gru, &options, "hidden", "3", error, sizeof error));
    kind_options = &options;
    expect_nothing_changes(&learner_gru, 60);
    kind_options = NULL;
}

/* What is refused leaves no trace: offsets that hold nothing give the same rows. */
static void test_bad_examples_change_nothing(void **state) {
    (void)state;
    struct example_mix without = dirty;
    without.leaves_bad_out = true;
    struct buffer with_bad = {0}, without_bad = {0}, other = {0};
    undisturbed(6, &dirty, NULL, &with_bad);
    undisturbed(6, &without, NULL, &without_bad);
    undisturbed(6, &honest, NULL, &other);
    assert_int_equal(with_bad.size, without_bad.size);
    assert_memory_equal(with_bad.data, without_bad.data, with_bad.size);
    assert_true(other.size != with_bad.size || memcmp(other.data, with_bad.data, other.size) != 0);
    buffer_clean_up(&with_bad);
    buffer_clean_up(&without_bad);
    buffer_clean_up(&other);
}

static void test_refusals_are_counted_by_reason(void **state) {
    (void)state;
    struct sim_trainer_log log;
    struct trainer_metrics metrics;
    sim_trainer_log_init(&log);
    examples_append(&log.examples, 7, "sums", &dirty, OFFSETS);
    struct sim_trainer_options options = {.seed = 7};
    assert_false(failed(live(&log, &options, NULL, never, &metrics, NULL)));
    int64_t refused = metric_get(&metrics.repeats_total) + metric_get(&metrics.undecodable_total) +
                      metric_get(&metrics.foreign_total) + metric_get(&metrics.poisoned_total);
    assert_int_equal(metric_get(&metrics.examples_total),
                     metric_get(&metrics.learned_total) + metric_get(&metrics.margin_only_total) +
                         refused);
    assert_true(metric_get(&metrics.repeats_total) > 15);
    assert_true(metric_get(&metrics.undecodable_total) > 15);
    assert_true(metric_get(&metrics.foreign_total) > 15);
    assert_true(metric_get(&metrics.poisoned_total) > 15);
    assert_true(metric_get(&metrics.margin_only_total) > 15);
    assert_true(metric_get(&metrics.corrections_total) > 50);
    sim_trainer_log_clean_up(&log);
}

/* The tail waits for the rest of its mini-batch, and is then learned as if it had come at once. */
static void test_the_tail_of_a_batch_waits(void **state) {
    (void)state;
    struct buffer expected = {0};
    struct sim_trainer_log log;
    struct trainer_metrics metrics;
    struct sim_trainer_options options = {.seed = 8};
    undisturbed(8, &honest, &sim_learner, &expected);
    sim_trainer_log_init(&log);
    examples_append(&log.examples, 8, "sums", &honest, BATCH - 1);
    assert_false(failed(live(&log, &options, &sim_learner, never, &metrics, NULL)));
    assert_int_equal(log.commits, 0);
    assert_true(metric_get(&metrics.learned_total) > 10);
    examples_append(&log.examples, 8, "sums", &honest, 1);
    assert_false(failed(live(&log, &options, &sim_learner, never, NULL, NULL)));
    assert_int_equal(log.committed, BATCH);
    examples_append(&log.examples, 8, "sums", &honest, OFFSETS - BATCH);
    assert_false(failed(live(&log, &options, &sim_learner, never, NULL, NULL)));
    expect_same_rows(&log, &expected);
    sim_trainer_log_clean_up(&log);
    buffer_clean_up(&expected);
}

static void test_stopping_publishes_whole_batches(void **state) {
    (void)state;
    struct buffer expected = {0};
    struct sim_trainer_log log;
    struct sim_trainer_options options = {.seed = 9};
    undisturbed(9, &honest, &sim_learner, &expected);
    sim_trainer_log_init(&log);
    examples_append(&log.examples, 9, "sums", &honest, OFFSETS);
    while (log.committed < OFFSETS / BATCH * BATCH) {
        int64_t before = log.committed;
        rounds_left = 20;
        options.seed++;
        assert_false(failed(live(&log, &options, &sim_learner, after_rounds, NULL, NULL)));
        assert_true(log.committed > before);
    }
    assert_true(log.commits > 3);
    expect_same_rows(&log, &expected);
    sim_trainer_log_clean_up(&log);
    buffer_clean_up(&expected);
}

static void expect_stop(struct sim_trainer_log *log, const struct learner_kind *kind,
                        const char *why) {
    struct sim_trainer_options options = {.seed = 10};
    struct health health;
    size_t commits = log->commits;
    struct failure failure = live(log, &options, kind, never, NULL, &health);
    assert_int_equal(failure.action, FAILURE_STOP);
    if (!strstr(failure.text, why)) {
        fail_msg("'%s' is not in '%s'", why, failure.text);
    }
    assert_int_equal(log->commits, commits);
    assert_false(health_is_alive(&health, 1, wall_ms, 1000));
}

static void test_contradictions_stop_it(void **state) {
    (void)state;
    struct sim_trainer_log log;
    struct sim_trainer_options options = {.seed = 10};
    sim_trainer_log_init(&log);
    examples_append(&log.examples, 10, "sums", &honest, 500);
    assert_false(failed(live(&log, &options, &sim_learner, never, NULL, NULL)));
    int64_t committed = log.committed;
    log.committed = committed - BATCH;
    expect_stop(&log, &sim_learner, "do not belong together");
    log.committed = committed;
    expect_stop(&log, NULL, "does not fit"); /* another kind's rows */
    log.committed = -1;                      /* a group that slept too long: model knows */
    assert_false(failed(live(&log, &options, &sim_learner, never, NULL, NULL)));
    examples_append(&log.examples, 10, "sums", &honest, 500);
    assert_false(failed(live(&log, &options, &sim_learner, never, NULL, NULL)));
    assert_int_equal(log.committed, 1000 / BATCH * BATCH);
    sim_trainer_log_clean_up(&log);

    sim_trainer_log_init(&log);
    log.committed = 64; /* a group with a position, and a topic that is empty */
    examples_append(&log.examples, 10, "sums", &honest, 500);
    expect_stop(&log, &sim_learner, "do not belong together");
    sim_trainer_log_clean_up(&log);
}

static void test_a_standby_is_healthy_and_does_nothing(void **state) {
    (void)state;
    struct sim_trainer_log log;
    struct trainer_metrics metrics;
    struct health health;
    struct sim_trainer_options options = {.seed = 11, .is_standby = true};
    sim_trainer_log_init(&log);
    examples_append(&log.examples, 11, "sums", &honest, 500);
    rounds_left = 50;
    assert_false(failed(live(&log, &options, &sim_learner, after_rounds, &metrics, &health)));
    assert_int_equal(log.commits, 0);
    assert_int_equal(metric_get(&metrics.active), 0);
    assert_int_equal(metric_get(&metrics.examples_total), 0);
    assert_true(health_is_alive(&health, 1, wall_ms, 1000));
    sim_trainer_log_clean_up(&log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_end_at_fixed_offsets),
        cmocka_unit_test(test_neither_time_nor_faults_change_sums),
        cmocka_unit_test(test_neither_time_nor_faults_change_the_logistic_learner),
        cmocka_unit_test(test_neither_time_nor_faults_change_linear_and_fm),
        cmocka_unit_test(test_neither_time_nor_faults_change_a_network),
        cmocka_unit_test(test_bad_examples_change_nothing),
        cmocka_unit_test(test_refusals_are_counted_by_reason),
        cmocka_unit_test(test_the_tail_of_a_batch_waits),
        cmocka_unit_test(test_stopping_publishes_whole_batches),
        cmocka_unit_test(test_contradictions_stop_it),
        cmocka_unit_test(test_a_standby_is_healthy_and_does_nothing),
    };
    schemas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
