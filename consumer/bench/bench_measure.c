#include "consumer/bench/bench_measure.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t bench_cpu_ns(void) {
    struct timespec now;
    int status = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    assert(status == 0);
    (void)status;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

size_t bench_heap_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_median(double *values, size_t count) {
    assert(count > 0);
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* ---- a child ---- */

_Noreturn static void be_child(bench_measure *measure, const void *context, void *result) {
    signal(SIGINT, SIG_DFL); /* a measurement has nothing to end in order */
    signal(SIGTERM, SIG_DFL);
    measure(context, result);
    _exit(0);
}

struct failure bench_in_child(bench_measure *measure, const void *context, void *result,
                              size_t result_size, size_t *out_peak_bytes) {
    void *shared =
        mmap(NULL, result_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return failure_make(FAILURE_STOP, errno, "memory for a result: %s", strerror(errno));
    }
    fflush(NULL); /* or the child would write it once more */
    pid_t child = fork();
    if (child == 0) {
        be_child(measure, context, shared);
    }
    struct rusage usage = {0};
    int status = -1;
    while (child > 0 && wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    memcpy(result, shared, result_size);
    munmap(shared, result_size);
    *out_peak_bytes = (size_t)usage.ru_maxrss * 1024;
    return status == 0 ? failure_none()
                       : failure_make(FAILURE_STOP, status, "a measurement's process ended early");
}
