/* avro_plan_internal: the program that avro_plan.c compiles and avro_plan_run.c executes. Private
 * to schemas/avro_plan*.c.
 *
 * A program is one array of ops of 16 bytes. It walks the message once, from front to back, in the
 * order of the writer's schema: most ops read or skip values and go on to the next op, a few go
 * elsewhere. Record {type: enum, junk: {a: long, b: [double]}, user: ["null", string]} compiles to
 *
 *     ENUM_CODE      type
 *     SKIP_VARINTS   1               junk.a
 *     SKIP_ITEMS     SKIP_BYTES 8    junk.b
 *     TEXT_OR_NULL   user_id
 *     END
 *
 * A union is a jump over a table. Records that nobody maps are subroutines, so that a recursive
 * one has an end and one that is used often stands once; what a path leads through is inline.
 * Items of arrays are read once for each way to them (an index, a predicate, a line), going back
 * to the item's first byte in between; the last pass moves on. */
#ifndef PROMOSTREAM_SCHEMAS_AVRO_PLAN_INTERNAL_H
#define PROMOSTREAM_SCHEMAS_AVRO_PLAN_INTERNAL_H

#include "schemas/avro_plan.h"
#include "schemas/wire_fast.h"

enum avro_code {
    OP_END,  /* of the message */
    OP_FAIL, /* number: the verdict */

    /* Stores of one leaf: into record `scope` at `offset`. The fast ones take common values of
     * fields with one origin; all else, and every doubt, goes the way of OP_STORE with `leaf`. */
    OP_TEXT,         /* string -> text; number: bytes, most */
    OP_TEXT_OR_NULL, /* the same in a union with null: null_byte, value_byte */
    OP_TIME,         /* timestamp-millis -> time */
    OP_DOUBLE,       /* double -> number */
    OP_COUNT,        /* int, long -> count */
    OP_ENUM_CODE,    /* enum -> type, consent; number: symbols, target: in codes */
    OP_TEXT_CODE,    /* string -> type, consent by the leaf's table */
    OP_STORE,
    OP_KEEP, /* several fields have one origin: remember where it begins */
    OP_BACK, /* and go there again */

    /* Skips. number: how many of them in a row */
    OP_SKIP_BYTES,
    OP_SKIP_VARINTS,
    OP_SKIP_LENGTHS, /* strings, bytes */
    OP_SKIP_BOOLEANS,
    OP_SKIP_ENUM,        /* number: symbols */
    OP_SKIP_ITEMS,       /* an array or map whose items are each one skip: code in `scope` */
    OP_SKIP_EMPTY_ITEMS, /* an array whose items take no bytes */

    OP_PRESENT, /* a union of two with null: null_byte goes to target, value_byte on */
    OP_UNION,   /* number: branches, target: in targets */
    OP_JUMP,
    OP_CALL, /* number: record_index until the program is whole */
    OP_RETURN,

    OP_LOOP,         /* begins an array or a map */
    OP_NEXT,         /* next item, or target after the last */
    OP_NEXT_SKIPPED, /* the same where nothing is mapped: blocks that say their size are skipped */
    OP_REWIND,       /* to the item's first byte */
    OP_IF_INDEX,     /* is this item `number`? If not, target */
    OP_PROBE_TEXT,   /* string; match = which of names[target..] it is, number of them */
    OP_PROBE_LONG,   /* int, long; the same, by its digits */
    OP_PROBE_ENUM,   /* number: symbols, target: in targets, their match */
    OP_SWITCH,       /* targets[target + match], the `number`th without a match or at its second
                        time; offset: the first predicate's bit in taken */
    OP_LINE_BEGIN,
    OP_LINE_END
};

struct avro_op {
    uint8_t code;  /* enum avro_code */
    uint8_t scope; /* enum mapping_scope */
    uint8_t null_byte, value_byte;
    uint16_t offset;
    uint16_t leaf;
    uint32_t number, target;
};

#define AVRO_NO_MATCH UINT32_MAX

/* Texts of at most 24 bytes that mean a code, by their content: an open hash table. A text is held
 * as its first eight bytes, its second eight if it has more than 16, and its last eight; one of at
 * most eight as one word. */
#define AVRO_CODE_BYTES_MAX 24
struct avro_code_row {
    uint64_t words[3];
    uint32_t size; /* 0 = free */
    int32_t code;
};
struct avro_code_table {
    uint32_t mask;
    struct avro_code_row rows[];
};

/* Fields with several origins remember which alternative they hold, and what was wrong with it: an
 * error of a value that is not taken in the end is none. */
#define AVRO_SLOT_NONE  UINT8_MAX
#define AVRO_LINE_SLOT  (MAPPING_EVENT_FIELD_COUNT + MAPPING_LINE_FIELD_COUNT) /* the first */
#define AVRO_SLOT_COUNT (MAPPING_EVENT_FIELD_COUNT + 2 * MAPPING_LINE_FIELD_COUNT)

/* A place in the schema where a path ends. */
struct avro_leaf {
    const struct mapping_field *field;
    uint8_t type;    /* enum writer_type */
    uint8_t logical; /* enum writer_logical */
    uint8_t scope;   /* enum mapping_scope */
    uint8_t slot, rank;
    double divisor;              /* LOGICAL_DECIMAL: 10^scale */
    uint32_t size;               /* fixed */
    uint32_t symbol_count;       /* enum */
    const struct bytes *symbols; /* enum; STEP_BRANCH: the one text, with type WRITER_NULL */
    const struct avro_code_table *codes; /* OP_TEXT_CODE */
};

struct avro_plan {
    struct avro_op *ops;
    size_t op_count;
    uint32_t *targets;
    size_t target_count;
    uint8_t *codes; /* of enums; AVRO_CODE_NONE: ask the leaf */
    size_t code_count;
    struct avro_leaf *leaves;
    size_t leaf_count, leaf_capacity;
    struct bytes *names;
    size_t name_count;
    void **owned;
    size_t owned_count;
    bool has_lines;     /* then the product waits beside them */
    struct event event; /* what a message without any field is */
    size_t event_bytes; /* its size; see avro_plan_decode */
    struct event_line line, product;
};

#define AVRO_CODE_NONE UINT8_MAX
/* What type and time are in avro_plan.event until they come. */
#define AVRO_TYPE_NONE EVENT_TYPE_COUNT
#define AVRO_TIME_NONE INT64_MIN

/* ---- Running ---- */

/* Loops and calls that are open at once. A schema nests loops without end only by recursion, which
 * is bounded by itself. */
#define AVRO_FRAMES_MAX 96

struct avro_frame {
    struct wire_array array;
    const uint8_t *item;        /* where it begins */
    const struct avro_op *back; /* OP_CALL */
    uint64_t taken[2];          /* a bit for each predicate: the first match wins */
    uint32_t match;
};

struct avro_run {
    struct wire_reader reader;
    enum event_verdict verdict; /* EVENT_OK while only the reader may have one */
    const struct avro_plan *plan;
    struct event *event;
    uint8_t *records[3]; /* by scope */
    struct mapping_scratch *scratch;
    const uint8_t *kept; /* OP_KEEP */
    uint32_t frame_count, depth;
    uint8_t ranks[AVRO_SLOT_COUNT];  /* UINT8_MAX = nothing yet */
    uint8_t errors[AVRO_SLOT_COUNT]; /* enum event_verdict */
    bool has_errors;                 /* is any not EVENT_OK? */
    struct event_line product;
    struct avro_frame frames[AVRO_FRAMES_MAX];
};

/* Reads the value at the reader's cursor and stores it; a verdict is left in the run. */
void avro_run_store(struct avro_run *run, const struct avro_leaf *leaf);
/* The count of the next block of an array that nobody maps, 0 after the last: blocks that say their
 * size are skipped by it. */
uint64_t avro_next_block(struct wire_reader *reader);
/* Executes a skip; the verdict is the reader's. */
void avro_run_skip(struct wire_reader *reader, const struct avro_op *op);

/* The words of struct avro_code_row. */
static inline void avro_code_words(struct bytes text, uint64_t words[3]) {
    words[1] = words[2] = 0;
    if (text.size <= sizeof(words[0])) {
        words[0] = wire_load_short(text.data, text.size);
        return;
    }
    words[0] = wire_load_word(text.data);
    words[2] = wire_load_word(text.data + text.size - sizeof(words[2]));
    if (text.size > 2 * sizeof(words[0])) {
        words[1] = wire_load_word(text.data + sizeof(words[0]));
    }
}

static inline uint32_t avro_code_hash(const uint64_t words[3], size_t size) {
    uint64_t mixed = (words[0] ^ words[2] * 3 ^ words[1] * 5 ^ size) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 40);
}

/* ---- Compiling ---- */

/* The end of a path in the schema: a path, or the way to the lines, so many steps into it. */
#define AVRO_LINES_PATH MAPPING_PATHS_MAX
struct avro_cursor {
    uint8_t path, step;
};
struct avro_cursors {
    size_t count;
    struct avro_cursor at[MAPPING_PATHS_MAX + 1];
};

struct avro_compiler {
    struct avro_plan *plan;
    const struct mapping *mapping;
    size_t barrier; /* ops before it may not be merged with: somebody jumps there */
    size_t work;    /* bounded: a stranger's schema can have exponentially many ways */
    bool is_too_long;
    bool *is_called;   /* by record_index */
    uint32_t *entries; /* the same */
    const struct writer_node **called;
    size_t called_count, compiled_count;
    bool is_found[MAPPING_PATHS_MAX + 1];
    bool has_rival[MAPPING_PATHS_MAX]; /* another alternative of the field is there too */
};

/* False, and the program is given up, if so much work is too much. */
bool avro_compile_work(struct avro_compiler *compiler, size_t work);
/* Memory that the plan frees. */
void *avro_plan_own(struct avro_plan *plan, size_t count, size_t size);
struct bytes avro_plan_own_text(struct avro_plan *plan, struct bytes text);
/* Appends and returns the op's number. */
uint32_t avro_emit(struct avro_compiler *compiler, struct avro_op op);
/* The next op's number, for jumps to it. */
uint32_t avro_label(struct avro_compiler *compiler);
/* count zeros at the end of targets; returns the number of the first. */
uint32_t avro_new_targets(struct avro_compiler *compiler, size_t count);
uint32_t avro_new_name(struct avro_compiler *compiler, struct bytes name);
/* Jumps to a place that is not there yet hang in a chain by their targets. */
#define AVRO_CHAIN_END UINT32_MAX
void avro_chain_jump(struct avro_compiler *compiler, uint32_t *chain);
void avro_chain_land(struct avro_compiler *compiler, uint32_t chain);

typedef void avro_branch_compiler(struct avro_compiler *compiler, const struct writer_node *branch,
                                  void *context);
/* Reads a union's branch; every branch is compiled by the function, null among them. */
void avro_compile_branches(struct avro_compiler *compiler, const struct writer_node *node,
                           avro_branch_compiler *branch, void *context);
/* The same, shorter for one of two with null, whose null takes nothing. */
void avro_compile_union(struct avro_compiler *compiler, const struct writer_node *node,
                        avro_branch_compiler *branch, void *context);
void avro_compile_skip(struct avro_compiler *compiler, const struct writer_node *node);
/* Reads what the cursors' paths lead to and skips the rest. */
void avro_compile_value(struct avro_compiler *compiler, const struct writer_node *node,
                        const struct avro_cursors *cursors);
/* The same for a branch of a union; context: the cursors. */
void avro_compile_branch(struct avro_compiler *compiler, const struct writer_node *branch,
                         void *context);
/* The subroutines of all OP_CALLs. */
void avro_compile_calls(struct avro_compiler *compiler);

/* Could a value of this node be stored into this field? */
bool avro_leaf_fits(const struct mapping_field *field, const struct writer_node *node);
const struct mapping_field *avro_field_of(const struct mapping *mapping,
                                          const struct mapping_path *path);
/* The op that stores it, emitted. branch: NULL, or the one whose name it is. */
void avro_compile_leaf(struct avro_compiler *compiler, size_t path, const struct writer_node *node,
                       const struct writer_node *branch);
/* The union is a nullable string that OP_TEXT_OR_NULL takes: emitted, true. */
bool avro_compile_nullable_text(struct avro_compiler *compiler, size_t path,
                                const struct writer_node *node);

/* The step that a cursor is before; NULL at the path's end. */
const struct mapping_step *avro_step_of(const struct mapping *mapping, struct avro_cursor cursor);
/* Does the path go on from here to a value? */
bool avro_path_exists(struct avro_compiler *compiler, const struct writer_node *node,
                      struct avro_cursor cursor);
/* One line for each mapped field none of whose paths was found. */
void avro_warn_absent(struct avro_compiler *compiler, const struct writer_node *root,
                      FILE *warnings);

#endif
