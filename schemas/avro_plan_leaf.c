/* The op that stores a leaf: which of the fast ones fits, and the tables that it needs. */
#include "schemas/avro_plan_internal.h"

#include <math.h>
#include <stdlib.h>

/* Symbols beyond have no one-byte index. */
#define ENUM_CODES_MAX 64

/* ---- Texts that mean a type or a consent ---- */

/* AVRO_CODE_NONE if the text needs a closer look whenever it comes. */
static uint8_t code_of(const struct mapping_field *field, struct bytes text) {
    struct mapping_scratch scratch = {.size = 0};
    struct event event;
    bool is_present = true;
    struct mapped value = {.kind = MAPPED_TEXT, .text = text};
    event_clear(&event, NULL);
    if (mapping_store(field, value, &scratch, &event, &is_present) != EVENT_OK || !is_present) {
        return AVRO_CODE_NONE;
    }
    int code;
    memcpy(&code, (const uint8_t *)&event + field->offset, sizeof(code));
    return (uint8_t)code;
}

static uint32_t new_enum_codes(struct avro_compiler *compiler, const struct mapping_field *field,
                               const struct writer_node *node) {
    struct avro_plan *plan = compiler->plan;
    size_t first = plan->code_count;
    size_t count = node->count < ENUM_CODES_MAX ? node->count : ENUM_CODES_MAX;
    plan->codes = memory_grow(plan->codes, first + count, 1);
    plan->code_count = first + count;
    for (size_t i = 0; i < count; i++) {
        plan->codes[first + i] = code_of(field, node->symbols[i]);
    }
    return (uint32_t)first;
}

static void put_code(struct avro_code_table *table, const struct mapping_field *field,
                     struct bytes text) {
    uint8_t code = code_of(field, text);
    uint64_t words[3];
    if (text.size == 0 || text.size > AVRO_CODE_BYTES_MAX || code == AVRO_CODE_NONE) {
        return;
    }
    avro_code_words(text, words);
    uint32_t i = avro_code_hash(words, text.size) & table->mask;
    while (table->rows[i].size > 0) {
        if (table->rows[i].size == text.size &&
            memcmp(table->rows[i].words, words, sizeof(words)) == 0) {
            return;
        }
        i = (i + 1) & table->mask;
    }
    table->rows[i].size = (uint32_t)text.size;
    table->rows[i].code = code;
    memcpy(table->rows[i].words, words, sizeof(words));
}

/* Half of the rows at least stay free. */
static const struct avro_code_table *new_code_table(struct avro_compiler *compiler,
                                                    const struct mapping_field *field) {
    static const char *const consents[] = {"unknown", "granted", "denied"};
    uint32_t rows = 64;
    while (rows < 2 * (field->value_count + EVENT_TYPE_COUNT)) {
        rows *= 2;
    }
    if (!avro_compile_work(compiler, 64 * (size_t)rows)) {
        return NULL;
    }
    struct avro_code_table *table =
        avro_plan_own(compiler->plan, 1, sizeof(*table) + rows * sizeof(struct avro_code_row));
    table->mask = rows - 1;
    for (size_t i = 0; i < field->value_count; i++) {
        put_code(table, field, field->values[i].from);
    }
    for (int i = 0; i < EVENT_TYPE_COUNT && field->kind == MAPPING_TYPE; i++) {
        put_code(table, field, bytes_of_text(event_type_name((enum event_type)i)));
    }
    for (size_t i = 0; i < 3 && field->kind == MAPPING_CONSENT; i++) {
        put_code(table, field, bytes_of_text(consents[i]));
    }
    return table;
}

/* ---- Leaves ---- */

static uint8_t slot_of(const struct avro_compiler *compiler, size_t path) {
    static const uint8_t first[] = {
        [SCOPE_EVENT] = 0,
        [SCOPE_PRODUCT] = MAPPING_EVENT_FIELD_COUNT,
        [SCOPE_LINE] = AVRO_LINE_SLOT,
    };
    const struct mapping_path *mapped = &compiler->mapping->paths[path];
    bool is_needed =
        compiler->has_rival[path] || (mapped->scope == SCOPE_PRODUCT && compiler->plan->has_lines);
    return is_needed ? (uint8_t)(first[mapped->scope] + mapped->field) : AVRO_SLOT_NONE;
}

static const struct bytes *own_symbols(struct avro_compiler *compiler,
                                       const struct writer_node *node) {
    struct bytes *symbols = avro_plan_own(compiler->plan, node->count, sizeof(*symbols));
    for (size_t i = 0; i < node->count; i++) {
        if (!avro_compile_work(compiler, 1 + node->symbols[i].size)) {
            break;
        }
        symbols[i] = avro_plan_own_text(compiler->plan, node->symbols[i]);
    }
    return symbols;
}

static const struct bytes *own_branch_name(struct avro_plan *plan,
                                           const struct writer_node *branch) {
    struct bytes *name = avro_plan_own(plan, 1, sizeof(*name));
    *name = avro_plan_own_text(plan, branch->name.size > 0
                                         ? writer_short_name(branch->name)
                                         : bytes_of_text(writer_type_name(branch->type)));
    return name;
}

/* A date comes as milliseconds, whatever unit the mapping gives to numbers. */
static const struct mapping_field *field_of_date(struct avro_plan *plan,
                                                 const struct mapping_field *field) {
    struct mapping_field *copy = avro_plan_own(plan, 1, sizeof(*copy));
    *copy = *field;
    copy->unit = UNIT_AUTO;
    return copy;
}

static uint16_t new_leaf(struct avro_compiler *compiler, struct avro_leaf leaf) {
    struct avro_plan *plan = compiler->plan;
    if (plan->leaf_count == UINT16_MAX) {
        compiler->is_too_long = true;
        return 0;
    }
    if (plan->leaf_count == plan->leaf_capacity) {
        plan->leaf_capacity = plan->leaf_capacity ? 2 * plan->leaf_capacity : 16;
        plan->leaves = memory_grow(plan->leaves, plan->leaf_capacity, sizeof(*plan->leaves));
    }
    plan->leaves[plan->leaf_count] = leaf;
    return (uint16_t)plan->leaf_count++;
}

/* Which op takes common values of this leaf. */
static enum avro_code code_of_leaf(const struct avro_leaf *leaf) {
    const struct mapping_field *field = leaf->field;
    bool is_coded = field->kind == MAPPING_TYPE || field->kind == MAPPING_CONSENT;
    bool is_integer = leaf->type == WRITER_INT || leaf->type == WRITER_LONG;
    if (leaf->slot != AVRO_SLOT_NONE) {
        return OP_STORE;
    }
    if (is_coded) {
        return leaf->type == WRITER_ENUM     ? OP_ENUM_CODE
               : leaf->type == WRITER_STRING ? OP_TEXT_CODE
                                             : OP_STORE;
    }
    if (field->value_count > 0) {
        return OP_STORE;
    }
    if (field->kind == MAPPING_TEXT && leaf->type == WRITER_STRING) {
        return OP_TEXT;
    }
    if (field->kind == MAPPING_TIME && leaf->type == WRITER_LONG &&
        (field->unit == UNIT_AUTO || field->unit == UNIT_MS) &&
        (leaf->logical == LOGICAL_NONE || leaf->logical == LOGICAL_TIMESTAMP_MILLIS)) {
        return OP_TIME;
    }
    if (field->kind == MAPPING_NUMBER && leaf->type == WRITER_DOUBLE && field->unit == UNIT_AUTO) {
        return OP_DOUBLE;
    }
    return field->kind == MAPPING_COUNT && is_integer ? OP_COUNT : OP_STORE;
}

static struct avro_leaf leaf_of(const struct avro_compiler *compiler, size_t path,
                                const struct writer_node *node) {
    const struct mapping_path *mapped = &compiler->mapping->paths[path];
    return (struct avro_leaf){
        .field = avro_field_of(compiler->mapping, mapped),
        .type = (uint8_t)node->type,
        .logical = (uint8_t)node->logical,
        .scope = (uint8_t)mapped->scope,
        .slot = slot_of(compiler, path),
        .rank = mapped->rank,
        .divisor = node->logical == LOGICAL_DECIMAL ? pow(10, node->scale) : 1,
        .size = (uint32_t)node->size,
    };
}

static uint32_t emit_store(struct avro_compiler *compiler, const struct avro_leaf *leaf,
                           const struct writer_node *node) {
    enum avro_code code = code_of_leaf(leaf);
    struct avro_op op = {
        .code = (uint8_t)code,
        .scope = leaf->scope,
        .offset = leaf->field->offset,
        .leaf = new_leaf(compiler, *leaf),
        .number = leaf->field->text_bytes_max,
    };
    if (code == OP_ENUM_CODE) {
        op.number = (uint32_t)(node->count < ENUM_CODES_MAX ? node->count : ENUM_CODES_MAX);
        op.target = new_enum_codes(compiler, leaf->field, node);
    }
    return avro_emit(compiler, op);
}

void avro_compile_leaf(struct avro_compiler *compiler, size_t path, const struct writer_node *node,
                       const struct writer_node *branch) {
    struct avro_leaf leaf = leaf_of(compiler, path, node);
    if (!avro_compile_work(compiler, 1)) {
        return;
    }
    if (branch) {
        leaf.type = WRITER_NULL;
        leaf.symbols = own_branch_name(compiler->plan, branch);
    } else if (node->type == WRITER_ENUM) {
        leaf.symbol_count = (uint32_t)node->count;
        leaf.symbols = own_symbols(compiler, node);
    } else if (code_of_leaf(&leaf) == OP_TEXT_CODE) {
        leaf.codes = new_code_table(compiler, leaf.field);
    } else if (node->logical == LOGICAL_DATE && leaf.field->kind == MAPPING_TIME) {
        leaf.field = field_of_date(compiler->plan, leaf.field);
    }
    compiler->is_found[path] = true;
    emit_store(compiler, &leaf, node);
}

bool avro_compile_nullable_text(struct avro_compiler *compiler, size_t path,
                                const struct writer_node *node) {
    if (node->count != 2 || node->branches[0]->type == node->branches[1]->type) {
        return false;
    }
    size_t null_index = node->branches[1]->type == WRITER_NULL;
    const struct writer_node *text = node->branches[1 - null_index];
    if (node->branches[null_index]->type != WRITER_NULL || text->type != WRITER_STRING) {
        return false;
    }
    struct avro_leaf leaf = leaf_of(compiler, path, text);
    if (code_of_leaf(&leaf) != OP_TEXT) {
        return false;
    }
    compiler->is_found[path] = true;
    uint32_t op = emit_store(compiler, &leaf, text);
    if (!compiler->is_too_long) {
        compiler->plan->ops[op].code = OP_TEXT_OR_NULL;
        compiler->plan->ops[op].null_byte = (uint8_t)(2 * null_index);
        compiler->plan->ops[op].value_byte = (uint8_t)(2 - 2 * null_index);
    }
    return true;
}
