#include "producer/import_options.h"

#include <string.h>

#include "base/timezone.h"
#include "producer/commands.h"
#include "producer/import_csv.h"
#include "producer/import_rees46.h"
#include "producer/import_retailrocket.h"

static const struct import_format *const formats[] = {&import_rees46, &import_retailrocket,
                                                      &import_csv};
#define FORMAT_COUNT (sizeof formats / sizeof formats[0])

static const char *const consent_names[] = {"unknown", "granted", NULL}; /* enum consent's order */

#define FIELD(name) offsetof(struct import_options, name)

static const struct option_row own_rows[] = {
    {.name = "map",
     .letter = 'm',
     .argument = "PART=COLUMN",
     .type = OPTION_TEXT_LIST,
     .offset = FIELD(map),
     .help = "csv: which column plays which part. Parts: time, type, user (required), item, price, "
             "quantity, category, category_fallback, brand, session, order, event_id, currency, "
             "timezone, consent."},
    {.name = "time-format",
     .argument = "FORMAT",
     .type = OPTION_CHOICE,
     .offset = FIELD(time_format),
     .default_text = "ms",
     .choices = time_format_names,
     .help = "csv: times are milliseconds or seconds since 1970 UTC, or ISO 8601 (UTC unless the "
             "text names an offset)."},
    {.name = "separator",
     .argument = "CHAR",
     .type = OPTION_TEXT,
     .offset = FIELD(separator),
     .default_text = ",",
     .help = "csv: what stands between fields; \"tab\" for a tab."},
    {.name = "consent",
     .argument = "HOW",
     .type = OPTION_CHOICE,
     .offset = FIELD(consent),
     .default_text = "unknown",
     .choices = consent_names,
     .help = "Consent to promotions of rows that do not say. Unknown is held by promostream."},
    {.name = "timezone",
     .argument = "ZONE",
     .type = OPTION_TEXT,
     .offset = FIELD(timezone),
     .help = "IANA time zone of users whose rows do not say (Europe/Berlin)."},
    {.name = "currency",
     .argument = "CODE",
     .type = OPTION_TEXT,
     .offset = FIELD(currency),
     .help = "ISO 4217 code of prices whose rows do not say (EUR)."},
    {.name = "sort",
     .letter = 's',
     .type = OPTION_FLAG,
     .offset = FIELD(is_sorted),
     .help =
         "Hold all events in memory and send them in time order, equal times in the order of the "
         "files. Without it they go out as they stand and rows out of order are counted."},
    {.name = "limit",
     .argument = "N",
     .type = OPTION_INT,
     .offset = FIELD(limit),
     .default_text = "0",
     .help = "Read no more than N events; 0 for all."},
    {.name = "rate",
     .letter = 'r',
     .argument = "N",
     .type = OPTION_NUMBER,
     .offset = FIELD(rate),
     .default_text = "0",
     .max = 1e9,
     .help = "Send at most N events a second; 0 for as fast as the broker takes them."},
    {.name = "row-bytes-max",
     .argument = "SIZE",
     .type = OPTION_SIZE_BYTES,
     .offset = FIELD(row_bytes_max),
     .default_text = "64K",
     .min = 64,
     .max = 64 * 1024 * 1024,
     .help = "Longer rows are rejected."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = FIELD(is_json),
     .help = "Write the end summary as one JSON object."},
    {.name = "summary-file",
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = FIELD(summary_file),
     .help = "Write the end summary as JSON to this file too."},
    {.name = "quiet",
     .letter = 'q',
     .type = OPTION_FLAG,
     .offset = FIELD(is_quiet),
     .help = "No progress lines."},
};
#define OWN_COUNT (sizeof own_rows / sizeof own_rows[0])

static const char description[] =
    "Reads shop logs and sends each row as one canonical event (schemas/event.avsc), keyed by its "
    "user, "
    "with the event's own time as the record's timestamp and without event ids, so that no row is "
    "taken for a duplicate. FORMAT is one of:\n"
    " rees46        Open CDP / REES46 logs: event_time, event_type, product_id, ...\n"
    "               Every purchase row is one order_completed.\n"
    " retailrocket  RetailRocket events.csv: timestamp, visitorid, event, itemid,\n"
    "               transactionid\n"
    " csv           any CSV file of one event a row, by --map\n"
    "\n"
    "FILE is a CSV file with a header row, plain or Zstandard (known by its content), or - for "
    "standard "
    "input. Several files are one log, in the order given.\n"
    "\n"
    "csv takes our own event names (product_viewed, product_added, ...) or one of view, cart, "
    "add_to_cart, addtocart, remove_from_cart, purchase, order, transaction. An empty quantity is "
    "1; "
    "an order's total is price times quantity.\n"
    "\n"
    "A row that cannot become an event is rejected and counted by reason, the first five are shown "
    "on "
    "standard error, and the import goes on. Reasons: row_too_long, bad_quote, wrong_field_count, "
    "bad_time, unknown_type, missing_user, missing_item, bad_price, bad_quantity, bad_consent, "
    "text_too_long, bad_utf8.\n"
    "\n"
    "Progress goes to standard error: once a second on a terminal, every ten seconds elsewhere. "
    "The end "
    "summary goes to standard output.";

static const char examples[] =
    " clickfeed import rees46 -b localhost:9092 --partitions 8 2019-Oct.csv.zst\n"
    " clickfeed import csv -b localhost:9092 --map time=ts --map type=event \\\n"
    "     --map user=customer --map item=sku --time-format iso log.csv\n"
    " zstdcat *.zst | clickfeed import retailrocket --dry-run --json -\n";

/* Splits "part=column" texts into settings. */
static bool parse_map(const struct option_list *list, struct import_settings *settings) {
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->items[i], *equals = strchr(text, '=');
        struct bytes part = bytes_of(text, equals ? (size_t)(equals - text) : 0);
        int field = 0;
        while (field < IMPORT_FIELD_COUNT &&
               !bytes_equal(part, bytes_of_text(import_field_names[field]))) {
            field++;
        }
        if (!equals || equals[1] == '\0' || field == IMPORT_FIELD_COUNT) {
            fprintf(stderr,
                    IMPORT_NAME ": --map: found %s, expected PART=COLUMN with a part of --help\n",
                    text);
            return false;
        }
        if (settings->map[field]) {
            fprintf(stderr, IMPORT_NAME ": --map: %s is mapped twice\n", import_field_names[field]);
            return false;
        }
        settings->map[field] = equals + 1;
    }
    return true;
}

static bool check_timezone(const char *name) {
    struct timezone_set *zones = timezone_set_new(NULL);
    bool is_known = timezone_find(zones, bytes_of_text(name)) != TIMEZONE_NONE;
    timezone_set_destroy(zones);
    if (!is_known) {
        fprintf(stderr, IMPORT_NAME ": --timezone: found %s, expected an IANA time zone\n", name);
    }
    return is_known;
}

static bool check_currency(const char *code) {
    bool is_code = strlen(code) == 3 && strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
    if (!is_code) {
        fprintf(stderr, IMPORT_NAME ": --currency: found %s, expected three capital letters\n",
                code);
    }
    return is_code;
}

static bool parse_separator(const char *text, char *out) {
    *out = strcmp(text, "tab") == 0 ? '\t' : text[0];
    if ((text[0] != '\0' && text[1] == '\0' && !strchr("\"\r\n", text[0])) || *out == '\t') {
        return true;
    }
    fprintf(stderr, IMPORT_NAME ": --separator: found %s, expected one character or \"tab\"\n",
            text);
    return false;
}

static const struct import_format *find_format(const char *name) {
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            return formats[i];
        }
    }
    fprintf(stderr, IMPORT_NAME ": found format %s, expected rees46, retailrocket or csv\n", name);
    return NULL;
}

/* The options as a plan; false after telling why not. */
static bool make_plan(const struct import_options *options, const char *format,
                      struct import_plan *out) {
    *out = (struct import_plan){
        .name = IMPORT_NAME,
        .format = find_format(format),
        .settings = {.consent = (enum consent)options->consent,
                     .timezone = bytes_of_text(options->timezone),
                     .currency = bytes_of_text(options->currency),
                     .time_format = (enum time_format)options->time_format},
        .csv = {.row_bytes_max = (size_t)options->row_bytes_max},
        .is_sorted = options->is_sorted,
        .limit = options->limit,
        .per_second = options->rate,
        .errors = stderr,
        .progress = options->is_quiet ? NULL : stderr,
    };
    bool is_good = out->format != NULL;
    if (is_good && options->map.count > 0 && out->format != &import_csv) {
        fprintf(stderr, "%s: --map is for csv; %s has its own columns\n", IMPORT_NAME, format);
        is_good = false;
    }
    /* Each of them, so that every error is told at once. */
    is_good = target_options_check(&options->target, IMPORT_NAME, stderr) && is_good;
    is_good = parse_map(&options->map, &out->settings) && is_good;
    is_good = parse_separator(options->separator, &out->csv.separator) && is_good;
    is_good = (!options->timezone || check_timezone(options->timezone)) && is_good;
    is_good = (!options->currency || check_currency(options->currency)) && is_good;
    return is_good;
}

/* The whole page: the target's options, then ours. */
static enum options_verdict parse(int argc, char **argv, struct import_options *options,
                                  struct option_arguments *arguments) {
    struct option_row rows[TARGET_OPTIONS_COUNT + OWN_COUNT];
    memcpy(rows, target_options_rows, sizeof target_options_rows);
    memcpy(rows + TARGET_OPTIONS_COUNT, own_rows, sizeof own_rows);
    struct option_page page = {
        .name = IMPORT_NAME,
        .summary = "send a shop's log as events",
        .synopsis = "FORMAT [OPTION]... FILE...",
        .description = description,
        .exit_status = FEED_EXIT_STATUS,
        .examples = examples,
        .rows = rows,
        .row_count = TARGET_OPTIONS_COUNT + OWN_COUNT,
        .arguments_min = 2,
        .arguments_max = -1,
    };
    enum options_verdict verdict = options_parse(&page, argc, argv, options, arguments, stderr);
    if (verdict == OPTIONS_HELP) {
        options_help(&page, stdout);
    }
    return verdict;
}

enum options_verdict import_options_parse(int argc, char **argv, struct import_options *out,
                                          struct import_plan *out_plan,
                                          struct option_arguments *out_files) {
    struct option_arguments arguments;
    *out = (struct import_options){0};
    enum options_verdict verdict = parse(argc, argv, out, &arguments);
    if (verdict != OPTIONS_OK) {
        return verdict;
    }
    if (!make_plan(out, arguments.items[0], out_plan)) {
        return OPTIONS_ERROR;
    }
    *out_files =
        (struct option_arguments){.items = arguments.items + 1, .count = arguments.count - 1};
    return OPTIONS_OK;
}
