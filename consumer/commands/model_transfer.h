/* model_transfer: a learner's rows between the topic model and a file (model_file.h): to keep a
 * copy, to take a learner to another environment, to begin a challenger with what another one
 * knows. Main thread. */
#ifndef PROMOSTREAM_COMMANDS_MODEL_TRANSFER_H
#define PROMOSTREAM_COMMANDS_MODEL_TRANSFER_H

#include "consumer/commands/model_view.h"

/* The learner as its last whole version left it. STOP: it has learned nothing, or the file cannot
 * be written. */
MUST_CHECK struct failure model_export(const struct model_view *view, size_t learner,
                                       const char *path, int64_t *out_rows);
/* Writes the file's rows as the first version of a learner that has none yet, in one transaction
 * that fences its trainer; it goes on learning from the example offset position, which is rounded
 * down to whole mini-batches. STOP, with nothing written: another kind, other options or features,
 * a damaged file, a learner with rows. */
MUST_CHECK struct failure model_import(const struct model_view *view, size_t learner,
                                       const char *path, int64_t position, int64_t *out_rows);

#endif
