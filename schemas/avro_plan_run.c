#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "schemas/avro_plan_internal.h"
#include "schemas/event_verdict.h"

/* Offsets come from the mapping's fields, so alignment holds. */
#define FIELD(type, run, op) (*(type *)(void *)((run)->records[(op)->scope] + (op)->offset))

/* ---- Common values, with the cursor in a register; NULL = the long way ---- */

static inline const uint8_t *text(const struct avro_run *run, const struct avro_op *op,
                                  const uint8_t *cursor, const uint8_t *end) {
    struct bytes value;
    const uint8_t *next = wire_short_text(cursor, end, op->number, &value);
    /* An empty one leaves the default. */
    if (next && value.size > 0) {
        FIELD(struct bytes, run, op) = value;
    }
    return next;
}

static inline const uint8_t *text_or_null(const struct avro_run *run, const struct avro_op *op,
                                          const uint8_t *cursor, const uint8_t *end) {
    if (cursor == end) {
        return NULL;
    }
    if (*cursor == op->null_byte) {
        return cursor + 1;
    }
    return *cursor == op->value_byte ? text(run, op, cursor + 1, end) : NULL;
}

/* After 1970: mapping_store takes every time that six bytes can say. */
static inline const uint8_t *time_of(const struct avro_run *run, const struct avro_op *op,
                                     const uint8_t *cursor, const uint8_t *end) {
    int64_t ms;
    const uint8_t *next = wire_short_time(cursor, end, &ms);
    if (!next || ms < 0) {
        return NULL;
    }
    FIELD(int64_t, run, op) = ms;
    return next;
}

static inline const uint8_t *number(const struct avro_run *run, const struct avro_op *op,
                                    const uint8_t *cursor, const uint8_t *end) {
    double value;
    if (end - cursor < (ptrdiff_t)sizeof(value)) {
        return NULL;
    }
    uint64_t word = wire_load_word(cursor);
    memcpy(&value, &word, sizeof(value));
    if (!isfinite(value)) {
        return NULL;
    }
    FIELD(double, run, op) = value;
    return cursor + sizeof(value);
}

static inline const uint8_t *count(const struct avro_run *run, const struct avro_op *op,
                                   const uint8_t *cursor, const uint8_t *end) {
    /* 0x80: a longer one; 0x01: a negative one. */
    if (cursor == end || (*cursor & 0x81) || *cursor == 0) {
        return NULL;
    }
    FIELD(int32_t, run, op) = *cursor >> 1;
    return cursor + 1;
}

static inline const uint8_t *enum_code(const struct avro_run *run, const struct avro_op *op,
                                       const uint8_t *cursor, const uint8_t *end) {
    int symbol;
    const uint8_t *next = wire_short_enum(cursor, end, op->number, &symbol);
    if (!next) {
        return NULL;
    }
    uint8_t code = run->plan->codes[op->target + (uint32_t)symbol];
    if (code == AVRO_CODE_NONE) {
        return NULL;
    }
    FIELD(int, run, op) = code;
    return next;
}

static inline const uint8_t *text_code(const struct avro_run *run, const struct avro_op *op,
                                       const uint8_t *cursor, const uint8_t *end) {
    const struct avro_code_table *table = run->plan->leaves[op->leaf].codes;
    struct bytes value;
    uint64_t words[3];
    const uint8_t *next = wire_short_bytes(cursor, end, &value);
    if (!next || value.size == 0 || value.size > AVRO_CODE_BYTES_MAX) {
        return NULL;
    }
    avro_code_words(value, words);
    uint32_t i = avro_code_hash(words, value.size) & table->mask;
    while (table->rows[i].size != value.size || table->rows[i].words[0] != words[0] ||
           table->rows[i].words[1] != words[1] || table->rows[i].words[2] != words[2]) {
        if (table->rows[i].size == 0) {
            return NULL;
        }
        i = (i + 1) & table->mask;
    }
    FIELD(int, run, op) = table->rows[i].code;
    return next;
}

static inline const uint8_t *skip_varints(const struct avro_op *op, const uint8_t *cursor,
                                          const uint8_t *end) {
    for (uint32_t i = 0; i < op->number; i++) {
        const uint8_t *begin = cursor;
        while (cursor < end && (*cursor & 0x80)) {
            cursor++;
        }
        /* The tenth byte of a long has its own rule. */
        if (cursor == end || cursor - begin >= WIRE_LONG_BYTES_MAX - 1) {
            return NULL;
        }
        cursor++;
    }
    return cursor;
}

static inline const uint8_t *skip_lengths(const struct avro_op *op, const uint8_t *cursor,
                                          const uint8_t *end) {
    struct bytes value;
    for (uint32_t i = 0; i < op->number && cursor; i++) {
        cursor = wire_short_bytes(cursor, end, &value);
    }
    return cursor;
}

/* ---- Loops, calls, lines ---- */

static struct avro_frame *top(struct avro_run *run) {
    return &run->frames[run->frame_count - 1];
}

static struct avro_frame *push(struct avro_run *run) {
    if (run->frame_count == AVRO_FRAMES_MAX) {
        run->verdict = EVENT_TOO_DEEP;
        return NULL;
    }
    return &run->frames[run->frame_count++];
}

static void begin_loop(struct avro_run *run) {
    struct avro_frame *frame = push(run);
    if (frame) {
        /* Every item takes a byte at least: the message's end bounds them. */
        frame->array = wire_array_of(SIZE_MAX);
        frame->taken[0] = frame->taken[1] = 0;
        frame->match = AVRO_NO_MATCH;
    }
}

static const struct avro_op *next_item(struct avro_run *run, const struct avro_op *op) {
    struct avro_frame *frame = top(run);
    if (!wire_array_next(&run->reader, &frame->array)) {
        run->frame_count--;
        return run->plan->ops + op->target;
    }
    frame->item = run->reader.cursor;
    frame->match = AVRO_NO_MATCH;
    return op + 1;
}

static const struct avro_op *next_skipped(struct avro_run *run, const struct avro_op *op) {
    struct avro_frame *frame = top(run);
    if (frame->array.left == 0) {
        frame->array.left = avro_next_block(&run->reader);
        if (frame->array.left == 0) {
            run->frame_count--;
            return run->plan->ops + op->target;
        }
    }
    frame->array.left--;
    return op + 1;
}

static const struct avro_op *call(struct avro_run *run, const struct avro_op *op) {
    struct avro_frame *frame = push(run);
    if (run->depth == AVRO_PLAN_DEPTH_MAX) {
        run->verdict = EVENT_TOO_DEEP;
    }
    if (!frame || run->verdict != EVENT_OK) {
        return NULL;
    }
    run->depth++;
    frame->back = op + 1;
    return run->plan->ops + op->target;
}

static const struct avro_op *back(struct avro_run *run) {
    run->depth--;
    return run->frames[--run->frame_count].back;
}

static void probe_name(struct avro_run *run, const struct avro_op *op, struct bytes key) {
    const struct bytes *names = run->plan->names + op->target;
    for (uint32_t i = 0; i < op->number && run->reader.verdict == WIRE_OK; i++) {
        if (bytes_equal(names[i], key)) {
            top(run)->match = i;
            return;
        }
    }
}

static void probe_text(struct avro_run *run, const struct avro_op *op) {
    probe_name(run, op, wire_read_bytes(&run->reader, SIZE_MAX));
}

static void probe_long(struct avro_run *run, const struct avro_op *op) {
    char digits[32];
    int size = snprintf(digits, sizeof digits, "%" PRId64, wire_read_long(&run->reader));
    probe_name(run, op, bytes_of(digits, (size_t)size));
}

static void probe_enum(struct avro_run *run, const struct avro_op *op) {
    int64_t symbol = wire_read_range(&run->reader, 0, (int64_t)op->number - 1);
    top(run)->match = run->plan->targets[op->target + (size_t)symbol];
}

static const struct avro_op *choose(struct avro_run *run, const struct avro_op *op) {
    struct avro_frame *frame = top(run);
    uint32_t match = frame->match < op->number ? frame->match : op->number;
    frame->match = AVRO_NO_MATCH;
    if (match < op->number) {
        uint32_t bit = op->offset + match;
        uint64_t *taken = &frame->taken[bit / 64];
        match = *taken >> bit % 64 & 1 ? op->number : match;
        *taken |= UINT64_C(1) << bit % 64;
    }
    return run->plan->ops + run->plan->targets[op->target + match];
}

static const struct avro_op *branch(struct avro_run *run, const struct avro_op *op) {
    int64_t index = wire_read_range(&run->reader, 0, (int64_t)op->number - 1);
    return run->plan->ops + run->plan->targets[op->target + (size_t)index];
}

static const struct avro_op *present(struct avro_run *run, const struct avro_op *op) {
    int64_t index = wire_read_range(&run->reader, 0, 1);
    return 2 * index == op->null_byte ? run->plan->ops + op->target : op + 1;
}

static void begin_line(struct avro_run *run) {
    if (top(run)->array.count > EVENT_LINES_MAX) {
        run->verdict = EVENT_BAD_VALUE;
        return;
    }
    struct event_line *line = &run->event->lines[run->event->line_count];
    *line = run->plan->line;
    run->records[SCOPE_LINE] = (uint8_t *)line;
    memset(run->ranks + AVRO_LINE_SLOT, UINT8_MAX, MAPPING_LINE_FIELD_COUNT);
}

static void note_errors(struct avro_run *run, size_t first_slot, size_t count_of_slots) {
    size_t end = run->has_errors ? first_slot + count_of_slots : 0;
    for (size_t i = first_slot; i < end && run->verdict == EVENT_OK; i++) {
        run->verdict = (enum event_verdict)run->errors[i];
    }
}

static void end_line(struct avro_run *run) {
    note_errors(run, AVRO_LINE_SLOT, MAPPING_LINE_FIELD_COUNT);
    run->event->line_count += run->event->lines[run->event->line_count].item_id.size > 0;
}

/* ---- The long way: every op, the cursor in the reader ---- */

/* The next op, NULL after the last. */
static const struct avro_op *go(struct avro_run *run, const struct avro_op *op) {
    switch ((enum avro_code)op->code) {
    case OP_END:
        return NULL;
    case OP_FAIL:
        run->verdict = (enum event_verdict)op->number;
        return NULL;
    case OP_PRESENT:
        return present(run, op);
    case OP_UNION:
        return branch(run, op);
    case OP_CALL:
        return call(run, op);
    case OP_RETURN:
        return back(run);
    case OP_LOOP:
        begin_loop(run);
        return op + 1;
    case OP_NEXT:
        return next_item(run, op);
    case OP_NEXT_SKIPPED:
        return next_skipped(run, op);
    case OP_REWIND:
        run->reader.cursor = top(run)->item;
        return op + 1;
    case OP_IF_INDEX:
        return top(run)->array.count - 1 == op->number ? op + 1 : run->plan->ops + op->target;
    case OP_PROBE_TEXT:
        probe_text(run, op);
        return op + 1;
    case OP_PROBE_LONG:
        probe_long(run, op);
        return op + 1;
    case OP_PROBE_ENUM:
        probe_enum(run, op);
        return op + 1;
    case OP_SWITCH:
        return choose(run, op);
    case OP_LINE_BEGIN:
        begin_line(run);
        return op + 1;
    case OP_LINE_END:
        end_line(run);
        return op + 1;
    default:
        avro_run_skip(&run->reader, op);
        return op + 1;
    }
}

/* Not inlined: run_ops's registers are for its own path. */
static __attribute__((noinline)) const struct avro_op *go_slowly(struct avro_run *run,
                                                                 const struct avro_op *op) {
    const struct avro_op *next = op + 1;
    if (op->code < OP_TEXT || op->code > OP_STORE) {
        next = go(run, op);
    } else if (op->code != OP_TEXT_OR_NULL ||
               2 * wire_read_range(&run->reader, 0, 1) == op->value_byte) {
        avro_run_store(run, &run->plan->leaves[op->leaf]);
    }
    return run->reader.verdict == WIRE_OK && run->verdict == EVENT_OK ? next : NULL;
}

static void run_ops(struct avro_run *run) {
    const struct avro_op *op = run->plan->ops;
    const uint8_t *cursor = run->reader.cursor;
    const uint8_t *end = run->reader.end;
    while (op) {
        const uint8_t *next = NULL;
        switch ((enum avro_code)op->code) {
        case OP_TEXT:
            next = text(run, op, cursor, end);
            break;
        case OP_TEXT_OR_NULL:
            next = text_or_null(run, op, cursor, end);
            break;
        case OP_TIME:
            next = time_of(run, op, cursor, end);
            break;
        case OP_DOUBLE:
            next = number(run, op, cursor, end);
            break;
        case OP_COUNT:
            next = count(run, op, cursor, end);
            break;
        case OP_ENUM_CODE:
            next = enum_code(run, op, cursor, end);
            break;
        case OP_TEXT_CODE:
            next = text_code(run, op, cursor, end);
            break;
        case OP_KEEP:
            run->kept = next = cursor;
            break;
        case OP_BACK:
            next = run->kept;
            break;
        case OP_SKIP_BYTES:
            next = op->number <= (size_t)(end - cursor) ? cursor + op->number : NULL;
            break;
        case OP_SKIP_VARINTS:
            next = skip_varints(op, cursor, end);
            break;
        case OP_SKIP_LENGTHS:
            next = skip_lengths(op, cursor, end);
            break;
        case OP_JUMP:
            op = run->plan->ops + op->target;
            continue;
        case OP_END:
            run->reader.cursor = cursor;
            return;
        case OP_PRESENT:
            next = cursor < end && *cursor == op->value_byte ? cursor + 1 : NULL;
            break;
        default:
            break;
        }
        if (next) {
            cursor = next;
            op++;
            continue;
        }
        run->reader.cursor = cursor;
        op = go_slowly(run, op);
        cursor = run->reader.cursor;
    }
}

/* ---- A message ---- */

/* What stands in for lines, if there are none. */
static void take_product(struct avro_run *run) {
    struct event_line *line = (struct event_line *)(void *)run->records[SCOPE_PRODUCT];
    note_errors(run, MAPPING_EVENT_FIELD_COUNT, MAPPING_LINE_FIELD_COUNT);
    if (line->item_id.size > 0) {
        if (line == &run->product) {
            run->event->lines[0] = *line;
        }
        run->event->line_count = 1;
    }
}

static enum event_verdict finish(struct avro_run *run) {
    if (run->verdict != EVENT_OK) {
        return run->verdict;
    }
    enum wire_verdict verdict = wire_finish(&run->reader);
    if (verdict != WIRE_OK) {
        return event_verdict_of_wire(verdict);
    }
    note_errors(run, 0, MAPPING_EVENT_FIELD_COUNT);
    if (run->event->line_count == 0) {
        take_product(run);
    }
    if (run->verdict == EVENT_OK && (run->event->type == (enum event_type)AVRO_TYPE_NONE ||
                                     run->event->event_ms == AVRO_TIME_NONE)) {
        return EVENT_MISSING_FIELD;
    }
    return run->verdict;
}

enum event_verdict avro_plan_decode(const struct avro_plan *plan, struct bytes body,
                                    struct mapping_scratch *scratch, struct event *out) {
    struct avro_run run;
    assert(out->lines);
    if (body.size == 0) {
        return EVENT_EMPTY;
    }
    run.reader = wire_reader_of(body);
    run.verdict = EVENT_OK;
    run.plan = plan;
    run.event = out;
    run.scratch = scratch;
    run.frame_count = 0;
    run.depth = 0;
    memset(run.ranks, UINT8_MAX, sizeof(run.ranks));
    memset(run.errors, EVENT_OK, sizeof(run.errors));
    run.has_errors = false;
    scratch->size = 0;
    struct event_line *lines = out->lines;
    /* An assignment would be a string instruction, slower than all the texts together. */
    memcpy(out, &plan->event, plan->event_bytes);
    out->lines = lines;
    struct event_line *product = plan->has_lines ? &run.product : &lines[0];
    *product = plan->product;
    run.records[SCOPE_EVENT] = (uint8_t *)out;
    run.records[SCOPE_LINE] = NULL;
    run.records[SCOPE_PRODUCT] = (uint8_t *)product;
    run_ops(&run);
    return finish(&run);
}
