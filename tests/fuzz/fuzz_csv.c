/* Logs that clickfeed imports, plain or compressed: three bytes of options, then the file. What is
 * taken becomes an event of our schema, and rows add up. */
#include "producer/import_csv.h"
#include "producer/import_rees46.h"
#include "producer/import_retailrocket.h"
#include "producer/import_run.h"
#include "tests/fuzz/fuzz.h"

static struct failure check_event(struct sink *sink, const struct sink_record *record) {
    static struct event_line lines[EVENT_LINES_MAX];
    struct event event = {.lines = lines};
    (void)sink;
    FUZZ_ASSERT(event_decode(record->body, &event) == EVENT_OK);
    FUZZ_ASSERT(bytes_equal(record->key, event.user_id) && record->timestamp_ms == event.event_ms);
    fuzz_touch(&event);
    return failure_none();
}

static const struct import_settings settings = {
    .timezone = {(const uint8_t *)"Europe/Berlin", 13},
    .currency = {(const uint8_t *)"EUR", 3},
    .map = {[IMPORT_TIME] = "t",
            [IMPORT_TYPE] = "e",
            [IMPORT_USER] = "u",
            [IMPORT_ITEM] = "i",
            [IMPORT_PRICE] = "p",
            [IMPORT_QUANTITY] = "q",
            [IMPORT_CATEGORY] = "c",
            [IMPORT_ORDER] = "o",
            [IMPORT_EVENT_ID] = "id",
            [IMPORT_CURRENCY] = "money",
            [IMPORT_TIMEZONE] = "zone",
            [IMPORT_CONSENT] = "consent"},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct import_format *const formats[] = {&import_rees46, &import_retailrocket,
                                                          &import_csv};
    static const volatile sig_atomic_t stop = 0;
    static const struct sink_ops ops = {.send = check_event};
    struct fuzz_input input = {bytes_of(data, size)};
    struct import_plan plan = {
        .name = "fuzz", .settings = settings, .errors = fuzz_nowhere(), .stop = &stop};
    unsigned flags = (unsigned)fuzz_number(&input, 1);
    plan.format = formats[flags % 3];
    plan.settings.time_format = (enum time_format)(flags / 3 % TIME_FORMAT_COUNT);
    plan.is_sorted = flags & 0x40;
    char separator = (char)fuzz_number(&input, 1); /* the command line takes no other */
    plan.csv.separator = separator && !strchr("\"\r\n", separator) ? separator : ',';
    plan.csv.row_bytes_max = 16 + 16 * (size_t)fuzz_number(&input, 1);
    struct sink sink = {.ops = &ops};
    struct import_run run;
    import_run_init(&run, &plan, &sink);
    if (!failed(import_run_file(&run, fuzz_path(input.left)))) {
        FUZZ_ASSERT(!failed(import_run_end(&run)));
        FUZZ_ASSERT(run.counts.sent == run.counts.by_verdict[IMPORT_OK]);
        FUZZ_ASSERT(run.counts.sent + import_counts_rejected(&run.counts) == run.counts.rows);
    }
    import_run_clean_up(&run);
    return 0;
}
