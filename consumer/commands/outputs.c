#include "consumer/commands/outputs.h"

#include <stdio.h>
#include <time.h>

#include "consumer/commands/commands.h"

#define TRIES_MAX     60
#define PAUSE_NS      500000000 /* between tries */
#define SUBJECT_BYTES 300

static struct failure register_one(const struct pipeline_config *config, enum topic topic,
                                   enum schema schema, const struct log_sink *log,
                                   uint32_t *out_id) {
    char subject[SUBJECT_BYTES];
    (void)snprintf(subject, sizeof subject, "%s-value", config->topics.full[topic]);
    const char *text = schema_text_of(schema_name(schema));
    struct failure failure = registry_register(&config->registry, subject, text, out_id);
    for (int tries = 1; failure.action == FAILURE_RETRY && tries < TRIES_MAX && stop_requested == 0;
         tries++) {
        if (tries == 1) {
            log_warn(log, "run", "registering %s again until it works: %s", subject, failure.text);
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        failure = registry_register(&config->registry, subject, text, out_id);
    }
    if (!failed(failure)) {
        log_info(log, "run", "registered subject=%s id=%u", subject, (unsigned)*out_id);
    }
    return failure;
}

struct failure outputs_register(const struct pipeline_config *config, const struct log_sink *log,
                                struct emit_schema_ids *out) {
    struct failure failure =
        register_one(config, TOPIC_PROMOTION_PUSHES, SCHEMA_PUSH, log, &out->push);
    return failed(failure) ? failure
                           : register_one(config, TOPIC_PROMOTION_DECISIONS, SCHEMA_DECISION, log,
                                          &out->decision);
}
