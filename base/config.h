/* config: pipeline.yaml into structs, by tables. Knows YAML, units and errors; knows no room.
 *
 * Each room owns a struct, a table of keys and registers both under a section name. The whole file
 * is checked before anything is used: every error is one line "file:line: key: found X, expected
 * Y"; an unknown key names the nearest known one. Limits: 1 MiB of text, depth 16, 20000 values, no
 * aliases, anchors or tags, no duplicate keys, one document. A value of the environment or of a
 * file is never printed by an error. */
#ifndef PROMOSTREAM_BASE_CONFIG_H
#define PROMOSTREAM_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/failure.h"

enum config_type {
    CONFIG_BOOL,        /* bool: true | false */
    CONFIG_INT,         /* int64_t, within [min, max] */
    CONFIG_NUMBER,      /* double, within [min, max] */
    CONFIG_DURATION_MS, /* int64_t ms: 250ms, 5s, 30m, 24h, 7d (integer + unit) */
    CONFIG_SIZE_BYTES,  /* int64_t: 4096, 64K, 64M, 2G */
    CONFIG_TEXT, /* const char *, owned by the config. ${ENV}, ${ENV:-default} and ${file:PATH} are
                  * replaced, a missing variable or file is an error; $${ stands for ${ */
    CONFIG_CHOICE,     /* int: index into choices (NULL-terminated) */
    CONFIG_TIME_RANGE, /* struct config_time_range: "22:00-08:00", "" = none */
    CONFIG_INSTANT_MS, /* int64_t ms UTC: 2026-11-01, 2026-11-01T08:00:00Z; "" = INT64_MIN */
    CONFIG_PROPERTIES, /* struct config_properties: free key: scalar pairs, passed through (Kafka
                        * properties); values as CONFIG_TEXT */
    CONFIG_LIST,       /* struct config_list of element structs */
    CONFIG_SECTION,    /* a nested struct */
    CONFIG_TEXT_LIST,  /* struct config_text_list */
};

struct config_time_range {
    int start_minute, end_minute; /* minutes of the day; start == end means never */
};
struct config_property {
    const char *name, *value;
};
struct config_properties {
    struct config_property *items;
    size_t count;
};
struct config_list {
    void *items; /* count elements of the table's struct_size */
    size_t count;
};
struct config_text_list {
    const char **items;
    size_t count;
};

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;            /* in the owning struct */
    const char *default_text; /* a scalar without quotes, a list as YAML "[a, b]"; NULL = required
                               * (lists, properties: empty) */
    double min, max; /* CONFIG_INT, CONFIG_NUMBER, DURATION (ms), SIZE (bytes); both 0 = any
                      * non-negative; min > 0 and max 0 = no upper bound */
    const char *const *choices;
    const struct config_table *element; /* CONFIG_LIST, CONFIG_SECTION */
    const char *help;                   /* one sentence with the unit */
    bool is_bare;   /* a scalar that stands in place of the whole section is this key's value:
                     * user_id: userId for user_id: {path: userId}; one key of a table */
    bool is_secret; /* a text that config_write_values masks */
};

struct config_table {
    const struct config_key *keys;
    size_t key_count;
    size_t struct_size;
};

struct config_room {
    const char *section; /* top-level key of the file */
    const struct config_table *table;
    void *target; /* struct of table->struct_size, filled by config_load */
};

struct config;

/* Reads and checks the whole text. On success *out owns all texts and lists that targets point to,
 * until config_destroy. On failure STOP: every error, one a line, goes to errors; text holds their
 * number; the targets are not to be used. name is what the errors call the file. A section that is
 * absent takes its defaults. Only what a key describes is written, so rooms may share a target.
 * Main thread (getenv). */
MUST_CHECK struct failure config_load_text(const char *name, const char *text, size_t size,
                                           const struct config_room *rooms, size_t room_count,
                                           FILE *errors, struct config **out);
MUST_CHECK struct failure config_load_file(const char *path, const struct config_room *rooms,
                                           size_t room_count, FILE *errors, struct config **out);
void config_destroy(struct config *config);
/* Hash of the file's text: the configuration fingerprint of the journal. */
uint64_t config_fingerprint(const struct config *config);
/* Writes the tables as commented YAML with defaults (promostream validate --defaults); the file's
 * own manual. It loads again to the defaults, but for required keys: they are written as comments,
 * to be filled in. */
void config_write_defaults(const struct config_room *rooms, size_t room_count, FILE *out);

/* Writes what the targets hold as YAML, secrets as "***": keys that are secret, and properties
 * whose names say so. Without secrets it loads again to the same. */
void config_write_values(const struct config_room *rooms, size_t room_count, FILE *out);
/* Whether a property's name says that its value is a secret: ssl.key.pem, sasl.password,
 * sasl.jaas.config, but not ssl.key.location. */
bool config_is_secret_name(const char *name);

/* The pieces, for command-line options too. False if text is not a whole value. */
bool config_parse_duration_ms(const char *text, int64_t *out);
bool config_parse_size_bytes(const char *text, int64_t *out);
bool config_parse_instant_ms(const char *text, int64_t *out);
/* As CONFIG_TEXT, to be freed by the caller; NULL with "found X, expected Y" in problem, which
 * holds no value. */
char *config_expand_text(const char *text, FILE *problem);

#endif
