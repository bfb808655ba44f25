/* export: what the JSON says adds up to what the learner scores; what cannot be exported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "consumer/learn/columns_infer.h"
#include "consumer/learn/export.h"
#include "consumer/learn/learner_choice.h"
#include "tests/support/temp_file.h"

#define ROWS 200

struct trained {
    struct temp_file file;
    struct fitted fitted;
    struct source *source;
};

static void open_source(struct trained *trained) {
    const struct source_config config = {.path = trained->file.path, .row_bytes_max = 4096};
    struct failure failure = source_open(&config, &trained->source);
    assert_string_equal(failure.text, "");
}

/* x from -2 to 2 and c in a, b; learned in one pass. */
static void train(struct trained *out, const char *learner, const char *const *sets,
                  size_t set_count) {
    struct buffer text = {0};
    buffer_format(&text, "x,c,y\n");
    for (int i = 0; i < ROWS; i++) {
        buffer_format(&text, "%.2f,%s,%d\n", (i - 100) / 50.0, i % 3 ? "a" : "b", (i * i / 7) % 2);
    }
    *out = (struct trained){.file = temp_file_make(buffer_bytes(&text))};
    buffer_clean_up(&text);
    const struct learner_request request = {
        .learner = learner, .sets = sets, .set_count = set_count};
    const struct columns_request typed = {.task = -1};
    struct learner_choice choice;
    struct failure failure = learner_choice_make(&request, &choice);
    assert_string_equal(failure.text, "");
    open_source(out);
    struct columns columns;
    source_columns(out->source, &columns);
    failure = columns_infer(&columns, out->source, &typed);
    assert_string_equal(failure.text, "");
    fitted_init(&out->fitted, choice.kind, choice.options, &columns, 0);
    failure = source_bind(out->source, &out->fitted.columns, NULL, true);
    assert_string_equal(failure.text, "");
    struct data_row row;
    char error[ROW_ERROR_BYTES_MAX];
    for (uint64_t i = 0; source_next(out->source, &row, error, &failure) == ROW_OK; i++) {
        struct learner_input input = fitted_input(&out->fitted, &row);
        struct learner_example example = fitted_example(&out->fitted, &input, &row, 1, i);
        assert_int_equal(out->fitted.kind->learn(out->fitted.memory, &example), LEARNER_OK);
    }
    source_close(out->source);
    open_source(out);
    failure = source_bind(out->source, &out->fitted.columns, NULL, true);
    assert_string_equal(failure.text, "");
    learner_choice_clean_up(&choice);
}

static json_t *exported(struct trained *trained) {
    FILE *file = tmpfile();
    assert_non_null(file);
    struct failure failure = export_json(&trained->fitted, trained->source, file);
    assert_string_equal(failure.text, "");
    rewind(file);
    json_error_t error;
    json_t *json = json_loadf(file, 0, &error);
    assert_non_null(json);
    fclose(file);
    return json;
}

static void done(struct trained *trained) {
    source_close(trained->source);
    fitted_clean_up(&trained->fitted);
    temp_file_remove(&trained->file);
}

static double number_of(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static void linear_effects_add_up(void **state) {
    (void)state;
    struct trained trained;
    train(&trained, "linear", NULL, 0);
    json_t *json = exported(&trained), *columns = json_object_get(json, "columns");
    const json_t *x = json_array_get(columns, 0), *c = json_array_get(columns, 1);
    assert_true(number_of(json, "scale") == 1 && number_of(json, "slope") == 1);
    const struct {
        double x;
        const char *bucket, *c; /* NULL: one that the file does not have */
    } cases[] = {{0, "0", "a"}, {0.8, "p1", "b"}, {-1.5, "n3", "a"}, {1.02, "p2", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double numbers[1] = {cases[i].x}, p;
        struct bytes names[1] = {bytes_of_text(cases[i].c ? cases[i].c : "zebra")};
        const struct learner_input input = {.numbers = numbers, .names = names};
        double raw = number_of(json, "input") +
                     number_of(x, "slope") * copysign(log1p(fabs(cases[i].x)), cases[i].x) +
                     number_of(json_object_get(x, "buckets"), cases[i].bucket) +
                     (cases[i].c ? number_of(json_object_get(c, "effects"), cases[i].c)
                                 : number_of(c, "unknown"));
        assert_int_equal(fitted_score(&trained.fitted, &input, &p), LEARNER_OK);
        assert_true(fabs(1 / (1 + exp(-raw)) - p) < 1e-7);
    }
    json_decref(json);
    done(&trained);
}

/* Numbers first, then names, then the features: as wide as the first layer is high. */
static void a_net_fits_together(void **state) {
    (void)state;
    static const char *const sets[] = {"layers=embedding:3 dropout:0.5 dense:4:relu norm dense:1"};
    struct trained trained;
    train(&trained, "dnn", sets, 1);
    json_t *json = exported(&trained), *layers = json_object_get(json, "layers");
    assert_int_equal(json_array_size(layers), 3); /* no dropout */
    const json_t *first = json_array_get(layers, 0), *norm = json_array_get(layers, 1);
    size_t in = json_array_size(json_object_get(json, "input"));
    assert_int_equal(in, 2 + 3 + 3);
    assert_int_equal(json_array_size(json_object_get(first, "weights")), in);
    assert_string_equal(json_string_value(json_object_get(first, "activation")), "relu");
    assert_string_equal(json_string_value(json_object_get(norm, "kind")), "norm");
    assert_int_equal(json_array_size(json_object_get(norm, "gain")), 4);
    const json_t *c = json_array_get(json_object_get(json, "columns"), 1);
    assert_int_equal(json_integer_value(json_object_get(c, "at")), 2);
    assert_int_equal(json_object_size(json_object_get(c, "effects")), 2);
    assert_int_equal(json_array_size(json_object_get(c, "unknown")), 3);
    json_decref(json);
    done(&trained);
}

static void what_cannot_be_exported(void **state) {
    (void)state;
    static const char *const cross[] = {"cross=c:c"};
    const struct {
        const char *learner, *expected;
        size_t set_count;
    } cases[] = {{"fm", "found fm, expected linear or dnn", 0},
                 {"linear", "found crosses by --set cross, expected --cross", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trained trained;
        train(&trained, cases[i].learner, cross, cases[i].set_count);
        FILE *file = tmpfile();
        assert_non_null(file);
        struct failure failure = export_json(&trained.fitted, trained.source, file);
        assert_true(failed(failure));
        assert_non_null(strstr(failure.text, cases[i].expected));
        assert_int_equal(ftell(file), 0);
        fclose(file);
        done(&trained);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_effects_add_up),
        cmocka_unit_test(a_net_fits_together),
        cmocka_unit_test(what_cannot_be_exported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
