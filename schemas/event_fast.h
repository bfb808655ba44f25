/* event_fast: the usual event of event.avsc, read in one go. Private to event.c. */
#ifndef PROMOSTREAM_SCHEMAS_EVENT_FAST_H
#define PROMOSTREAM_SCHEMAS_EVENT_FAST_H

#include "schemas/event.h"

/* Fills *out (out->lines given) and returns true if every value of the body is a common one: texts
 * below 64 bytes, a time of today, at most 63 lines in one block. False for every other body, good
 * or bad, with *out unspecified: the plan in event.c knows all, and is this function's oracle. */
bool event_decode_fast(struct bytes body, struct event *out);

#endif
