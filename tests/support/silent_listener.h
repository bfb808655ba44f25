/* silent_listener: learns of a run and says nothing. */
#ifndef PROMOSTREAM_TESTS_SILENT_LISTENER_H
#define PROMOSTREAM_TESTS_SILENT_LISTENER_H

#include "consumer/learn/run.h"

extern const struct run_listener silent_listener;

#endif
