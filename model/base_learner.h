/* base_learner: f(x), what a learner knows about an input whatever the action was: a table of
 * functions over a block of memory, with the rules of learner.h. head.h makes a learner of it: it
 * adds what offers do, calibration, and asks the base for the rest.
 *
 * Keys of a base's rows begin with none of b/ c/ d/ (the head's) and t/ (the track's). */
#ifndef PROMOSTREAM_MODEL_BASE_LEARNER_H
#define PROMOSTREAM_MODEL_BASE_LEARNER_H

#include "model/ftrl.h"
#include "model/learner.h"

#define BASE_TERMS_MAX 256 /* of an explanation; a base sums up what is beyond */

struct base_output {
    double logit;    /* squared loss: the prediction itself */
    double variance; /* of the logit (METHODS 0, rule 9: sum of x^2 / (1 / sigma0^2 + n)); learn
                        leaves it 0 */
    double scored;   /* learn, where a step needs the whole batch: the logit that forward would give
                        without dropout, to the bit */
};

/* Whoever asks a base to learn knows the loss. The base calls pull once for each example that it
 * can take, with the logit of before that example (of before the batch, where a batch steps at
 * once), and done once for each that it pulled, when what it changes is changed. */
struct base_teacher {
    /* Gives the loss's gradient on the logit, weight included, and what that adds to n where x = 1
     * (METHODS 0, rule 5). Not OK: the example must be left out with that verdict. */
    enum learner_verdict (*pull)(void *context, size_t i, const struct base_output *output,
                                 struct ftrl_pull *out);
    /* OK: it was learned. Otherwise nothing of it was. */
    void (*done)(void *context, size_t i, enum learner_verdict verdict);
    void *context;
};

struct base_kind {
    /* options: the learner kind's own struct. */
    size_t (*memory_bytes)(const void *options, const struct learner_space *space);
    void (*init)(void *memory, const void *options, const struct learner_space *space);
    /* Of all that gives the rows a meaning: options, space's names and roles, feature version.
     * Chained into hash. */
    uint64_t (*fingerprint)(const void *options, const struct learner_space *space, uint64_t hash);
    /* dropout_key 0: as it scores. Otherwise with the mask that learning from the example of this
     * id would use. */
    enum learner_verdict (*forward)(const void *memory, const struct learner_input *input,
                                    uint64_t dropout_key, struct base_output *out);
    /* Learns from examples[0], [1], ...: one step each, or one step in all (nets); the mask of
     * dropout is that of example.id. Labels are the teacher's business. out_verdicts[count]. A
     * verdict other than OK leaves that example out, all of them if the batch's step would not be
     * finite. 1 <= count <= LEARNER_BATCH_MAX. */
    void (*learn)(void *memory, const struct learner_example *examples, size_t count,
                  const struct base_teacher *teacher, enum learner_verdict *out_verdicts);
    /* forward without dropout, of many: the same bits, faster. NULL: one by one. */
    void (*forward_batch)(const void *memory, const struct learner_input *inputs, size_t count,
                          struct base_output *out, enum learner_verdict *out_verdicts);
    /* Does a step need the whole batch? Then a logit in pull may have a dropout mask in it, and
     * what the head learns itself goes by `scored`. */
    bool is_batch_a_step;
    /* Are effects learned without offers, too? The level of `none` is then part of every logit. */
    bool has_level;
    /* Rows as in learner.h. */
    void (*export_rows)(void *memory, bool all, learner_visit_row *visit, void *context);
    enum learner_verdict (*check_row)(const void *memory, const struct learner_row *row);
    void (*import_row)(void *memory, const struct learner_row *row);
    /* Summands of the logit in any order; returns how many, at most BASE_TERMS_MAX. */
    size_t (*explain)(const void *memory, const struct learner_input *input,
                      struct learner_term *out);
    /* Lines as in learner.h, each ended by a newline; returns the length without what was cut. */
    size_t (*describe)(const void *memory, char *out, size_t size);
    /* As in learner.h; NULL = it does not rank. */
    size_t (*rank)(const void *memory, const struct learner_input *user, const uint64_t *candidates,
                   size_t count, size_t k, uint32_t *out);
};

#endif
