/* learner_choice: which learner, with which options: from a file and from the command line, for
 * `learn`. Main thread. */
#ifndef PROMOSTREAM_LEARN_LEARNER_CHOICE_H
#define PROMOSTREAM_LEARN_LEARNER_CHOICE_H

#include "base/buffer.h"
#include "base/failure.h"
#include "consumer/learn/evaluation.h"
#include "model/learner_options.h"

#define LEARNER_CHOICE_DEFAULT "linear"
#define LEARNER_SEED_MAX       1e9

struct learner_choice {
    const struct learner_kind *kind;
    void *options;                /* owned; [kind->options_bytes] */
    bool is_prior_set, is_lr_set; /* was given */
};

/* What was said, NULL where nothing was: later ones win over earlier ones. */
struct learner_request {
    const char *config_path; /* learner: {kind: ..., options: {...}} */
    const char *learner;
    enum task task;
    bool has_task; /* regression asks for squared loss where none was named */
    const char *lr, *l1, *l2, *loss;
    uint64_t seed; /* of the kinds that draw their first weights; at most LEARNER_SEED_MAX */
    bool has_seed;
    const char *const *sets; /* "key=value" */
    size_t set_count;
};

/* STOP: errors of the file are on standard error, one a line; text says the rest. */
MUST_CHECK struct failure learner_choice_make(const struct learner_request *request,
                                              struct learner_choice *out);
void learner_choice_clean_up(struct learner_choice *choice); /* idempotent */
/* "linear, fm, dnn": all kinds of this build. */
void learner_choice_list(struct buffer *out);
/* A paragraph for each option: key, default, range. */
void learner_choice_help(const struct learner_kind *kind, struct buffer *out);

#endif
