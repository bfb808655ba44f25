/* model_view: who decides by the rows of control, whom a rollback brings back, what is listed. */
#include "consumer/commands/model_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include "schemas/schemas.h"

static const char config_text[] =
    "learn:\n"
    "  learners:\n"
    "    - {name: second, role: challenger, bits: 10}\n"
    "    - {name: first, bits: 10}\n"
    "decide:\n"
    "  offers:\n"
    "    - {id: ten, kind: percent_off, value: 10, title: t, body: b}\n";

struct scene {
    struct pipeline_config config;
    struct model_view view;
    struct buffer out;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    struct failure failure = pipeline_config_load_text("view.yaml", config_text,
                                                       strlen(config_text), stderr, &scene->config);
    assert_false(failed(failure));
    model_view_init(&scene->view, &scene->config);
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    model_view_clean_up(&scene->view);
    buffer_clean_up(&scene->out);
    pipeline_config_clean_up(&scene->config);
    free(scene);
    return 0;
}

static void take_control(struct scene *scene, const char *setting, const char *value) {
    struct control_row row = {.setting = bytes_of_text(setting),
                              .value = bytes_of_text(value),
                              .changed_by = bytes_of_text("anna"),
                              .why = bytes_of_text("a \x1b[31mreason"),
                              .changed_ms = 1767225600000};
    struct buffer framed = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_CONTROL, 0, &framed);
    control_encode(&row, &framed);
    struct record record = {.key = bytes_of_text(setting), .value = buffer_bytes(&framed)};
    model_view_take_control(&scene->view, &record);
    buffer_clean_up(&framed);
}

static void assert_champion(const struct scene *scene, const char *name) {
    size_t champion = model_view_champion(&scene->view);
    assert_string_equal(scene->view.learners[champion].model.config->name, name);
}

static void assert_before(const struct scene *scene, const char *name) {
    const char *before;
    assert_true(model_view_before(&scene->view, &before));
    assert_string_equal(before, name);
}

static void the_configured_one_decides_until_another_is_named(void **state) {
    struct scene *scene = *state;
    const char *before;
    assert_champion(scene, "first");
    assert_false(model_view_before(&scene->view, &before));
    take_control(scene, "paused", "true");
    take_control(scene, "champion/purchase", "a-name-of-twenty-four-b.");
    assert_champion(scene, "first");
    take_control(scene, "champion/purchase", "second");
    assert_champion(scene, "second");
    assert_before(scene, "");
    take_control(scene, "champion/purchase", "second"); /* again: no step of its own */
    assert_before(scene, "");
    take_control(scene, "champion/purchase", "gone"); /* of another configuration */
    assert_champion(scene, "first");
    assert_before(scene, "second");
    take_control(scene, "champion/purchase", "second"); /* the rollback */
    assert_champion(scene, "second");
    assert_before(scene, "gone");
    take_control(scene, "champion/purchase", "");
    assert_champion(scene, "first");
    assert_before(scene, "second");
}

static void a_learner_that_learned_nothing_is_not_ready(void **state) {
    struct scene *scene = *state;
    bool is_ready = true;
    assert_string_equal(model_view_verdict(&scene->view, 0, &is_ready), "has learned nothing");
    assert_false(is_ready);
    assert_int_equal(model_view_find(&scene->view, "second"), 1);
    assert_int_equal(model_view_find(&scene->view, "third"), 2);
}

static bool has(const struct scene *scene, const char *piece) {
    return memmem(scene->out.data, scene->out.size, piece, strlen(piece)) != NULL;
}

static void the_list_is_for_people_and_for_programs(void **state) {
    struct scene *scene = *state;
    take_control(scene, "champion/purchase", "second");
    model_view_list(&scene->view, false, &scene->out);
    assert_true(has(scene, "\n* second ") && has(scene, "\n  first "));
    assert_true(has(scene, "since 2026-01-01T00:00:00Z, by anna: a \\x1b[31mreason\n"));
    buffer_clear(&scene->out);
    model_view_list(&scene->view, true, &scene->out);
    assert_true(has(scene, "[{\"learner\":\"first\",\"kind\":\"logistic\",\"champion\":false"));
    assert_true(has(scene, "\"published_ms\":null"));
    buffer_clear(&scene->out);
    model_view_show(&scene->view, 1, true, &scene->out);
    assert_true(has(scene, "\"offers\":[{\"offer\":\"ten\",\"matured\":0}]"));
    assert_true(has(scene, "\"drift\":{\"logloss_changes\":0,\"calibration_changes\":0,"
                           "\"logloss\":null,\"residual\":null}"));
    assert_true(has(scene, "\"origin\":\"cart_abandoned\",\"decisions\":0"));
}

static void take_row(struct scene *scene, const char *row, const char *kind, const char *values) {
    const struct model_row model_row = {.learner = bytes_of_text("first"),
                                        .row = bytes_of_text(row),
                                        .kind = bytes_of_text(kind),
                                        .values = bytes_of_text(values),
                                        .version_offset = 0};
    struct buffer key = {0}, framed = {0};
    buffer_format(&key, "first/%s", row);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_MODEL_ROW, 0, &framed);
    model_row_encode(&model_row, &framed);
    const struct record record = {.key = buffer_bytes(&key), .value = buffer_bytes(&framed)};
    model_view_take_model(&scene->view, &record);
    buffer_clean_up(&key);
    buffer_clean_up(&framed);
}

/* Imported at offset 0 it knows something; with a row of other options nothing of it holds. */
static void a_version_is_known_when_its_rows_fit(void **state) {
    struct scene *scene = *state;
    bool is_ready;
    assert_false(model_view_is_known(&scene->view, 0));
    take_row(scene, MODEL_VERSION_ROW, MODEL_VERSION_ROW, "");
    model_view_take_end(&scene->view);
    assert_true(model_view_is_known(&scene->view, 0));
    assert_string_equal(model_view_verdict(&scene->view, 0, &is_ready), "not enough data");
    take_row(scene, "b/options", "counters", "12345678");
    take_row(scene, MODEL_VERSION_ROW, MODEL_VERSION_ROW, "");
    assert_false(model_view_is_known(&scene->view, 0));
    assert_string_equal(model_view_verdict(&scene->view, 0, &is_ready),
                        "its rows do not fit: other options or another build");
    assert_false(is_ready);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_configured_one_decides_until_another_is_named),
        TEST(a_learner_that_learned_nothing_is_not_ready),
        TEST(a_version_is_known_when_its_rows_fit),
        TEST(the_list_is_for_people_and_for_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
