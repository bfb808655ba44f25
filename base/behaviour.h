/* behaviour: one step of what a user did, as rows carry it and learners of sequences read it. */
#ifndef PROMOSTREAM_BASE_BEHAVIOUR_H
#define PROMOSTREAM_BASE_BEHAVIOUR_H

#include <stdint.h>

struct behaviour_step {
    uint64_t item; /* hash of what was looked at or put into the cart, 0 = none */
    int32_t kind;  /* of event: a small number, 0 or more; others are as good as 0 */
    double gap_s;  /* since the step before; NaN = it is the first one, or unknown */
};

#endif
