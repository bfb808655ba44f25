/* Paths by random walks; what each leads to is then looked up in the graph, over every branch. */
#include <assert.h>
#include <stdio.h>

#include "tests/support/random_schema_internal.h"

#define STEPS_MAX 9 /* recursion has no end of its own */

struct step {
    enum step_kind kind;
    const char *name;
};

struct walk {
    struct rng *rng;
    char *text;
    size_t size;
    struct step steps[STEPS_MAX];
    size_t step_count;
    enum mapping_kind kind;
};

static void append(struct walk *walk, const char *before, const char *text, const char *after) {
    int length = snprintf(walk->text + walk->size, RANDOM_PATH_BYTES_MAX - walk->size, "%s%s%s",
                          before, text, after);
    walk->size += (size_t)length;
    if (walk->size >= RANDOM_PATH_BYTES_MAX) {
        walk->size = RANDOM_PATH_BYTES_MAX - 1; /* cut: the walk is given up */
        walk->step_count = STEPS_MAX;
    }
}

static bool take(struct walk *walk, enum step_kind kind, const char *name) {
    if (walk->step_count >= STEPS_MAX) {
        return false;
    }
    walk->steps[walk->step_count++] = (struct step){kind, name};
    return true;
}

static bool is_plain(const char *name) {
    return !strpbrk(name, ". ") && (unsigned char)name[0] < 0x80 && !strchr(name, '\xc3');
}

/* The step into a map: by key, or as if it were a field. */
static bool step_into_map(struct walk *walk, const struct random_node *map) {
    const char *key =
        chance(walk->rng, 20) ? "absent" : map->names[rng_below(walk->rng, map->count)];
    bool is_field = is_plain(key) && chance(walk->rng, 3);
    append(walk, is_field ? "." : "[", key, is_field ? "" : "]");
    return take(walk, is_field ? STEP_FIELD : STEP_KEY, key);
}

static bool step_into_array(struct walk *walk, const struct random_node *array) {
    const struct random_node *item = array->children[0];
    for (size_t i = 0; item->type == WRITER_RECORD && i < item->count; i++) {
        const struct random_node *field = item->children[i];
        if (field->type == WRITER_STRING && field->count > 0 && !chance(walk->rng, 5)) {
            append(walk, "[", item->names[i], "=");
            append(walk, "", field->names[rng_below(walk->rng, field->count)], "]");
            return take(walk, STEP_WHERE, item->names[i]);
        }
    }
    char index[8];
    snprintf(index, sizeof(index), "%d", (int)rng_below(walk->rng, 3));
    append(walk, "[", index, "]");
    return take(walk, STEP_INDEX, NULL);
}

/* To a leaf or to the name of a branch; false if it comes to nothing. */
static bool walk_on(struct walk *walk, const struct random_node *node) {
    while (walk->step_count < STEPS_MAX) {
        size_t i = node->count > 0 ? rng_below(walk->rng, node->count) : 0;
        if (is_leaf(node)) {
            walk->kind = node->kind;
            return node->type != WRITER_NULL && walk->step_count > 0;
        }
        if (node->type == WRITER_RECORD) {
            if (node->count == 0) {
                return false;
            }
            append(walk, walk->step_count > 0 ? "." : "", node->names[i], "");
            if (!take(walk, STEP_FIELD, node->names[i])) {
                return false;
            }
        } else if (node->type == WRITER_UNION) {
            if (node->count > 1 && walk->step_count > 0 && chance(walk->rng, 12)) {
                append(walk, ".", "@type", "");
                walk->kind = MAPPING_TEXT;
                return take(walk, STEP_BRANCH, NULL);
            }
        } else {
            if (!(node->type == WRITER_MAP ? step_into_map : step_into_array)(walk, node)) {
                return false;
            }
            i = 0;
        }
        node = node->children[i];
    }
    return false;
}

/* ---- What a path leads to ---- */

static void add_leaf(const struct random_node *node, struct random_path *out) {
    struct random_leaf leaf = {node->type, node->logical, node->scale};
    for (size_t i = 0; i < out->leaf_count; i++) {
        const struct random_leaf *other = &out->leaves[i];
        if (other->type == leaf.type && other->logical == leaf.logical &&
            other->scale == leaf.scale) {
            return;
        }
    }
    if (out->leaf_count < RANDOM_LEAVES_MAX) {
        out->leaves[out->leaf_count++] = leaf;
    }
}

static void resolve(const struct random_node *node, const struct step *steps, size_t count,
                    struct random_path *out) {
    if (node->type == WRITER_UNION) {
        out->is_always_there = false;
        if (count == 1 && steps[0].kind == STEP_BRANCH) {
            out->is_branch = true;
            return;
        }
        for (size_t i = 0; i < node->count; i++) {
            resolve(node->children[i], steps, count, out);
        }
        return;
    }
    if (count == 0) {
        if (is_leaf(node) && node->type != WRITER_NULL) {
            add_leaf(node, out);
        }
        return;
    }
    if (node->type == WRITER_RECORD && steps[0].kind == STEP_FIELD) {
        for (size_t i = 0; i < node->count; i++) {
            if (strcmp(node->names[i], steps[0].name) == 0) {
                resolve(node->children[i], steps + 1, count - 1, out);
            }
        }
        return;
    }
    bool goes_on = node->type == WRITER_MAP
                       ? steps[0].kind == STEP_FIELD || steps[0].kind == STEP_KEY
                       : node->type == WRITER_ARRAY &&
                             (steps[0].kind == STEP_INDEX || steps[0].kind == STEP_WHERE);
    out->is_always_there = false;
    if (goes_on) {
        resolve(node->children[0], steps + 1, count - 1, out);
    }
}

static bool is_there(const struct random_path *paths, size_t count, const char *text) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(paths[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

void random_schema_draw_paths(struct rng *rng, const struct random_node *from, size_t walks,
                              struct random_path *paths, size_t *count) {
    for (size_t i = 0; i < walks && *count < RANDOM_PATHS_MAX; i++) {
        struct random_path *path = &paths[*count];
        struct walk walk = {.rng = rng, .text = path->text};
        if (!walk_on(&walk, from) || is_there(paths, *count, path->text)) {
            continue;
        }
        path->kind = walk.kind;
        path->leaf_count = 0;
        path->is_always_there = true;
        path->is_branch = false;
        resolve(from, walk.steps, walk.step_count, path);
        *count += 1;
    }
}

void random_schema_path_of(const struct random_node *from, const char *text,
                           struct random_path *out) {
    const struct random_node *node = from;
    snprintf(out->text, sizeof(out->text), "%s", text);
    out->leaf_count = 0;
    out->is_always_there = true;
    out->is_branch = false;
    while (!is_leaf(node)) {
        size_t size = strcspn(text, "."), i = 0;
        assert(node->type == WRITER_RECORD && size > 0);
        while (strlen(node->names[i]) != size || memcmp(node->names[i], text, size) != 0) {
            i++;
            assert(i < node->count);
        }
        node = node->children[i];
        text += size + (text[size] == '.');
    }
    out->kind = node->kind;
    add_leaf(node, out);
}
