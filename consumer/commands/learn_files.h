/* learn_files: what `promostream learn` writes beside its report. Main thread. */
#ifndef PROMOSTREAM_COMMANDS_LEARN_FILES_H
#define PROMOSTREAM_COMMANDS_LEARN_FILES_H

#include <stdio.h>

#include "consumer/learn/fitted.h"
#include "consumer/learn/source.h"

/* Paths of --save and so on; NULL = not written. */
struct learn_files {
    const char *save, *export_json, *save_types, *predictions;
};

/* Before hours of learning: can they be written, and is none of them input? STOP says which. */
MUST_CHECK struct failure learn_files_check(const struct learn_files *files, const char *input);
/* With its header. *out NULL where none is asked for. */
MUST_CHECK struct failure learn_files_open_predictions(const struct learn_files *files, FILE **out);
MUST_CHECK struct failure learn_files_close_predictions(const struct learn_files *files,
                                                        FILE *file);
/* Reads the input once more. There is a whole JSON file then, or none. */
MUST_CHECK struct failure learn_files_export(const struct learn_files *files,
                                             const struct source_config *source,
                                             struct fitted *fitted);

#endif
