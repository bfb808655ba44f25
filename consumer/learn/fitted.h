/* fitted: a learner over the rows of a file: its kind and options, its memory, and the columns that
 * its inputs are made of. Owns all of it. One thread. */
#ifndef PROMOSTREAM_LEARN_FITTED_H
#define PROMOSTREAM_LEARN_FITTED_H

#include "consumer/learn/rows.h"
#include "model/learner_options.h"

#define FITTED_BYTES_MAX ((size_t)8 << 30) /* of a learner's memory */

struct fitted {
    const struct learner_kind *kind;
    void *options; /* [kind->options_bytes] */
    void *memory;
    size_t memory_bytes;
    struct columns columns;
    struct learner_space space; /* its texts are columns' */
    uint64_t seed;
    struct learner_feature *features; /* of the input that is out */
    size_t feature_capacity;
};

/* STOP: the kind takes fewer columns, or none of an open vocabulary (VW text). */
MUST_CHECK struct failure fitted_check(const struct learner_kind *kind,
                                       const struct columns *columns, bool has_open_vocabulary);
/* STOP: the learner's memory would be more than the machine's, or than FITTED_BYTES_MAX. Nothing is
 * allocated. */
MUST_CHECK struct failure fitted_check_memory(const struct learner_kind *kind, const void *options,
                                              const struct columns *columns);
/* Takes columns, which were checked (leaves an empty one behind) and copies options. */
void fitted_init(struct fitted *fitted, const struct learner_kind *kind, const void *options,
                 struct columns *columns, uint64_t seed);
void fitted_clean_up(struct fitted *fitted); /* idempotent; a zeroed one is fine */
/* The row as the learner sees it: numbers beyond a column's bounds are cut IN THE ROW and flagged
 * by a feature. Lent until the next call. */
struct learner_input fitted_input(struct fitted *fitted, struct data_row *row);
/* Key of the feature that flags a number of this column beyond its bound. */
uint64_t fitted_flag_key(const struct column *column, bool is_high);
/* p, or the predicted value; BAD_VALUE and NOT_FINITE leave *out alone. */
enum learner_verdict fitted_score(const struct fitted *fitted, const struct learner_input *input,
                                  double *out);
/* The same of count inputs, at most LEARNER_BATCH_MAX, to the same bits, and faster for most kinds.
 */
void fitted_score_batch(const struct fitted *fitted, const struct learner_input *inputs,
                        size_t count, double *out, enum learner_verdict *out_verdicts);
/* pass and index key the draws of the example. */
struct learner_example fitted_example(const struct fitted *fitted,
                                      const struct learner_input *input, const struct data_row *row,
                                      uint64_t pass, uint64_t index);

#endif
