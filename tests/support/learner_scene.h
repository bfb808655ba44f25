/* learner_scene: a small shop for the tests of learners: four numbers, four names, two offers,
 * drawn inputs, and a store of exported rows. */
#ifndef PROMOSTREAM_TESTS_LEARNER_SCENE_H
#define PROMOSTREAM_TESTS_LEARNER_SCENE_H

#include "base/rng.h"
#include "model/logistic.h"

enum { SCENE_CART_VALUE, SCENE_IDLE, SCENE_IS_NEW, SCENE_VIEWS, SCENE_NUMBERS };
enum { SCENE_ORIGIN, SCENE_CATEGORY, SCENE_REGION, SCENE_DEVICE, SCENE_NAMES };
enum { SCENE_NONE, SCENE_TEN_PERCENT, SCENE_REMINDER, SCENE_ARMS };

struct learner_scene {
    struct learner_space space;
    struct logistic_options options; /* bits 12, one cross, category moves effects */
    struct learner_arm offers[SCENE_ARMS - 1];
    uint64_t arms[SCENE_ARMS]; /* keys, none first */
};
void learner_scene_init(struct learner_scene *scene);
/* A learner just initialised; free() it. */
void *learner_scene_new(const struct learner_scene *scene);

/* example.input points into it: it must not be copied. */
struct scene_example {
    double numbers[SCENE_NUMBERS];
    struct bytes names[SCENE_NAMES];
    struct learner_example example;
};
/* Every feature at random, some missing; any arm; not a correction; not scored; label by a rule
 * that knows the features and the arm. */
void scene_example_draw(const struct learner_scene *scene, struct rng *rng,
                        struct scene_example *out);

/* Copies of rows in the order of their visits. */
struct row_store {
    struct learner_row *rows;
    size_t count, capacity;
};
void row_store_visit(void *store, const struct learner_row *row); /* a learner_visit_row */
/* Checks and imports all; asserts that none is refused. */
void row_store_import(const struct row_store *store, const struct learner_kind *kind, void *memory);
bool row_store_equal(const struct row_store *a, const struct row_store *b);
void row_store_clear(struct row_store *store); /* owns nothing afterwards */

#endif
