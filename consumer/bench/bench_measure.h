/* bench_measure: how benchmarks take time and memory.
 *
 * Within a thread, time is its CPU time, so that a neighbour on the same core shows less; what is
 * reported is the median of several slices. Whatever has threads of its own, or needs much memory,
 * runs in a child process: its CPU time and its peak are its own, and nothing sees what an earlier
 * one left behind. */
#ifndef PROMOSTREAM_BENCH_MEASURE_H
#define PROMOSTREAM_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"

/* CPU time of this thread in nanoseconds. */
int64_t bench_cpu_ns(void);
/* Resident memory of this process, after malloc gave back what it could. */
size_t bench_resident_bytes(void);
/* Sorts values. count > 0. */
double bench_median(double *values, size_t count);

/* What a process took, all its threads. */
struct bench_usage {
    double wall_s, cpu_s;
    size_t peak_bytes; /* of resident memory */
};

/* Fills the zeroed result. */
typedef void bench_measure(const void *context, void *result);
/* Calls measure in a forked child and brings result_size bytes of result back. No other thread may
 * run, none of librdkafka's either. STOP if the child died. */
MUST_CHECK struct failure bench_in_child(bench_measure *measure, const void *context, void *result,
                                         size_t result_size, struct bench_usage *out);
/* Runs this program again with these arguments (NULL-terminated), its output into the file
 * log_path. STOP if it does not end with 0. */
MUST_CHECK struct failure bench_run_self(char *const argv[], const char *log_path,
                                         struct bench_usage *out);

#endif
