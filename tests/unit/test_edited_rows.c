/* Rows of every kind of learner with one number written over: whatever passes check_row comes out
 * of an export as it went in, so a copy of a copy is the same learner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "base/buffer.h"
#include "model/head.h"
#include "tests/support/kind_scene.h"
#include "tests/support/learner_scene.h"

#define EXAMPLES  60
#define LANES_MAX 24 /* of a row: its first ones and its last one */

static const struct {
    const char *kind, *settings;
} cases[] = {
    {"linear", "bits=8,table=collisionless,admit_after=2"},
    {"linear", "bits=8,numbers=both"},
    {"fm", "bits=8,k=2"},
    {"dnn", "embedding_bits=6,batch=5,layers=embedding:2 dense:3:relu dense:1"},
    {"wide_deep", "wide_bits=8,embedding_bits=6,layers=embedding:2 dense:3:relu dense:1"},
    {"gru", "embedding_bits=6,hidden=2,layers=embedding:2 dense:3:relu dense:1"},
    {"logistic", ""},
};

static const double numbers[] = {0, 1, -1, 0.5, 1e15, 1e30, -1e30, 3e38, (double)NAN};
#define NUMBERS (sizeof numbers / sizeof numbers[0])

struct subject {
    const struct learner_kind *kind;
    void *options;
    struct learner_scene scene;
};

static void *fresh(const struct subject *subject) {
    const struct learner_scene *scene = &subject->scene;
    void *memory = memory_new(1, subject->kind->memory_bytes(subject->options, &scene->space));
    subject->kind->init(memory, subject->options, &scene->space, scene->offers, SCENE_ARMS - 1);
    return memory;
}

static struct subject subject_of(const char *kind, const char *settings) {
    struct subject subject = {.kind = learner_kind_find(kind)};
    learner_scene_init(&subject.scene);
    if (subject.kind == &learner_logistic) {
        struct logistic_options *options = memory_new(1, sizeof *options);
        *options = subject.scene.options;
        options->bits = 10;
        subject.options = options;
        return subject;
    }
    struct kind_learner learner = kind_learner_new(kind, settings, &subject.scene.space);
    struct head_options *head = learner.options;
    head->calibration_rate = 0.005;
    subject.options = learner.options;
    free(learner.memory);
    return subject;
}

static void learn(const struct subject *subject, void *memory) {
    struct rng rng = rng_make(7, 0);
    for (int i = 0; i < EXAMPLES; i++) {
        struct scene_example drawn;
        scene_example_draw(&subject->scene, &rng, &drawn);
        drawn.example.time_ms = INT64_C(1700000000000) + i * 3600000;
        drawn.example.id = (uint64_t)i + 1;
        assert_int_equal(subject->kind->learn(memory, &drawn.example), LEARNER_OK);
    }
}

static void pass_through(const struct subject *subject, const struct row_store *in,
                         struct row_store *out) {
    void *memory = fresh(subject);
    row_store_import(in, subject->kind, memory);
    subject->kind->export_rows(memory, true, row_store_visit, out);
    free(memory);
}

/* The rows with one of them in place of its original, in and out again; true too if it is refused.
 * A configured offer that the edited effects do not have is admitted to them: those need to be the
 * same from then on. */
static bool comes_back(const struct subject *subject, const struct row_store *rows, size_t place,
                       const struct learner_row *edited) {
    void *memory = fresh(subject);
    bool is_taken = subject->kind->check_row(memory, edited) == LEARNER_OK;
    free(memory);
    if (!is_taken) {
        return true;
    }
    struct row_store in = {.count = rows->count}, out = {0}, again = {0};
    in.rows = memory_new(rows->count, sizeof *in.rows);
    memcpy(in.rows, rows->rows, rows->count * sizeof *in.rows);
    in.rows[place] = *edited;
    pass_through(subject, &in, &out);
    bool is_same = row_store_equal(&in, &out);
    if (!is_same && strcmp(edited->key, "d/effects") == 0) {
        pass_through(subject, &out, &again);
        is_same = row_store_equal(&out, &again);
    }
    row_store_clear(&again);
    row_store_clear(&out);
    free(in.rows);
    return is_same;
}

static size_t width_of(const struct learner_row *row) {
    return row->kind == LEARNER_WEIGHTS || row->kind == LEARNER_OPTIMIZER ? 4 : 8;
}

static void edit_row(const struct subject *subject, const struct row_store *rows, size_t place) {
    const struct learner_row *row = &rows->rows[place];
    size_t width = width_of(row), lanes = row->values.size / width;
    uint8_t *values = memory_new(1, row->values.size + 1);
    for (size_t i = 0; i < lanes && i < LANES_MAX; i++) {
        size_t lane = i == LANES_MAX - 1 ? lanes - 1 : i;
        for (size_t n = 0; n < NUMBERS; n++) {
            float single = (float)numbers[n];
            memcpy(values, row->values.data, row->values.size);
            memcpy(values + lane * width,
                   width == 4 ? (const void *)&single : (const void *)&numbers[n], width);
            struct learner_row edited = *row;
            edited.values = bytes_of(values, row->values.size);
            if (!comes_back(subject, rows, place, &edited)) {
                print_error("%s: %s, value %zu = %g goes in and does not come out\n",
                            subject->kind->name, row->key, lane, numbers[n]);
                fail();
            }
        }
    }
    free(values);
}

/* Of rows by number the first is as good as any. */
static bool is_first_of_its_family(const struct row_store *rows, size_t place) {
    const char *key = rows->rows[place].key, *slash = strchr(key, '/');
    size_t size = slash ? (size_t)(slash - key) + 1 : strlen(key);
    bool is_numbered = slash && slash[1] >= '0' && slash[1] <= '9';
    return !is_numbered || place == 0 || strncmp(rows->rows[place - 1].key, key, size) != 0;
}

static void what_goes_in_comes_out(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct subject subject = subject_of(cases[i].kind, cases[i].settings);
        struct row_store rows = {0};
        void *memory = fresh(&subject);
        learn(&subject, memory);
        subject.kind->export_rows(memory, true, row_store_visit, &rows);
        assert_true(rows.count > 3);
        for (size_t place = 0; place < rows.count; place++) {
            if (is_first_of_its_family(&rows, place)) {
                edit_row(&subject, &rows, place);
            }
        }
        row_store_clear(&rows);
        free(memory);
        free(subject.options);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_goes_in_comes_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
