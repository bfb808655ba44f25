/* oracle: what should have been committed, computed by a straight line: one event at a time, no
 * epochs, no batches, no faults; and the sums that must come out even. The first thing that is
 * wrong becomes the world's violation. */
#ifndef PROMOSTREAM_TESTS_SIMULATION_ORACLE_H
#define PROMOSTREAM_TESTS_SIMULATION_ORACLE_H

#include "tests/simulation/world.h"
#include "tests/support/kept_log.h"

/* Everything: run after all processes have ended and all transactions are settled. */
void oracle_check(struct world *world);

/* oracle_rows.c: outputs and states against what the rooms compute from the input. */
void oracle_check_rows(struct world *world, const struct kept_log *committed);
/* oracle_model.c: model's rows, version by version, against a learner that reads examples. */
void oracle_check_model(struct world *world, const struct kept_log *committed);

#endif
