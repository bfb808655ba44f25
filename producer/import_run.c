#include "producer/import_run.h"

#include <ctype.h>
#include <inttypes.h>
#include <time.h>

#include "base/clock.h"
#include "schemas/wire.h"

#define SLEEP_NS_MAX      INT64_C(50000000) /* so that a stop is noticed */
#define EXAMPLE_BYTES_MAX 160

int64_t import_counts_rejected(const struct import_counts *counts) {
    int64_t rejected = 0;
    for (int i = IMPORT_OK + 1; i < IMPORT_VERDICT_COUNT; i++) {
        rejected += counts->by_verdict[i];
    }
    return rejected;
}

void import_run_init(struct import_run *run, const struct import_plan *plan, struct sink *sink) {
    int64_t now_ns = clock_monotonic_ns();
    *run = (struct import_run){
        .plan = plan,
        .sink = sink,
        .counts = {.first_ms = INT64_MIN, .last_ms = INT64_MIN},
        .pace = pace_make(plan->per_second, 0, now_ns),
        .progress = progress_make(plan->progress, plan->name, now_ns),
    };
    import_sorter_init(&run->sorter);
    buffer_init(&run->body, 512);
}

void import_run_clean_up(struct import_run *run) {
    progress_break(&run->progress);
    import_sorter_clean_up(&run->sorter);
    buffer_clean_up(&run->body);
}

bool import_run_is_over(const struct import_run *run) {
    int64_t limit = run->plan->limit;
    return *run->plan->stop || (limit > 0 && run->counts.by_verdict[IMPORT_OK] >= limit);
}

static void show_progress(struct import_run *run, int64_t now_ns) {
    struct progress_state state = {.sent = run->counts.sent,
                                   .rejected = import_counts_rejected(&run->counts),
                                   .event_ms = run->counts.last_ms,
                                   .share = run->share};
    progress_show(&run->progress, &state, now_ns);
}

/* Sleeps until the record is due, or until a stop. */
static void wait_for_turn(struct import_run *run, int64_t at_ms) {
    for (;;) {
        int64_t now_ns = clock_monotonic_ns();
        show_progress(run, now_ns);
        int64_t wait_ns = pace_wait_ns(&run->pace, at_ms, now_ns);
        if (wait_ns == 0 || *run->plan->stop) {
            return;
        }
        struct timespec span = {.tv_nsec = wait_ns < SLEEP_NS_MAX ? wait_ns : SLEEP_NS_MAX};
        nanosleep(&span, NULL);
    }
}

static struct failure send(struct import_run *run, const struct sink_record *record) {
    wait_for_turn(run, record->timestamp_ms);
    struct failure failure = sink_send(run->sink, record);
    if (!failed(failure)) {
        pace_sent(&run->pace);
        run->counts.sent++;
    }
    return failure;
}

static void count_time(struct import_counts *counts, int64_t event_ms) {
    counts->out_of_order += event_ms < counts->last_ms;
    if (counts->first_ms == INT64_MIN || event_ms < counts->first_ms) {
        counts->first_ms = event_ms;
    }
    if (event_ms > counts->last_ms) {
        counts->last_ms = event_ms;
    }
}

static struct failure take_event(struct import_run *run, const struct event *event) {
    count_time(&run->counts, event->event_ms);
    buffer_clear(&run->body);
    event_encode(event, &run->body);
    struct sink_record record = {.key = event->user_id,
                                 .body = buffer_bytes(&run->body),
                                 .timestamp_ms = event->event_ms,
                                 .partition = -1};
    if (run->plan->is_sorted) {
        import_sorter_add(&run->sorter, &record);
        show_progress(run, clock_monotonic_ns());
        return failure_none();
    }
    return send(run, &record);
}

/* A rejected row's text may be anything; control characters and broken UTF-8 stay off the terminal.
 */
static void show_example(struct import_run *run, const char *path, const struct csv_row *row,
                         enum import_verdict verdict) {
    FILE *out = run->plan->errors;
    if (!out || import_counts_rejected(&run->counts) > IMPORT_EXAMPLES_MAX) {
        return;
    }
    progress_break(&run->progress);
    bool is_utf8 = wire_is_utf8(row->text);
    fprintf(out, "%s: %s:%" PRIu64 ": %s: ", run->plan->name, path, row->line,
            import_verdict_name(verdict));
    for (size_t i = 0; i < row->text.size && i < EXAMPLE_BYTES_MAX; i++) {
        uint8_t c = row->text.data[i];
        fputc(isprint(c) || (c >= 0x80 && is_utf8) ? c : '?', out);
    }
    fprintf(out, "%s\n", row->text.size > EXAMPLE_BYTES_MAX ? "..." : "");
}

static struct failure take_row(struct import_run *run, const char *path,
                               const struct importer *importer, const struct csv_row *row,
                               enum csv_verdict csv) {
    struct event_line lines[1];
    struct event event = {.lines = lines};
    enum import_verdict verdict =
        csv == CSV_ROW ? import_convert(importer, row, &event) : import_verdict_of_csv(csv);
    run->counts.rows++;
    run->counts.by_verdict[verdict]++;
    if (verdict == IMPORT_OK) {
        return take_event(run, &event);
    }
    show_example(run, path, row, verdict);
    return failure_none();
}

static struct failure take_rows(struct import_run *run, const char *path,
                                struct csv_reader *reader) {
    struct importer importer;
    struct failure failure = run->plan->format->bind(reader, &run->plan->settings, &importer);
    if (failed(failure)) {
        return failure_make(failure.action, failure.code, "%s: %.180s", path, failure.text);
    }
    while (!failed(failure) && !import_run_is_over(run)) {
        struct csv_row row;
        enum csv_verdict verdict;
        failure = csv_next(reader, &row, &verdict);
        if (failed(failure) || verdict == CSV_END) {
            break;
        }
        run->share = csv_progress(reader);
        failure = take_row(run, path, &importer, &row, verdict);
    }
    return failure;
}

struct failure import_run_file(struct import_run *run, const char *path) {
    struct csv_reader *reader;
    struct failure failure = csv_open(path, run->plan->csv, &reader);
    if (!failed(failure)) {
        failure = take_rows(run, path, reader);
    }
    csv_close(reader);
    return failure;
}

struct failure import_run_end(struct import_run *run) {
    struct failure failure = failure_none();
    import_sorter_sort(&run->sorter);
    run->share = -1;
    for (size_t i = 0; i < run->sorter.count && !*run->plan->stop && !failed(failure); i++) {
        struct sink_record record = import_sorter_at(&run->sorter, i);
        failure = send(run, &record);
    }
    return failure;
}
