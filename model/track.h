/* track: the track record of one learner, kept by its trainer beside it and travelling as rows of
 * kind counters: which examples were seen, how many of each arm have matured, whether what was
 * promised came true, and whether that has drifted. A pure function of the examples in their order.
 * The same memory rules as learner.h. */
#ifndef PROMOSTREAM_MODEL_TRACK_H
#define PROMOSTREAM_MODEL_TRACK_H

#include "model/learner.h"

#define TRACK_ORIGINS 8
#define TRACK_DAYS    64 /* ring of days, by decided_ms */

struct track_example {
    uint64_t id_high, id_low; /* decision_id */
    int32_t revision;
    int origin; /* small index, < TRACK_ORIGINS */
    uint64_t arm;
    int64_t decided_ms, labelled_ms;
    double label;       /* 0 or 1, as known now */
    bool is_correction; /* flips an earlier label */
    double p_first;     /* frozen probability of the action; NaN = not scored: not judged */
};

struct track_arm {
    uint64_t arm;
    int64_t matured;  /* first revisions of decisions with this action */
    int64_t first_ms; /* decided_ms of the first of them */
};

/* Sums over whole days that are window_ms + 1 d old at the newest label, of the newest days_max
 * such days: what was promised and what came. */
struct track_calibration {
    int64_t n;
    double sum_p, sum_y, sum_var; /* sum of p, of labels, of p (1 - p) */
};

size_t track_memory_bytes(void);
void track_init(void *memory);
/* False for a repeat of (decision, revision) or an older revision: ignore the example. */
bool track_take(void *memory, const struct track_example *example);
/* False if no decision with this arm has matured. */
bool track_arm_of(const void *memory, uint64_t arm, struct track_arm *out);
int64_t track_newest_ms(const void *memory); /* largest labelled_ms; INT64_MIN before the first */
/* origin -1: all but origin 0 (observe). */
struct track_calibration track_calibration_of(const void *memory, int origin, int64_t window_ms,
                                              int days_max);
/* Ratio sum_y / sum_p with its 95 % interval (Wald, by sum_var); NaN for sum_p 0. */
void track_ratio(const struct track_calibration *sums, double *out_ratio, double *out_low,
                 double *out_high);

/* Has what is promised drifted (METHODS 1.8)? Over first labels of decisions at triggers, in the
 * order of the examples, adwin.h watches the log-loss of the frozen probability and what came minus
 * what was promised. */
struct track_drift {
    int64_t loss_changes, residual_changes; /* found so far */
    double loss, residual; /* means since the last change: nats (at most TRACK_LOSS_MAX each), and
                              buyers minus promised buyers per decision; NaN = none judged */
};
#define TRACK_LOSS_MAX 4.0
struct track_drift track_drift_of(const void *memory);

void track_export_rows(void *memory, bool all, learner_visit_row *visit, void *context);
enum learner_verdict track_check_row(const void *memory, const struct learner_row *row);
void track_import_row(void *memory, const struct learner_row *row);
/* Does the key belong to the track and not to the learner? */
bool track_owns_row(const struct learner_row *row);

#endif
