/* What every part of the compiler emits: ops, jumps, unions, and whatever is skipped. */
#include "schemas/avro_plan_internal.h"

#include <assert.h>

/* Of avro_compile_work. A schema of WRITER_NODES_MAX with a mapping of 128 paths needs less than a
 * million. */
#define WORK_MAX       (1 << 24)
#define TABLE_ROWS_MAX (1 << 20)

/* Records of so many ops at most are skipped in place instead of by a call. */
#define INLINE_OPS_MAX 32

bool avro_compile_work(struct avro_compiler *compiler, size_t work) {
    compiler->work += work;
    if (compiler->work > WORK_MAX) {
        compiler->is_too_long = true;
    }
    return !compiler->is_too_long;
}

/* Room for one more: capacities are powers of two. */
static void *grow(void *items, size_t count, size_t size) {
    if (count == 0) {
        return memory_grow(items, 16, size);
    }
    return count >= 16 && (count & (count - 1)) == 0 ? memory_grow(items, 2 * count, size) : items;
}

void *avro_plan_own(struct avro_plan *plan, size_t count, size_t size) {
    plan->owned = grow(plan->owned, plan->owned_count, sizeof(*plan->owned));
    void *memory = memory_new(count, size);
    plan->owned[plan->owned_count++] = memory;
    return memory;
}

struct bytes avro_plan_own_text(struct avro_plan *plan, struct bytes text) {
    uint8_t *copy = avro_plan_own(plan, text.size + 1, 1);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return bytes_of(copy, text.size);
}

uint32_t avro_emit(struct avro_compiler *compiler, struct avro_op op) {
    struct avro_plan *plan = compiler->plan;
    if (plan->op_count == AVRO_PLAN_OPS_MAX) {
        compiler->is_too_long = true;
    }
    if (compiler->is_too_long) {
        return 0;
    }
    plan->ops = grow(plan->ops, plan->op_count, sizeof(*plan->ops));
    plan->ops[plan->op_count] = op;
    return (uint32_t)plan->op_count++;
}

uint32_t avro_label(struct avro_compiler *compiler) {
    compiler->barrier = compiler->plan->op_count;
    return (uint32_t)compiler->plan->op_count;
}

uint32_t avro_new_targets(struct avro_compiler *compiler, size_t count) {
    struct avro_plan *plan = compiler->plan;
    size_t first = plan->target_count;
    if (first + count > TABLE_ROWS_MAX) {
        compiler->is_too_long = true;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        plan->targets = grow(plan->targets, plan->target_count, sizeof(*plan->targets));
        plan->targets[plan->target_count++] = 0;
    }
    return (uint32_t)first;
}

uint32_t avro_new_name(struct avro_compiler *compiler, struct bytes name) {
    struct avro_plan *plan = compiler->plan;
    plan->names = grow(plan->names, plan->name_count, sizeof(*plan->names));
    plan->names[plan->name_count] = avro_plan_own_text(plan, name);
    return (uint32_t)plan->name_count++;
}

void avro_chain_jump(struct avro_compiler *compiler, uint32_t *chain) {
    uint32_t jump = avro_emit(compiler, (struct avro_op){.code = OP_JUMP, .target = *chain});
    *chain = jump;
}

void avro_chain_land(struct avro_compiler *compiler, uint32_t chain) {
    uint32_t here = avro_label(compiler);
    while (!compiler->is_too_long && chain != AVRO_CHAIN_END) {
        uint32_t next = compiler->plan->ops[chain].target;
        compiler->plan->ops[chain].target = here;
        chain = next;
    }
}

/* ---- Unions ---- */

/* [null, T] and [T, null]: the index of null, else -1. */
static int null_of_two(const struct writer_node *node) {
    if (node->count != 2) {
        return -1;
    }
    return node->branches[0]->type == WRITER_NULL   ? 0
           : node->branches[1]->type == WRITER_NULL ? 1
                                                    : -1;
}

static void compile_nullable(struct avro_compiler *compiler, const struct writer_node *node,
                             int null_index, avro_branch_compiler *branch, void *context) {
    uint32_t present =
        avro_emit(compiler, (struct avro_op){.code = OP_PRESENT,
                                             .null_byte = (uint8_t)(2 * null_index),
                                             .value_byte = (uint8_t)(2 - 2 * null_index)});
    branch(compiler, node->branches[1 - null_index], context);
    uint32_t end = avro_label(compiler);
    if (!compiler->is_too_long) {
        compiler->plan->ops[present].target = end;
    }
}

void avro_compile_branches(struct avro_compiler *compiler, const struct writer_node *node,
                           avro_branch_compiler *branch, void *context) {
    uint32_t chain = AVRO_CHAIN_END;
    uint32_t table = avro_new_targets(compiler, node->count);
    avro_emit(compiler,
              (struct avro_op){.code = OP_UNION, .number = (uint32_t)node->count, .target = table});
    for (size_t i = 0; i < node->count && avro_compile_work(compiler, 1); i++) {
        uint32_t begin = avro_label(compiler);
        branch(compiler, node->branches[i], context);
        if (!compiler->is_too_long && compiler->plan->op_count > begin) {
            compiler->plan->targets[table + i] = begin;
            avro_chain_jump(compiler, &chain);
        }
    }
    avro_chain_land(compiler, chain);
    /* Branches that take no bytes go straight on; no branch lies at op 0. */
    for (size_t i = 0; i < node->count && !compiler->is_too_long; i++) {
        uint32_t *target = &compiler->plan->targets[table + i];
        *target = *target ? *target : (uint32_t)compiler->plan->op_count;
    }
}

void avro_compile_union(struct avro_compiler *compiler, const struct writer_node *node,
                        avro_branch_compiler *branch, void *context) {
    int null_index = null_of_two(node);
    if (null_index >= 0) {
        compile_nullable(compiler, node, null_index, branch, context);
    } else {
        avro_compile_branches(compiler, node, branch, context);
    }
}

/* ---- Skipping ---- */

static void skip_run(struct avro_compiler *compiler, enum avro_code code, size_t number) {
    struct avro_plan *plan = compiler->plan;
    struct avro_op *last =
        plan->op_count > compiler->barrier ? &plan->ops[plan->op_count - 1] : NULL;
    assert(number <= UINT32_MAX);
    if (last && last->code == code && last->number <= UINT32_MAX - number) {
        last->number += (uint32_t)number;
    } else if (number > 0) {
        avro_emit(compiler, (struct avro_op){.code = (uint8_t)code, .number = (uint32_t)number});
    }
}

static bool is_run(enum avro_code code) {
    return code == OP_SKIP_BYTES || code == OP_SKIP_VARINTS || code == OP_SKIP_LENGTHS ||
           code == OP_SKIP_BOOLEANS;
}

/* An array or a map, also one whose items are mapped to nothing. */
static void skip_items(struct avro_compiler *compiler, const struct writer_node *node) {
    struct avro_plan *plan = compiler->plan;
    if (node->type == WRITER_ARRAY && node->items->least_bytes == 0) {
        avro_emit(compiler, (struct avro_op){.code = OP_SKIP_EMPTY_ITEMS});
        return;
    }
    uint32_t loop = avro_emit(compiler, (struct avro_op){.code = OP_LOOP});
    uint32_t next = avro_label(compiler);
    avro_emit(compiler, (struct avro_op){.code = OP_NEXT_SKIPPED});
    avro_label(compiler);
    if (node->type == WRITER_MAP) {
        skip_run(compiler, OP_SKIP_LENGTHS, 1);
    }
    avro_compile_skip(compiler, node->items);
    if (compiler->is_too_long) {
        return;
    }
    struct avro_op body = plan->ops[next + 1];
    if (plan->op_count == next + 2 && is_run((enum avro_code)body.code)) {
        plan->op_count = loop;
        avro_label(compiler);
        avro_emit(compiler, (struct avro_op){
                                .code = OP_SKIP_ITEMS, .scope = body.code, .number = body.number});
        return;
    }
    avro_emit(compiler, (struct avro_op){.code = OP_JUMP, .target = next});
    plan->ops[next].target = avro_label(compiler);
}

/* About how many ops the skip of a node takes; more than limit for a recursive one. */
static size_t skip_ops(const struct writer_node *node, size_t limit) {
    size_t sum = 1;
    switch (node->type) {
    case WRITER_ARRAY:
    case WRITER_MAP:
        return limit < 3 ? limit + 1 : 3 + skip_ops(node->items, limit - 3);
    case WRITER_UNION:
        for (size_t i = 0; i < node->count && sum <= limit; i++) {
            sum += skip_ops(node->branches[i], limit - sum);
        }
        return sum;
    case WRITER_RECORD:
        for (size_t i = 0; i < node->count && sum <= limit; i++) {
            sum += skip_ops(node->fields[i].type, limit - sum);
        }
        return sum;
    default:
        return 1;
    }
}

static void skip_fields(struct avro_compiler *compiler, const struct writer_node *record) {
    for (size_t i = 0; i < record->count && avro_compile_work(compiler, 1); i++) {
        avro_compile_skip(compiler, record->fields[i].type);
    }
}

static void skip_record(struct avro_compiler *compiler, const struct writer_node *record) {
    if (record->least_bytes == 0) {
        return;
    }
    if (skip_ops(record, INLINE_OPS_MAX) <= INLINE_OPS_MAX) {
        skip_fields(compiler, record);
        return;
    }
    if (!compiler->is_called[record->record_index]) {
        compiler->is_called[record->record_index] = true;
        compiler->called[compiler->called_count++] = record;
    }
    avro_emit(compiler, (struct avro_op){.code = OP_CALL, .number = record->record_index});
}

static void skip_branch(struct avro_compiler *compiler, const struct writer_node *branch,
                        void *context) {
    (void)context;
    avro_compile_skip(compiler, branch);
}

void avro_compile_skip(struct avro_compiler *compiler, const struct writer_node *node) {
    switch (node->type) {
    case WRITER_NULL:
        break;
    case WRITER_BOOLEAN:
        skip_run(compiler, OP_SKIP_BOOLEANS, 1);
        break;
    case WRITER_INT:
    case WRITER_LONG:
        skip_run(compiler, OP_SKIP_VARINTS, 1);
        break;
    case WRITER_FLOAT:
        skip_run(compiler, OP_SKIP_BYTES, sizeof(float));
        break;
    case WRITER_DOUBLE:
        skip_run(compiler, OP_SKIP_BYTES, sizeof(double));
        break;
    case WRITER_FIXED:
        skip_run(compiler, OP_SKIP_BYTES, node->size);
        break;
    case WRITER_BYTES:
    case WRITER_STRING:
        skip_run(compiler, OP_SKIP_LENGTHS, 1);
        break;
    case WRITER_ENUM:
        avro_emit(compiler,
                  (struct avro_op){.code = OP_SKIP_ENUM, .number = (uint32_t)node->count});
        break;
    case WRITER_ARRAY:
    case WRITER_MAP:
        skip_items(compiler, node);
        break;
    case WRITER_UNION:
        avro_compile_union(compiler, node, skip_branch, NULL);
        break;
    case WRITER_RECORD:
        skip_record(compiler, node);
        break;
    }
}

void avro_compile_calls(struct avro_compiler *compiler) {
    struct avro_plan *plan = compiler->plan;
    while (compiler->compiled_count < compiler->called_count) {
        const struct writer_node *record = compiler->called[compiler->compiled_count++];
        compiler->entries[record->record_index] = avro_label(compiler);
        skip_fields(compiler, record);
        avro_emit(compiler, (struct avro_op){.code = OP_RETURN});
    }
    for (size_t i = 0; i < plan->op_count; i++) {
        if (plan->ops[i].code == OP_CALL) {
            plan->ops[i].target = compiler->entries[plan->ops[i].number];
        }
    }
}
