#include "schemas/shape.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "schemas/shape_internal.h"

void shape_clean_up(struct shape *shape) {
    for (size_t i = 0; i < shape->leaf_count; i++) {
        struct shape_leaf *leaf = &shape->leaves[i];
        for (size_t j = 0; j < leaf->value_count; j++) {
            free(leaf->values[j].text);
        }
        free(leaf->values);
        free(leaf->path);
    }
    for (size_t i = 0; i < shape->array_count; i++) {
        free(shape->arrays[i].path);
    }
    free(shape->leaves);
    free(shape->arrays);
    *shape = (struct shape){0};
}

void shape_plain_name(const char *name, char *out) {
    size_t size = 0;
    for (; *name && size < SHAPE_NAME_MAX; name++) {
        if (isalnum((unsigned char)*name)) {
            out[size++] = (char)tolower((unsigned char)*name);
        }
    }
    out[size] = 0;
}

/* ---- Places: where a walk stands ---- */

/* C0, DEL, C1 (with NEL), U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF: the last five begin with E2 80
 * A8, E2 80 A9, EF BB BF, EF BF BE, EF BF BF. */
bool shape_is_printable(struct bytes text) {
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t *at = text.data + i;
        size_t left = text.size - i;
        bool is_odd = at[0] < 0x20 || at[0] == 0x7f ||
                      (left >= 2 && at[0] == 0xc2 && at[1] < 0xa0) ||
                      (left >= 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] & 0xfe) == 0xa8) ||
                      (left >= 3 && at[0] == 0xef && at[1] == 0xbb && at[2] == 0xbf) ||
                      (left >= 3 && at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe);
        if (is_odd) {
            return false;
        }
    }
    return true;
}

/* A name that a path can hold and YAML shows as it is. */
static bool is_plain(struct bytes name) {
    for (size_t i = 0; i < name.size; i++) {
        if (strchr("\"\\[]{}|=$*", name.data[i])) { /* NUL too */
            return false;
        }
    }
    return name.size > 0 && name.size <= SHAPE_NAME_MAX && shape_is_printable(name);
}

static bool needs_brackets(struct bytes name) {
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] != '_' && name.data[i] != '-' && !isalnum(name.data[i])) {
            return true;
        }
    }
    return isdigit(name.data[0]);
}

/* A path would take the quotes off. */
static bool is_quoted(struct bytes name) {
    return name.size >= 2 && name.data[0] == '\'' && name.data[name.size - 1] == '\'';
}

/* In brackets it would be an index. */
static bool is_digits(struct bytes name) {
    size_t i = 0;
    while (i < name.size && isdigit(name.data[i])) {
        i++;
    }
    return i == name.size;
}

/* What holds the value whatever it is called: its name says nothing. */
static bool is_holder(const char *plain) {
    static const char *const holders[] = {"value",       "values",     "stringvalue", "intvalue",
                                          "doublevalue", "floatvalue", "longvalue",   "boolvalue",
                                          "text",        "string",     NULL};
    for (size_t i = 0; holders[i]; i++) {
        if (strcmp(holders[i], plain) == 0) {
            return true;
        }
    }
    return false;
}

static void rename_place(struct shape_place *place, const char *name) {
    char plain[SHAPE_NAME_MAX + 1];
    shape_plain_name(name, plain);
    if (place->is_keyed && is_holder(plain)) {
        return;
    }
    memcpy(place->parent, place->last, sizeof place->parent);
    memcpy(place->last, plain, sizeof place->last);
}

bool shape_enter(const struct shape_place *from, struct bytes name, struct shape_place *out) {
    *out = *from;
    out->depth++;
    if (from->depth >= SHAPE_DEPTH_MAX || from->is_branch || !is_plain(name)) {
        return false;
    }
    char text[SHAPE_NAME_MAX + 1];
    snprintf(text, sizeof text, "%.*s", BYTES_ARG(name));
    bool is_branch = from->is_avro && strcmp(text, "@type") == 0;
    out->is_branch = is_branch;
    bool is_bracket = needs_brackets(name) && !is_branch;
    bool needs_quotes = is_digits(name) || is_quoted(name);
    int size = snprintf(out->path, sizeof out->path, "%s%s%s%s", from->path,
                        needs_quotes  ? "['"
                        : is_bracket  ? "["
                        : *from->path ? "."
                                      : "",
                        text,
                        needs_quotes ? "']"
                        : is_bracket ? "]"
                                     : "");
    if (!is_branch) {
        rename_place(out, text);
    }
    return size > 0 && (size_t)size < sizeof out->path;
}

bool shape_enter_index(const struct shape_place *from, struct shape_place *out) {
    *out = *from;
    out->depth++;
    out->is_first = true;
    int size = snprintf(out->path, sizeof out->path, "%s[0]", from->path);
    return !from->is_branch && from->depth < SHAPE_DEPTH_MAX && size > 0 &&
           (size_t)size < sizeof out->path;
}

bool shape_enter_key(const struct shape_place *from, const char *field, struct bytes key,
                     struct shape_place *out) {
    *out = *from;
    out->depth++;
    out->is_keyed = true;
    bool is_wild = key.size == 1 && key.data[0] == '*';
    if (from->depth >= SHAPE_DEPTH_MAX || from->is_branch || (!is_wild && !is_plain(key))) {
        return false;
    }
    char text[SHAPE_NAME_MAX + 1];
    snprintf(text, sizeof text, "%.*s", BYTES_ARG(key));
    const char *quote = is_quoted(key) ? "'" : "";
    int size = snprintf(out->path, sizeof out->path, "%s[%s=%s%s%s]", from->path, field, quote,
                        text, quote);
    rename_place(out, text);
    return size > 0 && (size_t)size < sizeof out->path;
}

bool shape_enter_any(const struct shape_place *from, struct shape_place *out) {
    *out = *from;
    out->depth++;
    int size = snprintf(out->path, sizeof out->path, "%s[*]", from->path);
    return !from->is_branch && from->depth < SHAPE_DEPTH_MAX && size > 0 &&
           (size_t)size < sizeof out->path;
}

/* ---- Leaves, arrays, values ---- */

struct shape_leaf *shape_leaf_at(struct shape *shape, const struct shape_place *place) {
    uint64_t hash = hash64(bytes_of_text(place->path), (uint64_t)(place->array + 1));
    for (size_t i = 0; i < shape->leaf_count; i++) {
        struct shape_leaf *leaf = &shape->leaves[i];
        if (leaf->hash == hash && leaf->array == place->array &&
            strcmp(leaf->path, place->path) == 0) {
            return leaf;
        }
    }
    if (shape->leaf_count == SHAPE_LEAVES_MAX) {
        return NULL;
    }
    if (shape->leaf_count == shape->leaf_capacity) {
        shape->leaf_capacity = shape->leaf_capacity ? 2 * shape->leaf_capacity : 64;
        shape->leaves = memory_grow(shape->leaves, shape->leaf_capacity, sizeof *shape->leaves);
    }
    struct shape_leaf *leaf = &shape->leaves[shape->leaf_count++];
    *leaf = (struct shape_leaf){
        .path = memory_copy_text(bytes_of_text(place->path)),
        .hash = hash,
        .array = place->array,
        .is_first = place->is_first,
        .has_wild = strchr(place->path, '*') != NULL,
    };
    memcpy(leaf->last, place->last, sizeof leaf->last);
    memcpy(leaf->parent, place->parent, sizeof leaf->parent);
    return leaf;
}

int32_t shape_array_at(struct shape *shape, const struct shape_place *place) {
    int32_t found = shape_find_array(shape, place->path);
    if (found >= 0) {
        return found;
    }
    if (shape->array_count >= SHAPE_LEAVES_MAX || place->is_branch || *place->path == 0) {
        return -1;
    }
    shape->arrays = memory_grow(shape->arrays, shape->array_count + 1, sizeof *shape->arrays);
    struct shape_array *array = &shape->arrays[shape->array_count];
    *array = (struct shape_array){.path = memory_copy_text(bytes_of_text(place->path))};
    memcpy(array->last, place->last, sizeof array->last);
    return (int32_t)shape->array_count++;
}

void shape_add_value(struct shape_leaf *leaf, const char *text, int64_t count) {
    for (size_t i = 0; i < leaf->value_count; i++) {
        if (strcmp(leaf->values[i].text, text) == 0) {
            leaf->values[i].count += count;
            return;
        }
    }
    if (leaf->value_count == SHAPE_VALUES_MAX || strlen(text) > SHAPE_VALUE_MAX) {
        leaf->has_more_values = true;
        return;
    }
    leaf->values = memory_grow(leaf->values, leaf->value_count + 1, sizeof *leaf->values);
    leaf->values[leaf->value_count++] =
        (struct shape_value){memory_copy_text(bytes_of_text(text)), count};
}

/* ---- Finding ---- */

/* The end of a step's name: what stands before the next step. */
static size_t name_length(const char *path, const char *ends) {
    return strcspn(path, ends);
}

/* One step of each path: true if they say the same; both move past it. */
static bool same_step(const char **left, const char **right) {
    struct {
        const char *text;
        size_t size;
        bool is_special; /* [0], [key=x]: the same text in both */
    } steps[2];
    const char **paths[] = {left, right};
    for (int i = 0; i < 2; i++) {
        const char *at = *paths[i];
        bool is_bracket = *at == '[';
        at += is_bracket || *at == '.';
        steps[i].text = at;
        steps[i].size = name_length(at, is_bracket ? "]" : ".[");
        bool is_index =
            is_bracket && steps[i].size > 0 && strspn(at, "0123456789") >= steps[i].size;
        steps[i].is_special = is_index || (is_bracket && memchr(at, '=', steps[i].size));
        *paths[i] = at + steps[i].size + is_bracket;
    }
    if (steps[0].is_special != steps[1].is_special) {
        return false;
    }
    for (int i = 0; i < 2; i++) { /* a wild card, or [key=*] */
        size_t before = steps[i].size > 0 ? steps[i].size - 1 : 0;
        if (steps[i].size > 0 && steps[i].text[before] == '*') {
            return steps[1 - i].size > before && memcmp(steps[0].text, steps[1].text, before) == 0;
        }
    }
    return steps[0].size == steps[1].size &&
           memcmp(steps[0].text, steps[1].text, steps[0].size) == 0;
}

static bool same_path(const char *left, const char *right) {
    while (*left && *right) {
        if (!same_step(&left, &right)) {
            return false;
        }
    }
    return *left == *right;
}

const struct shape_leaf *shape_find(const struct shape *shape, int32_t array, const char *path) {
    for (size_t i = 0; i < shape->leaf_count; i++) {
        const struct shape_leaf *leaf = &shape->leaves[i];
        if (leaf->array == array && same_path(leaf->path, path)) {
            return leaf;
        }
    }
    return NULL;
}

int32_t shape_find_array(const struct shape *shape, const char *path) {
    for (size_t i = 0; i < shape->array_count; i++) {
        if (same_path(shape->arrays[i].path, path)) {
            return (int32_t)i;
        }
    }
    return -1;
}
