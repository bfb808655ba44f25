/* Where a mapping's paths lead in a schema, and what is said of those that lead nowhere. */
#include "schemas/avro_plan_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/nearest.h"

const struct mapping_field *avro_field_of(const struct mapping *mapping,
                                          const struct mapping_path *path) {
    return path->scope == SCOPE_EVENT  ? &mapping->event[path->field]
           : path->scope == SCOPE_LINE ? &mapping->lines[path->field]
                                       : &mapping->product[path->field];
}

bool avro_leaf_fits(const struct mapping_field *field, const struct writer_node *node) {
    switch (node->type) {
    case WRITER_BOOLEAN:
    case WRITER_INT:
    case WRITER_LONG:
    case WRITER_FLOAT:
    case WRITER_DOUBLE:
    case WRITER_STRING:
    case WRITER_ENUM:
        return true;
    case WRITER_FIXED:
        if (node->size == 0) {
            return false;
        }
        /* fall through */
    case WRITER_BYTES:
        return node->logical != LOGICAL_DECIMAL || field->kind == MAPPING_NUMBER ||
               field->kind == MAPPING_COUNT;
    default:
        return false;
    }
}

struct avro_steps {
    const struct mapping_step *at;
    size_t count;
};

static struct avro_steps steps_of(const struct mapping *mapping, size_t path) {
    return path == AVRO_LINES_PATH
               ? (struct avro_steps){mapping->lines_steps, mapping->lines_step_count}
               : (struct avro_steps){mapping->paths[path].steps, mapping->paths[path].step_count};
}

const struct mapping_step *avro_step_of(const struct mapping *mapping, struct avro_cursor cursor) {
    struct avro_steps steps = steps_of(mapping, cursor.path);
    return cursor.step < steps.count ? &steps.at[cursor.step] : NULL;
}

static bool is_probed(const struct writer_node *key) {
    bool is = key->type == WRITER_STRING || key->type == WRITER_ENUM || key->type == WRITER_INT ||
              key->type == WRITER_LONG;
    for (size_t i = 0; key->type == WRITER_UNION && i < key->count && !is; i++) {
        is = is_probed(key->branches[i]);
    }
    return is;
}

/* What a look at the node costs: a name is sought among all of a record's, aliases too. */
static bool look_at(struct avro_compiler *compiler, const struct writer_node *node) {
    size_t work = 1 + node->count;
    for (size_t i = 0; node->type == WRITER_RECORD && i < node->count; i++) {
        work += node->fields[i].alias_count;
    }
    return avro_compile_work(compiler, work);
}

/* Can [name=...] be asked of these items? */
static bool can_probe(struct avro_compiler *compiler, const struct writer_node *items,
                      struct bytes name) {
    if (!look_at(compiler, items)) {
        return false;
    }
    if (items->type == WRITER_RECORD) {
        const struct writer_field *key = writer_find_field(items, name);
        return key && look_at(compiler, key->type) && is_probed(key->type);
    }
    for (size_t i = 0; items->type == WRITER_UNION && i < items->count; i++) {
        if (can_probe(compiler, items->branches[i], name)) {
            return true;
        }
    }
    return false;
}

static bool ends_here(struct avro_compiler *compiler, const struct writer_node *node, size_t path) {
    const struct mapping *mapping = compiler->mapping;
    return path == AVRO_LINES_PATH
               ? node->type == WRITER_ARRAY && node->items->least_bytes > 0
               : avro_leaf_fits(avro_field_of(mapping, &mapping->paths[path]), node);
}

static bool exists_in_union(struct avro_compiler *compiler, const struct writer_node *node,
                            struct avro_cursor cursor, const struct mapping_step *step) {
    bool exists = false;
    for (size_t i = 0; i < node->count && !exists; i++) {
        const struct writer_node *branch = node->branches[i];
        exists = step && step->kind == STEP_BRANCH ? branch->type != WRITER_NULL
                                                   : avro_path_exists(compiler, branch, cursor);
    }
    return exists;
}

bool avro_path_exists(struct avro_compiler *compiler, const struct writer_node *node,
                      struct avro_cursor cursor) {
    const struct mapping_step *step = avro_step_of(compiler->mapping, cursor);
    struct avro_cursor next = {cursor.path, (uint8_t)(cursor.step + 1)};
    const struct writer_field *field;
    if (!look_at(compiler, node)) {
        return false;
    }
    if (node->type == WRITER_UNION) {
        return exists_in_union(compiler, node, cursor, step);
    }
    if (!step) {
        return ends_here(compiler, node, cursor.path);
    }
    switch (step->kind) {
    case STEP_FIELD:
        if (node->type == WRITER_RECORD) {
            field = writer_find_field(node, step->name);
            return field && avro_path_exists(compiler, field->type, next);
        }
        /* fall through */
    case STEP_KEY:
        return node->type == WRITER_MAP && avro_path_exists(compiler, node->items, next);
    case STEP_WHERE:
        return node->type == WRITER_ARRAY && can_probe(compiler, node->items, step->name) &&
               avro_path_exists(compiler, node->items, next);
    case STEP_INDEX:
        return node->type == WRITER_ARRAY && node->items->least_bytes > 0 &&
               avro_path_exists(compiler, node->items, next);
    case STEP_BRANCH:
        break;
    }
    return false;
}

/* ---- Warnings ---- */

/* The furthest that a path comes, and what keeps it from going on. */
struct dead_end {
    const struct writer_node *node;
    size_t steps;
};

static void follow(struct avro_compiler *compiler, const struct writer_node *node,
                   struct avro_cursor cursor, struct dead_end *end) {
    const struct mapping_step *step = avro_step_of(compiler->mapping, cursor);
    struct avro_cursor next = {cursor.path, (uint8_t)(cursor.step + 1)};
    if (!look_at(compiler, node)) {
        return;
    }
    if (node->type == WRITER_UNION) {
        for (size_t i = 0; i < node->count; i++) {
            follow(compiler, node->branches[i], cursor, end);
        }
        return;
    }
    /* Of equally far ones a record, which has names to offer. */
    if (!end->node || cursor.step > end->steps ||
        (cursor.step == end->steps && end->node->type != WRITER_RECORD)) {
        *end = (struct dead_end){node, cursor.step};
    }
    if (!step) {
        return;
    }
    if (node->type == WRITER_RECORD && step->kind == STEP_FIELD) {
        const struct writer_field *field = writer_find_field(node, step->name);
        if (field) {
            follow(compiler, field->type, next, end);
        }
    } else if ((node->type == WRITER_MAP && (step->kind == STEP_FIELD || step->kind == STEP_KEY)) ||
               (node->type == WRITER_ARRAY && step->kind == STEP_INDEX) ||
               (node->type == WRITER_ARRAY && step->kind == STEP_WHERE &&
                can_probe(compiler, node->items, step->name))) {
        follow(compiler, node->items, next, end);
    }
}

/* The name of the record's field that a missing one may have meant. */
static void print_nearest(FILE *warnings, const struct writer_node *record, struct bytes name) {
    struct nearest nearest;
    char *sought = memory_copy_text(name);
    nearest_init(&nearest, sought);
    char **names = memory_new(record->count + 1, sizeof(*names));
    for (size_t i = 0; i < record->count; i++) {
        names[i] = memory_copy_text(record->fields[i].name);
        nearest_offer(&nearest, names[i]);
    }
    if (nearest.name) {
        fprintf(warnings, " (the nearest field is %s)", nearest.name);
    }
    for (size_t i = 0; i < record->count; i++) {
        free(names[i]);
    }
    free(names);
    free(sought);
}

static void print_dead_end(struct avro_compiler *compiler, const struct writer_node *root,
                           size_t path, FILE *warnings) {
    struct dead_end end = {0};
    follow(compiler, root, (struct avro_cursor){.path = (uint8_t)path}, &end);
    if (!end.node) {
        return;
    }
    struct avro_cursor cursor = {(uint8_t)path, (uint8_t)end.steps};
    const struct mapping_step *step = avro_step_of(compiler->mapping, cursor);
    const char *type = writer_type_name(end.node->type);
    if (!step) {
        fprintf(warnings, ": it ends at a value of type %s", type);
    } else if (end.node->type == WRITER_RECORD && step->kind == STEP_FIELD) {
        fprintf(warnings, ": the record %.*s has no field %.*s", BYTES_ARG(end.node->name),
                BYTES_ARG(step->name));
        print_nearest(warnings, end.node, step->name);
    } else {
        fprintf(warnings, ": step %zu finds a value of type %s", end.steps + 1, type);
    }
}

static void warn_field(struct avro_compiler *compiler, const struct writer_node *root, size_t path,
                       FILE *warnings) {
    static const char *const sections[] = {
        [SCOPE_EVENT] = "", [SCOPE_LINE] = "lines.", [SCOPE_PRODUCT] = "product."};
    const struct mapping_path *mapped = &compiler->mapping->paths[path];
    fprintf(warnings, "mapping.%s%s: the schema has no %.*s", sections[mapped->scope],
            avro_field_of(compiler->mapping, mapped)->name, BYTES_ARG(mapped->text));
    if (root) {
        print_dead_end(compiler, root, path, warnings);
    }
    fputc('\n', warnings);
}

/* The items of the lines, if the way to them is there. */
static const struct writer_node *lines_of(struct avro_compiler *compiler,
                                          const struct writer_node *root) {
    struct dead_end end = {0};
    follow(compiler, root, (struct avro_cursor){.path = AVRO_LINES_PATH}, &end);
    return end.node && end.node->type == WRITER_ARRAY &&
                   end.steps == compiler->mapping->lines_step_count
               ? end.node->items
               : NULL;
}

void avro_warn_absent(struct avro_compiler *compiler, const struct writer_node *root,
                      FILE *warnings) {
    const struct mapping *mapping = compiler->mapping;
    bool is_there[3][MAPPING_EVENT_FIELD_COUNT] = {0};
    for (size_t i = 0; i < mapping->path_count; i++) {
        const struct mapping_path *path = &mapping->paths[i];
        is_there[path->scope][path->field] |= compiler->is_found[i];
    }
    const struct writer_node *lines =
        compiler->is_found[AVRO_LINES_PATH] ? lines_of(compiler, root) : NULL;
    if (mapping->lines_step_count > 0 && !compiler->is_found[AVRO_LINES_PATH]) {
        fputs("mapping.lines.path: the schema has no such array", warnings);
        print_dead_end(compiler, root, AVRO_LINES_PATH, warnings);
        fputc('\n', warnings);
    }
    for (size_t i = 0; i < mapping->path_count; i++) {
        const struct mapping_path *path = &mapping->paths[i];
        bool is_line = path->scope == SCOPE_LINE;
        if (!is_there[path->scope][path->field] && (!is_line || lines)) {
            warn_field(compiler, is_line ? lines : root, i, warnings);
            is_there[path->scope][path->field] = true; /* one line for all alternatives */
        }
    }
}
