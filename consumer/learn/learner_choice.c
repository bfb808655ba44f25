#include "consumer/learn/learner_choice.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/config.h"
#include "base/nearest.h"

/* Defaults of `learn` that are not those of the stream. kind NULL: of every one that has the
 * option. The calibrator answers labels that come late and offers that change; rows of a file have
 * neither, and it takes a third of the time. linear's step is what tests/compare/choose_defaults.py
 * chooses on the simulated shop, by a rule that stands there with all that it said. */
static const struct {
    const char *kind, *option, *value;
} own_defaults[] = {{NULL, "calibration_rate", "0"}, {NULL, "seed", "0"}, {"linear", "lr", "0.07"}};
#define OWN_DEFAULT_COUNT (sizeof own_defaults / sizeof own_defaults[0])

static const char *default_of(const struct learner_kind *kind,
                              const struct learner_option *option) {
    for (size_t i = 0; i < OWN_DEFAULT_COUNT; i++) {
        bool is_kind = !own_defaults[i].kind || strcmp(own_defaults[i].kind, kind->name) == 0;
        if (is_kind && strcmp(own_defaults[i].option, option->name) == 0) {
            return own_defaults[i].value;
        }
    }
    return option->default_text;
}

static const char *lr_of_ftrl(const struct learner_kind *kind) {
    const struct learner_option lr = {.name = "lr", .default_text = "0"};
    return default_of(kind, &lr);
}

static void set_defaults(const struct learner_kind *kind, void *options) {
    learner_options_default(kind, options);
    for (size_t i = 0; i < kind->option_count; i++) {
        char error[LEARNER_OPTION_TEXT_MAX];
        const struct learner_option *option = &kind->options[i];
        bool is_set = learner_options_set(kind, options, option->name, default_of(kind, option),
                                          error, sizeof error);
        assert(is_set);
        (void)is_set;
    }
}

struct learner_file {
    const char *kind;
    struct config_properties options;
};

static const struct config_key file_keys[] = {
    {.name = "kind",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct learner_file, kind),
     .default_text = "",
     .help = "Name of the learner; empty = that of the command line."},
    {.name = "options",
     .type = CONFIG_PROPERTIES,
     .offset = offsetof(struct learner_file, options),
     .help = "Its options, as learn --learner NAME --help lists them."},
};
static const struct config_table file_table = {file_keys, 2, sizeof(struct learner_file)};

/* path: of the file that names it, NULL = the command line does. */
static struct failure find_kind(const char *name, const char *path,
                                const struct learner_kind **out) {
    *out = learner_kind_find(name);
    if (*out) {
        return failure_none();
    }
    struct buffer known = {0};
    learner_choice_list(&known);
    struct failure failure = failure_make(
        FAILURE_STOP, 0, "%.100s%s: found \"%.40s\", expected one of %.*s", path ? path : "",
        path ? ": learner.kind" : "--learner", name, BYTES_ARG(buffer_bytes(&known)));
    buffer_clean_up(&known);
    return failure;
}

static struct failure set(struct learner_choice *choice, const char *key, const char *value) {
    char error[LEARNER_OPTION_TEXT_MAX];
    if (learner_options_set(choice->kind, choice->options, key, value, error, sizeof error)) {
        choice->is_prior_set = choice->is_prior_set || strcmp(key, "prior_p") == 0;
        choice->is_lr_set = choice->is_lr_set || strcmp(key, "lr") == 0;
        if (strcmp(key, "optimizer") == 0 && !choice->is_lr_set) { /* its own usual one */
            const char *lr = strcmp(value, "ftrl") == 0 ? lr_of_ftrl(choice->kind) : "0";
            (void)learner_options_set(choice->kind, choice->options, "lr", lr, error, sizeof error);
        }
        return failure_none();
    }
    struct nearest nearest;
    nearest_init(&nearest, key);
    for (size_t i = 0; i < choice->kind->option_count; i++) {
        nearest_offer(&nearest, choice->kind->options[i].name);
    }
    bool is_known = nearest.name && nearest.distance == 0;
    return failure_make(FAILURE_STOP, 0, "%s: %s%s%s%s", choice->kind->name, error,
                        nearest.name && !is_known ? ", did you mean \"" : "",
                        nearest.name && !is_known ? nearest.name : "",
                        nearest.name && !is_known ? "\"?" : "");
}

static bool has_option(const struct learner_kind *kind, const char *name) {
    for (size_t i = 0; i < kind->option_count; i++) {
        if (strcmp(kind->options[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* --lr and its like: the option goes by another name in some kinds. */
static struct failure set_common(struct learner_choice *choice, const char *flag,
                                 const char *const *names, const char *value) {
    if (!value) {
        return failure_none();
    }
    for (size_t i = 0; names[i]; i++) {
        if (has_option(choice->kind, names[i])) {
            return set(choice, names[i], value);
        }
    }
    return failure_make(FAILURE_STOP, 0, "--%s: %s has no such option", flag, choice->kind->name);
}

static struct failure set_pair(struct learner_choice *choice, const char *pair) {
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair) {
        return failure_make(FAILURE_STOP, 0, "--set: found \"%.80s\", expected key=value", pair);
    }
    char *key = memory_copy_text(bytes_of(pair, (size_t)(equals - pair)));
    struct failure failure = set(choice, key, equals + 1);
    free(key);
    return failure;
}

static struct failure set_task(struct learner_choice *choice,
                               const struct learner_request *request) {
    if (!request->has_task || request->task != TASK_REGRESSION) {
        return failure_none();
    }
    if (!has_option(choice->kind, "loss")) {
        return failure_make(FAILURE_STOP, 0, "--task regression: %s learns labels of two values",
                            choice->kind->name);
    }
    return set(choice, "loss", "squared");
}

/* After all was said: numbers have no log-loss. */
static struct failure check_task(const struct learner_choice *choice,
                                 const struct learner_request *request) {
    char loss[LEARNER_OPTION_TEXT_MAX];
    for (size_t i = 0; i < choice->kind->option_count; i++) {
        const struct learner_option *option = &choice->kind->options[i];
        if (!request->has_task || request->task != TASK_REGRESSION ||
            strcmp(option->name, "loss") != 0) {
            continue;
        }
        learner_options_text(option, choice->options, loss, sizeof loss);
        if (strcmp(loss, "squared") != 0) {
            return failure_make(FAILURE_STOP, 0,
                                "--task regression: loss: found \"%s\", expected squared", loss);
        }
    }
    return failure_none();
}

static struct failure set_all(struct learner_choice *choice, const struct learner_request *request,
                              const struct learner_file *file) {
    static const char *const lr[] = {"lr", "alpha", NULL};
    static const char *const l1[] = {"l1", NULL}, *const l2[] = {"l2", NULL};
    static const char *const loss[] = {"loss", NULL};
    struct failure failure = failure_none();
    for (size_t i = 0; i < file->options.count && !failed(failure); i++) {
        failure = set(choice, file->options.items[i].name, file->options.items[i].value);
        if (failed(failure)) {
            failure = failure_make(FAILURE_STOP, 0, "%.100s: learner.options: %.250s",
                                   request->config_path, failure.text);
        }
    }
    const struct {
        const char *flag;
        const char *const *names;
        const char *value;
    } common[] = {{"lr", lr, request->lr},
                  {"l1", l1, request->l1},
                  {"l2", l2, request->l2},
                  {"loss", loss, request->loss}};
    if (!failed(failure)) {
        failure = set_task(choice, request);
    }
    if (!failed(failure) && request->has_seed && has_option(choice->kind, "seed")) {
        char seed[24];
        snprintf(seed, sizeof seed, "%llu", (unsigned long long)request->seed);
        failure = set(choice, "seed", seed);
    }
    for (size_t i = 0; i < sizeof common / sizeof common[0] && !failed(failure); i++) {
        failure = set_common(choice, common[i].flag, common[i].names, common[i].value);
    }
    for (size_t i = 0; i < request->set_count && !failed(failure); i++) {
        failure = set_pair(choice, request->sets[i]);
    }
    return failed(failure) ? failure : check_task(choice, request);
}

struct failure learner_choice_make(const struct learner_request *request,
                                   struct learner_choice *out) {
    *out = (struct learner_choice){0};
    struct learner_file file = {.kind = ""};
    struct config *config = NULL;
    struct failure failure = failure_none();
    if (request->config_path) {
        const struct config_room room = {"learner", &file_table, &file};
        failure = config_load_file(request->config_path, &room, 1, stderr, &config);
    }
    if (!failed(failure)) {
        bool is_of_file = !request->learner && *file.kind;
        const char *name = request->learner ? request->learner
                           : is_of_file     ? file.kind
                                            : LEARNER_CHOICE_DEFAULT;
        failure = find_kind(name, is_of_file ? request->config_path : NULL, &out->kind);
    }
    if (!failed(failure)) {
        out->options = memory_new(1, out->kind->options_bytes);
        set_defaults(out->kind, out->options);
        failure = set_all(out, request, &file);
    }
    if (config) {
        config_destroy(config);
    }
    if (failed(failure)) {
        learner_choice_clean_up(out);
    }
    return failure;
}

void learner_choice_clean_up(struct learner_choice *choice) {
    free(choice->options);
    *choice = (struct learner_choice){0};
}

/* ---- help ---- */

void learner_choice_list(struct buffer *out) {
    for (size_t i = 0; learner_kinds[i]; i++) {
        buffer_format(out, "%s%s", i ? ", " : "", learner_kinds[i]->name);
    }
}

static void write_range(const struct learner_option *option, struct buffer *out) {
    switch (option->type) {
    case LEARNER_OPTION_CHOICE:
        for (size_t i = 0; option->choices[i]; i++) {
            buffer_format(out, "%s%s", i ? "|" : "", option->choices[i]);
        }
        break;
    case LEARNER_OPTION_TEXT:
        buffer_append(out, bytes_of_text("TEXT"));
        break;
    default:
        buffer_format(out, "%.6g..%.6g", option->min, option->max);
    }
}

void learner_choice_help(const struct learner_kind *kind, struct buffer *out) {
    buffer_format(out, "%s: %s\n\n", kind->name, kind->summary);
    for (size_t i = 0; i < kind->option_count; i++) {
        const struct learner_option *option = &kind->options[i];
        buffer_format(out, "  --set %s=", option->name);
        write_range(option, out);
        buffer_format(out, "\n      %s", option->help);
        if (*option->default_text) {
            buffer_format(out, " (%s)", default_of(kind, option));
        }
        buffer_append_byte(out, '\n');
    }
}
