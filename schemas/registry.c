/* A table of ids under one mutex, and a thread that settles those that are waiting:
 *
 *     WAITING ---- the folder or the registry knows it ----> FOUND    for good
 *        |  ^ ---- neither does ---------------------------> UNKNOWN  waits again if it is asked
 *        |  |                                                         for after retry_max
 *        |  '----- no answer: due again after a back-off
 *        '-------- it is no schema that we read -----------> REFUSED  for good, but a file's: as
 *                                                                     UNKNOWN
 *
 * Requests for ids that turn out not to exist are spaced, so that a hostile stream cannot make us
 * hammer the registry: a burst of BURST_MS / SPACING_MS, then one per SPACING_MS. After a failure
 * nothing is requested until the back-off is over: that of the registry, which doubles with every
 * failure in a row, and that of the id, which doubles with its own failures. */
#include "schemas/registry.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "schemas/canonical.h"
#include "schemas/registry_fetch.h"
#include "schemas/registry_folder.h"
#include "schemas/registry_table.h"

#define METRICS_ROW_STRUCT struct registry_metrics
METRICS_TABLE(registry_metrics, REGISTRY_METRICS)
#undef METRICS_ROW_STRUCT

#define SPACING_MS     20
#define BURST_MS       1000
#define LOG_EVERY_MS   10000
#define MILLISECOND_NS 1000000
#define NEVER_MS       INT64_MAX

struct registry {
    const struct registry_config *config;
    const struct log_sink *log;
    struct registry_http *http; /* NULL without url */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* under the mutex */
    bool is_closing;
    struct registry_table table;
    bool is_scan_wanted;
    int64_t scan_due_ms; /* a fingerprint that is not known is looked for again after this */
    char trouble[240];
    struct registry_metrics metrics;
    bool is_full;
    /* the thread's own */
    struct folder_seen seen;
    int failures;            /* in a row */
    int64_t retry_due_ms;    /* end of the registry's back-off */
    int64_t spaced_until_ms; /* requests for unknown ids have used up the time until then */
    int64_t failure_log_ms, unknown_log_ms, write_log_ms;
    bool is_failure_logged;
};

/* What became of one id; everything but the state is for FOUND, or for people. */
struct outcome {
    enum fetch_result result;
    bool is_from_file;
    struct writer_schema *schema; /* FETCH_FOUND */
    bool has_print;
    uint64_t fingerprint;
    char reason[240];
};

static void wait_until(struct registry *registry, int64_t until_ms) {
    if (until_ms == NEVER_MS) {
        pthread_cond_wait(&registry->changed, &registry->mutex);
        return;
    }
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                             .tv_nsec = (long)(until_ms % 1000) * MILLISECOND_NS};
    pthread_cond_timedwait(&registry->changed, &registry->mutex, &until);
}

static int64_t back_off_ms(const struct registry_config *config, int failures) {
    int64_t wait_ms = config->retry_min_ms;
    for (int i = 1; i < failures && wait_ms < config->retry_max_ms; i++) {
        wait_ms *= 2;
    }
    return wait_ms < config->retry_max_ms ? wait_ms : config->retry_max_ms;
}

/* True at most once in LOG_EVERY_MS. */
static bool may_log(int64_t *next_ms) {
    int64_t now = clock_monotonic_ms();
    if (now < *next_ms) {
        return false;
    }
    *next_ms = now + LOG_EVERY_MS;
    return true;
}

/* ---- schemas ---- */

static void read_schema(struct bytes text, struct outcome *out) {
    struct failure failure = writer_schema_parse(text, &out->schema);
    if (failed(failure)) {
        out->result = FETCH_REFUSED;
        snprintf(out->reason, sizeof out->reason, "%s", failure.text);
        return;
    }
    out->result = FETCH_FOUND;
    struct buffer canonical = {0};
    out->has_print = canonical_schema(text, &canonical);
    out->fingerprint = canonical_fingerprint(buffer_bytes(&canonical));
    buffer_clean_up(&canonical);
}

/* The mutex is held. */
static void own(struct registry *registry, const struct outcome *outcome) {
    registry_table_own(&registry->table, outcome->schema);
    if (outcome->has_print) {
        registry_table_add_print(&registry->table, outcome->fingerprint, outcome->schema);
    }
    metric_set(&registry->metrics.schemas, (int64_t)registry->table.schema_count);
}

/* The mutex is held. */
static void settle(struct registry *registry, struct table_entry *entry, enum entry_state state,
                   int64_t due_ms) {
    registry_table_settle(&registry->table, entry, state, due_ms);
    metric_set(&registry->metrics.waiting, (int64_t)registry->table.waiting_count);
}

/* ---- the folder ---- */

/* The thread, or registry_new before there is one. */
static void take_file(void *context, const char *name, struct bytes text) {
    struct registry *registry = context;
    struct outcome outcome = {0};
    read_schema(text, &outcome);
    if (outcome.result != FETCH_FOUND) {
        log_warn(registry->log, "registry", "a file is no schema that is read file=%s/%s: %s",
                 registry->config->folder, name, outcome.reason);
        return;
    }
    pthread_mutex_lock(&registry->mutex);
    own(registry, &outcome);
    uint32_t id;
    if (folder_id_of(name, &id)) {
        struct table_entry *entry = registry_table_find(&registry->table, id);
        entry = entry ? entry : registry_table_add(&registry->table, id);
        if (entry && entry->state != ENTRY_FOUND) {
            settle(registry, entry, ENTRY_FOUND, NEVER_MS);
            entry->schema = outcome.schema;
        }
    }
    pthread_mutex_unlock(&registry->mutex);
}

static void scan(struct registry *registry) {
    pthread_mutex_unlock(&registry->mutex);
    struct failure failure =
        folder_scan(registry->config->folder, &registry->seen, take_file, registry);
    if (failed(failure) && may_log(&registry->failure_log_ms)) {
        log_warn(registry->log, "registry", "%s", failure.text);
    }
    pthread_mutex_lock(&registry->mutex);
    registry->is_scan_wanted = false;
    registry->scan_due_ms = clock_monotonic_ms() + registry->config->retry_max_ms;
}

static void look_into_folder(struct registry *registry, uint32_t id, struct outcome *out) {
    struct buffer text = {0};
    out->result = FETCH_MISSING;
    out->is_from_file = true;
    if (registry->config->folder[0] != '\0' && folder_read(registry->config->folder, id, &text)) {
        read_schema(buffer_bytes(&text), out);
    }
    buffer_clean_up(&text);
}

static void keep(struct registry *registry, uint32_t id, const char *text) {
    if (registry->config->folder[0] == '\0') {
        return;
    }
    struct failure failure = folder_write(registry->config->folder, id, bytes_of_text(text));
    if (failed(failure) && may_log(&registry->write_log_ms)) {
        log_warn(registry->log, "registry", "a schema could not be kept: %s", failure.text);
    }
}

/* ---- the registry ---- */

static void ask_registry(struct registry *registry, uint32_t id, struct outcome *out) {
    struct fetched fetched;
    fetch_id(registry->http, id, &fetched);
    *out = (struct outcome){.result = fetched.result};
    snprintf(out->reason, sizeof out->reason, "%s", fetched.reason);
    if (fetched.result == FETCH_FOUND) {
        read_schema(bytes_of_text(fetched.text), out);
    }
    if (out->result == FETCH_FOUND) {
        keep(registry, id, fetched.text);
    }
    free(fetched.text);
}

/* After an outage everyone may try again at once. */
static void end_outage(struct registry *registry) {
    if (registry->failures > 1) {
        struct registry_table *table = &registry->table;
        for (size_t i = 0; i < table->waiting_count; i++) {
            table->entries[table->waiting[i]].due_ms = 0;
        }
    }
    registry->failures = 0;
    registry->trouble[0] = '\0';
}

static void report(struct registry *registry, uint32_t id, const struct outcome *outcome) {
    if (outcome->result == FETCH_FAILED && may_log(&registry->failure_log_ms)) {
        log_warn(registry->log, "registry", "no answer, tried again later id=%" PRIu32 ": %s", id,
                 outcome->reason);
        registry->is_failure_logged = true;
    } else if (outcome->result == FETCH_REFUSED) {
        log_warn(registry->log, "registry", "a schema is not read id=%" PRIu32 ": %s", id,
                 outcome->reason);
    } else if (outcome->result == FETCH_MISSING && may_log(&registry->unknown_log_ms)) {
        log_warn(registry->log, "registry", "no schema with this id id=%" PRIu32 " %s", id,
                 outcome->reason);
    }
    if (outcome->result != FETCH_FAILED && !outcome->is_from_file && registry->is_failure_logged) {
        log_info(registry->log, "registry", "answers again failures=%d", registry->failures);
        registry->is_failure_logged = false;
    }
}

/* ---- one id; the mutex is held ---- */

static void note_failure(struct registry *registry, struct table_entry *entry,
                         const struct outcome *outcome) {
    const struct registry_config *config = registry->config;
    int64_t now = clock_monotonic_ms();
    registry->failures++;
    entry->tries++;
    entry->due_ms = now + back_off_ms(config, entry->tries);
    entry->is_for_registry = false; /* the folder may know it by then */
    registry->retry_due_ms = now + back_off_ms(config, registry->failures);
    snprintf(registry->trouble, sizeof registry->trouble, "%s", outcome->reason);
    metric_add(&registry->metrics.failures_total, 1);
}

static void note_outcome(struct registry *registry, struct table_entry *entry,
                         const struct outcome *outcome) {
    int64_t again_ms = clock_monotonic_ms() + registry->config->retry_max_ms;
    switch (outcome->result) {
    case FETCH_FOUND:
        own(registry, outcome);
        settle(registry, entry, ENTRY_FOUND, NEVER_MS);
        entry->schema = outcome->schema;
        break;
    case FETCH_MISSING:
        settle(registry, entry, ENTRY_UNKNOWN, again_ms);
        metric_add(&registry->metrics.unknown_total, 1);
        break;
    case FETCH_REFUSED:
        settle(registry, entry, ENTRY_REFUSED, outcome->is_from_file ? again_ms : NEVER_MS);
        metric_add(&registry->metrics.refused_total, 1);
        break;
    case FETCH_FAILED:
        note_failure(registry, entry, outcome);
        break;
    }
}

static void take_out_time(struct registry *registry) {
    int64_t now = clock_monotonic_ms();
    int64_t from_ms = registry->spaced_until_ms > now ? registry->spaced_until_ms : now;
    registry->spaced_until_ms = from_ms + SPACING_MS;
}

/* Waiting entries stay where they are while the mutex is let go. */
static void fetch_entry(struct registry *registry, struct table_entry *entry) {
    uint32_t id = entry->id;
    bool is_request = entry->is_for_registry;
    struct outcome outcome = {0};
    pthread_mutex_unlock(&registry->mutex);
    int64_t requests = is_request ? registry_http_requests(registry->http) : 0;
    if (is_request) {
        ask_registry(registry, id, &outcome);
        requests = registry_http_requests(registry->http) - requests;
    } else {
        look_into_folder(registry, id, &outcome);
    }
    bool is_done = outcome.result == FETCH_FOUND || !registry->http || is_request;
    if (is_done) {
        report(registry, id, &outcome);
    } else if (outcome.result == FETCH_REFUSED && entry->tries == 0) {
        log_warn(registry->log, "registry",
                 "a file is not read, the registry is asked file=%s/"
                 "%" PRIu32 ".avsc: %s",
                 registry->config->folder, id, outcome.reason);
    }
    pthread_mutex_lock(&registry->mutex);
    metric_add(&registry->metrics.requests_total, requests);
    if (registry->is_closing && outcome.result == FETCH_FAILED) {
        return;
    }
    if (!is_done) {
        entry->is_for_registry = true;
        return;
    }
    if (is_request && outcome.result != FETCH_FAILED) {
        end_outage(registry);
    }
    if (is_request && outcome.result == FETCH_MISSING) {
        take_out_time(registry);
    }
    note_outcome(registry, entry, &outcome);
}

static void *run(void *context) {
    struct registry *registry = context;
    pthread_mutex_lock(&registry->mutex);
    while (!registry->is_closing) {
        int64_t spaced_ms = registry->spaced_until_ms - BURST_MS;
        int64_t request_due_ms =
            registry->retry_due_ms > spaced_ms ? registry->retry_due_ms : spaced_ms;
        int64_t due_ms = NEVER_MS;
        struct table_entry *entry = registry_table_next(&registry->table, request_due_ms, &due_ms);
        if (registry->is_scan_wanted) {
            scan(registry);
        } else if (entry && due_ms <= clock_monotonic_ms()) {
            fetch_entry(registry, entry);
        } else {
            wait_until(registry, due_ms);
        }
    }
    pthread_mutex_unlock(&registry->mutex);
    return NULL;
}

/* ---- life ---- */

static void start(struct registry *registry) {
    /* Signals are for the threads that wait for them. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&registry->thread, NULL, run, registry);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(error == 0);
}

static void clean_up(struct registry *registry) {
    registry_http_destroy(registry->http);
    registry_table_clean_up(&registry->table);
    folder_seen_clean_up(&registry->seen);
    pthread_cond_destroy(&registry->changed);
    pthread_mutex_destroy(&registry->mutex);
    free(registry);
}

struct failure registry_new(const struct registry_config *config, const struct log_sink *log,
                            struct registry **out) {
    struct registry *registry = memory_new(1, sizeof *registry);
    *out = NULL;
    registry->config = config;
    registry->log = log;
    pthread_mutex_init(&registry->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&registry->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    registry_table_init(&registry->table);
    registry->http = config->url[0] != '\0' ? registry_http_new(config) : NULL;
    if (config->folder[0] != '\0') {
        struct failure failure = folder_scan(config->folder, &registry->seen, take_file, registry);
        if (failed(failure)) {
            clean_up(registry);
            return failure;
        }
        registry->scan_due_ms = clock_monotonic_ms() + config->retry_max_ms;
    }
    start(registry);
    *out = registry;
    return failure_none();
}

void registry_destroy(struct registry *registry) {
    if (!registry) {
        return;
    }
    pthread_mutex_lock(&registry->mutex);
    registry->is_closing = true;
    pthread_cond_signal(&registry->changed);
    pthread_mutex_unlock(&registry->mutex);
    if (registry->http) {
        registry_http_cancel(registry->http);
    }
    int error = pthread_join(registry->thread, NULL);
    assert(error == 0);
    clean_up(registry);
}

const struct registry_metrics *registry_metrics_of(const struct registry *registry) {
    return &registry->metrics;
}

void registry_trouble(struct registry *registry, char *out, size_t size) {
    pthread_mutex_lock(&registry->mutex);
    snprintf(out, size, "%s", registry->trouble);
    pthread_mutex_unlock(&registry->mutex);
}

/* ---- questions ---- */

static const enum registry_answer answers[] = {
    [ENTRY_WAITING] = REGISTRY_WAIT,
    [ENTRY_FOUND] = REGISTRY_FOUND,
    [ENTRY_UNKNOWN] = REGISTRY_UNKNOWN,
    [ENTRY_REFUSED] = REGISTRY_REFUSED,
};

/* The mutex is held. */
static void ask(struct registry *registry, struct table_entry *entry) {
    if (registry_table_wait(&registry->table, entry, clock_monotonic_ms())) {
        metric_set(&registry->metrics.waiting, (int64_t)registry->table.waiting_count);
        pthread_cond_signal(&registry->changed);
    }
}

/* The mutex is held. */
static enum registry_answer find_new(struct registry *registry, uint32_t id, bool *out_is_full) {
    struct registry_table *table = &registry->table;
    if (table->waiting_count == TABLE_ASKED_MAX) {
        return REGISTRY_WAIT; /* whoever asks again later gets a place */
    }
    struct table_entry *entry = registry_table_add(table, id);
    *out_is_full = !entry && !registry->is_full;
    registry->is_full = !entry;
    if (!entry) {
        return REGISTRY_REFUSED;
    }
    ask(registry, entry);
    return REGISTRY_WAIT;
}

enum registry_answer registry_find(struct registry *registry, uint32_t id,
                                   const struct writer_schema **out) {
    *out = NULL;
    bool is_full = false;
    enum registry_answer answer;
    pthread_mutex_lock(&registry->mutex);
    struct table_entry *entry = registry_table_find(&registry->table, id);
    if (entry) {
        bool is_settled = entry->state == ENTRY_UNKNOWN || entry->state == ENTRY_REFUSED;
        if (is_settled && entry->due_ms <= clock_monotonic_ms()) {
            ask(registry, entry);
        }
        answer = answers[entry->state];
        *out = entry->schema;
    } else {
        answer = find_new(registry, id, &is_full);
    }
    pthread_mutex_unlock(&registry->mutex);
    if (is_full) {
        log_error(registry->log, "registry", "too many schemas, further ones are refused known=%d",
                  TABLE_IDS_MAX);
    }
    return answer;
}

enum registry_answer registry_find_fingerprint(struct registry *registry, uint64_t fingerprint,
                                               const struct writer_schema **out) {
    pthread_mutex_lock(&registry->mutex);
    *out = registry_table_find_print(&registry->table, fingerprint);
    if (!*out && registry->config->folder[0] != '\0' &&
        clock_monotonic_ms() >= registry->scan_due_ms) {
        registry->is_scan_wanted = true;
        pthread_cond_signal(&registry->changed);
    }
    bool is_waiting = registry->is_scan_wanted;
    pthread_mutex_unlock(&registry->mutex);
    return *out ? REGISTRY_FOUND : is_waiting ? REGISTRY_WAIT : REGISTRY_UNKNOWN;
}
