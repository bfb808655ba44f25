/* bench_recovery: how fast a core reads users back: recovery's own function over the seam, whose
 * topics are in memory. A broker's client is not in it: a topic is read beside it, and slower. */
#ifndef PROMOSTREAM_BENCH_RECOVERY_H
#define PROMOSTREAM_BENCH_RECOVERY_H

#include "consumer/bench/bench_engine.h"

/* Writes every user of the engine as its topics hold it, and reads all partitions back. Returns
 * nanoseconds of CPU time per user. The engine can go on afterwards. STOP if recovery refuses. */
MUST_CHECK struct failure bench_recovery(struct bench_engine *engine, double *out_user_ns);

#endif
