#include "model/learner_options.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/dnn.h"
#include "model/fm.h"
#include "model/gru.h"
#include "model/linear.h"
#include "model/logistic.h"
#include "model/wide_deep.h"

const struct learner_kind *const learner_kinds[] = {
    &learner_logistic,  &learner_linear, &learner_fm, &learner_dnn,
    &learner_wide_deep, &learner_gru,    NULL};

const struct learner_kind *learner_kind_find(const char *name) {
    for (size_t i = 0; learner_kinds[i]; i++) {
        if (strcmp(learner_kinds[i]->name, name) == 0) {
            return learner_kinds[i];
        }
    }
    return NULL;
}

static const struct learner_option *find(const struct learner_kind *kind, const char *name) {
    for (size_t i = 0; i < kind->option_count; i++) {
        if (strcmp(kind->options[i].name, name) == 0) {
            return &kind->options[i];
        }
    }
    return NULL;
}

size_t learner_step_size(const struct learner_kind *kind, const void *options) {
    return kind->batch_size && kind->learn_batch && find(kind, "batch") ? kind->batch_size(options)
                                                                        : 1;
}

static bool set_number(const struct learner_option *option, uint8_t *at, const char *text,
                       char *error, size_t size) {
    char *end;
    double value = strtod(text, &end);
    bool is_int = option->type == LEARNER_OPTION_INT;
    if (end == text || *end || !isfinite(value) || value < option->min || value > option->max ||
        (is_int && value != floor(value))) {
        snprintf(error, size, "%s: found \"%s\", expected %s between %.10g and %.10g", option->name,
                 text, is_int ? "a whole number" : "a number", option->min, option->max);
        return false;
    }
    if (is_int) {
        memcpy(at, &(int){(int)value}, sizeof(int));
    } else {
        memcpy(at, &value, sizeof value);
    }
    return true;
}

static bool set_choice(const struct learner_option *option, uint8_t *at, const char *text,
                       char *error, size_t size) {
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            memcpy(at, &i, sizeof i);
            return true;
        }
    }
    int used = snprintf(error, size, "%s: found \"%s\", expected one of", option->name, text);
    for (int i = 0; option->choices[i] && used >= 0 && (size_t)used < size; i++) {
        used +=
            snprintf(error + used, size - (size_t)used, "%s %s", i ? "," : "", option->choices[i]);
    }
    return false;
}

static bool set_text(const struct learner_option *option, uint8_t *at, const char *text,
                     char *error, size_t size) {
    size_t length = strlen(text);
    if (length >= LEARNER_OPTION_TEXT_MAX) {
        snprintf(error, size, "%s: found %zu bytes, expected at most %d", option->name, length,
                 LEARNER_OPTION_TEXT_MAX - 1);
        return false;
    }
    char why[LEARNER_OPTION_TEXT_MAX];
    if (option->check_text && !option->check_text(text, why, sizeof why)) {
        snprintf(error, size, "%s: %s", option->name, why);
        return false;
    }
    memset(at, 0, LEARNER_OPTION_TEXT_MAX);
    memcpy(at, text, length);
    return true;
}

static bool set(const struct learner_option *option, void *options, const char *text, char *error,
                size_t size) {
    uint8_t *at = (uint8_t *)options + option->offset;
    switch (option->type) {
    case LEARNER_OPTION_INT:
    case LEARNER_OPTION_NUMBER:
        return set_number(option, at, text, error, size);
    case LEARNER_OPTION_CHOICE:
        return set_choice(option, at, text, error, size);
    case LEARNER_OPTION_TEXT:
        return set_text(option, at, text, error, size);
    }
    assert(false);
    return false;
}

void learner_options_default(const struct learner_kind *kind, void *options) {
    memset(options, 0, kind->options_bytes);
    for (size_t i = 0; i < kind->option_count; i++) {
        char error[LEARNER_OPTION_TEXT_MAX];
        bool is_set =
            set(&kind->options[i], options, kind->options[i].default_text, error, sizeof error);
        assert(is_set);
        (void)is_set;
    }
}

bool learner_options_set(const struct learner_kind *kind, void *options, const char *name,
                         const char *text, char *error, size_t size) {
    const struct learner_option *option = find(kind, name);
    if (!option) {
        snprintf(error, size, "%s: found an option that %s does not have", name, kind->name);
        return false;
    }
    return set(option, options, text, error, size);
}

void learner_options_text(const struct learner_option *option, const void *options, char *out,
                          size_t size) {
    const uint8_t *at = (const uint8_t *)options + option->offset;
    int whole;
    double number;
    switch (option->type) {
    case LEARNER_OPTION_INT:
        memcpy(&whole, at, sizeof whole);
        snprintf(out, size, "%d", whole);
        return;
    case LEARNER_OPTION_NUMBER:
        memcpy(&number, at, sizeof number);
        snprintf(out, size, "%.17g", number);
        for (int digits = 1; digits < 17; digits++) { /* the shortest that reads back the same */
            char shorter[40];
            snprintf(shorter, sizeof shorter, "%.*g", digits, number);
            if (strtod(shorter, NULL) == number) {
                snprintf(out, size, "%s", shorter);
                return;
            }
        }
        return;
    case LEARNER_OPTION_CHOICE:
        memcpy(&whole, at, sizeof whole);
        snprintf(out, size, "%s", option->choices[whole]);
        return;
    case LEARNER_OPTION_TEXT:
        snprintf(out, size, "%s", (const char *)at);
        return;
    }
    assert(false);
}
