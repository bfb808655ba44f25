/* effects' row: room for offers that are configured now, scales that travel, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "model/effects.h"
#include "tests/support/learner_scene.h"

static void near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) {
        fail_msg("found %.9g, expected %.9g within %g", found, expected, tolerance);
    }
}

/* Offers come and go: a configured one finds room among 32 old ones, and starts from its own prior.
 */
static void a_configured_arm_replaces_one_that_is_not(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    struct effects *old = memory_new(1, sizeof *old);
    effects_init(old, &scene.space, 1, (const int[]){SCENE_CATEGORY}, 0.5, NULL, 0);
    struct effects_phi phi = {1, {0}};
    for (uint64_t key = 100; key < 100 + LEARNER_ARMS_MAX - 1; key++) {
        int arm = effects_admit(old, key);
        assert_int_not_equal(arm, EFFECTS_UNKNOWN);
        effects_learn(old, arm, &phi, &(struct effects_outcome){0.3, 1, 1, false});
    }
    static uint8_t bytes[EFFECTS_ROW_BYTES];
    struct row_writer writer = {bytes, 0};
    effects_write(old, &writer);
    struct effects *now = memory_new(1, sizeof *now);
    effects_init(now, &scene.space, 1, (const int[]){SCENE_CATEGORY}, 0.5, scene.offers,
                 SCENE_ARMS - 1);
    assert_int_equal(effects_check(now, bytes_of(bytes, writer.size)), LEARNER_OK);
    effects_read(now, bytes_of(bytes, writer.size));
    for (size_t i = 0; i < SCENE_ARMS - 1; i++) {
        int arm = effects_find(now, scene.offers[i].key);
        assert_int_not_equal(arm, EFFECTS_UNKNOWN);
        size_t place = 2 * (size_t)now->parts + (size_t)arm - 1;
        near(now->theta[place], scene.offers[i].prior_mean, 0);
        for (size_t k = 0; k < 2 * (size_t)now->parts + now->arm_count - 1; k++) {
            double p =
                k <= place ? now->p[place * (place + 1) / 2 + k] : now->p[k * (k + 1) / 2 + place];
            near(p, k == place ? scene.offers[i].prior_sd * scene.offers[i].prior_sd : 0, 1e-15);
        }
    }
    assert_int_equal(effects_find(now, 100), EFFECTS_UNKNOWN); /* made room */
    assert_int_equal(effects_find(now, 102), 3);               /* the next one did not */
    near(now->theta[2 * now->parts + 2], old->theta[2 * old->parts + 2], 0);
    memcpy(bytes + 8 * (2 + 3 * 2), bytes + 8 * (2 + 3), 16); /* the second arm's key twice */
    assert_int_equal(effects_check(now, bytes_of(bytes, writer.size)), LEARNER_BAD_VALUE);
    free(old);
    free(now);
}

static void scales_are_bounded_and_travel(void **state) {
    (void)state;
    struct learner_scene scene;
    learner_scene_init(&scene);
    const struct learner_arm arms[] = {{1, 5, 0.3}, {2, -1, 0.3}, {3, 0.28, 0.3}};
    struct effects *from = memory_new(1, sizeof *from), *to = memory_new(1, sizeof *to);
    effects_init(from, &scene.space, 0, NULL, 0.5, arms, 3);
    const double scales[] = {0, 1.5, 0.25, 0.8};
    for (int i = 0; i < 4; i++) {
        near(from->scales[i], scales[i], 1e-15);
    }
    static uint8_t bytes[EFFECTS_ROW_BYTES];
    struct row_writer writer = {bytes, 0};
    effects_write(from, &writer);
    /* Whatever is expected of arm 3 now, its effects were learned with that scale. */
    effects_init(to, &scene.space, 0, NULL, 0.5, &(struct learner_arm){3, 0.07, 0.3}, 1);
    effects_read(to, bytes_of(bytes, writer.size));
    near(to->scales[effects_find(to, 3)], 0.8, 1e-15);
    const double bad[] = {0.2, 1.6, 0, -1};
    for (int i = 0; i < 4; i++) {
        memcpy(bytes + 8 * (2 + 3 * 3 + 2), &bad[i], 8); /* of arm 3 */
        assert_int_equal(effects_check(to, bytes_of(bytes, writer.size)), LEARNER_BAD_VALUE);
    }
    free(from);
    free(to);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configured_arm_replaces_one_that_is_not),
        cmocka_unit_test(scales_are_bounded_and_travel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
