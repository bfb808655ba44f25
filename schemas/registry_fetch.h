/* registry_fetch: what a schema registry knows about an id or a subject, as one text that needs no
 * other. Private to the registry's files; one thread; waits for the registry.
 *
 * A schema may refer to types of other schemas: "references": [{name, subject, version}], which may
 * refer to further ones. Each is fetched and its definition stands in the text where its name is
 * used first, as if it had been written there; a definition without a namespace keeps having none.
 * At most 64 references, 16 deep. Without references the text stays as it is, byte for byte. */
#ifndef PROMOSTREAM_SCHEMAS_REGISTRY_FETCH_H
#define PROMOSTREAM_SCHEMAS_REGISTRY_FETCH_H

#include "schemas/registry_http.h"

enum fetch_result {
    FETCH_FOUND,
    FETCH_MISSING, /* not this id or subject, or not what it refers to */
    FETCH_REFUSED, /* it is there, but it is no Avro, or cannot be put together */
    FETCH_FAILED,  /* the registry did not answer, or with an error: try again */
};

struct fetched {
    enum fetch_result result;
    long status; /* HTTP's, of the last request */
    char *text;  /* FETCH_FOUND: owned by the caller */
    char reason[240];
};

void fetch_id(struct registry_http *http, uint32_t id, struct fetched *out);
/* The newest version of a subject. */
void fetch_subject(struct registry_http *http, const char *subject, uint32_t *out_id,
                   struct fetched *out);

#endif
