/* registry_fixture: a registry beside a server and a folder of its own, for test_registry*.c. Waits
 * are for conditions, with a deadline that fails the test. */
#ifndef PROMOSTREAM_TESTS_REGISTRY_FIXTURE_H
#define PROMOSTREAM_TESTS_REGISTRY_FIXTURE_H

#include <stdio.h>

#include "schemas/registry.h"
#include "tests/support/registry_server.h"

#define RECORD_TEXT(name, field)                                                                   \
    "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[{\"name\":\"" field                    \
    "\",\"type\":\"int\"}]}"

struct registry_fixture {
    struct registry_server *server;
    char url[64];
    char folder[64]; /* "" until it is asked for */
    char certificate_path[80];
    struct registry_config config; /* of the server; short waits */
    struct log_sink log;
    FILE *log_file;
    char *log_text;
    size_t log_size;
    struct registry *registry;
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
#define REGISTRY_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

struct registry *fixture_start(struct registry_fixture *fixture);
/* Ends the registry and gives its log, valid until the next start. */
const char *fixture_end(struct registry_fixture *fixture);
void fixture_point_at_server(struct registry_fixture *fixture, const char *scheme);

/* Asks until the answer is the wanted one. */
const struct writer_schema *fixture_find(struct registry *registry, uint32_t id,
                                         enum registry_answer wanted);
/* By the text's fingerprint, once or until the answer is the wanted one. */
enum registry_answer fixture_find_text(struct registry *registry, const char *text);
void fixture_await_text(struct registry *registry, const char *text, enum registry_answer wanted);
/* Asks for the id, 5 if none is given, until the trouble has the wanted part. */
void fixture_await_trouble_of(struct registry *registry, uint32_t id, const char *part);
void fixture_await_trouble(struct registry *registry, const char *part);

const char *fixture_folder(struct registry_fixture *fixture);
void fixture_write(struct registry_fixture *fixture, const char *name, const char *text);
/* A key and a certificate for localhost that signs itself, in certificate_path too. False without
 * the openssl command. */
bool fixture_make_certificate(struct registry_fixture *fixture, char **out_key,
                              char **out_certificate);

void assert_has(const char *text, const char *part);
int count_of(const char *text, const char *part);

#endif
