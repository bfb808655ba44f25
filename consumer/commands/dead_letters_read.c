#include "consumer/commands/dead_letters_read.h"

#include <stdlib.h>

#include "consumer/commands/support.h"
#include "schemas/schemas.h"

#define STUCK_MAX_MS 60000 /* a worker that died leaves its transaction open for about as long */

static struct topic_read_request request_of(struct letters *letters) {
    letters->is_enough = false;
    return (struct topic_read_request){
        .bootstrap_servers = letters->config->broker.bootstrap_servers,
        .kafka = &letters->config->broker.kafka,
        .topic = letters->topic,
        .partition = TOPIC_ALL_PARTITIONS,
        .stuck_max_ms = STUCK_MAX_MS,
        .is_enough = &letters->is_enough,
    };
}

struct failure letters_open(const struct pipeline_config *config, struct letters *out) {
    static const enum topic inputs[] = {TOPIC_CLICKSTREAM, TOPIC_PUSH_FEEDBACK};
    *out = (struct letters){.config = config, .topic = config->topics.full[TOPIC_DEAD_LETTERS]};
    struct failure failure =
        command_count_partitions(config, TOPIC_DEAD_LETTERS, &out->partition_count);
    if (!failed(failure) && out->partition_count == 0) {
        failure = failure_make(FAILURE_STOP, 0, "there is no topic %s", out->topic);
    }
    for (int i = 0; i < 2 && !failed(failure); i++) {
        out->rules.inputs[i] = bytes_of_text(config->topics.full[inputs[i]]);
        failure = command_count_partitions(config, inputs[i], &out->rules.partitions[i]);
    }
    if (!failed(failure)) {
        out->ends = memory_new((size_t)out->partition_count, sizeof *out->ends);
    }
    return failure;
}

void letters_close(struct letters *letters) {
    letter_notes_clean_up(&letters->notes);
    free(letters->ends);
    letters->ends = NULL;
}

static bool decode(const struct record *record, struct dead_letter_row *out) {
    struct bytes body;
    return record->value.data &&
           wire_unframe(WIRE_SINGLE_OBJECT, SCHEMA_DEAD_LETTER, 0, record->value, &body) &&
           dead_letter_decode(body, out);
}

static struct failure check_whole(const struct letters *letters,
                                  const struct topic_read_result *result) {
    return result->is_whole || letters->is_enough
               ? failure_none()
               : failure_make(FAILURE_RETRY, 0,
                              "%s: an open transaction hides the newest letters; try again later",
                              letters->topic);
}

/* ---- the first reading ---- */

static void take_note(void *context, const struct record *record) {
    struct letters *letters = context;
    struct dead_letter_row row;
    letters->is_enough = stop_requested;
    if (record->partition < letters->partition_count) {
        letters->ends[record->partition] = record->offset + 1;
    }
    if (!decode(record, &row)) {
        letters->unreadable++;
    } else if (letter_is_note(&row, letters->topic)) {
        letter_notes_add(&letters->notes, &row);
    }
}

struct failure letters_read_notes(struct letters *letters) {
    struct topic_read_request request = request_of(letters);
    struct topic_read_result result;
    letters->unreadable = 0;
    struct failure failure = topic_read(&request, take_note, letters, &result);
    if (failed(failure)) {
        return failure;
    }
    return letters->is_enough ? failure_make(FAILURE_STOP, 0, "stopped before anything was done")
                              : check_whole(letters, &result);
}

/* ---- the second ---- */

struct visiting {
    struct letters *letters;
    letter_visit *visit;
    void *context;
};

static void take_letter(void *context, const struct record *record) {
    const struct visiting *visiting = context;
    struct letters *letters = visiting->letters;
    struct dead_letter_row row;
    /* What came since, perhaps because of us, has its turn at the next call. */
    if (record->partition >= letters->partition_count ||
        record->offset >= letters->ends[record->partition] || !decode(record, &row) ||
        letter_is_note(&row, letters->topic)) {
        return;
    }
    const struct letter letter = {record->partition, record->offset, record->timestamp_ms, &row};
    letters->is_enough = stop_requested || !visiting->visit(visiting->context, &letter);
}

struct failure letters_visit(struct letters *letters, letter_visit *visit, void *context) {
    struct visiting visiting = {letters, visit, context};
    struct topic_read_request request = request_of(letters);
    struct topic_read_result result;
    struct failure failure = topic_read(&request, take_letter, &visiting, &result);
    return failed(failure) ? failure : check_whole(letters, &result);
}
