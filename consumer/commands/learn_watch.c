#include "consumer/commands/learn_watch.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "consumer/commands/commands.h"

#define TERMINAL_MS 1000
#define PLAIN_MS    10000

static void show_columns(void *context, const struct columns *columns) {
    const struct learn_watch *watch = context;
    if (watch->is_quiet || columns->count == 0) {
        return;
    }
    struct buffer out = {0};
    columns_write(columns, &out);
    fwrite(out.data, 1, out.size, stderr);
    buffer_clean_up(&out);
}

static bool show_moment(void *context, const struct training_moment *moment) {
    struct learn_watch *watch = context;
    int64_t now_ns = clock_monotonic_ns();
    int64_t every_ns = (watch->is_terminal ? TERMINAL_MS : PLAIN_MS) * INT64_C(1000000);
    if (!watch->is_quiet && now_ns - watch->last_ns >= every_ns) {
        double seconds = (double)(now_ns - watch->begin_ns) / 1e9;
        fprintf(stderr, "%spass %lld, %lld rows, %.3g rows/s", watch->is_terminal ? "\r" : "",
                (long long)moment->pass, (long long)moment->rows, (double)moment->rows / seconds);
        if (moment->loss == moment->loss) {
            fprintf(stderr, ", recent loss %.4f", moment->loss);
        }
        if (moment->valid_loss == moment->valid_loss) {
            fprintf(stderr, ", on --valid %.4f", moment->valid_loss);
        }
        if (moment->share >= 0) {
            fprintf(stderr, ", %.0f %%", 100 * moment->share);
        }
        fputs(watch->is_terminal ? "\033[K" : "\n", stderr);
        watch->has_open_line = watch->is_terminal;
        watch->last_ns = now_ns;
    }
    return !stop_requested;
}

struct learn_watch learn_watch_make(bool is_quiet) {
    int64_t now_ns = clock_monotonic_ns();
    return (struct learn_watch){is_quiet, isatty(STDERR_FILENO) == 1, false, now_ns, now_ns};
}

struct run_listener learn_watch_listener(struct learn_watch *watch) {
    return (struct run_listener){show_columns, show_moment, watch};
}

void learn_watch_end(struct learn_watch *watch) {
    if (watch->has_open_line) {
        fputc('\n', stderr);
    }
}
