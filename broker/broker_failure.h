/* broker_failure: what a failure of the seam means to whoever started the process. Pure. */
#ifndef PROMOSTREAM_BROKER_BROKER_FAILURE_H
#define PROMOSTREAM_BROKER_BROKER_FAILURE_H

#include "base/failure.h"

/* Another process has taken our worker name: restarting both would let them take it from each other
 * for ever. */
bool broker_failure_is_fenced(struct failure failure);
/* Kafka does not let us in: a login, a certificate or a right (ACL) is wrong or missing. */
bool broker_failure_is_refused(struct failure failure);
/* No broker answered in time: the same may work later. */
bool broker_failure_is_unreachable(struct failure failure);

#endif
