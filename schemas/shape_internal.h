/* shape_internal: the walker's place in a schema or a message. */
#ifndef PROMOSTREAM_SCHEMAS_SHAPE_INTERNAL_H
#define PROMOSTREAM_SCHEMAS_SHAPE_INTERNAL_H

#include <jansson.h>

#include "schemas/shape.h"

#define SHAPE_PATH_MAX 512

struct shape_place {
    char path[SHAPE_PATH_MAX];
    char last[SHAPE_NAME_MAX + 1], parent[SHAPE_NAME_MAX + 1];
    int32_t array;  /* -1 = root */
    int depth;      /* steps taken */
    bool is_keyed;  /* below [key=x] */
    bool is_first;  /* below [0] */
    bool is_avro;   /* @type is a union's branch, not a member of that name */
    bool is_branch; /* the place is such a @type: a path ends there */
};

/* Each fills *out with the place one step further; false if no mapping can go there. */
bool shape_enter(const struct shape_place *from, struct bytes name, struct shape_place *out);
bool shape_enter_index(const struct shape_place *from, struct shape_place *out); /* [0] */
bool shape_enter_key(const struct shape_place *from, const char *field, struct bytes key,
                     struct shape_place *out);                                 /* [field=key] */
bool shape_enter_any(const struct shape_place *from, struct shape_place *out); /* [*] */

/* Finds or makes; NULL, -1 where there is no more room. */
struct shape_leaf *shape_leaf_at(struct shape *shape, const struct shape_place *place);
int32_t shape_array_at(struct shape *shape, const struct shape_place *place);
void shape_add_value(struct shape_leaf *leaf, const char *text, int64_t count);

#endif
