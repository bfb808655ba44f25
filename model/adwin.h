/* adwin: has the mean of a stream changed? Adaptive windowing (Bifet and Gavalda, SDM 2007, ADWIN2
 * with its exponential histogram; METHODS 1.8): the window grows while its older and newer parts
 * agree, and loses its oldest part where they differ by more than chance. Plain data in the
 * caller's memory, a pure function of the values in their order.
 *
 * Values should lie in [0, 1]: the bound is for that range. */
#ifndef PROMOSTREAM_MODEL_ADWIN_H
#define PROMOSTREAM_MODEL_ADWIN_H

#include <stdbool.h>
#include <stdint.h>

#include "model/rows.h"

#define ADWIN_LEVELS  24    /* buckets of level i hold 2^i values */
#define ADWIN_BUCKETS 5     /* of a level; a sixth one merges the two oldest */
#define ADWIN_CLOCK   32    /* values between two looks */
#define ADWIN_DELTA   0.002 /* chance of a false alarm per look, as the paper bounds it */

struct adwin_bucket {
    double total, variance; /* sum, and sum of squared deviations from the bucket's mean */
};
struct adwin_level {
    int64_t count;
    struct adwin_bucket buckets[ADWIN_BUCKETS + 1]; /* oldest first */
};
struct adwin {
    int64_t ticks, width, detections; /* values seen, values in the window, changes found */
    double total, variance;           /* of the window */
    struct adwin_level levels[ADWIN_LEVELS];
};

void adwin_init(struct adwin *adwin);
/* True if the mean changed: what came before is forgotten. value must be finite. */
bool adwin_add(struct adwin *adwin, double value);
/* Mean of the window; NaN before the first value. */
double adwin_mean(const struct adwin *adwin);

/* As bytes of a row, ADWIN_BYTES of them, little-endian. */
#define ADWIN_BYTES (8 * (5 + ADWIN_LEVELS * (1 + 2 * (ADWIN_BUCKETS + 1))))
void adwin_put(const struct adwin *adwin, struct row_writer *writer);
/* False for what no window is; *out is then unspecified. Reads exactly ADWIN_BYTES. */
bool adwin_get(struct adwin *out, struct row_reader *reader);

#endif
