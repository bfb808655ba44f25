/* export: a fitted linear learner as JSON that anybody can score with (tests/compare/score_json.py
 * does it in NumPy): the effect of each value and each half octave of a number that a file has.
 * Found by asking the learner, so it is true to what it scores whatever it is made of inside. Main
 * thread.
 *
 *     raw = bias + sum of effects;  logit = slope raw + offset;  p = 1 / (1 + exp(-logit))
 *     value of a regression: raw
 *
 * A missing value has the effect 0. A number v within [low, high] (beyond it, it is cut, and
 * low_flag or high_flag is added) has u = sgn(v) log1p |v| and the effect slope u + bucket, where
 * bucket is that of "0" for v = 0, else of "p" or "n" (the sign) and 2 e + (m >= sqrt 0.5), with
 * |v| = m 2^e, 0.5 <= m < 1. */
#ifndef PROMOSTREAM_LEARN_EXPORT_H
#define PROMOSTREAM_LEARN_EXPORT_H

#include "consumer/learn/fitted.h"
#include "consumer/learn/source.h"

/* source: bound to the fitted learner's columns, at its beginning; its bad rows are passed over.
 * STOP: not linear, features of an open vocabulary, or the source cannot be read. */
MUST_CHECK struct failure export_json(struct fitted *fitted, struct source *source,
                                      struct buffer *out);

#endif
