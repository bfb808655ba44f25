/* model_identity: what a learner of the pipeline is, as the header of its model file says it: kind,
 * features, options and offers of the configuration, and up to which example offset it has learned.
 * A file goes into a pipeline whose learner says the same of itself. */
#ifndef PROMOSTREAM_COMMANDS_MODEL_IDENTITY_H
#define PROMOSTREAM_COMMANDS_MODEL_IDENTITY_H

#include "consumer/pipeline_config.h"

/* JSON and a newline. topic: whose offset model->version_offset is; NULL = of no topic (learned
 * from a file without offsets). */
void model_identity_write(const struct model *model, const struct pipeline_config *config,
                          const char *topic, struct buffer *out);

/* What a file's header says beside. */
struct model_identity_place {
    char topic[256]; /* "" = of no topic */
    int64_t offset;  /* next example of it that the file has not learned */
};
/* Does the header say what the learner of the configuration is? STOP: the first difference, and
 * what to do. Offers may differ: the file's effects of others are kept, new ones begin at their
 * prior. */
MUST_CHECK struct failure model_identity_check(struct bytes header, const struct model *model,
                                               const struct pipeline_config *config,
                                               struct model_identity_place *out);

#endif
