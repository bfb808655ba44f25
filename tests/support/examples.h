/* examples: a seeded topic of examples as it could have been written, with everything that a
 * trainer must tell apart. */
#ifndef PROMOSTREAM_TESTS_EXAMPLES_H
#define PROMOSTREAM_TESTS_EXAMPLES_H

#include "schemas/rows.h"
#include "tests/support/sim_trainer.h"

#define EXAMPLES_START_MS INT64_C(1573000000000)

/* An honest first example, number n of the seed; its texts are constants. learner: its name in
 * scores, NULL = nobody scored. */
void example_make(uint64_t seed, size_t n, const char *learner, struct example_row *out);
/* Framed, as on the topic. */
void example_write(const struct example_row *row, struct buffer *out);

struct example_mix { /* shares of offsets; the rest are first examples */
    double correction, margin_only, repeat, garbage, foreign, poisoned, control;
    bool leaves_bad_out; /* repeat, garbage, foreign, poisoned become control records */
};
/* Appends count offsets, going on after what is there; the same seed, mix and offset give the same
 * record, whatever leaves_bad_out says. Starts at an empty topic or at one of its own. */
void examples_append(struct sim_topic *topic, uint64_t seed, const char *learner,
                     const struct example_mix *mix, size_t count);

#endif
