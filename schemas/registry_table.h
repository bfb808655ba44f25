/* registry_table: what is known of schema ids, and which are waiting to be known. Private to the
 * registry's files; whoever calls holds the registry's mutex.
 *
 * A hostile stream can carry any number of made-up ids: at most TABLE_ASKED_MAX wait at a time, and
 * at most TABLE_IDS_MAX are remembered; then the oldest one that is UNKNOWN makes room. */
#ifndef PROMOSTREAM_SCHEMAS_REGISTRY_TABLE_H
#define PROMOSTREAM_SCHEMAS_REGISTRY_TABLE_H

#include "base/slot_index.h"
#include "schemas/writer_schema.h"

#define TABLE_IDS_MAX   10000
#define TABLE_ASKED_MAX 1000

enum entry_state { ENTRY_WAITING, ENTRY_FOUND, ENTRY_UNKNOWN, ENTRY_REFUSED };

struct table_entry {
    enum entry_state state;
    uint32_t id;
    bool is_for_registry; /* WAITING: the folder has been looked into */
    int tries;            /* WAITING: failures so far */
    int64_t due_ms;       /* WAITING: not before this; UNKNOWN, REFUSED: asked for again after it */
    const struct writer_schema *schema; /* FOUND */
};

struct table_print {
    uint64_t fingerprint;
    const struct writer_schema *schema;
};

struct registry_table {
    struct table_entry *entries; /* TABLE_IDS_MAX, so that they do not move */
    uint32_t entry_count;
    struct slot_index by_id;
    uint32_t waiting[TABLE_ASKED_MAX]; /* entries, in the order of asking */
    size_t waiting_count;
    struct writer_schema **schemas; /* all that were found */
    size_t schema_count, schema_capacity;
    struct table_print *prints;
    uint32_t print_count;
    struct slot_index by_print;
};

void registry_table_init(struct registry_table *table);
void registry_table_clean_up(struct registry_table *table); /* ends the schemas too */

struct table_entry *registry_table_find(struct registry_table *table,
                                        uint32_t id); /* NULL: never seen */
/* A new entry, UNKNOWN and due. NULL if nothing can make room. */
struct table_entry *registry_table_add(struct registry_table *table, uint32_t id);
/* False if too many are waiting already. */
bool registry_table_wait(struct registry_table *table, struct table_entry *entry, int64_t now_ms);
/* Ends the waiting, if it waits. */
void registry_table_settle(struct registry_table *table, struct table_entry *entry,
                           enum entry_state state, int64_t due_ms);
/* The waiting entry that is due first, and when; those for the registry are not due before
 * request_due_ms. NULL if none is waiting. */
struct table_entry *registry_table_next(struct registry_table *table, int64_t request_due_ms,
                                        int64_t *out_due_ms);

/* Takes over the schema. */
void registry_table_own(struct registry_table *table, struct writer_schema *schema);
/* The first schema of a fingerprint stays its meaning. */
void registry_table_add_print(struct registry_table *table, uint64_t fingerprint,
                              const struct writer_schema *schema);
const struct writer_schema *registry_table_find_print(const struct registry_table *table,
                                                      uint64_t fingerprint);

#endif
