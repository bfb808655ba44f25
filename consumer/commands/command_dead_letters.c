/* dead-letters: its two verbs, and the list. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "consumer/commands/dead_letters_read.h"
#include "consumer/commands/dead_letters_replay.h"
#include "consumer/commands/dead_letters_text.h"
#include "consumer/commands/support.h"

#define LIST_MAX 1000 /* lines are kept until the end, as JSON a megabyte each at worst */

/* ---- list ---- */

struct list_options {
    const char *config;
    struct option_list reasons;
    int64_t since_ms, limit;
    bool json, waiting;
};

static const struct option_row list_rows[] = {
    COMMAND_CONFIG_ROW(struct list_options),
    {.name = "reason",
     .letter = 'r',
     .argument = "REASON",
     .type = OPTION_TEXT_LIST,
     .offset = offsetof(struct list_options, reasons),
     .help = "Only letters of this verdict, `missing_field` for example."},
    {.name = "since",
     .letter = 's',
     .argument = "AGE",
     .type = OPTION_DURATION_MS,
     .offset = offsetof(struct list_options, since_ms),
     .help = "Only letters written within this time: 90s, 30m, 24h, 7d."},
    {.name = "waiting",
     .letter = 'w',
     .type = OPTION_FLAG,
     .offset = offsetof(struct list_options, waiting),
     .help = "Only letters that `replay` would put back."},
    {.name = "limit",
     .letter = 'n',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct list_options, limit),
     .default_text = "20",
     .min = 0,
     .max = LIST_MAX,
     .help = "Letters to show, the newest ones; 0 = all, in the order of the topic. The summary "
             "counts all in any case."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct list_options, json),
     .help = "Print one JSON object a line, bytes and headers whole in base64; the last line is "
             "the summary."},
};

static const struct option_page list_page = {
    .name = "promostream dead-letters list",
    .summary = "show the messages that could not be used",
    .synopsis = "[--reason REASON]... [--since AGE] [--waiting] [--limit N] [--json] "
                "[--config FILE]",
    .description =
        "Reads the topic `dead-letters` and prints a line for each letter: when it was written, "
        "where it stands, where it came from, the verdict, key, size and number of headers, the "
        "beginning of the value; at the end a count per verdict. A letter may be marked "
        "[replayed]: "
        "put back before; [cut]: too long to be kept whole; [foreign]: from a topic or partition "
        "that is no input of this configuration; [again]: put back more than three times already. "
        "Letters without a mark are waiting.",
    .exit_status = command_exit_status,
    .examples = " promostream dead-letters list --since 1h\n"
                " promostream dead-letters list --reason missing_field --limit 0 --json",
    .rows = list_rows,
    .row_count = sizeof list_rows / sizeof list_rows[0],
};

struct shown {
    int64_t written_ms;
    size_t place; /* in the order of reading */
    struct buffer text;
};

struct listing {
    const struct list_options *options;
    struct letters letters;
    struct letter_filter filter;
    struct letter_tally tally;
    struct shown *shown; /* a heap of the newest, the oldest of them first; limit of them */
    size_t shown_count, seen;
};

static bool is_older(const struct shown *a, const struct shown *b) {
    return a->written_ms != b->written_ms ? a->written_ms < b->written_ms : a->place < b->place;
}

static void swap(struct shown *a, struct shown *b) {
    struct shown kept = *a;
    *a = *b;
    *b = kept;
}

/* The first item moves down to its place. */
static void sink(struct shown *heap, size_t count) {
    for (size_t at = 0;;) {
        size_t oldest = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            oldest = is_older(&heap[child], &heap[oldest]) ? child : oldest;
        }
        if (oldest == at) {
            return;
        }
        swap(&heap[at], &heap[oldest]);
        at = oldest;
    }
}

static void rise(struct shown *heap, size_t at) {
    while (at > 0 && is_older(&heap[at], &heap[(at - 1) / 2])) {
        swap(&heap[at], &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void render(const struct listing *listing, const struct letter *letter,
                   enum letter_verdict verdict, struct buffer *out) {
    (listing->options->json ? letter_render_json : letter_render_line)(letter, verdict, out);
}

static void keep_newest(struct listing *listing, const struct letter *letter,
                        enum letter_verdict verdict) {
    size_t limit = (size_t)listing->options->limit;
    struct shown added = {.written_ms = letter->written_ms, .place = listing->seen++};
    if (listing->shown_count < limit) {
        render(listing, letter, verdict, &added.text);
        listing->shown[listing->shown_count++] = added;
        rise(listing->shown, listing->shown_count - 1);
    } else if (is_older(&listing->shown[0], &added)) {
        render(listing, letter, verdict, &added.text);
        buffer_clean_up(&listing->shown[0].text);
        listing->shown[0] = added;
        sink(listing->shown, listing->shown_count);
    }
}

static bool list_letter(void *context, const struct letter *letter) {
    struct listing *listing = context;
    if (!letter_is_wanted(&listing->filter, letter)) {
        return true;
    }
    enum letter_verdict verdict =
        letter_judge(&listing->letters.rules, &listing->letters.notes, letter);
    letter_tally_add(&listing->tally, letter->row->reason, verdict);
    if (listing->options->waiting && verdict != LETTER_FIT) {
        return true;
    }
    if (listing->options->limit > 0) {
        keep_newest(listing, letter, verdict);
        return true;
    }
    struct buffer text = {0};
    render(listing, letter, verdict, &text);
    fwrite(text.data, 1, text.size, stdout);
    buffer_clean_up(&text);
    return !ferror(stdout);
}

static int compare_shown(const void *a, const void *b) {
    return is_older(a, b) ? -1 : 1;
}

static void show(struct listing *listing) {
    struct buffer text = {0};
    qsort(listing->shown, listing->shown_count, sizeof listing->shown[0], compare_shown);
    for (size_t i = 0; i < listing->shown_count; i++) {
        buffer_append(&text, buffer_bytes(&listing->shown[i].text));
    }
    if (!listing->options->json && (listing->shown_count > 0 || listing->options->limit == 0)) {
        buffer_append_byte(&text, '\n');
    }
    letter_tally_sort(&listing->tally);
    letter_render_summary(&listing->tally, listing->letters.unreadable, listing->options->json,
                          &text);
    fwrite(text.data, 1, text.size, stdout);
    buffer_clean_up(&text);
}

static int list(const struct pipeline_config *config, const struct list_options *options) {
    struct listing *listing = memory_new(1, sizeof *listing);
    listing->options = options;
    listing->shown = memory_new((size_t)options->limit + 1, sizeof *listing->shown);
    listing->filter = (struct letter_filter){
        .reasons = &options->reasons,
        .since_ms =
            options->since_ms > 0 ? clock_now_ms(clock_system()) - options->since_ms : INT64_MIN,
    };
    struct failure failure = letters_open(config, &listing->letters);
    listing->letters.rules.again_max = LETTER_AGAIN_MAX;
    if (!failed(failure)) {
        failure = letters_read_notes(&listing->letters);
    }
    if (!failed(failure)) {
        failure = letters_visit(&listing->letters, list_letter, listing);
    }
    if (!failed(failure)) {
        show(listing);
    }
    for (size_t i = 0; i < listing->shown_count; i++) {
        buffer_clean_up(&listing->shown[i].text);
    }
    letters_close(&listing->letters);
    free(listing->shown);
    free(listing);
    return failed(failure) ? command_failed(list_page.name, failure) : COMMAND_OK;
}

static int command_list(int argc, char **argv) {
    struct list_options options = {0};
    int code = COMMAND_OK;
    if (!command_options(&list_page, argc, argv, &options, &code)) {
        return code;
    }
    struct pipeline_config config;
    code = command_load_config(list_page.name, options.config, &config);
    if (code == COMMAND_OK) {
        code = list(&config, &options);
        pipeline_config_clean_up(&config);
    }
    return code;
}

/* ---- the verbs ---- */

static const struct option_page page = {
    .name = "promostream dead-letters",
    .summary = "show the messages that could not be used, and put them back",
    .synopsis = "list [OPTION]...\nreplay [OPTION]...",
    .description =
        "A message that is no event, or one that cannot be used, gets a verdict and goes to the "
        "topic `dead-letters` with its key, bytes and headers. `list` shows them; `replay` puts "
        "them back to where they came from, each once, after the mapping, the schema or the "
        "configuration has been repaired. Each verb has its own --help.",
    .exit_status = command_exit_status,
    .examples = " promostream dead-letters list --since 1h\n"
                " promostream dead-letters replay --reason missing_field --since 1h --dry-run",
};

int command_dead_letters(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "list") == 0) {
        return command_list(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "replay") == 0) {
        return command_dead_letters_replay(argc - 1, argv + 1);
    }
    bool is_help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    options_help(&page, is_help ? stdout : stderr);
    return is_help ? COMMAND_OK : COMMAND_USAGE;
}
