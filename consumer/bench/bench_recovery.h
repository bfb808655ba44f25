/* bench_recovery: how fast a core reads users back: recovery's own function over the seam, whose
 * topics are in memory. A broker's client is not in it: a topic is read beside it, and slower.
 *
 * Each round begins with memory given back to the kernel, as a process begins: a page's first touch
 * is a quarter of the time. A first round is not counted: on a virtual machine it also waits until
 * the host backs the pages, which takes several times as long and says nothing of us. */
#ifndef PROMOSTREAM_BENCH_RECOVERY_H
#define PROMOSTREAM_BENCH_RECOVERY_H

#include "consumer/bench/bench_engine.h"

/* Writes every user of the engine as its topics hold it, and reads all partitions back. Returns
 * nanoseconds of CPU time per user, of the median round. The engine can go on afterwards. STOP if
 * recovery refuses. */
MUST_CHECK struct failure bench_recovery(struct bench_engine *engine, double *out_user_ns);

#endif
