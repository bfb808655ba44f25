#include "schemas/registry.h"

#include <string.h>
#include <unistd.h>

#define TEXT_KEY(member, help_text)                                                                \
    {                                                                                              \
        .name = #member, .type = CONFIG_TEXT, .offset = offsetof(struct registry_config, member),  \
        .default_text = "", .help = (help_text)                                                    \
    }

static const struct config_key keys[] = {
    TEXT_KEY(url, "schema registry with the Confluent API, e.g. http://registry:8081 or "
                  "https://registry/apis/ccompat/v7; \"\" = none"),
    TEXT_KEY(folder, "folder of writers' schemas: ID.avsc by schema id, any *.avsc by fingerprint; "
                     "what the registry gave is kept there; \"\" = none"),
    TEXT_KEY(user, "user for basic authentication; \"\" = none"),
    {.name = "password",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct registry_config, password),
     .default_text = "",
     .help = "password for basic authentication: ${REGISTRY_PASSWORD} or ${file:PATH}",
     .is_secret = true},
    TEXT_KEY(ca_file, "PEM file of the certificates to trust; \"\" = the system's"),
    TEXT_KEY(cert_file, "PEM file of our own certificate for TLS; \"\" = none"),
    TEXT_KEY(key_file, "PEM file of the key of cert_file"),
    {.name = "timeout",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct registry_config, timeout_ms),
     .default_text = "2s",
     .min = 10,
     .max = 60000,
     .help = "longest time that one request may take; nothing but the schema waits for it"},
    {.name = "retry_min",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct registry_config, retry_min_ms),
     .default_text = "200ms",
     .min = 10,
     .max = 3600000,
     .help = "wait after the first failed request; doubles with every further one"},
    {.name = "retry_max",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct registry_config, retry_max_ms),
     .default_text = "30s",
     .min = 10,
     .max = 3600000,
     .help = "longest wait between failed requests; an id that does not exist is asked for again "
             "after this time"},
    {.name = "register_outputs",
     .type = CONFIG_BOOL,
     .offset = offsetof(struct registry_config, register_outputs),
     .default_text = "false",
     .help = "true: schemas of pushes and decisions are registered as subject TOPIC-value and the "
             "messages get Confluent framing"},
};
const struct config_table registry_config_table = {keys, sizeof keys / sizeof keys[0],
                                                   sizeof(struct registry_config)};

bool registry_is_given(const struct registry_config *config) {
    return config->url[0] != '\0' || config->folder[0] != '\0';
}

static size_t refuse(FILE *errors, const char *key, const char *found, const char *expected) {
    fprintf(errors, "registry.%s: found %s, expected %s\n", key, found, expected);
    return 1;
}

/* The url goes into logs, so it must hold no password. */
static size_t check_url(const char *url, FILE *errors) {
    const char *authority = NULL;
    if (strncmp(url, "http://", 7) == 0) {
        authority = url + 7;
    } else if (strncmp(url, "https://", 8) == 0) {
        authority = url + 8;
    }
    if (strchr(url, '@')) {
        return refuse(errors, "url", "a user or password in it",
                      "registry.user and registry.password");
    }
    if (strpbrk(url, "?#")) {
        return refuse(errors, "url", "a ? or # in it", "http://HOST:PORT/PATH alone");
    }
    if (!authority || authority[0] == '\0' || authority[0] == '/' || strpbrk(url, " \t\n")) {
        return refuse(errors, "url", url, "http://HOST:PORT/PATH or https://HOST:PORT/PATH");
    }
    return 0;
}

static size_t check_file(const char *key, const char *path, FILE *errors) {
    return path[0] == '\0' || access(path, R_OK) == 0
               ? 0
               : refuse(errors, key, path, "a file that can be read");
}

size_t registry_config_check(const struct registry_config *config, FILE *errors) {
    size_t count = config->url[0] != '\0' ? check_url(config->url, errors) : 0;
    if (config->password[0] != '\0' && config->user[0] == '\0') {
        count += refuse(errors, "user", "''", "a user for registry.password");
    }
    if (config->key_file[0] != '\0' && config->cert_file[0] == '\0') {
        count += refuse(errors, "cert_file", "''", "the certificate of registry.key_file");
    }
    count += check_file("ca_file", config->ca_file, errors);
    count += check_file("cert_file", config->cert_file, errors);
    count += check_file("key_file", config->key_file, errors);
    if (config->retry_min_ms > config->retry_max_ms) {
        count += refuse(errors, "retry_min", "more than registry.retry_max", "at most as much");
    }
    if (config->register_outputs && config->url[0] == '\0') {
        count += refuse(errors, "url", "''", "a registry for register_outputs: true");
    }
    return count;
}
