/* registry_server: a schema registry for tests, on loopback: its answers are put in by hand, and it
 * can be made to fail in the ways that real ones do. It counts what it was asked. Any thread. */
#ifndef PROMOSTREAM_TESTS_REGISTRY_SERVER_H
#define PROMOSTREAM_TESTS_REGISTRY_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum server_mode {
    SERVER_ANSWERS,
    SERVER_FAILS,    /* 500 */
    SERVER_BUSY,     /* 429 */
    SERVER_HANGS,    /* no answer until the mode changes or the server stops */
    SERVER_HANGS_UP, /* closes the connection instead */
    SERVER_REDIRECTS,
};

struct registry_server;

/* port 0 = any free one. user NULL = everybody may ask. key, certificate: PEM texts for TLS, or
 * NULL. NULL if there is no TLS in the library; other failures end the process. */
struct registry_server *registry_server_start(uint16_t port, const char *user, const char *password,
                                              const char *key, const char *certificate);
void registry_server_stop(struct registry_server *server);
uint16_t registry_server_port(const struct registry_server *server);

/* The answer to "GET /schemas/ids/1", from now on. */
void registry_server_set(struct registry_server *server, const char *request, int status,
                         const char *body);
/* {"schema": text} under the id. */
void registry_server_set_schema(struct registry_server *server, uint32_t id, const char *text);
void registry_server_set_mode(struct registry_server *server, enum server_mode mode);

int registry_server_requests(struct registry_server *server);
/* False if there were not that many within ten seconds. */
bool registry_server_wait_requests(struct registry_server *server, int count);
/* The body of the last POST, valid until the next one. */
const char *registry_server_posted(struct registry_server *server);

#endif
