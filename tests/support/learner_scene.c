#include "tests/support/learner_scene.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "model/sigma.h"

static const char *const number_names[] = {"cart_value", "cart_idle_h", "is_new", "views"};
static const char *const name_names[] = {"origin", "category", "region", "device"};

void learner_scene_init(struct learner_scene *scene) {
    *scene = (struct learner_scene){
        .space = {.feature_version = 1,
                  .number_count = SCENE_NUMBERS,
                  .name_count = SCENE_NAMES,
                  .numbers = number_names,
                  .names = name_names,
                  .origin = SCENE_ORIGIN,
                  .cart_value = SCENE_CART_VALUE,
                  .idle = SCENE_IDLE,
                  .is_new = SCENE_IS_NEW},
        .offers = {{learner_arm_key(bytes_of_text("ten_percent")), 0.35, 0.35},
                   {learner_arm_key(bytes_of_text("reminder")), 0.1, 0.2}}};
    learner_options_default(&learner_logistic, &scene->options);
    scene->options.bits = 12;
    scene->options.cross_count = 1;
    scene->options.crosses[0][0] = SCENE_CATEGORY;
    scene->options.crosses[0][1] = SCENE_DEVICE;
    scene->options.head.arm_name_count = 1;
    scene->options.head.arm_names[0] = SCENE_CATEGORY;
    scene->arms[SCENE_NONE] = LEARNER_ARM_NONE;
    scene->arms[SCENE_TEN_PERCENT] = scene->offers[0].key;
    scene->arms[SCENE_REMINDER] = scene->offers[1].key;
}

void *learner_scene_new(const struct learner_scene *scene) {
    void *memory = memory_new(1, learner_logistic.memory_bytes(&scene->options, &scene->space));
    learner_logistic.init(memory, &scene->options, &scene->space, scene->offers, SCENE_ARMS - 1);
    return memory;
}

/* ---- examples ---- */

static struct bytes pick(struct rng *rng, const char *const *texts, uint64_t count) {
    return bytes_of_text(texts[rng_below(rng, count)]);
}

static double drawn_label(const struct scene_example *scene_example, struct rng *rng,
                          uint64_t arm_index) {
    const double *numbers = scene_example->numbers;
    double logit = -1.5 + 0.3 * numbers[SCENE_IS_NEW];
    logit += isnan(numbers[SCENE_VIEWS]) ? 0.5 : 0.2 * log1p(numbers[SCENE_VIEWS]);
    logit += scene_example->names[SCENE_CATEGORY].size == 5 ? 0.8 : 0; /* shoes, books */
    logit += arm_index == SCENE_TEN_PERCENT ? 0.6 : arm_index == SCENE_REMINDER ? -0.2 : 0;
    return rng_unit(rng) < sigma(logit);
}

void scene_example_draw(const struct learner_scene *scene, struct rng *rng,
                        struct scene_example *out) {
    static const char *const origins[] = {"observe", "cart_abandoned", "checkout_abandoned"};
    static const char *const categories[] = {"shoes", "books", "garden", "toys", ""};
    static const char *const regions[] = {"north", "south", ""};
    static const char *const devices[] = {"phone", "desktop"};
    double *numbers = out->numbers;
    numbers[SCENE_CART_VALUE] = rng_below(rng, 10) == 0 ? (double)NAN : 300 * rng_unit(rng);
    numbers[SCENE_IDLE] = rng_exponential(rng, 5);
    numbers[SCENE_IS_NEW] = (double)rng_below(rng, 2);
    numbers[SCENE_VIEWS] = rng_below(rng, 5) == 0 ? (double)NAN : (double)rng_geometric(rng, 0.1);
    out->names[SCENE_ORIGIN] = pick(rng, origins, 3);
    out->names[SCENE_CATEGORY] = pick(rng, categories, 5);
    out->names[SCENE_REGION] = pick(rng, regions, 3);
    out->names[SCENE_DEVICE] = pick(rng, devices, 2);
    uint64_t arm = rng_below(rng, SCENE_ARMS);
    out->example = (struct learner_example){.input = {out->numbers, out->names},
                                            .arm = scene->arms[arm],
                                            .label = drawn_label(out, rng, arm),
                                            .p_first = (double)NAN,
                                            .weight = 1};
}

/* ---- rows ---- */

void row_store_visit(void *context, const struct learner_row *row) {
    struct row_store *store = context;
    if (store->count == store->capacity) {
        store->capacity = 2 * store->capacity + 16;
        store->rows = realloc(store->rows, store->capacity * sizeof *store->rows);
        assert(store->rows);
    }
    struct learner_row *copy = &store->rows[store->count++];
    *copy = *row;
    uint8_t *values = memory_new(1, row->values.size + 1);
    memcpy(values, row->values.data, row->values.size);
    copy->values = bytes_of(values, row->values.size);
}

void row_store_import(const struct row_store *store, const struct learner_kind *kind,
                      void *memory) {
    for (size_t i = 0; i < store->count; i++) {
        enum learner_verdict verdict = kind->check_row(memory, &store->rows[i]);
        assert(verdict == LEARNER_OK);
        kind->import_row(memory, &store->rows[i]);
    }
}

bool row_store_equal(const struct row_store *a, const struct row_store *b) {
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct learner_row *left = &a->rows[i], *right = &b->rows[i];
        if (strcmp(left->key, right->key) != 0 || left->kind != right->kind ||
            !bytes_equal(left->values, right->values)) {
            return false;
        }
    }
    return true;
}

void row_store_clear(struct row_store *store) {
    for (size_t i = 0; i < store->count; i++) {
        free((void *)(uintptr_t)store->rows[i].values.data);
    }
    free(store->rows);
    *store = (struct row_store){0};
}
