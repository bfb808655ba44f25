#include "consumer/bench/bench_measure.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

int64_t bench_cpu_ns(void) {
    struct timespec now;
    int status = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    assert(status == 0);
    (void)status;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

size_t bench_resident_bytes(void) {
    unsigned long all_pages, pages = 0;
    (void)malloc_trim(0);
    FILE *file = fopen("/proc/self/statm", "r");
    int count = file ? fscanf(file, "%lu %lu", &all_pages, &pages) : 0;
    assert(count == 2);
    (void)count;
    (void)fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
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

/* ---- children ---- */

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Returns the exit status, -1 for a child that never was. */
static int wait_for(pid_t child, int64_t begin_ns, struct bench_usage *out) {
    struct rusage usage = {0};
    int status = -1;
    while (child > 0 && wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    *out = (struct bench_usage){
        .wall_s = (double)(clock_monotonic_ns() - begin_ns) / 1e9,
        .cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
        .peak_bytes = (size_t)usage.ru_maxrss * 1024,
    };
    return status;
}

_Noreturn static void be_child(bench_measure *measure, const void *context, void *result) {
    signal(SIGINT, SIG_DFL); /* a measurement has nothing to end in order */
    signal(SIGTERM, SIG_DFL);
    measure(context, result);
    _exit(0);
}

struct failure bench_in_child(bench_measure *measure, const void *context, void *result,
                              size_t result_size, struct bench_usage *out) {
    void *shared =
        mmap(NULL, result_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return failure_make(FAILURE_STOP, errno, "memory for a result: %s", strerror(errno));
    }
    fflush(NULL); /* or the child would write it once more */
    int64_t begin_ns = clock_monotonic_ns();
    pid_t child = fork();
    if (child == 0) {
        be_child(measure, context, shared);
    }
    int status = wait_for(child, begin_ns, out);
    memcpy(result, shared, result_size);
    munmap(shared, result_size);
    return status == 0 ? failure_none()
                       : failure_make(FAILURE_STOP, status, "a measurement's process ended early");
}

struct failure bench_run_self(char *const argv[], const char *log_path, struct bench_usage *out) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_path,
                                     O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    int64_t begin_ns = clock_monotonic_ns();
    pid_t child = -1;
    int code = posix_spawn(&child, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0) {
        return failure_make(FAILURE_STOP, code, "%s %s: %s", argv[0], argv[1], strerror(code));
    }
    int status = wait_for(child, begin_ns, out);
    return status == 0 ? failure_none()
                       : failure_make(FAILURE_STOP, status, "%s %s failed: see %s", argv[0],
                                      argv[1], log_path);
}
