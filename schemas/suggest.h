/* suggest: a mapping drafted from what a schema and a sample show (shape.h), as commented YAML for
 * a person to correct: each line says how sure it is and gives an example. Names are compared with
 * those of the vocabularies that shops use (Segment, GA4, Snowplow, Google Retail, RetailRocket,
 * REES46, ...), values with what a time, a currency or an event's name looks like. Pure. */
#ifndef PROMOSTREAM_SCHEMAS_SUGGEST_H
#define PROMOSTREAM_SCHEMAS_SUGGEST_H

#include "schemas/mapping.h"
#include "schemas/shape.h"

struct suggestion {
    const struct shape_leaf *leaf, *other; /* NULL = none; other: the alternative after leaf */
    int sure;                              /* percent */
    enum mapping_unit unit;
};

struct suggest {
    const struct shape *shape;
    struct suggestion event[MAPPING_EVENT_FIELD_COUNT];
    int32_t array; /* of lines, -1 = none */
    struct suggestion lines[MAPPING_LINE_FIELD_COUNT], product[MAPPING_LINE_FIELD_COUNT];
};

/* The best leaf for each field. out points into shape. */
void suggest_fields(const struct shape *shape, struct suggest *out);

/* How well a preset fits: its fields of which the shape has a path, and all that it maps. 0 of n
 * if type, time or user are not there. */
struct suggest_fit {
    const struct mapping_preset *preset; /* NULL = none fits */
    size_t found, mapped;
};
/* The preset with most fields found, if that is at least half of what it maps. */
struct suggest_fit suggest_preset(const struct shape *shape);

/* Writes the section `mapping`. False if type or time were not found: then it does not load as it
 * stands. source: what the comment at the top calls the origin. */
bool suggest_write(const struct shape *shape, const char *source, struct buffer *out);

/* ---- What names mean (suggest_names.c) ---- */

struct suggest_name {
    const char *name; /* as shape_plain_name writes it */
    int weight;       /* 0 to 100; the list ends with a NULL name */
};
extern const struct suggest_name *const suggest_event_names[MAPPING_EVENT_FIELD_COUNT];
extern const struct suggest_name *const suggest_line_names[MAPPING_LINE_FIELD_COUNT];
/* 0 to 100: best of the list for a leaf by its last name or its last two. */
int suggest_name_weight(const struct suggest_name *names, const char *last, const char *parent);
/* What an event's name in somebody's clickstream means; EVENT_OTHER = cannot tell. */
enum event_type suggest_event_type(const char *text);
/* What a text means that answers "may we send promotions?". */
enum consent suggest_consent(const char *text);

#endif
