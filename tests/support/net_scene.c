#include "tests/support/net_scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>

#include "tests/support/learner_scene.h"

const struct net_case net_cases[NET_CASES] = {
    {"dnn", "batch=8,lr=0.01,embedding_bits=10",
     "batch=8,lr=0.01,embedding_bits=10,calibration_rate=0,layers=embedding:8 dense:64:relu "
     "dense:1"},
    {"dnn",
     "batch=3,lr=0.01,embedding_bits=8,embedding_admit_after=2,numbers=both,clip=5,warmup_steps=20,"
     "layers=embedding:4 norm dropout:0.1 dense:16:tanh norm dense:8:sigmoid dense:1",
     NULL},
    {"dnn",
     "batch=8,optimizer=row_adagrad,embedding_bits=8,embedding_table=hashed,cross=city:device",
     NULL},
    {"dnn",
     "batch=1,optimizer=ftrl,lr=0.05,embedding_expire_days=1,embedding_bits=8,numbers=bucket",
     NULL},
    {"dnn", "batch=4,optimizer=momentum,lr=0.05,embedding_bits=8,layers=embedding:4 dense:1", NULL},
    {"wide_deep", "batch=8,lr=0.01,embedding_bits=10,wide_bits=10,cross=city:brand",
     "batch=8,lr=0.01,embedding_bits=10,wide_bits=10,calibration_rate=0,layers=embedding:8 "
     "dense:64:relu dense:1"},
    {"gru", "batch=8,lr=0.01,embedding_bits=10,hidden=12,steps=4",
     "batch=8,lr=0.01,embedding_bits=10,hidden=12,calibration_rate=0,layers=embedding:8 "
     "dense:64:relu dense:1"},
};

struct learner_example *net_draw(struct rng *rng, int i, struct net_drawn *out) {
    kind_example_draw(rng, 40, &out->it);
    struct learner_example *example = &out->it.example;
    example->input.numbers = out->it.numbers;
    example->input.step_count = (size_t)rng_below(rng, NET_SCENE_STEPS + 1);
    for (int t = 0; t < NET_SCENE_STEPS; t++) {
        out->steps[t] = (struct behaviour_step){.item = rng_below(rng, 12),
                                                .kind = (int32_t)rng_below(rng, 4),
                                                .gap_s = t == 0 ? (double)NAN : 50 * rng_unit(rng)};
    }
    example->input.steps = out->steps;
    example->time_ms = INT64_C(1700000000000) + INT64_C(600000) * i;
    example->weight = 0.5 + rng_unit(rng);
    example->is_correction = rng_below(rng, 12) == 0;
    return example;
}

/* count examples in batches of NET_SCENE_BATCH. */
void net_scene_learn(struct kind_learner *learner, uint64_t seed, int count) {
    static struct net_drawn drawn[NET_SCENE_BATCH];
    struct rng rng = rng_make(seed, 0);
    for (int i = 0; i < count; i += NET_SCENE_BATCH) {
        struct learner_example examples[NET_SCENE_BATCH];
        enum learner_verdict verdicts[NET_SCENE_BATCH];
        double p[NET_SCENE_BATCH];
        size_t size = (size_t)(count - i < NET_SCENE_BATCH ? count - i : NET_SCENE_BATCH);
        for (size_t j = 0; j < size; j++) {
            examples[j] = *net_draw(&rng, i + (int)j, &drawn[j]);
        }
        learner->kind->learn_batch(learner->memory, examples, size, verdicts, p);
        for (size_t j = 0; j < size; j++) {
            assert_int_equal(verdicts[j], LEARNER_OK);
        }
    }
}

void net_expect_same_rows(struct kind_learner *a, struct kind_learner *b) {
    struct row_store of_a = {0}, of_b = {0};
    a->kind->export_rows(a->memory, true, row_store_visit, &of_a);
    b->kind->export_rows(b->memory, true, row_store_visit, &of_b);
    assert_true(of_a.count > 3 && row_store_equal(&of_a, &of_b));
    row_store_clear(&of_a);
    row_store_clear(&of_b);
}

void net_expect_same_scores(struct kind_learner *a, struct kind_learner *b) {
    static struct net_drawn drawn;
    struct rng rng = rng_make(77, 0);
    for (int i = 0; i < 50; i++) {
        struct learner_example *example = net_draw(&rng, i, &drawn);
        struct learner_arm_score left = kind_score(a, &example->input);
        struct learner_arm_score right = kind_score(b, &example->input);
        assert_memory_equal(&left, &right, sizeof left);
    }
}
