/* learn: trains a learner on a file, without Kafka, and says how good it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "consumer/commands/learn_files.h"
#include "consumer/commands/learn_pipeline.h"
#include "consumer/commands/learn_watch.h"
#include "consumer/commands/support.h"
#include "consumer/learn/export.h"
#include "consumer/learn/learner_choice.h"
#include "consumer/learn/model_file.h"
#include "consumer/learn/run.h"

struct learn_command {
    const char *label, *positive, *weight, *time, *group, *numeric, *categorical, *ignore;
    struct option_list crosses, missing, sets;
    int task; /* 0 = as the label says */
    const char *types, *save_types;
    const char *learner, *lr, *l1, *l2, *loss, *config;
    int64_t passes, patience, seed, gap_ms, memory_bytes, row_bytes;
    bool progressive, drop_duplicates, skip_bad, keep_outliers, json, quiet;
    int shuffle, format;
    const char *valid, *test, *delimiter, *slice;
    double threshold;
    const char *save, *load, *predictions, *export_json;
    const char *pipeline, *as;
};

static const char *const task_choices[] = {"auto", "binary", "regression", NULL};
static const char *const shuffle_choices[] = {"auto", "yes", "no", NULL};

#define ROW(NAME, FIELD, ARGUMENT, TYPE, DEFAULT, HELP)                                            \
    {                                                                                              \
        .name = NAME, .argument = ARGUMENT, .type = OPTION_##TYPE,                                 \
        .offset = offsetof(struct learn_command, FIELD), .default_text = DEFAULT, .help = HELP     \
    }
#define CHOICE(NAME, FIELD, ARGUMENT, CHOICES, HELP)                                               \
    {                                                                                              \
        .name = NAME, .argument = ARGUMENT, .type = OPTION_CHOICE,                                 \
        .offset = offsetof(struct learn_command, FIELD), .default_text = "auto",                   \
        .choices = CHOICES, .help = HELP                                                           \
    }
#define FLAG(NAME, FIELD, HELP)                                                                    \
    {                                                                                              \
        .name = NAME, .type = OPTION_FLAG, .offset = offsetof(struct learn_command, FIELD),        \
        .help = HELP                                                                               \
    }

static const struct option_row rows[] = {
    ROW("label", label, "COL", TEXT, NULL, "What is to be predicted; without it the last column."),
    ROW("positive", positive, "VALUE", TEXT, NULL,
        "The label's value that counts as yes; everything else is no. Known by themselves: 1 and 0 "
        "(or -1), true and false, yes and no, y and n, t and f."),
    ROW("weight", weight, "COL", TEXT, NULL, "Importance of the row, above 0, at most 10000."),
    ROW("time", time, "COL", TEXT, NULL,
        "When it happened: ISO 8601, or seconds or milliseconds since 1970."),
    ROW("group", group, "COL", TEXT, NULL,
        "Whose row it is: rows of one group are never on two sides of a split. after:TIME then "
        "holds "
        "out the rows of new groups alone."),
    CHOICE("task", task, "TASK", task_choices, "auto and binary: two labels; regression: numbers."),
    ROW("numeric", numeric, "a,b", TEXT, NULL, "Columns that are numbers."),
    ROW("categorical", categorical, "d,e", TEXT, NULL, "Columns that are categories."),
    ROW("ignore", ignore, "f,g", TEXT, NULL, "Columns that are not looked at."),
    ROW("cross", crosses, "d:e", TEXT_LIST, NULL,
        "Two categorical columns whose values count together; of VW text two namespaces, by name "
        "or first letter (--cross a:d is VW's -q ad)."),
    ROW("types", types, "FILE", TEXT, NULL, "Types of columns, as --save-types wrote them."),
    ROW("save-types", save_types, "FILE", TEXT, NULL, "Write the types of the columns."),
    ROW("learner", learner, "NAME", TEXT, NULL,
        "Which learner (linear); with --help its options are listed too."),
    ROW("lr", lr, "X", TEXT, NULL, "Size of a step."),
    ROW("l1", l1, "X", TEXT, NULL, "Pulls weights to exactly 0."),
    ROW("l2", l2, "X", TEXT, NULL, "Pulls weights towards 0."),
    ROW("loss", loss, "LOSS", TEXT, NULL, "logistic or squared."),
    ROW("set", sets, "key=value", TEXT_LIST, NULL, "Any option of the learner."),
    ROW("config", config, "FILE", TEXT, NULL,
        "A YAML file: learner: {kind: NAME, options: {key: value}}. The command line wins."),
    {.name = "passes",
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct learn_command, passes),
     .default_text = "1",
     .min = 1,
     .max = 1e6,
     .help = "How often the rows are learned from."},
    FLAG("progressive", progressive,
         "Predict each row of the first pass before it is learned from, and judge that. With one "
         "pass and nothing held out it is done anyway."),
    ROW("valid", valid, "PART", TEXT, NULL,
        "Rows that are held out to find the best pass: a fraction by hash, after:TIME, or a FILE."),
    ROW("test", test, "PART", TEXT, NULL,
        "Rows that judge the final model, in the same forms. The draw of a row is "
        "splitmix64(number from 0, or hash of its group, or of an example's decision, xor seed) "
        "mod 10 (100, 1000); the lowest are test, the next valid."),
    {.name = "gap",
     .argument = "DURATION",
     .type = OPTION_DURATION_MS,
     .offset = offsetof(struct learn_command, gap_ms),
     .default_text = "0s",
     .help = "Rows of so long before after:TIME are left out: labels of that time were not known."},
    {.name = "patience",
     .argument = "K",
     .type = OPTION_INT,
     .offset = offsetof(struct learn_command, patience),
     .default_text = "0",
     .min = 0,
     .max = 1e6,
     .help = "Stop when the loss on --valid has not fallen by 0.0001 in K passes; 0 = never. The "
             "best pass is kept in any case."},
    CHOICE("shuffle", shuffle, "WHEN", shuffle_choices,
           "A new order for each pass, by the seed; auto: with several passes and without --time "
           "and --progressive."),
    {.name = "seed",
     .argument = "S",
     .type = OPTION_INT,
     .offset = offsetof(struct learn_command, seed),
     .min = 0,
     .max = LEARNER_SEED_MAX,
     .help = "Of every draw: splits, orders, dropout, first weights; 0 without it. --set seed=S is "
             "that of the first weights alone."},
    ROW("delimiter", delimiter, "C", TEXT, NULL,
        "Between the fields of a CSV, \"tab\" too; without it the most frequent of , tab ; | in "
        "the header."),
    CHOICE("format", format, "FORMAT", source_format_names,
           "csv, vw (Vowpal Wabbit's text), avro (container of examples); auto looks at the first "
           "bytes."),
    ROW("missing", missing, "TOKEN", TEXT_LIST, NULL,
        "A text that stands for no value, beside the empty one; of numbers also NA, N/A, NaN, "
        "null, None."),
    FLAG("drop-duplicates", drop_duplicates,
         "Learn once from rows that are the same; held-out rows stay."),
    FLAG(
        "keep-outliers", keep_outliers,
        "Leave numbers as they are. Otherwise those further from the middle 99.8 % of the training "
        "rows than that is wide are cut, and flagged by a feature."),
    FLAG("skip-bad", skip_bad,
         "Count rows that cannot be read and go on; otherwise the first ends it."),
    {.name = "row-bytes-max",
     .argument = "SIZE",
     .type = OPTION_SIZE_BYTES,
     .offset = offsetof(struct learn_command, row_bytes),
     .default_text = "1M",
     .min = 64,
     .max = 1 << 30,
     .help = "Longer rows are bad."},
    {.name = "memory-max",
     .argument = "SIZE",
     .type = OPTION_SIZE_BYTES,
     .offset = offsetof(struct learn_command, memory_bytes),
     .default_text = "4G",
     .min = 1 << 16,
     .max = 1e15,
     .help =
         "What rows may take in memory. Several passes and held-out parts keep them there, those "
         "of standard input too; one pass does not."},
    {.name = "threshold",
     .argument = "P",
     .type = OPTION_NUMBER,
     .offset = offsetof(struct learn_command, threshold),
     .default_text = "0.5",
     .min = 0,
     .max = 1,
     .help = "Probability from which on a row counts as yes."},
    ROW("slice", slice, "COL", TEXT, NULL, "Figures for each value of a column, too."),
    ROW("predictions", predictions, "FILE", TEXT, NULL,
        "Write p,label of each row that was predicted before it was learned; otherwise of --test, "
        "or of --valid."),
    ROW("save", save, "FILE", TEXT, NULL, "Write the model, for --load and promostream predict."),
    ROW("export-json", export_json, "FILE", TEXT, NULL,
        "Write the model, linear or dnn, as JSON for other programs: what each value that the "
        "input file has adds, and the layers behind (tests/compare/score_json.py scores with it). "
        "Reads the input once more."),
    ROW("load", load, "FILE", TEXT, NULL, "Go on from a saved model: its columns, its learner."),
    ROW("pipeline", pipeline, "FILE", TEXT, NULL,
        "A pipeline.yaml: learn from examples (promostream examples) as the trainer of one of its "
        "learners does, with its features, options and mini-batches; promostream model import "
        "takes what --save writes. Beside it only --as, --save, --json and --quiet."),
    ROW("as", as, "NAME", TEXT, NULL,
        "Which of learn.learners it is; without it the configured champion."),
    FLAG("json", json, "Print the report as one JSON object."),
    FLAG("quiet", quiet, "No table of columns and no progress on standard error."),
};

static const struct option_page page = {
    .name = "promostream learn",
    .summary = "train a learner on a file, and say how good it is",
    .synopsis = "FILE [OPTION]...",
    .description =
        "FILE is CSV with a header, Vowpal Wabbit's text or an Avro container of examples, plain, "
        "Zstandard or gzip; - is standard input. Columns are typed from the first rows and shown; "
        "whole numbers with at most 50 values count as categories.\n\n"
        "The report stands on standard output: figures of what was predicted before it was "
        "learned, or of rows that were held out, beside those of a model that always says the "
        "same. Decisions of examples are judged by their last label. The same file, options and "
        "seed give the same model, bit for bit.",
    .exit_status = " 0  done\n 1  failed: standard error says where and why\n"
                   " 2  wrong usage: options, columns that are not there",
    .examples = " promostream learn sessions.csv --label Revenue\n"
                " promostream learn sessions.csv --test 0.3 --valid 0.1 --passes 50 --patience 5 "
                "--save m.psm\n"
                " promostream learn clicks.vw --cross a:d --set bits=22\n"
                " promostream learn examples.avro --pipeline pipeline.yaml --as challenger --save "
                "c.psm\n"
                " promostream learn --learner linear --help",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

/* ---- the command ---- */

static struct failure check_command(const struct learn_command *command, const char *path,
                                    const struct learner_choice *choice) {
    bool is_typed = command->label || command->positive || command->weight || command->time ||
                    command->group || command->numeric || command->categorical || command->ignore ||
                    command->types || command->crosses.count || command->missing.count ||
                    command->task;
    bool is_chosen = command->learner || command->lr || command->l1 || command->l2 ||
                     command->loss || command->sets.count || command->config;
    if (command->load && (is_typed || is_chosen)) {
        return failure_make(FAILURE_STOP, 0,
                            "--load: the model brings its columns, its learner and options; no "
                            "other can be given");
    }
    const char *separator = command->delimiter;
    if (separator && (strlen(separator) != 1 || strchr("\"\n\r", *separator))) {
        return failure_make(FAILURE_STOP, 0, "--delimiter: found \"%.20s\", expected one character",
                            separator);
    }
    if (command->positive && command->task == 2) {
        return failure_make(FAILURE_STOP, 0, "--positive: --task regression takes numbers");
    }
    if (command->export_json && strcmp(path, "-") == 0) {
        return failure_make(
            FAILURE_STOP, 0,
            "--export-json: reads the input once more, which standard input cannot");
    }
    if (command->export_json && choice->kind && !command->load) {
        struct failure failure = export_check(choice->kind);
        if (failed(failure)) {
            return failure;
        }
    }
    return command->patience > 0 && !command->valid
               ? failure_make(FAILURE_STOP, 0,
                              "--patience: needs rows that tell when to stop, --valid")
               : failure_none();
}

static struct learn_plan plan_of(const struct learn_command *command, const char *path,
                                 const struct learner_choice *choice) {
    bool is_held_out = command->valid || command->test;
    return (struct learn_plan){
        .source = {.path = path,
                   .format = (enum source_format)command->format,
                   .separator = command->delimiter ? *command->delimiter : 0,
                   .row_bytes_max = (size_t)command->row_bytes},
        .columns = {.label = command->label,
                    .positive = command->positive,
                    .weight = command->weight,
                    .time = command->time,
                    .group = command->group,
                    .numeric = command->numeric,
                    .categorical = command->categorical,
                    .ignore = command->ignore,
                    .crosses = command->crosses.items,
                    .cross_count = command->crosses.count,
                    .missing = command->missing.items,
                    .missing_count = command->missing.count,
                    .task = command->task - 1},
        .types_path = command->types,
        .save_types_path = command->save_types,
        .kind = choice->kind,
        .options = choice->options,
        .is_prior_set = choice->is_prior_set || command->load,
        .passes = command->passes,
        .patience = command->patience,
        .shuffle = (enum shuffle)command->shuffle,
        .is_progressive = command->progressive || (command->passes == 1 && !is_held_out),
        .valid = command->valid,
        .test = command->test,
        .gap_ms = command->gap_ms,
        .seed = command->seed >= 0 ? (uint64_t)command->seed : 0,
        .drops_duplicates = command->drop_duplicates,
        .skips_bad = command->skip_bad,
        .keeps_outliers = command->keep_outliers || command->load, /* it has its bounds */
        .memory_max = (size_t)command->memory_bytes,
        .threshold = command->threshold,
        .slice = command->slice};
}

static void print_report(const struct learn_command *command, const struct learn_run *run) {
    struct buffer out = {0};
    if (command->json) {
        report_write_json(&run->report, &out);
    } else {
        report_write_text(&run->report, &out);
    }
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&out);
}

static struct failure save(const struct learn_command *command, struct learn_run *run,
                           const struct model_origin *before) {
    struct model_origin origin = {
        .rows = before->rows + run->report.rows,
        .passes = before->passes + run->report.passes,
        .data_fingerprint = before->rows
                                ? hash_combine(before->data_fingerprint, run->data_fingerprint)
                                : run->data_fingerprint};
    return model_file_save(command->save, &run->fitted, &origin);
}

/* The model that goes on, the run, its predictions, the model that came of it. */
static struct failure work_through(const struct learn_command *command, struct learn_plan *plan,
                                   const struct run_listener *listener, struct learn_run *run) {
    struct model_origin origin = {0};
    const struct learn_files files = {command->save, command->export_json, command->save_types,
                                      command->predictions};
    struct failure failure = learn_files_check(&files, plan->source.path);
    if (!failed(failure)) {
        failure = learn_files_open_predictions(&files, &plan->predictions);
    }
    if (!failed(failure) && command->load) {
        failure = model_file_load(command->load, &run->fitted, &origin);
    }
    if (!failed(failure)) {
        failure = learn_run(plan, listener, run);
    }
    struct failure closed = learn_files_close_predictions(&files, plan->predictions);
    failure = failed(failure) ? failure : closed;
    if (!failed(failure) && command->save) {
        failure = save(command, run, &origin);
    }
    if (!failed(failure) && command->export_json) {
        failure = learn_files_export(&files, &plan->source, &run->fitted);
    }
    return failure;
}

static int learn(const struct learn_command *command, struct learn_plan *plan) {
    struct learn_run run = {0};
    struct learn_watch watch = learn_watch_make(command->quiet);
    struct run_listener listener = learn_watch_listener(&watch);
    struct failure failure = work_through(command, plan, &listener, &run);
    learn_watch_end(&watch);
    int code = COMMAND_OK;
    if (failed(failure)) {
        code = command_failed(page.name, failure);
        code = run.is_usage ? COMMAND_USAGE : code;
    } else {
        print_report(command, &run);
    }
    learn_run_clean_up(&run);
    return code;
}

/* --learner X on a line with --help: its options too. */
static const char *learner_asked(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--learner=", 10) == 0) {
            return argv[i] + 10;
        }
        if (strcmp(argv[i], "--learner") == 0 && i + 1 < argc) {
            return argv[i + 1];
        }
    }
    return NULL;
}

static void print_learner_help(const char *name) {
    const struct learner_kind *kind = name ? learner_kind_find(name) : NULL;
    struct buffer out = {0};
    if (kind) {
        buffer_format(&out, "\nLEARNER ");
        learner_choice_help(kind, &out);
    } else {
        buffer_format(&out, "\nLEARNERS\n");
        for (size_t i = 0; learner_kinds[i]; i++) {
            buffer_format(&out, "  %-10s %s\n", learner_kinds[i]->name, learner_kinds[i]->summary);
        }
    }
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&out);
}

static int learn_as_trainer(const struct learn_command *command, const char *path,
                            const char *stranger) {
    const struct learn_pipeline_command own = {path,          command->pipeline, command->as,
                                               command->save, command->json,     command->quiet};
    if (stranger || !command->pipeline) {
        fprintf(stderr, "%s: %s\n", page.name,
                !command->pipeline
                    ? "--as: needs --pipeline"
                    : "--pipeline: the learner brings its features and options; beside it only "
                      "--as, --save, --json and --quiet can be given");
        return COMMAND_USAGE;
    }
    return learn_pipeline_command(page.name, &own);
}

int command_learn(int argc, char **argv) {
    struct learn_command command = {.seed = -1}; /* not given */
    const char *path, *asked = learner_asked(argc, argv);
    const char *stranger = learn_pipeline_stranger(argc, argv);
    int code = COMMAND_OK;
    if (!command_options_of(&page, argc, argv, &command, &path, &code)) {
        if (code == COMMAND_OK) {
            print_learner_help(asked);
        }
        return code;
    }
    if (command.pipeline || command.as) {
        return learn_as_trainer(&command, path, stranger);
    }
    struct learner_request request = {
        .config_path = command.config,
        .learner = command.learner,
        .task = command.task == 2 ? TASK_REGRESSION : TASK_BINARY,
        .has_task = command.task > 0,
        .lr = command.lr,
        .l1 = command.l1,
        .l2 = command.l2,
        .loss = command.loss,
        .seed = (uint64_t)command.seed,
        .has_seed = command.seed >= 0,
        .sets = command.sets.items,
        .set_count = command.sets.count,
    };
    if (command.delimiter && strcmp(command.delimiter, "tab") == 0) {
        command.delimiter = "\t";
    }
    struct learner_choice choice = {0};
    struct failure failure = learner_choice_make(&request, &choice);
    if (!failed(failure)) {
        failure = check_command(&command, path, &choice);
    }
    if (failed(failure)) {
        fprintf(stderr, "%s: %s\n", page.name, failure.text);
        learner_choice_clean_up(&choice);
        return COMMAND_USAGE;
    }
    struct learn_plan plan = plan_of(&command, path, &choice);
    code = learn(&command, &plan);
    learner_choice_clean_up(&choice);
    return code;
}
