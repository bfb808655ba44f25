#include "schemas/avro_plan.h"

#include <stdlib.h>

#include "schemas/avro_plan_internal.h"

/* ---- What a message starts from ---- */

static void make_templates(struct avro_plan *plan, const struct mapping *mapping) {
    event_clear(&plan->event, NULL);
    for (size_t i = 0; i < MAPPING_EVENT_FIELD_COUNT; i++) {
        mapping_store_default(&mapping->event[i], &plan->event);
    }
    if (!mapping->event[MAP_TYPE].has_default) {
        plan->event.type = AVRO_TYPE_NONE;
    }
    plan->event.event_ms = AVRO_TIME_NONE;
    plan->event_bytes = sizeof(plan->event);
    plan->line = plan->product = (struct event_line){.price = (double)NAN, .quantity = 1};
    for (size_t i = 0; i < MAPPING_LINE_FIELD_COUNT; i++) {
        mapping_store_default(&mapping->lines[i], &plan->line);
        mapping_store_default(&mapping->product[i], &plan->product);
    }
}

/* ---- The root ---- */

static bool is_root(const struct writer_node *root) {
    if (root->type != WRITER_UNION) {
        return root->type == WRITER_RECORD;
    }
    bool has_record = false;
    for (size_t i = 0; i < root->count; i++) {
        enum writer_type type = root->branches[i]->type;
        if (type != WRITER_RECORD && type != WRITER_NULL) {
            return false;
        }
        has_record |= type == WRITER_RECORD;
    }
    return has_record;
}

static void compile_root_branch(struct avro_compiler *compiler, const struct writer_node *branch,
                                void *context) {
    if (branch->type == WRITER_NULL) {
        avro_emit(compiler, (struct avro_op){.code = OP_FAIL, .number = EVENT_EMPTY});
    } else {
        avro_compile_branch(compiler, branch, context);
    }
}

/* Fields with more than one alternative in this schema need to know which one they hold. */
static void find_rivals(struct avro_compiler *compiler, const struct avro_cursors *cursors) {
    const struct mapping *mapping = compiler->mapping;
    uint8_t count[3][MAPPING_EVENT_FIELD_COUNT] = {0};
    for (size_t i = 0; i < cursors->count; i++) {
        if (cursors->at[i].path != AVRO_LINES_PATH) {
            const struct mapping_path *path = &mapping->paths[cursors->at[i].path];
            count[path->scope][path->field]++;
        }
    }
    for (size_t i = 0; i < mapping->path_count; i++) {
        const struct mapping_path *path = &mapping->paths[i];
        if (path->scope == SCOPE_LINE) {
            count[SCOPE_LINE][path->field]++;
        }
    }
    for (size_t i = 0; i < mapping->path_count; i++) {
        const struct mapping_path *path = &mapping->paths[i];
        compiler->has_rival[i] = count[path->scope][path->field] > 1;
    }
}

static void compile(struct avro_compiler *compiler, const struct writer_node *root) {
    const struct mapping *mapping = compiler->mapping;
    struct avro_cursors cursors = {.count = 0};
    for (size_t i = 0; i < mapping->path_count; i++) {
        struct avro_cursor cursor = {.path = (uint8_t)i};
        if (mapping->paths[i].scope != SCOPE_LINE && avro_path_exists(compiler, root, cursor)) {
            cursors.at[cursors.count++] = cursor;
        }
    }
    /* The lines come last: reading one is then the pass that moves on. */
    struct avro_cursor lines = {.path = AVRO_LINES_PATH};
    if (mapping->lines_step_count > 0 && avro_path_exists(compiler, root, lines)) {
        cursors.at[cursors.count++] = lines;
        compiler->plan->has_lines = true;
    }
    find_rivals(compiler, &cursors);
    if (root->type == WRITER_UNION) {
        avro_compile_branches(compiler, root, compile_root_branch, &cursors);
    } else {
        avro_compile_value(compiler, root, &cursors);
    }
    avro_emit(compiler, (struct avro_op){.code = OP_END});
    avro_compile_calls(compiler);
}

/* ---- Life ---- */

static bool is_found(const struct avro_compiler *compiler, enum mapping_event_field field) {
    for (size_t i = 0; i < compiler->mapping->path_count; i++) {
        const struct mapping_path *path = &compiler->mapping->paths[i];
        if (path->scope == SCOPE_EVENT && path->field == field && compiler->is_found[i]) {
            return true;
        }
    }
    return compiler->mapping->event[field].has_default;
}

static struct failure check(const struct avro_compiler *compiler) {
    if (compiler->is_too_long) {
        return failure_make(FAILURE_STOP, 0,
                            "the schema and the mapping together make a program of more than %d "
                            "steps",
                            AVRO_PLAN_OPS_MAX);
    }
    for (size_t i = MAP_TYPE; i <= MAP_EVENT_MS; i++) {
        if (!is_found(compiler, (enum mapping_event_field)i)) {
            return failure_make(FAILURE_STOP, 0,
                                "the schema has nothing that mapping.%s could come from",
                                compiler->mapping->event[i].name);
        }
    }
    return failure_none();
}

struct failure avro_plan_new(const struct writer_schema *schema, const struct mapping *mapping,
                             FILE *warnings, struct avro_plan **out) {
    *out = NULL;
    if (!is_root(schema->root)) {
        return failure_make(FAILURE_STOP, 0, "the schema is of type %s, expected a record",
                            writer_type_name(schema->root->type));
    }
    struct avro_plan *plan = memory_new(1, sizeof(*plan));
    struct avro_compiler compiler = {.plan = plan, .mapping = mapping};
    compiler.is_called = memory_new(schema->record_count + 1, sizeof(*compiler.is_called));
    compiler.entries = memory_new(schema->record_count + 1, sizeof(*compiler.entries));
    compiler.called = memory_new(schema->record_count + 1, sizeof(*compiler.called));
    make_templates(plan, mapping);
    compile(&compiler, schema->root);
    struct failure failure = check(&compiler);
    if (warnings && !compiler.is_too_long) {
        compiler.work = 0;
        avro_warn_absent(&compiler, schema->root, warnings);
    }
    free(compiler.is_called);
    free(compiler.entries);
    free(compiler.called);
    if (failed(failure)) {
        avro_plan_destroy(plan);
        return failure;
    }
    *out = plan;
    return failure;
}

void avro_plan_destroy(struct avro_plan *plan) {
    if (!plan) {
        return;
    }
    for (size_t i = 0; i < plan->owned_count; i++) {
        free(plan->owned[i]);
    }
    free(plan->owned);
    free(plan->ops);
    free(plan->targets);
    free(plan->codes);
    free(plan->leaves);
    free(plan->names);
    free(plan);
}
