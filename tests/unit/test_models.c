#include "consumer/rooms/models.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "consumer/pipeline_config.h"
#include "schemas/schemas.h"
#include "tests/support/examples.h"
#include "tests/support/sim_trainer.h"

#define WINDOW_MS (7 * INT64_C(86400000))

static const char config_text[] =
    "decide:\n"
    "  offers:\n"
    "    - {id: reminder, kind: reminder}\n"
    "    - {id: ten_percent, kind: percent_off, value: 10, prior_effect: 0.5, prior_effect_sd: "
    "0.1}\n"
    "    - {id: free_ship, kind: free_shipping}\n"
    "    - {id: five_off, kind: amount_off, value: 5}\n"
    "learn:\n"
    "  alarm_decisions_min: 200\n"
    "  learners: [{name: sums, bits: 10}, {name: sums2, role: challenger}]\n";

struct fixture {
    struct pipeline_config config;
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    struct model model;
    struct model_metrics metrics;
};

static int set_up(void **state) {
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    struct failure failure = pipeline_config_load_text(
        "models.yaml", config_text, strlen(config_text), stderr, &fixture->config);
    assert_false(failed(failure));
    assert_int_equal(learn_config_list(&fixture->config.learn, fixture->learners), 2);
    model_init_kind(&fixture->model, fixture->learners[0], &fixture->config.decide, &sim_learner,
                    NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    model_clean_up(&fixture->model);
    model_clean_up(&fixture->model);
    pipeline_config_clean_up(&fixture->config);
    free(fixture);
    return 0;
}

static bool give_bytes(struct fixture *fixture, const char *key, struct bytes value) {
    return model_take_record(&fixture->model, &fixture->config.learn, WINDOW_MS, bytes_of_text(key),
                             value, &fixture->metrics);
}

/* A row of the learner "sums" under its own key. */
static bool give(struct fixture *fixture, const char *row, const char *kind, struct bytes values,
                 int64_t version_offset) {
    struct buffer value = {0};
    char key[128];
    struct model_row written = {.learner = bytes_of_text("sums"),
                                .row = bytes_of_text(row),
                                .kind = bytes_of_text(kind),
                                .values = values,
                                .version_offset = version_offset};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, &value);
    model_row_encode(&written, &value);
    snprintf(key, sizeof key, "sums/%s", row);
    bool is_ours = give_bytes(fixture, key, buffer_bytes(&value));
    buffer_clean_up(&value);
    return is_ours;
}

/* The row "all" or "arm/N" with these labels. */
static void give_sums(struct fixture *fixture, const char *row, double labels) {
    uint64_t values[4] = {0};
    memcpy(values, &labels, sizeof labels);
    assert_true(give(fixture, row, "counters", bytes_of(values, sizeof values), 32));
}

static void give_version(struct fixture *fixture, int64_t offset) {
    assert_true(give(fixture, "version", "version", bytes_of(NULL, 0), offset));
}

static void give_end(struct fixture *fixture) {
    model_take_end(&fixture->model, &fixture->config.learn, WINDOW_MS, &fixture->metrics);
}

/* Sum of labels of "all", as the learner's memory has it. */
static double labels_of(const struct fixture *fixture) {
    double labels;
    memcpy(&labels, fixture->model.memory, sizeof labels);
    return labels;
}

static void test_a_version_is_applied_whole(void **state) {
    struct fixture *fixture = *state;
    give_end(fixture);
    give_sums(fixture, "all", 5);
    give_sums(fixture, "arm/3", 5);
    assert_true(labels_of(fixture) == 0);
    assert_int_equal(fixture->model.version_offset, 0);
    give_version(fixture, 64);
    assert_true(labels_of(fixture) == 5);
    assert_int_equal(fixture->model.version_offset, 64);
    give_sums(fixture, "all", 6);
    assert_true(labels_of(fixture) == 5);
    give_version(fixture, 96);
    assert_true(labels_of(fixture) == 6);
    assert_int_equal(metric_get(&fixture->metrics.versions_total), 2);
    assert_int_equal(metric_get(&fixture->metrics.rows_total), 5);
}

/* Compaction leaves old versions with holes, and a transaction may straddle the end of the read. */
static void test_a_cold_reader_takes_the_last_whole_version(void **state) {
    struct fixture *fixture = *state;
    give_sums(fixture, "all", 1);
    give_version(fixture, 32);
    give_sums(fixture, "all", 2);
    give_version(fixture, 64);
    give_sums(fixture, "all", 3); /* its version is not here yet */
    assert_true(labels_of(fixture) == 0);
    give_end(fixture);
    assert_true(labels_of(fixture) == 2);
    assert_int_equal(fixture->model.version_offset, 64);
    assert_int_equal(metric_get(&fixture->metrics.versions_total), 1);
    give_end(fixture);
    assert_true(labels_of(fixture) == 2);
    give_version(fixture, 96);
    assert_true(labels_of(fixture) == 3);
    assert_int_equal(fixture->model.version_offset, 96);
}

static void test_an_empty_topic_is_an_untrained_model(void **state) {
    struct fixture *fixture = *state;
    give_end(fixture);
    assert_int_equal(fixture->model.version_offset, 0);
    assert_int_equal(metric_get(&fixture->metrics.versions_total), 0);
    assert_false(fixture->model.is_alarmed);
}

static void test_a_refused_row_holds_its_version(void **state) {
    struct fixture *fixture = *state;
    give_end(fixture);
    give_sums(fixture, "all", 1);
    give_version(fixture, 32);
    give_sums(fixture, "all", 2);
    assert_true(give(fixture, "arm/1", "weights", bytes_of("short", 5), 64)); /* another size */
    give_version(fixture, 64);
    assert_true(labels_of(fixture) == 1);
    assert_int_equal(fixture->model.version_offset, 32);
    assert_int_equal(metric_get(&fixture->metrics.versions_refused_total), 1);
    assert_int_equal(metric_get(&fixture->metrics.rows_refused_total), 1);
    give_sums(fixture, "arm/2", 9); /* the next one does not have what the refused one had */
    give_version(fixture, 96);
    assert_true(labels_of(fixture) == 1);
    assert_int_equal(metric_get(&fixture->metrics.versions_refused_total), 2);
    give_sums(fixture, "arm/1", 4); /* healed: now everything since then */
    give_version(fixture, 128);
    assert_true(labels_of(fixture) == 2);
    assert_int_equal(fixture->model.version_offset, 128);
}

static void expect_refused(struct fixture *fixture, const char *key, struct bytes value) {
    int64_t before = metric_get(&fixture->metrics.rows_refused_total);
    int64_t versions = metric_get(&fixture->metrics.versions_total);
    assert_true(give_bytes(fixture, key, value));
    assert_int_equal(metric_get(&fixture->metrics.rows_refused_total), before + 1);
    give_version(fixture, 1000);
    assert_int_equal(metric_get(&fixture->metrics.versions_total), versions);
    assert_true(give_bytes(fixture, key, bytes_of(NULL, 0))); /* a tombstone heals, too */
    give_version(fixture, 1000);
    assert_int_equal(metric_get(&fixture->metrics.versions_total), versions + 1);
}

static void test_hostile_rows_are_refused(void **state) {
    struct fixture *fixture = *state;
    char long_key[200] = "sums/";
    memset(long_key + 5, 'x', 150);
    give_end(fixture);
    expect_refused(fixture, "sums/all", bytes_of("garbage", 7));
    expect_refused(fixture, "sums/all", bytes_of("", 0));
    expect_refused(fixture, "sums/", bytes_of("\xc3\x01", 2));
    expect_refused(fixture, long_key, bytes_of("garbage", 7));
    int64_t refused = metric_get(&fixture->metrics.rows_refused_total);
    uint64_t values[4] = {0};
    struct bytes right = bytes_of(values, sizeof values);
    assert_true(give(fixture, "all", "no_such_kind", right, 1));
    assert_true(give(fixture, "no_such_row", "counters", right, 1));
    assert_true(give(fixture, "version", "weights", right, 1));
    assert_true(give(fixture, "version", "version", right, -5));
    assert_true(give_bytes(fixture, "sums/version", bytes_of("garbage", 7)));
    assert_true(give_bytes(fixture, "sums/version", bytes_of(NULL, 0)));
    assert_int_equal(metric_get(&fixture->metrics.rows_refused_total), refused + 5);
}

static void test_rows_of_others_are_left_alone(void **state) {
    struct fixture *fixture = *state;
    static const char *const keys[] = {"sums2/all", "sum/all",       "sums",
                                       "",          "sums2/version", "SUMS/all"};
    give_end(fixture);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        assert_false(give_bytes(fixture, keys[i], bytes_of("garbage", 7)));
    }
    assert_int_equal(metric_get(&fixture->metrics.rows_total), 0);
    give_sums(fixture, "all", 1);
    give_version(fixture, 32);
    assert_true(labels_of(fixture) == 1);
}

/* ---- the real learner's rows ---- */

struct sink {
    struct fixture *fixture;
    size_t rows;
};

static void give_row(void *context, const struct learner_row *row) {
    struct sink *sink = context;
    sink->rows++;
    assert_true(give(sink->fixture, row->key, learner_row_kind_names[row->kind], row->values, 32));
}

/* Learns examples that were promised p and bought by share, and gives the rows to the fixture. */
static void teach(struct fixture *fixture, double p, double share, int count) {
    struct model teacher;
    model_init(&teacher, fixture->learners[0], &fixture->config.decide);
    struct example_row *row = memory_new(1, sizeof *row);
    for (int i = 0; i < count; i++) {
        struct learner_example example;
        struct track_example track;
        example_make(5, (size_t)i, "sums", row);
        row->origin = row->names[0] = bytes_of_text("cart_abandoned");
        row->decided_ms += (int64_t)i * 3600000;
        row->labelled_ms = row->decided_ms + 1000;
        for (size_t a = 0; a < row->scores[0].p_count; a++) {
            row->scores[0].p[a] = p;
        }
        row->label = i % 100 < (int)(share * 100) ? LABEL_BOUGHT : LABEL_NOT_BOUGHT;
        assert_int_equal(model_example(&teacher, row, &example, &track), MODEL_EXAMPLE_OK);
        assert_true(track_take(teacher.track, &track));
        assert_int_equal(teacher.kind->learn(teacher.memory, &example), LEARNER_OK);
    }
    struct sink sink = {.fixture = fixture};
    teacher.kind->export_rows(teacher.memory, false, give_row, &sink);
    track_export_rows(teacher.track, false, give_row, &sink);
    assert_true(sink.rows > 20);
    give_version(fixture, 1024);
    free(row);
    model_clean_up(&teacher);
}

static void use_logistic(struct fixture *fixture) {
    model_clean_up(&fixture->model);
    model_init(&fixture->model, fixture->learners[0], &fixture->config.decide);
    give_end(fixture);
}

static void test_the_alarm_follows_the_track(void **state) {
    struct fixture *fixture = *state;
    use_logistic(fixture);
    teach(fixture, 0.20, 0.20, 1200);
    assert_int_equal(metric_get(&fixture->metrics.versions_total), 1);
    assert_false(fixture->model.is_alarmed);
    use_logistic(fixture);
    teach(fixture, 0.05, 0.20, 1200); /* four times what was promised */
    assert_true(fixture->model.is_alarmed);
    use_logistic(fixture);
    teach(fixture, 0.60, 0.20, 1200);
    assert_true(fixture->model.is_alarmed);
    use_logistic(fixture);
    teach(fixture, 0.60, 0.20, 250); /* too few that are mature */
    assert_false(fixture->model.is_alarmed);
}

static void test_rows_of_other_options_are_refused(void **state) {
    struct fixture *fixture = *state;
    model_clean_up(&fixture->model);
    struct learner_config other = *fixture->learners[0];
    other.bits = 11;
    model_init(&fixture->model, &other, &fixture->config.decide);
    give_end(fixture);
    teach(fixture, 0.2, 0.2, 300);
    assert_int_equal(metric_get(&fixture->metrics.versions_total), 0);
    assert_int_equal(metric_get(&fixture->metrics.versions_refused_total), 1);
    assert_int_equal(fixture->model.version_offset, 0);
}

static void test_priors_of_offers(void **state) {
    struct fixture *fixture = *state;
    struct learner_arm arms[OFFERS_MAX];
    assert_int_equal(model_arms(&fixture->config.decide, arms), 4);
    static const double expected[4][2] = {{0.10, 0.2}, {0.5, 0.1}, {0.25, 0.3}, {0.35, 0.35}};
    for (size_t i = 0; i < 4; i++) {
        assert_true(arms[i].prior_mean == expected[i][0] && arms[i].prior_sd == expected[i][1]);
        assert_true(arms[i].key != LEARNER_ARM_NONE);
    }
    assert_true(arms[0].key == learner_arm_key(bytes_of_text("reminder")));
}

/* ---- examples ---- */

static enum model_example look(struct fixture *fixture, const struct example_row *row,
                               struct learner_example *out, struct track_example *out_track) {
    *out = (struct learner_example){0};
    *out_track = (struct track_example){0};
    return model_example(&fixture->model, row, out, out_track);
}

static void test_what_an_example_says(void **state) {
    struct fixture *fixture = *state;
    struct example_row *row = memory_new(1, sizeof *row);
    struct learner_example example;
    struct track_example track;
    example_make(1, 7, "sums", row);
    row->label = LABEL_BOUGHT;
    row->action = bytes_of_text("free_ship"); /* third of the actions */
    row->weight = 20;
    assert_int_equal(look(fixture, row, &example, &track), MODEL_EXAMPLE_OK);
    assert_ptr_equal(example.input.numbers, row->numbers);
    assert_true(example.label == 1 && example.weight == 20 && !example.is_correction);
    assert_true(example.p_first == row->scores[0].p[2] && track.p_first == example.p_first);
    assert_true(example.arm == learner_arm_key(bytes_of_text("free_ship")));
    assert_true(track.id_high == row->decision_id.high && track.id_low == row->decision_id.low);
    assert_int_equal(track.decided_ms, row->decided_ms);
    assert_int_equal(track.labelled_ms, row->labelled_ms);
    row->revision = 1;
    row->is_retraction = true;
    row->label = LABEL_CANCELLED;
    row->action = bytes_of_text("none");
    assert_int_equal(look(fixture, row, &example, &track), MODEL_EXAMPLE_OK);
    assert_true(example.is_correction && example.label == 0 && track.is_correction);
    assert_int_equal(track.revision, 1);
    assert_true(example.arm == LEARNER_ARM_NONE);
    row->scores[0].learner = bytes_of_text("sums2"); /* ours was not asked */
    assert_int_equal(look(fixture, row, &example, &track), MODEL_EXAMPLE_OK);
    assert_true(isnan(example.p_first) && isnan(track.p_first));
    row->is_retraction = false;
    assert_int_equal(look(fixture, row, &example, &track), MODEL_EXAMPLE_MARGIN_ONLY);
    free(row);
}

static void test_origins(void **state) {
    struct fixture *fixture = *state;
    struct example_row *row = memory_new(1, sizeof *row);
    struct learner_example example;
    struct track_example track;
    bool is_seen[TRACK_ORIGINS] = {false};
    example_make(1, 7, "sums", row);
    for (int trigger = 0; trigger < TRIGGER_COUNT; trigger++) {
        row->origin = bytes_of_text(trigger_names[trigger]);
        assert_int_equal(look(fixture, row, &example, &track), MODEL_EXAMPLE_OK);
        assert_int_equal(track.origin == 0, trigger == TRIGGER_OBSERVE);
        assert_false(is_seen[track.origin]);
        is_seen[track.origin] = true;
    }
    row->origin = bytes_of_text("full_moon");
    assert_int_equal(look(fixture, row, &example, &track), MODEL_EXAMPLE_FOREIGN);
    free(row);
}

#define EXPECT(verdict, change)                                                                    \
    do {                                                                                           \
        example_make(1, 7, "sums", row);                                                           \
        change;                                                                                    \
        assert_int_equal(look(fixture, row, &example, &track), verdict);                           \
        assert_null(example.input.numbers);                                                        \
    } while (0)

static void test_examples_that_are_refused(void **state) {
    struct fixture *fixture = *state;
    struct example_row *row = memory_new(1, sizeof *row);
    struct learner_example example;
    struct track_example track;
    EXPECT(MODEL_EXAMPLE_FOREIGN, row->feature_version++);
    EXPECT(MODEL_EXAMPLE_FOREIGN, row->number_count--);
    EXPECT(MODEL_EXAMPLE_FOREIGN, row->name_count--);
    EXPECT(MODEL_EXAMPLE_POISONED, row->numbers[0] = 1e30);
    EXPECT(MODEL_EXAMPLE_POISONED, row->numbers[9] = -1e16);
    EXPECT(MODEL_EXAMPLE_POISONED, row->numbers[1] = INFINITY);
    EXPECT(MODEL_EXAMPLE_POISONED, row->weight = 0);
    EXPECT(MODEL_EXAMPLE_POISONED, row->weight = NAN);
    EXPECT(MODEL_EXAMPLE_POISONED, row->weight = 1e5);
    EXPECT(MODEL_EXAMPLE_POISONED, row->revision = -1);
    EXPECT(MODEL_EXAMPLE_POISONED, row->is_retraction = true);
    EXPECT(MODEL_EXAMPLE_POISONED, row->labelled_ms = INT64_MAX);
    EXPECT(MODEL_EXAMPLE_POISONED, row->decided_ms = 0);
    EXPECT(MODEL_EXAMPLE_POISONED,
           (row->action = bytes_of_text("none"), row->scores[0].p[0] = 1.5));
    EXPECT(MODEL_EXAMPLE_POISONED,
           (row->action = bytes_of_text("none"), row->scores[0].p[0] = -0.1));
    free(row);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_MODEL(test_a_version_is_applied_whole),
        WITH_MODEL(test_a_cold_reader_takes_the_last_whole_version),
        WITH_MODEL(test_an_empty_topic_is_an_untrained_model),
        WITH_MODEL(test_a_refused_row_holds_its_version),
        WITH_MODEL(test_hostile_rows_are_refused),
        WITH_MODEL(test_rows_of_others_are_left_alone),
        WITH_MODEL(test_the_alarm_follows_the_track),
        WITH_MODEL(test_rows_of_other_options_are_refused),
        WITH_MODEL(test_priors_of_offers),
        WITH_MODEL(test_what_an_example_says),
        WITH_MODEL(test_origins),
        WITH_MODEL(test_examples_that_are_refused),
    };
    schemas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
