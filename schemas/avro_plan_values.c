/* The values that somebody maps: records, unions, arrays and maps along the paths. Each function
 * gets the cursors of all paths that have come this far. */
#include "schemas/avro_plan_internal.h"

#include <stdlib.h>

/* ---- Records and unions ---- */

static void add_cursor(struct avro_cursors *cursors, size_t path, size_t step) {
    cursors->at[cursors->count++] = (struct avro_cursor){(uint8_t)path, (uint8_t)step};
}

static void compile_record(struct avro_compiler *compiler, const struct writer_node *record,
                           const struct avro_cursors *cursors) {
    const struct writer_field *fields[MAPPING_PATHS_MAX + 1];
    for (size_t i = 0; i < cursors->count; i++) {
        const struct mapping_step *step = avro_step_of(compiler->mapping, cursors->at[i]);
        fields[i] = writer_find_field(record, step->name);
    }
    for (size_t i = 0; i < record->count && avro_compile_work(compiler, cursors->count); i++) {
        struct avro_cursors next = {.count = 0};
        for (size_t k = 0; k < cursors->count; k++) {
            if (fields[k] == &record->fields[i]) {
                add_cursor(&next, cursors->at[k].path, cursors->at[k].step + 1U);
            }
        }
        avro_compile_value(compiler, record->fields[i].type, &next);
    }
}

/* Those before a STEP_BRANCH get the branch's name, the others go on into it. */
void avro_compile_branch(struct avro_compiler *compiler, const struct writer_node *branch,
                         void *context) {
    const struct avro_cursors *cursors = context;
    struct avro_cursors next = {.count = 0};
    for (size_t i = 0; i < cursors->count; i++) {
        const struct mapping_step *step = avro_step_of(compiler->mapping, cursors->at[i]);
        if (!step || step->kind != STEP_BRANCH) {
            add_cursor(&next, cursors->at[i].path, cursors->at[i].step);
        } else if (branch->type != WRITER_NULL) {
            avro_compile_leaf(compiler, cursors->at[i].path, branch, branch);
        }
    }
    avro_compile_value(compiler, branch, &next);
}

static void compile_mapped_union(struct avro_compiler *compiler, const struct writer_node *node,
                                 struct avro_cursors *cursors) {
    bool is_one_leaf = cursors->count == 1 && cursors->at[0].path != AVRO_LINES_PATH &&
                       !avro_step_of(compiler->mapping, cursors->at[0]);
    if (!is_one_leaf || !avro_compile_nullable_text(compiler, cursors->at[0].path, node)) {
        avro_compile_union(compiler, node, avro_compile_branch, cursors);
    }
}

/* Several fields may have one origin: each reads it. */
static void compile_leaves(struct avro_compiler *compiler, const struct writer_node *node,
                           const struct avro_cursors *cursors) {
    if (cursors->count > 1) {
        avro_emit(compiler, (struct avro_op){.code = OP_KEEP});
    }
    for (size_t i = 0; i < cursors->count; i++) {
        if (i > 0) {
            avro_emit(compiler, (struct avro_op){.code = OP_BACK});
        }
        avro_compile_leaf(compiler, cursors->at[i].path, node, NULL);
    }
}

/* ---- Arrays and maps ---- */

/* Takes the first cursor out of rest, and all that is like it by the given comparison; what is
 * taken has its step behind it in group, or still before it if is_ahead. */
static void take_group(struct avro_compiler *compiler, struct avro_cursors *rest,
                       bool is_same(const struct mapping_step *, const struct mapping_step *),
                       bool is_ahead, struct avro_cursors *group) {
    struct avro_cursors left = {.count = 0};
    const struct mapping_step *first = avro_step_of(compiler->mapping, rest->at[0]);
    group->count = 0;
    for (size_t i = 0; i < rest->count; i++) {
        struct avro_cursor cursor = rest->at[i];
        if (is_same(first, avro_step_of(compiler->mapping, cursor))) {
            add_cursor(group, cursor.path, cursor.step + (is_ahead ? 0U : 1U));
        } else {
            add_cursor(&left, cursor.path, cursor.step);
        }
    }
    *rest = left;
}

static bool is_same_pass(const struct mapping_step *a, const struct mapping_step *b) {
    if (!a || !b) {
        return a == b; /* the way to the lines ends here */
    }
    return a->kind == b->kind &&
           (a->kind == STEP_INDEX ? a->index == b->index : bytes_equal(a->name, b->name));
}

static bool is_same_value(const struct mapping_step *a, const struct mapping_step *b) {
    return bytes_equal(a->value, b->value);
}

static bool is_same_key(const struct mapping_step *a, const struct mapping_step *b) {
    return bytes_equal(a->name, b->name);
}

static void land(struct avro_compiler *compiler, uint32_t op) {
    uint32_t here = avro_label(compiler);
    if (!compiler->is_too_long) {
        compiler->plan->ops[op].target = here;
    }
}

static uint32_t compile_loop(struct avro_compiler *compiler) {
    avro_emit(compiler, (struct avro_op){.code = OP_LOOP});
    uint32_t next = avro_label(compiler);
    avro_emit(compiler, (struct avro_op){.code = OP_NEXT});
    return next;
}

static void end_loop(struct avro_compiler *compiler, uint32_t next) {
    avro_emit(compiler, (struct avro_op){.code = OP_JUMP, .target = next});
    land(compiler, next);
}

/* The way of the items that match one of several predicates, and of those that match none. */
struct choices {
    uint32_t first_name, count; /* the texts asked for */
    struct avro_cursors groups[MAPPING_PATHS_MAX];
};

static struct choices *new_choices(struct avro_compiler *compiler, struct avro_cursors *cursors,
                                   bool is_map) {
    struct choices *choices = memory_new(1, sizeof(*choices));
    choices->first_name = (uint32_t)compiler->plan->name_count;
    while (cursors->count > 0) {
        const struct mapping_step *step = avro_step_of(compiler->mapping, cursors->at[0]);
        avro_new_name(compiler, is_map ? step->name : step->value);
        take_group(compiler, cursors, is_map ? is_same_key : is_same_value, false,
                   &choices->groups[choices->count++]);
    }
    return choices;
}

/* Goes to the group of the item; all groups meet again at the end. */
static void compile_switch(struct avro_compiler *compiler, const struct writer_node *items,
                           const struct choices *choices, uint32_t first_bit, bool is_last) {
    uint32_t chain = AVRO_CHAIN_END;
    uint32_t table = avro_new_targets(compiler, choices->count + 1);
    avro_emit(compiler, (struct avro_op){.code = OP_SWITCH,
                                         .offset = (uint16_t)first_bit,
                                         .number = choices->count,
                                         .target = table});
    for (size_t i = 0; i <= choices->count && !compiler->is_too_long; i++) {
        compiler->plan->targets[table + i] = avro_label(compiler);
        if (i < choices->count) {
            avro_compile_value(compiler, items, &choices->groups[i]);
            avro_chain_jump(compiler, &chain);
        } else if (is_last) {
            avro_compile_skip(compiler, items);
        }
    }
    avro_chain_land(compiler, chain);
}

static void compile_map(struct avro_compiler *compiler, const struct writer_node *map,
                        struct avro_cursors *cursors) {
    struct choices *choices = new_choices(compiler, cursors, true);
    uint32_t next = compile_loop(compiler);
    avro_emit(compiler, (struct avro_op){.code = OP_PROBE_TEXT,
                                         .number = choices->count,
                                         .target = choices->first_name});
    compile_switch(compiler, map->items, choices, 0, true);
    end_loop(compiler, next);
    free(choices);
}

/* Asks an item for the field that predicates compare; what follows it is not read now. */
struct probe {
    struct bytes name; /* of the field */
    const struct choices *choices;
};

static void compile_probed_enum(struct avro_compiler *compiler, const struct writer_node *key,
                                const struct choices *choices) {
    uint32_t table = avro_new_targets(compiler, key->count);
    avro_emit(
        compiler,
        (struct avro_op){.code = OP_PROBE_ENUM, .number = (uint32_t)key->count, .target = table});
    for (size_t i = 0; i < key->count && avro_compile_work(compiler, choices->count); i++) {
        uint32_t match = AVRO_NO_MATCH;
        for (uint32_t k = 0; k < choices->count; k++) {
            if (bytes_equal(key->symbols[i], compiler->plan->names[choices->first_name + k])) {
                match = k;
            }
        }
        compiler->plan->targets[table + i] = match;
    }
}

static void compile_probed_key(struct avro_compiler *compiler, const struct writer_node *key,
                               void *context) {
    const struct probe *probe = context;
    if (key->type == WRITER_UNION) {
        avro_compile_union(compiler, key, compile_probed_key, context);
    } else if (key->type == WRITER_ENUM) {
        compile_probed_enum(compiler, key, probe->choices);
    } else if (key->type == WRITER_STRING || key->type == WRITER_INT || key->type == WRITER_LONG) {
        bool is_text = key->type == WRITER_STRING;
        avro_emit(compiler, (struct avro_op){.code = is_text ? OP_PROBE_TEXT : OP_PROBE_LONG,
                                             .number = probe->choices->count,
                                             .target = probe->choices->first_name});
    }
}

static void compile_probe(struct avro_compiler *compiler, const struct writer_node *items,
                          void *context) {
    const struct probe *probe = context;
    if (items->type == WRITER_UNION) {
        avro_compile_union(compiler, items, compile_probe, context);
        return;
    }
    const struct writer_field *key =
        items->type == WRITER_RECORD ? writer_find_field(items, probe->name) : NULL;
    for (size_t i = 0; key && &items->fields[i] != key && avro_compile_work(compiler, 1); i++) {
        avro_compile_skip(compiler, items->fields[i].type);
    }
    if (key) {
        compile_probed_key(compiler, key->type, context);
    }
}

static uint32_t compile_where(struct avro_compiler *compiler, const struct writer_node *items,
                              struct avro_cursors *cursors, uint32_t first_bit, bool is_last) {
    struct bytes name = avro_step_of(compiler->mapping, cursors->at[0])->name;
    struct choices *choices = new_choices(compiler, cursors, false);
    struct probe probe = {.name = name, .choices = choices};
    compile_probe(compiler, items, &probe);
    avro_label(compiler);
    avro_emit(compiler, (struct avro_op){.code = OP_REWIND});
    compile_switch(compiler, items, choices, first_bit, is_last);
    uint32_t count = choices->count;
    free(choices);
    return count;
}

static void compile_index(struct avro_compiler *compiler, const struct writer_node *items,
                          uint32_t index, const struct avro_cursors *cursors, bool is_last) {
    uint32_t chain = AVRO_CHAIN_END;
    uint32_t check = avro_emit(compiler, (struct avro_op){.code = OP_IF_INDEX, .number = index});
    avro_compile_value(compiler, items, cursors);
    avro_chain_jump(compiler, &chain);
    land(compiler, check);
    if (is_last) {
        avro_compile_skip(compiler, items);
    }
    avro_chain_land(compiler, chain);
}

static void compile_line(struct avro_compiler *compiler, const struct writer_node *items) {
    const struct mapping *mapping = compiler->mapping;
    struct avro_cursors cursors = {.count = 0};
    for (size_t i = 0; i < mapping->path_count; i++) {
        if (mapping->paths[i].scope == SCOPE_LINE) {
            add_cursor(&cursors, i, 0);
        }
    }
    compiler->is_found[AVRO_LINES_PATH] = true;
    avro_emit(compiler, (struct avro_op){.code = OP_LINE_BEGIN});
    avro_compile_value(compiler, items, &cursors);
    avro_emit(compiler, (struct avro_op){.code = OP_LINE_END});
}

static void compile_array(struct avro_compiler *compiler, const struct writer_node *array,
                          struct avro_cursors *cursors) {
    struct avro_cursors rest = *cursors, pass;
    uint32_t next = compile_loop(compiler);
    uint32_t bits = 0;
    while (rest.count > 0) {
        const struct mapping_step *step = avro_step_of(compiler->mapping, rest.at[0]);
        bool is_where = step && step->kind == STEP_WHERE;
        take_group(compiler, &rest, is_same_pass, is_where, &pass);
        bool is_last = rest.count == 0;
        if (!step) {
            compile_line(compiler, array->items);
        } else if (is_where) {
            bits += compile_where(compiler, array->items, &pass, bits, is_last);
        } else {
            compile_index(compiler, array->items, step->index, &pass, is_last);
        }
        if (!is_last) {
            avro_emit(compiler, (struct avro_op){.code = OP_REWIND});
        }
    }
    end_loop(compiler, next);
}

void avro_compile_value(struct avro_compiler *compiler, const struct writer_node *node,
                        const struct avro_cursors *cursors) {
    struct avro_cursors here = {.count = 0};
    for (size_t i = 0; i < cursors->count; i++) {
        if (avro_path_exists(compiler, node, cursors->at[i])) {
            here.at[here.count++] = cursors->at[i];
        }
    }
    if (compiler->is_too_long) {
        return;
    }
    if (here.count == 0) {
        avro_compile_skip(compiler, node);
        return;
    }
    switch (node->type) {
    case WRITER_RECORD:
        compile_record(compiler, node, &here);
        break;
    case WRITER_UNION:
        compile_mapped_union(compiler, node, &here);
        break;
    case WRITER_MAP:
        compile_map(compiler, node, &here);
        break;
    case WRITER_ARRAY:
        compile_array(compiler, node, &here);
        break;
    default:
        compile_leaves(compiler, node, &here);
    }
}
