#include "producer/simulate_options.h"

#include <string.h>

#include "producer/commands.h"

static const char *const nuisance_names[] = {"as-world", "off", "on",
                                             NULL}; /* enum shop_switch's order */

#define FIELD(name) offsetof(struct simulate_options, name)

static const struct option_row own_rows[] = {
    {.name = "world",
     .letter = 'w',
     .argument = "NAME|FILE",
     .type = OPTION_TEXT,
     .offset = FIELD(world),
     .default_text = "base",
     .help = "A built-in world, see WORLDS above, or a world file (.yaml)."},
    {.name = "seed",
     .letter = 's',
     .argument = "N",
     .type = OPTION_INT,
     .offset = FIELD(seed),
     .default_text = "1",
     .help = "The same seed, world, users and days give the same events, byte for byte."},
    {.name = "users",
     .letter = 'u',
     .argument = "N",
     .type = OPTION_INT,
     .offset = FIELD(users),
     .default_text = "10000",
     .min = 1,
     .max = (double)SHOP_USERS_MAX,
     .help = "Shoppers."},
    {.name = "days",
     .letter = 'd',
     .argument = "N",
     .type = OPTION_INT,
     .offset = FIELD(days),
     .default_text = "30",
     .min = 1,
     .max = SHOP_DAYS_MAX,
     .help = "Days on which sessions begin; orders and returns that follow from them come later."},
    {.name = "start",
     .argument = "INSTANT",
     .type = OPTION_INSTANT_MS,
     .offset = FIELD(start_ms),
     .default_text = "2025-01-06",
     .help = "Midnight UTC of the first day."},
    {.name = "count",
     .letter = 'c',
     .argument = "N",
     .type = OPTION_INT,
     .offset = FIELD(count),
     .default_text = "0",
     .help = "End after N events of the clickstream; 0 for all that the days hold."},
    {.name = "nuisance",
     .argument = "HOW",
     .type = OPTION_CHOICE,
     .offset = FIELD(nuisance),
     .default_text = "as-world",
     .choices = nuisance_names,
     .help = "Duplicates, late and lost events, skewed clocks, missing fields, bots, guests, "
             "refunds. They "
             "never change what shoppers do."},
    {.name = "consent-granted",
     .argument = "SHARE",
     .type = OPTION_NUMBER,
     .offset = FIELD(consent_granted),
     .max = 1,
     .help =
         "Share of users who have consented; with --consent-denied. Default: as the world says."},
    {.name = "consent-denied",
     .argument = "SHARE",
     .type = OPTION_NUMBER,
     .offset = FIELD(consent_denied),
     .max = 1,
     .help = "Share of users who have refused; the rest is unknown."},
    {.name = "rate",
     .letter = 'r',
     .argument = "N",
     .type = OPTION_NUMBER,
     .offset = FIELD(rate),
     .default_text = "0",
     .max = 1e9,
     .help = "Send at most N messages a second; 0 for no limit. After a stall at most 100 ms are "
             "made up for."},
    {.name = "speed",
     .argument = "X",
     .type = OPTION_NUMBER,
     .offset = FIELD(speed),
     .default_text = "0",
     .max = 1e9,
     .help = "Let X simulated seconds pass in a second (86400: a day a second); 0 for no limit."},
    {.name = "truth",
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = FIELD(truth),
     .help = "Write the truth about each abandoned cart, one JSON object a line: latent class, "
             "probability of buying and value under every offer, the same as the best observer "
             "would expect them, outcome."},
    {.name = "causes",
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = FIELD(causes),
     .help = "Write every nuisance that was applied to a message, one JSON object a line: what was "
             "done, to whose message, under which key, when it happened, what time it bears, when "
             "it arrives."},
    {.name = "listen",
     .argument = "TOPIC",
     .type = OPTION_TEXT,
     .offset = FIELD(listen),
     .help = "Read pushes from this topic (promotion-pushes), read_committed, from its end on: "
             "shoppers "
             "react to them and push feedback is sent."},
    {.name = "policy",
     .argument = "NAME",
     .type = OPTION_CHOICE,
     .offset = FIELD(policy),
     .default_text = "none",
     .choices = shop_policy_names,
     .help = "Let a built-in policy choose an offer for each abandoned cart, in force just before "
             "the cart's decision: the shop without promostream. bayes knows all that can be seen, "
             "oracle the latent class too; propensity sends 10 % to whoever is likely to buy "
             "anyway. Not with --listen. The end summary compares all of them in any case."},
    {.name = "report-from-day",
     .argument = "N",
     .type = OPTION_INT,
     .offset = FIELD(report_from_day),
     .default_text = "0",
     .max = SHOP_DAYS_MAX - 1,
     .help = "Leave decisions before day N, the first being 0, out of the comparison of policies: "
             "a learner's warm-up."},
    {.name = "listen-grace",
     .argument = "DURATION",
     .type = OPTION_DURATION_MS,
     .offset = FIELD(listen_grace_ms),
     .default_text = "5s",
     .help =
         "With --listen: how long to wait for further pushes when the shop has no more to say."},
    {.name = "feedback-topic",
     .argument = "TOPIC",
     .type = OPTION_TEXT,
     .offset = FIELD(feedback_topic),
     .default_text = "push-feedback",
     .help =
         "With --listen: topic for push_delivered, push_opened, push_dismissed; each goes to the "
         "partition number of its push."},
    {.name = "catalogue-topic",
     .argument = "TOPIC",
     .type = OPTION_TEXT,
     .offset = FIELD(catalogue_topic),
     .help = "Send the items there, all of them before the first event, then every change."},
    {.name = "profiles-topic",
     .argument = "TOPIC",
     .type = OPTION_TEXT,
     .offset = FIELD(profiles_topic),
     .help = "Send the users' profiles there, before the first event."},
    {.name = "print-world",
     .type = OPTION_FLAG,
     .offset = FIELD(prints_world),
     .help = "Write a whole world file with its defaults and comments, and end."},
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

static const char description[] = "Generates the events of a shop in which everything that "
                                  "promostream tries to learn has a known true "
                                  "value: who buys anyway, whom an offer moves, whom it disturbs. "
                                  "Every choice is a seeded draw.\n"
                                  "\n"
                                  "Events are canonical (schemas/event.avsc), keyed by the user or "
                                  "the guest, in the order of their "
                                  "arrival; the record's timestamp is the simulated time of "
                                  "arrival, the event's own time may differ "
                                  "(late events, skewed clocks). Simulated time begins at --start, "
                                  "in the past. Without --rate and "
                                  "--speed everything is sent as fast as it is taken.\n"
                                  "\n"
                                  "promostream's embedded broker keeps 5 MiB a partition and drops "
                                  "the oldest: choose --rate so that the "
                                  "reader keeps up and no more than about 2 MiB are unread.\n"
                                  "\n"
                                  "Progress goes to standard error: once a second on a terminal, "
                                  "every ten seconds elsewhere. The end "
                                  "summary with the shop's base rates goes to standard output.\n"
                                  "\n"
                                  "WORLDS\n";

static const char examples[] =
    " clickfeed simulate --users 100000 --days 60 --output shop.avro\n"
    " clickfeed simulate -b localhost:9092 --partitions 8 --catalogue-topic catalogue \\\n"
    "     --profiles-topic profiles --listen promotion-pushes --speed 3600\n"
    " clickfeed simulate --world dirty --seed 7 --days 4 --dry-run --json\n";

/* The description with the table of worlds behind it. */
static void write_description(struct buffer *out) {
    buffer_append(out, bytes_of_text(description));
    for (const struct shop_world_name *world = shop_worlds; world->name; world++) {
        buffer_format(out, " %-10s %s\n", world->name, world->help);
    }
    buffer_append_byte(out, '\0');
}

static enum options_verdict parse(int argc, char **argv, struct simulate_options *options) {
    struct option_row rows[TARGET_OPTIONS_COUNT + OWN_COUNT];
    memcpy(rows, own_rows, sizeof own_rows);
    memcpy(rows + OWN_COUNT, target_options_rows, sizeof target_options_rows);
    struct buffer text = {0};
    write_description(&text);
    struct option_page page = {
        .name = SIMULATE_NAME,
        .summary = "generate the events of a shop whose truth is known",
        .synopsis = "[OPTION]...",
        .description = (const char *)text.data,
        .exit_status = FEED_EXIT_STATUS,
        .examples = examples,
        .rows = rows,
        .row_count = TARGET_OPTIONS_COUNT + OWN_COUNT,
    };
    struct option_arguments arguments;
    enum options_verdict verdict = options_parse(&page, argc, argv, options, &arguments, stderr);
    if (verdict == OPTIONS_HELP) {
        options_help(&page, stdout);
    }
    buffer_clean_up(&text);
    return verdict;
}

/* What the table cannot say. */
static bool check(const struct simulate_options *options) {
    bool needs_broker = options->listen || options->catalogue_topic || options->profiles_topic;
    bool is_good = target_options_check(&options->target, SIMULATE_NAME, stderr);
    if (needs_broker && !options->target.brokers) {
        fprintf(stderr, "%s: --listen, --catalogue-topic and --profiles-topic need --brokers\n",
                SIMULATE_NAME);
        is_good = false;
    }
    if (options->listen && options->policy != SHOP_POLICY_NONE) {
        fprintf(stderr, "%s: --policy and --listen: expected one of them\n", SIMULATE_NAME);
        is_good = false;
    }
    if (options->report_from_day >= options->days) {
        fprintf(stderr, "%s: --report-from-day: expected a day below --days\n", SIMULATE_NAME);
        is_good = false;
    }
    if (isnan(options->consent_granted) != isnan(options->consent_denied) ||
        options->consent_granted + options->consent_denied > 1) {
        fprintf(stderr,
                "%s: --consent-granted and --consent-denied: expected both, together at most 1\n",
                SIMULATE_NAME);
        is_good = false;
    }
    return is_good;
}

enum options_verdict simulate_options_parse(int argc, char **argv, struct simulate_options *out) {
    *out = (struct simulate_options){.consent_granted = NAN, .consent_denied = NAN};
    enum options_verdict verdict = parse(argc, argv, out);
    if (verdict == OPTIONS_OK && !out->prints_world && !check(out)) {
        return OPTIONS_ERROR;
    }
    return verdict;
}

struct shop_options simulate_shop_options(const struct simulate_options *options) {
    struct shop_options shop = shop_options_default();
    shop.world = options->world;
    shop.seed = (uint64_t)options->seed;
    shop.users = options->users;
    shop.days = (int)options->days;
    shop.start_ms = options->start_ms;
    shop.nuisance = (enum shop_switch)options->nuisance;
    shop.consent_granted = options->consent_granted;
    shop.consent_denied = options->consent_denied;
    shop.with_catalogue_changes = options->catalogue_topic != NULL;
    shop.truth_path = options->truth;
    shop.policy = (enum shop_policy)options->policy;
    shop.report_from_day = (int)options->report_from_day;
    shop.causes_path = options->causes;
    return shop;
}
