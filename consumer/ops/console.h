/* console: what a person sees on the terminal while promostream runs, and the table at its end.
 *
 * Workers only put readable pushes into a small ring (never a system call, never a wait for the
 * terminal); the main thread prints them once a second with the line of rates. Rendering is pure:
 * numbers in, text out. */
#ifndef PROMOSTREAM_OPS_CONSOLE_H
#define PROMOSTREAM_OPS_CONSOLE_H

#include <stdio.h>

#include "base/pseudonym.h"
#include "broker/broker.h"
#include "consumer/ops/console_learning.h"
#include "consumer/rooms/clean.h"
#include "consumer/rooms/decode.h"
#include "consumer/rooms/emit.h"
#include "consumer/rooms/state.h"

/* The verdicts of decode, all but ok. */
#define CONSOLE_UNDECODABLE(X)                                                                     \
    X(empty)                                                                                       \
    X(bad_framing)                                                                                 \
    X(truncated)                                                                                   \
    X(trailing_bytes)                                                                              \
    X(bad_value)                                                                                   \
    X(text_too_long)                                                                               \
    X(bad_utf8)                                                                                    \
    X(missing_field)                                                                               \
    X(unknown_schema)                                                                              \
    X(bad_json)                                                                                    \
    X(too_large)                                                                                   \
    X(too_deep)                                                                                    \
    X(duplicate_key)                                                                               \
    X(number_range)

/* Sums over all workers. */
struct console_totals {
    int64_t polled, applied, late, duplicates, undecodable,
        refused; /* polled = all others but late, summed */
    int64_t future, bad_time, missing_user, wrong_partition, not_feedback; /* refused, by verdict */
    struct console_undecodable {
#define CONSOLE_VERDICT_MEMBER(name) int64_t name;
        CONSOLE_UNDECODABLE(CONSOLE_VERDICT_MEMBER)
#undef CONSOLE_VERDICT_MEMBER
    } undecodable_by;
    int64_t decisions, pushes, revocations;
    int64_t users, epochs_committed, epochs_aborted;
    int64_t watermark_ms; /* the smallest of all partitions with one, TIME_NONE = none yet */
};
/* Zeroes without a watermark; then one worker after the other is added. */
struct console_totals console_totals_none(void);
/* Adds one worker's counts; watermark_ms TIME_NONE = it has none. */
void console_totals_add(struct console_totals *totals, const struct clean_metrics *clean,
                        const struct emit_metrics *emit, const struct state_metrics *state,
                        const struct broker_metrics *broker, int64_t watermark_ms);
/* The verdicts behind `undecodable`. */
void console_totals_add_decode(struct console_totals *totals, const struct decode_metrics *decode);

/* Workers' tallies, borrowed; read with relaxed loads while workers run. */
struct console_tallies {
    const struct decision_tally *const *items; /* one per worker */
    size_t count;
    const struct decide_config *config; /* names of offers */
};

/* "12:00:07  21,450 events/s  12 pushes/s ..." with a newline; rates of the span between the two
 * totals. */
void console_render_line(const struct console_totals *before, const struct console_totals *now,
                         int64_t span_ms, bool is_json, struct buffer *out);
/* One push in readable form with its reason; bytes that could drive a terminal are shown as
 * escapes. */
void console_render_push(const struct push_row *push, bool is_json, struct buffer *out);
/* The end summary: totals by verdict, then trigger x offer x reason with counts (rows without count
 * are left out), then what was learned. */
void console_render_summary(const struct console_totals *totals,
                            const struct console_tallies *tallies,
                            const struct console_learning *learning, int64_t span_ms, bool is_json,
                            struct buffer *out);
/* Exposition lines promostream_emit_decisions_by{trigger,offer,reason}; context is a struct
 * console_tallies. For metrics_register_writer. */
void console_write_tallies(void *context, struct buffer *out);

struct console;
/* out is borrowed. pushes_max: at most so many are shown per tick; the others are counted ("and 40
 * more"). */
struct console *console_new(FILE *out, size_t pushes_max, bool is_json);
void console_destroy(struct console *console); /* NULL is fine */
/* Users are shown by pseudonym, and texts that may name them not at all: for whatever keeps what it
 * is given, such as a pipe to a log. Before the first push. */
void console_use_pseudonyms(struct console *console, struct pseudonym_key key);
/* Any thread; fits emit.show. Copies what it shows. */
void console_push(void *console, const struct push_row *push);
/* Main thread, about once a second: prints the pushes since the last tick and the line. */
void console_tick(struct console *console, const struct console_totals *now, int64_t now_ms);
/* Main thread, after the workers ended: the remaining pushes and the summary. */
void console_end(struct console *console, const struct console_totals *totals,
                 const struct console_tallies *tallies, const struct console_learning *learning,
                 int64_t now_ms);

#endif
