/* event_verdict: what a verdict on the wire says of an event. Private to schemas/. */
#ifndef PROMOSTREAM_SCHEMAS_EVENT_VERDICT_H
#define PROMOSTREAM_SCHEMAS_EVENT_VERDICT_H

#include "schemas/event.h"
#include "schemas/wire.h"

enum event_verdict event_verdict_of_wire(enum wire_verdict verdict);

#endif
