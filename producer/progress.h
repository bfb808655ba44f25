/* progress: how a long command is getting on: one line that is written over once a second on a
 * terminal, a plain line every 10 s elsewhere. One thread. */
#ifndef PROMOSTREAM_PRODUCER_PROGRESS_H
#define PROMOSTREAM_PRODUCER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *out; /* NULL = silent */
    const char *name;
    bool is_terminal;
    bool has_open_line; /* a line on the terminal awaits being written over */
    int64_t begin_ns, last_ns, last_sent;
};

struct progress_state {
    int64_t sent;
    int64_t rejected; /* negative = rejecting is not what this command does */
    int64_t event_ms; /* of the last record, INT64_MIN = none */
    double share;     /* of the work done, 0..1; negative = unknown */
};

/* out is looked at for being a terminal; name begins every line ("clickfeed import"). */
struct progress progress_make(FILE *out, const char *name, int64_t now_ns);
/* Writes a line if one is due. Cheap enough for every record. */
void progress_show(struct progress *progress, const struct progress_state *state, int64_t now_ns);
/* Ends a line that is still open, so that other text may follow. */
void progress_break(struct progress *progress);

#endif
