/* registry_references: definitions put where their names are used first. Private to the registry's
 * files; pure. */
#ifndef PROMOSTREAM_SCHEMAS_REGISTRY_REFERENCES_H
#define PROMOSTREAM_SCHEMAS_REGISTRY_REFERENCES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define REFERENCES_MAX 64

struct references {
    struct reference {
        char *name;         /* as the text uses it, usually a full name */
        json_t *definition; /* a schema */
        bool is_used;
    } items[REFERENCES_MAX];
    size_t count;
};

/* Takes over definition. False if there are too many; a name that is there already is no harm. */
bool references_add(struct references *references, const char *name, json_t *definition);
bool references_has(const struct references *references, const char *name);
void references_clean_up(struct references *references);

/* The schema with every used definition put in, as text, to be freed by the caller. Changes schema
 * and the definitions. NULL if it is nested too deeply. */
char *references_resolve(struct references *references, json_t *schema);

#endif
