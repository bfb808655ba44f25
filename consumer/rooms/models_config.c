/* models_config: section `learn` of pipeline.yaml, as a table, and the checks that a table cannot
 * make. */
#include <assert.h>
#include <stdlib.h>

#include "consumer/rooms/features.h"
#include "consumer/rooms/models.h"
#include "model/head.h"
#include "model/logistic.h"

#define AT(struct_name, member) .offset = offsetof(struct struct_name, member)
#define COUNT(array)            (sizeof(array) / sizeof(array)[0])
#define NAME_BYTES_MAX          23
#define DAY_MS                  86400000.0
#define CROSS_0                 "age_band:gender"
#define CROSS_1                 "origin:top_category"

const char *const learner_role_names[] = {"champion", "challenger", NULL};

static const struct config_key learner_keys[] = {
    {.name = "name",
     .type = CONFIG_TEXT,
     AT(learner_config, name),
     .default_text = "logistic",
     .help = "name in rows, logs and metrics: letters, digits, '_', '-', '.', at most 23; another "
             "name starts another learner, from nothing"},
    {.name = "kind",
     .type = CONFIG_TEXT,
     AT(learner_config, kind),
     .default_text = "logistic",
     .help = "logistic, linear, ...: promostream learn --help lists the kinds"},
    {.name = "role",
     .type = CONFIG_CHOICE,
     AT(learner_config, role),
     .default_text = "champion",
     .choices = learner_role_names,
     .help = "champion: its scores may decide; challenger: it is scored and judged only"},
    {.name = "bits",
     .type = CONFIG_INT,
     AT(learner_config, bits),
     .default_text = "18",
     .min = 10,
     .max = 24,
     .help = "its table has 2^bits weights"},
    {.name = "alpha",
     .type = CONFIG_NUMBER,
     AT(learner_config, alpha),
     .default_text = "0.01",
     .min = 1e-6,
     .max = 100,
     .help = "FTRL: size of a step"},
    {.name = "beta",
     .type = CONFIG_NUMBER,
     AT(learner_config, beta),
     .default_text = "1",
     .max = 1000,
     .help = "FTRL: damps the first steps"},
    {.name = "l1",
     .type = CONFIG_NUMBER,
     AT(learner_config, l1),
     .default_text = "0",
     .max = 1000,
     .help = "FTRL: weights whose gradients add up to less stay 0"},
    {.name = "l2",
     .type = CONFIG_NUMBER,
     AT(learner_config, l2),
     .default_text = "1",
     .max = 1000,
     .help = "FTRL: pulls weights to 0"},
    {.name = "prior_p",
     .type = CONFIG_NUMBER,
     AT(learner_config, prior_p),
     .default_text = "0.1",
     .min = 1e-6,
     .max = 0.999999,
     .help = "share of buyers (0 to 1) that it expects before any example"},
    {.name = "effect_sd",
     .type = CONFIG_NUMBER,
     AT(learner_config, effect_sd),
     .default_text = "0.35",
     .max = 10,
     .help = "log-odds by which an offer's effect is expected to differ between kinds of users"},
    {.name = "calibration_rate",
     .type = CONFIG_NUMBER,
     AT(learner_config, calibration_rate),
     .default_text = "0.005",
     .max = 1,
     .help = "step of the calibrator; 0 = no calibration"},
    {.name = "options",
     .type = CONFIG_PROPERTIES,
     AT(learner_config, options),
     .help = "of every kind but logistic, name: value; promostream learn --learner KIND --help "
             "lists them"},
    {.name = "crosses",
     .type = CONFIG_TEXT_LIST,
     AT(learner_config, crosses),
     .default_text = "[\"" CROSS_0 "\", \"" CROSS_1 "\"]",
     .help = "pairs of names (promostream features) that get a weight together, name:name"},
    {.name = "arm_features",
     .type = CONFIG_TEXT_LIST,
     AT(learner_config, arm_features),
     .default_text = "[age_band, gender, region]",
     .help = "names (promostream features) whose values move offers' effects, at most 6"},
};
static const struct config_table learner_table = {learner_keys, COUNT(learner_keys),
                                                  sizeof(struct learner_config)};

static const struct config_key learn_keys[] = {
    {.name = "batch_offsets",
     .type = CONFIG_INT,
     AT(learn_config, batch_offsets),
     .default_text = "32",
     .min = 1,
     .max = 1e6,
     .help = "a mini-batch ends at each multiple of this offset of examples; never change it "
             "where runs must repeat"},
    {.name = "publish_interval",
     .type = CONFIG_DURATION_MS,
     AT(learn_config, publish_interval_ms),
     .default_text = "1s",
     .min = 10,
     .max = 3600000,
     .help = "what was learned goes to the topic model about this often"},
    {.name = "alarm_ratio",
     .type = CONFIG_NUMBER,
     AT(learn_config, alarm_ratio),
     .default_text = "1.5",
     .max = 100,
     .help =
         "buyers that came / that were promised: outside 1/this to this for certain (95 %), the "
         "champion must not decide; 0 = no alarm"},
    {.name = "alarm_decisions_min",
     .type = CONFIG_INT,
     AT(learn_config, alarm_decisions_min),
     .default_text = "1000",
     .max = 1e12,
     .help = "no alarm before so many decisions have matured"},
    {.name = "arm_decisions_min",
     .type = CONFIG_INT,
     AT(learn_config, arm_decisions_min),
     .default_text = "500",
     .max = 1e12,
     .help = "an offer is an apprentice until so many decisions with it have matured"},
    {.name = "arm_age_min",
     .type = CONFIG_DURATION_MS,
     AT(learn_config, arm_age_min_ms),
     .default_text = "7d",
     .max = 3650 * DAY_MS,
     .help = "and until the first of them is so old"},
    {.name = "learners",
     .type = CONFIG_LIST,
     AT(learn_config, learners),
     .element = &learner_table,
     .default_text = "[{name: logistic}]",
     .help = "who learns from the topic examples, at most 4, exactly one of them the champion"},
};
const struct config_table learn_config_table = {learn_keys, COUNT(learn_keys),
                                                sizeof(struct learn_config)};

/* ---- what the table cannot check ---- */

struct check {
    FILE *errors;
    size_t count, index; /* index: of the learner */
};

static void wrong(struct check *check, const char *key, const char *found, const char *expected) {
    check->count++;
    fprintf(check->errors, "learn.learners[%zu].%s: found %s, expected %s\n", check->index, key,
            found, expected);
}

static const struct learner_config *learner_at(const struct learn_config *config, size_t index) {
    return &((const struct learner_config *)config->learners.items)[index];
}

static bool is_name(const char *text) {
    const char *known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t size = strlen(text);
    return size > 0 && size <= NAME_BYTES_MAX && strspn(text, known) == size;
}

static void check_name(struct check *check, const struct learn_config *config) {
    const char *name = learner_at(config, check->index)->name;
    if (!is_name(name)) {
        wrong(check, "name", name, "1 to 23 letters, digits, '_', '-', '.'");
    }
    for (size_t i = 0; i < check->index; i++) {
        if (strcmp(learner_at(config, i)->name, name) == 0) {
            wrong(check, "name", name, "a name that no learner before it has");
        }
    }
}

/* Index in FEATURE_NAMES, -1 if there is none. */
static int find_name(struct bytes name) {
    for (size_t i = 0; i < model_space.name_count; i++) {
        if (bytes_equal(name, bytes_of_text(model_space.names[i]))) {
            return (int)i;
        }
    }
    return -1;
}

/* False unless text is name:name, both known and not the same. */
static bool find_cross(const char *text, int out[2]) {
    const char *colon = strchr(text, ':');
    if (!colon) {
        return false;
    }
    out[0] = find_name(bytes_of(text, (size_t)(colon - text)));
    out[1] = find_name(bytes_of_text(colon + 1));
    return out[0] >= 0 && out[1] >= 0 && out[0] != out[1];
}

/* Options of a kind with a head (head.h) as they are configured; the configuration has passed its
 * check. Owned by the caller. */
static void *options_of(const struct learner_kind *kind, const struct learner_config *config,
                        struct check *check) {
    void *options = memory_new(1, kind->options_bytes);
    learner_options_default(kind, options);
    struct head_options *head = options;
    head->prior_p = config->prior_p;
    head->effect_sd = config->effect_sd;
    head->calibration_rate = config->calibration_rate;
    for (size_t i = 0; i < config->options.count; i++) {
        const struct config_property *option = &config->options.items[i];
        char error[400];
        if (!learner_options_set(kind, options, option->name, option->value, error, sizeof error)) {
            assert(check && "configurations are checked first");
            check->count++;
            fprintf(check->errors, "learn.learners[%zu].options.%s\n", check->index, error);
        }
    }
    return options;
}

/* Keys of logistic that another kind would not look at: nobody writes them to no effect. */
static void check_not_logistic(struct check *check, const struct learner_config *learner) {
    struct logistic_options usual;
    learner_options_default(&learner_logistic, &usual);
    const struct {
        const char *key;
        double found, usual;
    } keys[] = {
        {"bits", (double)learner->bits, usual.bits},
        {"alpha", learner->alpha, usual.alpha},
        {"beta", learner->beta, usual.beta},
        {"l1", learner->l1, usual.l1},
        {"l2", learner->l2, usual.l2},
    };
    char text[64];
    for (size_t i = 0; i < COUNT(keys); i++) {
        if (keys[i].found != keys[i].usual) {
            (void)snprintf(text, sizeof text, "%g", keys[i].found);
            wrong(check, keys[i].key, text, "nothing: it is of logistic; others have options");
        }
    }
    const struct config_text_list *crosses = &learner->crosses;
    bool is_usual = crosses->count == 2 && strcmp(crosses->items[0], CROSS_0) == 0 &&
                    strcmp(crosses->items[1], CROSS_1) == 0;
    if (!is_usual) {
        wrong(check, "crosses", crosses->count > 0 ? crosses->items[0] : "[]",
              "nothing: it is of logistic; others have the option cross");
    }
}

static void check_kind(struct check *check, const struct learner_config *learner) {
    const struct learner_kind *kind = learner_kind_find(learner->kind);
    if (!kind) {
        struct buffer names = {0};
        for (size_t i = 0; learner_kinds[i]; i++) {
            buffer_format(&names, "%s%s", i > 0 ? ", " : "one of ", learner_kinds[i]->name);
        }
        buffer_append_byte(&names, 0);
        wrong(check, "kind", learner->kind, (const char *)names.data);
        buffer_clean_up(&names);
    } else if (kind != &learner_logistic) {
        struct head_options *head = options_of(kind, learner, check);
        if (head->loss != HEAD_LOGISTIC) {
            wrong(check, "options.loss", "squared", "logistic: labels of examples are 0 and 1");
        }
        free(head);
        check_not_logistic(check, learner);
    } else if (learner->options.count > 0) {
        wrong(check, "options", learner->options.items[0].name,
              "none: the options of logistic are keys of the learner itself");
    }
}

static void check_features(struct check *check, const struct learner_config *learner) {
    int cross[2];
    for (size_t i = 0; i < learner->crosses.count; i++) {
        if (!find_cross(learner->crosses.items[i], cross)) {
            wrong(check, "crosses", learner->crosses.items[i],
                  "name:name, two names of promostream features");
        }
    }
    for (size_t i = 0; i < learner->arm_features.count; i++) {
        if (find_name(bytes_of_text(learner->arm_features.items[i])) < 0) {
            wrong(check, "arm_features", learner->arm_features.items[i],
                  "a name of promostream features");
        }
    }
    if (learner->crosses.count > LEARNER_CROSSES_MAX) {
        wrong(check, "crosses", "more", "at most 16");
    }
    if (learner->arm_features.count > LEARNER_ARM_NAMES_MAX) {
        wrong(check, "arm_features", "more", "at most 6");
    }
}

size_t learn_config_check(const struct learn_config *config, FILE *errors) {
    struct check check = {.errors = errors};
    size_t champions = 0, count = config->learners.count;
    for (size_t i = 0; i < count; i++) {
        check.index = i;
        check_name(&check, config);
        check_kind(&check, learner_at(config, i));
        check_features(&check, learner_at(config, i));
        champions += learner_at(config, i)->role == ROLE_CHAMPION;
    }
    if (count == 0 || count > ROW_LEARNERS_MAX || champions != 1) {
        check.count++;
        fprintf(
            errors,
            "learn.learners: found %zu, %zu of them champions, expected 1 to %d with exactly one "
            "champion\n",
            count, champions, ROW_LEARNERS_MAX);
    }
    if (config->alarm_ratio > 0 && config->alarm_ratio < 1) {
        check.count++;
        fprintf(errors, "learn.alarm_ratio: found %g, expected 0 or at least 1\n",
                config->alarm_ratio);
    }
    return check.count;
}

size_t learn_config_list(const struct learn_config *config,
                         const struct learner_config *out[ROW_LEARNERS_MAX]) {
    size_t count = 0;
    for (int role = ROLE_CHAMPION; role <= ROLE_CHALLENGER; role++) {
        for (size_t i = 0; i < config->learners.count; i++) {
            if (learner_at(config, i)->role == role) {
                assert(count < ROW_LEARNERS_MAX);
                out[count++] = learner_at(config, i);
            }
        }
    }
    return count;
}

/* ---- a learner's options ---- */

const struct learner_kind *learner_config_kind(const struct learner_config *config) {
    const struct learner_kind *kind = learner_kind_find(config->kind);
    assert(kind && "configurations are checked first");
    return kind;
}

/* The configuration has passed its check. */
static void set_logistic(const struct learner_config *config, struct logistic_options *out) {
    out->bits = (int)config->bits;
    out->alpha = config->alpha;
    out->beta = config->beta;
    out->l1 = config->l1;
    out->l2 = config->l2;
    out->cross_count = config->crosses.count;
    for (size_t i = 0; i < config->crosses.count; i++) {
        bool is_known = find_cross(config->crosses.items[i], out->crosses[i]);
        assert(is_known);
    }
}

void *learner_config_options(const struct learner_config *config) {
    const struct learner_kind *kind = learner_config_kind(config);
    struct head_options *head = options_of(kind, config, NULL);
    head->arm_name_count = config->arm_features.count;
    for (size_t i = 0; i < config->arm_features.count; i++) {
        head->arm_names[i] = find_name(bytes_of_text(config->arm_features.items[i]));
    }
    if (kind == &learner_logistic) {
        set_logistic(config, (struct logistic_options *)(void *)head);
    }
    return head;
}

void model_init(struct model *model, const struct learner_config *config,
                const struct decide_config *decide) {
    void *options = learner_config_options(config);
    model_init_kind(model, config, decide, learner_config_kind(config), options);
    free(options);
}
