/* The console's end summary, and the same tallies for /metrics. */
#include "consumer/ops/console.h"

#include <assert.h>
#include <inttypes.h>

#include "consumer/ops/console_internal.h"
#include "consumer/ops/printable.h"

#define ACTIONS_MAX (OFFERS_MAX + 1)

/* ---- Tallies ---- */

/* One cell that something was counted in. */
struct cell {
    enum trigger trigger;
    size_t action; /* offer index + 1, 0 = none */
    enum gate gate;
    int64_t count;
};

static const char *action_name(const struct decide_config *config, size_t action) {
    const struct offer *offers = config->offers.items;
    assert(action <= config->offers.count);
    return action == 0 ? "none" : offers[action - 1].id;
}

static int64_t sum_cell(const struct console_tallies *tallies, const struct cell *cell) {
    int64_t sum = 0;
    for (size_t i = 0; i < tallies->count; i++) {
        sum += metric_get(&tallies->items[i]->count[cell->trigger][cell->action][cell->gate]);
    }
    return sum;
}

/* Moves cell to the next one that was counted, in the order trigger, offer, reason; false at the
 * end. Begin with trigger 0, action 0, gate 0 and is_first. */
static bool next_cell(const struct console_tallies *tallies, struct cell *cell, bool is_first) {
    size_t gates = GATE_COUNT + 1;
    size_t actions = tallies->config->offers.count + 1;
    size_t at = ((size_t)cell->trigger * actions + cell->action) * gates + cell->gate;
    for (at += !is_first; at < TRIGGER_COUNT * actions * gates; at++) {
        cell->trigger = (enum trigger)(at / (actions * gates));
        cell->action = at / gates % actions;
        cell->gate = (enum gate)(at % gates);
        cell->count = sum_cell(tallies, cell);
        if (cell->count > 0) {
            return true;
        }
    }
    return false;
}

void console_write_tallies(void *context, struct buffer *out) {
    const struct console_tallies *tallies = context;
    const char *name = "promostream_emit_decisions_by";
    buffer_format(out, "# HELP %s decisions by trigger, offer and reason\n# TYPE %s counter\n",
                  name, name);
    struct cell cell = {0};
    for (bool is_first = true; next_cell(tallies, &cell, is_first); is_first = false) {
        buffer_format(out, "%s{", name);
        metrics_append_label(out, "trigger", bytes_of_text(trigger_names[cell.trigger]));
        buffer_append_byte(out, ',');
        metrics_append_label(out, "offer",
                             bytes_of_text(action_name(tallies->config, cell.action)));
        buffer_append_byte(out, ',');
        metrics_append_label(out, "reason", bytes_of_text(gate_name(cell.gate)));
        buffer_format(out, "} %" PRId64 "\n", cell.count);
    }
}

/* ---- Totals by verdict ---- */

void console_append_counts(struct buffer *out, const char *title, const struct named_count *counts,
                           size_t count) {
    buffer_format(out, "  %-12s", title);
    for (size_t i = 0; i < count; i++) {
        buffer_format(out, "%s%s ", i ? ", " : "", counts[i].name);
        printable_append_count(out, counts[i].count);
    }
    buffer_append_byte(out, '\n');
}

void console_append_counts_json(struct buffer *out, const char *title,
                                const struct named_count *counts, size_t count) {
    buffer_format(out, ",\"%s\":{", title);
    for (size_t i = 0; i < count; i++) {
        buffer_format(out, "%s\"%s\":%" PRId64, i ? "," : "", counts[i].name, counts[i].count);
    }
    buffer_append_byte(out, '}');
}

static void append_totals(const struct console_totals *totals, bool is_json, struct buffer *out) {
    void (*append)(struct buffer *, const char *, const struct named_count *, size_t) =
        is_json ? console_append_counts_json : console_append_counts;
    const struct named_count events[] = {
        {"polled", totals->polled},
        {"applied", totals->applied},
        {"late", totals->late},
        {"duplicate", totals->duplicates},
        {"undecodable", totals->undecodable},
        {"refused", totals->refused},
    };
    const struct named_count refused[] = {
        {"future", totals->future},
        {"bad_time", totals->bad_time},
        {"missing_user", totals->missing_user},
        {"wrong_partition", totals->wrong_partition},
        {"not_feedback", totals->not_feedback},
    };
    const struct named_count decisions[] = {
        {"taken", totals->decisions},
        {"pushed", totals->pushes},
        {"held", totals->decisions - totals->pushes},
        {"revoked", totals->revocations},
    };
    const struct named_count epochs[] = {
        {"committed", totals->epochs_committed},
        {"aborted", totals->epochs_aborted},
    };
    const struct console_undecodable *by = &totals->undecodable_by;
    const struct named_count undecodable[] = {
#define NAMED(name) {#name, by->name},
        CONSOLE_UNDECODABLE(NAMED)
#undef NAMED
    };
    append(out, "events", events, sizeof events / sizeof events[0]);
    append(out, "undecodable", undecodable, sizeof undecodable / sizeof undecodable[0]);
    append(out, "refused", refused, sizeof refused / sizeof refused[0]);
    append(out, "decisions", decisions, sizeof decisions / sizeof decisions[0]);
    append(out, "epochs", epochs, sizeof epochs / sizeof epochs[0]);
}

/* ---- The summary ---- */

static void append_table(const struct console_tallies *tallies, struct buffer *out) {
    buffer_format(out, "\n  %-20s %-24s %-18s %12s\n", "trigger", "offer", "reason", "count");
    struct cell cell = {0};
    bool is_first = true;
    for (; next_cell(tallies, &cell, is_first); is_first = false) {
        buffer_format(out, "  %-20s %-24s %-18s ", trigger_names[cell.trigger],
                      action_name(tallies->config, cell.action), gate_name(cell.gate));
        struct buffer count;
        buffer_init(&count, 32);
        printable_append_count(&count, cell.count);
        buffer_format(out, "%12.*s\n", BYTES_ARG(buffer_bytes(&count)));
        buffer_clean_up(&count);
    }
    if (is_first) {
        buffer_append(out, bytes_of_text("  (no decision was taken)\n"));
    }
}

static void append_table_json(const struct console_tallies *tallies, struct buffer *out) {
    buffer_append(out, bytes_of_text(",\"by\":["));
    struct cell cell = {0};
    for (bool is_first = true; next_cell(tallies, &cell, is_first); is_first = false) {
        buffer_format(out, "%s{\"trigger\":\"%s\",\"offer\":", is_first ? "" : ",",
                      trigger_names[cell.trigger]);
        printable_append_json(out, bytes_of_text(action_name(tallies->config, cell.action)));
        buffer_format(out, ",\"reason\":\"%s\",\"count\":%" PRId64 "}", gate_name(cell.gate),
                      cell.count);
    }
    buffer_append_byte(out, ']');
}

static void append_rate_of(struct buffer *out, int64_t count, int64_t span_ms) {
    printable_append_count(out, span_ms > 0 ? count * 1000 / span_ms : 0);
}

static void render_text(const struct console_totals *totals, const struct console_tallies *tallies,
                        const struct console_learning *learning, int64_t span_ms,
                        struct buffer *out) {
    buffer_format(out, "\nsummary of %.1f s: ", (double)span_ms / 1000);
    append_rate_of(out, totals->polled, span_ms);
    buffer_append(out, bytes_of_text(" events/s, "));
    printable_append_count(out, totals->users);
    buffer_append(out, bytes_of_text(" users, watermark "));
    printable_append_instant(out, totals->watermark_ms);
    buffer_append_byte(out, '\n');
    append_totals(totals, false, out);
    console_render_learning_totals(learning, false, out);
    append_table(tallies, out);
    console_render_learning(learning, false, out);
}

static void render_json(const struct console_totals *totals, const struct console_tallies *tallies,
                        const struct console_learning *learning, int64_t span_ms,
                        struct buffer *out) {
    buffer_format(out, "{\"kind\":\"summary\",\"span_ms\":%" PRId64 ",\"users\":%" PRId64, span_ms,
                  totals->users);
    buffer_append(out, bytes_of_text(",\"watermark\":"));
    if (totals->watermark_ms == TIME_NONE) {
        buffer_append(out, bytes_of_text("null"));
    } else {
        buffer_append_byte(out, '"');
        printable_append_instant(out, totals->watermark_ms);
        buffer_append_byte(out, '"');
    }
    append_totals(totals, true, out);
    console_render_learning_totals(learning, true, out);
    append_table_json(tallies, out);
    console_render_learning(learning, true, out);
    buffer_append(out, bytes_of_text("}\n"));
}

void console_render_summary(const struct console_totals *totals,
                            const struct console_tallies *tallies,
                            const struct console_learning *learning, int64_t span_ms, bool is_json,
                            struct buffer *out) {
    if (is_json) {
        render_json(totals, tallies, learning, span_ms, out);
    } else {
        render_text(totals, tallies, learning, span_ms, out);
    }
}
