/* explain: why a decision came out as it did, from the topics alone: no group, no writing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/commands/explain.h"
#include "consumer/commands/kept.h"
#include "consumer/commands/support.h"
#include "schemas/schemas.h"

struct explain_options {
    const char *config;
    bool json;
};

static const struct option_row rows[] = {
    COMMAND_CONFIG_ROW(struct explain_options),
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct explain_options, json),
     .help = "Print one JSON object."},
};

static const struct option_page page = {
    .name = "promostream explain",
    .summary = "show why a decision came out as it did, and what became of it",
    .synopsis = "DECISION [--config FILE] [--json]",
    .description =
        "DECISION is a decision's id, 32 hex digits, as pushes and decisions carry it. Prints all "
        "its attempts with every gate, open or closed, and the eligible actions with their "
        "probabilities and values; then the summands of the champion's logit for the action and "
        "for none, which add up to it, with the calibrated probability beside the one that was "
        "frozen; then its labels so far.\n\n"
        "The model is read from its topic up to the version that scored. The topic is compacted: "
        "of decisions that are older than its log's tail that version is gone. Then the newest "
        "one is used, and the output says so with both offsets.\n\n"
        "Reads `promotion-decisions`, `model` and `examples` from their start; joins no group and "
        "writes nothing.",
    .exit_status = " 0  found\n 1  not found, or failed: standard error says which\n"
                   " 2  wrong usage or configuration\n 3  no broker answered in time\n"
                   " 6  refused by Kafka: a login, a certificate or a right is wrong",
    .examples = " promostream explain 4f1c0a55d2b94e0c8a7be6d3f0a91b22",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

struct explaining {
    const struct pipeline_config *config;
    struct hash128 id;
    bool is_whole;
    struct kept attempts, examples; /* bodies */

    /* The model, while it is read */
    struct model model;
    struct model_metrics metrics;
    int64_t wanted_offset;
    bool has_model, is_reached;
};

/* ---- Reading ---- */

static struct failure read_topic(struct explaining *explaining, enum topic topic,
                                 broker_visit *visit) {
    struct topic_read_result result;
    struct failure failure = command_read_topic(explaining->config, topic, TOPIC_ALL_PARTITIONS,
                                                visit, explaining, &result);
    explaining->is_whole = explaining->is_whole && result.is_whole;
    return failure;
}

static void take_decision(void *context, const struct record *record) {
    struct explaining *explaining = context;
    struct decision_row row;
    struct bytes body;
    if (wire_unframe_output(SCHEMA_DECISION, record->value, &body) && decision_decode(body, &row) &&
        hash128_equal(row.decision_id, explaining->id)) {
        kept_add(&explaining->attempts, record->key, body);
    }
}

static void take_example(void *context, const struct record *record) {
    struct explaining *explaining = context;
    struct example_row row;
    struct bytes body;
    if (wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_EXAMPLE, 0, record->value, &body) &&
        example_decode(body, &row) && hash128_equal(row.decision_id, explaining->id)) {
        kept_add(&explaining->examples, record->key, body);
    }
}

/* Until the reader is told that it is at the end, whole versions wait: so one can stop at any. */
static void take_model(void *context, const struct record *record) {
    struct explaining *explaining = context;
    const struct pipeline_config *config = explaining->config;
    if (explaining->is_reached) {
        return;
    }
    (void)model_take_record(&explaining->model, &config->learn,
                            config->decide.attribution_window_ms, record->key, record->value,
                            &explaining->metrics);
    explaining->is_reached = explaining->model.waiting_offset == explaining->wanted_offset;
}

/* The learner that scored first, by name, as it is configured now. */
static const struct learner_config *find_learner(const struct learn_config *config,
                                                 struct bytes name) {
    const struct learner_config *learners[ROW_LEARNERS_MAX];
    size_t count = learn_config_list(config, learners);
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(name, bytes_of_text(learners[i]->name))) {
            return learners[i];
        }
    }
    return NULL;
}

static struct failure read_model(struct explaining *explaining, const struct decision_row *row) {
    const struct pipeline_config *config = explaining->config;
    const struct learner_config *learner =
        row->score_count > 0 ? find_learner(&config->learn, row->scores[0].learner) : NULL;
    if (!learner) {
        return failure_none();
    }
    model_init(&explaining->model, learner, &config->decide);
    explaining->has_model = true;
    explaining->wanted_offset = row->scores[0].version_offset;
    if (explaining->wanted_offset == 0) {
        return failure_none(); /* nothing had been learned: the model as it begins */
    }
    struct failure failure = read_topic(explaining, TOPIC_MODEL, take_model);
    model_take_end(&explaining->model, &config->learn, config->decide.attribution_window_ms,
                   &explaining->metrics);
    return failure;
}

/* ---- Showing ---- */

static int by_attempt(const void *a, const void *b) {
    const struct decision_row *left = a, *right = b;
    return (left->attempt > right->attempt) - (left->attempt < right->attempt);
}

static int by_revision(const void *a, const void *b) {
    const struct example_row *left = a, *right = b;
    return (left->revision > right->revision) - (left->revision < right->revision);
}

static struct decision_row *decode_attempts(const struct explaining *explaining) {
    const struct kept *kept = &explaining->attempts;
    struct decision_row *out = memory_new(kept->count, sizeof *out);
    for (size_t i = 0; i < kept->count; i++) {
        (void)decision_decode(buffer_bytes(&kept->items[i].value), &out[i]);
    }
    qsort(out, kept->count, sizeof *out, by_attempt);
    return out;
}

static struct example_row *decode_examples(const struct explaining *explaining) {
    const struct kept *kept = &explaining->examples;
    struct example_row *out = memory_new(kept->count + 1, sizeof *out);
    for (size_t i = 0; i < kept->count; i++) {
        (void)example_decode(buffer_bytes(&kept->items[i].value), &out[i]);
    }
    qsort(out, kept->count, sizeof *out, by_revision);
    return out;
}

static const char *note_of(const struct explaining *explaining) {
    if (metric_get(&explaining->metrics.rows_refused_total) > 0) {
        return "  rows of the topic model do not fit: other options or another build wrote them";
    }
    return explaining->is_whole ? "" : "  an open transaction hides the newest rows";
}

static void show(const struct explaining *explaining, const struct decision_row *attempts,
                 bool is_json) {
    struct example_row *examples = decode_examples(explaining);
    const struct explain_view view = {
        .attempts = attempts,
        .attempt_count = explaining->attempts.count,
        .examples = examples,
        .example_count = explaining->examples.count,
        .model = explaining->has_model ? &explaining->model : NULL,
        .note = note_of(explaining),
    };
    struct buffer out = {0};
    explain_render(&view, is_json, &out);
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&out);
    free(examples);
}

static int explain_found(struct explaining *explaining, bool is_json) {
    struct decision_row *attempts = decode_attempts(explaining);
    struct failure failure = read_topic(explaining, TOPIC_EXAMPLES, take_example);
    if (!failed(failure)) {
        failure = read_model(explaining, &attempts[explaining->attempts.count - 1]);
    }
    int code = failed(failure) ? command_failed(page.name, failure) : COMMAND_OK;
    if (code == COMMAND_OK) {
        show(explaining, attempts, is_json);
    }
    free(attempts);
    return code;
}

static int explain(const struct pipeline_config *config, struct hash128 id, bool is_json) {
    struct explaining explaining = {.config = config, .id = id, .is_whole = true};
    int code;
    struct failure failure = read_topic(&explaining, TOPIC_PROMOTION_DECISIONS, take_decision);
    if (failed(failure)) {
        code = command_failed(page.name, failure);
    } else if (explaining.attempts.count == 0) {
        fprintf(stderr, "%s: no such decision in %s%s\n", page.name,
                config->topics.full[TOPIC_PROMOTION_DECISIONS],
                explaining.is_whole ? "" : "; an open transaction hides the newest rows");
        code = COMMAND_FAILED;
    } else {
        code = explain_found(&explaining, is_json);
    }
    kept_clean_up(&explaining.attempts);
    kept_clean_up(&explaining.examples);
    if (explaining.has_model) {
        model_clean_up(&explaining.model);
    }
    return code;
}

int command_explain(int argc, char **argv) {
    struct explain_options options = {0};
    const char *argument;
    int code = COMMAND_OK;
    if (!command_options_of(&page, argc, argv, &options, &argument, &code)) {
        return code;
    }
    struct hash128 id;
    if (!hash128_parse(bytes_of_text(argument), &id)) {
        fprintf(stderr, "%s: found '%s', expected a decision's id of 32 hex digits\n", page.name,
                argument);
        return COMMAND_USAGE;
    }
    struct pipeline_config config;
    code = command_load_config(page.name, options.config, &config);
    if (code != COMMAND_OK) {
        return code;
    }
    code = explain(&config, id, options.json);
    pipeline_config_clean_up(&config);
    return code;
}
