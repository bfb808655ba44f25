#include "consumer/commands/sample_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/ops/printable.h"
#include "schemas/schemas.h"

#define SUBJECT_BYTES_MAX   300
#define REGISTRY_TIMEOUT_MS 10000

void sample_check_init(struct sample_check *check, const struct pipeline_config *config,
                       const struct decode_sources *sources, enum sample_form form,
                       const char *source) {
    *check = (struct sample_check){
        .config = config, .source = source, .form = form, .decode_config = config->decode};
    struct decode_sources used = sources ? *sources : (struct decode_sources){0};
    check->coverage.mapping = used.mapping;
    if (form == SAMPLE_JSON_LINES) {
        check->decode_config.format = FORMAT_JSON;
        check->decode_config.framing = WIRE_BARE;
        used.mapping = used.mapping ? used.mapping : used.own;
    }
    check->decode = memory_new(1, sizeof *check->decode);
    decode_init(check->decode, &check->decode_config, &used);
}

void sample_check_clean_up(struct sample_check *check) {
    if (check->decode) {
        decode_clean_up(check->decode);
        free(check->decode);
    }
    *check = (struct sample_check){0};
}

static enum event_verdict read_event(struct sample_check *check, struct bytes value,
                                     struct event *out) {
    if (decode_asks_registry(check->decode)) {
        int timeout_ms = check->is_registry_slow ? 0 : REGISTRY_TIMEOUT_MS;
        check->is_registry_slow |= !sources_wait(check->decode, false, value, timeout_ms);
    }
    return decode_record(check->decode, 0, false, value, out);
}

static void count_times(struct sample_check *check, int64_t event_ms, int64_t timestamp_ms) {
    bool is_first = check->verdicts[EVENT_OK] == 1;
    check->first_ms = is_first || event_ms < check->first_ms ? event_ms : check->first_ms;
    check->last_ms = is_first || event_ms > check->last_ms ? event_ms : check->last_ms;
    check->future +=
        timestamp_ms >= 0 && event_ms > timestamp_ms + check->config->clean.max_skew_ms;
}

void sample_check_add(void *context, const struct record *record) {
    struct sample_check *check = context;
    struct event event;
    enum event_verdict verdict = read_event(check, record->value, &event);
    check->records++;
    check->verdicts[verdict]++;
    if (verdict != EVENT_OK) {
        return;
    }
    bool has_user = event.user_id.size > 0;
    bool has_key = record->key.size > 0;
    check->types[event.type]++;
    check->unkeyed += !has_key && has_user;
    check->no_user += !has_key && !has_user;
    check->key_mismatch += has_key && has_user && !bytes_equal(record->key, event.user_id);
    check->no_event_id += event.event_id.size == 0;
    check->feedback += event.type == EVENT_PUSH_DELIVERED || event.type == EVENT_PUSH_OPENED ||
                       event.type == EVENT_PUSH_DISMISSED;
    count_times(check, event.event_ms, record->timestamp_ms);
    coverage_add(&check->coverage, &event);
}

void sample_check_add_line(void *context, struct bytes line) {
    sample_check_add(context, &(struct record){.value = line, .timestamp_ms = -1});
}

/* ---- Findings ---- */

static double percent(int64_t part, int64_t whole) {
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static const char *hint_of(enum event_verdict verdict) {
    switch (verdict) {
    case EVENT_BAD_FRAMING:
        return "; see decode.framing";
    case EVENT_BAD_JSON:
        return "; see decode.format";
    case EVENT_MISSING_FIELD:
        return "; the mapping finds no type or no time in them";
    default:
        return "";
    }
}

static void find_undecodable(const struct sample_check *check, const char *subject,
                             struct findings *findings) {
    int64_t good = check->verdicts[EVENT_OK];
    for (int verdict = EVENT_OK + 1; verdict < EVENT_VERDICT_COUNT; verdict++) {
        int64_t count = check->verdicts[verdict];
        if (count == 0) {
            continue;
        }
        findings_add(findings, good == 0 ? FINDING_ERROR : FINDING_WARNING, subject,
                     "%" PRId64 " of %" PRId64
                     " records are not events (%s, %.1f %%); they would go to dead-letters%s",
                     count, check->records, event_verdict_name((enum event_verdict)verdict),
                     percent(count, check->records), hint_of((enum event_verdict)verdict));
    }
    struct registry *registry = check->decode->sources.registry;
    if (check->verdicts[EVENT_UNKNOWN_SCHEMA] > 0 && registry) {
        char trouble[256];
        registry_trouble(registry, trouble, sizeof trouble);
        findings_add(findings, FINDING_WARNING, subject, "schema registry: %s",
                     trouble[0] ? trouble : "it answers, but has no such schema that we read");
    }
}

static void find_unkeyed(const struct sample_check *check, const char *subject, bool allow_unkeyed,
                         struct findings *findings) {
    if (check->form == SAMPLE_JSON_LINES) {
        if (check->no_user > 0) {
            findings_add(findings, FINDING_WARNING, subject,
                         "%" PRId64
                         " events have no user id; the key of their record stands for it",
                         check->no_user);
        }
        return;
    }
    int64_t good = check->verdicts[EVENT_OK];
    int64_t foreign = check->key_mismatch + check->unkeyed;
    if (foreign > 0) {
        findings_add(findings, allow_unkeyed ? FINDING_WARNING : FINDING_ERROR, subject,
                     "key_mismatch: in %" PRId64 " of %" PRId64
                     " events (%.1f %%) the record's key is not the user id (%" PRId64
                     " have no key); one user's events may lie in several partitions and are never "
                     "joined; produce with the user id as key, or accept it by --allow-unkeyed",
                     foreign, good, percent(foreign, good), check->unkeyed);
    }
    if (check->no_user > 0) {
        findings_add(findings, FINDING_WARNING, subject,
                     "%" PRId64 " events have neither a user id nor a key; they would be refused",
                     check->no_user);
    }
}

static void find_refusals(const struct sample_check *check, const char *subject,
                          struct findings *findings) {
    if (check->future > 0) {
        findings_add(findings, FINDING_WARNING, subject,
                     "%" PRId64 " events are more than clean.max_skew ahead of their record's "
                     "timestamp; they would be refused",
                     check->future);
    }
    if (check->feedback > 0) {
        findings_add(findings, FINDING_WARNING, subject,
                     "%" PRId64 " events are push feedback, which belongs to the topic "
                     "push-feedback; they would be refused",
                     check->feedback);
    }
    if (check->no_event_id > 0) {
        findings_add(findings, FINDING_OK, subject,
                     "%" PRId64 " events have no event_id; such events are not de-duplicated",
                     check->no_event_id);
    }
}

static void find_facts(const struct sample_check *check, const char *subject, bool is_append_time,
                       struct findings *findings) {
    struct buffer text;
    buffer_init(&text, 256);
    printable_append_instant(&text, check->first_ms);
    buffer_append(&text, bytes_of_text(" to "));
    printable_append_instant(&text, check->last_ms);
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        if (check->types[type] > 0) {
            buffer_format(&text, ", %s %" PRId64, event_type_name((enum event_type)type),
                          check->types[type]);
        }
    }
    findings_add(findings, FINDING_OK, subject, "%" PRId64 " events decoded, %.*s",
                 check->verdicts[EVENT_OK], BYTES_ARG(buffer_bytes(&text)));
    buffer_clean_up(&text);
    if (check->form == SAMPLE_JSON_LINES) {
        return;
    }
    findings_add(findings, FINDING_OK, subject,
                 is_append_time
                     ? "record timestamps are the broker's (LogAppendTime)"
                     : "record timestamps are the producers' (CreateTime): retention and "
                       "max_skew follow what they say");
}

void sample_check_findings(const struct sample_check *check, bool is_append_time,
                           bool allow_unkeyed, struct findings *findings) {
    char subject[SUBJECT_BYTES_MAX];
    snprintf(subject, sizeof subject, "sample of %s", check->source);
    if (check->records == 0) {
        findings_add(findings, FINDING_WARNING, subject,
                     "the %s is empty: nothing is known of its records",
                     check->form == SAMPLE_TOPIC ? "topic" : "file");
        return;
    }
    find_undecodable(check, subject, findings);
    if (check->verdicts[EVENT_OK] > 0) {
        find_unkeyed(check, subject, allow_unkeyed, findings);
        find_refusals(check, subject, findings);
        find_facts(check, subject, is_append_time, findings);
        coverage_findings(&check->coverage, subject, findings);
    }
}

void sample_check_write_json(const struct sample_check *check, struct buffer *out) {
    buffer_format(out, "{\"records\":%" PRId64 ",\"verdicts\":{", check->records);
    for (int verdict = 0; verdict < EVENT_VERDICT_COUNT; verdict++) {
        buffer_format(out, "%s\"%s\":%" PRId64, verdict ? "," : "",
                      event_verdict_name((enum event_verdict)verdict), check->verdicts[verdict]);
    }
    buffer_format(out,
                  "},\"unkeyed\":%" PRId64 ",\"key_mismatch\":%" PRId64 ",\"no_user\":%" PRId64
                  ",\"future\":%" PRId64 ",\"no_event_id\":%" PRId64 ",\"feedback\":%" PRId64
                  ",\"coverage\":",
                  check->unkeyed, check->key_mismatch, check->no_user, check->future,
                  check->no_event_id, check->feedback);
    coverage_write_json(&check->coverage, out);
    buffer_append_byte(out, '}');
}
