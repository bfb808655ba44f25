/* model: who the learners are, what they have learned, who of them decides. list and show only
 * read; promote and rollback write one row of the topic control, which every worker reads at its
 * next epoch's beginning. */
#include <stdio.h>
#include <stdlib.h>

#include "consumer/commands/control_row.h"
#include "consumer/commands/model_transfer.h"
#include "consumer/commands/support.h"

struct model_options {
    const char *config, *why, *by, *file;
    int64_t position;
    bool json, force;
};

/* Every option of the verbs; each takes some of them. */
enum {
    TAKES_JSON = 1 << 0,
    TAKES_WHY = 1 << 1, /* and who */
    TAKES_FORCE = 1 << 2,
    TAKES_FILE = 1 << 3,
    TAKES_POSITION = 1 << 4,
    TAKES_ALL = -1
};
static const struct model_option {
    int takes;
    struct option_row row;
} model_rows[] = {
    {TAKES_ALL, COMMAND_CONFIG_ROW(struct model_options)},
    {TAKES_FILE,
     {.name = "file",
      .letter = 'f',
      .argument = "FILE",
      .type = OPTION_TEXT,
      .offset = offsetof(struct model_options, file),
      .is_required = true,
      .help = "The model file."}},
    {TAKES_POSITION,
     {.name = "position",
      .argument = "OFFSET",
      .type = OPTION_INT,
      .offset = offsetof(struct model_options, position),
      .help = "Offset of the topic examples from which the learner goes on learning, rounded down "
              "to whole mini-batches; without it where the file has learned up to, if it learned "
              "from this very topic."}},
    {TAKES_WHY,
     {.name = "why",
      .letter = 'w',
      .argument = "TEXT",
      .type = OPTION_TEXT,
      .offset = offsetof(struct model_options, why),
      .default_text = "",
      .help = "The reason, kept in the topic for whoever asks later."}},
    {TAKES_WHY,
     {.name = "by",
      .argument = "NAME",
      .type = OPTION_TEXT,
      .offset = offsetof(struct model_options, by),
      .help = "Who asks for it; user@host of this process if it is not given."}},
    {TAKES_FORCE,
     {.name = "force",
      .type = OPTION_FLAG,
      .offset = offsetof(struct model_options, force),
      .help = "Promote although it has not enough data, or is off its promises, or has learned "
              "nothing."}},
    {TAKES_JSON,
     {.name = "json",
      .type = OPTION_FLAG,
      .offset = offsetof(struct model_options, json),
      .help = "Print JSON."}},
};
#define MODEL_ROW_COUNT (sizeof model_rows / sizeof model_rows[0])

/* ---- reading ---- */

static void visit_model(void *context, const struct record *record) {
    model_view_take_model(context, record);
}

static void visit_control(void *context, const struct record *record) {
    model_view_take_control(context, record);
}

/* *out_is_whole: no open transaction hides what is newest. */
static struct failure read_view(const struct pipeline_config *config, struct model_view *view,
                                bool *out_is_whole) {
    struct topic_read_result model, control = {.is_whole = true};
    struct failure failure =
        command_read_topic(config, TOPIC_MODEL, TOPIC_ALL_PARTITIONS, visit_model, view, &model);
    model_view_take_end(view);
    if (!failed(failure)) {
        failure = command_read_topic(config, TOPIC_CONTROL, TOPIC_ALL_PARTITIONS, visit_control,
                                     view, &control);
    }
    *out_is_whole = model.is_whole && control.is_whole;
    return failure;
}

/* ---- the verbs ---- */

/* page: its name begins error lines; name: of a learner, NULL where the verb takes none. */
typedef int verb_on(const struct model_view *view, const struct model_options *options,
                    const char *page, const char *name);

static int print(struct buffer *out) {
    fwrite(out->data, 1, out->size, stdout);
    buffer_clean_up(out);
    return COMMAND_OK;
}

static int list(const struct model_view *view, const struct model_options *options,
                const char *page, const char *name) {
    (void)page;
    (void)name;
    struct buffer out = {0};
    model_view_list(view, options->json, &out);
    return print(&out);
}

static bool find(const struct model_view *view, const char *page, const char *name, size_t *out) {
    *out = model_view_find(view, name);
    if (*out < view->learner_count) {
        return true;
    }
    fprintf(stderr, "%s: found learner '%s', expected one of learn.learners:", page, name);
    for (size_t i = 0; i < view->learner_count; i++) {
        fprintf(stderr, " %s", view->learners[i].model.config->name);
    }
    fputc('\n', stderr);
    return false;
}

static int show(const struct model_view *view, const struct model_options *options,
                const char *page, const char *name) {
    size_t learner;
    if (!find(view, page, name, &learner)) {
        return COMMAND_USAGE;
    }
    struct buffer out = {0};
    model_view_show(view, learner, options->json, &out);
    return print(&out);
}

static int write_champion(const struct model_view *view, const struct model_options *options,
                          const char *page, const char *name) {
    char who[CONTROL_WHO_BYTES_MAX];
    control_name_of_process(who);
    const struct control_row row = {
        .setting = bytes_of_text(CONTROL_CHAMPION),
        .value = bytes_of_text(name),
        .changed_by = bytes_of_text(options->by ? options->by : who),
        .why = bytes_of_text(options->why),
        .changed_ms = clock_now_ms(clock_system()),
    };
    struct failure failure = control_row_send(view->config, &row);
    if (failed(failure)) {
        return command_failed(page, failure);
    }
    const char *topic = view->config->topics.full[TOPIC_CONTROL];
    if (options->json) {
        control_row_print_json(&row, topic);
    } else {
        printf("champion: %s, written to %s; every worker of group %s obeys from its next epoch "
               "on\n",
               *name ? name : "the configured one", topic, view->config->broker.group_id);
    }
    return COMMAND_OK;
}

static int promote(const struct model_view *view, const struct model_options *options,
                   const char *page, const char *name) {
    size_t learner;
    bool is_ready;
    if (!find(view, page, name, &learner)) {
        return COMMAND_USAGE;
    }
    const char *verdict = model_view_verdict(view, learner, &is_ready);
    if (!is_ready && !options->force) {
        fprintf(stderr,
                "%s: %s: found \"%s\", expected \"calibrated\"; --force promotes it all the "
                "same\n",
                page, name, verdict);
        return COMMAND_FAILED;
    }
    if (view->champion_count > 0 &&
        strcmp(view->champions[view->champion_count - 1].name, name) == 0) {
        fprintf(stderr, "%s: %s was promoted already: nothing is written\n", page, name);
        return COMMAND_OK;
    }
    return write_champion(view, options, page, name);
}

static int rollback(const struct model_view *view, const struct model_options *options,
                    const char *page, const char *name) {
    (void)name;
    const char *before;
    if (!model_view_before(view, &before)) {
        fprintf(stderr, "%s: nothing was promoted: the configured learner is champion\n", page);
        return COMMAND_FAILED;
    }
    return write_champion(view, options, page, before);
}

static int export(const struct model_view *view, const struct model_options *options,
                  const char *page, const char *name) {
    size_t learner;
    int64_t rows = 0;
    if (!find(view, page, name, &learner)) {
        return COMMAND_USAGE;
    }
    const struct model *model = &view->learners[learner].model;
    bool is_ready;
    if (!model_view_is_known(view, learner)) {
        fprintf(stderr, "%s: learner %s: %s\n", page, name,
                model_view_verdict(view, learner, &is_ready));
        return COMMAND_FAILED;
    }
    struct failure failure = command_check_output("file", options->file, true, options->config);
    if (!failed(failure)) {
        failure = model_save(model, view->config, view->config->topics.full[TOPIC_EXAMPLES],
                             options->file, &rows);
    }
    if (failed(failure)) {
        return command_failed(page, failure);
    }
    printf("%s: %lld rows, learned up to example offset %lld\n", options->file, (long long)rows,
           (long long)model->version_offset);
    return COMMAND_OK;
}

static int import(const struct model_view *view, const struct model_options *options,
                  const char *page, const char *name) {
    struct model_import request = {
        .view = view, .path = options->file, .position = options->position};
    int64_t rows = 0, position = 0;
    if (!find(view, page, name, &request.learner)) {
        return COMMAND_USAGE;
    }
    int32_t partitions = 0;
    const char *topic = view->config->topics.full[TOPIC_MODEL];
    struct failure failure = command_count_partitions(view->config, TOPIC_MODEL, &partitions);
    if (!failed(failure) && partitions == 0) {
        failure = failure_make(FAILURE_STOP, 0,
                               "there is no topic %s yet: promostream run creates it at its start",
                               topic);
    }
    if (!failed(failure)) {
        failure = command_topic_end(view->config, TOPIC_EXAMPLES, 0, &request.examples_end);
    }
    if (!failed(failure)) {
        failure = model_import(&request, &rows, &position);
    }
    if (failed(failure)) {
        return command_failed(page, failure);
    }
    printf("learner %s: %lld rows written to %s; it goes on learning from example offset %lld of "
           "%lld\n",
           name, (long long)rows, topic, (long long)position, (long long)request.examples_end);
    return COMMAND_OK;
}

/* ---- choosing ---- */

static const struct verb {
    const char *name;
    verb_on *run;
    int takes;
    struct option_page page; /* without its rows */
} verbs[] = {
    {"list",
     list,
     TAKES_JSON,
     {.name = "promostream model list",
      .summary = "the learners, how far they are, how true their promises came",
      .synopsis = "[--config FILE] [--json]",
      .description =
          "Reads the topics `model` and `control` once. The champion is marked: its scores decide. "
          "version: the next example offset that the learner's last version has learned. judged, "
          "bought/promised: decisions of the last 14 whole days whose attribution window is over, "
          "observations aside, by the probability that was frozen at the decision."}},
    {"show",
     show,
     TAKES_JSON,
     {.name = "promostream model show",
      .summary = "one learner: its options, its offers, its promises by origin",
      .synopsis = "NAME [--config FILE] [--json]",
      .arguments_min = 1,
      .arguments_max = 1}},
    {"promote",
     promote,
     TAKES_WHY | TAKES_FORCE | TAKES_JSON,
     {.name = "promostream model promote",
      .summary = "let this learner's scores decide, in all workers, from their next epoch on",
      .synopsis = "NAME [--config FILE] [--why TEXT] [--by NAME] [--force] [--json]",
      .description =
          "Writes champion/purchase = NAME to the topic `control` and waits until the broker has "
          "it. Every worker obeys at its next epoch's beginning and after every restart, until "
          "another promotion or a rollback; the journal makes it repeatable. Refused unless the "
          "learner is configured, has learned something, and its promises of the last 14 days "
          "came true: the 95 % interval of bought/promised meets [0.98, 1.02] over at least 500 "
          "decisions and 50 orders. --force promotes all the same.",
      .examples = " promostream model promote challenger --why 'log-loss 2 % lower over 14 days'\n"
                  " promostream model rollback --why 'fewer orders since'",
      .arguments_min = 1,
      .arguments_max = 1}},
    {"rollback",
     rollback,
     TAKES_WHY | TAKES_JSON,
     {.name = "promostream model rollback",
      .summary = "take the last promotion back",
      .synopsis = "[--config FILE] [--why TEXT] [--by NAME] [--json]",
      .description =
          "Writes to the topic `control` whoever was champion before the present one, or nobody, "
          "which stands for the learner that is champion by configuration. A second rollback takes "
          "the first one back."}},
    {"export",
     export,
     TAKES_FILE,
     {.name = "promostream model export",
      .summary = "write a learner's last whole version to a file",
      .synopsis = "NAME --file FILE [--config FILE]",
      .description =
          "The file has a header, the learner's rows and a checksum. promostream model import "
          "reads it again, here or elsewhere. What was promised and what came of it stays behind: "
          "a copy proves itself anew.",
      .examples = " promostream model export logistic --file logistic.psm",
      .arguments_min = 1,
      .arguments_max = 1}},
    {"import",
     import,
     TAKES_FILE | TAKES_POSITION,
     {.name = "promostream model import",
      .summary = "begin a learner with what a file knows",
      .synopsis = "NAME --file FILE [--position OFFSET] [--config FILE]",
      .description =
          "The file is one of promostream model export, or of promostream learn --pipeline. Its "
          "rows become the first version of the learner NAME in the topic `model`: one that is "
          "configured (as challenger, say), of the same kind, options and features, and that has "
          "learned nothing yet: add it to learn.learners, import, then restart the workers. One "
          "transaction: workers and trainer see all of it or nothing; a trainer that is running "
          "begins again with it.",
      .examples = " promostream model import challenger --file challenger.psm",
      .arguments_min = 1,
      .arguments_max = 1}},
};
#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

/* The verb's page with the rows that it takes; they lie in rows. */
static struct option_page page_of(const struct verb *verb,
                                  struct option_row rows[MODEL_ROW_COUNT]) {
    struct option_page page = verb->page;
    page.exit_status = command_exit_status;
    page.rows = rows;
    for (size_t i = 0; i < MODEL_ROW_COUNT; i++) {
        if (model_rows[i].takes & verb->takes) {
            rows[page.row_count++] = model_rows[i].row;
        }
    }
    return page;
}

static int run_verb(const struct verb *verb, int argc, char **argv) {
    struct option_row rows[MODEL_ROW_COUNT];
    const struct option_page page = page_of(verb, rows);
    struct model_options options = {.position = -1}; /* not given */
    const char *name = NULL;
    int code = COMMAND_OK;
    if (!command_options_of(&page, argc, argv, &options, &name, &code)) {
        return code;
    }
    struct pipeline_config config;
    code = command_load_config(page.name, options.config, &config);
    if (code != COMMAND_OK) {
        return code;
    }
    struct model_view view;
    model_view_init(&view, &config);
    bool is_whole = true;
    struct failure failure = read_view(&config, &view, &is_whole);
    if (!failed(failure) && !is_whole) {
        fprintf(stderr, "%s: an open transaction hides the newest rows\n", page.name);
    }
    if (!failed(failure) && !is_whole && verb->run == import) {
        failure = failure_make(FAILURE_RETRY, 0, "try again when it has ended");
    }
    code = failed(failure) ? command_failed(page.name, failure)
                           : verb->run(&view, &options, page.name, name);
    model_view_clean_up(&view);
    pipeline_config_clean_up(&config);
    return code;
}

static const struct option_page page = {
    .name = "promostream model",
    .summary = "the learners: list them, let another one decide, keep copies of them",
    .synopsis = "list [OPTION]...\n"
                "show NAME [OPTION]...\n"
                "promote NAME [OPTION]...\n"
                "rollback [OPTION]...\n"
                "export NAME --file FILE [OPTION]...\n"
                "import NAME --file FILE [OPTION]...",
    .description = "Each has its own --help.",
    .exit_status = command_exit_status,
    .arguments_max = -1,
};

int command_model(int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < VERB_COUNT; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return run_verb(&verbs[i], argc - 1, argv + 1);
        }
    }
    struct option_arguments arguments = {0};
    switch (options_parse(&page, argc, argv, NULL, &arguments, stderr)) {
    case OPTIONS_HELP:
        options_help(&page, stdout);
        return COMMAND_OK;
    case OPTIONS_ERROR:
        return COMMAND_USAGE;
    case OPTIONS_OK:
        break;
    }
    fprintf(stderr, "%s: found '%s', expected list, show, promote, rollback, export or import\n",
            page.name, argc > 1 ? argv[1] : "");
    return COMMAND_USAGE;
}
