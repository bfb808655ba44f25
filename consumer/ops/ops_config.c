#include "consumer/ops/ops_config.h"

#include <string.h>

#define SECRET_BYTES_MIN 16

static const char *const level_names[] = {"debug", "info", "warn", "error", NULL};
static const char *const format_names[] = {"text", "json", NULL};
_Static_assert(LOG_DEBUG == 0 && LOG_INFO == 1 && LOG_WARN == 2 && LOG_ERROR == 3,
               "level_names is in the order of enum log_level");
_Static_assert(LOG_TEXT == 0 && LOG_JSON == 1, "format_names is in the order of enum log_format");

static const struct config_key keys[] = {
    {.name = "http_listen",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct ops_config, http_listen),
     .default_text = "127.0.0.1:9464",
     .help = "host:port of /metrics, /healthz, /readyz; :9464 = every address, \"\" = off"},
    {.name = "http_token",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct ops_config, http_token),
     .default_text = "",
     .help = "bearer token that /metrics asks for, at least 16 characters: ${ENV} or ${file:PATH}; "
             "\"\" = none. /healthz and /readyz stay open for probes, and say less",
     .is_secret = true},
    {.name = "stall_after",
     .type = CONFIG_DURATION_MS,
     .offset = offsetof(struct ops_config, stall_after_ms),
     .default_text = "90s",
     .min = 1000,
     .max = 3600000,
     .help = "/healthz answers 503 when a worker made no progress for this long; keep it above the "
             "60 s that a rebalance may wait"},
    {.name = "log_level",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct ops_config, log_level),
     .default_text = "info",
     .choices = level_names,
     .help = "lowest level that is logged: debug, info, warn, error"},
    {.name = "log_format",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct ops_config, log_format),
     .default_text = "text",
     .choices = format_names,
     .help = "text for people, json for machines; one line per fact, to standard error"},
    {.name = "pseudonym_key",
     .type = CONFIG_TEXT,
     .offset = offsetof(struct ops_config, pseudonym_key),
     .default_text = "",
     .help = "outside a terminal users are shown as u_HEX, keyed by this, at least 16 characters; "
             "\"\" = by a random key, another at each start",
     .is_secret = true},
    {.name = "pushes_per_second_max",
     .type = CONFIG_INT,
     .offset = offsetof(struct ops_config, pushes_per_second_max),
     .default_text = "3",
     .max = 100,
     .help = "pushes shown in readable form on the terminal, per second; 0 = none"},
};
const struct config_table ops_config_table = {keys, sizeof keys / sizeof keys[0],
                                              sizeof(struct ops_config)};

static size_t check_secret(const char *key, const char *text, FILE *errors) {
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            fprintf(errors, "ops.%s: found a blank or a character beyond ASCII, expected none\n",
                    key);
            return 1;
        }
    }
    if (size > 0 && size < SECRET_BYTES_MIN) {
        fprintf(errors, "ops.%s: found %zu characters, expected at least %d\n", key, size,
                SECRET_BYTES_MIN);
        return 1;
    }
    return 0;
}

size_t ops_config_check(const struct ops_config *config, FILE *errors) {
    return check_secret("http_token", config->http_token, errors) +
           check_secret("pseudonym_key", config->pseudonym_key, errors);
}
