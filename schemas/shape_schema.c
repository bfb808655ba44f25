/* The schema's part of a shape. A record within itself is followed until SHAPE_DEPTH_MAX. */
#include "schemas/shape.h"

#include <stdlib.h>

#include "schemas/shape_internal.h"

static void walk(struct shape *shape, const struct writer_node *node,
                 const struct shape_place *place);

static void add_leaf(struct shape *shape, const struct writer_node *node, unsigned kind,
                     const struct shape_place *place) {
    struct shape_leaf *leaf = shape_leaf_at(shape, place);
    if (!leaf) {
        return;
    }
    leaf->kinds |= kind;
    leaf->logical = node->logical ? node->logical : leaf->logical;
    for (size_t i = 0; node->type == WRITER_ENUM && i < node->count; i++) {
        char *text = memory_copy_text(node->symbols[i]);
        shape_add_value(leaf, text, 0);
        free(text);
    }
}

static bool is_text(const struct writer_node *node) {
    if (node->type == WRITER_UNION) {
        for (size_t i = 0; i < node->count; i++) {
            if (is_text(node->branches[i])) {
                return true;
            }
        }
    }
    return node->type == WRITER_STRING;
}

static void count_visits(struct shape *shape, size_t count) {
    size_t left = SHAPE_VISITS_MAX - shape->visits;
    shape->visits += count < left ? count : left;
}

/* The field of a record that is a key, if the record is one of a key and its value. It is sought
 * among all aliases. */
static const struct writer_field *key_of(struct shape *shape, const struct writer_node *record) {
    if (record->type != WRITER_RECORD || record->count > 4) {
        return NULL;
    }
    for (size_t i = 0; i < record->count; i++) {
        count_visits(shape, record->fields[i].alias_count);
    }
    const struct writer_field *key = writer_find_field(record, bytes_of_text("key"));
    key = key ? key : writer_find_field(record, bytes_of_text("name"));
    const struct writer_field *value = writer_find_field(record, bytes_of_text("value"));
    value = value ? value : writer_find_field(record, bytes_of_text("values"));
    return key && value && is_text(key->type) ? key : NULL;
}

static const struct writer_node *only_branch(const struct writer_node *node) {
    const struct writer_node *only = NULL;
    for (size_t i = 0; node->type == WRITER_UNION && i < node->count; i++) {
        if (node->branches[i]->type != WRITER_NULL) {
            only = only ? node : node->branches[i];
        }
    }
    return only ? only : node;
}

static void walk_keyed(struct shape *shape, const struct writer_node *record,
                       const struct writer_field *key, const struct shape_place *place) {
    struct shape_place next, inner;
    char *name = memory_copy_text(key->name);
    bool is_in = shape_enter_key(place, name, bytes_of_text("*"), &next);
    free(name);
    for (size_t i = 0; is_in && i < record->count; i++) {
        const struct writer_field *field = &record->fields[i];
        if (field != key && shape_enter(&next, field->name, &inner)) {
            walk(shape, field->type, &inner);
        }
    }
}

static void walk_array(struct shape *shape, const struct writer_node *node,
                       const struct shape_place *place) {
    const struct writer_node *item = only_branch(node->items);
    const struct writer_field *key = key_of(shape, item);
    struct shape_place next;
    if (key) {
        walk_keyed(shape, item, key, place);
        return;
    }
    if (item->type == WRITER_RECORD && place->array < 0 && !place->is_first) {
        next = (struct shape_place){
            .array = shape_array_at(shape, place), .depth = place->depth, .is_avro = true};
        memcpy(next.last, place->last, sizeof next.last);
        if (next.array >= 0) {
            walk(shape, item, &next);
        }
    }
    if (shape_enter_index(place, &next)) {
        walk(shape, node->items, &next);
    }
}

static void walk_record(struct shape *shape, const struct writer_node *node,
                        const struct shape_place *place) {
    struct shape_place next;
    for (size_t i = 0; i < node->count; i++) {
        if (shape_enter(place, node->fields[i].name, &next)) {
            walk(shape, node->fields[i].type, &next);
        }
    }
}

static void walk_union(struct shape *shape, const struct writer_node *node,
                       const struct shape_place *place) {
    size_t records = 0;
    for (size_t i = 0; i < node->count; i++) {
        records += node->branches[i]->type == WRITER_RECORD;
    }
    struct shape_place next;
    bool is_branched = records > 1 && shape_enter(place, bytes_of_text("@type"), &next);
    struct shape_leaf *leaf = is_branched ? shape_leaf_at(shape, &next) : NULL;
    for (size_t i = 0; i < node->count; i++) {
        if (leaf && node->branches[i]->type == WRITER_RECORD) {
            char *name = memory_copy_text(writer_short_name(node->branches[i]->name));
            leaf->kinds |= SHAPE_ENUM;
            shape_add_value(leaf, name, 0);
            free(name);
        }
    }
    for (size_t i = 0; i < node->count; i++) { /* leaves move when one is added */
        walk(shape, node->branches[i], place);
    }
}

static void walk(struct shape *shape, const struct writer_node *node,
                 const struct shape_place *place) {
    struct shape_place next;
    if (place->depth > SHAPE_DEPTH_MAX || shape->leaf_count == SHAPE_LEAVES_MAX ||
        shape->visits == SHAPE_VISITS_MAX) {
        return;
    }
    count_visits(shape, 1);
    bool is_decimal = node->logical == LOGICAL_DECIMAL;
    switch (node->type) {
    case WRITER_NULL:
        return;
    case WRITER_BOOLEAN:
        add_leaf(shape, node, SHAPE_BOOLEAN, place);
        return;
    case WRITER_INT:
    case WRITER_LONG:
        add_leaf(shape, node, SHAPE_INTEGER, place);
        return;
    case WRITER_FLOAT:
    case WRITER_DOUBLE:
        add_leaf(shape, node, SHAPE_REAL, place);
        return;
    case WRITER_STRING:
        add_leaf(shape, node, SHAPE_TEXT, place);
        return;
    case WRITER_BYTES:
    case WRITER_FIXED:
        add_leaf(shape, node, is_decimal ? SHAPE_REAL : SHAPE_BYTES, place);
        return;
    case WRITER_ENUM:
        add_leaf(shape, node, SHAPE_ENUM, place);
        return;
    case WRITER_ARRAY:
        walk_array(shape, node, place);
        return;
    case WRITER_MAP:
        if (shape_enter_any(place, &next)) {
            walk(shape, node->items, &next);
        }
        return;
    case WRITER_UNION:
        walk_union(shape, node, place);
        return;
    case WRITER_RECORD:
        walk_record(shape, node, place);
        return;
    }
}

void shape_add_schema(struct shape *shape, const struct writer_schema *schema) {
    const struct shape_place root = {.array = -1, .is_avro = true};
    shape->has_schema = true;
    walk(shape, schema->root, &root);
}
