/* config_internal: what the files of config share. text -> tree of nodes (config_yaml) -> structs
 * by tables (config_bind, config_values, config_env); errors are gathered (config_errors) and
 * printed in the order of their lines. Nobody else includes this, but for base/options, which reads
 * its values by the same rules. */
#ifndef PROMOSTREAM_BASE_CONFIG_INTERNAL_H
#define PROMOSTREAM_BASE_CONFIG_INTERNAL_H

#include "base/buffer.h"
#include "base/config.h"

#define CONFIG_TEXT_MAX  (1024 * 1024) /* bytes of a file */
#define CONFIG_DEPTH_MAX 16            /* lists and sections within each other */
#define CONFIG_NODES_MAX 20000         /* values, keys, lists and sections of a file */

/* ---- memory: pieces of any size, freed together ---- */

struct config_block;
struct config_memory {
    struct config_block *blocks;
};
void *config_memory_take(struct config_memory *memory, size_t count,
                         size_t size); /* zeroed, aligned for all */
char *config_memory_copy(struct config_memory *memory, struct bytes text); /* NUL-terminated */
void config_memory_clean_up(struct config_memory *memory);                 /* idempotent */

/* ---- errors ---- */

/* Where a value stands: a chain of names and list positions up to the file (NULL). */
struct config_path {
    const struct config_path *parent;
    const char *name; /* NULL: the index-th element of the parent */
    size_t index;
};

struct config_error {
    size_t line, order;
    char *text;
};
struct config_errors {
    struct config_error *items;
    size_t count, capacity;
};
/* Keeps "path: text"; path NULL keeps the text alone. */
void config_errors_add(struct config_errors *errors, size_t line, const struct config_path *path,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* One line each, "name:line: path: text", by line, then as they came. */
void config_errors_print(struct config_errors *errors, const char *name, FILE *out);
void config_errors_clean_up(struct config_errors *errors); /* idempotent */
/* The bytes as they can safely stand in an error: control bytes and quotes escaped, cut after 60
 * bytes. */
void config_print_safe(struct buffer *out, struct bytes text);
/* NUL-terminates what was written and returns it; lent until the buffer changes. */
const char *config_buffer_text(struct buffer *buffer);

/* ---- tree ---- */

enum config_node_kind { CONFIG_NODE_SCALAR, CONFIG_NODE_SEQUENCE, CONFIG_NODE_MAPPING };

struct config_node {
    enum config_node_kind kind;
    bool is_null;                     /* a plain scalar that says nothing: empty, ~ or null */
    bool is_refused;                  /* an error was kept already; not to be looked at */
    size_t line;                      /* from 1: of its key, or of itself in a list */
    const char *name;                 /* its key in a mapping, else NULL */
    const char *text;                 /* of a scalar, else NULL */
    struct config_node *first, *next; /* child, sibling */
    size_t count;                     /* children */
    size_t index;                     /* among its siblings */
};

/* The root, in memory; a file that says nothing gives a null scalar. NULL if the text could not be
 * read to its end. Whatever is wrong is kept in errors, also when a root is returned. */
struct config_node *config_yaml_parse(const char *text, size_t size, struct config_memory *memory,
                                      struct config_errors *errors);
/* "text", "a list", "a section", "nothing" */
const char *config_node_kind_name(const struct config_node *node);

/* ---- values ---- */

/* Reads a scalar (BOOL to INSTANT, not TEXT) into field. False, field untouched, unless text is one
 * and in range. */
bool config_value_parse(const struct config_key *key, const char *text, void *field);
/* What config_value_parse takes: "an integer from 1 to 9", "one of a, b". Texts, lists and sections
 * have a phrase too. */
void config_value_expected(const struct config_key *key, struct buffer *out);
/* Replaces ${NAME}, ${NAME:-default} and ${file:PATH} (at most 64 KiB, without the line break at
 * its end); $${ stands for ${. False with the whole "found, expected"
 * phrase in problem, which holds neither the text nor any variable's value. */
bool config_expand(const char *text, struct buffer *out, struct buffer *problem);

/* "30m", "64M", "0.1": value in the largest unit of the key's type that leaves no rest. */
void config_value_print_number(const struct config_key *key, double value, struct buffer *out);
/* "text" with quotes and escapes, as YAML has it. */
void config_write_quoted(FILE *out, const char *text);

/* ---- binding ---- */

struct config_binding {
    struct config_memory *memory; /* of what the structs will point to */
    struct config_errors *errors;
};
/* node NULL: the section is absent. line: where its absence or its missing keys are reported. */
void config_bind_table(struct config_binding *binding, const struct config_table *table,
                       const struct config_node *node, size_t line, const struct config_path *path,
                       void *target);
/* The key that a scalar in place of the section stands for; NULL if there is none. */
const struct config_key *config_bare_key(const struct config_table *table);
/* Keeps "found an unknown key, expected ..." naming the nearest of the count names, or all of them.
 */
void config_bind_unknown(struct config_binding *binding, const struct config_node *node,
                         const struct config_path *path, const char *const *names, size_t count);

#endif
