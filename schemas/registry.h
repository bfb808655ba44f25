/* registry: writers' schemas by their id, from a schema registry (the Confluent API over HTTP, as
 * Confluent, Apicurio, Karapace and Redpanda serve it) or from a folder, or both.
 *
 * Nobody waits here: registry_find answers at once with what is known, and what is not known is
 * fetched by a thread of the registry's own, with time-outs, and back-off after a failure. A schema
 * id never changes its meaning, so what was found is kept for good, in the folder too if there is
 * one: a restart does not need the registry. That an id does not exist is kept for retry_max, since
 * it may be registered later. */
#ifndef PROMOSTREAM_SCHEMAS_REGISTRY_H
#define PROMOSTREAM_SCHEMAS_REGISTRY_H

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "schemas/writer_schema.h"

struct registry_config { /* section `registry` */
    const char *url;     /* "" = none; http:// or https://, with the path of its Confluent API */
    const char *folder;  /* "" = none; ID.avsc by schema id; any *.avsc by its fingerprint */
    const char *user, *password;        /* basic auth, "" = none; password may come from ${ENV} */
    const char *ca_file;                /* TLS: certificates to trust, "" = the system's */
    const char *cert_file, *key_file;   /* TLS: our own, "" = none */
    int64_t timeout_ms;                 /* of one request */
    int64_t retry_min_ms, retry_max_ms; /* back-off after a failure, doubling */
    bool register_outputs; /* pushes and decisions get Confluent framing, their schemas a subject */
};
extern const struct config_table registry_config_table;
bool registry_is_given(const struct registry_config *config);
/* Lines "registry.url: found X, expected Y"; their number. */
size_t registry_config_check(const struct registry_config *config, FILE *errors);

enum registry_answer {
    REGISTRY_FOUND,   /* *out is the schema, owned by the registry until its end */
    REGISTRY_WAIT,    /* not known yet: being fetched, or tried again after a failure */
    REGISTRY_UNKNOWN, /* there is none with this id */
    REGISTRY_REFUSED, /* there is one, but it is no Avro schema that we read (logged once) */
};

#define REGISTRY_METRICS(X)                                                                        \
    X(requests_total, COUNTER, "requests to the schema registry")                                  \
    X(failures_total, COUNTER, "of these: without an answer, or with an error")                    \
    X(schemas, GAUGE, "writers' schemas known")                                                    \
    X(unknown_total, COUNTER, "schema ids that the registry did not know")                         \
    X(refused_total, COUNTER, "schemas that are not read")                                         \
    X(waiting, GAUGE, "schema ids that are being waited for")
METRICS_STRUCT(registry_metrics, REGISTRY_METRICS)

struct registry;

/* Starts the thread; reads the folder. config and log are borrowed. STOP if the folder cannot be
 * read. A registry that does not answer is no failure here. */
MUST_CHECK struct failure registry_new(const struct registry_config *config,
                                       const struct log_sink *log, struct registry **out);
void registry_destroy(struct registry *registry); /* within a second; NULL is fine */
const struct registry_metrics *registry_metrics_of(const struct registry *registry);

/* Any thread, takes a lock for a moment: callers keep what they found. */
enum registry_answer registry_find(struct registry *registry, uint32_t id,
                                   const struct writer_schema **out);
/* By CRC-64-AVRO fingerprint (single-object encoding); the folder alone knows these. */
enum registry_answer registry_find_fingerprint(struct registry *registry, uint64_t fingerprint,
                                               const struct writer_schema **out);
/* The last failure, for people: "http://...: connection refused"; "" = none. Copied out. */
void registry_trouble(struct registry *registry, char *out, size_t size);

/* Blocking, for commands and starts: registers text under the subject (POST /subjects/S/versions;
 * the same text again gets the same id). STOP with the registry's own message, e.g. 409 for an
 * incompatible schema, RETRY if it does not answer. */
MUST_CHECK struct failure registry_register(const struct registry_config *config,
                                            const char *subject, const char *text,
                                            uint32_t *out_id);
/* Blocking: text of the newest version of the subject, or of an id; to be freed by the caller. */
MUST_CHECK struct failure registry_get_subject(const struct registry_config *config,
                                               const char *subject, uint32_t *out_id,
                                               char **out_text);
MUST_CHECK struct failure registry_get_id(const struct registry_config *config, uint32_t id,
                                          char **out_text);

#endif
