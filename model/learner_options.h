/* learner_options: a kind's options by their names, from its table (struct learner_option). Pure.
 */
#ifndef PROMOSTREAM_MODEL_LEARNER_OPTIONS_H
#define PROMOSTREAM_MODEL_LEARNER_OPTIONS_H

#include "model/learner.h"

/* Every kind of this build, ended by NULL; and the one of that name, NULL = there is none. */
extern const struct learner_kind *const learner_kinds[];
const struct learner_kind *learner_kind_find(const char *name);

/* How many examples make one step: 1 unless the kind has an option `batch`, in which batches change
 * the result. */
size_t learner_step_size(const struct learner_kind *kind, const void *options);

/* options: kind->options_bytes of the caller's; all zero, then the defaults of the table. */
void learner_options_default(const struct learner_kind *kind, void *options);
/* Sets one option from its text. False: there is no such option, or the text is not a value of its
 * type and range; options are unchanged and error says "alpha: found \"x\", expected a number
 * between 1e-06 and 100", NUL-terminated, cut at size. */
bool learner_options_set(const struct learner_kind *kind, void *options, const char *name,
                         const char *text, char *error, size_t size);
/* Its value as it would be typed, NUL-terminated, cut at size; numbers so that reading them gives
 * the same bits. */
void learner_options_text(const struct learner_option *option, const void *options, char *out,
                          size_t size);

#endif
