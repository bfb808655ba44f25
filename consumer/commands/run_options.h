/* run_options: the command line of `promostream run`, and what it changes in the configuration. */
#ifndef PROMOSTREAM_COMMANDS_RUN_OPTIONS_H
#define PROMOSTREAM_COMMANDS_RUN_OPTIONS_H

#include "base/options.h"
#include "consumer/pipeline_config.h"

#define RUN_WORKERS_MAX 64

enum roles { ROLES_BOTH, ROLES_WORKERS, ROLES_TRAINERS };

struct run_options {
    const char *config_path, *worker_name, *group_id, *bootstrap_servers, *prefix, *clickstream,
        *bootstrap_file, *http_listen;
    int64_t workers;
    bool embedded_broker, until_end, leave, console, json;
    int at_end; /* enum at_end */
    int roles;  /* enum roles */
};

extern const struct option_page run_page;

/* Options win over the file. */
void run_options_apply(const struct run_options *options, struct pipeline_config *config);

#endif
