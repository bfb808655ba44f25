/* bench_measure: how benchmarks take time and memory.
 *
 * Time is CPU time of the calling thread, so that a neighbour on the same core shows less; what is
 * reported is the median of several slices. Memory is taken in a child process of its own, so that
 * no row sees what an earlier one left behind. */
#ifndef PROMOSTREAM_BENCH_MEASURE_H
#define PROMOSTREAM_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"

/* CPU time of this thread in nanoseconds. */
int64_t bench_cpu_ns(void);
/* Bytes that malloc has given out, its own overhead included. 0 where malloc does not say. */
size_t bench_heap_bytes(void);
/* Sorts values. count > 0. */
double bench_median(double *values, size_t count);

/* Fills the zeroed result. */
typedef void bench_measure(const void *context, void *result);
/* Calls measure in a forked child and brings result_size bytes of result back, with the child's
 * peak of resident memory. No other thread may run. STOP if the child died. */
MUST_CHECK struct failure bench_in_child(bench_measure *measure, const void *context, void *result,
                                         size_t result_size, size_t *out_peak_bytes);

#endif
