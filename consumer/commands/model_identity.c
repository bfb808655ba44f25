#include "consumer/commands/model_identity.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/ops/printable.h"
#include "model/learner_options.h"
#include "model/logistic.h"

/* ---- writing ---- */

static void put_key(const char *key, struct buffer *out) {
    buffer_format(out, "%s\"%s\":", out->data[out->size - 1] == '{' ? "" : ",", key);
}

static void put_text(const char *key, const char *text, struct buffer *out) {
    put_key(key, out);
    printable_append_json(out, bytes_of_text(text));
}

/* As few digits as give the same bits. */
static void put_number(const char *key, double number, struct buffer *out) {
    char text[32];
    (void)snprintf(text, sizeof text, "%.15g", number);
    if (strtod(text, NULL) != number) {
        (void)snprintf(text, sizeof text, "%.17g", number);
    }
    put_text(key, text, out);
}

static void put_texts(const char *key, const char *const *texts, size_t count, struct buffer *out) {
    put_key(key, out);
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        buffer_append(out, bytes_of_text(i > 0 ? "," : ""));
        printable_append_json(out, bytes_of_text(texts[i]));
    }
    buffer_append_byte(out, ']');
}

/* Options of logistic are keys of the learner itself (models_config.c). */
static void put_logistic(const struct learner_config *config, struct buffer *out) {
    put_number("bits", (double)config->bits, out);
    put_number("alpha", config->alpha, out);
    put_number("beta", config->beta, out);
    put_number("l1", config->l1, out);
    put_number("l2", config->l2, out);
    put_number("prior_p", config->prior_p, out);
    put_number("effect_sd", config->effect_sd, out);
    put_number("calibration_rate", config->calibration_rate, out);
    put_texts("crosses", config->crosses.items, config->crosses.count, out);
}

static void put_options(const struct learner_config *config, struct buffer *out) {
    const struct learner_kind *kind = learner_config_kind(config);
    put_key("options", out);
    buffer_append_byte(out, '{');
    if (kind == &learner_logistic) {
        put_logistic(config, out);
    } else {
        void *options = learner_config_options(config);
        for (size_t i = 0; i < kind->option_count; i++) {
            char text[LEARNER_OPTION_TEXT_MAX + 1];
            learner_options_text(&kind->options[i], options, text, sizeof text);
            put_text(kind->options[i].name, text, out);
        }
        free(options);
    }
    put_texts("arm_features", config->arm_features.items, config->arm_features.count, out);
    buffer_append_byte(out, '}');
}

static void put_offers(const struct decide_config *decide, struct buffer *out) {
    const char *ids[OFFERS_MAX];
    for (size_t i = 0; i < decide->offers.count; i++) {
        ids[i] = offers_get(decide, (int)i)->id;
    }
    put_texts("offers", ids, decide->offers.count, out);
}

void model_identity_write(const struct model *model, const struct pipeline_config *config,
                          const char *topic, struct buffer *out) {
    char said[4096] = "";
    model->kind->describe(model->memory, said, sizeof said);
    buffer_append_byte(out, '{');
    put_text("promostream", PROMOSTREAM_VERSION, out);
    put_text("learner", model->kind->name, out);
    put_key("pipeline", out);
    buffer_append_byte(out, '{');
    put_text("name", model->config->name, out);
    put_key("feature_version", out);
    buffer_format(out, "%d", (int)model_space.feature_version);
    put_texts("numbers", model_space.numbers, model_space.number_count, out);
    put_texts("names", model_space.names, model_space.name_count, out);
    put_options(model->config, out);
    put_offers(&config->decide, out);
    put_text("topic", topic ? topic : "", out);
    put_key("offset", out);
    buffer_format(out, "%lld", (long long)model->version_offset);
    put_text("description", said, out);
    buffer_append(out, bytes_of_text("}}\n"));
}

/* ---- comparing ---- */

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* A value as people read it; the caller frees. */
static char *shown(const json_t *value) {
    if (json_is_string(value)) {
        return memory_copy_text(bytes_of_text(json_string_value(value)));
    }
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    char *copy = memory_copy_text(bytes_of_text(text ? text : "none"));
    free(text);
    return copy;
}

static struct failure differs(const char *what, const json_t *file, const json_t *own,
                              const char *name) {
    char *in_file = shown(file), *here = shown(own);
    struct failure failure =
        failure_make(FAILURE_STOP, 0, "%s: the file has %.60s, learner %s here has %.60s", what,
                     in_file, name, here);
    free(in_file);
    free(here);
    return failure;
}

static struct failure compare_list(const char *what, const json_t *file, const json_t *own,
                                   const char *name) {
    size_t count = json_array_size(file), most = json_array_size(own);
    for (size_t i = 0; i < count || i < most; i++) {
        const json_t *left = json_array_get(file, i), *right = json_array_get(own, i);
        if (!left || !right || !json_equal(left, right)) {
            char text[64];
            (void)snprintf(text, sizeof text, "%s %zu", what, i);
            return differs(text, left, right, name);
        }
    }
    return failure_none();
}

static struct failure compare_options(json_t *file, json_t *own, const char *name) {
    const char *key;
    json_t *value;
    json_object_foreach(own, key, value) {
        const json_t *other = json_object_get(file, key);
        if (!other || !json_equal(other, value)) {
            char text[64];
            (void)snprintf(text, sizeof text, "option %.40s", key);
            return differs(text, other, value, name);
        }
    }
    return failure_none();
}

/* A model of `promostream learn` over columns: the first of them that is no feature here. */
static struct failure refuse_columns(const json_t *columns, const json_t *own) {
    const char *stranger = NULL;
    for (size_t i = 0; i < json_array_size(columns) && !stranger; i++) {
        const json_t *name = json_object_get(json_array_get(columns, i), "name");
        bool is_known = false;
        for (int list = 0; list < 2; list++) {
            const json_t *known = json_object_get(own, list == 0 ? "numbers" : "names");
            for (size_t k = 0; k < json_array_size(known); k++) {
                is_known = is_known || json_equal(json_array_get(known, k), name);
            }
        }
        stranger = is_known ? NULL : json_string_value(name);
    }
    return failure_make(FAILURE_STOP, 0,
                        "its columns are those of a file%s%.40s%s: `promostream learn "
                        "examples.avro --pipeline FILE --as NAME --save FILE` learns with the "
                        "pipeline's features",
                        stranger ? ", \"" : "", stranger ? stranger : "",
                        stranger ? "\" is no feature here" : "");
}

static struct failure compare(const json_t *root, const json_t *own_root, const char *name) {
    const json_t *file = json_object_get(root, "pipeline");
    const json_t *own = json_object_get(own_root, "pipeline");
    if (!file) {
        return refuse_columns(json_object_get(root, "columns"), own);
    }
    const json_t *kind = json_object_get(root, "learner");
    if (!kind || !json_equal(kind, json_object_get(own_root, "learner"))) {
        return differs("kind", kind, json_object_get(own_root, "learner"), name);
    }
    struct failure failure = compare_list("numeric feature", json_object_get(file, "numbers"),
                                          json_object_get(own, "numbers"), name);
    if (!failed(failure)) {
        failure = compare_list("categorical feature", json_object_get(file, "names"),
                               json_object_get(own, "names"), name);
    }
    const json_t *version = json_object_get(file, "feature_version");
    if (!failed(failure) &&
        (!version || !json_equal(version, json_object_get(own, "feature_version")))) {
        failure =
            differs("feature version", version, json_object_get(own, "feature_version"), name);
    }
    return failed(failure) ? failure
                           : compare_options(json_object_get(file, "options"),
                                             json_object_get(own, "options"), name);
}

struct failure model_identity_check(struct bytes header, const struct model *model,
                                    const struct pipeline_config *config,
                                    struct model_identity_place *out) {
    struct buffer own = {0};
    json_error_t error;
    *out = (struct model_identity_place){0};
    model_identity_write(model, config, NULL, &own);
    json_t *own_root = json_loadb((const char *)own.data, own.size, 0, NULL);
    json_t *root = json_loadb((const char *)header.data, header.size, 0, &error);
    struct failure failure =
        root ? compare(root, own_root, model->config->name)
             : failure_make(FAILURE_STOP, 0, "its header is no JSON: %.100s", error.text);
    const json_t *file = json_object_get(root, "pipeline");
    (void)snprintf(out->topic, sizeof out->topic, "%s", text_of(file, "topic"));
    out->offset = json_integer_value(json_object_get(file, "offset"));
    json_decref(root);
    json_decref(own_root);
    buffer_clean_up(&own);
    return failure;
}
