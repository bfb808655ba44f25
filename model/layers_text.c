/* layers: from the text to shapes. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/layers.h"

const char *const layer_activation_names[ACTIVATIONS + 1] = {"linear", "relu", "tanh", "sigmoid",
                                                             NULL};

#define WORD_MAX 48
#define EXPECTED                                                                                   \
    "expected layers like \"embedding:8 dropout:0.2 dense:128:relu norm dropout:0.2 dense:1\""

/* The next word, cut at WORD_MAX; false at the end. */
static bool next_word(const char **at, char word[WORD_MAX]) {
    *at += strspn(*at, " ");
    size_t length = strcspn(*at, " ");
    size_t kept = length < WORD_MAX ? length : WORD_MAX - 1;
    memcpy(word, *at, kept);
    word[kept] = '\0';
    *at += length;
    return length > 0;
}

/* Splits "dense:128:relu" in place; how many parts, 4 = too many. */
static size_t split(char *word, char *parts[3]) {
    size_t count = 0;
    for (char *at = word; at; count++) {
        if (count == 3) {
            return 4;
        }
        parts[count] = at;
        at = strchr(at, ':');
        if (at) {
            *at++ = '\0';
        }
    }
    return count;
}

static bool whole_number(const char *text, size_t most, size_t *out) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 6 || text[digits] != '\0') {
        return false;
    }
    *out = strtoul(text, NULL, 10);
    return *out >= 1 && *out <= most;
}

static bool fraction(const char *text, double *out) {
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= 0 && *out < 1;
}

static bool activation_of(const char *text, enum layer_activation *out) {
    for (int i = 0; i < ACTIVATIONS; i++) {
        if (strcmp(layer_activation_names[i], text) == 0) {
            *out = (enum layer_activation)i;
            return true;
        }
    }
    return false;
}

/* NULL, or what a word should have been. */
static const char *read_word(char *word, struct layers *layers) {
    char *parts[3] = {NULL}; /* those behind count */
    size_t count = split(word, parts);
    struct layer layer = {0};
    if (strcmp(parts[0], "embedding") == 0) {
        bool is_fine = count == 2 && whole_number(parts[1], LAYERS_DIM_MAX, &layers->dim);
        return is_fine && layers->count == 0 ? NULL : "embedding:D first, 1 <= D <= 64";
    }
    if (strcmp(parts[0], "dropout") == 0) {
        layer.kind = LAYER_DROPOUT;
        if (count != 2 || !fraction(parts[1], &layer.rate)) {
            return "dropout:RATE, 0 <= RATE < 1";
        }
    } else if (strcmp(parts[0], "norm") == 0) {
        layer.kind = LAYER_NORM;
        if (count != 1) {
            return "norm";
        }
    } else if (strcmp(parts[0], "dense") == 0) {
        layer.kind = LAYER_DENSE;
        if (count < 2 || count > 3 || !whole_number(parts[1], LAYERS_UNITS_MAX, &layer.out) ||
            (count == 3 && !activation_of(parts[2], &layer.activation))) {
            return "dense:N or dense:N:ACTIVATION, 1 <= N <= 4096, linear, relu, tanh or sigmoid";
        }
    } else {
        return "embedding, dropout, dense or norm";
    }
    if (layers->count == LAYERS_MAX) {
        return "at most 16 layers";
    }
    layers->items[layers->count++] = layer;
    return NULL;
}

/* False: error says why. */
static bool read_text(const char *text, struct layers *layers, char *error, size_t size) {
    char word[WORD_MAX], found[WORD_MAX];
    *layers = (struct layers){0};
    for (const char *at = text; next_word(&at, word);) {
        memcpy(found, word, sizeof found);
        bool is_again = layers->dim > 0 && strncmp(word, "embedding", 9) == 0;
        const char *expected = is_again ? "one embedding" : read_word(word, layers);
        if (expected) {
            snprintf(error, size, "found \"%s\", expected %s", found, expected);
            return false;
        }
    }
    const struct layer *last = layers->count > 0 ? &layers->items[layers->count - 1] : NULL;
    if (layers->dim == 0) {
        snprintf(error, size, "found \"%s\", " EXPECTED, text);
        return false;
    }
    if (!last || last->kind != LAYER_DENSE || last->out != 1 || last->activation != 0) {
        snprintf(error, size,
                 "found \"%s\", expected dense:1 as the last layer: the loss adds its "
                 "own sigmoid",
                 text);
        return false;
    }
    return true;
}

bool layers_check(const char *text, char *error, size_t size) {
    struct layers layers;
    return read_text(text, &layers, error, size);
}

struct layers layers_make(const char *text, size_t in) {
    struct layers layers;
    char error[8];
    bool is_fine = read_text(text, &layers, error, sizeof error);
    assert(is_fine);
    layers.in = layers.widest = in;
    for (size_t l = 0; l < layers.count; l++) {
        struct layer *layer = &layers.items[l];
        layer->in = in;
        layer->out = layer->kind == LAYER_DENSE ? layer->out : in;
        layer->params_at = layers.params;
        layer->params = layer->kind == LAYER_DENSE  ? (in + 1) * layer->out
                        : layer->kind == LAYER_NORM ? 2 * in
                                                    : 0;
        layer->saved_at = layers.saved;
        layers.params += layer->params;
        layers.saved += layer->out;
        layers.widest = layer->out > layers.widest ? layer->out : layers.widest;
        in = layer->out;
    }
    return layers;
}
