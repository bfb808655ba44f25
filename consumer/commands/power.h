/* power: what difference between treated users and the control group a shop's traffic can show at
 * all. Two proportions, two-sided alpha 5 %, power 80 %, unequal groups (Fleiss, Levin and Paik,
 * Statistical Methods for Rates and Proportions, 3rd ed., equation 4.14 without continuity
 * correction). Pure. */
#ifndef PROMOSTREAM_COMMANDS_POWER_H
#define PROMOSTREAM_COMMANDS_POWER_H

#include "base/buffer.h"

struct power_plan {
    double users;         /* that reach a trigger in the period, both groups */
    double control_share; /* (0, 1) */
    double base_rate;     /* (0, 1): share of the control group that buys */
};

/* Smallest rise of the base rate, as a difference of shares, that is detected; NaN if not even a
 * rise to certainty is (or if a group has fewer than 10 users). */
double power_detectable(const struct power_plan *plan);
/* One or two sentences; JSON: one object. */
void power_write(const struct power_plan *plan, struct buffer *out);
void power_write_json(const struct power_plan *plan, struct buffer *out);

#endif
