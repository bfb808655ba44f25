/* export: a fitted linear learner or dnn as JSON that anybody can score with
 * (tests/compare/score_json.py does it in NumPy): what each value and each half octave of a number
 * that a file has adds to the first vector, and the layers behind it. Found by asking the learner,
 * so it is true to what it scores whatever it is made of inside. Main thread.
 *
 *     x = input; of each column x[at ...] += effect        linear: one number, the raw score
 *     x = activation(x weights + bias), or gain (x - mean) / sqrt(variance + least) + bias, layer
 *         by layer                                         linear: no layers
 *     raw = start + scale x[0];  logit = slope raw + offset;  p = 1 / (1 + exp(-logit))
 *     value of a regression: raw
 *
 * A missing value has the effect 0, one that the file does not have that of `unknown`. A number v
 * within [low, high] (beyond it, it is cut, and low_flag or high_flag is added at flag_at) has
 * u = sgn(v) log1p |v| and the effect slope u + bucket, where bucket is that of "0" for v = 0, else
 * of "p" or "n" (the sign) and 2 e + (m >= sqrt 0.5), with |v| = m 2^e, 0.5 <= m < 1. An effect of
 * width 1 stands without brackets. */
#ifndef PROMOSTREAM_LEARN_EXPORT_H
#define PROMOSTREAM_LEARN_EXPORT_H

#include <stdio.h>

#include "consumer/learn/fitted.h"
#include "consumer/learn/source.h"

/* STOP: neither linear nor dnn. */
MUST_CHECK struct failure export_check(const struct learner_kind *kind);
/* source: bound to the fitted learner's columns, at its beginning; its bad rows are passed over.
 * Writes as it goes; whoever closes file finds its errors. STOP: not linear or dnn, features of an
 * open vocabulary, pairs by the option `cross`, or the source cannot be read; nothing was written.
 */
MUST_CHECK struct failure export_json(struct fitted *fitted, struct source *source, FILE *file);

#endif
