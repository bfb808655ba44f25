/* console_learning: what was learned while promostream ran, for the end summary and for /metrics:
 * how true each learner's frozen promises came (METHODS 0, rules 6 and 11), what became of
 * decisions, which model served. Rendering is pure: cells in, text out. */
#ifndef PROMOSTREAM_OPS_CONSOLE_LEARNING_H
#define PROMOSTREAM_OPS_CONSOLE_LEARNING_H

#include "consumer/rooms/outcomes.h"
#include "consumer/rooms/progress.h"
#include "consumer/rooms/score.h"

/* A trainer of this process, as it stands. */
struct console_trainer {
    const char *learner;
    int64_t learned, corrections, refused; /* examples; corrections are among learned */
    int64_t versions;                      /* published */
};

/* The learning rooms of all workers and the trainers of the process, borrowed; cells are read with
 * relaxed loads while they run. Every progress judges the same learners. Zeroed = there are none.
 */
struct console_learning {
    size_t worker_count;
    const struct progress *const *progress; /* one per worker, as the two below */
    const struct outcomes_metrics *const *outcomes;
    const struct score_metrics *const *scores;
    size_t trainer_count;
    const struct console_trainer *trainers;
};

enum learning_verdict { LEARNING_NOT_ENOUGH, LEARNING_CALIBRATED, LEARNING_OFF };
extern const char *const learning_verdict_names[]; /* "not enough data", "calibrated", "off" */
/* METHODS 0, rule 11: calibrated if the 95 % interval of bought / promised meets [.98, 1.02]; below
 * 500 decisions or 50 bought nothing is said. */
enum learning_verdict learning_verdict_of(const struct progress_figures *figures);

/* Exposition lines promostream_progress_*{learner,origin}, summed over the workers; what cannot be
 * said yet is left out. context is a struct console_learning. For metrics_register_writer. */
void console_write_progress(void *context, struct buffer *out);

/* Lines or members for the summary, in the manner of its other totals: outcomes, model, trainers.
 * Nothing without workers and trainers. */
void console_render_learning_totals(const struct console_learning *learning, bool is_json,
                                    struct buffer *out);
/* The table, or the member "learning": per learner its origins that were judged, then "triggers":
 * all origins but observe. */
void console_render_learning(const struct console_learning *learning, bool is_json,
                             struct buffer *out);

#endif
