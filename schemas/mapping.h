/* mapping: how a shop's own message becomes our event: for each field of event.avsc where its value
 * lies, in which unit, what stands for what, and what holds when it is missing. The section
 * `mapping` of pipeline.yaml; the presets in schemas/presets/ are such sections. The same mapping
 * is compiled against an Avro writer schema (avro_plan) or walks a JSON message (json_event).
 *
 * A path leads from the message's root, or a line's, to a value:
 *
 *     a.b               field b of field a: records, JSON objects, maps with a key of that name
 *     attributes[size]  the value of a map (or JSON object) under a key, which may hold dots
 *     params[key=price].value   in an array of records: field value of the first item whose field
 *                       key is the text price; an integer is its digits: params[key=17].value
 *     products[0].id    the item at an index; a key that looks like one is quoted: sizes['38']
 *     payload.@type     the name of the branch that a union took, without namespace (Avro only)
 *     userId | anonymousId      alternatives: the first that is there; null and "" are not
 *
 * Unions need no step of their own: a path goes on in every branch in which it exists. Lines come
 * from one array, `lines.path: properties.products[]`, whose items are the roots of the other paths
 * in `lines`; an event without such lines has the one line that `product` describes, if its item_id
 * is there. */
#ifndef PROMOSTREAM_SCHEMAS_MAPPING_H
#define PROMOSTREAM_SCHEMAS_MAPPING_H

#include "base/config.h"
#include "schemas/event.h"

#define MAPPING_STEPS_MAX        16
#define MAPPING_ALTERNATIVES_MAX 8
#define MAPPING_PATHS_MAX        128 /* all alternatives of all fields */
#define MAPPING_VALUES_MAX       256 /* of one field */

/* ---- What is mapped: X(enumerator, name in YAML = field of struct event, kind) ---- */

enum mapping_kind {
    MAPPING_TYPE,    /* enum event_type */
    MAPPING_TIME,    /* int64_t ms */
    MAPPING_TEXT,    /* struct bytes */
    MAPPING_NUMBER,  /* double; money */
    MAPPING_CONSENT, /* enum consent */
    MAPPING_COUNT    /* int32_t; rounded down, at least 1: shops also sell by weight */
};

#define MAPPING_EVENT_FIELDS(X)                                                                    \
    X(MAP_TYPE, type, MAPPING_TYPE)                                                                \
    X(MAP_EVENT_MS, event_ms, MAPPING_TIME)                                                        \
    X(MAP_USER_ID, user_id, MAPPING_TEXT)                                                          \
    X(MAP_EVENT_ID, event_id, MAPPING_TEXT)                                                        \
    X(MAP_SUBJECT_KEY_ID, subject_key_id, MAPPING_TEXT)                                            \
    X(MAP_CANONICAL_ID, canonical_id, MAPPING_TEXT)                                                \
    X(MAP_GUEST_ID, guest_id, MAPPING_TEXT)                                                        \
    X(MAP_SESSION_ID, session_id, MAPPING_TEXT)                                                    \
    X(MAP_ORDER_ID, order_id, MAPPING_TEXT)                                                        \
    X(MAP_COUPON, coupon, MAPPING_TEXT)                                                            \
    X(MAP_CURRENCY, currency, MAPPING_TEXT)                                                        \
    X(MAP_TIMEZONE, timezone, MAPPING_TEXT)                                                        \
    X(MAP_LOCALE, locale, MAPPING_TEXT)                                                            \
    X(MAP_PLACE, place, MAPPING_TEXT)                                                              \
    X(MAP_DEVICE, device, MAPPING_TEXT)                                                            \
    X(MAP_USER_AGENT, user_agent, MAPPING_TEXT)                                                    \
    X(MAP_DECISION_ID, decision_id, MAPPING_TEXT)                                                  \
    X(MAP_QUERY, query, MAPPING_TEXT)                                                              \
    X(MAP_TOTAL, total, MAPPING_NUMBER)                                                            \
    X(MAP_CONSENT, consent, MAPPING_CONSENT)

#define MAPPING_LINE_FIELDS(X)                                                                     \
    X(MAP_LINE_ITEM_ID, item_id, MAPPING_TEXT)                                                     \
    X(MAP_LINE_CATEGORY, category, MAPPING_TEXT)                                                   \
    X(MAP_LINE_BRAND, brand, MAPPING_TEXT)                                                         \
    X(MAP_LINE_PRICE, price, MAPPING_NUMBER)                                                       \
    X(MAP_LINE_QUANTITY, quantity, MAPPING_COUNT)

#define MAPPING_FIELD_ENUM(id, name, kind) id,
enum mapping_event_field { MAPPING_EVENT_FIELDS(MAPPING_FIELD_ENUM) MAPPING_EVENT_FIELD_COUNT };
enum mapping_line_field { MAPPING_LINE_FIELDS(MAPPING_FIELD_ENUM) MAPPING_LINE_FIELD_COUNT };

/* ---- The section `mapping` as it stands in YAML; user_id: userId is {path: userId} ---- */

enum mapping_unit {
    UNIT_AUTO, /* time: by the logical type, else ms for integers and ISO 8601 for texts; money: as
                  it stands */
    UNIT_MS,
    UNIT_US,
    UNIT_NS,
    UNIT_S,
    UNIT_CENTS,  /* money in hundredths */
    UNIT_MICROS, /* money in millionths */
};
extern const char *const mapping_unit_names[]; /* auto, ms, us, ns, s, cents, micros, NULL */

struct mapping_field_config {
    const char *path;                /* "" = not mapped: the default holds always */
    int unit;                        /* enum mapping_unit */
    const char *default_text;        /* `default`; "" = missing stays missing */
    struct config_properties values; /* what stands in the message -> what it means; a text, an
                                        integer in decimal digits, true or false */
};

struct mapping_config {
    const char *preset; /* "" = none; what a field without a path of its own leaves out is the
                           preset's; rows of values stand beside the preset's, and before them */
    struct mapping_field_config event[MAPPING_EVENT_FIELD_COUNT];
    const char *lines_path; /* lines.path, with the [] at its end */
    struct mapping_field_config lines[MAPPING_LINE_FIELD_COUNT];
    struct mapping_field_config product[MAPPING_LINE_FIELD_COUNT];
};
extern const struct config_table mapping_config_table;

/* Is anything mapped at all? If not, messages are of our own event.avsc. */
bool mapping_is_given(const struct mapping_config *config);

/* ---- Checked and parsed ---- */

enum step_kind {
    STEP_FIELD, /* .name */
    STEP_KEY,   /* [name] */
    STEP_WHERE, /* [name=value] */
    STEP_INDEX, /* [number] */
    STEP_BRANCH /* .@type; always the last */
};

struct mapping_step {
    enum step_kind kind;
    struct bytes name;  /* STEP_FIELD, STEP_KEY, STEP_WHERE: the field compared */
    struct bytes value; /* STEP_WHERE */
    uint32_t index;     /* STEP_INDEX */
};

struct mapping_value { /* one row of `values` */
    struct bytes from, to;
    int code; /* MAPPING_TYPE, MAPPING_CONSENT: what `to` means */
};

/* Where one field of a struct event or struct event_line comes from. */
struct mapping_field {
    const char *name; /* as in YAML: "event_ms" */
    enum mapping_kind kind;
    enum mapping_unit unit;
    uint16_t offset; /* in struct event, or in struct event_line */
    uint32_t text_bytes_max;
    bool has_default;
    struct bytes default_text;          /* MAPPING_TEXT */
    double default_number;              /* MAPPING_NUMBER, MAPPING_COUNT */
    int default_code;                   /* MAPPING_TYPE, MAPPING_CONSENT */
    int64_t default_ms;                 /* MAPPING_TIME: never has one */
    const struct mapping_value *values; /* sorted by from; a given row before a preset's */
    size_t value_count;
};

enum mapping_scope {
    SCOPE_EVENT,  /* path from the root into struct event */
    SCOPE_LINE,   /* path from a line's item into its struct event_line */
    SCOPE_PRODUCT /* path from the root into the one line of an event without lines */
};

struct mapping_path {
    enum mapping_scope scope;
    uint8_t field; /* enum mapping_event_field or mapping_line_field */
    uint8_t rank;  /* 0 = the first alternative */
    uint8_t step_count;
    struct mapping_step steps[MAPPING_STEPS_MAX];
    struct bytes text; /* as given, for messages */
};

struct mapping {
    struct mapping_field event[MAPPING_EVENT_FIELD_COUNT];
    struct mapping_field lines[MAPPING_LINE_FIELD_COUNT];
    struct mapping_field product[MAPPING_LINE_FIELD_COUNT];
    struct mapping_path paths[MAPPING_PATHS_MAX];
    size_t path_count;
    struct mapping_step lines_steps[MAPPING_STEPS_MAX]; /* to the array of lines */
    uint8_t lines_step_count;                           /* 0 = no lines are mapped */
    void *owned;
};

/* Checks the section together with its preset and parses its paths. Every error is a line "mapping.
 * event_ms.path: found X, expected Y" on errors. NULL if there was one. mapping.type and
 * mapping.event_ms must come from somewhere, and lines.item_id where lines.path is given. The
 * config must outlive the mapping. */
struct mapping *mapping_new(const struct mapping_config *config, FILE *errors);
void mapping_destroy(struct mapping *mapping); /* NULL is fine */

/* The mapping of our own event.avsc: every field by its own name. Resolves what shops wrote with an
 * older or younger version of it. */
struct mapping *mapping_new_own(void);

/* Presets that the binary carries: schemas/presets/NAME.yaml, a file with the one section
 * `mapping`. */
struct mapping_preset {
    const char *name, *text;
};
extern const struct mapping_preset mapping_presets[]; /* ended by a NULL name */

/* ---- From a value in a message to a field of an event ---- */

struct mapped {
    enum {
        MAPPED_BOOLEAN,
        MAPPED_LONG,
        MAPPED_DOUBLE,
        MAPPED_TEXT /* checked UTF-8 by whoever calls */
    } kind;
    enum mapping_unit unit; /* what the schema says of a time: UNIT_AUTO = nothing */
    bool boolean;
    int64_t integer;
    double number;
    struct bytes text; /* must live as long as the event */
};

/* Texts that had to be made (ids that are numbers, or UUIDs of 16 bytes) lie here until the next
 * message: three in each of 200 lines, and the event's own. */
#define MAPPING_SCRATCH_BYTES 32768
struct mapping_scratch {
    size_t size;
    char bytes[MAPPING_SCRATCH_BYTES];
};

/* Stores the value into the field of the record (a struct event or event_line at its offset).
 * EVENT_OK; EVENT_BAD_VALUE for a text that is no number or no time, a time or a count out of
 * range; EVENT_TEXT_TOO_LONG. A type or consent without a row in `values` is looked up by our own
 * names and else reads as other, unknown. *out_is_present: false for "": the next alternative is
 * asked. Money that is not finite is missing, and so is a text of such a number. Allocates nothing.
 */
enum event_verdict mapping_store(const struct mapping_field *field, struct mapped value,
                                 struct mapping_scratch *scratch, void *record,
                                 bool *out_is_present);
/* The field's default, or missing. */
void mapping_store_default(const struct mapping_field *field, void *record);

/* ISO 8601 and RFC 3339: 2026-11-25T19:50:08.123Z, +01:00, a space for the T, a date alone (00:00
 * UTC), no zone = UTC; up to nine digits of a second, of which three count. False otherwise. */
bool mapping_parse_time(struct bytes text, int64_t *out_ms);

#endif
