/* explain: why a decision came out as it did, for people: its gates, what there was to choose from,
 * and the summands of the model that scored it. Pure: rows and a model in, text or JSON out. */
#ifndef PROMOSTREAM_COMMANDS_EXPLAIN_H
#define PROMOSTREAM_COMMANDS_EXPLAIN_H

#include "consumer/rooms/models.h"

struct explain_view {
    const struct decision_row *attempts; /* ascending, at least one; the last one is explained */
    size_t attempt_count;
    const struct example_row *examples; /* its outcome so far, ascending revisions */
    size_t example_count;
    const struct model *model; /* of the learner that stands first in scores; NULL = none */
    const char *note;          /* what was not read, "" = everything was */
};

/* Lists: attempts (each with its gates in the order of the house and its eligible actions), why
 * (for the action and for none: the largest summands of the logit, the rest summed up, the total,
 * the calibrated probability and the frozen one), outcome. Says plainly if the model is not the
 * version that scored, or does not repeat its number. */
void explain_render(const struct explain_view *view, bool is_json, struct buffer *out);

#endif
