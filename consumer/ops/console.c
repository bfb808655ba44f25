#include "consumer/ops/console.h"

#include <pthread.h>
#include <stdlib.h>

struct console {
    FILE *out;
    size_t pushes_max;
    bool is_json;
    struct console_totals before; /* main thread, as the two below */
    int64_t started_ms, before_ms;
    bool is_started;
    struct buffer printing; /* main thread: what the last tick took over */

    bool has_pseudonyms;
    struct pseudonym_key key;

    pthread_mutex_t lock;  /* of the three below */
    struct buffer waiting; /* rendered pushes since the last tick */
    size_t waiting_count, unseen_count;
};

struct console *console_new(FILE *out, size_t pushes_max, bool is_json) {
    struct console *console = memory_new(1, sizeof *console);
    console->out = out;
    console->pushes_max = pushes_max;
    console->is_json = is_json;
    console->before = console_totals_none();
    buffer_init(&console->waiting, 4096);
    buffer_init(&console->printing, 4096);
    pthread_mutex_init(&console->lock, NULL);
    return console;
}

void console_destroy(struct console *console) {
    if (!console) {
        return;
    }
    pthread_mutex_destroy(&console->lock);
    buffer_clean_up(&console->waiting);
    buffer_clean_up(&console->printing);
    free(console);
}

void console_use_pseudonyms(struct console *console, struct pseudonym_key key) {
    console->has_pseudonyms = true;
    console->key = key;
}

void console_push(void *context, const struct push_row *push) {
    struct console *console = context;
    struct push_row nameless = *push;
    struct pseudonym name;
    if (console->has_pseudonyms) {
        name = pseudonym_of(&console->key, push->user_id);
        nameless.user_id = bytes_of_text(name.text);
        nameless.title = nameless.body = bytes_of_text(""); /* their templates may name the user */
        push = &nameless;
    }
    pthread_mutex_lock(&console->lock);
    if (console->waiting_count < console->pushes_max) {
        console_render_push(push, console->is_json, &console->waiting);
        console->waiting_count++;
    } else {
        console->unseen_count++;
    }
    pthread_mutex_unlock(&console->lock);
}

/* Takes the waiting pushes over; the workers go on with the other buffer. */
static void take_waiting(struct console *console) {
    struct buffer *printing = &console->printing;
    buffer_clear(printing);
    pthread_mutex_lock(&console->lock);
    struct buffer taken = console->waiting;
    console->waiting = *printing;
    size_t unseen = console->unseen_count;
    console->waiting_count = console->unseen_count = 0;
    pthread_mutex_unlock(&console->lock);
    *printing = taken;
    if (unseen > 0 && console->pushes_max > 0 && !console->is_json) {
        buffer_format(printing, "    and %zu more\n", unseen);
    }
}

static void print(struct console *console) {
    fwrite(console->printing.data, 1, console->printing.size, console->out);
    fflush(console->out);
}

void console_tick(struct console *console, const struct console_totals *now, int64_t now_ms) {
    if (!console->is_started) {
        console->is_started = true;
        console->started_ms = console->before_ms = now_ms;
    }
    take_waiting(console);
    console_render_line(&console->before, now, now_ms - console->before_ms, console->is_json,
                        &console->printing);
    print(console);
    console->before = *now;
    console->before_ms = now_ms;
}

void console_end(struct console *console, const struct console_totals *totals,
                 const struct console_tallies *tallies, const struct console_learning *learning,
                 int64_t now_ms) {
    take_waiting(console);
    int64_t span_ms = console->is_started ? now_ms - console->started_ms : 0;
    console_render_summary(totals, tallies, learning, span_ms, console->is_json,
                           &console->printing);
    print(console);
}
