/* ops_config: section `ops` of pipeline.yaml: what people and their tools see of a running process.
 */
#ifndef PROMOSTREAM_OPS_CONFIG_H
#define PROMOSTREAM_OPS_CONFIG_H

#include "base/config.h"
#include "base/log.h"

struct ops_config {
    const char *http_listen;   /* host:port, "" = no endpoint */
    const char *http_token;    /* that /metrics asks for, "" = none */
    int64_t stall_after_ms;    /* /healthz says 503 when a worker made no progress for this long */
    int log_level;             /* enum log_level */
    int log_format;            /* enum log_format */
    const char *pseudonym_key; /* of users' names outside terminals, "" = random per start */
    int64_t pushes_per_second_max; /* on the terminal, with run --console */
};
extern const struct config_table ops_config_table;
/* Lines "ops.http_token: found X, expected Y"; their number. */
size_t ops_config_check(const struct ops_config *config, FILE *errors);

#endif
