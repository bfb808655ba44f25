/* learn_pipeline: what is learned from a file of the topic is what the trainer learns from the
 * topic, to the last bit of the model file; and only a learner of the same identity takes it. */
#include "consumer/commands/learn_pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "consumer/commands/model_transfer.h"
#include "consumer/learn/example_file.h"
#include "consumer/learn/model_file.h"
#include "schemas/schemas.h"
#include "tests/support/examples.h"
#include "tests/support/sim_trainer.h"
#include "tests/support/temp_file.h"

#define OFFSETS 959 /* and one that ends the last mini-batch of 32 */

static const char config_text[] =
    "learn:\n"
    "  learners:\n"
    "    - {name: plain, bits: 12}\n"
    "    - {name: sums, kind: linear, role: challenger, options: {bits: 10, optimizer: adagrad}}\n"
    "    - {name: pairs, kind: fm, role: challenger, options: {bits: 10, k: 2}}\n"
    "    - {name: net, kind: dnn, role: challenger, options: {batch: 5, embedding_bits: 8,\n"
    "       layers: 'embedding:2 dropout:0.2 dense:4:relu dense:1'}}\n"
    "decide:\n"
    "  offers:\n"
    "    - {id: reminder, kind: reminder}\n"
    "    - {id: ten_percent, kind: percent_off, value: 10}\n";

static bool never(void) {
    return false;
}

static void load(const char *text, struct pipeline_config *out) {
    assert_false(failed(pipeline_config_load_text("p.yaml", text, strlen(text), stderr, out)));
}

/* Every record that the trainer could learn from, as promostream examples writes them; without
 * offsets: as another program might. */
static struct temp_file file_of(const struct sim_topic *topic, bool has_offsets) {
    struct temp_file file = temp_file_of_text("");
    struct container_writer *writer;
    struct buffer record = {0};
    struct failure failure = container_writer_new(
        file.path, has_offsets ? SCHEMA_LOGGED_EXAMPLE : SCHEMA_EXAMPLE, &writer);
    for (size_t i = 0; i < topic->count && !failed(failure); i++) {
        struct bytes body;
        if (wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, topic->records[i].value, &body)) {
            failure = has_offsets ? example_file_write(writer, body, (int64_t)i, &record)
                                  : container_write(writer, body);
        }
    }
    assert_false(failed(failure));
    failure = container_writer_close(writer);
    assert_false(failed(failure));
    buffer_clean_up(&record);
    return file;
}

static void fill(struct sim_trainer_log *log, double control) {
    const struct example_mix mix = {.correction = 0.06,
                                    .margin_only = 0.03,
                                    .control = control,
                                    .repeat = 0.04,
                                    .foreign = 0.02};
    struct example_row row;
    struct buffer value = {0};
    sim_trainer_log_init(log);
    examples_append(&log->examples, 11, "sums", &mix, OFFSETS);
    example_make(11, OFFSETS, "sums", &row);
    example_write(&row, &value);
    sim_topic_add(&log->examples, bytes_of_text("last"), buffer_bytes(&value));
    buffer_clean_up(&value);
}

/* The learner as its trainer leaves it on the topic `model`, in a file. */
static void train(struct sim_trainer_log *log, const struct pipeline_config *config, size_t learner,
                  const char *path) {
    int64_t wall_ms = 0, rows;
    struct model_view view;
    struct health health;
    struct log_sink silent = {.out = NULL};
    model_view_init(&view, config);
    health_init(&health, "sim", wall_ms);
    const struct trainer_settings settings = {.config = config,
                                              .learner = view.learners[learner].model.config,
                                              .worker_name = "sim",
                                              .until_end = true,
                                              .clock = clock_fake(&wall_ms),
                                              .log = &silent,
                                              .should_stop = never};
    const struct sim_trainer_options options = {.seed = 1};
    struct trainer *trainer = trainer_new_on(&settings, sim_trainer_new(log, &options), &health);
    assert_false(failed(trainer_run(trainer)));
    trainer_destroy(trainer);
    for (size_t i = 0; i < log->model.count; i++) {
        const struct record record = {.key = log->model.records[i].key,
                                      .value = log->model.records[i].value};
        model_view_take_model(&view, &record);
    }
    model_view_take_end(&view);
    assert_false(failed(model_save(&view.learners[learner].model, config,
                                   config->topics.full[TOPIC_EXAMPLES], path, &rows)));
    assert_true(rows > 3);
    model_view_clean_up(&view);
}

static void read_file(const char *path, struct buffer *out) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    buffer_clear(out);
    out->size = fread(buffer_reserve(out, 1 << 22), 1, 1 << 22, file);
    fclose(file);
}

static struct failure learn(const struct pipeline_config *config, const char *name,
                            const char *examples, const char *save,
                            struct learn_pipeline_result *out) {
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    size_t at = 0, count = learn_config_list(&config->learn, learners);
    while (at < count && strcmp(learners[at]->name, name) != 0) {
        at++;
    }
    assert_true(at < count);
    const struct learn_pipeline plan = {
        .config = config, .learner = learners[at], .examples = examples, .save = save};
    return learn_pipeline_run(&plan, out);
}

static void the_bits_of_the_trainer(void **state) {
    (void)state;
    static const char *const names[] = {"plain", "sums", "pairs", "net"};
    struct pipeline_config config;
    struct temp_file trained = temp_file_of_text(""), learned = temp_file_of_text("");
    struct buffer left = {0}, right = {0};
    load(config_text, &config);
    for (size_t i = 0; i < 4; i++) {
        struct sim_trainer_log log;
        struct learn_pipeline_result result;
        fill(&log, 0.03);
        struct temp_file examples = file_of(&log.examples, true);
        train(&log, &config, i, trained.path);
        assert_false(failed(learn(&config, names[i], examples.path, learned.path, &result)));
        read_file(trained.path, &left);
        read_file(learned.path, &right);
        assert_int_equal(left.size, right.size);
        assert_memory_equal(left.data, right.data, left.size);
        assert_int_equal(result.version_offset, OFFSETS + 1);
        assert_int_equal(result.left, 0);
        assert_true(result.judged.whole.n > 700);
        assert_true(metric_get(&result.metrics.corrections_total) > 10);
        judged_clean_up(&result.judged);
        temp_file_remove(&examples);
        sim_trainer_log_clean_up(&log);
    }
    buffer_clean_up(&left);
    buffer_clean_up(&right);
    temp_file_remove(&trained);
    temp_file_remove(&learned);
    pipeline_config_clean_up(&config);
}

/* Figures are by the last label of a decision, however often it was corrected. */
static void judged_by_the_last_label(void **state) {
    (void)state;
    struct pipeline_config config;
    struct sim_trainer_log log;
    struct learn_pipeline_result result;
    struct example_row row;
    struct buffer value = {0};
    load(config_text, &config);
    sim_trainer_log_init(&log);
    for (int revision = 0; revision < 4; revision++) {
        for (size_t n = 0; n < 8; n++) { /* number n is corrected n times, at most thrice */
            example_make(3, n, NULL, &row);
            row.revision = revision;
            row.is_retraction = revision > 0;
            row.labelled_ms += revision;
            row.weight = 1;
            row.label = revision % 2 ? LABEL_BOUGHT : LABEL_NOT_BOUGHT;
            if (n >= (size_t)revision) {
                buffer_clear(&value);
                example_write(&row, &value);
                sim_topic_add(&log.examples, bytes_of_text("k"), buffer_bytes(&value));
            }
        }
    }
    struct temp_file examples = file_of(&log.examples, true);
    assert_false(failed(learn(&config, "plain", examples.path, NULL, &result)));
    assert_int_equal(metric_get(&result.metrics.learned_total), 8 + 7 + 6 + 5);
    assert_int_equal(result.judged.whole.n, 8);
    assert_int_equal(result.judged.whole.positives, 1 + 5); /* 1, and 3 to 7 */
    judged_clean_up(&result.judged);
    buffer_clean_up(&value);
    temp_file_remove(&examples);
    sim_trainer_log_clean_up(&log);
    pipeline_config_clean_up(&config);
}

/* Examples behind the last whole mini-batch belong to the trainer; without offsets all count. */
static void the_tail(void **state) {
    (void)state;
    struct pipeline_config config;
    struct sim_trainer_log log;
    struct learn_pipeline_result result;
    load(config_text, &config);
    fill(&log, 0);
    log.examples.count -= 7;
    struct temp_file examples = file_of(&log.examples, true);
    assert_false(failed(learn(&config, "plain", examples.path, NULL, &result)));
    assert_int_equal(result.version_offset, 928);
    assert_int_equal(result.left, 25);
    assert_true(result.has_offsets);
    judged_clean_up(&result.judged);
    temp_file_remove(&examples);
    examples = file_of(&log.examples, false);
    assert_false(failed(learn(&config, "plain", examples.path, NULL, &result)));
    assert_int_equal(result.version_offset, 960);
    assert_int_equal(result.left, 0);
    assert_false(result.has_offsets);
    judged_clean_up(&result.judged);
    log.examples.count -= 953 - 31;
    temp_file_remove(&examples);
    examples = file_of(&log.examples, true);
    struct failure failure = learn(&config, "plain", examples.path, "/nowhere", &result);
    assert_non_null(strstr(failure.text, "nothing to save: 31 examples, 0 of them of other"));
    judged_clean_up(&result.judged);
    temp_file_remove(&examples);
    log.examples.count += 7 + 953 - 31;
    sim_trainer_log_clean_up(&log);
    pipeline_config_clean_up(&config);
}

/* Nothing was learned, so there is nothing to report either. */
static void no_examples(void **state) {
    (void)state;
    struct pipeline_config config;
    struct learn_pipeline_result result;
    const struct sim_topic nothing = {0};
    load(config_text, &config);
    for (int has_offsets = 0; has_offsets < 2; has_offsets++) {
        struct temp_file examples = file_of(&nothing, has_offsets);
        struct failure failure = learn(&config, "plain", examples.path, NULL, &result);
        assert_true(failed(failure));
        assert_non_null(strstr(failure.text, ": no examples to learn from"));
        judged_clean_up(&result.judged);
        temp_file_remove(&examples);
    }
    pipeline_config_clean_up(&config);
}

/* ---- into a pipeline ---- */

/* What keeps the file from becoming the learner of this configuration. */
static const char *refusal(const char *text, const char *path, int64_t position, int64_t end) {
    static struct failure failure;
    struct pipeline_config config;
    struct model_view view;
    int64_t rows, goes_on;
    load(text, &config);
    model_view_init(&view, &config);
    const struct model_import request = {
        .view = &view, .path = path, .position = position, .examples_end = end};
    failure = model_import(&request, &rows, &goes_on);
    model_view_clean_up(&view);
    pipeline_config_clean_up(&config);
    assert_true(failed(failure));
    return failure.text + strlen(path) + 2; /* behind "FILE: " */
}

#define SUMS(options) "learn: {learners: [{name: sums, kind: linear, options: {" options "}}]}\n"

static void only_the_same_identity(void **state) {
    (void)state;
    struct pipeline_config config;
    struct sim_trainer_log log;
    struct learn_pipeline_result result;
    struct temp_file model = temp_file_of_text("");
    load(config_text, &config);
    fill(&log, 0);
    struct temp_file examples = file_of(&log.examples, true);
    assert_false(failed(learn(&config, "sums", examples.path, model.path, &result)));
    judged_clean_up(&result.judged);
    assert_string_equal(refusal(SUMS("bits: 11, optimizer: adagrad"), model.path, 0, 0),
                        "option bits: the file has 10, learner sums here has 11");
    assert_string_equal(refusal(SUMS("bits: 10"), model.path, 0, 0),
                        "option optimizer: the file has adagrad, learner sums here has ftrl");
    assert_string_equal(
        refusal("learn: {learners: [{name: sums, kind: linear, arm_features: [region],\n"
                "  options: {bits: 10, optimizer: adagrad}}]}\n",
                model.path, 0, 0),
        "option arm_features: the file has [\"age_band\",\"gender\",\"region\"], learner sums here "
        "has [\"region\"]");
    assert_string_equal(refusal("learn: {learners: [{name: sums}]}\n", model.path, 0, 0),
                        "kind: the file has linear, learner sums here has logistic");
    assert_string_equal(refusal(SUMS("bits: 10, optimizer: adagrad"), model.path, -1, 900),
                        "position 960: examples ends at 900");
    assert_non_null(
        strstr(refusal("topics: {prefix: other-}\n" SUMS("bits: 10, optimizer: adagrad"),
                       model.path, -1, 900),
               "it learned from examples, not from other-examples: --position says"));
    assert_int_equal(truncate(model.path, 1000), 0);
    assert_non_null(
        strstr(refusal(SUMS("bits: 10, optimizer: adagrad"), model.path, 0, 0), "truncated"));
    temp_file_remove(&model);
    temp_file_remove(&examples);
    sim_trainer_log_clean_up(&log);
    pipeline_config_clean_up(&config);
}

static void export_nothing(void *context, learner_visit_row *visit, void *visit_context) {
    (void)context;
    (void)visit;
    (void)visit_context;
}

static void a_model_of_columns_is_told_what_to_do(void **state) {
    (void)state;
    struct temp_file model = temp_file_of_text("");
    static const char header[] =
        "{\"learner\":\"linear\",\"columns\":[{\"name\":\"cart_value\"},{\"name\":\"Revenue\"}]}\n";
    assert_false(failed(model_file_save_rows(model.path, bytes_of_text(header), "linear", 0,
                                             export_nothing, NULL)));
    const char *text = refusal(SUMS("bits: 10"), model.path, 0, 0);
    assert_non_null(strstr(text, "\"Revenue\" is no feature here: `promostream learn examples.avro "
                                 "--pipeline"));
    temp_file_remove(&model);
}

/* 2^26 embeddings of 64 numbers, asked for by a file of a few hundred bytes. */
static void more_memory_than_there_is(void **state) {
    (void)state;
    static const char header[] =
        "{\"learner\":\"dnn\",\"options\":{\"layers\":\"embedding:64 dense:1\","
        "\"embedding_bits\":\"26\"},\"task\":\"binary\",\"label\":{\"rule\":\"one_of\","
        "\"positive\":\"1\",\"negative\":\"0\"},\"columns\":[{\"name\":\"y\",\"type\":\"label\"},"
        "{\"name\":\"c\",\"type\":\"categorical\"}]}\n";
    struct temp_file file = temp_file_of_text("");
    struct fitted fitted;
    struct model_origin origin;
    assert_false(failed(
        model_file_save_rows(file.path, bytes_of_text(header), "dnn", 0, export_nothing, NULL)));
    struct failure failure = model_file_load(file.path, &fitted, &origin);
    assert_true(failed(failure));
    assert_non_null(strstr(failure.text, "options and columns of dnn ask for "));
    assert_null(fitted.memory);
    temp_file_remove(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bits_of_the_trainer),
        cmocka_unit_test(judged_by_the_last_label),
        cmocka_unit_test(the_tail),
        cmocka_unit_test(no_examples),
        cmocka_unit_test(only_the_same_identity),
        cmocka_unit_test(a_model_of_columns_is_told_what_to_do),
        cmocka_unit_test(more_memory_than_there_is),
    };
    schemas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
