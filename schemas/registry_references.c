#include "schemas/registry_references.h"

#include <stdlib.h>

#include "base/buffer.h"

#define DEPTH_MAX 128 /* of the whole; writer_schema allows less */

struct walk {
    struct references *references;
    bool is_too_deep;
};

bool references_has(const struct references *references, const char *name) {
    for (size_t i = 0; i < references->count; i++) {
        if (strcmp(references->items[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool references_add(struct references *references, const char *name, json_t *definition) {
    if (references_has(references, name)) {
        json_decref(definition);
        return true;
    }
    if (references->count == REFERENCES_MAX) {
        json_decref(definition);
        return false;
    }
    references->items[references->count++] =
        (struct reference){.name = memory_copy_text(bytes_of_text(name)), .definition = definition};
    return true;
}

void references_clean_up(struct references *references) {
    for (size_t i = 0; i < references->count; i++) {
        free(references->items[i].name);
        json_decref(references->items[i].definition);
    }
    references->count = 0;
}

/* ---- names ---- */

static struct bytes text_member(const json_t *object, const char *key) {
    return bytes_of_text(json_string_value(json_object_get(object, key)));
}

/* The space that holds inside a named type: of its dotted name, else its own, else the outer. */
static struct bytes space_inside(const json_t *schema, struct bytes space) {
    struct bytes name = text_member(schema, "name");
    const uint8_t *dot = name.size > 0 ? memrchr(name.data, '.', name.size) : NULL;
    if (dot) {
        return bytes_of(name.data, (size_t)(dot - name.data));
    }
    /* null is none, as for Avro's own parsers. */
    bool has_space = json_is_string(json_object_get(schema, "namespace"));
    return has_space ? text_member(schema, "namespace") : space;
}

static bool is_name_in_space(const char *full, struct bytes space, struct bytes name) {
    return space.size > 0 && strlen(full) == space.size + 1 + name.size &&
           memcmp(full, space.data, space.size) == 0 && full[space.size] == '.' &&
           memcmp(full + space.size + 1, name.data, name.size) == 0;
}

/* The reference that a name means, by the space around it first, as Avro's own parser does it. */
static struct reference *find(struct references *references, struct bytes name,
                              struct bytes space) {
    bool is_full = name.size > 0 && memchr(name.data, '.', name.size);
    struct reference *plain = NULL;
    for (size_t i = 0; i < references->count; i++) {
        struct reference *reference = &references->items[i];
        if (!is_full && is_name_in_space(reference->name, space, name)) {
            return reference;
        }
        if (bytes_equal(bytes_of_text(reference->name), name)) {
            plain = reference;
        }
    }
    return plain;
}

/* ---- the walk ---- */

static json_t *resolve(struct walk *walk, json_t *schema, struct bytes space, int depth);

/* At its new place the definition must not fall into the space around it. */
static void keep_space(json_t *definition, struct bytes space) {
    bool is_bare = json_object_get(definition, "name") &&
                   space_inside(definition, (struct bytes){0}).size == 0;
    if (is_bare && space.size > 0) {
        json_object_set_new(definition, "namespace", json_string(""));
    }
}

static json_t *resolve_name(struct walk *walk, json_t *name, struct bytes space, int depth) {
    struct reference *reference =
        find(walk->references, bytes_of_text(json_string_value(name)), space);
    if (!reference || reference->is_used) {
        return json_incref(name);
    }
    reference->is_used = true;
    keep_space(reference->definition, space);
    return resolve(walk, reference->definition, (struct bytes){0}, depth + 1);
}

static void resolve_member(struct walk *walk, json_t *object, const char *key, struct bytes space,
                           int depth) {
    json_t *member = json_object_get(object, key);
    if (member) {
        json_object_set_new(object, key, resolve(walk, member, space, depth + 1));
    }
}

static bool is_one_of(struct bytes type, const char *a, const char *b, const char *c) {
    return bytes_equal(type, bytes_of_text(a)) || bytes_equal(type, bytes_of_text(b)) ||
           bytes_equal(type, bytes_of_text(c));
}

static void resolve_object(struct walk *walk, json_t *schema, struct bytes space, int depth) {
    struct bytes type = text_member(schema, "type");
    if (bytes_equal(type, bytes_of_text("array"))) {
        resolve_member(walk, schema, "items", space, depth);
    } else if (bytes_equal(type, bytes_of_text("map"))) {
        resolve_member(walk, schema, "values", space, depth);
    } else if (is_one_of(type, "record", "error", "record")) {
        size_t i;
        json_t *field;
        json_array_foreach(json_object_get(schema, "fields"), i, field) {
            resolve_member(walk, field, "type", space_inside(schema, space), depth);
        }
    } else if (!is_one_of(type, "enum", "fixed", "enum")) {
        resolve_member(walk, schema, "type", space, depth); /* {"type": a name or a schema} */
    }
}

static json_t *resolve(struct walk *walk, json_t *schema, struct bytes space, int depth) {
    if (depth > DEPTH_MAX) {
        walk->is_too_deep = true;
        return json_incref(schema);
    }
    if (json_is_string(schema)) {
        return resolve_name(walk, schema, space, depth);
    }
    for (size_t i = 0; i < json_array_size(schema); i++) {
        json_array_set_new(schema, i, resolve(walk, json_array_get(schema, i), space, depth + 1));
    }
    if (json_is_object(schema)) {
        resolve_object(walk, schema, space, depth);
    }
    return json_incref(schema);
}

char *references_resolve(struct references *references, json_t *schema) {
    struct walk walk = {.references = references};
    json_t *whole = resolve(&walk, schema, (struct bytes){0}, 0);
    char *text = walk.is_too_deep
                     ? NULL
                     : json_dumps(whole, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    json_decref(whole);
    return text;
}
