/* plan: one table per record tells where each Avro field lies in a C struct; one loop encodes by
 * it, another decodes.
 *
 * The table is a flat program in the order of the schema's fields:
 *
 *     {PLAN_TEXT, PLAN_NULLABLE, offsetof(struct event, coupon), EVENT_TEXT_BYTES_MAX, NULL},
 *     ...
 *     {PLAN_END, 0, 0, 0, NULL}
 *
 * A nullable field is the union ["null", T]; null is the C value that means missing, as listed
 * below. Decoding is zero-copy (texts are lent out of the body), allocates nothing, and writes
 * every field that the table names. Encoding cannot fail; a value that no row may hold (an enum or
 * a count out of range) is a bug and asserts. */
#ifndef PROMOSTREAM_SCHEMAS_PLAN_H
#define PROMOSTREAM_SCHEMAS_PLAN_H

#include "schemas/wire.h"

enum plan_code {
    PLAN_END,
    /*               C type          Avro type           missing    bound */
    PLAN_TEXT,    /* struct bytes    string, UTF-8       empty      bytes, most */
    PLAN_BYTES,   /* struct bytes    bytes               empty      bytes, most */
    PLAN_CHARS,   /* char[bound]     string, UTF-8       ""         size of the array, its NUL
                     included */
    PLAN_LONG,    /* int64_t         long                TIME_NONE  - */
    PLAN_INT,     /* int32_t         int                 -          - */
    PLAN_BYTE,    /* uint8_t         int, 0..bound       -          most */
    PLAN_WORD,    /* uint64_t        long, same bits     -          - */
    PLAN_DOUBLE,  /* double          double              NaN        - */
    PLAN_BOOLEAN, /* bool            boolean             -          - */
    PLAN_ENUM,    /* an enum, int    enum                -          symbols */
    PLAN_HASH,    /* struct hash128  string, 32 digits   zero       - */
    PLAN_ARRAY    /* see plan_array  array of records    -          items, most */
};

enum {
    PLAN_NULLABLE = 1,
    PLAN_FINITE = 2,      /* PLAN_DOUBLE: a NaN or an infinity that is written out is a bad value */
    PLAN_KEEPS_EMPTY = 4, /* PLAN_BYTES, nullable: only data NULL is missing; an empty run is not */
};

struct plan_op {
    uint8_t code;     /* enum plan_code */
    uint8_t nullable; /* sum of the above */
    uint16_t offset;  /* of the field in the struct */
    uint32_t bound;
    const struct plan_array *array; /* PLAN_ARRAY only */
};

/* An array of C structs (or of plain values, with a one-op program at offset 0). */
struct plan_array {
    const struct plan_op *ops; /* of one item */
    uint16_t count_offset;     /* of the size_t that counts the items, in the outer struct */
    uint16_t item_size;
    bool is_pointer; /* the field points to the items; else they lie in it */
};

void plan_encode(const struct plan_op *ops, const void *record, struct buffer *out);
/* Reads one record; the verdict is the reader's. */
void plan_decode(const struct plan_op *ops, struct wire_reader *reader, void *out_record);
/* Decodes a body that must be exactly one record. */
enum wire_verdict plan_decode_body(const struct plan_op *ops, struct bytes body, void *out_record);

#endif
