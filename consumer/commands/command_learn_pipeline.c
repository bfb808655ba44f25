/* learn --pipeline: its options, and what it prints. */
#include <stdio.h>

#include "base/clock.h"
#include "consumer/commands/learn_pipeline.h"
#include "consumer/commands/learn_watch.h"
#include "consumer/commands/support.h"
#include "consumer/learn/report.h"

const char *learn_pipeline_stranger(int argc, char **argv) {
    static const char *const known[] = {"pipeline", "as", "save", "json", "quiet"};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0 || !argv[i][2]) {
            continue;
        }
        size_t size = strcspn(argv[i] + 2, "=");
        bool is_known = false;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
            is_known =
                is_known || bytes_equal(bytes_of(argv[i] + 2, size), bytes_of_text(known[k]));
        }
        if (!is_known) {
            return argv[i];
        }
    }
    return NULL;
}

static const struct learner_config *find_learner(const char *name, const char *as,
                                                 const struct learn_config *config) {
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    size_t count = learn_config_list(config, learners);
    for (size_t i = 0; i < count; i++) {
        if (!as || strcmp(learners[i]->name, as) == 0) {
            return learners[i];
        }
    }
    fprintf(stderr, "%s: --as: found '%s', expected one of learn.learners:", name, as);
    for (size_t i = 0; i < count; i++) {
        fprintf(stderr, " %s", learners[i]->name);
    }
    fputc('\n', stderr);
    return NULL;
}

/* What a trainer counts, where it is not 0, and where the learner goes on. */
static void print_counts(const struct learn_pipeline *plan,
                         const struct learn_pipeline_result *result) {
    const struct trainer_metrics *metrics = &result->metrics;
    const struct {
        const struct metric *count;
        const char *text;
    } notes[] = {
        {&metrics->repeats_total, "repeats"},
        {&metrics->foreign_total, "of other features than this build's: left out"},
        {&metrics->poisoned_total, "poisoned: left out"},
    };
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (metric_get(notes[i].count) > 0) {
            printf("%lld %s\n", (long long)metric_get(notes[i].count), notes[i].text);
        }
    }
    if (result->left > 0) {
        printf("the last %lld, from offset %lld on, make no whole mini-batch: the trainer goes on "
               "there\n",
               (long long)result->left, (long long)result->version_offset);
    }
    if (plan->save) {
        printf("%s: %lld rows of learner %s", plan->save, (long long)result->rows,
               plan->learner->name);
        if (result->has_offsets) {
            printf(", learned up to offset %lld of %s", (long long)result->version_offset,
                   plan->config->topics.full[TOPIC_EXAMPLES]);
        }
        putchar('\n');
    }
}

static void print_result(const struct learn_pipeline *plan, struct learn_pipeline_result *result,
                         double seconds, bool is_json) {
    struct buffer out = {0};
    const struct trainer_metrics *metrics = &result->metrics;
    struct report report = {.input = plan->examples,
                            .learner = plan->learner->name,
                            .rows = metric_get(&metrics->examples_total),
                            .learned = metric_get(&metrics->learned_total),
                            .corrections = metric_get(&metrics->corrections_total),
                            .margin_only = metric_get(&metrics->margin_only_total),
                            .refused = metric_get(&metrics->poisoned_total),
                            .duplicates = metric_get(&metrics->repeats_total),
                            .bad = metric_get(&metrics->foreign_total),
                            .passes = 1,
                            .best_pass = 1,
                            .seconds = seconds};
    report.parts[REPORT_PROGRESSIVE] = &result->judged;
    if (is_json) {
        report_write_json(&report, &out);
    } else {
        report.refused = report.duplicates = report.bad = 0; /* they are told below */
        report_write_text(&report, &out);
    }
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&out);
    if (!is_json) {
        print_counts(plan, result);
    }
}

static int learn(const char *name, const struct learn_pipeline_command *command,
                 struct learn_pipeline *plan) {
    struct learn_watch watch = learn_watch_make(command->quiet);
    struct run_listener listener = learn_watch_listener(&watch);
    struct learn_pipeline_result result;
    int64_t begin_ns = clock_monotonic_ns();
    plan->report = listener.on_moment;
    plan->report_context = listener.context;
    struct failure failure = learn_pipeline_run(plan, &result);
    learn_watch_end(&watch);
    int code = COMMAND_OK;
    if (failed(failure)) {
        code = command_failed(name, failure);
    } else {
        print_result(plan, &result, (double)(clock_monotonic_ns() - begin_ns) / 1e9, command->json);
    }
    judged_clean_up(&result.judged);
    return code;
}

int learn_pipeline_command(const char *name, const struct learn_pipeline_command *command) {
    struct pipeline_config config;
    struct failure failure = command_check_output("save", command->save, true, command->examples);
    if (!failed(failure)) {
        failure = command_check_output("save", command->save, true, command->pipeline);
    }
    if (failed(failure)) {
        return command_failed(name, failure);
    }
    int code = command_load_config(name, command->pipeline, &config);
    if (code != COMMAND_OK) {
        return code;
    }
    struct learn_pipeline plan = {.config = &config,
                                  .learner = find_learner(name, command->as, &config.learn),
                                  .examples = command->examples,
                                  .save = command->save};
    code = plan.learner ? learn(name, command, &plan) : COMMAND_USAGE;
    pipeline_config_clean_up(&config);
    return code;
}
