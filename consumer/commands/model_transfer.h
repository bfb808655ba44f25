/* model_transfer: a learner's rows between the topic model and a file (model_file.h): to keep a
 * copy, to take a learner to another environment, to begin a challenger with what another one
 * knows, or with what was learned from a file of examples. Main thread. */
#ifndef PROMOSTREAM_COMMANDS_MODEL_TRANSFER_H
#define PROMOSTREAM_COMMANDS_MODEL_TRANSFER_H

#include "consumer/commands/model_view.h"

/* The learner's rows, all of them, with its identity (model_identity.h) as their header; topic as
 * there. STOP: the file cannot be written. */
MUST_CHECK struct failure model_save(const struct model *model,
                                     const struct pipeline_config *config, const char *topic,
                                     const char *path, int64_t *out_rows);

struct model_import {
    const struct model_view *view; /* borrowed, as are the others */
    size_t learner;                /* index in view */
    const char *path;
    int64_t position; /* next example offset to learn; -1 = that of the file, if its topic is the
                         pipeline's */
    int64_t examples_end; /* end of the topic examples */
};
/* Writes the file's rows as the first version of a learner that has none yet, in one transaction
 * that fences its trainer; it goes on learning from *out_position, the position rounded down to
 * whole mini-batches. STOP, with nothing written: another identity, a position that is not known or
 * beyond the topic's end, a damaged file, a learner with rows. */
MUST_CHECK struct failure model_import(const struct model_import *request, int64_t *out_rows,
                                       int64_t *out_position);

#endif
