/* training: from rows to a fitted learner: in one pass over a stream, or in several over rows in
 * memory with a stop condition that keeps the best pass. One thread. */
#ifndef PROMOSTREAM_LEARN_TRAINING_H
#define PROMOSTREAM_LEARN_TRAINING_H

#include "consumer/learn/batch.h"
#include "consumer/learn/dataset.h"

struct training_settings {
    int64_t passes;
    int64_t patience; /* passes without an improvement of 1e-4 of the validation loss after which it
                         stops; 0 = never */
    bool is_shuffled; /* a new order for each pass, by the seed */
    struct judged *progressive; /* scored before it is learned, in the first pass; NULL = not */
};

struct training_result {
    int64_t passes, best_pass; /* from 1 */
    int64_t learned, refused;
    double best_loss; /* of the validation rows */
    bool is_stopped;  /* by the report */
};

/* Called now and then with what has happened since the last call. False: stop in order. */
struct training_moment {
    int64_t pass, rows; /* rows learned in all passes */
    double loss;        /* mean of what was scored since the last moment; NaN = nothing was */
    double valid_loss;  /* at the end of a pass; NaN otherwise */
    double share;       /* of the work, 0..1; negative = unknown */
};
typedef bool training_report(void *context, const struct training_moment *moment);

/* Passes over data's rows order[count]; valid[valid_count] indexes rows that stop it. order is
 * shuffled in place. The fitted learner is the one of the best pass, the last where nothing is
 * held out. */
struct training_result training_run(struct fitted *fitted, const struct training_settings *settings,
                                    struct dataset *data, uint32_t *order, size_t count,
                                    const uint32_t *valid, size_t valid_count,
                                    training_report *report, void *context);

/* Scores the rows, learns nothing, settles. Returns how many could not be scored. */
int64_t training_judge(struct fitted *fitted, struct dataset *data, const uint32_t *rows,
                       size_t count, struct judged *out);
/* Scores one row of a stream; judged_settle behind the last one. False: it could not be scored. */
bool training_judge_row(struct fitted *fitted, struct data_row *row, struct judged *out);

#endif
