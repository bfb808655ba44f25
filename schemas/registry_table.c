#include "schemas/registry_table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"

#define PRINTS_MAX 10000

void registry_table_init(struct registry_table *table) {
    *table = (struct registry_table){0};
    table->entries = memory_new(TABLE_IDS_MAX, sizeof *table->entries);
    table->prints = memory_new(PRINTS_MAX, sizeof *table->prints);
    slot_index_init(&table->by_id);
    slot_index_init(&table->by_print);
}

void registry_table_clean_up(struct registry_table *table) {
    for (size_t i = 0; i < table->schema_count; i++) {
        writer_schema_destroy(table->schemas[i]);
    }
    free(table->schemas);
    free(table->entries);
    free(table->prints);
    slot_index_clean_up(&table->by_id);
    slot_index_clean_up(&table->by_print);
    *table = (struct registry_table){0};
}

/* ---- ids ---- */

static uint64_t hash_of_id(uint32_t id) {
    return hash64(bytes_of(&id, sizeof id), 0);
}

static struct bytes id_of(const void *owner, uint32_t slot) {
    const struct registry_table *table = owner;
    return bytes_of(&table->entries[slot].id, sizeof(uint32_t));
}

struct table_entry *registry_table_find(struct registry_table *table, uint32_t id) {
    uint32_t slot =
        slot_index_find(&table->by_id, hash_of_id(id), bytes_of(&id, sizeof id), id_of, table);
    return slot == SLOT_NONE ? NULL : &table->entries[slot];
}

static uint32_t oldest_unknown(const struct registry_table *table) {
    uint32_t oldest = SLOT_NONE;
    for (uint32_t slot = 0; slot < table->entry_count; slot++) {
        const struct table_entry *entry = &table->entries[slot];
        if (entry->state == ENTRY_UNKNOWN &&
            (oldest == SLOT_NONE || entry->due_ms < table->entries[oldest].due_ms)) {
            oldest = slot;
        }
    }
    return oldest;
}

struct table_entry *registry_table_add(struct registry_table *table, uint32_t id) {
    uint32_t slot = table->entry_count;
    if (slot < TABLE_IDS_MAX) {
        table->entry_count++;
    } else {
        slot = oldest_unknown(table);
        if (slot == SLOT_NONE) {
            return NULL;
        }
        slot_index_remove(&table->by_id, hash_of_id(table->entries[slot].id), slot);
    }
    struct table_entry *entry = &table->entries[slot];
    *entry = (struct table_entry){.id = id, .state = ENTRY_UNKNOWN};
    slot_index_insert(&table->by_id, hash_of_id(id), slot);
    return entry;
}

/* ---- waiting ---- */

bool registry_table_wait(struct registry_table *table, struct table_entry *entry, int64_t now_ms) {
    assert(entry->state == ENTRY_UNKNOWN || entry->state == ENTRY_REFUSED);
    if (table->waiting_count == TABLE_ASKED_MAX) {
        return false;
    }
    *entry = (struct table_entry){.id = entry->id, .state = ENTRY_WAITING, .due_ms = now_ms};
    table->waiting[table->waiting_count++] = (uint32_t)(entry - table->entries);
    return true;
}

void registry_table_settle(struct registry_table *table, struct table_entry *entry,
                           enum entry_state state, int64_t due_ms) {
    if (entry->state == ENTRY_WAITING) {
        uint32_t slot = (uint32_t)(entry - table->entries);
        size_t at = 0;
        while (table->waiting[at] != slot) {
            at++;
        }
        table->waiting_count--;
        memmove(&table->waiting[at], &table->waiting[at + 1],
                (table->waiting_count - at) * sizeof table->waiting[0]);
    }
    entry->state = state;
    entry->due_ms = due_ms;
}

struct table_entry *registry_table_next(struct registry_table *table, int64_t request_due_ms,
                                        int64_t *out_due_ms) {
    struct table_entry *next = NULL;
    for (size_t i = 0; i < table->waiting_count; i++) {
        struct table_entry *entry = &table->entries[table->waiting[i]];
        bool is_held = entry->is_for_registry && entry->due_ms < request_due_ms;
        int64_t due_ms = is_held ? request_due_ms : entry->due_ms;
        /* Of those that are held up together, who has waited longest: one that failed comes last.
         */
        if (!next || due_ms < *out_due_ms ||
            (due_ms == *out_due_ms && entry->due_ms < next->due_ms)) {
            next = entry;
            *out_due_ms = due_ms;
        }
    }
    return next;
}

/* ---- schemas ---- */

void registry_table_own(struct registry_table *table, struct writer_schema *schema) {
    if (table->schema_count == table->schema_capacity) {
        table->schema_capacity = table->schema_capacity * 2 + 16;
        table->schemas =
            memory_grow(table->schemas, table->schema_capacity, sizeof(struct writer_schema *));
    }
    table->schemas[table->schema_count++] = schema;
}

static struct bytes print_of(const void *owner, uint32_t slot) {
    const struct registry_table *table = owner;
    return bytes_of(&table->prints[slot].fingerprint, sizeof(uint64_t));
}

static uint32_t print_slot(const struct registry_table *table, uint64_t fingerprint) {
    struct bytes key = bytes_of(&fingerprint, sizeof fingerprint);
    return slot_index_find(&table->by_print, hash64(key, 0), key, print_of, table);
}

void registry_table_add_print(struct registry_table *table, uint64_t fingerprint,
                              const struct writer_schema *schema) {
    if (table->print_count == PRINTS_MAX || print_slot(table, fingerprint) != SLOT_NONE) {
        return;
    }
    table->prints[table->print_count] = (struct table_print){fingerprint, schema};
    slot_index_insert(&table->by_print, hash64(bytes_of(&fingerprint, sizeof fingerprint), 0),
                      table->print_count++);
}

const struct writer_schema *registry_table_find_print(const struct registry_table *table,
                                                      uint64_t fingerprint) {
    uint32_t slot = print_slot(table, fingerprint);
    return slot == SLOT_NONE ? NULL : table->prints[slot].schema;
}
