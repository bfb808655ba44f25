/* inspect: what the topics say of one user, read beside running workers: no group, no writing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pseudonym.h"
#include "consumer/commands/inspect.h"
#include "consumer/commands/kept.h"
#include "consumer/commands/support.h"
#include "consumer/ops/printable.h"
#include "consumer/rooms/user_store.h"
#include "schemas/schemas.h"

#define NO_PARTITION (-1)

struct inspect_options {
    const char *config;
    int64_t last;
    bool json, scan, pseudonym;
};

static const struct option_row rows[] = {
    COMMAND_CONFIG_ROW(struct inspect_options),
    {.name = "last",
     .letter = 'n',
     .argument = "N",
     .type = OPTION_INT,
     .offset = offsetof(struct inspect_options, last),
     .default_text = "5",
     .min = 0,
     .max = 1000,
     .help = "Decisions to show, the newest ones."},
    {.name = "scan",
     .type = OPTION_FLAG,
     .offset = offsetof(struct inspect_options, scan),
     .help = "Look into every partition, for a stream that is not keyed as Java's clients do it."},
    {.name = "pseudonym",
     .type = OPTION_FLAG,
     .offset = offsetof(struct inspect_options, pseudonym),
     .help = "Print the name that stands for USER in logs, by ops.pseudonym_key, and end."},
    {.name = "json",
     .type = OPTION_FLAG,
     .offset = offsetof(struct inspect_options, json),
     .help = "Print one JSON object."},
};

static const struct option_page page = {
    .name = "promostream inspect",
    .summary = "show what is known of a user, and what was decided",
    .synopsis = "USER [--config FILE] [--last N] [--scan] [--json]\n"
                "USER [--config FILE] --pseudonym",
    .description =
        "Reads `user-state`, `open-decisions` and `promotion-decisions` and prints what they say "
        "of one user: session, counters, cart, timers, consent, pushes against the caps, open "
        "decisions with what became of them so far, and the last decisions. Everything comes from "
        "the topics, as committed; a running worker is not asked and not disturbed. Times are "
        "event times in UTC.\n\n"
        "A partition is read from its start, which takes seconds for millions of users.",
    .exit_status = " 0  found\n 1  not found, or failed: standard error says which\n"
                   " 2  wrong usage or configuration\n 3  no broker answered in time\n"
                   " 6  refused by Kafka: a login, a certificate or a right is wrong",
    .examples = " promostream inspect anna\n promostream inspect anna --json | jq .open_decisions",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

struct inspecting {
    const struct pipeline_config *config;
    struct bytes user_id;
    int32_t partition, partition_count; /* NO_PARTITION until the user was found */
    bool is_whole;
    struct buffer state; /* newest row of user-state, empty = none */
    struct kept open, decisions;
};

/* ---- Reading ---- */

static void take_state(void *context, const struct record *record) {
    struct inspecting *inspecting = context;
    if (bytes_equal(record->key, inspecting->user_id)) {
        buffer_clear(&inspecting->state);
        buffer_append(&inspecting->state, record->value);
        inspecting->partition = record->partition;
    }
}

static void take_open(void *context, const struct record *record) {
    struct inspecting *inspecting = context;
    struct open_decision_row row;
    struct bytes body;
    kept_remove(&inspecting->open, record->key);
    if (record->value.data &&
        wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_OPEN_DECISION, 0, record->value, &body) &&
        open_decision_decode(body, &row) && bytes_equal(row.user_id, inspecting->user_id)) {
        kept_add(&inspecting->open, record->key, body);
    }
}

static void take_decision(void *context, const struct record *record) {
    struct inspecting *inspecting = context;
    struct bytes body;
    if (inspecting->decisions.newest_max > 0 && bytes_equal(record->key, inspecting->user_id) &&
        wire_unframe_output(SCHEMA_DECISION, record->value, &body)) {
        kept_add(&inspecting->decisions, record->key, body);
        inspecting->partition = record->partition;
    }
}

static struct failure read_one(struct inspecting *inspecting, enum topic topic, int32_t partition,
                               broker_visit *visit) {
    struct topic_read_result result;
    struct failure failure =
        command_read_topic(inspecting->config, topic, partition, visit, inspecting, &result);
    inspecting->is_whole = inspecting->is_whole && result.is_whole;
    return failure;
}

static struct failure read_all(struct inspecting *inspecting, bool scans) {
    struct failure failure = command_count_partitions(inspecting->config, TOPIC_USER_STATE,
                                                      &inspecting->partition_count);
    if (failed(failure) || inspecting->partition_count == 0) {
        return failed(failure) ? failure
                               : failure_make(FAILURE_STOP, 0, "there is no topic %s",
                                              inspecting->config->topics.full[TOPIC_USER_STATE]);
    }
    int32_t partition =
        scans ? TOPIC_ALL_PARTITIONS
              : topic_partition_of_key(inspecting->user_id, inspecting->partition_count);
    failure = read_one(inspecting, TOPIC_USER_STATE, partition, take_state);
    partition = inspecting->partition != NO_PARTITION ? inspecting->partition : partition;
    if (!failed(failure)) {
        failure = read_one(inspecting, TOPIC_OPEN_DECISIONS, partition, take_open);
    }
    if (!failed(failure)) {
        failure = read_one(inspecting, TOPIC_PROMOTION_DECISIONS, partition, take_decision);
    }
    return failure;
}

/* ---- Showing ---- */

/* NULL if there is no valid row. Lent by the store. */
static const struct user_state *decode_state(const struct inspecting *inspecting,
                                             struct user_store *store) {
    struct user_state_names names = user_store_names(store);
    struct bytes body;
    if (inspecting->state.size == 0 || !wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_USER_STATE, 0,
                                                     buffer_bytes(&inspecting->state), &body)) {
        return NULL;
    }
    uint32_t slot = user_store_renew(store, SLOT_NONE, hash64(inspecting->user_id, 0));
    struct user_state *user = &user_store_get(store, slot)->state;
    return user_state_decode(body, &names, user) ? user : NULL;
}

static void decode_rows(const struct inspecting *inspecting, struct open_decision_row *open,
                        struct decision_row *decisions, struct inspect_view *view) {
    for (size_t i = 0; i < inspecting->open.count; i++) {
        view->open_row_count += open_decision_decode(buffer_bytes(&inspecting->open.items[i].value),
                                                     &open[view->open_row_count]);
    }
    for (size_t i = 0; i < inspecting->decisions.count; i++) {
        view->decision_count += decision_decode(buffer_bytes(&inspecting->decisions.items[i].value),
                                                &decisions[view->decision_count]);
    }
}

static void show(const struct inspecting *inspecting, bool is_json) {
    struct timezone_set *zones = timezone_set_new(NULL);
    struct user_store store;
    user_store_init(&store, 1, zones);
    struct user_state_names names = user_store_names(&store);
    struct open_decision_row *open = memory_new(inspecting->open.count + 1, sizeof *open);
    struct decision_row *decisions = memory_new(inspecting->decisions.count + 1, sizeof *decisions);
    struct inspect_view view = {
        .user_id = inspecting->user_id,
        .partition = inspecting->partition,
        .partition_count = inspecting->partition_count,
        .state = decode_state(inspecting, &store),
        .names = &names,
        .decide = &inspecting->config->decide,
        .outcomes = &inspecting->config->outcomes,
        .open_rows = open,
        .decisions = decisions,
        .note = inspecting->is_whole ? "" : "  an open transaction hides the newest rows",
    };
    decode_rows(inspecting, open, decisions, &view);
    if (inspecting->state.size > 0 && !view.state) {
        view.note = "  the user's row in user-state is not valid";
    }
    struct buffer out = {0};
    inspect_render(&view, is_json, &out);
    fwrite(out.data, 1, out.size, stdout);
    buffer_clean_up(&out);
    free(open);
    free(decisions);
    user_store_clean_up(&store);
    timezone_set_destroy(zones);
}

static int not_found(const struct inspecting *inspecting, bool scanned) {
    struct buffer text = {0};
    printable_append(&text, inspecting->user_id, 80);
    fprintf(stderr, "%s: no user '%.*s' in ", page.name, BYTES_ARG(buffer_bytes(&text)));
    if (scanned) {
        fprintf(stderr, "any of %d partitions", (int)inspecting->partition_count);
    } else {
        fprintf(stderr, "partition %d of %d",
                (int)topic_partition_of_key(inspecting->user_id, inspecting->partition_count),
                (int)inspecting->partition_count);
    }
    fprintf(stderr, " of %s and %s%s\n", inspecting->config->topics.full[TOPIC_USER_STATE],
            inspecting->config->topics.full[TOPIC_PROMOTION_DECISIONS],
            scanned ? "" : "; --scan looks into all of them");
    buffer_clean_up(&text);
    return COMMAND_FAILED;
}

static int inspect(const struct pipeline_config *config, const struct inspect_options *options,
                   const char *user) {
    struct inspecting inspecting = {
        .config = config,
        .user_id = bytes_of_text(user),
        .partition = NO_PARTITION,
        .is_whole = true,
        .decisions = {.newest_max = (size_t)options->last},
    };
    int code = COMMAND_OK;
    struct failure failure = read_all(&inspecting, options->scan);
    if (failed(failure)) {
        code = command_failed(page.name, failure);
    } else if (inspecting.state.size == 0 && inspecting.decisions.count == 0) {
        code = not_found(&inspecting, options->scan);
    } else {
        show(&inspecting, options->json);
    }
    buffer_clean_up(&inspecting.state);
    kept_clean_up(&inspecting.open);
    kept_clean_up(&inspecting.decisions);
    return code;
}

static int print_pseudonym(const struct pipeline_config *config, const char *user) {
    if (config->ops.pseudonym_key[0] == '\0') {
        fprintf(stderr, "%s: ops.pseudonym_key is not set: each start names users anew\n",
                page.name);
        return COMMAND_FAILED;
    }
    struct pseudonym_key key = pseudonym_key_of(bytes_of_text(config->ops.pseudonym_key));
    printf("%s\n", pseudonym_of(&key, bytes_of_text(user)).text);
    return COMMAND_OK;
}

int command_inspect(int argc, char **argv) {
    struct inspect_options options = {0};
    const char *user;
    int code = COMMAND_OK;
    if (!command_options_of(&page, argc, argv, &options, &user, &code)) {
        return code;
    }
    struct pipeline_config config;
    code = command_load_config(page.name, options.config, &config);
    if (code != COMMAND_OK) {
        return code;
    }
    code = options.pseudonym ? print_pseudonym(&config, user) : inspect(&config, &options, user);
    pipeline_config_clean_up(&config);
    return code;
}
