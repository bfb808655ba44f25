/* lesson: a change of the world is told once, however often ADWIN finds it. (That what is learned
 * is what the trainer learns: test_learn_pipeline.c; where mini-batches end: test_trainer.c.) */
#include "consumer/trainer/lesson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schemas/schemas.h"
#include "tests/support/examples.h"

static const char config_text[] = "learn: {learners: [{name: one, bits: 10}]}\n";

static void take(struct lesson *lesson, int from, int to, enum label label) {
    struct buffer body = {0};
    for (int n = from; n < to; n++) {
        struct example_row row;
        example_make(5, (size_t)n, "one", &row);
        row.origin = bytes_of_text("cart_abandoned");
        row.label = n % 4 ? label : LABEL_NOT_BOUGHT;
        buffer_clear(&body);
        example_encode(&row, &body);
        lesson_take(lesson, n, buffer_bytes(&body));
    }
    buffer_clean_up(&body);
}

static int lines_of(const char *text, const char *word) {
    int count = 0;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

static void a_drift_is_told_once(void **state) {
    (void)state;
    struct pipeline_config config;
    assert_false(failed(
        pipeline_config_load_text("l.yaml", config_text, strlen(config_text), stderr, &config)));
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    (void)learn_config_list(&config.learn, learners);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct log_sink log = log_to(out, LOG_WARN, LOG_TEXT, clock_system());
    struct trainer_metrics metrics = {0};
    struct lesson lesson;
    const struct lesson_settings settings = {
        .config = &config, .learner = learners[0], .log = &log, .metrics = &metrics};
    lesson_init(&lesson, &settings);
    take(&lesson, 0, 1500, LABEL_NOT_BOUGHT);
    lesson_tell_drift(&lesson);
    take(&lesson, 1500, 3000, LABEL_BOUGHT);
    lesson_tell_drift(&lesson);
    lesson_tell_drift(&lesson);
    fflush(out);
    assert_true(metric_get(&metrics.drifts_total) > 2);
    assert_int_equal(lines_of(text, "drift learner=one"), 1);
    fclose(out);
    free(text);
    lesson_clean_up(&lesson);
    pipeline_config_clean_up(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_drift_is_told_once)};
    schemas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
