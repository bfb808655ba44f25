#include "producer/progress.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/parse.h"

#define TERMINAL_EVERY_NS INT64_C(1000000000)
#define PLAIN_EVERY_NS    INT64_C(10000000000)

struct progress progress_make(FILE *out, const char *name, int64_t now_ns) {
    return (struct progress){.out = out,
                             .name = name,
                             .is_terminal = out && isatty(fileno(out)),
                             .begin_ns = now_ns,
                             .last_ns = now_ns};
}

static void write_line(struct progress *progress, const struct progress_state *state,
                       int64_t now_ns) {
    double seconds = (double)(now_ns - progress->last_ns) / 1e9;
    char rejected[40] = "", share[16] = "", at[PARSE_ISO_BYTES_MAX + 8] = "";
    if (state->rejected >= 0) {
        snprintf(rejected, sizeof rejected, ", %" PRId64 " rejected", state->rejected);
    }
    if (state->share >= 0) {
        snprintf(share, sizeof share, ", %.0f %%", state->share * 100);
    }
    if (state->event_ms != INT64_MIN) {
        char iso[PARSE_ISO_BYTES_MAX];
        parse_format_iso(state->event_ms, iso);
        snprintf(at, sizeof at, ", at %s", iso);
    }
    fprintf(progress->out, "%s%s: %" PRId64 " sent, %.0f/s%s%s%s%s",
            progress->is_terminal ? "\r\033[K" : "", progress->name, state->sent,
            (double)(state->sent - progress->last_sent) / seconds, rejected, share, at,
            progress->is_terminal ? "" : "\n");
    fflush(progress->out);
    progress->has_open_line = progress->is_terminal;
}

void progress_show(struct progress *progress, const struct progress_state *state, int64_t now_ns) {
    int64_t every_ns = progress->is_terminal ? TERMINAL_EVERY_NS : PLAIN_EVERY_NS;
    if (!progress->out || now_ns - progress->last_ns < every_ns) {
        return;
    }
    write_line(progress, state, now_ns);
    progress->last_ns = now_ns;
    progress->last_sent = state->sent;
}

void progress_break(struct progress *progress) {
    if (progress->has_open_line) {
        fputc('\n', progress->out);
        progress->has_open_line = false;
    }
}
