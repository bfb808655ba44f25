/* The console's line of rates and its readable pushes: numbers and rows in, text out. */
#include "consumer/ops/console.h"

#include <inttypes.h>

#include "consumer/ops/printable.h"

#define USER_COLUMNS_MAX 40
#define TEXT_COLUMNS_MAX 160

/* ---- Totals ---- */

struct console_totals console_totals_none(void) {
    return (struct console_totals){.watermark_ms = TIME_NONE};
}

static void add_events(struct console_totals *totals, const struct clean_metrics *clean) {
    totals->polled += metric_get(&clean->polled_total);
    totals->applied += metric_get(&clean->applied_total);
    totals->late += metric_get(&clean->late_total);
    totals->duplicates += metric_get(&clean->duplicates_total);
    totals->undecodable += metric_get(&clean->undecodable_total);
    totals->refused += metric_get(&clean->refused_total);
    totals->future += metric_get(&clean->future_total);
    totals->bad_time += metric_get(&clean->bad_time_total);
    totals->missing_user += metric_get(&clean->missing_user_total);
    totals->wrong_partition += metric_get(&clean->wrong_partition_total);
    totals->not_feedback += metric_get(&clean->not_feedback_total);
}

void console_totals_add_decode(struct console_totals *totals, const struct decode_metrics *decode) {
    struct console_undecodable *by = &totals->undecodable_by;
#define ADD(name) by->name += metric_get(&decode->name##_total);
    CONSOLE_UNDECODABLE(ADD)
#undef ADD
}

void console_totals_add(struct console_totals *totals, const struct clean_metrics *clean,
                        const struct emit_metrics *emit, const struct state_metrics *state,
                        const struct broker_metrics *broker, int64_t watermark_ms) {
    add_events(totals, clean);
    totals->decisions += metric_get(&emit->decisions_total);
    totals->pushes += metric_get(&emit->pushes_total);
    totals->revocations += metric_get(&emit->revocations_total);
    totals->users += metric_get(&state->users);
    totals->epochs_committed += metric_get(&broker->epochs_committed_total);
    totals->epochs_aborted += metric_get(&broker->epochs_aborted_total);
    if (watermark_ms != TIME_NONE &&
        (totals->watermark_ms == TIME_NONE || watermark_ms < totals->watermark_ms)) {
        totals->watermark_ms = watermark_ms;
    }
}

/* ---- The line of rates ---- */

/* Rounded to whole numbers from 10 on; a counter that went back (a lost partition) shows 0. */
static void append_rate(struct buffer *out, int64_t before, int64_t now, int64_t span_ms,
                        const char *unit) {
    double rate = span_ms > 0 && now > before ? (double)(now - before) * 1000 / (double)span_ms : 0;
    if (rate > 0 && rate < 9.95) {
        buffer_format(out, "%.1f", rate);
    } else {
        printable_append_count(out, (int64_t)(rate + 0.5));
    }
    buffer_format(out, " %s  ", unit);
}

static void append_json_rate(struct buffer *out, const char *name, int64_t before, int64_t now,
                             int64_t span_ms) {
    double rate = span_ms > 0 && now > before ? (double)(now - before) * 1000 / (double)span_ms : 0;
    buffer_format(out, "\"%s\":%.1f,", name, rate);
}

void console_render_line(const struct console_totals *before, const struct console_totals *now,
                         int64_t span_ms, bool is_json, struct buffer *out) {
    int64_t held_before = before->decisions - before->pushes;
    int64_t held_now = now->decisions - now->pushes;
    if (is_json) {
        buffer_append(out, bytes_of_text("{\"kind\":\"rates\","));
        append_json_rate(out, "events_per_second", before->polled, now->polled, span_ms);
        append_json_rate(out, "pushes_per_second", before->pushes, now->pushes, span_ms);
        append_json_rate(out, "held_per_second", held_before, held_now, span_ms);
        buffer_format(out, "\"users\":%" PRId64 ",\"watermark\":", now->users);
        if (now->watermark_ms == TIME_NONE) {
            buffer_append(out, bytes_of_text("null}\n"));
            return;
        }
        buffer_append_byte(out, '"');
        printable_append_instant(out, now->watermark_ms);
        buffer_append(out, bytes_of_text("\"}\n"));
        return;
    }
    append_rate(out, before->polled, now->polled, span_ms, "events/s");
    append_rate(out, before->pushes, now->pushes, span_ms, "pushes/s");
    append_rate(out, held_before, held_now, span_ms, "held/s");
    printable_append_count(out, now->users);
    buffer_append(out, bytes_of_text(" users  watermark "));
    printable_append_instant(out, now->watermark_ms);
    buffer_append_byte(out, '\n');
}

/* ---- One push ---- */

static void append_offer(struct buffer *out, const struct push_row *push) {
    printable_append(out, push->offer_id, USER_COLUMNS_MAX);
    if (bytes_equal(push->offer_kind, bytes_of_text("percent_off"))) {
        buffer_format(out, " (%g %% off)", push->offer_value);
    } else if (bytes_equal(push->offer_kind, bytes_of_text("amount_off"))) {
        buffer_format(out, " (%g %.*s off)", push->offer_value, BYTES_ARG(push->currency));
    }
}

static void append_named(struct buffer *out, const char *name, struct bytes text) {
    buffer_format(out, ",\"%s\":", name);
    printable_append_json(out, text);
}

static void render_push_json(const struct push_row *push, struct buffer *out) {
    char id[33];
    hash128_format(push->decision_id, id);
    buffer_format(out, "{\"kind\":\"%s\",\"decision_id\":\"%s\"",
                  push->kind == PUSH_REVOKED ? "push_revoked" : "push", id);
    append_named(out, "push_id", push->push_id);
    append_named(out, "user_id", push->user_id);
    append_named(out, "trigger", bytes_of_text(trigger_names[push->trigger]));
    append_named(out, "offer_id", push->offer_id);
    append_named(out, "offer_kind", push->offer_kind);
    buffer_append(out, bytes_of_text(",\"offer_value\":"));
    printable_append_json_number(out, push->offer_value);
    append_named(out, "channel", push->channel);
    buffer_format(out, ",\"items\":%zu", push->item_count);
    append_named(out, "title", push->title);
    append_named(out, "body", push->body);
    append_named(out, "reason", push->reason);
    buffer_append(out, bytes_of_text("}\n"));
}

void console_render_push(const struct push_row *push, bool is_json, struct buffer *out) {
    if (is_json) {
        render_push_json(push, out);
        return;
    }
    buffer_append(out, bytes_of_text(push->kind == PUSH_REVOKED ? "  x " : "  > "));
    printable_append(out, push->user_id, USER_COLUMNS_MAX);
    buffer_append(out, bytes_of_text(push->kind == PUSH_REVOKED ? "  revoked " : "  "));
    append_offer(out, push);
    if (push->title.size > 0) {
        buffer_append(out, bytes_of_text("  \""));
        printable_append(out, push->title, TEXT_COLUMNS_MAX);
        buffer_append_byte(out, '"');
    }
    buffer_append(out, bytes_of_text("\n      "));
    printable_append(out, push->reason, TEXT_COLUMNS_MAX);
    buffer_append_byte(out, '\n');
}
