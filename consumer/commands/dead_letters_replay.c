#include "consumer/commands/dead_letters_replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "broker/producer_txn.h"
#include "consumer/commands/dead_letters_edits.h"
#include "consumer/commands/dead_letters_read.h"
#include "consumer/commands/support.h"
#include "consumer/ops/printable.h"
#include "schemas/schemas.h"

#define BATCH_BYTES_MAX (8 << 20) /* of one transaction */
#define PROGRESS_NS     INT64_C(2000000000)
#define ID_SUFFIX       "-replay"
#define NEW_TOPIC_TRIES 20 /* for two seconds, or more */
#define NEW_TOPIC_NS    100000000

struct replay_options {
    const char *config, *to, *from;
    struct option_list reasons;
    int64_t since_ms, limit, again_max, batch;
    bool dry_run, json;
};

static const struct option_row rows[] = {
    COMMAND_CONFIG_ROW(struct replay_options),
    {.name = "reason",
     .letter = 'r',
     .argument = "REASON",
     .type = OPTION_TEXT_LIST,
     .offset = offsetof(struct replay_options, reasons),
     .help = "Only letters of this verdict, `missing_field` for example. Others wait."},
    {.name = "since",
     .letter = 's',
     .argument = "AGE",
     .type = OPTION_DURATION_MS,
     .offset = offsetof(struct replay_options, since_ms),
     .help = "Only letters written within this time: 90s, 30m, 24h, 7d. Others wait."},
    {.name = "limit",
     .letter = 'n',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct replay_options, limit),
     .default_text = "0",
     .min = 0,
     .max = 1e15,
     .help = "Put back at most so many, the oldest of each partition first; 0 = all."},
    {.name = "dry-run",
     .type = OPTION_FLAG,
     .offset = offsetof(struct replay_options, dry_run),
     .help = "Write nothing, disturb nobody; say what would be put back."},
    {.name = "to",
     .argument = "TOPIC",
     .type = OPTION_TEXT,
     .offset = offsetof(struct replay_options, to),
     .default_text = "",
     .help = "Another topic, which must exist: same partition number where it has that many, else "
             "by key. Once for this topic; a replay to where they came from is another one."},
    {.name = "from",
     .letter = 'f',
     .argument = "FILE",
     .type = OPTION_TEXT,
     .offset = offsetof(struct replay_options, from),
     .default_text = "",
     .help = "Only the letters of this file, with the values and keys that stand there: lines of "
             "`list --json`, repaired; - is standard input. See REPAIRED LETTERS."},
    {.name = "again-max",
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct replay_options, again_max),
     .default_text = LETTER_AGAIN_MAX_TEXT,
     .min = 0,
     .max = 1000,
     .help = "Leave out records that failed again after more than so many replays."},
    {.name = "batch",
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct replay_options, batch),
     .default_text = "500",
     .min = 1,
     .max = 100000,
     .help = "Letters of one transaction."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct replay_options, json),
     .help = "Print the summary as one JSON object."},
};

static const struct option_page page = {
    .name = "promostream dead-letters replay",
    .summary = "put dead letters back to where they came from, each once",
    .synopsis = "[--reason REASON]... [--since AGE] [--limit N] [--dry-run] [--to TOPIC] "
                "[--from FILE] [--again-max N] [--json] [--config FILE]",
    .description =
        "Writes the record of each letter that was not put back before to the topic and partition "
        "that it came from, with its key, bytes, headers and timestamp, and the headers "
        "promostream-dead-letter (PARTITION@OFFSET of the letter) and promostream-reason. "
        "Workers then read it like any other: as a late event, if time has gone on.\n\n"
        "Each letter is put back once, however often the command runs, is killed, or meets a twin: "
        "record and note of it are one transaction. Letters that the options leave out wait. "
        "Running it again puts back what is new.\n\n"
        "Letters that were too long to be kept whole, or came from elsewhere than `clickstream` or "
        "`push-feedback`, are counted and left. A record that fails again becomes a new letter "
        "with those headers in it.\n\n"
        "REPAIRED LETTERS: `list --json` prints a line for each letter. Change its value_base64, "
        "or write the new value as a text, \"value\": \"...\"; key_base64 and key likewise; null "
        "is null. What is left out stays as it was, and so do headers, partition and time. Lines "
        "that you delete wait. The file is checked whole before anything is written.",
    .exit_status = command_exit_status,
    .examples = " promostream dead-letters replay --reason missing_field --since 1h --dry-run\n"
                " promostream dead-letters replay --reason missing_field --since 1h\n"
                " promostream dead-letters list --waiting --limit 0 --json |\n"
                "   jq -c 'select(.value_base64) | .value = (.value_base64 | @base64d |\n"
                "     sub(\"veiw\"; \"view\"))' | promostream dead-letters replay --from -",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
};

struct replaying {
    const struct replay_options *options;
    struct letters letters;
    struct letter_filter filter;
    struct letter_edits edits;     /* of --from */
    struct letter_tally tally;     /* committed */
    struct letter_tally pending;   /* of the transaction under way */
    struct producer_txn *producer; /* NULL: a dry run */
    int32_t to_partitions;
    size_t batch_count, batch_bytes;
    int64_t picked, started_ns, said_ns;
    struct failure failure;
    struct buffer note; /* scratch */
};

/* ---- one letter ---- */

static int32_t partition_of(const struct replaying *replaying, const struct dead_letter_row *row) {
    bool is_same = replaying->to_partitions == 0 || row->partition < replaying->to_partitions;
    return is_same ? row->partition : topic_partition_of_key(row->key, replaying->to_partitions);
}

/* row: the letter's own, or what was made of it. */
static struct failure send_record(struct replaying *replaying, const struct letter *letter,
                                  const struct dead_letter_row *row, const char *to) {
    struct record_header headers[ROW_HEADERS_MAX + 2];
    size_t count = 0;
    for (; count < row->header_count; count++) {
        headers[count] = (struct record_header){row->headers[count].key, row->headers[count].value};
    }
    char place[48];
    snprintf(place, sizeof place, "%" PRId32 "@%" PRId64, letter->partition, letter->offset);
    headers[count++] =
        (struct record_header){bytes_of_text(LETTER_HEADER_FROM), bytes_of_text(place)};
    headers[count++] = (struct record_header){bytes_of_text(LETTER_HEADER_REASON), row->reason};
    const struct producer_record record = {
        .topic = to,
        .partition = partition_of(replaying, row),
        .key = row->key,
        .value = row->value,
        .timestamp_ms = row->timestamp_ms,
        .headers = headers,
        .header_count = count,
    };
    replaying->batch_bytes += row->key.size + row->value.size;
    return producer_txn_send(replaying->producer, &record);
}

static struct failure send_note(struct replaying *replaying, const struct letter *letter,
                                struct bytes to) {
    const char *topic = replaying->letters.topic;
    struct dead_letter_row row = letter_note_of(letter, topic, to);
    buffer_clear(&replaying->note);
    wire_frame(WIRE_SINGLE_OBJECT, SCHEMA_DEAD_LETTER, 0, &replaying->note);
    dead_letter_encode(&row, &replaying->note);
    const struct producer_record record = {
        .topic = topic,
        .partition = letter->partition,
        .key = row.key,
        .value = buffer_bytes(&replaying->note),
        .timestamp_ms = -1,
    };
    return producer_txn_send(replaying->producer, &record);
}

static struct failure put_back(struct replaying *replaying, const struct letter *letter,
                               const struct dead_letter_row *row) {
    struct bytes to = letter_destination(&replaying->letters.rules, letter);
    char *topic = memory_copy_text(to);
    struct failure failure = send_record(replaying, letter, row, topic);
    if (!failed(failure)) {
        failure = send_note(replaying, letter, to);
    }
    free(topic);
    replaying->batch_count++;
    return failure;
}

/* ---- transactions ---- */

static void say_progress(struct replaying *replaying) {
    int64_t now_ns = clock_monotonic_ns();
    if (now_ns - replaying->said_ns >= PROGRESS_NS) {
        replaying->said_ns = now_ns;
        fprintf(stderr, "%s: %" PRId64 " put back after %.0f s\n", page.name,
                letter_tally_total(&replaying->tally, LETTER_FIT),
                (double)(now_ns - replaying->started_ns) / 1e9);
    }
}

static struct failure commit(struct replaying *replaying) {
    struct failure failure =
        replaying->producer ? producer_txn_commit(replaying->producer) : failure_none();
    if (failed(failure)) {
        return failure;
    }
    letter_tally_merge(&replaying->tally, &replaying->pending);
    replaying->batch_count = replaying->batch_bytes = 0;
    say_progress(replaying);
    return failure;
}

static bool replay_letter(void *context, const struct letter *letter) {
    struct replaying *replaying = context;
    const struct replay_options *options = replaying->options;
    const struct letter_edit *edit =
        options->from[0] ? letter_edits_find(&replaying->edits, letter) : NULL;
    if (!letter_is_wanted(&replaying->filter, letter) || (options->from[0] && !edit)) {
        return true;
    }
    struct letters *letters = &replaying->letters;
    enum letter_verdict verdict = letter_judge(&letters->rules, &letters->notes, letter);
    if (verdict == LETTER_FIT && replaying->producer) {
        struct dead_letter_row row = edit ? letter_edit_apply(edit, letter->row) : *letter->row;
        replaying->failure = put_back(replaying, letter, &row);
    }
    replaying->picked += verdict == LETTER_FIT;
    letter_tally_add(&replaying->pending, letter->row->reason, verdict);
    if (!failed(replaying->failure) && (replaying->batch_count >= (size_t)options->batch ||
                                        replaying->batch_bytes >= BATCH_BYTES_MAX)) {
        replaying->failure = commit(replaying);
    }
    bool is_full = options->limit > 0 && replaying->picked >= options->limit;
    return !failed(replaying->failure) && !is_full;
}

/* ---- the whole ---- */

/* A topic made a moment ago is not known to every broker yet. */
static struct failure count_new_topic(const struct topic_read_request *request, int32_t *out) {
    struct failure failure = topic_count(request, out);
    for (int tries = 1;
         !failed(failure) && *out == 0 && tries < NEW_TOPIC_TRIES && stop_requested == 0; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = NEW_TOPIC_NS}, NULL);
        failure = topic_count(request, out);
    }
    return failure;
}

static struct failure check_destination(struct replaying *replaying) {
    const struct pipeline_config *config = replaying->letters.config;
    const char *to = replaying->options->to;
    if (!to[0]) {
        return failure_none();
    }
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        if (topic != TOPIC_CLICKSTREAM && topic != TOPIC_PUSH_FEEDBACK &&
            strcmp(to, config->topics.full[topic]) == 0) {
            return failure_make(FAILURE_STOP, 0,
                                "--to: %s is a topic that promostream writes or reads itself", to);
        }
    }
    const struct topic_read_request request = {.bootstrap_servers =
                                                   config->broker.bootstrap_servers,
                                               .kafka = &config->broker.kafka,
                                               .topic = to};
    struct failure failure = count_new_topic(&request, &replaying->to_partitions);
    if (!failed(failure) && replaying->to_partitions == 0) {
        failure = failure_make(FAILURE_STOP, 0, "--to: there is no topic %s", to);
    }
    return failure;
}

static struct failure open_producer(struct replaying *replaying) {
    const struct pipeline_config *config = replaying->letters.config;
    char id[300];
    if (replaying->options->dry_run) {
        return failure_none();
    }
    /* Of the topic, not of the group: there may be one run at a time, whoever starts it. */
    snprintf(id, sizeof id, "%s" ID_SUFFIX, replaying->letters.topic);
    const struct producer_txn_config producer = {
        .bootstrap_servers = config->broker.bootstrap_servers,
        .kafka = &config->broker.kafka,
        .transactional_id = id,
        .transaction_timeout_ms = config->broker.transaction_timeout_ms,
    };
    return producer_txn_open(&producer, &replaying->producer);
}

static struct failure replay_all(struct replaying *replaying) {
    struct failure failure = check_destination(replaying);
    if (!failed(failure) && replaying->options->from[0]) {
        failure = letter_edits_read(&replaying->edits, replaying->options->from);
    }
    if (!failed(failure)) {
        failure = open_producer(replaying); /* before the notes are read: see the header */
    }
    if (!failed(failure)) {
        failure = letters_read_notes(&replaying->letters);
    }
    if (!failed(failure)) {
        failure = letters_visit(&replaying->letters, replay_letter, replaying);
    }
    if (!failed(failure)) {
        failure = replaying->failure;
    }
    if (!failed(failure)) {
        failure = commit(replaying);
    }
    size_t left = letter_edits_left(&replaying->edits);
    bool is_whole = !failed(failure) && !stop_requested && replaying->options->limit == 0;
    return is_whole && left > 0
               ? failure_make(FAILURE_STOP, 0, "%s: %zu of its letters are not in %s",
                              replaying->options->from, left, replaying->letters.topic)
               : failure;
}

static void print_json(const struct replaying *replaying, bool is_done) {
    static const char *const names[LETTER_VERDICT_COUNT] = {"replayed", "replayed_before", "cut",
                                                            "foreign", "too_often"};
    printf("{\"dry_run\":%s,\"done\":%s", replaying->options->dry_run ? "true" : "false",
           is_done ? "true" : "false");
    for (int verdict = 0; verdict < LETTER_VERDICT_COUNT; verdict++) {
        printf(",\"%s\":%" PRId64, names[verdict],
               letter_tally_total(&replaying->tally, (enum letter_verdict)verdict));
    }
    printf(",\"unreadable\":%" PRId64 "}\n", replaying->letters.unreadable);
}

static void print_count(int64_t count, const char *what) {
    struct buffer text = {0};
    printable_append_count(&text, count);
    printf("%.*s %s\n", BYTES_ARG(buffer_bytes(&text)), what);
    buffer_clean_up(&text);
}

static void print_text(struct replaying *replaying) {
    letter_tally_sort(&replaying->tally);
    const struct letter_tally *tally = &replaying->tally;
    print_count(letter_tally_total(tally, LETTER_FIT),
                replaying->options->dry_run ? "would be put back" : "put back");
    for (size_t i = 0; i < tally->count; i++) {
        if (tally->rows[i].counts[LETTER_FIT] > 0) {
            printf("  ");
            print_count(tally->rows[i].counts[LETTER_FIT], tally->rows[i].reason);
        }
    }
    for (int verdict = LETTER_FIT + 1; verdict < LETTER_VERDICT_COUNT; verdict++) {
        int64_t count = letter_tally_total(tally, (enum letter_verdict)verdict);
        if (count > 0) {
            print_count(count, letter_verdict_texts[verdict]);
        }
    }
    if (replaying->letters.unreadable > 0) {
        print_count(replaying->letters.unreadable, "rows are no letters of this version");
    }
}

static int replay(const struct pipeline_config *config, const struct replay_options *options) {
    struct replaying *replaying = memory_new(1, sizeof *replaying);
    replaying->options = options;
    replaying->filter = (struct letter_filter){
        .reasons = &options->reasons,
        .since_ms =
            options->since_ms > 0 ? clock_now_ms(clock_system()) - options->since_ms : INT64_MIN,
    };
    replaying->started_ns = replaying->said_ns = clock_monotonic_ns();
    struct failure failure = letters_open(config, &replaying->letters);
    replaying->letters.rules.to = bytes_of_text(options->to);
    replaying->letters.rules.again_max = options->again_max;
    if (!failed(failure)) {
        failure = replay_all(replaying);
    }
    bool is_done = !failed(failure) && !stop_requested;
    if (options->json) {
        print_json(replaying, is_done);
    } else {
        print_text(replaying);
    }
    int code = failed(failure) ? command_failed(page.name, failure) : COMMAND_OK;
    if (!is_done) {
        fprintf(stderr, "%s: not done; what was put back is noted, run it again for the rest\n",
                page.name);
        code = code == COMMAND_OK ? COMMAND_FAILED : code;
    }
    producer_txn_close(replaying->producer);
    letters_close(&replaying->letters);
    buffer_clean_up(&replaying->note);
    letter_edits_clean_up(&replaying->edits);
    free(replaying);
    return code;
}

int command_dead_letters_replay(int argc, char **argv) {
    struct replay_options options = {0};
    int code = COMMAND_OK;
    if (!command_options(&page, argc, argv, &options, &code)) {
        return code;
    }
    struct pipeline_config config;
    code = command_load_config(page.name, options.config, &config);
    if (code == COMMAND_OK) {
        code = replay(&config, &options);
        pipeline_config_clean_up(&config);
    }
    return code;
}
