/* learn_pipeline: `promostream learn --pipeline`: a learner of pipeline.yaml learns from a file of
 * examples as its trainer would from the topic (trainer/lesson.h), and goes into a file that
 * `promostream model import` takes. Main thread. */
#ifndef PROMOSTREAM_COMMANDS_LEARN_PIPELINE_H
#define PROMOSTREAM_COMMANDS_LEARN_PIPELINE_H

#include "consumer/learn/judged.h"
#include "consumer/learn/training.h"
#include "consumer/pipeline_config.h"
#include "consumer/trainer/trainer.h"

struct learn_pipeline {
    const struct pipeline_config *config; /* borrowed, as are the others */
    const struct learner_config *learner; /* one of config->learn */
    const char *examples;                 /* path, "-" = standard input */
    const char *save;                     /* path of the model file; NULL = none is written */
    training_report *report; /* NULL, or told now and then how far it is; false ends it in order */
    void *report_context;
};

struct learn_pipeline_result {
    struct judged judged; /* what was said before it was learned, by the last label; the caller's */
    struct trainer_metrics metrics; /* what became of the examples */
    int64_t version_offset;         /* the file knows everything before it */
    int64_t left;                   /* examples from there on: of a mini-batch that is not whole */
    int64_t rows;                   /* in the file */
    bool has_offsets;               /* they are those of the topic examples */
};

/* The file's rows are those that the trainer has published after the same examples, bit for bit.
 * A file without offsets is numbered from 0, and its last mini-batch counts as whole. STOP: no such
 * examples, nothing to save, offsets that do not rise, a file that cannot be written.
 */
MUST_CHECK struct failure learn_pipeline_run(const struct learn_pipeline *plan,
                                             struct learn_pipeline_result *out);

/* Its part of the command line (command_learn_pipeline.c). */
struct learn_pipeline_command {
    const char *examples, *pipeline, *as, *save; /* as: NULL = the configured champion */
    bool json, quiet;
};
/* Prints the report, or why not; returns the exit code. name begins its error lines. */
int learn_pipeline_command(const char *name, const struct learn_pipeline_command *command);
/* The first option of the command line that has no meaning beside --pipeline; NULL = there is none.
 * Lent from argv. */
const char *learn_pipeline_stranger(int argc, char **argv);

#endif
