/* score: whole versions only, and what of them a decision freezes. */
#include "consumer/rooms/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka needs the above */
#include <cmocka.h>

#include <math.h>

#include "consumer/rooms/features.h"
#include "schemas/schemas.h"
#include "tests/support/decide_fixture.h"
#include "tests/support/policy_loop.h"

#define HOUR_MS FIXTURE_HOUR_MS
#define NOON_MS FIXTURE_NOON_MS
#define ARMS    3

static const char config_text[] =
    "learn:\n"
    "  batch_offsets: 4\n"
    "  arm_decisions_min: 3\n"
    "  arm_age_min: 2h\n"
    "  learners:\n"
    "    - {name: second, role: challenger, bits: 10, prior_p: 0.3}\n"
    "    - {name: first, bits: 10, prior_p: 0.2}\n"
    "decide:\n"
    "  mode: live\n"
    "  offers:\n"
    "    - {id: ten, kind: percent_off, value: 10, title: t, body: b}\n"
    "    - {id: rem, kind: reminder, title: t, body: b}\n";
enum { TEN, REM };

struct scene {
    struct pipeline_config config;
    struct score score;
    struct policy_loop loop; /* the first learner's trainer */
    struct decision decision;
    uint64_t next_id;
};

static int set_up(void **state) {
    struct scene *scene = memory_new(1, sizeof *scene);
    schemas_init();
    struct failure failure = pipeline_config_load_text("score.yaml", config_text,
                                                       strlen(config_text), stderr, &scene->config);
    assert_false(failed(failure));
    score_init(&scene->score, &scene->config.learn, &scene->config.decide);
    score_settle(&scene->score); /* the topic was empty */
    policy_loop_init(&scene->loop, &scene->config);
    decide_fixture_decision("anna", &scene->decision);
    scene->decision.number_count = FEATURE_NUMBER_COUNT;
    scene->decision.name_count = FEATURE_NAME_COUNT;
    scene->decision.numbers[FEATURE_CART_VALUE] = 84.9;
    scene->decision.names[FEATURE_ORIGIN] = bytes_of_text("cart_abandoned");
    *state = scene;
    return 0;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    policy_loop_clean_up(&scene->loop);
    score_clean_up(&scene->score);
    pipeline_config_clean_up(&scene->config);
    free(scene);
    return 0;
}

/* One example of the decision's features with this action at the trainer's. */
static void learn(struct scene *scene, const char *action, bool is_bought, int64_t decided_ms) {
    struct example_row row = {
        .decision_id = {1, scene->next_id++},
        .user_id = bytes_of_text("anna"),
        .origin = bytes_of_text("cart_abandoned"),
        .decided_ms = decided_ms,
        .labelled_ms = decided_ms + HOUR_MS,
        .feature_version = FEATURE_VERSION,
        .number_count = FEATURE_NUMBER_COUNT,
        .name_count = FEATURE_NAME_COUNT,
        .bucket = bytes_of_text("policy"),
        .action = bytes_of_text(action),
        .action_p = 0.5,
        .label = is_bought ? LABEL_BOUGHT : LABEL_NOT_BOUGHT,
        .net_margin = 1,
        .weight = 1,
    };
    memcpy(row.numbers, scene->decision.numbers, sizeof row.numbers);
    memcpy(row.names, scene->decision.names, sizeof row.names);
    struct buffer value = {0};
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, &value);
    example_encode(&row, &value);
    policy_loop_learn(&scene->loop, buffer_bytes(&value));
    buffer_clean_up(&value);
    assert_int_equal(scene->loop.refused, 0);
}

/* A mini-batch with this action; the trainer has a whole version then. */
static void learn_batch(struct scene *scene, const char *action, int64_t decided_ms) {
    for (int i = 0; i < 4; i++) {
        learn(scene, action, true, decided_ms);
    }
    assert_true(scene->loop.has_version);
}

static struct bytes take_sized(struct bytes *rest) {
    uint64_t size;
    memcpy(&size, rest->data, sizeof size);
    struct bytes bytes = bytes_of(rest->data + sizeof size, (size_t)size);
    *rest = bytes_of(bytes.data + size, rest->size - sizeof size - (size_t)size);
    return bytes;
}

/* Delivers what is published but for the version row, which ends it; that one if is_last. */
static void deliver(struct scene *scene, bool is_last) {
    struct bytes rest = buffer_bytes(&scene->loop.published);
    while (rest.size > 0) {
        struct bytes key = take_sized(&rest), value = take_sized(&rest);
        if ((rest.size == 0) == is_last) {
            score_take_record(&scene->score, key, value);
        }
    }
    score_settle(&scene->score);
}

static void score_it(struct scene *scene) {
    score_decision(&scene->score, &scene->decision);
}

/* ---- what a decision freezes ---- */

static void learners_come_with_the_champion_first(void **state) {
    struct scene *scene = *state;
    score_it(scene);
    const struct decision *decision = &scene->decision;
    assert_int_equal(decision->learner_count, 2);
    assert_true(bytes_equal(decision->learners[0], bytes_of_text("first")));
    assert_true(bytes_equal(decision->learners[1], bytes_of_text("second")));
    assert_true(decision->has_score && !decision->is_alarmed);
    assert_int_equal(decision->arm_count, ARMS);
    assert_true(decision->version_offsets[0] == 0 && decision->version_offsets[1] == 0);
    assert_true(decision->mature == 0);
    /* Nothing is known but what the configuration expects. */
    assert_true(fabs(decision->p[0][0] - 0.2) < 1e-6 && fabs(decision->p[1][0] - 0.3) < 1e-6);
    for (size_t i = 0; i < 2; i++) {
        assert_true(decision->p[i][0] < decision->p[i][REM + 1]); /* a reminder helps a little */
        assert_true(decision->p[i][REM + 1] < decision->p[i][TEN + 1]);
    }
    for (size_t arm = 0; arm < ARMS; arm++) {
        assert_true(decision->champion.arms[arm].p == decision->p[0][arm]);
    }
    assert_int_equal(metric_get(&scene->score.metrics.scored_total), 1);
}

static void scoring_changes_nothing(void **state) {
    struct scene *scene = *state;
    learn_batch(scene, "ten", NOON_MS);
    policy_loop_publish(&scene->loop, &scene->score);
    score_it(scene);
    struct decision first = scene->decision;
    for (int i = 0; i < 10; i++) {
        score_it(scene);
        assert_memory_equal(first.p, scene->decision.p, sizeof first.p);
    }
}

static void only_a_whole_version_is_applied(void **state) {
    struct scene *scene = *state;
    score_it(scene);
    double before = scene->decision.p[0][0], other = scene->decision.p[1][0];
    learn_batch(scene, "none", NOON_MS);
    deliver(scene, false); /* all but the row that ends it */
    score_it(scene);
    assert_true(scene->decision.p[0][0] == before);
    assert_int_equal(scene->decision.version_offsets[0], 0);
    deliver(scene, true);
    score_it(scene);
    assert_true(scene->decision.p[0][0] > before); /* they all bought */
    assert_int_equal(scene->decision.version_offsets[0], 4);
    assert_int_equal(metric_get(&scene->score.metrics.model_offset), 4);
    /* It is the first learner's alone. */
    assert_true(scene->decision.p[1][0] == other);
    assert_int_equal(scene->decision.version_offsets[1], 0);
}

static void a_decision_keeps_the_version_that_scored_it(void **state) {
    struct scene *scene = *state;
    learn_batch(scene, "none", NOON_MS);
    policy_loop_publish(&scene->loop, &scene->score);
    score_it(scene);
    struct decision frozen = scene->decision;
    learn_batch(scene, "none", NOON_MS + HOUR_MS);
    policy_loop_publish(&scene->loop, &scene->score);
    assert_int_equal(frozen.version_offsets[0], 4);
    score_it(scene);
    assert_int_equal(scene->decision.version_offsets[0], 8);
    assert_true(scene->decision.p[0][0] != frozen.p[0][0]);
}

static void rows_of_nobody_are_left_alone(void **state) {
    struct scene *scene = *state;
    score_take_record(&scene->score, bytes_of_text("third/version"), bytes_of_text("garbage"));
    score_take_record(&scene->score, bytes_of_text("firs"), bytes_of_text("garbage"));
    score_settle(&scene->score);
    assert_int_equal(metric_get(&scene->score.model_metrics.rows_total), 0);
    score_it(scene);
    assert_true(scene->decision.has_score);
}

/* ---- apprentices ---- */

static uint64_t mature_after_delivery(struct scene *scene) {
    policy_loop_publish(&scene->loop, &scene->score);
    score_it(scene);
    return scene->decision.mature;
}

static void an_offer_grows_up_by_count_and_by_age(void **state) {
    struct scene *scene = *state;
    learn_batch(scene, "ten", NOON_MS); /* four of three, but all are young */
    assert_int_equal(mature_after_delivery(scene), 0);
    learn(scene, "rem", false, NOON_MS); /* old, but two of three */
    learn(scene, "rem", false, NOON_MS);
    learn(scene, "none", false, NOON_MS + HOUR_MS - 1); /* labelled a moment too early */
    learn(scene, "none", false, NOON_MS);
    assert_int_equal(mature_after_delivery(scene), 0);
    for (int i = 0; i < 4; i++) {
        learn(scene, "none", false, NOON_MS + HOUR_MS);
    }
    assert_int_equal(mature_after_delivery(scene), 1 << TEN);
    assert_int_equal(metric_get(&scene->score.metrics.arms_mature), 1);
    for (int i = 0; i < 4; i++) {
        learn(scene, "rem", false, NOON_MS + HOUR_MS);
    }
    assert_int_equal(mature_after_delivery(scene), 1 << TEN | 1 << REM);
}

/* ---- who cannot score ---- */

static void a_number_that_is_none_has_no_score(void **state) {
    struct scene *scene = *state;
    static const double bad[] = {(double)INFINITY, 1e300, -1e16};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scene->decision.numbers[FEATURE_PRICE_MEAN] = bad[i];
        score_it(scene);
        assert_false(scene->decision.has_score);
        for (size_t arm = 0; arm < ARMS; arm++) {
            assert_true(isnan(scene->decision.p[0][arm]) && isnan(scene->decision.p[1][arm]));
        }
        assert_int_equal(metric_get(&scene->score.metrics.not_finite_total), 2 * (int)(i + 1));
    }
    assert_int_equal(metric_get(&scene->score.metrics.scored_total), 0);
    scene->decision.numbers[FEATURE_PRICE_MEAN] = NAN; /* missing is fine */
    score_it(scene);
    assert_true(scene->decision.has_score);
}

static void an_alarm_goes_with_the_decision(void **state) {
    struct scene *scene = *state;
    scene->score.models[1].is_alarmed = true; /* a challenger's is no matter */
    score_it(scene);
    assert_false(scene->decision.is_alarmed);
    scene->score.models[0].is_alarmed = true;
    score_it(scene);
    assert_true(scene->decision.is_alarmed);
    score_settle(&scene->score);
    assert_int_equal(metric_get(&scene->score.metrics.alarmed), 1);
}

/* Mature arms, version, alarm and place are the champion's, whoever that is. */
static void a_promotion_changes_who_decides(void **state) {
    struct scene *scene = *state;
    struct score *score = &scene->score;
    for (int i = 0; i < 4; i++) {
        learn(scene, "ten", true, NOON_MS);
    }
    for (int i = 0; i < 4; i++) {
        learn(scene, "none", false, NOON_MS + 2 * HOUR_MS);
    }
    assert_int_equal(mature_after_delivery(scene), 1 << TEN);
    double p_first = scene->decision.p[0][0], p_second = scene->decision.p[1][0];
    assert_true(p_first != p_second);
    score->models[1].is_alarmed = true;

    score_choose(score, "second");
    score_it(scene);
    assert_true(bytes_equal(scene->decision.learners[0], bytes_of_text("second")));
    assert_true(bytes_equal(scene->decision.learners[1], bytes_of_text("first")));
    assert_true(scene->decision.p[0][0] == p_second && scene->decision.p[1][0] == p_first);
    assert_true(scene->decision.champion.arms[0].p == p_second && scene->decision.is_alarmed);
    assert_int_equal(scene->decision.mature, 0);
    assert_int_equal(metric_get(&score->metrics.champion), 1);
    assert_int_equal(metric_get(&score->metrics.model_offset), 0);

    score_choose(score, "nobody"); /* the configured one, and it is said */
    score_it(scene);
    assert_true(bytes_equal(scene->decision.learners[0], bytes_of_text("first")));
    assert_int_equal(scene->decision.mature, 1 << TEN);
    assert_int_equal(metric_get(&score->metrics.champion_unknown), 1);
    score_choose(score, "");
    score_it(scene);
    assert_true(bytes_equal(scene->decision.learners[0], bytes_of_text("first")));
    assert_int_equal(metric_get(&score->metrics.champion_unknown), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(learners_come_with_the_champion_first),
        TEST(scoring_changes_nothing),
        TEST(only_a_whole_version_is_applied),
        TEST(a_decision_keeps_the_version_that_scored_it),
        TEST(rows_of_nobody_are_left_alone),
        TEST(an_offer_grows_up_by_count_and_by_age),
        TEST(a_number_that_is_none_has_no_score),
        TEST(an_alarm_goes_with_the_decision),
        TEST(a_promotion_changes_who_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
