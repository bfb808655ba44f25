/* shape: every value that a schema or a sample of messages shows, each with the path that a mapping
 * would give it (mapping.h), its types, and what was seen there. What suggest works on.
 *
 * Both kinds of root are kept: a value within an array of records is a leaf of that array's items
 * (for lines) and, by the first item, a leaf of the message: items[].price and items[0].price.
 * Arrays of records with `key` (or `name`) and a value are read by their keys instead:
 * params[key=price].value. A schema without a sample knows no keys, of these or of maps: their
 * leaves have a * in the path, and no mapping can have them.
 *
 * Members whose names no path can hold are left out. Bounded: SHAPE_LEAVES_MAX leaves,
 * SHAPE_DEPTH_MAX steps, SHAPE_VALUES_MAX distinct values of a leaf, SHAPE_VISITS_MAX values and
 * aliases of a schema: one of records within each other has more ways than time. One thread. */
#ifndef PROMOSTREAM_SCHEMAS_SHAPE_H
#define PROMOSTREAM_SCHEMAS_SHAPE_H

#include "schemas/writer_schema.h"

#define SHAPE_LEAVES_MAX 4000
#define SHAPE_DEPTH_MAX  12
#define SHAPE_VISITS_MAX 1000000
#define SHAPE_ITEMS_MAX  200 /* of an array, that are looked at */
#define SHAPE_VALUES_MAX 64
#define SHAPE_VALUE_MAX  48 /* bytes of a value that is kept */
#define SHAPE_NAME_MAX   128

enum shape_kind { /* bit set: what a leaf may hold */
                  SHAPE_TEXT = 1,
                  SHAPE_INTEGER = 2,
                  SHAPE_REAL = 4, /* float, double, decimal */
                  SHAPE_BOOLEAN = 8,
                  SHAPE_ENUM = 16, /* its symbols, or a union's branches, are among the values */
                  SHAPE_BYTES = 32
};

struct shape_value {
    char *text;
    int64_t count; /* 0 = known from the schema alone */
};

struct shape_leaf {
    char *path;      /* from the message's root, or from an item of its array */
    uint64_t hash;   /* of path and array */
    int32_t array;   /* index into arrays; -1 = the message's root */
    bool is_first;   /* stands for one item of an array only: x[0].y */
    bool has_wild;   /* a * in the path */
    bool is_sampled; /* a message had it, though perhaps null */
    char last[SHAPE_NAME_MAX + 1], parent[SHAPE_NAME_MAX + 1]; /* names, letters and digits alone */
    unsigned kinds;
    enum writer_logical logical;
    int64_t seen;         /* values that are neither null nor "" */
    int64_t time_texts;   /* of these: texts that mapping_parse_time reads */
    int64_t number_texts; /* texts that mapping_parse_number reads */
    int64_t currency_texts;
    int64_t magnitudes[4]; /* integers that could be seconds, ms, us, ns between 2001 and 2100 */
    struct shape_value *values;
    size_t value_count;
    bool has_more_values; /* than are kept */
};

struct shape_array { /* of records */
    char *path;      /* without the [] */
    char last[SHAPE_NAME_MAX + 1];
    int64_t items; /* sampled */
};

struct shape {
    struct shape_leaf *leaves;
    size_t leaf_count, leaf_capacity;
    struct shape_array *arrays;
    size_t array_count;
    size_t visits; /* values and aliases of schemas that were looked at, by every way to them */
    int64_t messages;
    bool has_schema;
};

/* A zeroed shape is empty. */
void shape_clean_up(struct shape *shape);
void shape_add_schema(struct shape *shape, const struct writer_schema *schema);
/* One message. False if it is not one JSON object. */
bool shape_add_json(struct shape *shape, struct bytes message);
/* One Avro body of the schema, read by our own bounded code. False if it is not one. */
bool shape_add_avro(struct shape *shape, const struct writer_schema *schema, struct bytes body);

/* Is there a leaf (of that array, -1 = root) at a path? Either side may write x.k or x[k], and a
 * leaf's * stands for any key. NULL if not. */
const struct shape_leaf *shape_find(const struct shape *shape, int32_t array, const char *path);
/* Index of the array of records at a path without its []; -1 = none. */
int32_t shape_find_array(const struct shape *shape, const char *path);

/* Can YAML hold it in double quotes as it stands, but for " and \? No control characters, no line
 * breaks of any kind. */
bool shape_is_printable(struct bytes text);
/* "eventName" and "event_name" become eventname; at most SHAPE_NAME_MAX bytes and a NUL. */
void shape_plain_name(const char *name, char *out);

#endif
